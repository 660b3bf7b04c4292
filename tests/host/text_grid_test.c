/* SPDX-License-Identifier: MIT */
/* The character grid of the screen consoles against a naive screen, drawn through its callback. */
#include "../../drivers/console/text_grid.h"

#include <exo/string.h>
#include <exo/test.h>

#define COLUMNS 20
#define ROWS 5

static uint8_t cells[ROWS * COLUMNS], shown[ROWS * COLUMNS];
static uint8_t screen[ROWS][COLUMNS]; /* what draw() made of it */
static bool draw_is_wrong;
static unsigned int drawn;

static void draw(struct text_grid *grid, unsigned int row, unsigned int column, uint8_t was,
		 uint8_t character)
{
	(void)grid;
	drawn++;
	if (row >= ROWS || column >= COLUMNS || screen[row][column] != was || was == character)
		draw_is_wrong = true;
	else
		screen[row][column] = character;
}

static struct text_grid grid = {
	.cells = cells, .shown = shown, .columns = COLUMNS, .rows = ROWS, .draw = draw
};

static void begin(void)
{
	text_grid_init(&grid);
	memset(screen, ' ', sizeof(screen));
	draw_is_wrong = false;
	drawn = 0;
}

static void write(const char *text)
{
	text_grid_write(&grid, text, strlen(text));
	while (text_grid_draw_row(&grid))
		;
}

/* True if row @row shows @text and blanks behind it. */
static bool row_is(unsigned int row, const char *text)
{
	size_t length = strlen(text);

	for (unsigned int i = 0; i < COLUMNS; i++) {
		if (screen[row][i] != (i < length ? (uint8_t)text[i] : ' '))
			return false;
	}
	return !draw_is_wrong;
}

static struct {
	uint8_t cells[ROWS][COLUMNS];
	unsigned int row, column;
} model;

static void model_line_feed(void)
{
	model.column = 0;
	if (model.row < ROWS - 1) {
		model.row++;
		return;
	}
	memmove(model.cells[0], model.cells[1], (ROWS - 1) * COLUMNS);
	memset(model.cells[ROWS - 1], ' ', COLUMNS);
}

static void model_put(char byte)
{
	if (byte == '\n') {
		model_line_feed();
	} else if (byte == '\r') {
		model.column = 0;
	} else if (byte == '\b') {
		model.column -= model.column > 0;
	} else if (byte == '\t') {
		unsigned int blanks = 8 - model.column % 8;

		if (model.column == COLUMNS)
			blanks = 8;
		else if (blanks > COLUMNS - model.column)
			blanks = COLUMNS - model.column;
		while (blanks--)
			model_put(' ');
	} else if (byte >= ' ') {
		if (model.column == COLUMNS)
			model_line_feed();
		model.cells[model.row][model.column++] = (uint8_t)byte;
	}
}

static uint32_t random_state = 1;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void text_grid_agrees_with_model(struct test *test)
{
	begin();
	memset(model.cells, ' ', sizeof(model.cells));
	model.row = model.column = 0;
	for (unsigned int i = 0; i < 5000; i++) {
		char text[64];
		size_t length = random(sizeof(text) - 1);

		for (size_t j = 0; j < length; j++) {
			text[j] = random(8) ? (char)('a' + random(26))
					    : "\n\n\r\b\t \a\x01"[random(8)];
			model_put(text[j]);
		}
		text[length] = '\0';
		write(text);
		TEST_TRUE(test, !draw_is_wrong);
		TEST_TRUE(test, memcmp(screen, model.cells, sizeof(screen)) == 0);
		TEST_EQ(test, grid.row, model.row);
		TEST_EQ(test, grid.column, model.column);
	}
}

static void text_grid_survives_random_bytes(struct test *test)
{
	begin();
	for (unsigned int i = 0; i < 20000; i++) {
		char text[16];

		for (unsigned int j = 0; j < sizeof(text); j++)
			text[j] =
				random(2) ? (char)random(256) : "\x1b[2JHK0;\xc3\xe2\n"[random(11)];
		text_grid_write(&grid, text, sizeof(text));
		while (text_grid_draw_row(&grid))
			;
		TEST_TRUE(test, !draw_is_wrong);
		TEST_TRUE(test, grid.row < ROWS && grid.column <= COLUMNS);
	}
}

static void text_grid_draws_only_changes(struct test *test)
{
	begin();
	write("abc");
	TEST_EQ(test, drawn, 3);
	write("\rabd");
	TEST_EQ(test, drawn, 4);
	/* Two equal lines scroll: nothing changes on the screen but the line that comes up. */
	begin();
	write("x\nx\nx\nx\nx");
	drawn = 0;
	write("\nx");
	TEST_EQ(test, drawn, 0);
	write("\n");
	TEST_EQ(test, drawn, 1);
}

static void text_grid_decodes_utf8(struct test *test)
{
	begin();
	write("\xc3\xa9\xc2\xa0"); /* U+00E9, U+00A0 */
	TEST_TRUE(test, row_is(0, "\xe9\xa0"));
	/* Beyond U+00FF, C1 controls, a stray continuation, and sequences that break off. */
	write("\r\xe2\x82\xac|\xf0\x9f\x98\x80|\xc2\x85|\xa9|\xc3x|\xc3\xc3\xa9|\xff|");
	TEST_TRUE(test, row_is(0, "\x7f|\x7f|\x7f|\x7f|\x7f"
				  "x|\x7f\xe9|\x7f|"));
}

static void text_grid_understands_some_escapes(struct test *test)
{
	begin();
	write("one\ntwo\x1b[H\x1b[Kx");
	TEST_TRUE(test, row_is(0, "x"));
	TEST_TRUE(test, row_is(1, "two"));
	write("\x1b[1;31mred\x1b[0m\x1b(B\x1b"
	      "7!");
	TEST_TRUE(test, row_is(0, "xred!"));
	write("\x1b[2J\x1b[Hy");
	TEST_TRUE(test, row_is(0, "y"));
	TEST_TRUE(test, row_is(1, ""));
}

static const struct test_case text_grid_cases[] = {
	TEST_CASE(text_grid_agrees_with_model),	       TEST_CASE(text_grid_survives_random_bytes),
	TEST_CASE(text_grid_draws_only_changes),       TEST_CASE(text_grid_decodes_utf8),
	TEST_CASE(text_grid_understands_some_escapes),
};
TEST_SUITE(text_grid, text_grid_cases);
