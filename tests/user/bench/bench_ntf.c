/* SPDX-License-Identifier: MIT */
/*
 * Notifications and interrupts, between two address spaces: this program and a second one, which is
 * this file's bench_ntf_waiter() in an environment of its own. What they share is a notification
 * and a page.
 *
 * The second one has a higher priority, so by the policy of fixed priorities, which a kernel for
 * one CPU has, it runs at once when it is woken. Samples are taken in a thread that has not used
 * floating point, as it has not: saving that is another matter. (The main thread, which prints,
 * has.)
 */
#include "bench.h"

#include <exo/string.h>
#include <libexo/process.h>
#include <stdbool.h>

#define NTF bench_slot(1)
#define WAKE 1u /* bits of NTF: the second program runs */
#define NOBODY 4u /* nobody waits for this one */
#define FRAMES 128u
#define CHILD_PRIORITY 200u
#define LINES 16u

/* The page, a FRAME that was granted as the output's is. */
struct shared {
	volatile uint64_t time; /* the TSC when the other one has got its bits */
};

static struct exo_process child;
static struct shared *shared;

int bench_ntf_waiter(void)
{
	struct shared *page = (struct shared *)EXO_OUTPUT_ADDRESS;

	for (;;) {
		const int64_t error = exo_ntf_wait(EXO_FIRST_EXIT, WAKE, EXO_DEADLINE_NEVER).error;

		page->time = bench_start();
		if (error)
			return 1;
	}
}

static void spawn(void)
{
	static const char *const arguments[] = { "abi-bench", BENCH_WAITER };
	struct exo_program program = { .argc = 2,
				       .argv = arguments,
				       .frames = FRAMES,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 2,
				       .exit = NTF };
	const struct exo_sched sched = { .priority = CHILD_PRIORITY, .shares = 1 };
	void *page;

	bench_must("archive", exo_program_find(&program, arguments[0]));
	bench_must("page", exo_pages_take(EXO_FIRST_BANK, 1, &page));
	memset(page, 0, EXO_PAGE);
	shared = page;
	program.output = exo_pages_slot(page);
	bench_must("env_spawn", exo_env_spawn(&program, &child, NULL));
	bench_must("thread_sched", exo_thread_sched(child.thread, EXO_FIRST_CPUS, &sched).error);
	/* Where no policy knows of priorities it runs when this one gives way. */
	while (!shared->time) {
		bench_must("ntf_signal", exo_ntf_signal(NTF, WAKE).error);
		(void)exo_yield(EXO_SELF);
	}
}

/* --- samples -----------------------------------------------------------------------------------*/

static void begin_two(void)
{
	bench_begin_bank(16);
	bench_must("object_create", exo_object_create(BENCH_BANK, EXO_TYPE_NTF, NTF, 0).error);
	bench_sampler_begin(bench_slot(2));
	spawn();
}

static void end_two(void)
{
	exo_env_end(&child);
	bench_sampler_end();
	exo_pages_give(shared, 1);
	bench_end_bank();
}

/* --- samples -----------------------------------------------------------------------------------*/

static uint64_t signal_nobody(void)
{
	const uint64_t start = bench_start();

	(void)exo_ntf_signal(NTF, NOBODY);
	return bench_stop(start);
}

/* A signal that wakes nobody: the other program waits for the notification, but for another bit. */
static uint64_t ntf_signal(void)
{
	const uint64_t took = bench_take(signal_nobody);

	bench_must("ntf_wait", exo_ntf_wait(NTF, NOBODY, 0).error);
	return took;
}
BENCHMARK_AROUND(ntf_signal, "ntf.signal", 100, begin_two, end_two);

static uint64_t signal_child(void)
{
	const uint64_t start = bench_start();

	(void)exo_ntf_signal(NTF, WAKE);
	return shared->time - start;
}

/* From a signal to the instruction after ntf_wait() in the other program, which is more urgent. */
static uint64_t ntf_signal_wake(void)
{
	return bench_take(signal_child);
}
BENCHMARK_AROUND(ntf_signal_wake, "ntf.signal_wake", 100, begin_two, end_two);

/* --- interrupts --------------------------------------------------------------------------------*/

static uint64_t line; /* that is bound; LINES: none can be */

static void begin_irq(void)
{
	begin_two();
	/* From 12 on lines are edges, so nothing need be masked meanwhile. */
	for (line = 12; line < LINES; line++)
		if (!exo_irq_bind(EXO_FIRST_IRQS, line, NTF, WAKE).error)
			break;
	if (line < LINES && exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_RAISE_IRQ, line, 0).error)
		line = LINES;
	if (line < LINES)
		bench_must("irq_ack", exo_irq_ack(EXO_FIRST_IRQS, line).error);
}

/* Raises it, or does all but that. Returns when, or rather when that was done. */
static inline uint64_t raise(bool nowhere)
{
	return exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_RAISE_IRQ, line, nowhere).value;
}

/* Up to the first instruction after the call, where the interrupt comes. */
static uint64_t raise_nowhere(void)
{
	const uint64_t start = raise(true);

	return bench_stop(start);
}

static uint64_t raise_here(void)
{
	const uint64_t start = raise(false);

	(void)exo_irq_ack(EXO_FIRST_IRQS, line);
	return shared->time - start;
}

/*
 * From an interrupt's first instruction, in user mode, to the instruction after ntf_wait() in the
 * handler, which is in another address space than what was interrupted. What lies between the write
 * that raises it and user mode is measured by itself, and taken off.
 */
static uint64_t irq_to_user(void)
{
	uint64_t before;

	if (line == LINES)
		return 0;
	before = bench_take(raise_nowhere) - bench_stop(bench_start());
	return bench_take(raise_here) - before;
}
BENCHMARK_AROUND(irq_to_user, "irq.to_user", 100, begin_irq, end_two);
