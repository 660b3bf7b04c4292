#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/build/calls.py: what it makes compiles in C and C++; a bad table is refused in words."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/build/calls.py")
TABLE = os.path.join(ROOT, "kernel/syscall/calls.table")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow"]
COMPILERS = (["gcc", "-std=c11"], ["g++", "-std=c++17"], ["clang", "-std=c11"],
             ["clang++", "-std=c++17"])


def calls(what, table=TABLE):
    """Runs the generator."""
    return subprocess.run([sys.executable, "-B", SCRIPT, what, table], capture_output=True,
                          text=True, check=False)


class Made(unittest.TestCase):
    """The generated headers."""

    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory(prefix="exo-calls-")
        cls.where = cls._directory.name
        os.makedirs(os.path.join(cls.where, "generated"))
        for what in ("numbers", "kernel", "table", "user", "kinds"):
            made = calls(what)
            if made.returncode:
                raise AssertionError(made.stderr)
            with open(os.path.join(cls.where, f"generated/calls_{what}.h"), "w",
                      encoding="utf-8") as file:
                file.write(made.stdout)

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    def compile(self, compiler, text, *words):
        """Compiles a text; returns the assembly."""
        suffix = ".cpp" if "++" in compiler[0] else ".c"
        source = os.path.join(self.where, "source" + suffix)
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([*compiler, *WARNINGS, "-O2", "-I", self.where, "-I",
                               os.path.join(ROOT, "include"), "-S", "-o", "-", *words, source],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_stubs_compile_in_every_language(self):
        for compiler in COMPILERS:
            for flat in ((), ("-DEXO_FLAT",), ("-DEXO_FLAT", "-DCONFIG_OBJECTS")):
                with self.subTest(compiler=compiler[0], flat=flat):
                    self.compile(compiler, "#include <generated/calls_user.h>\n"
                                 "#include <generated/calls_kinds.h>\nint name(void);\n"
                                 "int name(void) { return *exo_call_kinds->name; }\n", *flat)

    def test_a_stub_costs_no_instruction(self):
        """A call with six arguments: number, one move (RCX to R10), SYSCALL, RET."""
        text = ("#include <generated/calls_user.h>\n"
                "struct exo_result f(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);\n"
                "struct exo_result f(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,"
                " uint64_t g)\n{ return exo_thread_config(a, b, c, d, e, g); }\n")
        assembly = self.compile(["gcc", "-std=c11", "-fcf-protection=none"], text)
        body = assembly.split("f:\n")[1].split(".cfi_endproc")[0]
        body = re.findall(r"^\t([a-z]\w*)", body, re.M)
        self.assertEqual([word for word in body if word not in ("mov", "movl", "movq")],
                         ["syscall", "ret"])
        self.assertLessEqual(len(body), 4)
        self.assertIn(f"${2**31 + 11}", assembly)

    def test_a_flat_stub_costs_no_instruction(self):
        """With objects, six arguments are where C has them: number, call, ret; and with none of
        them the registers that the kernel uses are said to be lost."""
        text = ("#include <generated/calls_user.h>\n"
                "struct exo_result f(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);\n"
                "struct exo_result f(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,"
                " uint64_t g)\n{ return exo_thread_config(a, b, c, d, e, g); }\n"
                "uint64_t g(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);\n"
                "uint64_t g(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,"
                " uint64_t f)\n{ exo_null(); return a + b + c + d + e + f; }\n")
        assembly = self.compile(["gcc", "-std=c11", "-fno-pic", "-fcf-protection=none"], text,
                                "-DEXO_FLAT", "-DCONFIG_OBJECTS")
        body = assembly.split("f:\n")[1].split(".cfi_endproc")[0]
        body = re.findall(r"^\t([a-z]\w*)", body, re.M)
        self.assertEqual(body, ["movl", "call", "ret"])
        self.assertIn("$11, %eax\n", assembly)
        after = re.split(r"\ng:\n", assembly)[1]
        after = re.split(r"call\s+exo_flat_call", after)[1]
        self.assertEqual(re.findall(r"%(?:r|e)(?:di|si|dx|cx|8|9)\b", after.split("addq")[0]), [])

    def test_a_flat_stub_is_the_call(self):
        text = ("#include <generated/calls_user.h>\nstruct exo_result f(const char *, uint64_t);\n"
                "struct exo_result f(const char *a, uint64_t b)\n"
                "{ return exo_debug_write(a, b); }\n")
        assembly = self.compile(["gcc", "-std=c11", "-fno-pic", "-fcf-protection=none"], text,
                                "-DEXO_FLAT")
        self.assertIn("jmp\tsys_debug_write", assembly)

    def test_a_call_that_is_not_there(self):
        text = "#include <generated/calls_user.h>\nint main(void) { return %s; }\n"
        expression = "exo_cap_delete(1, 1).error == -EXO_E_CALL ? 0 : 1"
        self.assertNotIn("sys_cap_delete", self.compile(["gcc", "-std=c11"], text % expression,
                                                        "-DEXO_FLAT"))

    def test_the_table_has_32_rows_and_no_hole(self):
        made = calls("table").stdout
        for options in ((), ("CONFIG_OBJECTS",)):
            text = subprocess.run(["cpp", "-P", *[f"-D{name}" for name in options]], input=re.sub(
                r"#include.*", "", made), capture_output=True, text=True, check=True).stdout
            rows = re.findall(r"\[(\d+)\] = (\w+),", text)
            self.assertEqual([int(number) for number, _ in rows], list(range(32)))
            self.assertEqual(("1", "call_cap_copy") in rows, bool(options))
            self.assertIn(("0", "call_null"), rows)
            self.assertIn(("29", "sys_unknown"), rows)

    def test_manual_names_every_call(self):
        page = calls("doc").stdout
        for name in re.findall(r"EXO_CALL_(\w+) =", calls("numbers").stdout):
            self.assertIn(f"`{name.lower()}(", page)

    def test_twice_the_same(self):
        self.assertEqual(calls("user").stdout, calls("user").stdout)


class Bad(unittest.TestCase):
    """Tables that make no sense."""

    def refused(self, text, pattern):
        """The generator names file and line and says why."""
        with tempfile.NamedTemporaryFile("w", suffix=".table") as file:
            file.write("# comment\n" + text)
            file.flush()
            done = calls("numbers", file.name)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, re.escape(file.name) + pattern)
            self.assertNotIn("Traceback", done.stderr)
            self.assertEqual(done.stdout.count("enum"), 0)

    def test_errors(self):
        for text, pattern in (
                ("32 x : text\n", r":2: number 32 is not below 32"),
                ("-1 x : text\n", r":2: want NUMBER NAME"),
                ("x : text\n", r":2: want NUMBER NAME"),
                ("1 x\n", r":2: no ' : '"),
                ("1 x : \n", r":2: no ' : '"),
                ("1 X : text\n", r":2: the call must be a lower-case name.*'X'"),
                ("1 while : text\n", r":2: the call must be .*'while'"),
                ("1 x a:u64 a:u64 : text\n", r":2: two arguments are called 'a'"),
                ("1 x class:u64 : text\n", r":2: an argument must be .*'class'"),
                ("1 x a:u65 : text\n", r":2: 'a:u65' is no ARGUMENT:KIND; kinds: cap "),
                ("1 x a : text\n", r":2: 'a' is no ARGUMENT:KIND"),
                ("1 x n:size : text\n", r":2: 'n:size' must follow the address"),
                ("1 x a:u64 b:u64 c:u64 d:u64 e:u64 f:u64 g:u64 : text\n", r":2: 7 arguments"),
                ("1 x [objects] : text\n", r":2: '\[objects\]' is no \[OPTION\]"),
                ("1 x [OBJECTS : text\n", r":2: '\[OBJECTS' is no \[OPTION\]"),
                ("1 x -> : text\n", r":2: what follows '->'"),
                ("1 x : text\n2 x : text\n", r":3: x has the same number or name"),
                ("1 x : text\n1 y : text\n", r":3: x has the same number or name"),
                ("", r": no calls")):
            with self.subTest(text):
                self.refused(text, pattern)

    def test_unknown_word(self):
        self.assertIn("usage:", calls("nonsense").stderr)


if __name__ == "__main__":
    unittest.main()
