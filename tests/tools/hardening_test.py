#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hardening is on in the kernel that people get, and each part of it is off in some row of the
matrix, where the self tests hardening and user_hardening show that the part does something.
"""
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import child, matrix  # noqa: E402

SCALE = float(os.environ.get("EXO_TEST_SCALE", "1"))
HARDENING = ("SMEP", "SMAP", "UMIP", "WX", "KASLR", "STACK_GUARD", "STACK_PROTECTOR", "IST",
             "PTI", "SPECULATION_MASKS", "SPECULATION_FLUSH")


def settings(name):
    """The lines of a defconfig's .config."""
    with tempfile.TemporaryDirectory() as out:
        made = child.run(["make", f"O={out}", f"{name}_defconfig"], 120 * SCALE, cwd=ROOT,
                         env={"MAKEFLAGS": ""})
        if not made.ok:
            raise AssertionError(made.output)
        with open(os.path.join(out, ".config"), encoding="utf-8") as file:
            return file.read().splitlines()


class HardeningTest(unittest.TestCase):
    """What is on, and where it is off."""

    def test_all_is_on_by_default(self):
        """No defconfig line is needed for it."""
        lines = settings("x86_64")
        for name in ("PROTECTED", *HARDENING):
            with self.subTest(name=name):
                self.assertTrue(f"CONFIG_{name}=y" in lines, f"{name} is off by default")
                self.assertNotIn(f"CONFIG_{name}=y", self.said())

    @staticmethod
    def said():
        """What defconfigs/x86_64_defconfig says itself."""
        with open(os.path.join(ROOT, "defconfigs", "x86_64_defconfig"), encoding="utf-8") as file:
            return file.read().splitlines()

    def test_each_is_off_in_a_row(self):
        """With WX go KASLR and STACK_GUARD, too; those have rows of their own."""
        off = {key for changes in matrix.VARIANTS.values() for key, value in changes
               if value is False}
        for name in HARDENING:
            with self.subTest(name=name):
                self.assertIn(name, off)


if __name__ == "__main__":
    unittest.main()
