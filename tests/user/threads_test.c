/* SPDX-License-Identifier: MIT */
/* Threads: running, stopping, registers, faults, scheduling, ending. */
#include "abi.h"

#define DONE abi_slot(1)

static volatile uint64_t counter, other_counter;
static struct exo_thread thread, second;

static void count_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		counter++;
}

static void count_the_other(void *unused)
{
	(void)unused;
	for (;;)
		other_counter++;
}

static void signal_done(void *bits)
{
	counter++;
	(void)exo_ntf_signal(DONE, (uint64_t)bits);
}

static void fault(void *unused)
{
	(void)unused;
	__asm__ volatile("movb $1, 8" : : : "memory");
}

static int start(void (*function)(void *), void *argument)
{
	counter = other_counter = 0;
	return exo_thread_start(&thread, function, argument, 2);
}

static int64_t act(enum exo_thread_act what, struct exo_registers *registers)
{
	return exo_thread_state(thread.cap, what, registers).error;
}

/* Stops the thread; false if it does not stop. */
static bool stop(void)
{
	abi_patience();
	while (act(EXO_THREAD_STOP, NULL) == -EXO_E_AGAIN)
		if (!abi_patient())
			return false;
	return true;
}

static void threads_run_and_are_joined(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	for (unsigned int i = 0; i < 10; i++) {
		TEST_EQ(test, start(signal_done, (void *)4), 0);
		TEST_EQ(test, exo_ntf_wait(DONE, 4, abi_now() + ABI_PATIENCE).value, 4);
		TEST_EQ(test, counter, 1);
		TEST_EQ(test, abi_stat(EXO_FIRST_ENV).used, 2);
		exo_thread_end(&thread);
		ABI_UNTIL(test, abi_stat(EXO_FIRST_ENV).used == 1);
	}
}

/* They all get on, whatever the number of CPUs. */
static void threads_share_the_cpus(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	TEST_EQ(test, exo_thread_start(&second, count_the_other, NULL, 2), 0);
	ABI_UNTIL(test, counter > 1000 && other_counter > 1000);
	exo_thread_end(&thread);
	exo_thread_end(&second);
}

static void threads_stop_and_go_on(struct test *test)
{
	uint64_t before;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	ABI_UNTIL(test, counter > 1000);
	TEST_TRUE(test, stop());
	before = counter;
	abi_sleep(30 * MS);
	TEST_EQ(test, counter, before);
	TEST_EQ(test, act(EXO_THREAD_STOP, NULL), 0);
	TEST_EQ(test, act(EXO_THREAD_RUN, NULL), 0);
	ABI_UNTIL(test, counter > before + 1000);
	TEST_EQ(test, act(EXO_THREAD_RUN, NULL), 0);
	exo_thread_end(&thread);
	before = counter;
	abi_sleep(30 * MS);
	TEST_EQ(test, counter, before);
}

static void threads_registers_are_read_and_written(struct test *test)
{
	struct exo_registers registers, again;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	ABI_UNTIL(test, counter > 1000);
	TEST_EQ(test, act(EXO_THREAD_READ, &registers), -EXO_E_BUSY);
	TEST_EQ(test, act(EXO_THREAD_WRITE, &registers), -EXO_E_BUSY);
	TEST_TRUE(test, stop());
	TEST_EQ(test, act(EXO_THREAD_READ, &registers), 0);
	TEST_TRUE(test, registers.rip - (uint64_t)count_for_ever < 64);
	TEST_TRUE(test, registers.rsp > (uint64_t)thread.stack);
	registers.rip = (uint64_t)count_the_other;
	registers.r15 = 0x1515;
	registers.rax = 0xaaaa;
	registers.fs_base = 0x123456;
	registers.rflags = ~UINT64_C(0) & ~(UINT64_C(1) << 8); /* not TF */
	TEST_EQ(test, act(EXO_THREAD_WRITE, &registers), 0);
	TEST_EQ(test, act(EXO_THREAD_READ, &again), 0);
	TEST_EQ(test, again.r15, 0x1515);
	TEST_EQ(test, again.rax, 0xaaaa);
	TEST_EQ(test, again.fs_base, 0x123456);
	TEST_EQ(test, again.rflags & 0x3000, 0); /* no I/O privilege */
	TEST_EQ(test, again.rflags & 0x200, 0x200); /* interrupts are on */
	TEST_EQ(test, again.rflags & 0x1a4000, 0); /* no NT, VIF, VIP, VM */
	TEST_EQ(test, act(EXO_THREAD_RUN, NULL), 0);
	ABI_UNTIL(test, other_counter > 1000);
	exo_thread_end(&thread);
}

static void threads_registers_refuse_what_is_not_theirs(struct test *test)
{
	struct exo_registers good, bad;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	TEST_TRUE(test, stop());
	TEST_EQ(test, act(EXO_THREAD_READ, &good), 0);
	bad = good;
	bad.rip = exo_program_info.user_end;
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	bad.rip = UINT64_C(0x800000000000);
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	bad.rip = UINT64_C(0xffffffff80100000);
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	bad = good;
	bad.rsp = UINT64_MAX;
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	bad = good;
	bad.gs_base = UINT64_C(0xffff800000000000);
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	bad = good;
	bad.fs_base = UINT64_C(0x8000000000000000);
	TEST_EQ(test, act(EXO_THREAD_WRITE, &bad), -EXO_E_RANGE);
	TEST_EQ(test, act(EXO_THREAD_WRITE, NULL), -EXO_E_FAULT);
	TEST_EQ(test, act(EXO_THREAD_READ, NULL), -EXO_E_FAULT);
	TEST_EQ(test, act((enum exo_thread_act)9, NULL), -EXO_E_ARG);
	TEST_EQ(test, act(EXO_THREAD_READ, &bad), 0);
	TEST_EQ(test, bad.rip, good.rip);
	exo_thread_end(&thread);
}

static int64_t configure(unsigned int index, uint64_t entry, uint64_t stack, exo_cap_t state)
{
	return exo_thread_config(abi_slot(index), EXO_FIRST_ENV, entry, stack, 42, state).error;
}

static void threads_config_refuses_bad_arguments(struct test *test)
{
	const uint64_t entry = (uint64_t)count_for_ever, stack = EXO_STACK_TOP;
	struct exo_registers registers;

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_THREAD, 1), 0);
	ABI_UNTIL(test, abi_stat(EXO_FIRST_ENV).used == 1); /* those before are gone */
	TEST_EQ(test, exo_thread_state(abi_slot(1), EXO_THREAD_RUN, NULL).error, -EXO_E_ARG);
	TEST_EQ(test, configure(1, exo_program_info.user_end, stack, 0), -EXO_E_RANGE);
	TEST_EQ(test, configure(1, entry, UINT64_MAX, 0), -EXO_E_RANGE);
	TEST_EQ(test, configure(1, entry, stack, ABI_BANK), -EXO_E_TYPE);
	TEST_EQ(test, configure(1, entry, stack, abi_slot(9)), -EXO_E_CAP);
	/* A state page is of the thread's own bank, and can be read and written. */
	TEST_EQ(test, configure(1, entry, stack, EXO_FIRST_STATE), -EXO_E_TYPE);
	TEST_EQ(test, abi_frames(2, 1), 0);
	TEST_EQ(test, abi_copy(2, 3, EXO_RIGHT_R), 0);
	TEST_EQ(test, configure(1, entry, stack, abi_slot(3)), -EXO_E_PERM);
	TEST_EQ(test, exo_thread_config(abi_slot(1), ABI_BANK, entry, stack, 0, 0).error,
		-EXO_E_TYPE);
	TEST_EQ(test, configure(1, entry, stack, abi_slot(2)), 0);
	TEST_EQ(test, configure(1, entry, stack, abi_slot(2)), -EXO_E_BUSY);
	/* Before it runs its registers are what they will be. */
	TEST_EQ(test, exo_thread_state(abi_slot(1), EXO_THREAD_READ, &registers).error, 0);
	TEST_EQ(test, registers.rip, entry);
	TEST_EQ(test, registers.rsp, stack);
	TEST_EQ(test, registers.rdi, 42);
	TEST_EQ(test, registers.rbx | registers.rax | registers.r15, 0);
	TEST_EQ(test, abi_stat(EXO_FIRST_ENV).used, 2);
	TEST_EQ(test, exo_cap_delete(abi_slot(1), 1).error, 0);
	ABI_UNTIL(test, abi_stat(EXO_FIRST_ENV).used == 1);
}

static void threads_rights_are_asked_for(struct test *test)
{
	struct exo_registers registers;
	const exo_cap_t weak = abi_slot(2);

	ABI_BEGIN(test, 64);
	TEST_EQ(test, abi_make(EXO_TYPE_THREAD, 1), 0);
	TEST_EQ(test, abi_copy(1, 2, 0), 0);
	TEST_EQ(test, exo_thread_config(weak, EXO_FIRST_ENV, 0x400000, 0, 0, 0).error, -EXO_E_PERM);
	TEST_EQ(test, exo_thread_state(weak, EXO_THREAD_RUN, NULL).error, -EXO_E_PERM);
	TEST_EQ(test, exo_thread_state(weak, EXO_THREAD_STOP, NULL).error, -EXO_E_PERM);
	TEST_EQ(test, exo_thread_state(weak, EXO_THREAD_READ, &registers).error, -EXO_E_PERM);
	TEST_EQ(test, exo_thread_sched(weak, EXO_FIRST_CPUS, NULL).error, -EXO_E_PERM);
}

static void threads_a_fault_stops_and_is_told(struct test *test)
{
	struct exo_registers registers;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_FAULTS, DONE, 0x70).error, 0);
	TEST_EQ(test, start(fault, NULL), 0);
	TEST_EQ(test, exo_ntf_wait(DONE, ~UINT64_C(0), abi_now() + ABI_PATIENCE).value, 0x70);
	ABI_UNTIL(test, act(EXO_THREAD_READ, &registers) == 0);
	TEST_TRUE(test, registers.rip - (uint64_t)fault < 16);
	/* It can be helped on. */
	registers.rip = (uint64_t)count_for_ever;
	TEST_EQ(test, act(EXO_THREAD_WRITE, &registers), 0);
	TEST_EQ(test, act(EXO_THREAD_RUN, NULL), 0);
	ABI_UNTIL(test, counter > 1000);
	exo_thread_end(&thread);
	TEST_EQ(test, exo_env_config(EXO_SELF, EXO_ENV_FAULTS, UINT64_MAX, 1).error, -EXO_E_ARG);
	TEST_EQ(test, exo_env_config(EXO_SELF, 2, 0, 0).error, -EXO_E_ARG);
}

static void threads_sched_needs_authority(struct test *test)
{
	struct exo_sched sched = { .priority = EXO_PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT };

	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	TEST_EQ(test, exo_thread_sched(thread.cap, abi_slot(9), &sched).error, -EXO_E_CAP);
	TEST_EQ(test, exo_thread_sched(thread.cap, ABI_BANK, &sched).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_cap_copy(EXO_FIRST_CPUS, EXO_SELF, abi_slot(3), EXO_RIGHT_R, 0).error, 0);
	TEST_EQ(test, exo_thread_sched(thread.cap, abi_slot(3), &sched).error, -EXO_E_PERM);
	TEST_EQ(test, exo_thread_sched(thread.cap, EXO_FIRST_CPUS, NULL).error, -EXO_E_FAULT);
	sched.priority = 256;
	TEST_EQ(test, exo_thread_sched(thread.cap, EXO_FIRST_CPUS, &sched).error, -EXO_E_RANGE);
	sched.priority = EXO_PRIORITY_DEFAULT;
	sched.affinity[3] = UINT64_C(1) << 63; /* CPU 255 */
	TEST_EQ(test, exo_thread_sched(thread.cap, EXO_FIRST_CPUS, &sched).error, -EXO_E_ARG);
	exo_thread_end(&thread);
}

static void threads_go_where_they_are_sent(struct test *test)
{
	struct exo_sched sched = { .priority = EXO_PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT };
	const uint32_t cpus = exo_program_info.info->nr_cpus;

	ABI_BEGIN(test, 16);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	for (uint32_t cpu = 0; cpu < cpus && cpu < 64; cpu++) {
		uint64_t before;

		sched.affinity[0] = UINT64_C(1) << cpu;
		TEST_EQ(test, exo_thread_sched(thread.cap, EXO_FIRST_CPUS, &sched).error, 0);
		before = counter;
		ABI_UNTIL(test, counter > before + 1000);
	}
	exo_thread_end(&thread);
}

static void threads_yield(struct test *test)
{
	ABI_BEGIN(test, 16);
	TEST_EQ(test, exo_yield(EXO_SELF).error, 0);
	TEST_EQ(test, exo_yield(abi_slot(9)).error, -EXO_E_CAP);
	TEST_EQ(test, start(count_for_ever, NULL), 0);
	for (unsigned int i = 0; i < 100; i++) {
		const int64_t error = exo_yield(thread.cap).error;

		TEST_TRUE(test, error == 0 || error == -EXO_E_AGAIN);
	}
	ABI_UNTIL(test, counter > 1000);
	exo_thread_end(&thread);
}

/* Vector registers are a thread's own. */
static volatile uint64_t mixed;

static void keep_vector(void *argument)
{
	uint64_t found;

	for (uint64_t i = 0; i < 2000; i++) {
		const uint64_t mine = (uint64_t)argument + i;

		__asm__ volatile("movq %1, %%xmm7\n\t"
				 "xor %%edi, %%edi\n\t" ABI_CALL(14) /* yield */
				 "movq %%xmm7, %0"
				 : "=&r"(found)
				 : "r"(mine)
				 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				   "xmm7", "memory");
		if (found != mine)
			mixed++;
	}
	(void)exo_ntf_signal(DONE, (uint64_t)argument >> 32);
}

static void threads_vector_registers_are_their_own(struct test *test)
{
	uint64_t bits = 0;

	_Static_assert(EXO_CALL_YIELD == 14, "the number above");
	ABI_NEEDS_FPU(test);
	ABI_BEGIN(test, 16);
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	mixed = 0;
	TEST_EQ(test, start(keep_vector, (void *)(UINT64_C(1) << 32)), 0);
	TEST_EQ(test, exo_thread_start(&second, keep_vector, (void *)(UINT64_C(2) << 32), 2), 0);
	while (bits != 3) {
		const struct exo_result got = exo_ntf_wait(DONE, 3, abi_now() + ABI_PATIENCE);

		TEST_EQ(test, got.error, 0);
		bits |= got.value;
	}
	TEST_EQ(test, mixed, 0);
	exo_thread_end(&thread);
	exo_thread_end(&second);
}

static volatile bool slices_end;

static void use_the_cpu(void *unused)
{
	(void)unused;
	while (!slices_end)
		__builtin_ia32_pause();
}

/* Who uses up its slice while others want the CPU is told, if it likes; and else not. */
static void threads_learn_of_slices(struct test *test)
{
	static struct exo_thread others[17];
	const uint32_t cpus = exo_program_info.info->nr_cpus;
	const unsigned int count = cpus < 16 ? cpus + 1 : 17;
	unsigned int started = 0;
	bool sliced;

	ABI_BEGIN(test, 16);
	slices_end = false;
	while (started < count && !exo_thread_start(&others[started], use_the_cpu, NULL, 2))
		started++;
	abi_upcalls(0);
	for (const uint64_t until = abi_now() + 100 * MS; abi_now() < until;)
		;
	TEST_EQ(test, abi_events, 0);
	abi_upcalls(EXO_EVENT_SLICE);
	for (const uint64_t until = abi_now() + ABI_PATIENCE;
	     abi_now() < until && !(abi_event_bits & EXO_EVENT_SLICE);)
		;
	sliced = abi_event_bits & EXO_EVENT_SLICE;
	abi_upcalls(0);
	slices_end = true;
	for (unsigned int i = 0; i < started; i++)
		exo_thread_end(&others[i]);
	TEST_EQ(test, started, count);
	TEST_TRUE(test, sliced);
}

static const struct test_case threads_cases[] = {
	TEST_CASE(threads_run_and_are_joined),
	TEST_CASE(threads_share_the_cpus),
	TEST_CASE(threads_stop_and_go_on),
	TEST_CASE(threads_registers_are_read_and_written),
	TEST_CASE(threads_registers_refuse_what_is_not_theirs),
	TEST_CASE(threads_config_refuses_bad_arguments),
	TEST_CASE(threads_rights_are_asked_for),
	TEST_CASE(threads_a_fault_stops_and_is_told),
	TEST_CASE(threads_sched_needs_authority),
	TEST_CASE(threads_go_where_they_are_sent),
	TEST_CASE(threads_yield),
	TEST_CASE(threads_vector_registers_are_their_own),
	TEST_CASE(threads_learn_of_slices),
};
TEST_SUITE(user_threads, threads_cases);
