/* SPDX-License-Identifier: MIT */
/* What the log and its stand-in (CONFIG_LOG=n) share: how a level shows in a line. */
#ifndef LOG_ECHO_H
#define LOG_ECHO_H

#include <exo/log.h>

static inline const char *log_level_prefix(unsigned int level)
{
	switch (level) {
	case LOG_ERROR:
		return "error: ";
	case LOG_WARNING:
		return "warning: ";
	default:
		return "";
	}
}

#endif
