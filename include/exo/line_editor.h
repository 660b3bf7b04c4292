/* SPDX-License-Identifier: MIT */
/*
 * A line editor for terminals: takes input bytes one by one, keeps the line, and puts out what the
 * terminal must show. Pure: all memory and both callbacks are the caller's.
 *
 * Keys: printable ASCII inserts; Left/Right or Ctrl-B/F; Home/End or Ctrl-A/E; Backspace or Ctrl-H;
 * Delete or Ctrl-D; Ctrl-K/U delete to the end/start; Ctrl-W deletes a word; Up/Down or Ctrl-P/N
 * walk the history; Tab completes; Ctrl-L clears the screen; Ctrl-C gives the line up. CR, LF or CR
 * LF ends it. Everything else is ignored. A line longer than the screen is wide scrolls sideways.
 */
#ifndef EXO_LINE_EDITOR_H
#define EXO_LINE_EDITOR_H

#include <exo/compiler.h>
#include <stdbool.h>

enum line_editor_event {
	LINE_EDITOR_MORE, /* the line is not finished */
	LINE_EDITOR_DONE, /* editor->line is the line */
	LINE_EDITOR_CANCELLED, /* the user gave up; the line is empty */
};

struct line_editor {
	/* Set by the caller before line_editor_init(). */
	char *line; /* the line, always terminated */
	size_t size; /* bytes at @line, >= 2 */
	const char *prompt;
	unsigned int columns; /* width of the terminal, > length of the prompt + 8 */
	/* (history_lines + 1) * size bytes; NULL with history_lines == 0. */
	char *history;
	unsigned int history_lines;
	void (*put)(struct line_editor *editor, const char *text, size_t length);
	/*
	 * The words that could stand at line[start]: the @index-th, or NULL when there are no more.
	 * The editor picks those that fit what is typed. NULL: no completion.
	 */
	const char *(*candidate)(struct line_editor *editor, size_t start, unsigned int index);

	/* The rest is line_editor.c's; @length and @cursor may be read. */
	size_t length, cursor; /* cursor <= length < size */
	unsigned int width; /* characters of the line that fit beside the prompt */
	size_t scroll; /* the first one that is on screen */
	size_t shown; /* how many are on screen */
	size_t column; /* where the terminal's cursor is, counted from the prompt's end */
	unsigned int history_count, history_next, history_back;
	uint8_t state, parameter; /* of an escape sequence */
	bool after_return; /* the last byte was CR: a LF now belongs to it */
	bool tabbed; /* the last key was a Tab that changed nothing */
};

/* Once, before the first line. Forgets the history. */
void line_editor_init(struct line_editor *editor);

/* Begins an empty line and shows the prompt. */
void line_editor_start(struct line_editor *editor);

/* Takes one input byte. After DONE or CANCELLED call line_editor_start() before the next one. */
enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte);

#endif
