/* SPDX-License-Identifier: MIT */
/*
 * The line editor: random keys against a naive model of the line, with a small terminal that draws
 * what the editor puts out, and short scripts for what the model leaves out.
 */
#include <exo/line_editor.h>
#include <exo/string.h>
#include <exo/test.h>

#define SIZE 64
#define COLUMNS 40
#define HISTORY 3
#define PROMPT "exo> "
#define PROMPT_LENGTH (sizeof(PROMPT) - 1)

/* --- the terminal: the row that the cursor is in, and all that was put out --- */

static struct terminal {
	char row[COLUMNS];
	size_t column;
	bool wrong; /* wrote past the last column, or moved into the prompt or off the left end */
	unsigned int bells;
	char out[4096]; /* as put, the oldest forgotten when full */
	size_t length;
} terminal;

static void terminal_clear_row(void)
{
	memset(terminal.row, ' ', COLUMNS);
	terminal.column = 0;
}

static void terminal_put(struct line_editor *editor, const char *text, size_t length)
{
	static const char clear[] = "\x1b[H\x1b[2J";

	(void)editor;
	if (terminal.length + length > sizeof(terminal.out))
		terminal.length = 0;
	if (length <= sizeof(terminal.out)) {
		memcpy(terminal.out + terminal.length, text, length);
		terminal.length += length;
	}
	if (length == sizeof(clear) - 1 && memcmp(text, clear, length) == 0) {
		terminal_clear_row();
		return;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			terminal_clear_row();
		else if (text[i] == '\a')
			terminal.bells++;
		else if (text[i] == '\b' && terminal.column > PROMPT_LENGTH)
			terminal.column--;
		else if (text[i] >= ' ' && terminal.column < COLUMNS - 1)
			terminal.row[terminal.column++] = text[i];
		else
			terminal.wrong = true;
	}
}

/* --- the editor under test --- */

static char line[SIZE], history[(HISTORY + 1) * SIZE];
static const char *const words[] = { "help", "hello", "helium", "log", "logger", NULL };

static const char *candidate(struct line_editor *editor, size_t start, unsigned int index)
{
	/* Words only at the start of a command. */
	return start == 0 || editor->line[start - 1] == ';' ? words[index] : NULL;
}

static struct line_editor editor;

static void begin(unsigned int history_lines)
{
	memset(&terminal, 0, sizeof(terminal));
	terminal_clear_row();
	editor = (struct line_editor){
		.line = line,
		.size = SIZE,
		.prompt = PROMPT,
		.columns = COLUMNS,
		.history = history_lines ? history : NULL,
		.history_lines = history_lines,
		.put = terminal_put,
		.candidate = candidate,
	};
	line_editor_init(&editor);
	line_editor_start(&editor);
}

/* Feeds a script; lines that it ends are counted in @ended and new ones begun. */
static enum line_editor_event feed(const char *bytes, unsigned int *ended)
{
	enum line_editor_event event = LINE_EDITOR_MORE;

	for (; *bytes; bytes++) {
		event = line_editor_feed(&editor, (uint8_t)*bytes);
		if (event != LINE_EDITOR_MORE && ended) {
			(*ended)++;
			line_editor_start(&editor);
		}
	}
	return event;
}

/* True if the terminal shows the prompt, the window of the line, blanks, and the cursor in place.
 */
static bool screen_is_right(void)
{
	size_t visible = editor.length - editor.scroll, room = COLUMNS - PROMPT_LENGTH - 1;

	if (visible > room)
		visible = room;
	if (terminal.wrong || memcmp(terminal.row, PROMPT, PROMPT_LENGTH) ||
	    memcmp(terminal.row + PROMPT_LENGTH, line + editor.scroll, visible))
		return false;
	for (size_t i = PROMPT_LENGTH + visible; i < COLUMNS; i++) {
		if (terminal.row[i] != ' ')
			return false;
	}
	return terminal.column == PROMPT_LENGTH + editor.cursor - editor.scroll;
}

static bool editor_is_sane(void)
{
	return editor.cursor <= editor.length && editor.length < SIZE &&
	       line[editor.length] == '\0' && strlen(line) == editor.length &&
	       editor.scroll <= editor.cursor;
}

/* --- the model --- */

static struct model {
	char text[SIZE];
	size_t length, cursor;
	char kept[HISTORY + 1][SIZE]; /* kept[0]: the unfinished line, then the newest first */
	unsigned int kept_count, back;
} model;

static void model_set(const char *text)
{
	model.length = model.cursor = strlen(text);
	memcpy(model.text, text, model.length + 1);
}

static void model_delete(size_t from, size_t count)
{
	for (size_t i = from; i + count <= model.length; i++)
		model.text[i] = model.text[i + count];
	model.length -= count;
	model.cursor = from;
}

static void model_insert(char character)
{
	if (model.length == SIZE - 1)
		return;
	for (size_t i = model.length + 1; i > model.cursor; i--)
		model.text[i] = model.text[i - 1];
	model.text[model.cursor++] = character;
	model.length++;
}

static void model_history(unsigned int back)
{
	if (back > model.kept_count)
		return;
	if (model.back == 0)
		memcpy(model.kept[0], model.text, SIZE);
	model.back = back;
	model_set(model.kept[back]);
}

static void model_finish(void)
{
	size_t blanks = 0;

	while (model.text[blanks] == ' ')
		blanks++;
	if (model.text[blanks] && (model.kept_count == 0 || strcmp(model.kept[1], model.text))) {
		for (unsigned int i = HISTORY; i > 1; i--)
			memcpy(model.kept[i], model.kept[i - 1], SIZE);
		memcpy(model.kept[1], model.text, SIZE);
		model.kept_count += model.kept_count < HISTORY;
	}
	model.back = 0;
	model_set("");
}

static void model_delete_word(void)
{
	size_t start = model.cursor;

	while (start > 0 && model.text[start - 1] == ' ')
		start--;
	while (start > 0 && model.text[start - 1] != ' ')
		start--;
	model_delete(start, model.cursor - start);
}

static void model_erase(char act)
{
	switch (act) {
	case 'b':
		if (model.cursor > 0)
			model_delete(model.cursor - 1, 1);
		break;
	case 'd':
		if (model.cursor < model.length)
			model_delete(model.cursor, 1);
		break;
	case 'k':
		model_delete(model.cursor, model.length - model.cursor);
		break;
	case 'u':
		model_delete(0, model.cursor);
		break;
	case 'w':
		model_delete_word();
		break;
	}
}

static void model_key(char act)
{
	switch (act) {
	case '<':
		model.cursor -= model.cursor > 0;
		break;
	case '>':
		model.cursor += model.cursor < model.length;
		break;
	case 'a':
		model.cursor = 0;
		break;
	case 'e':
		model.cursor = model.length;
		break;
	case '^':
		model_history(model.back + 1);
		break;
	case 'v':
		if (model.back > 0)
			model_history(model.back - 1);
		break;
	case 'c':
		model.back = 0;
		model_set("");
		break;
	case 'r':
		model_finish();
		break;
	default:
		model_erase(act);
	}
}

static const struct {
	const char *bytes;
	char act; /* of model_key(); '-' for none */
} keys[] = {
	{ "\x1b[D", '<' },    { "\x1bOD", '<' },    { "\x02", '<' },	     { "\x1b[C", '>' },
	{ "\x1bOC", '>' },    { "\x06", '>' },	    { "\x1b[H", 'a' },	     { "\x1bOH", 'a' },
	{ "\x1b[1~", 'a' },   { "\x1b[7~", 'a' },   { "\x01", 'a' },	     { "\x1b[F", 'e' },
	{ "\x1bOF", 'e' },    { "\x1b[4~", 'e' },   { "\x1b[8~", 'e' },	     { "\x05", 'e' },
	{ "\x08", 'b' },      { "\x7f", 'b' },	    { "\x1b[3~", 'd' },	     { "\x04", 'd' },
	{ "\x0b", 'k' },      { "\x15", 'u' },	    { "\x17", 'w' },	     { "\x1b[A", '^' },
	{ "\x1bOA", '^' },    { "\x10", '^' },	    { "\x1b[B", 'v' },	     { "\x1bOB", 'v' },
	{ "\x0e", 'v' },      { "\x03", 'c' },	    { "\r", 'r' },	     { "\n", 'r' },
	{ "\r\n", 'r' },      { "\x0c", '-' },	    { "\x1b[2~", '-' },	     { "\x1b[5~", '-' },
	{ "\x1b[15~", '-' },  { "\x1b[257~", '-' }, { "\x1b[259~", '-' },    { "\x1b[999D", '<' },
	{ "\x1b[1;5C", '>' }, { "\x1bz", '-' },	    { "\x80\xff\xc3", '-' }, { "\x1b[\x7f", '-' },
};

static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void line_editor_agrees_with_model(struct test *test)
{
	char character[2] = "x";
	const char *bytes = "";

	random_state = 1;
	begin(HISTORY);
	memset(&model, 0, sizeof(model));
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int ended = 0;

		/* Typing twice as often as any edit, so that lines get longer than the screen. */
		if (random(3)) {
			character[0] = random(6) ? (char)('a' + random(26)) : ' ';
			bytes = "";
			model_insert(character[0]);
			feed(character, &ended);
		} else {
			unsigned int key = random(ARRAY_SIZE(keys));

			/* A LF right after a CR is the same line end. */
			if (keys[key].bytes[0] == '\n' && bytes[0] == '\r' && bytes[1] == '\0')
				continue;
			bytes = keys[key].bytes;
			model_key(keys[key].act);
			feed(bytes, &ended);
			TEST_EQ(test, ended, keys[key].act == 'r' || keys[key].act == 'c');
		}
		TEST_EQ(test, editor.length, model.length);
		TEST_EQ(test, editor.cursor, model.cursor);
		TEST_STREQ(test, line, model.text);
		TEST_TRUE(test, screen_is_right());
	}
}

static void line_editor_survives_random_bytes(struct test *test)
{
	random_state = 2;
	begin(HISTORY);
	for (unsigned int i = 0; i < 50000; i++) {
		/* Half of them from what escape sequences are made of. */
		static const char likely_bytes[] = "\x1b[O;019~ABCDHF\t\t;hel";
		uint8_t byte = random(2) ? (uint8_t)random(256)
					 : (uint8_t)likely_bytes[random(sizeof(likely_bytes))];

		if (line_editor_feed(&editor, byte) != LINE_EDITOR_MORE) {
			TEST_TRUE(test, editor_is_sane());
			line_editor_start(&editor);
		}
		TEST_TRUE(test, editor_is_sane());
		TEST_TRUE(test, screen_is_right());
		for (size_t j = 0; j < editor.length; j++)
			TEST_TRUE(test, line[j] >= ' ' && line[j] <= '~');
	}
}

static void line_editor_ends_lines_once(struct test *test)
{
	unsigned int ended = 0;

	begin(0);
	TEST_EQ(test, feed("a\r", NULL), LINE_EDITOR_DONE);
	TEST_STREQ(test, line, "a");
	line_editor_start(&editor);
	TEST_EQ(test, feed("\nb\n", NULL), LINE_EDITOR_DONE);
	TEST_STREQ(test, line, "b");
	line_editor_start(&editor);
	feed("c\r\nd\re\n\r\n\n\r", &ended);
	/* c, d, e, then an empty CR LF, LF, CR. */
	TEST_EQ(test, ended, 6);
	TEST_EQ(test, feed("gone\x03", NULL), LINE_EDITOR_CANCELLED);
	TEST_STREQ(test, line, "");
}

static void line_editor_breaks_off_escapes(struct test *test)
{
	begin(0);
	/* The control character works, and what follows it is text. */
	feed("ab\x1b[\x01"
	     "D\x1bO\x05"
	     "C\x1b[3\x02"
	     "~",
	     NULL);
	TEST_STREQ(test, line, "Dab~C");
	TEST_EQ(test, feed("\x1b[\r", NULL), LINE_EDITOR_DONE);
	line_editor_start(&editor);
	feed("A\x1b\x1b[D!", NULL);
	TEST_STREQ(test, line, "!A");
}

static void line_editor_refuses_what_does_not_fit(struct test *test)
{
	begin(0);
	for (unsigned int i = 0; i < SIZE - 1; i++)
		feed("x", NULL);
	TEST_EQ(test, terminal.bells, 0);
	feed("y", NULL);
	TEST_EQ(test, terminal.bells, 1);
	TEST_EQ(test, editor.length, SIZE - 1);
	TEST_TRUE(test, strchr(line, 'y') == NULL);
}

/* Appending must cost one byte on the wire for one typed. */
static void line_editor_echoes_only_what_changed(struct test *test)
{
	begin(0);
	feed("abc", NULL);
	terminal.length = 0;
	feed("d", NULL);
	TEST_EQ(test, terminal.length, 1);
	terminal.length = 0;
	feed("\x7f", NULL);
	TEST_EQ(test, terminal.length, 3);
	TEST_TRUE(test, memcmp(terminal.out, "\b \b", 3) == 0);
}

static void line_editor_completes(struct test *test)
{
	begin(0);
	feed("lo\t", NULL);
	TEST_STREQ(test, line, "log");
	feed("g\t", NULL);
	TEST_STREQ(test, line, "logger ");
	feed("\x15he\t", NULL);
	TEST_STREQ(test, line, "hel");
	feed("p\t", NULL);
	TEST_STREQ(test, line, "help ");
	feed("x;hell\t", NULL);
	TEST_STREQ(test, line, "help x;hello ");
	TEST_EQ(test, terminal.bells, 0);
	feed("h\t", NULL);
	TEST_STREQ(test, line, "help x;hello h");
	TEST_EQ(test, terminal.bells, 1);
	feed("\x15zz\t\t", NULL);
	TEST_STREQ(test, line, "zz");
	TEST_EQ(test, terminal.bells, 3);
	TEST_TRUE(test, screen_is_right());
}

static void line_editor_lists_on_second_tab(struct test *test)
{
	static const char listing[] = "\nhelp  hello  helium\n" PROMPT "hel";

	begin(0);
	feed("hel\t", NULL);
	TEST_EQ(test, terminal.bells, 1);
	terminal.length = 0;
	feed("\t", NULL);
	TEST_EQ(test, terminal.length, sizeof(listing) - 1);
	TEST_TRUE(test, memcmp(terminal.out, listing, sizeof(listing) - 1) == 0);
	TEST_TRUE(test, screen_is_right());
	/* A key in between: the next Tab is a first one again. */
	feed("x\x7f", NULL);
	terminal.length = 0;
	feed("\t", NULL);
	TEST_EQ(test, terminal.length, 1);
}

static void line_editor_walks_history(struct test *test)
{
	begin(HISTORY);
	feed("one\rtwo\rtwo\r  \rthree\rfour\r", &(unsigned int){ 0 });
	feed("unfinished\x1b[A", NULL);
	TEST_STREQ(test, line, "four");
	feed("\x1b[A\x1b[A", NULL);
	TEST_STREQ(test, line, "two");
	feed("\x1b[A", NULL);
	TEST_STREQ(test, line, "two");
	feed("!\x1b[B", NULL);
	TEST_STREQ(test, line, "three");
	feed("\x1b[A", NULL);
	TEST_STREQ(test, line, "two");
	feed("\x1b[B\x1b[B\x1b[B\x1b[B", NULL);
	TEST_STREQ(test, line, "unfinished");
	begin(0);
	feed("one\r", &(unsigned int){ 0 });
	feed("\x1b[A\x1b[B", NULL);
	TEST_STREQ(test, line, "");
}

static const struct test_case line_editor_cases[] = {
	TEST_CASE(line_editor_agrees_with_model),
	TEST_CASE(line_editor_survives_random_bytes),
	TEST_CASE(line_editor_ends_lines_once),
	TEST_CASE(line_editor_breaks_off_escapes),
	TEST_CASE(line_editor_refuses_what_does_not_fit),
	TEST_CASE(line_editor_echoes_only_what_changed),
	TEST_CASE(line_editor_completes),
	TEST_CASE(line_editor_lists_on_second_tab),
	TEST_CASE(line_editor_walks_history),
};
TEST_SUITE(line_editor, line_editor_cases);
