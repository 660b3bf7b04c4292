/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring in static memory, so it works before anything is initialised.
 *
 * log_emit() formats straight into the ring under log_lock (no line buffer on what may be a small
 * stack), so lines are whole and in their order whoever logs. Echoing to the consoles is the work
 * of whoever has the console: log_emit() tries to get it and prints all lines that were not printed
 * yet; if it does not get it, whoever has it prints them when done (console_end()). So nobody waits
 * for a slow console in order to log, and an interrupt handler may log anything anywhere.
 *
 * The reporter of a panic takes no lock (panic_is_here()).
 */
#include "log_echo.h"

#include <exo/clock.h>
#include <exo/console.h>
#include <exo/log.h>
#include <exo/log_ring.h>
#include <exo/panic.h>
#include <exo/printf.h>
#include <exo/spinlock.h>
#include <exo/string.h>

#define STAMP_SIZE 32 /* "[18446744073.709551] warning: " and its end mark fit */
#define LINE_SIZE (STAMP_SIZE + LOG_RING_TEXT_MAX + 1)

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);
static uint8_t log_buffer[CONFIG_LOG_BUFFER_SIZE] __guarded_by(log_lock);
static struct log_ring log_ring __guarded_by(log_lock) = LOG_RING_INIT(log_buffer);
static _Atomic unsigned int echo_level = CONFIG_LOG_ECHO_LEVEL;

/* Where the next line to be echoed begins: changed by whoever has the console; and where the ring
 * ends: changed under log_lock. Read by all. */
static _Atomic uint64_t echoed, logged;

/* In a panic there is nobody to wait for: what the analysis sees is what happens else. */
static uint64_t log_enter(void) __acquires(log_lock) __no_thread_safety_analysis
{
	return panic_is_here() ? irq_save() : spin_lock_irq(&log_lock);
}

static void log_leave(uint64_t flags) __releases(log_lock) __no_thread_safety_analysis
{
	if (panic_is_here())
		irq_restore(flags);
	else
		spin_unlock_irq(&log_lock, flags);
}

static void put_to_ring(struct printf_sink *sink, const char *text, size_t length)
	__requires(log_lock)
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

static size_t format_line(char *line, const struct log_record *record) __requires(log_lock)
{
	size_t length = format_stamp(line, record);

	for (unsigned int i = 0; i < 2; i++) {
		memcpy(line + length, record->text[i], record->length[i]);
		length += record->length[i];
	}
	line[length++] = '\n';
	return length;
}

/*
 * Reads the record at *@position into @line. Returns its length with the newline, 0 at the end.
 */
static size_t read_line(uint64_t *position, char line[LINE_SIZE], enum log_level *level)
{
	struct log_record record;
	const uint64_t flags = log_enter();
	size_t length = 0;

	if (log_ring_read(&log_ring, position, &record)) {
		length = format_line(line, &record);
		*level = record.level;
	}
	log_leave(flags);
	return length;
}

/* Prints what was logged and not echoed yet, for whoever has the console. */
static void echo_all(void)
{
	static char line[LINE_SIZE]; /* the console's holder's */
	uint64_t position = atomic_load_explicit(&echoed, memory_order_relaxed);
	enum log_level level;
	size_t length;

	while ((length = read_line(&position, line, &level))) {
		if (level <= atomic_load_explicit(&echo_level, memory_order_relaxed))
			console_put(line, length);
		atomic_store_explicit(&echoed, position, memory_order_relaxed);
	}
}

/*
 * Who loses the race for the console has logged before, and who wins looks for more after giving it
 * up: the fences order the one's line and look at the console, and the other's giving up and look
 * at the log, so that no line is left behind.
 */
void log_echo(void)
{
	for (;;) {
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&echoed, memory_order_relaxed) ==
			    atomic_load_explicit(&logged, memory_order_relaxed) ||
		    !console_try())
			return;
		echo_all();
		console_release();
	}
}

void log_emit(enum log_level level, const char *format, ...)
{
	struct printf_sink sink = { .put = put_to_ring };
	const uint64_t time = clock_ns(), flags = log_enter();
	va_list arguments;

	va_start(arguments, format);
	log_ring_begin(&log_ring);
	printf_format(&sink, format, arguments);
	log_ring_end(&log_ring, time, (uint8_t)level);
	atomic_store_explicit(&logged, log_ring.end, memory_order_relaxed);
	log_leave(flags);
	va_end(arguments);
	if (level <= atomic_load_explicit(&echo_level, memory_order_relaxed))
		log_echo();
}

/* Puts those of the @lines newest lines that are up to @level and before @end, each whole. */
static void replay(unsigned int lines, enum log_level level, uint64_t end,
		   void (*put)(void *context, const char *text, size_t length), void *context)
{
	char line[LINE_SIZE];
	const uint64_t flags = log_enter();
	const uint32_t records = log_ring.records;
	uint32_t skip = records > lines ? records - lines : 0;
	enum log_level line_level;
	uint64_t position = 0;
	size_t length;

	log_leave(flags);
	while (position < end && (length = read_line(&position, line, &line_level))) {
		if (skip > 0)
			skip--;
		else if (line_level <= level)
			put(context, line, length);
	}
}

void log_replay(unsigned int lines, void (*put)(void *context, const char *text, size_t length),
		void *context)
{
	replay(lines, LOG_DEBUG, UINT64_MAX, put, context);
}

void log_replay_echo(void (*put)(void *context, const char *text, size_t length), void *context)
{
	replay(UINT32_MAX, atomic_load_explicit(&echo_level, memory_order_relaxed),
	       atomic_load_explicit(&echoed, memory_order_relaxed), put, context);
}

void log_set_echo(enum log_level level)
{
	log_echo(); /* what came before is printed as it was to be */
	atomic_store_explicit(&echo_level, level, memory_order_relaxed);
}
