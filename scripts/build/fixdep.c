/* SPDX-License-Identifier: MIT */
/*
 * fixdep: turn a compiler's dependency file into one that knows about configuration options.
 *
 * Usage: fixdep DEPFILE TARGET OBJTREE > OUTPUT
 *
 * Every object depends on generated/autoconf.h, so a change to any option would rebuild all. Here
 * that dependency is replaced: each prerequisite is read, and for each CONFIG_FOO_BAR in it the
 * target depends on OBJTREE/include/config/foo/bar.h, which Kconfig touches when just that option
 * changes. A prerequisite that has vanished since (a deleted header) gets an empty rule, so that
 * make rebuilds instead of stopping.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **seen;
static size_t nr_seen;

static int seen_before(const char *name, size_t length)
{
	for (size_t i = 0; i < nr_seen; i++)
		if (strlen(seen[i]) == length && !memcmp(seen[i], name, length))
			return 1;
	seen = realloc(seen, (nr_seen + 1) * sizeof(*seen));
	if (!seen || !(seen[nr_seen] = strndup(name, length))) {
		perror("fixdep");
		exit(2);
	}
	nr_seen++;
	return 0;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0, got;
	char *text = NULL;

	if (!file) {
		fprintf(stderr, "fixdep: cannot read %s\n", path);
		exit(2);
	}
	do {
		text = realloc(text, size + 65537);
		if (!text) {
			perror("fixdep");
			exit(2);
		}
		got = fread(text + size, 1, 65536, file);
		size += got;
	} while (got);
	if (ferror(file)) {
		perror(path);
		exit(2);
	}
	fclose(file);
	text[size] = '\0';
	return text;
}

/* The sentinel's path is the option's name in lower case with '_' turned into '/'. */
static void print_option(const char *objtree, const char *name, size_t length)
{
	printf(" \\\n  $(wildcard %s/include/config/", objtree);
	for (size_t i = 0; i < length; i++)
		putchar(name[i] == '_' ? '/' : tolower((unsigned char)name[i]));
	printf(".h)");
}

static void print_options(const char *objtree, const char *text)
{
	while ((text = strstr(text, "CONFIG_"))) {
		size_t length = 0;

		text += strlen("CONFIG_");
		while (isalnum((unsigned char)text[length]) || text[length] == '_')
			length++;
		if (length && !seen_before(text, length))
			print_option(objtree, text, length);
		text += length;
	}
}

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && !strcmp(text + length - end_length, end);
}

int main(int argc, char **argv)
{
	char *deps, *word, *names, *colon;

	if (argc != 4) {
		fprintf(stderr, "usage: fixdep DEPFILE TARGET OBJTREE\n");
		return 2;
	}
	deps = read_file(argv[1]);
	colon = strchr(deps, ':');
	if (!colon) {
		fprintf(stderr, "fixdep: %s has no rule\n", argv[1]);
		return 2;
	}
	for (char *c = colon + 1; *c; c++)
		if (*c == '\\' && (c[1] == '\n' || c[1] == '\r'))
			*c = ' ';
	names = strdup(colon + 1);
	printf("%s:", argv[2]);
	for (word = strtok(colon + 1, " \t\r\n"); word; word = strtok(NULL, " \t\r\n")) {
		char *text;

		if (ends_with(word, ":"))
			break;
		if (ends_with(word, "generated/autoconf.h") ||
		    ends_with(word, "generated/autoconf.inc"))
			continue;
		printf(" \\\n  %s", word);
		text = read_file(word);
		print_options(argv[3], text);
		free(text);
	}
	printf("\n");
	for (word = strtok(names, " \t\r\n"); word; word = strtok(NULL, " \t\r\n"))
		if (!ends_with(word, ":"))
			printf("%s:\n", word);
		else
			break;
	return 0;
}
