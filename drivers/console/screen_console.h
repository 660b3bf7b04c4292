/* SPDX-License-Identifier: MIT */
/* The write path that both screen consoles share. */
#ifndef SCREEN_CONSOLE_H
#define SCREEN_CONSOLE_H

#include "text_grid.h"

/**
 * screen_write() - take text and redraw what it changed
 * @move_cursor: shows the cursor at grid->row, grid->column (which may be one past the last column)
 * Any context. Interrupts are off for one row at a time, not for the whole redraw.
 */
void screen_write(struct text_grid *grid, const char *text, size_t length,
		  void (*move_cursor)(struct text_grid *grid));

#endif
