/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a flat build, where a program is linked into the image and a call is a
 * function call. Arguments are checked as if they came from another protection domain: user input
 * never panics the kernel.
 */
#include <exo/console.h>
#include <exo/errno.h>
#include <generated/calls_kernel.h>

#define DEBUG_WRITE_LIMIT 4096 /* bytes a call, so that no program holds the console for long */

/* Does nothing: what a call costs by itself. */
int64_t sys_null(void)
{
	return 0;
}

/**
 * sys_debug_write() - write to the kernel's consoles
 * Returns 0; -EXO_E_FAULT for a NULL text, -EXO_E_RANGE for more than 4096 bytes; then nothing is
 * written.
 */
int64_t sys_debug_write(const char *text, uint64_t length)
{
	if (length > DEBUG_WRITE_LIMIT)
		return -EXO_E_RANGE;
	if (!text && length)
		return -EXO_E_FAULT;
	console_write(text, length);
	return 0;
}
