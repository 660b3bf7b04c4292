#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds that share objects (scripts/exo/compile_once.py) are what they would be without that."""
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import builds, compile_once, symbols, tree  # noqa: E402

SCALE = float(os.environ.get("EXO_TEST_SCALE", "1"))
PLAIN = {"PATH": compile_once.without(os.environ["PATH"])}


class CompileOnceTest(unittest.TestCase):
    """A directory of its own, whatever that of the run is."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="exo-once-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with mock.patch.dict(os.environ, PLAIN):
            self.once = compile_once.CompileOnce(folder.name)
            self.shared = self.once.environment()

    def new(self, *counts):
        """(compiled, reused) since the last call, which must be as many."""
        found = self.once.counts()
        before, self.before = getattr(self, "before", (0, 0)), found
        self.assertEqual((found[0] - before[0], found[1] - before[1]), counts)

    # ---- whole builds ----------------------------------------------------------------------------

    def build(self, name, env, *words):
        """The kernel of a small build, which must succeed, in a directory of that name."""
        out = os.path.join(self.folder, name)
        made = builds.make(out, "-j2", *words, env=env, timeout=300 * SCALE)
        self.assertTrue(made.ok, made.output)
        with open(os.path.join(out, tree.KERNEL), "rb") as file:
            return file.read()

    def test_same_kernel_in_another_directory(self):
        words = ("embedded_minimal_defconfig", "all")
        plain = self.build("plain", PLAIN, *words)
        self.assertEqual(self.once.counts(), (0, 0))
        first = self.build("first", self.shared, *words)
        files = self.once.counts()[0]
        self.assertGreater(files, 10)
        self.new(files, 0)
        second = self.build("some/where/else", self.shared, *words)
        self.new(0, files)
        self.assertTrue(plain == first == second, "the kernels differ")
        for name in ("first", "some/where/else"):
            # What is taken over depends on this build's files, and is newer than they are.
            self.build(name, self.shared)
            self.new(0, 0)
            os.utime(os.path.join(self.folder, name, "include/config/command/line.h"))
            self.build(name, self.shared)
            found = self.once.counts()
            self.assertEqual(found[0], files)
            self.assertGreater(found[1], self.before[1])
            self.before = found

    # ---- single files ----------------------------------------------------------------------------

    def compile(self, text, *words, where="a", mapped=True, env=None):
        """(status, what the compiler says, the object's bytes) of a file in the tree
        @where, whose build's directory is @where/out."""
        root = os.path.join(self.folder, where)
        out = os.path.join(root, "out")
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "own.h"), "w", encoding="utf-8") as file:
            file.write("#define OWN own\n")
        with open(os.path.join(root, "file.c"), "w", encoding="utf-8") as file:
            file.write('#include "own.h"\n' + text)
        words = [os.path.basename(symbols.cross_tool("gcc")), "-Wall", "-Werror", "-g",
                 f"-I{out}/", *words, "-c", "-o", os.path.join(out, "x.o"), "file.c"]
        if mapped:
            words += [f"-ffile-prefix-map={out}/=", f"-ffile-prefix-map={root}=."]
        done = subprocess.run(words, cwd=root, env={**os.environ, **(env or self.shared)},
                              text=True, stderr=subprocess.PIPE, check=False,
                              timeout=60 * SCALE)
        if done.returncode:
            return done.returncode, done.stderr, None
        with open(os.path.join(out, "x.o"), "rb") as file:
            return done.returncode, done.stderr, file.read()

    def test_reused_only_if_text_and_words_are_the_same(self):
        text = "int OWN(void) { return NUMBER; }\n"
        first = self.compile(text, "-DNUMBER=1")
        self.new(1, 0)
        self.assertEqual(self.compile(text, "-DNUMBER=1", where="b"), first)
        self.new(0, 1)
        for words in (("-DNUMBER=2",), ("-DNUMBER=1", "-O2"), ("-DNUMBER=1", "-DUNUSED")):
            self.compile(text, *words)
            self.new(1, 0)
        self.compile("\n" + text, "-DNUMBER=1")  # another line for the debugger
        self.new(1, 0)

    def test_what_names_a_directory_in_its_text_is_its_own(self):
        for where in "ab":
            self.compile(f'const char *OWN = "{self.folder}/{where}/out/";\n', where=where)
            self.new(1, 0)

    def test_without_the_promise_it_is_the_compilers(self):
        for _ in range(2):
            status, _, shared = self.compile("int OWN;\n", mapped=False)
            self.assertEqual(status, 0)
            self.assertEqual(shared, self.compile("int OWN;\n", mapped=False, env=PLAIN)[2])
        self.new(0, 0)

    def test_errors_are_the_compilers_each_time(self):
        for text in ("int OWN(void) { return unknown; }\n", "#error no\n", "int OWN(void) {}\n",
                     "#ifdef OWN\n"):
            plain = self.compile(text, env=PLAIN)
            self.assertEqual(plain[0], 1)
            for _ in range(2):
                self.assertEqual(self.compile(text), plain)
        self.new(0, 0)

    def test_other_uses_of_the_compiler(self):
        name = os.path.basename(symbols.cross_tool("gcc"))
        source = os.path.join(self.folder, "file.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("int number;\n")
        before = os.listdir(self.folder)
        for words in (["-print-file-name=include"], ["--version"], ["-E", "-dM", "/dev/null"],
                      ["--no-such-option"],
                      ["-S", "-o", "-", "-ffile-prefix-map=a=b", source]):
            shared, plain = (subprocess.run([name, *words], env={**os.environ, **env}, text=True,
                                            cwd=self.folder, capture_output=True, check=False)
                             for env in (self.shared, PLAIN))
            self.assertEqual((shared.returncode, shared.stdout), (plain.returncode, plain.stdout))
        self.assertEqual(os.listdir(self.folder), before)
        self.new(0, 0)

    def test_a_run_within_a_run_shares(self):
        with mock.patch.dict(os.environ, self.shared):
            inner = compile_once.CompileOnce(os.path.join(self.folder, "inner"))
            self.assertEqual(inner.environment(), self.shared)
        self.assertEqual(compile_once.without(self.shared["PATH"]), PLAIN["PATH"])


if __name__ == "__main__":
    unittest.main()
