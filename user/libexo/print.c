/* SPDX-License-Identifier: MIT */
/* Formatted text, collected so that a line is one system call and not one a piece. */
#include <exo/compiler.h>
#include <exo/printf.h>
#include <exo/string.h>
#include <libexo/exo.h>
#include <libexo/print.h>
#include <libexo/program.h>

#define CALL_BYTES 4096u /* that one debug_write() takes */

struct console_sink {
	struct printf_sink sink; /* first: the sink is the console_sink */
	int error; /* of the first call that failed */
	size_t length;
	char text[256];
};

/* Threads get pieces of the page without a lock: the length is where the next one writes. */
static void keep(struct exo_output *output, const char *text, size_t length)
{
	const uint64_t at = __atomic_fetch_add(&output->length, length, __ATOMIC_RELAXED);

	if (at < sizeof(output->text))
		memcpy(output->text + at, text,
		       length < sizeof(output->text) - at ? length : sizeof(output->text) - at);
}

int exo_write(const char *text, size_t length)
{
	if (exo_program_info.output) {
		keep(exo_program_info.output, text, length);
		return 0;
	}
	while (length > 0) {
		const size_t part = length < CALL_BYTES ? length : CALL_BYTES;
		const int64_t error = exo_debug_write(text, part).error;

		if (error)
			return (int)error;
		text += part;
		length -= part;
	}
	return 0;
}

static void flush(struct console_sink *console)
{
	const int error = exo_write(console->text, console->length);

	if (!console->error)
		console->error = error;
	console->length = 0;
}

static void console_put(struct printf_sink *sink, const char *text, size_t length)
{
	struct console_sink *console = container_of(sink, struct console_sink, sink);

	while (length > 0) {
		const size_t room = sizeof(console->text) - console->length;
		const size_t part = length < room ? length : room;

		memcpy(console->text + console->length, text, part);
		console->length += part;
		text += part;
		length -= part;
		if (console->length == sizeof(console->text))
			flush(console);
	}
}

int exo_vprintf(const char *format, va_list arguments)
{
	struct console_sink console;
	int length;

	console.sink.put = console_put;
	console.error = 0;
	console.length = 0;
	length = printf_format(&console.sink, format, arguments);
	if (console.length > 0)
		flush(&console);
	return console.error ? console.error : length;
}

int exo_printf(const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = exo_vprintf(format, arguments);
	va_end(arguments);
	return length;
}

int exo_print(const char *text)
{
	return exo_printf("%s", text);
}
