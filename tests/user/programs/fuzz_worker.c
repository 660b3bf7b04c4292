/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer: a worker. Its threads make calls until the controller ends it, or they do.
 *
 * A fault in its own code is the end of it: something that a call did. The handler says so at once,
 * if it still can; else the controller sees that no more calls are made.
 */
#include "fuzz.h"

#include <exo/compiler.h>
#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <libexo/upcall.h>
#include <uapi/exo/ipc.h>
#include <uapi/exo/sys.h>

static struct fuzz_maker makers[FUZZ_THREADS];
static struct exo_thread threads[FUZZ_THREADS];
static uint64_t upcall_stacks[FUZZ_THREADS][256];

#define SHARED ((struct fuzz_shared *)FUZZ_SHARED_ADDRESS)

/* Some calls without arguments, then it stops itself; again if it is let run. */
__asm__(".section .text.fuzz_thread_code, \"ax\"\n"
	".globl fuzz_thread_code\n"
	"fuzz_thread_code:\n"
	"	mov $8, %ebx\n"
	"1:	mov $0x80000000, %eax\n" /* null */
	"	syscall\n"
	"	mov $0x8000000e, %eax\n" /* yield */
	"	xor %edi, %edi\n"
	"	syscall\n"
	"	dec %ebx\n"
	"	jnz 1b\n"
	"	mov $0x8000000c, %eax\n" /* thread_state(EXO_SELF, EXO_THREAD_STOP, 0) */
	"	xor %edi, %edi\n"
	"	mov $1, %esi\n"
	"	xor %edx, %edx\n"
	"	syscall\n"
	"	jmp fuzz_thread_code\n"
	".previous\n");

_Static_assert(EXO_CALL_NULL == 0 && EXO_CALL_YIELD == 14 && EXO_CALL_THREAD_STATE == 12 &&
		       EXO_THREAD_STOP == 1,
	       "what fuzz_thread_code has");

static struct exo_result call(const struct fuzz_call *made)
{
	uint64_t rax = made->number, rdi = made->arguments[0], rsi = made->arguments[1];
	uint64_t rdx = made->arguments[2];
	register uint64_t r10 __asm__("r10") = made->arguments[3];
	register uint64_t r8 __asm__("r8") = made->arguments[4];
	register uint64_t r9 __asm__("r9") = made->arguments[5];
	/* Of messages: words, which come back changed. */
	register uint64_t r12 __asm__("r12") = ~made->arguments[5];
	register uint64_t r13 __asm__("r13") = ~made->arguments[4];

	__asm__ volatile("syscall"
			 : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8),
			   "+r"(r9), "+r"(r12), "+r"(r13)
			 :
			 : "rcx", "r11", "memory");
	return (struct exo_result){ (int64_t)rax, rdx };
}

static bool is_ours(uint64_t number)
{
	return (uint32_t)number >= EXO_CALL_OURS &&
	       (uint32_t)number < EXO_CALL_OURS + EXO_CALL_LIMIT;
}

/* What the state page says of messages. A wait ends soon, or at once. */
static void prepare(struct fuzz_maker *maker, struct exo_state_page *state)
{
	struct fuzz_random *random = &maker->random;
	const uint64_t wait = fuzz_below(random, 4) * fuzz_below(random, 100000);

	state->deadline = 0;
	if (wait)
		state->deadline = exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value + wait;
	state->grant = fuzz_once_in(random, 32) ? fuzz_next(random)
						: EXO_GRANT(FUZZ_BANKS + fuzz_below(random, 64),
							    fuzz_below(random, 64));
	state->mailbox =
		fuzz_once_in(random, 32) ? fuzz_next(random) : FUZZ_FRAMES + fuzz_below(random, 44);
}

static void fuzz(void *number)
{
	const unsigned int index = (unsigned int)(uint64_t)number;
	struct fuzz_progress *progress = &SHARED->threads[index];
	struct fuzz_maker *maker = &makers[index];

	maker->random.state = SHARED->seed * UINT64_C(0x9e3779b97f4a7c15) +
			      ((uint64_t)SHARED->generation << 32 | SHARED->worker << 8 | index) +
			      1;
	for (unsigned int i = 0; i < 8; i++)
		(void)fuzz_next(&maker->random);
	for (uint64_t i = 0;; i++) {
		struct fuzz_call made;
		struct exo_result result;

		prepare(maker,
			index ? threads[index].state : (struct exo_state_page *)EXO_STATE_ADDRESS);
		fuzz_make(maker, &made);
		if (i == FUZZ_FIRST)
			progress->first = maker->sum | 1;
		progress->ring[i % FUZZ_RING] = made;
		__atomic_store_n(&progress->calls, i + 1, __ATOMIC_RELAXED);
		result = call(&made);
		/* Some of it done is something, too. */
		if ((!result.error || (result.error == -EXO_E_AGAIN && result.value)) &&
		    is_ours(made.number))
			__atomic_fetch_add(&SHARED->succeeded[(uint32_t)made.number % FUZZ_CALLS],
					   1, __ATOMIC_RELAXED);
	}
}

static void end(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	(void)registers;
	/* Events are for nobody here. */
	if (state->cause == EXO_UPCALL_EVENT)
		state->pending = 0;
	else
		exo_exit(1);
}

/* A page behind which nothing is, so that what crosses its end cannot be had. */
static int make_edge(void)
{
	const exo_cap_t slot = FUZZ_SHARED + 1;
	const int error = exo_frames_allocate(EXO_FIRST_BANK, slot, 1);

	return error ? error
		     : exo_map_frames(EXO_SELF, slot, 1, FUZZ_EDGE_ADDRESS,
				      EXO_RIGHT_R | EXO_RIGHT_W);
}

int fuzz_work(void)
{
	int error = make_edge();

	/* The controller gives it last. */
	while (!error && exo_map_frames(EXO_SELF, FUZZ_SHARED, 1, FUZZ_SHARED_ADDRESS,
					EXO_RIGHT_R | EXO_RIGHT_W))
		(void)exo_ntf_wait(EXO_SELF, 0,
				   exo_sys_ctl(EXO_SELF, 3, 0, 0).value + UINT64_C(100000));
	exo_upcall_init((struct exo_state_page *)EXO_STATE_ADDRESS, upcall_stacks[0],
			sizeof(upcall_stacks[0]), end, NULL, 0);
	for (uint64_t i = 1; !error && i < FUZZ_THREADS; i++)
		error = exo_thread_start(&threads[i], fuzz, (void *)i, 2);
	if (!error)
		fuzz((void *)0);
	return 1;
}
