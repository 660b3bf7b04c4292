/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks of user mode, measured there (user_bench_code.asm).
 *
 *	call.null		a system call that does nothing
 *	yield.env		one switch by the yield call, between threads of two address spaces
 *	upcall.fault		a page fault, up to the instruction after it, by way of a handler
 *that steps over it and keeps all registers
 *	foreign.getpid		a Linux system call, answered by a handler in the program
 *
 * For a sample a program is let go at a piece of code, and stops at its end.
 */
#include "bench_partner.h"

#include <arch/interrupt_frame.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/semaphore.h>
#include <exo/string.h>
#include <exo/user.h>

#define CODE 0x400000ull
#define STATE 0x600000ull
#define STACKS 0x700000ull /* half the page for upcalls */

struct bench_program {
	struct user_context context;
	struct page_table space;
	struct page_machine machine;
	paddr_t code, state, stacks;
	struct interrupt_frame start;
	struct thread *thread;
};

extern const char user_bench_code[], user_bench_code_end[];
extern const char bench_empty[], bench_null[], bench_yield_once[], bench_yielder[];
extern const char bench_foreign[], bench_fault[], bench_foreign_handler[], bench_fault_handler[];

static struct bench_program bench_programs[2];
static struct semaphore stopped = SEMAPHORE_INIT(0);
static uint64_t empty_there, empty_here;

static int table_alloc(struct page_machine *machine, paddr_t *table)
{
	const int error = frame_alloc(0, table);

	(void)machine;
	if (!error)
		page_zero(phys_to_virt(*table));
	return error;
}

static void table_free(struct page_machine *machine, paddr_t table)
{
	(void)machine;
	frame_free(table, 0);
}

static uint64_t at(const char *label)
{
	return CODE + (uintptr_t)label - (uintptr_t)user_bench_code;
}

static int map(struct bench_program *p, uint64_t address, paddr_t *frame, unsigned int rights)
{
	struct page_batch batch;
	int error = table_alloc(&p->machine, frame);

	if (error)
		return error;
	page_batch_begin(&batch, &p->space);
	error = page_table_map(&batch, address, *frame, PAGE_SIZE, PAGE_USER | rights);
	page_batch_end(&batch);
	return error;
}

static void faulted(struct thread *thread, const struct interrupt_frame *frame, uint64_t address)
{
	(void)thread, (void)frame, (void)address;
	semaphore_give(&stopped);
}

static void enter(void *argument)
{
	user_enter(&((struct bench_program *)argument)->start);
}

static void make(struct bench_program *p, const char *label)
{
	struct exo_state_page *state;

	memset(p, 0, sizeof(*p));
	p->machine.alloc = table_alloc;
	p->machine.free = table_free;
	if (mmu_space_init(&p->space, &p->machine) || map(p, CODE, &p->code, PAGE_EXECUTE) ||
	    map(p, STATE, &p->state, PAGE_WRITE) || map(p, STACKS, &p->stacks, PAGE_WRITE))
		panic("bench: no memory for a program");
	memcpy(phys_to_virt(p->code), user_bench_code,
	       (size_t)(user_bench_code_end - user_bench_code));
	state = phys_to_virt(p->state);
	state->stack = STACKS + PAGE_SIZE;
	state->foreign = at(bench_foreign_handler);
	p->context.space = &p->space;
	p->context.state = state;
	p->context.faulted = faulted;
	p->start.rip = at(label);
	p->start.rsp = STACKS + PAGE_SIZE / 2;
	if (thread_create(&p->thread, enter, p, &bench_equal))
		panic("bench: no memory for a thread");
	p->thread->user = &p->context;
	thread_start(p->thread);
}

static void end(struct bench_program *p)
{
	user_kill(p->thread);
	thread_join(p->thread, DEADLINE_NEVER, NULL);
	mmu_leave(&p->space);
	page_table_destroy(&p->space);
	frame_free(p->code, 0);
	frame_free(p->state, 0);
	frame_free(p->stacks, 0);
}

/* The ticks that the first program has measured. It has given the semaphore just before. */
static uint64_t measured(void)
{
	struct bench_program *p = &bench_programs[0];

	semaphore_take(&stopped, DEADLINE_NEVER);
	while (!user_stopped(p->thread))
		thread_yield();
	return atomic_load(&p->context.stopped)->rax;
}

static uint64_t sample(const char *label)
{
	struct bench_program *p = &bench_programs[0];
	struct interrupt_frame *frame = atomic_load(&p->context.stopped);

	p->context.state->disabled = 0;
	frame->rip = at(label);
	frame->rsp = p->start.rsp;
	user_run(p->thread);
	return measured() - empty_there + empty_here;
}

static void begin_one(void)
{
	bench_stay_here();
	empty_here = bench_stop(bench_start());
	make(&bench_programs[0], bench_empty);
	empty_there = measured();
}

static void end_one(void)
{
	end(&bench_programs[0]);
	bench_go_anywhere();
}

static uint64_t null_call(void)
{
	return sample(bench_null);
}
BENCHMARK_AROUND(null_call, "call.null", 100, begin_one, end_one);

static void begin_two(void)
{
	begin_one();
	make(&bench_programs[1], bench_yielder);
}

static void end_two(void)
{
	end(&bench_programs[1]);
	end_one();
}

static uint64_t yield_between_spaces(void)
{
	const uint64_t both = sample(bench_yield_once) - empty_here;

	return both / 2 + empty_here;
}
BENCHMARK_AROUND(yield_between_spaces, "yield.env", 100, begin_two, end_two);

static uint64_t foreign_call(void)
{
	return sample(bench_foreign);
}
BENCHMARK_AROUND(foreign_call, "foreign.getpid", 100, begin_one, end_one);

static void begin_faults(void)
{
	begin_one();
	bench_programs[0].context.state->entry = at(bench_fault_handler);
}

static uint64_t fault(void)
{
	return sample(bench_fault);
}
BENCHMARK_AROUND(fault, "upcall.fault", 100, begin_faults, end_one);
