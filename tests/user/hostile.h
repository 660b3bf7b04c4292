/* SPDX-License-Identifier: MIT */
/*
 * Threads that run arbitrary bytes, in an environment that has nothing but a page of code, a page
 * of stack and a state page. Their upcall handler is an instruction that faults, so that the first
 * fault is noted in the state page and the second one stops the thread.
 */
#ifndef TESTS_USER_HOSTILE_H
#define TESTS_USER_HOSTILE_H

#include "abi.h"

#define HOSTILE_CODE UINT64_C(0x400000)
#define HOSTILE_STACK UINT64_C(0x500000) /* its page; there is nothing below and above */
#define HOSTILE_STATE UINT64_C(0x600000)
#define HOSTILE_HANDLER (HOSTILE_CODE + 4096 - 2) /* UD2 */
#define HOSTILE_SIZE 4000u /* bytes of code at most */

/* What became of it. */
struct hostile_end {
	bool stopped; /* it faulted, and again in its handler; if not, it was killed */
	uint64_t cause, error, address, rip, rsp, rflags, rcx, r11; /* of the first fault */
	struct exo_registers registers; /* when it stopped */
};

/* Makes the environment, whose code page lies at @code. With abi_begin() before it. */
int hostile_begin(uint64_t code);

/**
 * hostile_run() - run some code from the environment's code page
 * @offset: where in that page it goes; what is around it is INT3
 * @registers: what it begins with, but for rip; NULL: all 0, and the stack's middle in rsp
 * @patience: ns; if it has not stopped by then, it is killed
 * Returns 0, or an error of what is needed for it. The code ends in UD2 when it gets to its end.
 */
int hostile_run(struct hostile_end *end, const void *code, size_t size, size_t offset,
		const struct exo_registers *registers, uint64_t patience);

/*
 * The parts of it: hostile_start() lets the code run from @offset on, hostile_stop() stops it where
 * it then is (false if it does not stop), hostile_look() tells its registers, hostile_kill() ends
 * it.
 */
int hostile_start(const void *code, size_t size, size_t offset,
		  const struct exo_registers *registers);
bool hostile_stop(void);
void hostile_look(struct hostile_end *end);
int hostile_kill(void);

/* What those that start from now on have in their state page, up to the next hostile_begin(). */
struct hostile_wishes {
	uint64_t foreign;
	uint32_t wanted;
};
extern struct hostile_wishes hostile_wishes;

/* Slots of the window, the same in the environment, and where this program sees its pages. */
enum {
	HOSTILE_NTF = 1,
	HOSTILE_ENV,
	HOSTILE_CODE_SLOT,
	HOSTILE_STACK_SLOT,
	HOSTILE_STATE_SLOT,
	HOSTILE_THREAD
};
#define HOSTILE_HERE(slot) (ABI_ADDRESS + (slot)*UINT64_C(0x10000))

/* The same at the beginning of the page, with all patience. */
int hostile_try(struct hostile_end *end, const void *code, size_t size,
		const struct exo_registers *registers);

#endif
