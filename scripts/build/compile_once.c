/* SPDX-License-Identifier: MIT */
/*
 * compile_once: a compiler that does not compile the same text twice.
 *
 * The tests build the kernel in a hundred configurations, and most files of two of them are the
 * same once they are preprocessed. This program stands by the compiler's name in a directory that
 * comes before the compiler's in PATH (scripts/exo/compile_once.py):
 *
 *     DIR/bin/x86_64-linux-gnu-gcc    this program
 *     DIR/objects/SUM.o               objects, by the sum of all that they are made of
 *     DIR/log                         a line for each: "compiled NAME" or "reused NAME"
 *
 * For a call with -c it lets the compiler preprocess, which takes a tenth of the time and writes
 * the dependencies of this very build, and sums up that text and the arguments. If their object is
 * there it is copied; else the compiler does its work, and the object is kept.
 *
 * Names of the build's and the tree's directory go into the sum as -ffile-prefix-map=FROM=TO maps
 * them: so the object does not depend on them. A call without such a promise is the compiler's
 * alone. DIR is for one compiler of each name, and for one run of the tests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two sums with 64 bits, FNV-1a and a polynomial: no two texts of a run have both in common. */
struct sum {
	unsigned long long fnv, polynomial;
};

#define MAP "-ffile-prefix-map="
#define NR_MAPS 4

static char *dir; /* DIR */
static char *compiler; /* the real one */
static char *output; /* the object */
static char *maps[NR_MAPS]; /* FROM=TO */
static struct sum sum = { .fnv = 0xcbf29ce484222325 };

static void die(const char *what)
{
	fprintf(stderr, "compile_once: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* printf() into a string of its own. */
__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
	__builtin_va_list arguments;
	char *text;

	__builtin_va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		die("memory");
	__builtin_va_end(arguments);
	return text;
}

static void add(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		sum.fnv = (sum.fnv ^ (unsigned char)data[i]) * 0x100000001b3;
		sum.polynomial = sum.polynomial * 0x9e3779b97f4a7c15 + (unsigned char)data[i] + 1;
	}
}

/* Adds a text in which the first name of a directory is mapped. */
static void add_name(const char *text, size_t size)
{
	for (int i = 0; i < NR_MAPS && maps[i]; i++) {
		const char *to = strrchr(maps[i], '=') + 1;
		size_t length = (size_t)(to - maps[i] - 1);
		const char *found = memmem(text, size, maps[i], length);

		if (found) {
			add(text, (size_t)(found - text));
			add(to, strlen(to));
			size -= (size_t)(found - text) + length;
			text = found + length;
			break;
		}
	}
	add(text, size);
}

/* Adds the preprocessed text. Names of files are in the lines that begin with #. */
static void add_lines(const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *next = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((next ? next + 1 : end) - text);

		if (text[0] == '#')
			add_name(text, length);
		else
			add(text, length);
		text += length;
	}
}

/* The first program of that name in PATH that is not in DIR/bin. */
static void find_compiler(const char *name)
{
	char *self = realpath("/proc/self/exe", NULL), *bin, *one;
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "");

	if (!self || !path)
		die("/proc/self/exe");
	bin = dirname(self);
	dir = dirname(strdup(bin));
	while ((one = strsep(&path, ":"))) {
		char *real = realpath(one, NULL);

		compiler = text_of("%s/%s", one, name);
		if (real && strcmp(real, bin) != 0 && !access(compiler, X_OK))
			return;
		free(real);
		free(compiler);
	}
	errno = ENOENT;
	die(name);
}

/* Starts the compiler; its output goes to @out, and its words nowhere, unless that is -1. */
static pid_t start(char **argv, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	}
	execv(compiler, argv);
	die(compiler);
	return 0;
}

static int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *read_all(int file, size_t *size)
{
	size_t room = 0;
	char *text = NULL;
	ssize_t got;

	*size = 0;
	do {
		if (room - *size < 65536) {
			room = room * 2 + 262144;
			text = realloc(text, room);
			if (!text)
				die("memory");
		}
		got = read(file, text + *size, room - *size);
		if (got < 0)
			die("read");
		*size += (size_t)got;
	} while (got);
	return text;
}

/* Copies a file, whole or not at all; 0 if there is none. */
static int copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out;
	char *temporary, *data;
	size_t size;

	if (in < 0)
		return 0;
	data = read_all(in, &size);
	temporary = text_of("%s.%d", to, getpid());
	out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (out < 0 || write(out, data, size) != (ssize_t)size || close(out) ||
	    rename(temporary, to) != 0)
		die(to);
	close(in);
	free(temporary);
	free(data);
	return 1;
}

/*
 * Adds the arguments that decide about the object, and makes @preprocess of them: the call that
 * preprocesses. Returns 0 if this program has nothing to do with such a call.
 */
static int read_arguments(int argc, char **argv, char **preprocess)
{
	int compiles = 0, nr_maps = 0, n = 1;

	for (int i = 1; i < argc; i++) {
		compiles |= !strcmp(argv[i], "-c");
		if (!strncmp(argv[i], MAP, strlen(MAP)) && strchr(argv[i] + strlen(MAP), '=') &&
		    nr_maps < NR_MAPS)
			maps[nr_maps++] = argv[i] + strlen(MAP);
	}
	if (!compiles || !nr_maps)
		return 0;
	preprocess[0] = argv[0];
	add_name(compiler, strlen(compiler) + 1);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-o") && i + 1 < argc) {
			output = argv[++i];
			continue;
		}
		preprocess[n++] = strcmp(argv[i], "-c") ? argv[i] : "-E";
		if (strncmp(argv[i], MAP, strlen(MAP)) != 0)
			add_name(argv[i], strlen(argv[i]) + 1);
	}
	return output != NULL;
}

static void log_line(const char *what)
{
	char *name = text_of("%s/log", dir), *line = text_of("%s %s\n", what, output);
	int file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0666);

	if (file < 0 || write(file, line, strlen(line)) < 0)
		die(name);
}

/* The preprocessed text goes into the sum; returns the compiler's status. */
static int add_preprocessed(char **preprocess)
{
	int pipes[2], status;
	size_t size;
	char *text;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		die("pipe");
	pid = start(preprocess, pipes[1]);
	close(pipes[1]);
	text = read_all(pipes[0], &size);
	status = status_of(pid);
	add_lines(text, size);
	free(text);
	return status;
}

int main(int argc, char **argv)
{
	char **preprocess = calloc((size_t)argc + 1, sizeof(*preprocess)), *kept;
	int status;

	find_compiler(basename(argv[0]));
	argv[0] = compiler; /* beside which it looks for its parts */
	/* What cannot be preprocessed is left to it as well, so that it says why. */
	if (!preprocess || !read_arguments(argc, argv, preprocess) ||
	    add_preprocessed(preprocess)) {
		execv(compiler, argv);
		die(compiler);
	}
	kept = text_of("%s/objects/%016llx%016llx.o", dir, sum.fnv, sum.polynomial);
	if (copy(kept, output)) {
		log_line("reused");
		return 0;
	}
	status = status_of(start(argv, -1));
	if (!status && copy(output, kept))
		log_line("compiled");
	return status;
}
