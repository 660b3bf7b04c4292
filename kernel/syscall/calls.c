/* SPDX-License-Identifier: MIT */
/*
 * The system calls that need no object. In a flat build, where a program is linked into the image,
 * a call is a function call; arguments are checked all the same: user input never panics the
 * kernel.
 */
#include <exo/console.h>
#include <exo/errno.h>
#include <exo/preempt.h>
#include <exo/syscall.h>
#include <exo/user.h>

#define PIECE 256 /* bytes; a guess */
#define DEBUG_WRITE_LIMIT 4096 /* bytes a call, so that no program holds the console for long */

/* Does nothing: what a call costs by itself. */
struct exo_result sys_null(void)
{
	return result_error(0);
}

/* A program's text comes in pieces, with interrupts on, since consoles are slow. */
static int write_from_program(uint64_t text, uint64_t length)
{
	char piece[PIECE];

	while (length) {
		const size_t size = length < sizeof(piece) ? length : sizeof(piece);

		if (user_copy_from(piece, text, size))
			return -EXO_E_FAULT;
		irq_enable();
		console_write(piece, size);
		irq_save();
		text += size;
		length -= size;
	}
	return 0;
}

/**
 * sys_debug_write() - write to the kernel's consoles
 * Returns 0; -EXO_E_FAULT for a text that cannot be read, -EXO_E_RANGE for more than 4096 bytes;
 * then nothing is written, except what is before the first page that cannot be read.
 */
struct exo_result sys_debug_write(uint64_t text, uint64_t length)
{
	if (length > DEBUG_WRITE_LIMIT)
		return result_error(-EXO_E_RANGE);
	if (IS_ENABLED(CONFIG_OBJECTS))
		return result_error(write_from_program(text, length));
	if (!text && length)
		return result_error(-EXO_E_FAULT);
	console_write((const char *)text, length);
	return result_error(0);
}
