/* SPDX-License-Identifier: MIT */
/*
 * Line editing.
 *
 * The terminal is told no more than it must be: text, blanks and backspaces, which every console
 * understands (the only escape sequence is Ctrl-L's). The editor knows what is on the screen: line
 * characters scroll .. scroll + shown, and the terminal's cursor at @column. Each change is
 * followed by redraw() from the first character that differs.
 *
 * History: a ring of @history_lines slots of @size bytes, and behind it one more slot that keeps
 * the unfinished line while older ones are looked at (history_back > 0).
 */
#include <exo/line_editor.h>
#include <exo/string.h>

enum escape_state { ESCAPE_NONE, ESCAPE_STARTED, ESCAPE_SS3, ESCAPE_CSI, ESCAPE_CSI_REST };

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define RUBOUT 0x7f

static void put(struct line_editor *editor, const char *text, size_t length)
{
	if (length > 0)
		editor->put(editor, text, length);
}

static void put_string(struct line_editor *editor, const char *text)
{
	put(editor, text, strlen(text));
}

/* Puts @count times the same character, given a string of some of them. */
static void put_many(struct line_editor *editor, const char *some, size_t count)
{
	size_t most = strlen(some);

	for (; count > most; count -= most)
		put(editor, some, most);
	put(editor, some, count);
}

static void move_to(struct line_editor *editor, size_t column)
{
	if (column < editor->column)
		put_many(editor, "\b\b\b\b\b\b\b\b", editor->column - column);
	else
		put(editor, editor->line + editor->scroll + editor->column,
		    column - editor->column);
	editor->column = column;
}

/* Brings the terminal up to date; the line differs from what is shown from @from on. */
static void redraw(struct line_editor *editor, size_t from)
{
	size_t visible;

	if (editor->cursor < editor->scroll || editor->cursor > editor->scroll + editor->width) {
		editor->scroll =
			editor->cursor > editor->width / 2 ? editor->cursor - editor->width / 2 : 0;
		from = editor->scroll;
	}
	if (from < editor->scroll)
		from = editor->scroll;
	visible = editor->length - editor->scroll;
	if (visible > editor->width)
		visible = editor->width;
	if (from - editor->scroll < visible || editor->shown > visible) {
		/* Columns up to here show what they should, so moving over them repeats it. */
		move_to(editor, from - editor->scroll < visible ? from - editor->scroll : visible);
		put(editor, editor->line + editor->scroll + editor->column,
		    visible - editor->column);
		editor->column = visible;
		if (editor->shown > visible) {
			put_many(editor, "        ", editor->shown - visible);
			editor->column = editor->shown;
		}
		editor->shown = visible;
	}
	move_to(editor, editor->cursor - editor->scroll);
}

static void refuse(struct line_editor *editor)
{
	put(editor, "\a", 1);
}

static void show_prompt(struct line_editor *editor)
{
	put_string(editor, editor->prompt);
	editor->shown = editor->column = 0;
	redraw(editor, editor->scroll);
}

/* --- changing the line --- */

static void insert(struct line_editor *editor, const char *text, size_t length)
{
	if (length > editor->size - 1 - editor->length) {
		refuse(editor);
		return;
	}
	memmove(editor->line + editor->cursor + length, editor->line + editor->cursor,
		editor->length - editor->cursor + 1);
	memcpy(editor->line + editor->cursor, text, length);
	editor->length += length;
	editor->cursor += length;
	redraw(editor, editor->cursor - length);
}

/* Deletes from @start to @end and leaves the cursor at @start. */
static void delete_range(struct line_editor *editor, size_t start, size_t end)
{
	if (start == end)
		return;
	memmove(editor->line + start, editor->line + end, editor->length - end + 1);
	editor->length -= end - start;
	editor->cursor = start;
	redraw(editor, start);
}

static size_t word_start(const struct line_editor *editor)
{
	size_t at = editor->cursor;

	while (at > 0 && editor->line[at - 1] == ' ')
		at--;
	while (at > 0 && editor->line[at - 1] != ' ')
		at--;
	return at;
}

static void move_cursor(struct line_editor *editor, size_t to)
{
	editor->cursor = to;
	redraw(editor, editor->length);
}

/* --- history --- */

/* The slot of the line @back lines ago; 0 is the unfinished one's. */
static char *history_slot(struct line_editor *editor, unsigned int back)
{
	unsigned int slot = editor->history_lines;

	if (back > 0)
		slot = (editor->history_next + editor->history_lines - back) %
		       editor->history_lines;
	return editor->history + slot * editor->size;
}

static void history_show(struct line_editor *editor, unsigned int back)
{
	if (editor->history_back == 0)
		memcpy(history_slot(editor, 0), editor->line, editor->length + 1);
	editor->history_back = back;
	string_copy(editor->line, editor->size, history_slot(editor, back));
	editor->length = editor->cursor = strlen(editor->line);
	redraw(editor, 0);
}

static void history_older(struct line_editor *editor)
{
	if (editor->history_back < editor->history_count)
		history_show(editor, editor->history_back + 1);
}

static void history_newer(struct line_editor *editor)
{
	if (editor->history_back > 0)
		history_show(editor, editor->history_back - 1);
}

/* Keeps the finished line unless it is blank or the same as the last one. */
static void history_add(struct line_editor *editor)
{
	const char *text = editor->line;

	while (*text == ' ')
		text++;
	if (editor->history_lines == 0 || *text == '\0')
		return;
	if (editor->history_count > 0 && strcmp(history_slot(editor, 1), editor->line) == 0)
		return;
	memcpy(editor->history + editor->history_next * editor->size, editor->line,
	       editor->length + 1);
	editor->history_next = (editor->history_next + 1) % editor->history_lines;
	if (editor->history_count < editor->history_lines)
		editor->history_count++;
}

/* --- completion --- */

/* The next candidate from *@index on that begins with what is typed, or NULL. Advances *@index. */
static const char *next_match(struct line_editor *editor, size_t start, unsigned int *index)
{
	const char *word;

	while ((word = editor->candidate(editor, start, (*index)++))) {
		if (strncmp(word, editor->line + start, editor->cursor - start) == 0)
			return word;
	}
	return NULL;
}

static void list_matches(struct line_editor *editor, size_t start)
{
	const char *word;
	unsigned int index = 0, column = 0;

	put_string(editor, "\n");
	while ((word = next_match(editor, start, &index))) {
		if (column > 0 && column + 2 + strlen(word) >= editor->columns) {
			put_string(editor, "\n");
			column = 0;
		}
		if (column > 0)
			put_string(editor, "  ");
		put_string(editor, word);
		column += 2 + strlen(word);
	}
	put_string(editor, "\n");
	show_prompt(editor);
}

static void complete(struct line_editor *editor, bool list)
{
	size_t start = editor->cursor, common = 0, typed;
	const char *word, *first = NULL;
	unsigned int index = 0, matches = 0;

	if (!editor->candidate)
		return;
	while (start > 0 && editor->line[start - 1] != ' ' && editor->line[start - 1] != ';')
		start--;
	typed = editor->cursor - start;
	while ((word = next_match(editor, start, &index))) {
		size_t same = 0;

		if (matches++ == 0) {
			first = word;
			common = strlen(word);
			continue;
		}
		while (same < common && word[same] == first[same])
			same++;
		common = same;
	}
	editor->tabbed = matches > 1;
	if (common > typed)
		insert(editor, first + typed, common - typed);
	if (matches == 1)
		insert(editor, " ", 1);
	else if (matches > 1 && common <= typed && list)
		list_matches(editor, start);
	else if (common <= typed)
		refuse(editor);
}

/* --- keys --- */

static enum line_editor_event finish(struct line_editor *editor)
{
	move_cursor(editor, editor->length);
	put_string(editor, "\n");
	history_add(editor);
	return LINE_EDITOR_DONE;
}

static enum line_editor_event cancel(struct line_editor *editor)
{
	/* Behind the text, or over its end where the mark would run into the screen's edge. */
	move_to(editor, editor->shown + 2 <= editor->width ? editor->shown : editor->width - 2);
	put_string(editor, "^C\n");
	editor->line[0] = '\0';
	editor->length = editor->cursor = editor->scroll = 0;
	return LINE_EDITOR_CANCELLED;
}

static void clear_screen(struct line_editor *editor)
{
	put_string(editor, "\x1b[H\x1b[2J");
	show_prompt(editor);
}

/* What a cursor key or a control character means; @key is the control character's letter. */
static void edit(struct line_editor *editor, char key)
{
	size_t cursor = editor->cursor, length = editor->length;

	switch (key) {
	case 'A':
		move_cursor(editor, 0);
		break;
	case 'B':
		move_cursor(editor, cursor - (cursor > 0));
		break;
	case 'D':
		delete_range(editor, cursor, cursor + (cursor < length));
		break;
	case 'E':
		move_cursor(editor, length);
		break;
	case 'F':
		move_cursor(editor, cursor + (cursor < length));
		break;
	case 'H':
		delete_range(editor, cursor - (cursor > 0), cursor);
		break;
	case 'K':
		delete_range(editor, cursor, length);
		break;
	case 'L':
		clear_screen(editor);
		break;
	case 'N':
		history_newer(editor);
		break;
	case 'P':
		history_older(editor);
		break;
	case 'U':
		delete_range(editor, 0, cursor);
		break;
	case 'W':
		delete_range(editor, word_start(editor), cursor);
		break;
	}
}

/* The key that a finished escape sequence stands for, as a control letter; 0 for none. */
static char escape_key(const struct line_editor *editor, uint8_t final)
{
	/* Control letters for ESC [ A .. H, and for ESC [ 1 ~ .. 8 ~. */
	static const char by_letter[] = "PNFB\0E\0A", by_number[] = "A\0DE\0\0AE";

	if (final >= 'A' && final <= 'H')
		return by_letter[final - 'A'];
	if (final == '~' && editor->parameter >= 1 && editor->parameter <= 8)
		return by_number[editor->parameter - 1];
	return 0;
}

/*
 * A byte while an escape sequence is open. A sequence that makes no sense ends without an effect;
 * so does one that a control character breaks off, and the control character keeps its meaning.
 * Returns false if @byte must be looked at as a key of its own.
 */
static bool escape_byte(struct line_editor *editor, uint8_t byte)
{
	enum escape_state state = editor->state;

	if (byte < 0x20) {
		editor->state = ESCAPE_NONE;
		return false;
	}
	if (state == ESCAPE_STARTED && (byte == '[' || byte == 'O')) {
		editor->state = byte == '[' ? ESCAPE_CSI : ESCAPE_SS3;
		editor->parameter = 0;
	} else if (state == ESCAPE_CSI && byte >= '0' && byte <= '9') {
		/* Two digits are all that matters; more must not wrap around to a key. */
		editor->parameter =
			editor->parameter < 10 ? editor->parameter * 10 + byte - '0' : 100;
	} else if (state >= ESCAPE_CSI && byte < 0x40) {
		editor->state = ESCAPE_CSI_REST;
	} else {
		editor->state = ESCAPE_NONE;
		if (state >= ESCAPE_SS3 && byte < RUBOUT)
			edit(editor, escape_key(editor, byte));
	}
	return true;
}

void line_editor_init(struct line_editor *editor)
{
	size_t prompt = strlen(editor->prompt);

	editor->width = editor->columns - (unsigned int)prompt - 1;
	editor->history_count = editor->history_next = 0;
	editor->state = ESCAPE_NONE;
	editor->after_return = false;
}

void line_editor_start(struct line_editor *editor)
{
	editor->line[0] = '\0';
	editor->length = editor->cursor = editor->scroll = 0;
	editor->history_back = 0;
	editor->tabbed = false;
	show_prompt(editor);
}

enum line_editor_event line_editor_feed(struct line_editor *editor, uint8_t byte)
{
	bool after_return = editor->after_return, tabbed = editor->tabbed;
	char character = (char)byte;

	editor->after_return = byte == '\r';
	if (byte == '\n' && after_return)
		return LINE_EDITOR_MORE;
	editor->tabbed = false;
	if (editor->state != ESCAPE_NONE && escape_byte(editor, byte))
		return LINE_EDITOR_MORE;
	if (byte == '\r' || byte == '\n')
		return finish(editor);
	if (byte == CONTROL('C'))
		return cancel(editor);
	if (byte == ESCAPE)
		editor->state = ESCAPE_STARTED;
	else if (byte == '\t')
		complete(editor, tabbed);
	else if (byte < 0x20)
		edit(editor, (char)(byte | 0x40));
	else if (byte == RUBOUT)
		edit(editor, 'H');
	else if (byte < RUBOUT)
		insert(editor, &character, 1);
	return LINE_EDITOR_MORE;
}
