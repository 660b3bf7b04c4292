# SPDX-License-Identifier: MIT
"""Reads the text on a guest's screen, for kernels that have no serial port.

In VGA text mode the characters are in memory at 0xb8000. In a graphic mode the screen dump is cut
into cells of the size of the console's font, and each cell is looked up among the font's glyphs: a
cell has two colours at most, and either may be the background. The font is the same file from which
the kernel's own is made.
"""
import gzip
import struct

FONT = "/usr/share/consolefonts/Unifont-APL8x16.psf.gz"
VGA_BASE, VGA_COLUMNS, VGA_ROWS = 0xB8000, 80, 25
VGA_SIZES = ((720, 400), (640, 400))  # of QEMU's screen dump in text mode
CELL_WIDTH, CELL_HEIGHT = 8, 16


def glyphs_of(font=FONT):
    """{16 bytes of a glyph: character} of a PSF1 font's ASCII part."""
    with gzip.open(font) as file:
        data = file.read()
    magic, mode, size = struct.unpack_from("<HBB", data)
    if magic != 0x0436 or not mode & 2 or size != CELL_HEIGHT:
        raise ValueError(f"{font} is no PSF1 font of 8x16 pixels with a Unicode table")
    count = 512 if mode & 1 else 256
    table, glyph = {}, 0
    for code, in struct.iter_unpack("<H", data[4 + count * size:]):
        if code == 0xFFFF:
            glyph += 1
        elif 32 <= code < 127:
            table[data[4 + glyph * size:4 + (glyph + 1) * size]] = chr(code)
    return table


def vga_text(memory):
    """The lines in the VGA text buffer."""
    characters = memory[:VGA_COLUMNS * VGA_ROWS * 2:2].decode("cp437").replace("\0", " ")
    rows = [characters[i:i + VGA_COLUMNS] for i in range(0, len(characters), VGA_COLUMNS)]
    return "\n".join(row.rstrip() for row in rows).rstrip()


def _cell(pixels, width, left, top):
    """A cell's bits as 16 bytes, set where the colour is not that of its first pixel; or None."""
    rows, colours = bytearray(), []
    for y in range(top, top + CELL_HEIGHT):
        bits = 0
        for x in range(left, left + CELL_WIDTH):
            colour = pixels[(y * width + x) * 3:(y * width + x) * 3 + 3]
            if colour not in colours:
                colours.append(colour)
                if len(colours) > 2:
                    return None
            bits = bits << 1 | colours.index(colour)
        rows.append(bits)
    return bytes(rows)


def graphic_text(width, height, pixels, glyphs):
    """The lines on a graphic screen; what is no glyph reads as a question mark."""
    inverse = {bytes(255 - byte for byte in glyph): text for glyph, text in glyphs.items()}
    blank = bytes(CELL_HEIGHT)
    known = {}
    lines = []
    for top in range(0, height - CELL_HEIGHT + 1, CELL_HEIGHT):
        line = ""
        for left in range(0, width - CELL_WIDTH + 1, CELL_WIDTH):
            raw = b"".join(pixels[(y * width + left) * 3:(y * width + left + CELL_WIDTH) * 3]
                           for y in range(top, top + CELL_HEIGHT))
            if raw not in known:
                cell = _cell(pixels, width, left, top)
                known[raw] = " " if cell == blank else (
                    glyphs.get(cell) or inverse.get(cell) or "?")
            line += known[raw]
        lines.append(line.rstrip())
    return "\n".join(lines).rstrip()


def read(qmp):
    """The text on the screen of a running guest (qmp.Qmp)."""
    width, height, pixels = qmp.screen()
    if (width, height) in VGA_SIZES:
        return vga_text(qmp.memory(VGA_BASE, VGA_COLUMNS * VGA_ROWS * 2))
    return graphic_text(width, height, pixels, glyphs_of())
