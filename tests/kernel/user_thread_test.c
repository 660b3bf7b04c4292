/* SPDX-License-Identifier: MIT */
/*
 * Threads in user mode and what others do to them: stopping, looking, changing, letting go, ending,
 * at every place where they can be; events; what belongs to each of them while many share CPUs.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/gdt.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/wait.h>

extern const char image_start[];

#define NR_PROGRAMS 6

static struct user_space spaces[2];
static struct program programs[NR_PROGRAMS];

static uint64_t *data_of(struct user_space *space)
{
	return user_page_of(space, USER_DATA);
}

static uint64_t word(struct user_space *space, unsigned int index)
{
	return ((volatile uint64_t *)data_of(space))[index];
}

/* Waits until the word, which a program counts, has gone on. */
static bool counts(struct user_space *space, unsigned int index)
{
	const uint64_t before = word(space, index);

	return UNTIL(word(space, index) > before + 10);
}

/* A program that counts in the data page's word @index. */
static bool start_counting(struct program *program, struct user_space *space, unsigned int index,
			   const struct cpu_set *affinity)
{
	program_make(program, space, BLOB(blob_count));
	program->start.rdi = USER_DATA + 8ull * index;
	return program_start(program, affinity) && counts(space, index);
}

static void user_thread_stops_and_goes_on(struct test *test)
{
	struct user_space *space = &spaces[0];
	struct program *program = &programs[0];
	struct interrupt_frame *frame;
	uint64_t before;

	TEST_TRUE(test, user_space_make(space));
	TEST_TRUE(test, start_counting(program, space, 0, NULL));
	for (unsigned int i = 0; i < 20; i++) {
		user_stop(program->thread);
		frame = program_wait(program);
		TEST_TRUE(test, frame);
		before = word(space, 0);
		TEST_TRUE(test, frame->rip >= BLOB(blob_count) && frame->rip < BLOB(blob_read));
		TEST_EQ(test, frame->cs, SELECTOR_USER_CODE);
		TEST_EQ(test, frame->r15, program->start.r15);
		burn(NS_PER_MS);
		TEST_EQ(test, word(space, 0), before);
		user_run(program->thread);
		TEST_TRUE(test, counts(space, 0));
	}
	/* Its registers can be changed. */
	user_stop(program->thread);
	frame = program_wait(program);
	TEST_TRUE(test, frame);
	frame->rdi = USER_DATA + 8;
	frame->rip = BLOB(blob_count);
	frame->cs = 8;
	frame->rflags = ~0ull;
	TEST_EQ(test, user_sanitise(frame), 0);
	frame->rflags &= ~0x100ull; /* TF */
	user_run(program->thread);
	TEST_TRUE(test, counts(space, 1));
	/* Taken back before it was seen, or after: both are well. */
	for (unsigned int i = 0; i < 1000; i++) {
		user_stop(program->thread);
		user_run(program->thread);
	}
	TEST_TRUE(test, counts(space, 1));
	TEST_TRUE(test, program_end(program));
	user_space_free(space);
}

static void user_thread_registers_are_made_safe(struct test *test)
{
	static const uint64_t bad[] = { 0x7ffffffff000, 0x800000000000, 0xffff800000000000, ~0ull };
	struct interrupt_frame frame = { .rip = 1, .rsp = 2, .cs = 8, .ss = 0x10, .rflags = ~0ull };

	TEST_EQ(test, user_sanitise(&frame), 0);
	TEST_EQ(test, frame.cs, SELECTOR_USER_CODE);
	TEST_EQ(test, frame.ss, SELECTOR_USER_DATA);
	TEST_EQ(test, frame.rflags & 0x1b7002, 0x202 & 0x1b7002); /* no IOPL NT RF VM VIF VIP */
	TEST_EQ(test, frame.rflags & 0x202, 0x202);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		frame.rip = bad[i];
		TEST_EQ(test, user_sanitise(&frame), -EXO_E_RANGE);
		frame.rip = 1;
		frame.rsp = bad[i] + 1;
		TEST_EQ(test, user_sanitise(&frame), bad[i] + 1 ? -EXO_E_RANGE : 0);
		frame.rsp = 2;
	}
}

/* On @cpu a program stops, and user_reap() is called for it here, on CPU 0. */
static void reap_from(struct test *test, cpu_t cpu)
{
	struct program *program = &programs[0];
	uint64_t flags, switches;
	struct cpu_set there;
	bool reaped, again;

	cpu_set_clear(&there);
	cpu_set_add(&there, cpu);
	program_make(program, &spaces[0], BLOB(blob_ud));
	TEST_TRUE(test, program_start(program, &there));
	TEST_TRUE(test, program_wait(program));
	TEST_TRUE(test, UNTIL(state_of(program->thread) == THREAD_BLOCKED));
	switches = program->thread->switches;
	flags = irq_save();
	reaped = user_reap(program->thread);
	again = reaped && user_reap(program->thread);
	irq_restore(flags);
	TEST_EQ(test, reaped, cpu == 0);
	TEST_TRUE(test, !again);
	if (!reaped) {
		TEST_TRUE(test, program_end(program));
		return;
	}
	TEST_EQ(test, state_of(program->thread), THREAD_DEAD);
	TEST_EQ(test, program->thread->switches, switches);
	TEST_EQ(test, program->gone, 0);
	TEST_EQ(test, thread_join(program->thread, DEADLINE_NEVER, NULL), 0);
}

/* One that has stopped on the CPU that ends it does not run again for that. */
static void user_thread_stopped_ends_at_once(struct test *test)
{
	struct cpu_set here;
	uint64_t flags;
	bool reaped;

	TEST_TRUE(test, user_space_make(&spaces[0]));
	cpu_set_clear(&here);
	cpu_set_add(&here, 0);
	TEST_EQ(test, thread_set_affinity(thread_current(), &here), 0);
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		reap_from(test, cpu);
	/* One that runs is not ended so. */
	TEST_TRUE(test, start_counting(&programs[0], &spaces[0], 0, NULL));
	flags = irq_save();
	reaped = user_reap(programs[0].thread);
	irq_restore(flags);
	TEST_TRUE(test, !reaped);
	TEST_TRUE(test, program_end(&programs[0]));
	cpu_set_all(&here);
	TEST_EQ(test, thread_set_affinity(thread_current(), &here), 0);
	user_space_free(&spaces[0]);
}

static struct wait_queue queue = WAIT_QUEUE_INIT;
static _Atomic int wait_error;

static void wait_before(struct program *unused)
{
	const uint64_t flags = spin_lock_irq(&queue.lock);

	(void)unused;
	wait_error = wait_block(&queue, DEADLINE_NEVER);
	irq_restore(flags);
}

static void wait_wished_before(struct program *program)
{
	atomic_fetch_or(&thread_current()->attention, THREAD_KILL);
	wait_before(program);
}

static void sleep_before(struct program *unused)
{
	(void)unused;
	thread_sleep_until(DEADLINE_NEVER - 1);
}

static void user_thread_ends_wherever_it_is(struct test *test)
{
	struct user_space *space = &spaces[0];
	struct program *program = &programs[0];

	TEST_TRUE(test, user_space_make(space));
	/* In user mode. */
	program_make(program, space, BLOB(blob_spin));
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, program_end(program));
	TEST_TRUE(test, start_counting(program, space, 0, NULL));
	TEST_TRUE(test, program_end(program));
	/* Stopped. */
	TEST_TRUE(test, program_run(program, space, BLOB(blob_ud)));
	TEST_TRUE(test, program_end(program));
	/* Waiting. */
	program_make(program, space, BLOB(blob_spin));
	program->before = wait_before;
	wait_error = 1;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, UNTIL(state_of(program->thread) == THREAD_BLOCKED));
	TEST_TRUE(test, program_end(program));
	TEST_EQ(test, wait_error, -EXO_E_DEAD);
	TEST_EQ(test, wait_wake_one(&queue), 0);
	/* About to wait. */
	program_make(program, space, BLOB(blob_spin));
	program->before = wait_wished_before;
	wait_error = 1;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, UNTIL(program->gone));
	TEST_EQ(test, wait_error, -EXO_E_DEAD);
	TEST_TRUE(test, program_end(program));
	/* Asleep. */
	program_make(program, space, BLOB(blob_spin));
	program->before = sleep_before;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, UNTIL(state_of(program->thread) == THREAD_BLOCKED));
	TEST_TRUE(test, program_end(program));
	/* While upcalls are disabled, and without a state page. */
	program_make(program, space, BLOB(blob_spin));
	state_of_space(space)->disabled = 1;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, program_end(program));
	program_make(program, space, BLOB(blob_spin));
	program->context.state = NULL;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, program_end(program));
	user_space_free(space);
}

static void user_thread_stopping_ends_a_wait(struct test *test)
{
	struct user_space *space = &spaces[0];
	struct program *program = &programs[0];

	TEST_TRUE(test, user_space_make(space));
	program_make(program, space, BLOB(blob_count));
	program->start.rdi = USER_DATA;
	program->before = wait_before;
	TEST_TRUE(test, program_start(program, NULL));
	TEST_TRUE(test, UNTIL(state_of(program->thread) == THREAD_BLOCKED));
	user_stop(program->thread);
	TEST_TRUE(test, program_wait(program));
	TEST_EQ(test, wait_error, -EXO_E_AGAIN);
	user_run(program->thread);
	TEST_TRUE(test, counts(space, 0));
	TEST_TRUE(test, program_end(program));
	user_space_free(space);
}

static void wait_for_long(struct program *program)
{
	for (unsigned int i = 0; i < 200000 && wait_error != -EXO_E_DEAD; i++) {
		const uint64_t flags = spin_lock_irq(&queue.lock);

		wait_error = wait_block(&queue, clock_ns() + 20 * NS_PER_US);
		irq_restore(flags);
	}
	(void)program;
}

/* Wakers, timeouts and ends meet: whoever comes first, each wait ends once. */
static void user_thread_ends_race_with_wakers(struct test *test)
{
	struct user_space *space = &spaces[0];
	struct program *program = &programs[0];

	TEST_TRUE(test, user_space_make(space));
	for (unsigned int round = 0; round < 30; round++) {
		program_make(program, space, BLOB(blob_spin));
		program->before = wait_for_long;
		wait_error = 0;
		TEST_TRUE(test, program_start(program, NULL));
		for (unsigned int i = 0; i < 20 * round; i++) {
			wait_wake_one(&queue);
			if (i % 8 == 0)
				thread_yield();
		}
		TEST_TRUE(test, program_end(program));
	}
	user_space_free(space);
}

static void user_thread_gets_events(struct test *test)
{
	struct user_space *space = &spaces[0];
	struct program *program = &programs[0];
	struct exo_state_page *state;

	TEST_TRUE(test, user_space_make(space));
	state = state_of_space(space);
	TEST_TRUE(test, start_counting(program, space, 0, NULL));
	/* Nobody wants it: it is noted. */
	user_notify(program->thread, EXO_EVENT_NTF);
	TEST_TRUE(test, UNTIL(((volatile struct exo_state_page *)state)->pending == EXO_EVENT_NTF));
	TEST_TRUE(test, counts(space, 0));
	/* Wanted, but disabled. */
	state->entry = BLOB(blob_ud);
	state->wanted = EXO_EVENT_REVOKE;
	state->disabled = 1;
	user_notify(program->thread, EXO_EVENT_REVOKE);
	TEST_TRUE(test, UNTIL(((volatile struct exo_state_page *)state)->pending ==
			      (EXO_EVENT_NTF | EXO_EVENT_REVOKE)));
	TEST_TRUE(test, counts(space, 0));
	/* Not what was wanted. */
	state->disabled = 0;
	state->pending = 0;
	user_notify(program->thread, EXO_EVENT_SLICE);
	TEST_TRUE(test, counts(space, 0));
	/* Wanted: the handler is entered, and it is a UD2. */
	user_notify(program->thread, EXO_EVENT_REVOKE);
	TEST_TRUE(test, program_wait(program));
	TEST_EQ(test, state->cause, EXO_UPCALL_EVENT);
	TEST_EQ(test, state->pending, EXO_EVENT_SLICE | EXO_EVENT_REVOKE);
	TEST_TRUE(test, state->rip >= BLOB(blob_count) && state->rip < BLOB(blob_read));
	TEST_EQ(test, state->rsp, program->start.rsp);
	TEST_EQ(test, state->r11, program->start.r11);
	TEST_TRUE(test, program_end(program));
	user_space_free(space);
}

static bool make_spaces(void)
{
	return user_space_make(&spaces[0]) && user_space_make(&spaces[1]);
}

static void free_spaces(void)
{
	user_space_free(&spaces[0]);
	user_space_free(&spaces[1]);
}

/* All @nr programs still count; then ends them. */
static bool all_count_and_end(unsigned int nr)
{
	bool good = true;

	for (unsigned int round = 0; round < 3; round++)
		for (unsigned int i = 0; i < nr; i++)
			good &= programs[i].faults == 0 && counts(&spaces[i % 2], i / 2);
	for (unsigned int i = 0; i < nr; i++)
		good &= program_end(&programs[i]);
	return good;
}

/* Threads of two spaces on all CPUs, moved about. */
static void user_thread_spaces_are_apart(struct test *test)
{
	struct cpu_set set;

	TEST_TRUE(test, make_spaces());
	for (unsigned int i = 0; i < NR_PROGRAMS; i++)
		TEST_TRUE(test, start_counting(&programs[i], &spaces[i % 2], i / 2, NULL));
	for (unsigned int i = 0; i < 50; i++) {
		set = only_cpu(i % nr_cpus_online);
		TEST_EQ(test, thread_set_affinity(programs[i % NR_PROGRAMS].thread, &set), 0);
		thread_yield();
	}
	cpu_set_all(&set);
	for (unsigned int i = 0; i < NR_PROGRAMS; i++)
		TEST_EQ(test, thread_set_affinity(programs[i].thread, &set), 0);
	TEST_TRUE(test, all_count_and_end(NR_PROGRAMS));
	free_spaces();
}

/* Each has an FS base of its own, set from outside, or both bases, set by itself. */
static bool start_with_bases(unsigned int i, bool own)
{
	struct program *program = &programs[i];

	program_make(program, &spaces[i % 2], own ? BLOB(blob_write_bases) : BLOB(blob_bases));
	program->context.fs_base = USER_DATA + 512 + 64 * i;
	data_of(&spaces[i % 2])[64 + 8 * i] = 0x77770000 + i;
	program->start.rdi = own ? 0x123400000 + i * 0x1000ull : 0x77770000 + i;
	program->start.rsi = USER_DATA + 8 * (i / 2);
	return program_start(program, NULL);
}

static void user_thread_bases_are_its_own(struct test *test)
{
	const bool fsgsbase = cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & 1;

	TEST_TRUE(test, make_spaces());
	for (unsigned int i = 0; i < NR_PROGRAMS; i++)
		TEST_TRUE(test, start_with_bases(i, fsgsbase && i % 3));
	TEST_TRUE(test, all_count_and_end(NR_PROGRAMS));
	free_spaces();
}

static void user_thread_fpu_is_its_own(struct test *test)
{
	if (!IS_ENABLED(CONFIG_FPU))
		TEST_SKIP(test, "CONFIG_FPU=n");
	TEST_TRUE(test, make_spaces());
	for (unsigned int i = 0; i < NR_PROGRAMS; i++) {
		program_make(&programs[i], &spaces[i % 2], BLOB(blob_fpu));
		programs[i].start.rdi = 1000 + i;
		programs[i].start.rsi = USER_DATA + 8 * (i / 2);
		TEST_TRUE(test, program_start(&programs[i], NULL));
	}
	TEST_TRUE(test, all_count_and_end(NR_PROGRAMS));
	free_spaces();
}

/* Fills a state page with whatever may be in one. */
static void scribble(struct exo_state_page *state, uint64_t *random)
{
	static const uint64_t values[] = { 0,
					   1,
					   USER_NOTHING,
					   0x800000000000,
					   0xffff800000000000,
					   ~0ull,
					   (uintptr_t)image_start };
	volatile uint64_t *words = (volatile uint64_t *)state;
	const uint32_t number = next_random(random);

	words[number % 16] = number & 0x1000 ? (uint64_t)number << 32 | number
					     : values[number % ARRAY_SIZE(values)];
	if (number & 0x2000)
		state->entry = BLOB(blob_random);
	if (number & 0x4000)
		state->disabled = 0;
}

static void user_thread_hostile_state_pages_are_harmless(struct test *test)
{
	uint64_t random = 0x9e3779b97f4a7c15, end;

	TEST_TRUE(test, make_spaces());
	for (unsigned int i = 0; i < NR_PROGRAMS; i++) {
		program_make(&programs[i], &spaces[i % 2], BLOB(blob_random));
		programs[i].start.rbx = 0x12345678 + i;
		programs[i].start.rsi = USER_DATA;
		TEST_TRUE(test, program_start(&programs[i], NULL));
	}
	end = clock_ns() + NS_PER_S / 2;
	while (clock_ns() < end) {
		for (unsigned int i = 0; i < 100; i++)
			scribble(state_of_space(&spaces[i % 2]), &random);
		for (unsigned int i = 0; i < NR_PROGRAMS; i++) {
			struct program *program = &programs[i];
			struct interrupt_frame *frame = atomic_load(&program->context.stopped);

			if (!frame) {
				user_notify(program->thread, next_random(&random) & 15);
				continue;
			}
			frame->rip = BLOB(blob_random);
			frame->rsp = USER_STACK + PAGE_SIZE / 2;
			frame->rsi = USER_DATA;
			user_run(program->thread);
		}
		thread_yield();
	}
	for (unsigned int i = 0; i < NR_PROGRAMS; i++)
		TEST_TRUE(test, program_end(&programs[i]));
	free_spaces();
}

static const struct test_case user_thread_cases[] = {
	TEST_CASE(user_thread_stops_and_goes_on),
	TEST_CASE(user_thread_registers_are_made_safe),
	TEST_CASE(user_thread_stopped_ends_at_once),
	TEST_CASE(user_thread_ends_wherever_it_is),
	TEST_CASE(user_thread_stopping_ends_a_wait),
	TEST_CASE(user_thread_ends_race_with_wakers),
	TEST_CASE(user_thread_gets_events),
	TEST_CASE(user_thread_spaces_are_apart),
	TEST_CASE(user_thread_bases_are_its_own),
	TEST_CASE(user_thread_fpu_is_its_own),
	TEST_CASE(user_thread_hostile_state_pages_are_harmless),
};
TEST_SUITE(user_thread, user_thread_cases);
