/* SPDX-License-Identifier: MIT */
/*
 * Characters in a linear framebuffer.
 *
 * The mode comes from outside, so it is checked in full before the first pixel is written: sizes
 * that fit each other, channels that fit a pixel, and lines that keep pixels aligned.
 */
#include "fb_text.h"

#define CURSOR_ROW (FONT_HEIGHT - 2) /* the cursor covers the rows from here to the cell's end */
#define GREY 0xd0 /* of 0xff in each channel: readable, not glaring */

static unsigned int bytes_per_pixel(const struct boot_framebuffer *mode)
{
	return (mode->bits_per_pixel + 7) / 8;
}

static bool channel_fits(const struct boot_framebuffer *mode, uint8_t shift, uint8_t bits)
{
	return bits >= 1 && bits <= 16 && shift + bits <= 8 * bytes_per_pixel(mode);
}

const char *fb_text_unusable(const struct boot_framebuffer *mode)
{
	unsigned int bytes = bytes_per_pixel(mode);

	if (mode->bits_per_pixel != 15 && mode->bits_per_pixel != 16 &&
	    mode->bits_per_pixel != 24 && mode->bits_per_pixel != 32)
		return "its pixels have an unknown size";
	if (mode->width < FB_TEXT_MIN_COLUMNS * FONT_WIDTH ||
	    mode->height < FB_TEXT_MIN_ROWS * FONT_HEIGHT)
		return "it is too small for text";
	if ((uint64_t)mode->width * bytes > mode->pitch)
		return "its lines overlap";
	if (bytes != 3 && mode->pitch % bytes)
		return "its lines are not aligned";
	if (!channel_fits(mode, mode->red_shift, mode->red_bits) ||
	    !channel_fits(mode, mode->green_shift, mode->green_bits) ||
	    !channel_fits(mode, mode->blue_shift, mode->blue_bits))
		return "its colours do not fit a pixel";
	return NULL;
}

static uint32_t channel(uint8_t shift, uint8_t bits)
{
	uint32_t most = (1u << bits) - 1;

	return (most * GREY / 0xff) << shift;
}

void fb_text_init(struct fb_text *fb, const struct boot_framebuffer *mode, void *pixels,
		  const uint8_t (*font)[FONT_HEIGHT])
{
	fb->pixels = pixels;
	fb->width = mode->width;
	fb->height = mode->height;
	fb->pitch = mode->pitch;
	fb->bytes_per_pixel = bytes_per_pixel(mode);
	fb->foreground = channel(mode->red_shift, mode->red_bits) |
			 channel(mode->green_shift, mode->green_bits) |
			 channel(mode->blue_shift, mode->blue_bits);
	fb->background = 0;
	fb->font = font;
}

/* Eight pixels at (@x, @y), the leftmost from the most significant bit. */
static void draw_bits(struct fb_text *fb, uint32_t x, uint32_t y, uint8_t bits)
{
	uint8_t *at = fb->pixels + (uint64_t)y * fb->pitch + (uint64_t)x * fb->bytes_per_pixel;

	for (unsigned int mask = 0x80; mask; mask >>= 1, at += fb->bytes_per_pixel) {
		uint32_t pixel = bits & mask ? fb->foreground : fb->background;

		if (fb->bytes_per_pixel == 4) {
			*(volatile uint32_t *)at = pixel;
		} else if (fb->bytes_per_pixel == 2) {
			*(volatile uint16_t *)at = (uint16_t)pixel;
		} else {
			((volatile uint8_t *)at)[0] = (uint8_t)pixel;
			((volatile uint8_t *)at)[1] = (uint8_t)(pixel >> 8);
			((volatile uint8_t *)at)[2] = (uint8_t)(pixel >> 16);
		}
	}
}

void fb_text_clear(struct fb_text *fb)
{
	for (uint32_t y = 0; y < fb->height; y++) {
		for (uint32_t x = 0; x < fb->width; x += FONT_WIDTH) {
			/* A last step back: a width that is no multiple of the font's is filled
			 * too. */
			draw_bits(fb, x + FONT_WIDTH <= fb->width ? x : fb->width - FONT_WIDTH, y,
				  0);
		}
	}
}

void fb_text_draw(struct fb_text *fb, unsigned int row, unsigned int column, uint8_t was,
		  uint8_t character)
{
	const uint8_t *old = fb->font[was], *new = fb->font[character];

	for (unsigned int y = 0; y < FONT_HEIGHT; y++) {
		if (old[y] != new[y])
			draw_bits(fb, column * FONT_WIDTH, row * FONT_HEIGHT + y, new[y]);
	}
}

void fb_text_cursor(struct fb_text *fb, unsigned int row, unsigned int column, uint8_t character,
		    bool on)
{
	for (unsigned int y = CURSOR_ROW; y < FONT_HEIGHT; y++)
		draw_bits(fb, column * FONT_WIDTH, row * FONT_HEIGHT + y,
			  on ? 0xff : fb->font[character][y]);
}
