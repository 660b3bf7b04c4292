/* SPDX-License-Identifier: MIT */
/* Glyphs in a framebuffer, pixel by pixel, in every depth and some unusual layouts. */
#include "../../drivers/console/fb_text.h"

#include <exo/string.h>
#include <exo/test.h>

#define WIDTH 165 /* no multiple of 8 */
#define HEIGHT 70 /* nor of 16 */
#define PADDING 12 /* bytes behind each line that nobody may write */
#define GUARD 0xa5
#define MAX_PITCH (WIDTH * 4 + 3 + PADDING)
#define GREY 0xd0

static const struct boot_framebuffer modes[] = {
#define MODE(bits, rs, rb, gs, gb, bs, bb)                                                         \
	{                                                                                          \
		.kind = FRAMEBUFFER_RGB, .width = WIDTH, .height = HEIGHT, .bits_per_pixel = bits, \
		.red_shift = rs, .red_bits = rb, .green_shift = gs, .green_bits = gb,              \
		.blue_shift = bs, .blue_bits = bb                                                  \
	}
	MODE(15, 10, 5, 5, 5, 0, 5), MODE(16, 11, 5, 5, 6, 0, 5),  MODE(16, 0, 5, 5, 6, 11, 5),
	MODE(24, 16, 8, 8, 8, 0, 8), MODE(24, 0, 8, 8, 8, 16, 8),  MODE(24, 0, 8, 8, 4, 17, 6),
	MODE(32, 16, 8, 8, 8, 0, 8), MODE(32, 24, 8, 16, 8, 8, 8), MODE(32, 20, 10, 10, 10, 0, 10),
#undef MODE
};

/* Indices of the plain ones. */
enum { MODE_16 = 1, MODE_24 = 3, MODE_32 = 6 };

static uint8_t memory[MAX_PITCH * (HEIGHT + 2)] __aligned(4);
static uint8_t font[256][FONT_HEIGHT];
static struct fb_text fb;
static struct boot_framebuffer mode;

static uint8_t *pixels(void)
{
	return memory + mode.pitch;
}

static unsigned int bytes(void)
{
	return (mode.bits_per_pixel + 7) / 8;
}

/* A screen of @index's mode between two guard lines, cleared, and a font of unlike glyphs. */
static void begin(unsigned int index)
{
	mode = modes[index];
	/* The padding keeps lines aligned: a multiple of the pixel for 2 and 4 bytes. */
	mode.pitch = WIDTH * bytes() + PADDING;
	memset(memory, GUARD, sizeof(memory));
	for (unsigned int i = 0; i < 256; i++) {
		for (unsigned int y = 0; y < FONT_HEIGHT; y++)
			font[i][y] = (uint8_t)(i * 37 + y * (i | 1) * 11);
	}
	fb_text_init(&fb, &mode, pixels(), (const uint8_t(*)[FONT_HEIGHT])font);
	fb_text_clear(&fb);
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
	const uint8_t *at = pixels() + y * mode.pitch + x * bytes();
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes(); i++)
		value |= (uint32_t)at[i] << 8 * i;
	return value;
}

/* True if the channel of a lit pixel is the grey, as nearly as its bits allow. */
static bool is_grey(uint32_t value, unsigned int shift, unsigned int bits)
{
	int most = (1 << bits) - 1, level = (int)(value >> shift) & most;
	int difference = level * 255 - GREY * most;

	return difference < 255 && difference > -255;
}

static bool is_lit(uint32_t value)
{
	uint32_t used = (((1u << mode.red_bits) - 1) << mode.red_shift) |
			(((1u << mode.green_bits) - 1) << mode.green_shift) |
			(((1u << mode.blue_bits) - 1) << mode.blue_shift);

	return (value & ~used) == 0 && is_grey(value, mode.red_shift, mode.red_bits) &&
	       is_grey(value, mode.green_shift, mode.green_bits) &&
	       is_grey(value, mode.blue_shift, mode.blue_bits);
}

/* True if the whole screen is black but for one cell with a glyph, whose last rows may be lit. */
static bool shows_only(unsigned int row, unsigned int column, uint8_t character, bool cursor)
{
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t in_x = x - column * 8, in_y = y - row * 16;
			bool lit = false;

			if (in_x < 8 && in_y < 16)
				lit = font[character][in_y] >> (7 - in_x) & 1 ||
				      (cursor && in_y >= 14);
			if (lit ? !is_lit(pixel(x, y)) : pixel(x, y) != 0)
				return false;
		}
	}
	return true;
}

static bool guards_are_whole(void)
{
	const uint32_t used = WIDTH * bytes();

	for (uint32_t y = 0; y < HEIGHT + 2; y++) {
		for (uint32_t x = y == 0 || y == HEIGHT + 1 ? 0 : used; x < mode.pitch; x++) {
			if (memory[y * mode.pitch + x] != GUARD)
				return false;
		}
	}
	return true;
}

static void fb_text_draws_in_every_mode(struct test *test)
{
	const unsigned int last_row = HEIGHT / 16 - 1, last_column = WIDTH / 8 - 1;

	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(i);
		memset(font[' '], 0, FONT_HEIGHT);
		TEST_TRUE(test, fb_text_unusable(&mode) == NULL);
		TEST_TRUE(test, shows_only(0, 0, ' ', false));
		fb_text_draw(&fb, 0, 0, ' ', 'A');
		TEST_TRUE(test, shows_only(0, 0, 'A', false));
		fb_text_draw(&fb, 0, 0, 'A', 0xff);
		TEST_TRUE(test, shows_only(0, 0, 0xff, false));
		fb_text_draw(&fb, 0, 0, 0xff, ' ');
		fb_text_draw(&fb, last_row, last_column, ' ', 0xe9);
		TEST_TRUE(test, shows_only(last_row, last_column, 0xe9, false));
		TEST_TRUE(test, guards_are_whole());
	}
}

static void fb_text_shows_and_removes_cursor(struct test *test)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(i);
		memset(font[' '], 0, FONT_HEIGHT);
		fb_text_draw(&fb, 1, 2, ' ', 'g');
		fb_text_cursor(&fb, 1, 2, 'g', true);
		TEST_TRUE(test, shows_only(1, 2, 'g', true));
		fb_text_cursor(&fb, 1, 2, 'g', false);
		TEST_TRUE(test, shows_only(1, 2, 'g', false));
		TEST_TRUE(test, guards_are_whole());
	}
}

static void fb_text_skips_rows_that_are_equal(struct test *test)
{
	begin(MODE_32);
	memset(font[' '], 0, FONT_HEIGHT);
	memset(font['x'], 0, FONT_HEIGHT);
	font['x'][7] = 0x18;
	/* Poison the cell: only row 7 may be written. */
	for (uint32_t y = 0; y < FONT_HEIGHT; y++)
		memset(pixels() + y * mode.pitch, GUARD, 8 * bytes());
	fb_text_draw(&fb, 0, 0, ' ', 'x');
	for (uint32_t y = 0; y < FONT_HEIGHT; y++) {
		for (uint32_t x = 0; x < 8; x++) {
			uint32_t expected = x == 3 || x == 4 ? fb.foreground : 0;

			TEST_EQ(test, pixel(x, y), y == 7 ? expected : 0xa5a5a5a5);
		}
	}
}

static void fb_text_refuses_absurd_modes(struct test *test)
{
#define REFUSES(change)                                           \
	do {                                                      \
		begin(MODE_32);                                   \
		change;                                           \
		TEST_TRUE(test, fb_text_unusable(&mode) != NULL); \
	} while (0)
	begin(MODE_32);
	TEST_TRUE(test, fb_text_unusable(&mode) == NULL);
	mode.pitch = WIDTH * 4;
	TEST_TRUE(test, fb_text_unusable(&mode) == NULL);
	REFUSES(mode.pitch = WIDTH * 4 - 4);
	REFUSES(mode.pitch += 2);
	REFUSES(mode.pitch = 0);
	REFUSES(mode.width = 0);
	REFUSES(mode.width = FB_TEXT_MIN_COLUMNS * FONT_WIDTH - 1);
	REFUSES(mode.width = 0x40000010); /* times 4 wraps around 32 bits */
	REFUSES(mode.width = UINT32_MAX);
	REFUSES(mode.height = FB_TEXT_MIN_ROWS * FONT_HEIGHT - 1);
	REFUSES(mode.bits_per_pixel = 0);
	REFUSES(mode.bits_per_pixel = 8);
	REFUSES(mode.bits_per_pixel = 31);
	REFUSES(mode.bits_per_pixel = 64);
	REFUSES(mode.red_bits = 0);
	REFUSES(mode.green_bits = 17);
	REFUSES(mode.blue_shift = 25);
	REFUSES(mode.red_shift = 255);
#undef REFUSES
	begin(MODE_16);
	mode.pitch++;
	TEST_TRUE(test, fb_text_unusable(&mode) != NULL);
	begin(MODE_24);
	mode.pitch++; /* with 3 bytes a pixel any line length will do */
	TEST_TRUE(test, fb_text_unusable(&mode) == NULL);
}

static const struct test_case fb_text_cases[] = {
	TEST_CASE(fb_text_draws_in_every_mode),
	TEST_CASE(fb_text_shows_and_removes_cursor),
	TEST_CASE(fb_text_skips_rows_that_are_equal),
	TEST_CASE(fb_text_refuses_absurd_modes),
};
TEST_SUITE(fb_text, fb_text_cases);
