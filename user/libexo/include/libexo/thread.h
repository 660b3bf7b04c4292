/* SPDX-License-Identifier: MIT */
/* Threads in the program's own environment. */
#ifndef LIBEXO_THREAD_H
#define LIBEXO_THREAD_H

#include <libexo/exo.h>
#include <uapi/exo/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

struct exo_thread {
	exo_cap_t cap;
	struct exo_state_page *state;
	void *stack; /* its lowest page */
	uint64_t stack_pages;
};

/**
 * exo_thread_start() - run a function in a thread of its own
 * @thread: filled; to be kept for exo_thread_end()
 * @function: gets @argument; when it returns the thread stops
 * @stack_pages: of 4 KiB, 1 or more
 * Returns 0 or the negative of an enum exo_error; then nothing is left of what was begun.
 */
int exo_thread_start(struct exo_thread *thread, void (*function)(void *argument), void *argument,
		     uint64_t stack_pages);

/* Ends a thread, wherever it is, and gives back what it had. Not for the calling thread. */
void exo_thread_end(struct exo_thread *thread);

/**
 * exo_thread_set_fs() - set the FS base of the calling thread, by which compilers find its
 * variables
 * @self: the thread's own capability
 * At once if the CPU has FSGSBASE, else by another thread, which stops this one for that. Returns 0
 * or the negative of an enum exo_error.
 */
int exo_thread_set_fs(exo_cap_t self, uint64_t base);

#ifdef __cplusplus
}
#endif

#endif
