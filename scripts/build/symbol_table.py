#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turn `nm -n` output of the first link into the NASM source of the kernel's symbol table.

Only code is listed: it comes first in the image, so adding the table moves none of it.
"""

import sys

KERNEL_BASE = 0xFFFFFFFF80000000


def code_symbols(lines):
    """Yield (offset from KERNEL_BASE, name) of each function, sorted, one name an address."""
    seen = set()
    for line in lines:
        address, kind, name = line.split()[:3]
        offset = int(address, 16) - KERNEL_BASE
        if kind in "tT" and offset > 0 and offset not in seen and not name.startswith("."):
            seen.add(offset)
            yield offset, name


def main():
    symbols = sorted(code_symbols(line for line in sys.stdin if len(line.split()) >= 3))
    if not symbols:
        sys.exit("symbol_table.py: no code symbols on standard input")
    print("section .symbol_table progbits alloc noexec nowrite align=8")
    print("global symbol_table, symbol_count, symbol_names")
    print("symbol_table:")
    position = 0
    for offset, name in symbols:
        print(f"\tdd {offset:#x}, {position}")
        position += len(name) + 1
    print(f"symbol_count:\tdd {len(symbols)}")
    print("symbol_names:")
    for _, name in symbols:
        print(f'\tdb "{name}", 0')


if __name__ == "__main__":
    main()
