#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/build/make_iso.sh: the same input gives the same bytes, and wrong input a clear word."""
import os
import re
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAKE_ISO = os.path.join(ROOT, "scripts/build/make_iso.sh")
# A multiboot2 header in a 32-bit ELF is all that GRUB asks for.
SOURCE = """
section .text align=8
header:	dd 0xe85250d6, 0, end - header, -(0xe85250d6 + (end - header))
	dw 0, 0
	dd 8
end:
global _start
_start:	hlt
"""


class MakeIso(unittest.TestCase):
    """One kernel, made for it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="exo-iso-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.kernel = self.write("kernel dir/kernel.elf", "")
        source, made = self.write("a.asm", SOURCE), self.path("a.o")
        subprocess.run(["nasm", "-f", "elf32", "-o", made, source], check=True)
        # No linking, so no cross linker for 32 bits is needed: GRUB only looks for the header.
        os.replace(made, self.kernel)

    def path(self, name):
        """A path in the test's directory."""
        return os.path.join(self.directory, name)

    def write(self, name, text):
        """A file in the test's directory."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def make(self, name, *arguments, env=None, **options):
        """The bytes of an ISO."""
        done = self.run_it(self.kernel, self.path(name), *arguments, env=env, **options)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_it(self, *arguments, env=None, **options):
        """make_iso.sh itself."""
        return subprocess.run([MAKE_ISO, *arguments], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, check=False,
                              env={**os.environ, **(env or {})}, **options)

    def test_same_bytes(self):
        first = self.make("a.iso", "one two")
        time.sleep(2.1)  # FAT counts in steps of two seconds
        os.utime(self.kernel)
        second = self.make("b.iso", "one two", cwd="/", umask=0o077,
                           env={"TZ": "Asia/Tokyo", "LANG": "C"})
        self.assertTrue(first == second, "two runs differ")
        self.assertFalse(first == self.make("c.iso", "one three"))
        self.assertEqual([name for name in os.listdir(self.directory) if ".part" in name], [])

    def test_menu_and_modules(self):
        modules = [self.write("m/one", "1"), self.write("m/two", "2")]
        data = self.make("a.iso", "plain quo'te $x;y", *modules).decode("latin-1")
        menu = re.search(r"set timeout=0\n.*?\n}\n", data, re.S)[0]
        self.assertIn("multiboot2 /boot/exo-kernel.elf 'plain' 'quo'\\''te' '$x;y'\n", menu)
        self.assertIn("module2 '/boot/modules/one' 'one'\n", menu)
        self.assertIn("module2 '/boot/modules/two' 'two'\n", menu)
        self.assertIn("insmod all_video", menu)

    def test_boots_under_both_firmwares(self):
        self.make("a.iso")
        report = subprocess.run(["xorriso", "-indev", self.path("a.iso"), "-report_el_torito",
                                 "plain"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(report, r"El Torito boot img :.*BIOS")
        self.assertRegex(report, r"El Torito boot img :.*UEFI")

    def test_errors(self):
        plain = self.write("plain", "no kernel")
        module = self.write("m/one", "1")
        same = self.write("n/one", "1")
        out = self.path("x.iso")
        for arguments, text in (([], "usage:"),
                                (["/nonexistent", out], "cannot read the kernel /nonexistent"),
                                ([plain, out], "CONFIG_BOOT_MULTIBOOT2=y"),
                                ([self.kernel, out, "", "/no-module"], "module /no-module"),
                                ([self.kernel, out, "", module, same], "two modules")):
            with self.subTest(text):
                done = self.run_it(*arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(text, done.stdout)
                self.assertFalse(os.path.exists(out))

    def test_missing_tool_names_its_package(self):
        directory = self.path("bin")
        os.makedirs(directory)
        for tool in ("bash", "mktemp", "rm", "env"):
            os.symlink(f"/usr/bin/{tool}", os.path.join(directory, tool))
        done = self.run_it(self.kernel, self.path("x.iso"), env={"PATH": directory})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("grub-common", done.stdout)


if __name__ == "__main__":
    unittest.main()
