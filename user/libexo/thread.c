/* SPDX-License-Identifier: MIT */
/*
 * More threads. A thread's memory is one run of pages: its state page, then its stack, at whose top
 * is what it is to call.
 */
#include <cpuid.h>
#include <libexo/internal.h>
#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <libexo/thread.h>
#include <stdbool.h>
#include <uapi/exo/sys.h>

#define YIELDS 16u /* a guess, as is the next */
#define LOOK_NS UINT64_C(100000)

struct call {
	void (*function)(void *argument);
	void *argument;
	exo_cap_t self;
	uint64_t reserved;
};

void exo_thread_main(void *memory)
{
	const struct call *call = memory;

	call->function(call->argument);
	for (;;)
		(void)exo_thread_state(call->self, EXO_THREAD_STOP, NULL);
}

static int64_t run(struct exo_thread *thread, struct call *call)
{
	struct exo_result result =
		exo_object_create(EXO_FIRST_BANK, EXO_TYPE_THREAD, thread->cap, 0);

	if (result.error)
		return result.error;
	result = exo_thread_config(thread->cap, EXO_FIRST_ENV, (uint64_t)exo_thread_entry,
				   (uint64_t)call, (uint64_t)call, exo_pages_slot(thread->state));
	if (!result.error)
		result = exo_thread_state(thread->cap, EXO_THREAD_RUN, NULL);
	if (result.error)
		(void)exo_delete_caps(thread->cap, 1);
	return result.error;
}

int exo_thread_start(struct exo_thread *thread, void (*function)(void *argument), void *argument,
		     uint64_t stack_pages)
{
	struct call *call;
	void *memory;
	int error;

	thread->cap = exo_slot_take(1);
	if (!thread->cap)
		return -EXO_E_NOMEM;
	error = exo_pages_take(EXO_FIRST_BANK, stack_pages + 1, &memory);
	if (error)
		goto out;
	thread->state = memory;
	thread->stack = (char *)memory + EXO_PAGE;
	thread->stack_pages = stack_pages;
	call = (struct call *)(void *)((char *)thread->stack + stack_pages * EXO_PAGE) - 1;
	call->function = function;
	call->argument = argument;
	call->self = thread->cap;
	error = (int)run(thread, call);
	if (!error)
		return 0;
	exo_pages_give(memory, stack_pages + 1);
out:
	exo_slot_give(thread->cap, 1);
	return error;
}

/* Lets another thread get on; yielding is not enough if that is less urgent. */
static void give_way(unsigned int *yields)
{
	if (++*yields <= YIELDS)
		(void)exo_yield(EXO_SELF);
	else
		(void)exo_ntf_wait(EXO_SELF, 0,
				   exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value + LOOK_NS);
}

/* Until it does not run any more. */
static int64_t stop(exo_cap_t thread)
{
	unsigned int yields = 0;
	int64_t error;

	for (;;) {
		error = exo_thread_state(thread, EXO_THREAD_STOP, NULL).error;
		if (error != -EXO_E_AGAIN)
			return error;
		give_way(&yields);
	}
}

void exo_thread_end(struct exo_thread *thread)
{
	(void)stop(thread->cap); /* before its memory goes */
	exo_slot_delete(thread->cap, 1);
	exo_pages_give(thread->state, thread->stack_pages + 1);
}

struct base {
	exo_cap_t thread;
	uint64_t fs;
	int64_t error;
	bool done;
};

/* In a thread of its own: what only the kernel can write, it writes for a thread that is stopped.
 */
static void write_base(void *memory)
{
	struct base *base = memory;
	struct exo_registers registers;

	base->error = stop(base->thread);
	if (!base->error)
		base->error = exo_thread_state(base->thread, EXO_THREAD_READ, &registers).error;
	registers.fs_base = base->fs;
	if (!base->error)
		base->error = exo_thread_state(base->thread, EXO_THREAD_WRITE, &registers).error;
	__atomic_store_n(&base->done, true, __ATOMIC_RELEASE);
	(void)exo_thread_state(base->thread, EXO_THREAD_RUN, NULL);
}

int exo_thread_set_fs(exo_cap_t self, uint64_t base)
{
	unsigned int eax, ebx = 0, ecx, edx;
	struct base wish = { self, base, 0, false };
	struct exo_thread helper;
	unsigned int yields = 0;
	int error;

	if (base >= exo_program_info.user_end)
		return -EXO_E_RANGE;
	/* The kernel lets programs use what the CPU has (arch/x86_64/user.c). */
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1) {
		__asm__ volatile("wrfsbase %0" : : "r"(base));
		return 0;
	}
	error = exo_thread_start(&helper, write_base, &wish, 1);
	if (error)
		return error;
	while (!__atomic_load_n(&wish.done, __ATOMIC_ACQUIRE))
		give_way(&yields);
	exo_thread_end(&helper);
	return (int)wish.error;
}
