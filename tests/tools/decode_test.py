#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/decode and scripts/extract-config, on small ELF files made for it."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from exo import extract, symbols  # noqa: E402

BASE = 0xFFFFFFFF80100000
SOURCE = """
volatile int value;
static inline __attribute__((always_inline)) void inlined(void)
{
	value++;
}
__attribute__((noinline)) void callee(void)
{
	inlined();
}
__attribute__((noinline)) void caller(void)
{
	callee();
	value = 2;
}
int table[4] = { 1 };
"""
CONFIG = "# a comment\nCONFIG_A=y\nCONFIG_B=\"x\"\n# CONFIG_C is not set\n"


def compile_elf(directory, *flags):
    """Compiles SOURCE to run at BASE; returns the ELF's path."""
    compiler = symbols.cross_tool("gcc")
    source, elf = os.path.join(directory, "a.c"), os.path.join(directory, "a.elf")
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    subprocess.run([compiler, "-O1", "-fno-pic", "-no-pie", "-static", "-nostdlib",
                    "-mcmodel=kernel",
                    "-ffreestanding", "-fcf-protection=none", "-mpreferred-stack-boundary=3",
                    "-Wl,--build-id=none", f"-Wl,-Ttext={BASE:#x}",
                    "-Wl,-e,caller", *flags, "-o", elf, source], check=True)
    return elf


class Decode(unittest.TestCase):
    """The command as a person uses it."""

    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory()
        cls.elf = compile_elf(cls._directory.name, "-g")
        table = symbols.Symbols(cls.elf)
        cls.address = {name: start for start, name, _ in table._symbols}

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    def decode(self, *arguments, text=None):
        """(status, stdout, stderr) of scripts/decode."""
        done = subprocess.run([os.path.join(ROOT, "scripts/decode"), *arguments], input=text,
                              capture_output=True, text=True, timeout=60, cwd="/", check=False)
        return done.returncode, done.stdout, done.stderr

    def test_address_with_line_and_inlining(self):
        status, out, _ = self.decode("-e", self.elf, f"{self.address['callee']:x}")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"callee\+0x0/0x[0-9a-f]+\n")
        self.assertRegex(out, r"inlined at .*a\.c:5\n")
        self.assertRegex(out, r"callee at .*a\.c:9\n")

    def test_panic_on_standard_input(self):
        text = ("PANIC: x\n"
                f"  #0 0x{self.address['callee']:016x}\n"
                f"  #1 0x{self.address['caller'] + 5:016x} caller+0x5/0x20\nPANIC END\n")
        status, out, err = self.decode("--elf", self.elf, text=text)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"#0 0x\w+\n    = 0x\w+ callee\+0x0/")
        # A return address belongs to the line of the call, not to the one after it.
        self.assertRegex(out, r"caller\+0x5/0x20\n    = caller at .*a\.c:13\n")
        self.assertTrue(out.startswith("PANIC: x\n") and "PANIC END" in out)

    def test_other_kernel_is_noticed(self):
        text = f"  #0 0x{self.address['callee']:016x} something_else+0x1/0x20\n"
        status, _, err = self.decode("-e", self.elf, text=text)
        self.assertEqual(status, 1)
        self.assertIn("not the kernel that printed this", err)

    def test_moved_kernel(self):
        """CONFIG_KASLR: a panic says how far the kernel was moved."""
        slide = 0x41200000
        text = (f"PANIC: x\nkernel offset: {slide:#x} from 0xffffffff80000000\n"
                f"  #0 0x{self.address['callee'] + slide:016x}\n"
                f"  #1 0x{self.address['caller'] + slide + 5:016x} caller+0x5/0x20\nPANIC END\n")
        status, out, err = self.decode("--elf", self.elf, text=text)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, rf"= 0x{self.address['callee'] + slide:016x} callee\+0x0/")
        self.assertRegex(out, r"caller\+0x5/0x20\n    = caller at .*a\.c:13\n")
        _, out, _ = self.decode("--elf", self.elf, text=text.replace("kernel offset", "offset"))
        self.assertNotIn("callee+", out)

    def test_moved_kernel_that_does_not_say_so(self):
        moved = f"{self.address['callee'] + 0x200000:x}"
        status, out, _ = self.decode("-e", self.elf, "--slide", "0x200000", moved)
        self.assertEqual(status, 0)
        self.assertRegex(out, rf"^0x{moved} callee\+0x0/")
        self.assertRegex(out, r"callee at .*a\.c:9\n")
        _, out, _ = self.decode("-e", self.elf, "-s", "2097152", text=f"  #0 0x{moved}\n")
        self.assertIn("callee+0x0/", out)
        self.assertEqual(self.decode("-e", self.elf, moved)[0], 1)
        self.assertIn("'x' is no number", self.decode("-e", self.elf, "-s", "x", moved)[2])

    def test_address_outside(self):
        status, out, _ = self.decode("-e", self.elf, f"{BASE - 16:x}")
        self.assertEqual(status, 1)
        self.assertIn("not in the code", out)

    def test_data_is_no_code(self):
        self.assertIsNone(symbols.Symbols(self.elf).name(0))
        self.assertNotIn("table", self.address)

    def test_without_debug_information(self):
        with tempfile.TemporaryDirectory() as directory:
            elf = compile_elf(directory)
            status, out, _ = self.decode("-e", elf, f"{self.address['callee']:x}")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"^0x\w+ callee\+0x0/0x\w+\n$")

    def test_errors(self):
        for arguments, text in ((["-e", "/nonexistent"], "cannot read /nonexistent"),
                                (["-e", __file__, "0"], "no 64-bit little-endian ELF"),
                                (["-e", self.elf, "xyz"], "'xyz' is no hexadecimal address")):
            with self.subTest(text):
                status, _, err = self.decode(*arguments)
                self.assertNotEqual(status, 0)
                self.assertIn(text, err)


class AskedSlide(unittest.TestCase):
    """The slide of a guest that has not panicked is in its memory."""

    class Guest:
        """Stands for QEMU's monitor."""

        def __init__(self):
            self.asked = []

        def human(self, line):
            """Answers a line."""
            self.asked.append(line)
            return "0000000000001230: 0x0000000001200000\r\n"

    def ask(self, *flags):
        """(slide, what was asked) with a kernel compiled with these flags."""
        guest = self.Guest()
        with tempfile.TemporaryDirectory() as directory:
            table = symbols.Symbols(compile_elf(directory, *flags))
        table.ask_slide(guest)
        return table.slide, guest.asked

    def test_asked(self):
        slide, asked = self.ask(f"-Wl,--defsym=kernel_slide={BASE + 0x1230:#x}")
        self.assertEqual((slide, asked), (0x1200000, ["xp /1gx 0x101230"]))

    def test_kernel_that_never_moves(self):
        self.assertEqual(self.ask(), (0, []))


class Registers(unittest.TestCase):
    """QEMU's `info registers -a`."""

    def test_cpus(self):
        text = ("\nCPU#0\nRAX=0 RBP=ffffffff80001000 RSP=ffffffff80000ff0\n"
                "RIP=ffffffff80100004 RFL=00000046 HLT=1\n"
                "\nCPU#1\nEAX=0 EBP=00001000 ESP=00000ff0\nEIP=00100004 EFL=00000046 HLT=0\n")
        first, second = symbols.registers_of(text)
        self.assertEqual(first["RIP"], BASE + 4)
        self.assertTrue(first["halted"])
        self.assertEqual((second["RIP"], second["RSP"], second["halted"]), (0x100004, 0xFF0, False))


class ExtractConfig(unittest.TestCase):
    """The configuration in an image."""

    def run_on(self, data):
        """(status, stdout, stderr) of scripts/extract-config on a file with these bytes."""
        with tempfile.TemporaryDirectory() as directory:
            name = os.path.join(directory, "image")
            with open(name, "wb") as file:
                file.write(data)
            done = subprocess.run([os.path.join(ROOT, "scripts/extract-config"), name],
                                  capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_found_among_other_bytes(self):
        image = f"\0EXO_CONFIG_BEGIN\0EXO_CONFIG_BEGIN\n{CONFIG}EXO_CONFIG_END\n\0".encode()
        self.assertEqual(self.run_on(os.urandom(5000) + image + os.urandom(99)), (0, CONFIG, ""))

    def test_marks_without_a_configuration(self):
        self.assertIsNone(extract.extract(b"EXO_CONFIG_BEGIN\nprintf(...)\nEXO_CONFIG_END\n"))

    def test_not_found(self):
        status, out, err = self.run_on(b"nothing here")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("CONFIG_IKCONFIG=y", err)

    def test_missing_file(self):
        done = subprocess.run([os.path.join(ROOT, "scripts/extract-config"), "/nonexistent"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(re.search("cannot read /nonexistent: No such file", done.stderr))


if __name__ == "__main__":
    unittest.main()
