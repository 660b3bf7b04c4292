# SPDX-License-Identifier: MIT
"""Addresses to names: the symbol table of a kernel's ELF, and its line numbers if it has any.

The symbol table is read here, so that a name needs nothing but the ELF; files and lines come from
addr2line when the kernel was built with CONFIG_DEBUG_INFO.

A kernel with CONFIG_KASLR runs Symbols.slide bytes above where it was linked: all addresses that go
in and come out are those of the running kernel. A panic says its slide, and a guest can be asked.
"""
import bisect
import os
import re
import shutil
import struct

from exo import child

ADDRESS = re.compile(r"\b0x(ffff[0-9a-f]{12})\b")
_FRAME = re.compile(r"#(\d+)\s+0x")
_FUNCTION, _NO_TYPE = 2, 0
_KERNEL_BASE = 0xFFFFFFFF80000000
_SLIDE = re.compile(r"\bkernel offset: 0x([0-9a-f]+) from 0x")


class SymbolError(Exception):
    """The file is no ELF that can be used; the text says why."""


def cross_tool(name):
    """A binary tool that understands x86_64, found as the build finds its compiler; or None."""
    prefixes = [os.environ.get("CROSS_COMPILE"), "x86_64-elf-", "x86_64-linux-gnu-", ""]
    for prefix in prefixes:
        if prefix is not None and shutil.which(prefix + name):
            return prefix + name
    return None


class Symbols:
    """The symbols of one ELF file."""

    def __init__(self, elf):
        self.elf = elf
        self.slide = 0
        self._slide_place = None  # the kernel's variable, a physical address
        try:
            with open(elf, "rb") as file:
                self._data = file.read()
        except OSError as error:
            raise SymbolError(f"cannot read {elf}: {error.strerror}") from error
        if self._data[:6] != b"\x7fELF\x02\x01":
            raise SymbolError(f"{elf} is no 64-bit little-endian ELF file")
        self._read_sections()
        self._read_symbols()

    def _read_sections(self):
        start, = struct.unpack_from("<Q", self._data, 0x28)
        size, count, names = struct.unpack_from("<HHH", self._data, 0x3A)
        rows = [struct.unpack_from("<IIQQQQII", self._data, start + i * size)
                for i in range(count)]
        self._sections = {}
        self._code = []  # address ranges that hold instructions
        for name, kind, flags, address, offset, length, link, _ in rows:
            text = self._string(rows[names][4] + name)
            self._sections[text] = (kind, offset, length, link)
            if flags & 4:
                self._code.append((address, address + length))
        self._rows = rows

    def _string(self, offset):
        return self._data[offset:self._data.index(b"\0", offset)].decode(errors="replace")

    def _read_symbols(self):
        found = {}
        _, offset, length, link = self._sections.get(".symtab", (0, 0, 0, 0))
        for at in range(offset, offset + length, 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self._data, at)
            text = self._string(self._rows[link][4] + name)
            if text == "kernel_slide" and section:
                self._slide_place = value - _KERNEL_BASE
            if info & 15 in (_FUNCTION, _NO_TYPE) and section and text and self._holds(value):
                if value not in found or size > found[value][1]:
                    found[value] = (text, size)
        self._symbols = sorted((value, *rest) for value, rest in found.items())
        self._starts = [row[0] for row in self._symbols]

    @property
    def has_lines(self):
        """Whether the ELF has debug information."""
        return ".debug_line" in self._sections

    def read_slide(self, text):
        """Takes the slide from what a kernel printed; 0 if it does not say."""
        found = _SLIDE.findall(text)
        self.slide = int(found[-1], 16) if found else 0

    def ask_slide(self, qmp):
        """Takes the slide from the memory of a guest that runs this kernel."""
        self.slide = 0
        if self._slide_place is not None:
            words = _words(qmp.human(f"xp /1gx {self._slide_place:#x}"))
            self.slide = words[0] if words else 0

    def _linked(self, address):
        """Where what is at this address now was linked; .boot is not moved."""
        return address - self.slide if address >= _KERNEL_BASE else address

    def _holds(self, linked):
        return any(low <= linked < high for low, high in self._code)

    def is_code(self, address):
        """Whether instructions of the kernel are at this address."""
        return self._holds(self._linked(address))

    def name(self, address):
        """symbol+0x12/0x40, or None outside the code."""
        address = self._linked(address)
        if not self._holds(address):
            return None
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        start, text, size = self._symbols[at]
        if not size:  # assembly that states no size: up to the next symbol
            size = (self._starts[at + 1] if at + 1 < len(self._starts) else address + 1) - start
        return f"{text}+{address - start:#x}/{size:#x}"

    def lines(self, address):
        """['function at file:line', ...], innermost first; more than one where code was inlined."""
        tool = cross_tool("addr2line")
        if not (self.has_lines and tool):
            return []
        answer = child.run([tool, "-f", "-i", "-e", self.elf, f"{self._linked(address):#x}"],
                           30)
        rows = answer.output.splitlines()
        places = [f"{function} at {place.split(' (')[0]}"
                  for function, place in zip(rows[::2], rows[1::2])]
        return [place for place in places if not place.endswith(("??:0", "??:?", ":?"))]

    def describe(self, address, is_return=False):
        """One or more lines for an address. A return address belongs to the call before it."""
        name = self.name(address)
        if not name:
            return []
        places = self.lines(address - 1 if is_return else address)
        return [f"0x{address:016x} {name}"] + ["    " + place for place in places]

    def decode_log(self, text):
        """The text with each code address explained below its line.

        Returns (text, mismatches): the latter counts lines whose own symbol is another than that
        of this ELF, which then is not the kernel that printed the text.
        """
        result, mismatches = [], 0
        for line in text.splitlines():
            result.append(line)
            frame = _FRAME.search(line)
            is_return = bool(frame) and int(frame[1]) > 0
            for match in ADDRESS.finditer(line):
                address = int(match[1], 16)
                known = re.match(r"\s+([\w.$]+\+0x[0-9a-f]+)", line[match.end():])
                name = self.name(address)
                if known and (not name or not name.startswith(known[1])):
                    mismatches += 1
                rows = self.describe(address, is_return)
                result += ["    = " + row.strip() for row in (rows[1:] if known else rows)]
        return "\n".join(result), mismatches


def backtrace(symbols, qmp, registers):
    """A symbolised backtrace of a stopped CPU from its registers and stack, as lines.

    Follows the chain of frame pointers; where that breaks off at once (no frame pointers), every
    word on the stack that points into the code is shown with a question mark.
    """
    lines = [f"  #0 {row}" for row in symbols.describe(registers["RIP"])[:1]]
    frame, depth = registers["RBP"], 1
    while depth < 32:
        words = stack_words(qmp, frame, 2)
        if len(words) < 2 or not symbols.is_code(words[1]) or words[0] <= frame:
            break
        lines.append(f"  #{depth} {symbols.describe(words[1], True)[0]}")
        frame, depth = words[0], depth + 1
    if depth == 1:
        for word in stack_words(qmp, registers["RSP"], 128):
            if symbols.is_code(word):
                lines.append(f"  ? {symbols.describe(word, True)[0]}")
    return lines


def stack_words(qmp, address, count):
    """@count 64-bit words at a virtual address of the guest; fewer where memory ends."""
    return _words(qmp.human(f"x /{count}gx 0x{address:x}"))


def _words(text):
    """The words in what the monitor's x and xp print."""
    rows = [line.split(":", 1)[1] for line in text.splitlines() if ": 0x" in line]
    return [int(word, 16) for row in rows for word in row.split()]


def registers_of(text):
    """[{'RIP': ..., 'RSP': ..., 'RBP': ...}, ...], one for each CPU in `info registers -a`."""
    cpus = []
    for block in re.split(r"CPU#\d+", text)[1:]:
        values = {f"R{name}": int(value, 16) for name, value in
                  re.findall(r"\b[RE](IP|SP|BP)\s*=\s*([0-9a-f]+)", block)}
        if len(values) == 3:
            values["halted"] = "HLT=1" in block
            cpus.append(values)
    return cpus
