/* SPDX-License-Identifier: MIT */
/*
 * From console text to changed cells, for both screen consoles.
 *
 * A full redraw takes milliseconds on slow screen memory, long enough for a serial port to
 * overflow. So interrupts come through between rows; a handler that writes meanwhile draws all that
 * is left, and the interrupted loop then finds nothing to do.
 */
#include "screen_console.h"

#include <arch/cpu.h>

void screen_write(struct text_grid *grid, const char *text, size_t length,
		  void (*move_cursor)(struct text_grid *grid))
{
	uint64_t flags = irq_save();
	bool more;

	text_grid_write(grid, text, length);
	irq_restore(flags);
	do {
		flags = irq_save();
		more = text_grid_draw_row(grid);
		if (!more)
			move_cursor(grid);
		irq_restore(flags);
	} while (more);
}
