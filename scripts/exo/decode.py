# SPDX-License-Identifier: MIT
"""scripts/decode: names for the addresses in a panic or a log."""
import argparse
import os
import sys

from exo import symbols, tree


def default_elf():
    """The kernel that was built last, in build/ or a directory below it."""
    found = []
    for directory, subdirectories, files in os.walk(tree.BUILD):
        if os.path.relpath(directory, tree.BUILD).count(os.sep) >= 1:
            subdirectories.clear()
        if tree.KERNEL in files:
            found.append(os.path.join(directory, tree.KERNEL))
    return max(found, key=os.path.getmtime, default=None)


def _slide(text):
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: give one as 0x1200000") from None


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/decode",
        description="Put names (and lines, if built with CONFIG_DEBUG_INFO) to code addresses: "
                    "to those given, or to all in the text on standard input, as a panic's.")
    parser.add_argument("-e", "--elf", metavar="FILE",
                        help="the kernel that printed them (default: the one built last)")
    parser.add_argument("-s", "--slide", metavar="NUMBER", type=_slide,
                        help="how far the kernel was moved (CONFIG_KASLR); a panic says it itself, "
                             "as \"kernel offset\"")
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS", help="hexadecimal, 0x or not")
    return parser.parse_args(arguments)


def decode_addresses(table, addresses):
    """Explains each address; the status is 1 if one is no code of this kernel."""
    status = 0
    for text in addresses:
        try:
            rows = table.describe(int(text, 16))
        except ValueError:
            print(f"scripts/decode: {text!r} is no hexadecimal address", file=sys.stderr)
            return 2
        if rows:
            print("\n".join(rows))
        else:
            print(f"0x{int(text, 16):016x} is not in the code of {table.elf}")
            status = 1
    return status


def main(arguments):
    """scripts/decode"""
    options = parse(arguments)
    elf = options.elf or default_elf()
    if not elf:
        print("scripts/decode: no kernel is built below build/; name one by --elf FILE",
              file=sys.stderr)
        return 1
    try:
        table = symbols.Symbols(elf)
    except symbols.SymbolError as error:
        print(f"scripts/decode: {error}", file=sys.stderr)
        return 1
    if not options.elf:
        print(f"scripts/decode: using {elf}", file=sys.stderr)
    table.slide = options.slide or 0
    if options.addresses:
        return decode_addresses(table, options.addresses)
    text = sys.stdin.read()
    if options.slide is None:
        table.read_slide(text)
    text, mismatches = table.decode_log(text)
    print(text)
    if mismatches:
        print(f"scripts/decode: {mismatches} lines name another function than {elf} does: "
              "it is not the kernel that printed this", file=sys.stderr)
        return 1
    return 0
