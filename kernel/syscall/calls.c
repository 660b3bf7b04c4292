/* SPDX-License-Identifier: MIT */
/*
 * The system calls that need no object. In a flat build, where a program is linked into the image,
 * a call is a function call; arguments are checked all the same: user input never panics the
 * kernel.
 */
#include <exo/console.h>
#include <exo/errno.h>
#include <exo/syscall.h>

#define DEBUG_WRITE_LIMIT 4096 /* bytes a call, so that no program holds the console for long */

/* Does nothing: what a call costs by itself. */
struct exo_result sys_null(void)
{
	return result_error(0);
}

/**
 * sys_debug_write() - write to the kernel's consoles
 * Returns 0; -EXO_E_FAULT for a NULL text, -EXO_E_RANGE for more than 4096 bytes; then nothing is
 * written.
 */
struct exo_result sys_debug_write(uint64_t text, uint64_t length)
{
	if (length > DEBUG_WRITE_LIMIT)
		return result_error(-EXO_E_RANGE);
	if (!text && length)
		return result_error(-EXO_E_FAULT);
	console_write((const char *)text, length);
	return result_error(0);
}
