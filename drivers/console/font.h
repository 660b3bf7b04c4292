/* SPDX-License-Identifier: MIT */
/* The console font: 8x16, one glyph for each code that a text_grid cell can hold. */
#ifndef CONSOLE_FONT_H
#define CONSOLE_FONT_H

#include <stdint.h>

#define FONT_WIDTH 8
#define FONT_HEIGHT 16

/* Rows from the top, most significant bit left. Made by scripts/build/font.py. */
extern const uint8_t console_font[256][FONT_HEIGHT];

#endif
