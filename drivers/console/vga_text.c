/* SPDX-License-Identifier: MIT */
/*
 * VGA text mode, 80x25: what a BIOS leaves on the screen when the boot loader sets no graphics
 * mode.
 *
 * Each cell of the screen is a character byte and an attribute byte; the character set is code page
 * 437, of which only ASCII is used. Whether there is such a screen at all is found by writing a
 * cell and reading it back, the only read that this driver makes.
 */
#include "screen_console.h"

#include <arch/io.h>
#include <arch/memory.h>
#include <exo/boot_info.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/screen.h>

/* IBM VGA technical reference: the CRT controller's index and data ports of the colour modes. */
enum vga_port { VGA_CRTC_INDEX = 0x3d4, VGA_CRTC_DATA = 0x3d5 };
enum vga_crtc { CRTC_CURSOR_HIGH = 0x0e, CRTC_CURSOR_LOW = 0x0f };

#define VGA_BASE 0xb8000
#define VGA_COLUMNS 80
#define VGA_ROWS 25
#define VGA_ATTRIBUTE 0x0700 /* light grey on black */
#define VGA_UNKNOWN 0xfe /* code page 437: a small square */
#define VGA_PROBE 0x5aa5

static volatile uint16_t *vga_cells;
static uint8_t cells[VGA_ROWS * VGA_COLUMNS], shown[VGA_ROWS * VGA_COLUMNS];

static void vga_draw(struct text_grid *grid, unsigned int row, unsigned int column, uint8_t was,
		     uint8_t character)
{
	(void)grid;
	(void)was;
	if (character >= TEXT_GRID_UNKNOWN)
		character = VGA_UNKNOWN;
	vga_cells[row * VGA_COLUMNS + column] = VGA_ATTRIBUTE | character;
}

static struct text_grid vga_grid = {
	.cells = cells,
	.shown = shown,
	.columns = VGA_COLUMNS,
	.rows = VGA_ROWS,
	.draw = vga_draw,
};

static void vga_move_cursor(struct text_grid *grid)
{
	unsigned int column = grid->column < VGA_COLUMNS ? grid->column : VGA_COLUMNS - 1;
	unsigned int at = grid->row * VGA_COLUMNS + column;

	io_out8(VGA_CRTC_INDEX, CRTC_CURSOR_HIGH);
	io_out8(VGA_CRTC_DATA, (uint8_t)(at >> 8));
	io_out8(VGA_CRTC_INDEX, CRTC_CURSOR_LOW);
	io_out8(VGA_CRTC_DATA, (uint8_t)at);
}

static void vga_write(struct console *console, const char *text, size_t length)
{
	(void)console;
	screen_write(&vga_grid, text, length, vga_move_cursor);
}

static struct console vga_console = { .name = "vga", .write = vga_write };

void vga_text_init(void)
{
	if (boot_info.framebuffer.kind == FRAMEBUFFER_RGB)
		return;
	vga_cells = phys_to_virt(VGA_BASE);
	vga_cells[0] = VGA_PROBE;
	if (vga_cells[0] != VGA_PROBE) {
		log_info("vga: no screen memory at 0x%x", VGA_BASE);
		return;
	}
	for (unsigned int i = 0; i < VGA_ROWS * VGA_COLUMNS; i++)
		vga_cells[i] = VGA_ATTRIBUTE | ' ';
	text_grid_init(&vga_grid);
	console_register(&vga_console);
}
