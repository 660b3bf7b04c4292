/* SPDX-License-Identifier: MIT */
/* Characters in a linear framebuffer of 15, 16, 24 or 32 bits a pixel. Pure; writes only, never
 * reads. */
#ifndef FB_TEXT_H
#define FB_TEXT_H

#include "font.h"

#include <exo/boot_info.h>

/* The smallest screen that is worth writing on. */
#define FB_TEXT_MIN_COLUMNS 20
#define FB_TEXT_MIN_ROWS 4

struct fb_text {
	uint8_t *pixels; /* top left */
	uint32_t width, height, pitch;
	unsigned int bytes_per_pixel;
	uint32_t foreground, background; /* as stored in a pixel */
	const uint8_t (*font)[FONT_HEIGHT];
};

/* NULL if text can be drawn in @mode; else why not, in English. Says nothing about mode->base. */
const char *fb_text_unusable(const struct boot_framebuffer *mode);

/* @mode: one that fb_text_unusable() has no objection to; @pixels: its pitch * height bytes. */
void fb_text_init(struct fb_text *fb, const struct boot_framebuffer *mode, void *pixels,
		  const uint8_t (*font)[FONT_HEIGHT]);

/* Paints the whole screen in the background colour. */
void fb_text_clear(struct fb_text *fb);

/* Draws a glyph over one known to be there (@was): only the pixel rows in which the two differ. */
void fb_text_draw(struct fb_text *fb, unsigned int row, unsigned int column, uint8_t was,
		  uint8_t character);

/* Draws or removes the cursor, an underline, on a cell that shows @character. */
void fb_text_cursor(struct fb_text *fb, unsigned int row, unsigned int column, uint8_t character,
		    bool on);

#endif
