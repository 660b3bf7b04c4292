#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make the framebuffer console's font (C source on stdout) from an 8x16 PSF console font.

Usage: font.py FONT

FONT is a PSF version 1 or 2 file, plain or gzip-compressed. The kernel's cells hold Unicode up to
0xff, so the table has 256 glyphs; what the font's Unicode table does not name gets the font's
U+FFFD, or else a box.
"""

import gzip
import os
import struct
import sys

WIDTH, HEIGHT = 8, 16
CODES = 256
PSF1_MAGIC, PSF2_MAGIC = b"\x36\x04", b"\x72\xb5\x4a\x86"
PSF1_512_GLYPHS, PSF1_HAS_TABLE, PSF1_HAS_SEQUENCES = 0x01, 0x02, 0x04
PSF2_HAS_TABLE = 0x01
PACKAGE_OF = {"/usr/share/consolefonts/Unifont-APL8x16.psf.gz": "psf-unifont"}
BOX = bytes([0, 0, 0x7E] + [0x42] * 10 + [0x7E, 0, 0])

HEADER = """\
/*
 * The console font, made by scripts/build/font.py from {name}. Do not edit.
 *
 * The glyphs are the font's and have its licence. GNU Unifont (Debian package psf-unifont) is
 * GPL-2-or-later with the GNU font embedding exception: embedding unaltered portions of it does not
 * by itself put what it is embedded in under the GPL.
 */
#include "font.h"

const uint8_t console_font[256][FONT_HEIGHT] = {{
"""


class FontError(Exception):
    """The font cannot be used; the text says why and what to do."""


def read_font(path):
    """The file's bytes, decompressed."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        package = PACKAGE_OF.get(path)
        remedy = f"apt-get install {package}, or " if package else ""
        raise FontError(f"cannot read the font {path}: {error.strerror}; {remedy}"
                        "make FONT=an 8x16 PSF font") from error
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise FontError(f"the font {path} is damaged: {error}") from error


def split_glyphs(data, start, count, size):
    """The `count` glyphs of `size` bytes from `start`, and what comes after them."""
    end = start + count * size
    if count == 0 or len(data) < end:
        raise FontError(f"the font is cut short: {count} glyphs need {end} bytes, "
                        f"it has {len(data)}")
    return [data[at:at + size] for at in range(start, end, size)], data[end:]


def psf1_table(data, count):
    """Map of code to glyph number from a PSF1 Unicode table: 16-bit codes, 0xffff ends a glyph."""
    codes = {}
    glyph, in_sequence = 0, False
    for (code,) in struct.iter_unpack("<H", data[:len(data) // 2 * 2]):
        if glyph == count:
            break
        if code == 0xFFFF:
            glyph, in_sequence = glyph + 1, False
        elif code == 0xFFFE:
            in_sequence = True
        elif not in_sequence:
            codes.setdefault(code, glyph)
    return codes


def psf2_table(data, count):
    """The same from a PSF2 table: UTF-8, 0xff ends a glyph, 0xfe starts a sequence."""
    codes = {}
    for glyph, entry in enumerate(data.split(b"\xff")[:count]):
        for character in entry.split(b"\xfe")[0].decode("utf-8", "replace"):
            codes.setdefault(ord(character), glyph)
    return codes


def parse_psf1(data):
    """Glyphs and code map of a PSF1 font, whose glyphs are always 8 pixels wide."""
    if len(data) < 4:
        raise FontError("the font ends inside its header")
    mode, height = data[2], data[3]
    if height != HEIGHT:
        raise FontError(f"the font is {WIDTH}x{height}; {WIDTH}x{HEIGHT} is needed")
    count = 512 if mode & PSF1_512_GLYPHS else 256
    glyphs, rest = split_glyphs(data, 4, count, HEIGHT)
    has_table = mode & (PSF1_HAS_TABLE | PSF1_HAS_SEQUENCES)
    return glyphs, psf1_table(rest, count) if has_table else {i: i for i in range(count)}


def parse_psf2(data):
    """Glyphs and code map of a PSF2 font."""
    if len(data) < 32:
        raise FontError("the font ends inside its header")
    _, start, flags, count, size, height, width = struct.unpack_from("<7I", data, 4)
    if (width, height, size) != (WIDTH, HEIGHT, HEIGHT):
        raise FontError(f"the font is {width}x{height}; {WIDTH}x{HEIGHT} is needed")
    glyphs, rest = split_glyphs(data, start, count, size)
    has_table = flags & PSF2_HAS_TABLE
    return glyphs, psf2_table(rest, count) if has_table else {i: i for i in range(count)}


def parse(data):
    """Glyphs (bytes each) and a map of Unicode code to glyph number."""
    if data[:2] == PSF1_MAGIC:
        return parse_psf1(data)
    if data[:4] == PSF2_MAGIC:
        return parse_psf2(data)
    raise FontError("this is no PSF font (a console font, as in /usr/share/consolefonts)")


def choose(glyphs, codes):
    """The kernel's 256 glyphs. ASCII must be there; other gaps get the replacement glyph."""
    missing = [chr(code) for code in range(0x20, 0x7F) if code not in codes]
    if missing:
        raise FontError(f"the font lacks {' '.join(missing)}")
    replacement = glyphs[codes[0xFFFD]] if 0xFFFD in codes else BOX
    table = [replacement] * CODES
    for code in [*range(0x20, 0x7F), *range(0xA0, 0x100)]:
        if code in codes:
            table[code] = glyphs[codes[code]]
    return table


def c_source(name, table):
    """The C file."""
    lines = []
    for code, glyph in enumerate(table):
        row = ", ".join(f"0x{byte:02x}" for byte in glyph)
        lines.append(f"\t[0x{code:02x}] = {{ {row} }},\n")
    return HEADER.format(name=name) + "".join(lines) + "};\n"


def main(arguments):
    """Returns the exit status."""
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        table = choose(*parse(read_font(arguments[0])))
    except FontError as error:
        print(f"font.py: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(c_source(os.path.basename(arguments[0]), table))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
