/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring in static memory, so it works before anything is initialised.
 *
 * log_emit() formats straight into the ring with interrupts off (no line buffer on what may be a
 * small stack) and then echoes from the ring with interrupts on, because a console may be slow. An
 * interrupt that logs more than the ring holds meanwhile garbles the text of that one echo.
 */
#include "log_echo.h"

#include <arch/cpu.h>
#include <exo/clock.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/log_ring.h>
#include <exo/printf.h>
#include <exo/string.h>

#define STAMP_SIZE 32 /* "[18446744073.709551] warning: " and its end mark fit */

static uint8_t log_buffer[CONFIG_LOG_BUFFER_SIZE];
static struct log_ring log_ring = LOG_RING_INIT(log_buffer);
static enum log_level echo_level = CONFIG_LOG_ECHO_LEVEL;

static void put_to_ring(struct printf_sink *sink, const char *text, size_t length)
{
	(void)sink;
	log_ring_put(&log_ring, text, length);
}

/* What stands in front of a line. Returns its length. */
static size_t format_stamp(char stamp[STAMP_SIZE], const struct log_record *record)
{
	const char *prefix = log_level_prefix(record->level);
	unsigned long long us = record->time / 1000;

	if (!IS_ENABLED(CONFIG_LOG_TIMESTAMPS))
		return (size_t)ksnprintf(stamp, STAMP_SIZE, "%s", prefix);
	return (size_t)ksnprintf(stamp, STAMP_SIZE, "[%5llu.%06llu] %s", us / 1000000, us % 1000000,
				 prefix);
}

static void echo(const struct log_record *record)
{
	char stamp[STAMP_SIZE];

	const size_t length = format_stamp(stamp, record);

	console_write(stamp, length);
	console_write(record->text[0], record->length[0]);
	console_write(record->text[1], record->length[1]);
	console_write("\n", 1);
}

void log_emit(enum log_level level, const char *format, ...)
{
	struct printf_sink sink = { .put = put_to_ring };
	struct log_record record;
	uint64_t flags, position;
	va_list arguments;

	va_start(arguments, format);
	flags = irq_save();
	log_ring_begin(&log_ring);
	printf_format(&sink, format, arguments);
	position = log_ring.end;
	log_ring_end(&log_ring, clock_ns(), (uint8_t)level);
	log_ring_read(&log_ring, &position, &record);
	irq_restore(flags);
	va_end(arguments);
	if (level <= echo_level)
		echo(&record);
}

static size_t format_line(char *line, const struct log_record *record)
{
	size_t length = format_stamp(line, record);

	for (unsigned int i = 0; i < 2; i++) {
		memcpy(line + length, record->text[i], record->length[i]);
		length += record->length[i];
	}
	line[length++] = '\n';
	return length;
}

/* Puts those of the @lines newest lines that are up to @level, each whole. */
static void replay(unsigned int lines, enum log_level level,
		   void (*put)(void *context, const char *text, size_t length), void *context)
{
	static char line[STAMP_SIZE + LOG_RING_TEXT_MAX + 1];
	uint64_t position = 0;
	uint32_t skip = log_ring.records > lines ? log_ring.records - lines : 0;

	for (;;) {
		struct log_record record;
		uint64_t flags = irq_save();
		bool found = log_ring_read(&log_ring, &position, &record);
		size_t length = found ? format_line(line, &record) : 0;

		irq_restore(flags);
		if (!found)
			return;
		if (skip > 0)
			skip--;
		else if (record.level <= level)
			put(context, line, length);
	}
}

void log_replay(unsigned int lines, void (*put)(void *context, const char *text, size_t length),
		void *context)
{
	replay(lines, LOG_DEBUG, put, context);
}

void log_replay_echo(void (*put)(void *context, const char *text, size_t length), void *context)
{
	replay(UINT32_MAX, echo_level, put, context);
}

void log_set_echo(enum log_level level)
{
	echo_level = level;
}
