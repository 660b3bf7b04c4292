#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each header of the ABI and libexo compiles alone, as C11 and C++17, with gcc and clang."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-fsyntax-only", "-ffreestanding"]
COMPILERS = (["gcc", "-std=c11", "-xc"], ["g++", "-std=c++17", "-xc++"],
             ["clang", "-std=c11", "-xc"], ["clang++", "-std=c++17", "-xc++"])


def headers(directory):
    """The headers below a directory, as they are included."""
    found = glob.glob(os.path.join(ROOT, directory, "**/*.h"), recursive=True)
    return sorted(os.path.relpath(name, os.path.join(ROOT, directory)) for name in found)


class Alone(unittest.TestCase):
    """One compilation for each header, language and compiler."""

    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory(prefix="exo-uapi-")
        cls.where = cls._directory.name
        os.makedirs(os.path.join(cls.where, "generated"))
        for what in ("numbers", "user", "kinds"):
            with open(os.path.join(cls.where, f"generated/calls_{what}.h"), "wb") as file:
                subprocess.run([sys.executable, "-B", os.path.join(ROOT, "scripts/build/calls.py"),
                                what, os.path.join(ROOT, "kernel/syscall/calls.table")],
                               stdout=file, check=True)

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    def each(self, names):
        """Compiles them, twice in one file, so that the guards are tested too."""
        self.assertTrue(names)
        for compiler in COMPILERS:
            if not shutil.which(compiler[0]):
                self.skipTest(f"{compiler[0]} is not installed")
            for name in names:
                with self.subTest(header=name, compiler=compiler[0]):
                    done = subprocess.run(
                        [*compiler, *WARNINGS, "-I", self.where,
                         "-I", os.path.join(ROOT, "include"),
                         "-I", os.path.join(ROOT, "user/libexo/include"), "-"],
                        input=f"#include <{name}>\n" * 2, capture_output=True, text=True,
                        check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_uapi(self):
        self.each([f"uapi/exo/{name}" for name in headers("include/uapi/exo")])

    def test_libexo(self):
        self.each(headers("user/libexo/include"))

    def test_a_changed_layout_does_not_compile(self):
        for compiler in COMPILERS:
            done = subprocess.run(
                [*compiler, *WARNINGS, "-I", os.path.join(ROOT, "include"), "-"],
                input="#include <uapi/exo/abi.h>\nstruct s { int a; long b; };\n"
                      "EXO_ABI_OFFSET(struct s, b, 4);\n", capture_output=True, text=True,
                check=False)
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
