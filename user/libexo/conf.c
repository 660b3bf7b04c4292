/* SPDX-License-Identifier: MIT */
/* The parser of init.conf: a line is copied, cut into words, and each word is told by its start. */
#include <exo/string.h>
#include <libexo/conf.h>

void exo_conf_open(struct exo_conf *conf, const char *text, size_t size)
{
	memset(conf, 0, sizeof(*conf));
	conf->text = text;
	conf->size = size;
}

static bool fail(struct exo_conf *conf, const char *error, const char *word)
{
	conf->error = error;
	(void)string_copy(conf->word, sizeof(conf->word), word);
	return false;
}

/* Copies the next line without its comment. False at the end; a line that is too long is empty. */
static bool next_line(struct exo_conf *conf, char *line)
{
	const char *start = conf->text + conf->position;
	const size_t left = conf->size - conf->position;
	size_t length = 0, used = 0;

	if (left == 0)
		return false;
	while (length < left && start[length] != '\n')
		length++;
	conf->position += length + (length < left);
	conf->line_number++;
	line[0] = '\0';
	if (length >= EXO_CONF_LINE)
		return !fail(conf, "the line is too long", "");
	for (; used < length && start[used] != '#'; used++)
		line[used] = start[used] == '\t' || start[used] == '\r' ? ' ' : start[used];
	line[used] = '\0';
	return true;
}

/* Cuts the next word off; NULL: there is none. */
static char *next_word(char **at)
{
	char *word = *at;
	char *end;

	while (*word == ' ')
		word++;
	if (*word == '\0')
		return NULL;
	for (end = word; *end != '\0' && *end != ' ';)
		end++;
	*at = end;
	if (*end == ' ') {
		*end = '\0';
		*at = end + 1;
	}
	return word;
}

/* Digits up to the first other character; false if there are none or too many. */
static bool read_number(const char **at, uint64_t *number)
{
	const char *digit = *at;

	for (*number = 0; *digit >= '0' && *digit <= '9'; digit++) {
		if (*number > UINT64_MAX / 10 - 1)
			return false;
		*number = *number * 10 + (uint64_t)(*digit - '0');
	}
	if (digit == *at)
		return false;
	*at = digit;
	return true;
}

static bool whole_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	return read_number(&text, number) && *text == '\0' && *number >= least && *number <= most;
}

/* "N" or "N-M", M from N to @most; what is behind it is at *at. */
static bool read_range(const char **at, uint64_t most, uint64_t *first, uint64_t *last)
{
	if (!read_number(at, first))
		return false;
	*last = *first;
	if (**at == '-') {
		++*at;
		if (!read_number(at, last))
			return false;
	}
	return *last >= *first && *last <= most;
}

/* "all", or a range. */
static bool read_irqs(const char *text, struct exo_conf_program *program)
{
	uint64_t first, last;

	program->has_irqs = true;
	if (strcmp(text, "all") == 0)
		return true;
	if (!read_range(&text, 255, &first, &last) || *text != '\0')
		return false;
	program->first_irq = (uint32_t)first;
	program->nr_irqs = (uint32_t)(last - first + 1);
	return true;
}

/* "all", or numbers and ranges between commas. */
static bool read_cpus(const char *text, struct exo_conf_program *program)
{
	program->has_cpus = true;
	if (strcmp(text, "all") == 0)
		return true;
	for (;; text++) {
		uint64_t first, last;

		if (!read_range(&text, 255, &first, &last))
			return false;
		for (uint64_t cpu = first; cpu <= last; cpu++)
			program->cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
		if (*text != ',')
			return *text == '\0';
	}
}

/* The value of a word that begins with @key and =, else NULL. */
static const char *value_of(const char *word, const char *key)
{
	const size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* What is wrong with a word, or NULL. */
static const char *read_setting(const char *word, struct exo_conf_program *program)
{
	const char *value;

	if ((value = value_of(word, "frames")))
		return whole_number(value, 1, UINT32_MAX, &program->frames)
			       ? NULL
			       : "frames= wants a number from 1 on";
	if ((value = value_of(word, "stack")))
		return whole_number(value, 1, 65536, &program->stack)
			       ? NULL
			       : "stack= wants a number of pages, 1 to 65536";
	if ((value = value_of(word, "node")))
		return whole_number(value, 0, 255, &program->node)
			       ? NULL
			       : "node= wants a number, 0 to 255";
	if ((value = value_of(word, "cpus")))
		return read_cpus(value, program)
			       ? NULL
			       : "cpus= wants all, or numbers and ranges up to 255 such as 0,2-3";
	if ((value = value_of(word, "irqs")))
		return read_irqs(value, program) ? NULL
						 : "irqs= wants all, a number or a range up to 255 "
						   "such as 4 or 16-23";
	if (strcmp(word, "sys") == 0)
		program->sys = true;
	else if (strcmp(word, "archive") == 0)
		program->archive = true;
	else
		return "no such setting";
	return NULL;
}

static bool add_argument(struct exo_conf *conf, struct exo_conf_program *program, char *word)
{
	if (program->argc == EXO_CONF_ARGUMENTS)
		return fail(conf, "too many arguments", word);
	program->argv[program->argc++] = word;
	return true;
}

/* The words behind "program". */
static bool read_program(struct exo_conf *conf, struct exo_conf_program *program, char *at)
{
	char *word = next_word(&at);

	if (!word || value_of(word, "frames"))
		return fail(conf, "program wants a name first", word ? word : "");
	program->argv[program->argc++] = word;
	while ((word = next_word(&at)) && strcmp(word, "--") != 0) {
		const char *error = read_setting(word, program);

		if (error)
			return fail(conf, error, word);
	}
	while ((word = next_word(&at)))
		if (!add_argument(conf, program, word))
			return false;
	if (!program->frames)
		return fail(conf, "frames= is missing: how much memory may it have?",
			    program->argv[0]);
	return true;
}

bool exo_conf_next(struct exo_conf *conf, struct exo_conf_program *program)
{
	conf->error = NULL;
	conf->word[0] = '\0';
	for (;;) {
		char *at, *word;

		memset(program, 0, sizeof(*program));
		program->stack = 4;
		program->node = UINT64_MAX;
		if (!next_line(conf, program->line) || conf->error)
			return false;
		at = program->line;
		word = next_word(&at);
		if (!word)
			continue;
		if (strcmp(word, "program") != 0)
			return fail(conf, "a line begins with the word program", word);
		return read_program(conf, program, at);
	}
}
