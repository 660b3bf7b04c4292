# SPDX-License-Identifier: MIT
"""Sizes of a kernel: its allocated sections, their sum, and its footprint in memory.

total is the sum of all allocated sections, stacks and page tables included. footprint runs from the
first to the last byte that the image occupies, so padding between sections counts too.
"""
import argparse
import struct
import sys

_ALLOC = 2
_KERNEL_BASE = 0xFFFFFFFF80000000


class SizeError(Exception):
    """The file is no kernel; the text says why."""


def sections(kernel):
    """[(name, size, physical address)] of the allocated sections of an ELF file."""
    try:
        with open(kernel, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SizeError(f"cannot read {kernel}: {error.strerror}") from error
    if data[:6] != b"\x7fELF\x02\x01":
        raise SizeError(f"{kernel} is no 64-bit little-endian ELF file")
    start, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQ", data, start + i * size) for i in range(count)]
    text = data[rows[names][4]:rows[names][4] + rows[names][5]]
    found = []
    for name, _, flags, address, _, length in rows:
        if flags & _ALLOC and length:
            physical = address - _KERNEL_BASE if address >= _KERNEL_BASE else address
            found.append((text[name:text.index(b"\0", name)].decode(), length, physical))
    return found


def sizes(kernel):
    """{"text", "total", "footprint": bytes, "sections": {name: bytes}}; text is the code
    that stays: without .boot_code (CONFIG_RELEASE_BOOT_CODE), but with the 32-bit code of .boot."""
    rows = sections(kernel)
    return {
        "text": sum(size for name, size, _ in rows if name in (".boot", ".text")),
        "total": sum(size for _, size, _ in rows),
        "footprint": max(a + s for _, s, a in rows) - min(a for _, _, a in rows),
        "sections": {name: size for name, size, _ in rows},
    }


def main(arguments):
    """make size"""
    parser = argparse.ArgumentParser(prog="make size", description="Sizes of a kernel.")
    parser.add_argument("kernel")
    try:
        found = sizes(parser.parse_args(arguments).kernel)
    except SizeError as error:
        print(error, file=sys.stderr)
        return 1
    for name, size in found["sections"].items():
        print(f"{name:<12} {size:>9} bytes")
    print(f"{'text':<12} {found['text']:>9} bytes: .boot and .text, the code that stays")
    print(f"{'total':<12} {found['total']:>9} bytes, {found['footprint']} in memory with padding")
    return 0
