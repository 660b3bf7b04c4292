/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: levelled lines with time stamps, kept in a ring and echoed to the consoles.
 *
 * A call whose level is above CONFIG_LOG_LEVEL is compiled out. With CONFIG_LOG=n there is no ring
 * and no level: errors and notices go straight to the consoles, the rest is compiled out.
 */
#ifndef EXO_LOG_H
#define EXO_LOG_H

#include <exo/compiler.h>
#include <exo/config.h>

enum log_level {
	LOG_ERROR = 1, /* something is lost or will not work */
	LOG_WARNING = 2, /* works, but not as it should */
	LOG_NOTICE = 3, /* what a person should see at every boot */
	LOG_INFO = 4, /* what was found and chosen */
	LOG_DEBUG = 5, /* for whoever looks for a bug */
};

#ifndef CONFIG_LOG_LEVEL
#define CONFIG_LOG_LEVEL 3
#endif
#ifndef CONFIG_LOG_ECHO_LEVEL
#define CONFIG_LOG_ECHO_LEVEL 3
#endif

/**
 * log_emit() - add one line to the log; use the log_<level>() macros below
 * @level: enum log_level
 * @format: as printf_format(), without the final newline
 * Callable from any context, interrupts included, with any lock held.
 */
void log_emit(enum log_level level, const char *format, ...) __format_printf(2, 3);

#define log_at(level, ...)                            \
	do {                                          \
		if ((level) <= CONFIG_LOG_LEVEL)      \
			log_emit(level, __VA_ARGS__); \
	} while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/**
 * log_replay() - hand the newest lines of the ring, oldest first, to a function
 * @lines: at most this many lines
 * @put: gets the text of one formatted line with its newline
 * Callable during a panic: takes no lock. With CONFIG_LOG=n it does nothing.
 */
void log_replay(unsigned int lines, void (*put)(void *context, const char *text, size_t length),
		void *context);

/* The same for all lines that were echoed: what a console that registers late has missed. */
void log_replay_echo(void (*put)(void *context, const char *text, size_t length), void *context);

/**
 * log_set_echo() - which lines also go to the consoles
 * @level: lines up to this level; 0 for none. Starts at CONFIG_LOG_ECHO_LEVEL.
 */
void log_set_echo(enum log_level level);

/* Has lines echoed that were logged while somebody had the console. */
#if IS_ENABLED(CONFIG_LOG)
void log_echo(void);
#else
static inline void log_echo(void)
{
}
#endif

#endif
