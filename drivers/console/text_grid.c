/* SPDX-License-Identifier: MIT */
/*
 * A screen of character cells.
 *
 * Two grids: cells[] is what the text says, shown[] what the screen shows. Writing and scrolling
 * change cells[] only (its rows are a ring, so scrolling moves nothing), and drawing visits the
 * cells where the two differ. So a burst of lines costs one redraw, and screen memory, which is
 * slow to read, is never read.
 */
#include "text_grid.h"

#include <exo/string.h>

static uint8_t *grid_row(struct text_grid *grid, unsigned int row)
{
	unsigned int at = grid->top + row;

	if (at >= grid->rows)
		at -= grid->rows;
	return grid->cells + (size_t)at * grid->columns;
}

static void touch(struct text_grid *grid, unsigned int first, unsigned int end)
{
	if (grid->dirty_first >= grid->dirty_end) {
		grid->dirty_first = first;
		grid->dirty_end = end;
		return;
	}
	if (first < grid->dirty_first)
		grid->dirty_first = first;
	if (end > grid->dirty_end)
		grid->dirty_end = end;
}

static void clear(struct text_grid *grid)
{
	memset(grid->cells, ' ', (size_t)grid->rows * grid->columns);
	touch(grid, 0, grid->rows);
}

void text_grid_init(struct text_grid *grid)
{
	grid->row = grid->column = grid->top = 0;
	grid->state = TEXT_GRID_PLAIN;
	grid->code_left = 0;
	clear(grid);
	memset(grid->shown, ' ', (size_t)grid->rows * grid->columns);
	grid->dirty_first = grid->dirty_end = 0;
}

static void line_feed(struct text_grid *grid)
{
	grid->column = 0;
	if (grid->row + 1 < grid->rows) {
		grid->row++;
		return;
	}
	grid->top = grid->top + 1 < grid->rows ? grid->top + 1 : 0;
	memset(grid_row(grid, grid->row), ' ', grid->columns);
	touch(grid, 0, grid->rows);
}

static void put_cell(struct text_grid *grid, uint8_t character)
{
	if (grid->column == grid->columns)
		line_feed(grid);
	grid_row(grid, grid->row)[grid->column++] = character;
	touch(grid, grid->row, grid->row + 1);
}

/* Ends a control sequence: only what the line editor and most programs need. */
static void control_sequence(struct text_grid *grid, char final)
{
	switch (final) {
	case 'H':
		grid->row = grid->column = 0;
		break;
	case 'J':
		if (grid->parameter == 2)
			clear(grid);
		break;
	case 'K':
		memset(grid_row(grid, grid->row) + grid->column, ' ', grid->columns - grid->column);
		touch(grid, grid->row, grid->row + 1);
		break;
	}
}

/* A byte of an escape sequence (ECMA-48, 5.4). */
static void escape(struct text_grid *grid, uint8_t byte)
{
	if (grid->state == TEXT_GRID_ESCAPE) {
		grid->parameter = 0;
		if (byte == '[')
			grid->state = TEXT_GRID_CSI;
		else if (byte < 0x20 || byte > 0x2f)
			grid->state = TEXT_GRID_PLAIN;
	} else if (byte >= '0' && byte <= '9') {
		grid->parameter = grid->parameter * 10 + byte - '0';
	} else if (byte >= 0x40) {
		control_sequence(grid, (char)byte);
		grid->state = TEXT_GRID_PLAIN;
	}
}

static void control(struct text_grid *grid, uint8_t byte)
{
	switch (byte) {
	case '\n':
		line_feed(grid);
		break;
	case '\r':
		grid->column = 0;
		break;
	case '\b':
		grid->column -= grid->column > 0;
		break;
	case '\t':
		do
			put_cell(grid, ' ');
		while (grid->column % TEXT_GRID_TAB && grid->column < grid->columns);
		break;
	case 0x1b:
		grid->state = TEXT_GRID_ESCAPE;
		break;
	}
}

/* A byte above 0x7f: part of UTF-8 (RFC 3629); overlong forms are not worth telling apart here. */
static void high_byte(struct text_grid *grid, uint8_t byte)
{
	if (byte < 0xc0 && grid->code_left > 0) {
		grid->code = grid->code << 6 | (byte & 0x3f);
		if (--grid->code_left == 0)
			put_cell(grid, grid->code >= 0xa0 && grid->code <= 0xff
					       ? (uint8_t)grid->code
					       : TEXT_GRID_UNKNOWN);
		return;
	}
	if (grid->code_left > 0 || byte < 0xc0 || byte >= 0xf8)
		put_cell(grid, TEXT_GRID_UNKNOWN);
	if (byte >= 0xc0 && byte < 0xf8) {
		grid->code_left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
		grid->code = byte & (0x3f >> grid->code_left);
	} else {
		grid->code_left = 0;
	}
}

void text_grid_write(struct text_grid *grid, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte >= 0x80) {
			high_byte(grid, byte);
			continue;
		}
		if (grid->code_left > 0) {
			grid->code_left = 0;
			put_cell(grid, TEXT_GRID_UNKNOWN);
		}
		if (byte < 0x20 || byte == 0x7f)
			control(grid, byte);
		else if (grid->state != TEXT_GRID_PLAIN)
			escape(grid, byte);
		else
			put_cell(grid, byte);
	}
}

bool text_grid_draw_row(struct text_grid *grid)
{
	unsigned int row = grid->dirty_first;
	uint8_t *cells, *shown;

	if (row >= grid->dirty_end)
		return false;
	cells = grid_row(grid, row);
	shown = grid->shown + (size_t)row * grid->columns;
	for (unsigned int column = 0; column < grid->columns; column++) {
		if (cells[column] == shown[column])
			continue;
		grid->draw(grid, row, column, shown[column], cells[column]);
		shown[column] = cells[column];
	}
	grid->dirty_first = row + 1;
	return grid->dirty_first < grid->dirty_end;
}
