/* SPDX-License-Identifier: MIT */
/*
 * The boot loader's graphics mode as a console (the only screen that UEFI offers).
 *
 * The grid is as large as the screen, up to the configured number of columns and rows; what is
 * beyond stays black. The cursor is the driver's own: it is taken off its old cell, which may have
 * been redrawn meanwhile, and put on its new one after each write.
 */
#include "fb_text.h"
#include "screen_console.h"

#include <arch/memory.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/screen.h>

static uint8_t cells[CONFIG_FRAMEBUFFER_ROWS * CONFIG_FRAMEBUFFER_COLUMNS];
static uint8_t shown[CONFIG_FRAMEBUFFER_ROWS * CONFIG_FRAMEBUFFER_COLUMNS];
static struct fb_text fb;
static unsigned int cursor_row, cursor_column;

static void framebuffer_draw(struct text_grid *grid, unsigned int row, unsigned int column,
			     uint8_t was, uint8_t character)
{
	(void)grid;
	fb_text_draw(&fb, row, column, was, character);
}

static struct text_grid fb_grid = { .cells = cells, .shown = shown, .draw = framebuffer_draw };

static void framebuffer_cursor(struct text_grid *grid)
{
	unsigned int column = grid->column < grid->columns ? grid->column : grid->columns - 1;

	fb_text_cursor(&fb, cursor_row, cursor_column,
		       shown[cursor_row * grid->columns + cursor_column], false);
	cursor_row = grid->row;
	cursor_column = column;
	fb_text_cursor(&fb, cursor_row, cursor_column,
		       shown[cursor_row * grid->columns + cursor_column], true);
}

static void framebuffer_write(struct console *console, const char *text, size_t length)
{
	(void)console;
	screen_write(&fb_grid, text, length, framebuffer_cursor);
}

static struct console framebuffer_console = { .name = "framebuffer", .write = framebuffer_write };

static const char *unusable(const struct boot_framebuffer *mode)
{
	const char *reason = fb_text_unusable(mode);

	if (reason)
		return reason;
	if (mode->base % 4)
		return "its address is not aligned";
	if (!phys_reachable(mode->base, (uint64_t)mode->pitch * mode->height))
		return "it lies beyond the direct map (BOOT_DIRECT_MAP_GIB)";
	return NULL;
}

void framebuffer_init(void)
{
	const struct boot_framebuffer *mode = &boot_info.framebuffer;
	const char *reason;

	if (mode->kind != FRAMEBUFFER_RGB)
		return;
	reason = unusable(mode);
	if (reason) {
		log_warning("framebuffer: %ux%u, %u bits, pitch %u at 0x%llx is not used: %s",
			    mode->width, mode->height, mode->bits_per_pixel, mode->pitch,
			    (unsigned long long)mode->base, reason);
		return;
	}
	fb_text_init(&fb, mode, phys_to_virt(mode->base), console_font);
	fb_text_clear(&fb);
	fb_grid.columns = mode->width / FONT_WIDTH;
	if (fb_grid.columns > CONFIG_FRAMEBUFFER_COLUMNS)
		fb_grid.columns = CONFIG_FRAMEBUFFER_COLUMNS;
	fb_grid.rows = mode->height / FONT_HEIGHT;
	if (fb_grid.rows > CONFIG_FRAMEBUFFER_ROWS)
		fb_grid.rows = CONFIG_FRAMEBUFFER_ROWS;
	text_grid_init(&fb_grid);
	console_register(&framebuffer_console);
	log_info("framebuffer: %ux%u, %u bits, %ux%u characters", mode->width, mode->height,
		 mode->bits_per_pixel, fb_grid.columns, fb_grid.rows);
}
