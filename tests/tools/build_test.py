#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The build compiles what has changed, all of that and nothing else, and always the same.

Everything happens in copies of the tree, so that files can be touched and changed. Which files
depend on a header or an option is asked of the compiler (-M), not of the build's own bookkeeping.
In scripts/test, where builds share objects, what must compile by itself does: PLAIN.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import child, compile_once, fresh, tree  # noqa: E402

SCALE = float(os.environ.get("EXO_TEST_SCALE", "1"))
PLAIN = {"PATH": compile_once.without(os.environ["PATH"])}
# Hold the configuration's hash or text, or addresses: they follow any change.
FOLLOWERS = {"kernel/version.c", "kernel/config_text.asm", "kernel/symbol_table.asm",
             "arch/x86_64/relocation_table.asm", "user/programs.asm"}


def make(directory, *words, where=None, env=None):
    """Runs make in a copied tree with O=directory; returns a child.Finished."""
    return child.run(["make", f"O={directory}", *words], 300 * SCALE, cwd=where or Copy.tree,
                     env={"MAKEFLAGS": "", **(env or {})})


def compiled(output, kinds="CC|NASM"):
    """The source files that a build compiled, as it says itself."""
    return set(re.findall(rf"^  (?:{kinds}) +(\S+)$", output, re.M))


def read(*parts):
    """A file's bytes."""
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


class Copy(unittest.TestCase):
    """Base: a copy of the tree in self.tree, a kernel built in self.out."""
    tree = out = None
    defconfig = "bench_defconfig"

    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory(prefix="exo-build-")
        Copy.tree = os.path.join(cls._directory.name, "tree")
        fresh.copy_tree(Copy.tree)
        cls.out = cls.new("out")
        cls.first = make(cls.out, cls.defconfig, "all", "-j2")
        if not cls.first.ok:
            raise AssertionError(cls.first.output)

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    @classmethod
    def new(cls, name):
        """A path beside the tree."""
        return os.path.join(cls._directory.name, name)

    def build(self, *words, **options):
        """A build that must succeed; returns its output."""
        done = make(options.pop("out", self.out), "-j2", *words, **options)
        self.assertTrue(done.ok, done.output)
        return done.output

    def dependencies(self):
        """{C file: set of the files that its compilation reads}, from the compiler."""
        script = [sys.executable, "-B", "scripts/build/compile_commands.py", self.out]
        listed = subprocess.run(script, cwd=self.tree, capture_output=True, text=True,
                                check=True).stdout
        found = {}
        for row in json.loads(listed):
            words = shlex.split(row["command"])
            words = words[:words.index("-MMD")] + ["-M", row["file"]]
            rule = subprocess.run(words, cwd=self.tree, capture_output=True, text=True, check=True)
            names = rule.stdout.split(":", 1)[1].replace("\\\n", " ").split()
            # make leaves the output directory out of what it prints
            found[row["file"].removeprefix(self.out + "/")] = set(map(os.path.normpath, names))
        return found

    def set_option(self, name, value):
        """Edits .config, as a person would."""
        config = os.path.join(self.out, ".config")
        with open(config, encoding="utf-8") as file:
            text = tree.change_settings(file.read(), {name: value})
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)


class Rebuild(Copy):
    """What a change compiles."""

    def setUp(self):
        self.build()

    def test_first_build_prints_one_short_line_a_file(self):
        lines = self.first.output.splitlines()
        built = [line for line in lines if re.match(r"  [A-Z]+ +\S+$", line)]
        self.assertGreater(len(compiled(self.first.output, "CC")), 20)
        self.assertGreater(len(built), len(lines) - 8, lines)
        self.assertEqual(len(built), len(set(built)))
        self.assertLess(max(map(len, built)), 80)

    def test_nothing_changed_compiles_nothing(self):
        self.assertNotRegex(self.build(), r"(?m)^  [A-Z]+ ")
        self.assertNotRegex(self.build("iso") and self.build("iso"), r"(?m)^  [A-Z]+ ")

    def test_touched_file(self):
        os.utime(os.path.join(self.tree, "lib/printf.c"))
        self.assertEqual(compiled(self.build()) - FOLLOWERS, {"lib/printf.c"})

    def test_touched_header(self):
        header = "include/exo/monitor.h"
        expected = {name for name, needs in self.dependencies().items() if header in needs}
        self.assertGreater(len(expected), 2)
        os.utime(os.path.join(self.tree, header))
        self.assertEqual(compiled(self.build(), "CC") - FOLLOWERS, expected - FOLLOWERS)

    def test_constant_for_nasm(self):
        source = os.path.join(self.tree, "arch/x86_64/asm_offsets.c")
        with open(source, encoding="utf-8") as file:
            text = file.read()
        self.addCleanup(self._write, source, text)
        self._write(source, text.replace("void asm_offsets(void)\n{", "void asm_offsets(void)\n{\n"
                                         "\tDEFINE(ASM_ANOTHER, 1);", 1))
        names = {os.path.relpath(name, self.tree) for name in self._nasm_files()}
        self.assertGreater(len(names), 2)
        self.assertEqual(compiled(self.build(), "NASM") - FOLLOWERS, names)

    def _nasm_files(self):
        """The NASM sources of this build that include the constants of C."""
        for top in ("arch/x86_64", "kernel"):
            for directory, _, names in os.walk(os.path.join(self.tree, top)):
                for name in names:
                    path = os.path.join(directory, name)
                    built = os.path.join(self.out, os.path.relpath(path, self.tree) + ".o")
                    if name.endswith(".asm") and os.path.exists(built) \
                            and b"asm-offsets.inc" in read(path):
                        yield path

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_one_option(self):
        for option, value in (("MONITOR_HISTORY", 7), ("LOG_LEVEL", 3), ("PANIC_LOG_LINES", 5)):
            with self.subTest(option):
                expected = self._mention(option)
                self.assertTrue(expected)
                self.set_option(option, value)
                self.assertEqual(compiled(self.build(), "CC") - FOLLOWERS, expected - FOLLOWERS)

    def _mention(self, option):
        """Files whose compilation reads the option's name in anything but the list of options."""
        pattern = re.compile(rb"\bCONFIG_%s\b" % option.encode())
        dependencies = self.dependencies()
        cache = {}
        for name in set().union(*dependencies.values()):
            if not name.endswith("autoconf.h"):
                cache[name] = bool(pattern.search(read(self.tree, name)))
        return {name for name, needs in dependencies.items()
                if any(cache.get(need) for need in needs)}

    def test_option_that_picks_files(self):
        before = read(self.out, "exo-kernel.elf")
        self.set_option("MONITOR_COMPLETION", False)
        self.set_option("HPET", False)
        output = self.build()
        self.assertNotIn("arch/x86_64/clock_hpet.c", output)
        self.assertIn(b"clock_hpet.c", before)
        self.assertNotIn(b"clock_hpet.c", read(self.out, "exo-kernel.elf"))
        self.set_option("MONITOR_COMPLETION", True)
        self.set_option("HPET", True)
        self.build()
        self.assertTrue(read(self.out, "exo-kernel.elf") == before, "back, but not the same")

    def test_compiler_flag_compiles_all_c(self):
        every = set(self.dependencies())
        output = self.build("EXTRA_CFLAGS=-DSOMETHING")
        self.assertEqual(compiled(output, "CC"), every)
        self.assertEqual(compiled(output, "NASM") - FOLLOWERS, set())
        self.assertEqual(compiled(self.build("EXTRA_CFLAGS=-DSOMETHING")), set())

    def test_other_compiler_compiles_all(self):
        if not shutil.which("clang"):
            self.skipTest("clang is not installed")
        self.assertEqual(compiled(self.build("LLVM=1"), "CC"), set(self.dependencies()))


class Apart(Copy):
    """Builds that must not meet, and builds that must be equal to one whose objects others made."""
    defconfig = "embedded_protected_defconfig"

    def names(self):
        """Every file of the copied tree."""
        return {os.path.join(where, name) for where, _, files in os.walk(self.tree)
                for name in files if "__pycache__" not in where}

    def same_as_clean(self, out):
        """The kernel in a directory is what a build from nothing gives there."""
        kernel = read(out, "exo-kernel.elf")
        self.build("clean", out=out)
        self.build(out=out)
        self.assertTrue(kernel == read(out, "exo-kernel.elf"), "a clean build differs")

    def test_builds_side_by_side(self):
        before = self.names()
        outs = {name: self.new(f"side-{name}")
                for name in ("embedded_protected", "embedded_minimal", "embedded_flat")}
        running = [child.start(["make", f"O={out}", "-j2", f"{name}_defconfig", "all"],
                               cwd=self.tree, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               env={**os.environ, **PLAIN, "MAKEFLAGS": ""})
                   for name, out in outs.items()]
        for process in running:
            self.assertEqual(process.wait(300 * SCALE), 0)
        self.assertEqual(self.names(), before)
        for out in outs.values():
            self.same_as_clean(out)

    def test_two_directories_give_the_same_bytes(self):
        self.build("iso")
        other = os.path.join(self.new("quite/another/place"), "tree")
        shutil.copytree(self.tree, other)
        out = os.path.join(other, "build")
        time.sleep(1.1)  # a date in seconds would differ
        self.build(self.defconfig, out="build", where=other)
        self.build("all", "iso", out="build", where=other, env={**PLAIN, "TZ": "Asia/Tokyo"})
        for name in ("exo-kernel.elf", "exo-kernel.iso"):
            with self.subTest(name):
                self.assertTrue(read(self.out, name) == read(out, name), f"{name} differs")

    def test_killed_builds_leave_nothing_wrong(self):
        out = self.new("killed")
        self.build(self.defconfig, out=out)
        for moment in (0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2):
            process = child.start(["make", f"O={out}", "-j2"], cwd=self.tree,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, **PLAIN})
            time.sleep(moment)
            child.kill(process)
        self.build(out=out, env=PLAIN)
        self.same_as_clean(out)

    def test_a_half_written_object_is_not_trusted(self):
        """A compiler that is killed while it writes leaves half a file, which make must not use."""
        out = self.new("half")
        self.build(self.defconfig, out=out)
        fake = self.new("bin")
        os.makedirs(fake)
        path = PLAIN["PATH"]
        real = shutil.which("x86_64-elf-gcc", path=path) or \
            shutil.which("x86_64-linux-gnu-gcc", path=path)
        name = os.path.join(fake, os.path.basename(real))
        with open(name, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase "$*" in *lib/printf.c)\n'
                       'while [ "$1" != -o ]; do shift; done\n'
                       f'echo half >"$2"; kill -9 $PPID;; *) exec {real} "$@";; esac\n')
        os.chmod(name, 0o755)
        broken = make(out, "-j1", env={"PATH": f"{fake}:{path}"})
        self.assertFalse(broken.ok)
        self.build(out=out, env=PLAIN)
        self.same_as_clean(out)


class Errors(Copy):
    """What cannot be built is said in words."""

    def fails(self, text, *words, out=None, env=None):
        """make must fail and say so."""
        done = make(out or self.new("empty"), *words, env=env)
        self.assertFalse(done.ok)
        self.assertFalse(done.timed_out)
        self.assertRegex(done.output, text)
        self.assertNotIn("Traceback", done.output)

    def test_no_configuration(self):
        self.fails(r"(?i)no configuration|\.config.*(does not exist|missing|no)|defconfig")

    def test_unknown_defconfig(self):
        self.fails(r"nonsense_defconfig", "nonsense_defconfig")

    def test_missing_compiler(self):
        self.fails(r"nonexistent-gcc is not installed", "CROSS_COMPILE=nonexistent-", out=self.out)

    def test_missing_assembler(self):
        self.fails(r"no-nasm is not installed", "NASM=no-nasm", out=self.out)

    def test_compiler_error_names_file_and_line(self):
        name = os.path.join(self.tree, "lib/string.c")
        text = read(name)
        try:
            with open(name, "ab") as file:
                file.write(b"\nint broken(void) { return unknown; }\n")
            line = text.count(b"\n") + 2
            self.fails(rf"lib/string\.c:{line}:\d+: error", out=self.out)
        finally:
            with open(name, "wb") as file:
                file.write(text)
        self.build()

    def test_unknown_target(self):
        self.fails(r"nonsense", "nonsense", out=self.out)

    def test_clean_spares_other_directories(self):
        other = self.new("precious")
        os.makedirs(other)
        with open(os.path.join(other, "file"), "w", encoding="utf-8"):
            pass
        self.fails(r"nothing removed", "distclean", out=other)
        self.assertTrue(os.path.exists(os.path.join(other, "file")))

    def test_clean_and_distclean(self):
        out = self.new("cleaned")
        self.build(self.defconfig, out=out)
        self.build(out=out)
        self.build("clean", out=out)
        self.assertEqual(os.listdir(out), [".config"])
        self.build("distclean", out=out)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
