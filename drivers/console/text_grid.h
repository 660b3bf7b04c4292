/* SPDX-License-Identifier: MIT */
/*
 * A screen of character cells, without the screen: where written text goes, what scrolls, and which
 * cells a driver has to redraw. Pure.
 */
#ifndef TEXT_GRID_H
#define TEXT_GRID_H

#include <exo/compiler.h>
#include <stdbool.h>

/* Cells hold Unicode up to 0xff; this one stands for every character that has no cell code. */
#define TEXT_GRID_UNKNOWN 0x7f
#define TEXT_GRID_TAB 8

enum text_grid_state { TEXT_GRID_PLAIN, TEXT_GRID_ESCAPE, TEXT_GRID_CSI };

struct text_grid {
	/* Set by the user before text_grid_init(). */
	uint8_t *cells, *shown; /* rows * columns each */
	unsigned int columns, rows; /* >= 1 */
	/* Redraws one cell; @was is what it showed. */
	void (*draw)(struct text_grid *grid, unsigned int row, unsigned int column, uint8_t was,
		     uint8_t character);

	/* The rest belongs to text_grid.c. */
	unsigned int row, column; /* next character; column == columns: wrap before it */
	unsigned int top; /* the row of cells[] that is on top of the screen */
	unsigned int dirty_first, dirty_end; /* rows that may differ from shown[] */
	enum text_grid_state state;
	unsigned int parameter; /* of a control sequence */
	unsigned int code, code_left; /* UTF-8: collected so far, bytes to come */
};

/* Blank grid, cursor on top; takes for granted that the screen is blank as well. */
void text_grid_init(struct text_grid *grid);

/* Takes text; draws nothing. Understands \n \r \t \b, UTF-8, and ESC [ H, J and K; drops other
 * controls. */
void text_grid_write(struct text_grid *grid, const char *text, size_t length);

/* Redraws the changed cells of one row. Returns false when no row is left that may have changed. */
bool text_grid_draw_row(struct text_grid *grid);

#endif
