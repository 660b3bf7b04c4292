#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which words of the image hold an address of the image, for CONFIG_KASLR.

    relocations.py table ELF            the NASM source of the table (arch/x86_64/kaslr_move.asm)
    relocations.py check BEFORE AFTER   fails if the table has moved what it is about

The ELF is a link with --emit-relocs. What is linked at KERNEL_BASE and above is what boots moved;
.boot runs at its physical address and stays. So an absolute relocation in what moves, against a
symbol that moves, is a word to which the slide is added, whatever its addend; a relative one
between two things that move, or two that stay, needs nothing; and all else is an error that is
named here, because the kernel would jump or write to a wrong place.

The slide is added to 32 bits, also of a 64-bit word: the image stays within the top 2 GiB, so there
is never a carry. That is checked for each word, as is that it holds what its relocation says.
"""
import struct
import sys

KERNEL_BASE = 0xFFFFFFFF80000000
TOP = 1 << 31  # bytes from KERNEL_BASE to the end of all addresses
STEP = 1 << 21  # the slide is a multiple of it
_ALLOC, _NOBITS, _SYMTAB, _RELA = 2, 8, 2, 4
_NONE = 0
ABSOLUTE = {1: ("R_X86_64_64", 8), 10: ("R_X86_64_32", 4), 11: ("R_X86_64_32S", 4)}
RELATIVE = {2: "R_X86_64_PC32", 4: "R_X86_64_PLT32", 24: "R_X86_64_PC64"}
OTHERS = {3: "R_X86_64_GOT32", 5: "R_X86_64_COPY", 6: "R_X86_64_GLOB_DAT",
          7: "R_X86_64_JUMP_SLOT", 8: "R_X86_64_RELATIVE", 9: "R_X86_64_GOTPCREL",
          12: "R_X86_64_16", 13: "R_X86_64_PC16", 14: "R_X86_64_8", 15: "R_X86_64_PC8",
          23: "R_X86_64_TPOFF32", 25: "R_X86_64_GOTOFF64", 26: "R_X86_64_GOTPC32",
          41: "R_X86_64_GOTPCRELX", 42: "R_X86_64_REX_GOTPCRELX"}


class RelocationError(Exception):
    """The file cannot be moved; the text says what is in the way."""


class Elf:
    """The sections and symbols of an x86_64 ELF file."""

    def __init__(self, name):
        self.name = name
        try:
            with open(name, "rb") as file:
                self.data = file.read()
        except OSError as error:
            raise RelocationError(f"cannot read {name}: {error.strerror}") from error
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise RelocationError(f"{name} is no 64-bit little-endian ELF file")
        try:
            self._read_sections()
        except (struct.error, IndexError, ValueError) as error:
            raise RelocationError(f"{name} is damaged: {error}") from error

    def _read_sections(self):
        start, = struct.unpack_from("<Q", self.data, 0x28)
        size, count, names = struct.unpack_from("<HHH", self.data, 0x3A)
        rows = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + i * size)
                for i in range(count)]
        self.sections = [(self._string(rows[names][4] + row[0]), *row[1:]) for row in rows]

    def _string(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode(errors="replace")

    def allocated(self):
        """[(name, address, size)] of what is in memory, in its order there."""
        return sorted(((name, address, size) for name, _, flags, address, _, size, *_
                       in self.sections if flags & _ALLOC and size), key=lambda row: row[1])

    def symbols(self, index):
        """[(name, value)] of the symbol table that is section @index; a section's symbol has the
        section's name."""
        _, kind, _, _, offset, size, link, *_ = self.sections[index]
        if kind != _SYMTAB:
            raise RelocationError(f"{self.name}: section {index} is no symbol table")
        strings = self.sections[link][4]
        found = []
        for name, info, _, section, value, _ in struct.iter_unpack(
                "<IBBHQQ", self.data[offset:offset + size]):
            text = self.sections[section][0] if info & 15 == 3 else self._string(strings + name)
            found.append((text, value))
        return found

    def relocations(self):
        """(section that they are about, [(name, value)], [(place, type, symbol, addend)]), each."""
        for _, kind, _, _, offset, size, link, about, *_ in self.sections:
            if kind == _RELA and self.sections[about][2] & _ALLOC:
                rows = struct.iter_unpack("<QQq", self.data[offset:offset + size])
                yield (self.sections[about], self.symbols(link),
                       [(place, info & 0xffffffff, info >> 32, addend)
                        for place, info, addend in rows])

    def word(self, section, place, size):
        """The @size bytes at address @place of a section; None if it has no such bytes."""
        _, kind, _, address, offset, length, *_ = section
        if kind == _NOBITS or not address <= place <= address + length - size:
            return None
        at = offset + place - address
        return int.from_bytes(self.data[at:at + size], "little")

    def image_end(self):
        """The value of the symbol image_end."""
        for index, section in enumerate(self.sections):
            if section[1] == _SYMTAB:
                for name, value in self.symbols(index):
                    if name == "image_end":
                        return value
        raise RelocationError(f"{self.name} has no symbol image_end: it is no kernel")


def _moves(address):
    return address >= KERNEL_BASE


def _name(kind):
    if kind in ABSOLUTE:
        return ABSOLUTE[kind][0]
    return RELATIVE.get(kind) or OTHERS.get(kind) or f"relocation type {kind}"


def _check_word(held, value, limit, where):
    """That a word holds @value, and that no slide makes it overflow."""
    if held is None:
        raise RelocationError(f"{where} is outside of its section")
    if held != value:
        raise RelocationError(f"{where}: the linker wrote {held:#x} there, not {value:#x}")
    if held % (1 << 32) + limit >= 1 << 32:
        raise RelocationError(f"{where}: {held:#x} and the largest slide overflow 32 bits")


def places(elf):
    """The offsets from KERNEL_BASE of all words to which the slide is to be added, sorted."""
    end = elf.image_end() - KERNEL_BASE
    limit = TOP - STEP - -(-end // STEP) * STEP
    found = []
    for section, symbols, rows in elf.relocations():
        for place, kind, index, addend in rows:
            if kind == _NONE:
                continue
            symbol, value = symbols[index]
            where = f"{elf.name}: {_name(kind)} at {place:#x} in {section[0]} against {symbol}"
            if kind not in ABSOLUTE and kind not in RELATIVE:
                raise RelocationError(f"{where}: of no kind that this script knows how to move")
            if kind in RELATIVE:
                if _moves(place) != _moves(value):
                    raise RelocationError(f"{where}: one of the two moves, the other does not")
            elif _moves(place) and _moves(value):
                size = ABSOLUTE[kind][1]
                _check_word(elf.word(section, place, size), (value + addend) % (1 << 8 * size),
                            limit, where)
                found.append(place - KERNEL_BASE)
    found.sort()
    for before, after in zip(found, found[1:]):
        if after - before < 4:
            raise RelocationError(f"{elf.name}: two relocations at {after + KERNEL_BASE:#x}")
    return found


def encode(offsets):
    """The table: from word to word the distance in bytes, the first from 0.

    One byte, 1 to 255, or 0 and four bytes; 0 and a distance of 0 is the end.
    """
    table, before = bytearray(), 0
    for offset in offsets:
        distance, before = offset - before, offset
        table += bytes([distance]) if distance < 256 else b"\0" + distance.to_bytes(4, "little")
    return bytes(table) + bytes(5)


def source(table):
    """NASM source of the table."""
    lines = ["section .relocations progbits alloc noexec nowrite align=1",
             "global relocation_table", "relocation_table:"]
    for start in range(0, len(table), 16):
        lines.append("\tdb " + ",".join(map(str, table[start:start + 16])))
    return "\n".join(lines)


def check(before, after):
    """Raises if what comes before the table in memory is not where it was without the table."""
    now = after.allocated()
    end = next((i for i, row in enumerate(now) if row[0] == ".relocations"), None)
    if end is None:
        raise RelocationError(f"{after.name} has no relocation table")
    known = before.allocated()[:end]
    for old, new in zip(known, now):
        if old != new:
            raise RelocationError(f"{after.name}: {new[0]} is {new[2]} bytes at {new[1]:#x}; when "
                                  f"its relocations were read {old[0]} was {old[2]} bytes at "
                                  f"{old[1]:#x}")
    if len(known) < end:
        raise RelocationError(f"{after.name}: sections have come up since its relocations were "
                              "read")


def main(arguments):
    """The command line."""
    try:
        if len(arguments) == 2 and arguments[0] == "table":
            print(source(encode(places(Elf(arguments[1])))))
        elif len(arguments) == 3 and arguments[0] == "check":
            check(Elf(arguments[1]), Elf(arguments[2]))
        else:
            sys.exit("usage: relocations.py table ELF | check BEFORE AFTER")
    except RelocationError as error:
        sys.exit(f"relocations.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
