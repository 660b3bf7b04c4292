#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/build/relocations.py, on small images that are linked for it.

What the table must do is shown by doing it: the image linked at one address and moved by the table
is, byte for byte, the image linked at the other address.
"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "scripts", "build")]

import relocations  # noqa: E402
from exo import symbols  # noqa: E402

SCRIPT = os.path.join(ROOT, "scripts", "build", "relocations.py")
BASE = relocations.KERNEL_BASE
SLIDE = 0x1200000
SOURCE = """
bits 64
section .boot progbits alloc exec nowrite
boot:	mov edi, high - BASE
	mov rax, high
	call boot
	%s
section .text progbits alloc exec nowrite
global high
high:	mov rdi, data
	mov edi, [table + rdi * 8]
	lea rax, [rel table]
	call high
	mov rax, strict qword data
	times 300 nop
	mov rax, [qword zeros]
	%s
section .rodata progbits alloc noexec nowrite
table:	dq high, table + 24, 5, zeros - 1, data - BASE
	dq -1, BASE
	dd 1, high - $, data - BASE
section .data progbits alloc noexec write
data:	dq table, 0
	%s
section .bss nobits alloc noexec write
zeros:	resq 20
"""
LAYOUT = """
SECTIONS {
	. = 0x100000;
	.boot : { *(.boot) }
	. += 0x%x;
	.text : { *(.text) }
	.rodata : { *(.rodata) }
	.data : { *(.data) }
	.relocations : { *(.relocations) }
	.bss : { *(.bss) }
	%s
}
"""


class Link(unittest.TestCase):
    """Base: links images in a directory of its own."""

    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)

    def path(self, name):
        """A file of this test."""
        return os.path.join(self._directory.name, name)

    def link(self, boot="", text="", data="", base=BASE, end="image_end = .;", name="a.elf"):
        """The ELF with these lines in three of its sections, linked at @base."""
        with open(self.path("a.asm"), "w", encoding="utf-8") as file:
            file.write(f"BASE equ {BASE}\n" + SOURCE % (boot, text, data))
        with open(self.path("a.ld"), "w", encoding="utf-8") as file:
            file.write(LAYOUT % (base, end))
        subprocess.run(["nasm", "-f", "elf64", "-w-number-overflow", "-o", self.path("a.o"),
                        self.path("a.asm")], check=True)
        subprocess.run([symbols.cross_tool("ld"), "--emit-relocs", "-nostdlib", "-e", "0",
                        "-z", "noexecstack", "-T", self.path("a.ld"), "-o", self.path(name),
                        self.path("a.o")], check=True, capture_output=True)
        return self.path(name)

    def run_script(self, *words):
        """(status, stdout, stderr) of the script as the build runs it."""
        done = subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def refuses(self, elf, *texts):
        """The script fails on it, and says these."""
        status, out, err = self.run_script("table", elf)
        self.assertEqual((status, out), (1, ""))
        self.assertTrue(err.startswith("relocations.py: "), err)
        for text in texts:
            self.assertIn(text, err)

    @staticmethod
    def contents(elf):
        """{section: bytes} of what is loaded."""
        read = relocations.Elf(elf)
        return {name: (address, bytearray(read.data[offset:offset + size]))
                for name, kind, flags, address, offset, size, *_ in read.sections
                if flags & 2 and kind != 8}


def decoded(table):
    """The offsets in a table, as kaslr_move.asm reads them."""
    found, at, place = [], 0, 0
    while True:
        distance, at = table[at], at + 1
        if not distance:
            distance, at = int.from_bytes(table[at:at + 4], "little"), at + 4
            if not distance:
                return found, at
        place += distance
        found.append(place)


class Table(Link):
    """What is in the table."""

    def test_moved_is_as_linked_there(self):
        elf = self.link()
        offsets = relocations.places(relocations.Elf(elf))
        self.assertGreater(len(offsets), 9)
        moved = self.contents(elf)
        for offset in offsets:
            (address, data), = [row for row in moved.values()
                                if row[0] <= offset + BASE < row[0] + len(row[1])]
            at = offset + BASE - address
            word, = struct.unpack_from("<I", data, at)
            struct.pack_into("<I", data, at, word + SLIDE)  # raises on a carry
        there = self.contents(self.link(base=BASE + SLIDE, name="b.elf"))
        for name in (".text", ".rodata", ".data"):
            self.assertEqual(moved[name][1], there[name][1], name)

    def test_boot_stays(self):
        elf = self.link()
        start = self.contents(elf)[".text"][0] - BASE
        self.assertGreaterEqual(min(relocations.places(relocations.Elf(elf))), start)

    def test_encoding(self):
        for offsets in ([], [1], [255], [256], [0x101000, 0x101004, 0x101103, 0x101203],
                        [0x7fffffff], list(range(0x100000, 0x140000, 7))):
            table = relocations.encode(offsets)
            self.assertEqual(decoded(table), (offsets, len(table)))
        self.assertLess(len(relocations.encode(range(0x100000, 0x140000, 64))), 4096 + 16)

    def test_source_is_the_table(self):
        elf = self.link()
        status, out, err = self.run_script("table", elf)
        self.assertEqual((status, err), (0, ""))
        with open(self.path("t.asm"), "w", encoding="utf-8") as file:
            file.write(out.replace("section .relocations", "section .text"))
        subprocess.run(["nasm", "-f", "bin", "-o", self.path("t"), self.path("t.asm")],
                       check=True, capture_output=True)
        with open(self.path("t"), "rb") as file:
            self.assertEqual(file.read(),
                             relocations.encode(relocations.places(relocations.Elf(elf))))


class Refused(Link):
    """What cannot be moved fails the build, by name."""

    def patch(self, elf, section, change):
        """Rewrites the first relocation of a section: change(place, type, symbol, addend)."""
        read = relocations.Elf(elf)
        _, _, _, _, offset, *_ = next(row for row in read.sections if row[0] == section)
        place, info, addend = struct.unpack_from("<QQq", read.data, offset)
        place, kind, symbol, addend = change(place, info & 0xffffffff, info >> 32, addend)
        data = bytearray(read.data)
        struct.pack_into("<QQq", data, offset, place, symbol << 32 | kind, addend)
        with open(elf, "wb") as file:
            file.write(data)

    def test_unknown_type(self):
        for kind, name in ((9, "R_X86_64_GOTPCREL"), (14, "R_X86_64_8"), (12, "R_X86_64_16"),
                           (77, "relocation type 77")):
            elf = self.link()
            self.patch(elf, ".rela.rodata", lambda place, _, *rest, k=kind: (place, k, *rest))
            place = self.contents(elf)[".rodata"][0]
            self.refuses(elf, f"{name} at {place:#x} in .rodata against ",
                         "of no kind that this script knows how to move")

    def test_no_relocation_is_left_out(self):
        elf = self.link()
        before = relocations.places(relocations.Elf(elf))
        self.patch(elf, ".rela.rodata", lambda place, _, *rest: (place, 0, *rest))
        after = relocations.places(relocations.Elf(elf))
        self.assertEqual(set(before) - set(after), {self.contents(elf)[".rodata"][0] - BASE})

    def test_call_from_what_stays_to_what_moves(self):
        self.refuses(self.link(boot="call high"), "R_X86_64_PC32", " in .boot against ",
                     "one of the two moves")

    def test_call_from_what_moves_to_what_stays(self):
        self.refuses(self.link(text="call boot"), "R_X86_64_PC32", " in .text against ",
                     "one of the two moves")

    def test_overflow(self):
        self.refuses(self.link(data="dq high + 0x7f000000"), "in .data", "overflow 32 bits")

    def test_word_is_not_what_the_relocation_says(self):
        elf = self.link()
        self.patch(elf, ".rela.data", lambda *row: (*row[:3], row[3] + 8))
        self.refuses(elf, "in .data", "the linker wrote 0xffffffff80")

    def test_place_outside_of_its_section(self):
        elf = self.link()
        self.patch(elf, ".rela.data", lambda place, *rest: (place + 0x10000, *rest))
        self.refuses(elf, "is outside of its section")

    def test_two_at_one_place(self):
        elf = self.link(data="dq data")
        read = relocations.Elf(elf)
        _, _, _, _, offset, *_ = next(row for row in read.sections if row[0] == ".rela.rodata")
        place, info, addend = struct.unpack_from("<QQq", read.data, offset + 24)
        self.patch(elf, ".rela.rodata",
                   lambda *_: (place, info & 0xffffffff, info >> 32, addend))
        self.refuses(elf, "two relocations at 0x")

    def test_no_kernel(self):
        self.refuses(self.link(end=""), "has no symbol image_end")

    def test_no_elf(self):
        self.refuses("/nonexistent", "cannot read /nonexistent: No such file")
        self.refuses(__file__, "is no 64-bit little-endian ELF file")

    def test_damaged(self):
        elf = self.link()
        with open(elf, "rb") as file:
            data = file.read()
        for length in (20, 64, len(data) // 2, len(data) - 8):
            with open(elf, "wb") as file:
                file.write(data[:length])
            self.refuses(elf, "is damaged")

    def test_usage(self):
        for words in ((), ("table",), ("check", "a"), ("tables", "a")):
            status, _, err = self.run_script(*words)
            self.assertEqual(status, 1)
            self.assertIn("usage:", err)


class Check(Link):
    """The last link is compared with the one from which the table was read."""

    TABLE = "\nsection .relocations progbits alloc noexec nowrite\n db 1, 2, 3\n"

    def test_same_places(self):
        before = self.link(name="b.elf")
        after = self.link(data=self.TABLE)
        self.assertEqual(self.run_script("check", before, after), (0, "", ""))

    def test_moved(self):
        before = self.link(text="nop\n" * 40, name="b.elf")
        status, _, err = self.run_script("check", before, self.link(data=self.TABLE))
        self.assertEqual(status, 1)
        self.assertIn(".text is ", err)

    def test_no_table(self):
        status, _, err = self.run_script("check", self.link(), self.link(name="b.elf"))
        self.assertEqual(status, 1)
        self.assertIn("has no relocation table", err)


if __name__ == "__main__":
    unittest.main()
