/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as capabilities. No device of programs is at hand, so the kernel raises a line,
 * as an edge would (EXO_SYS_RAISE_IRQ); that takes an I/O APIC.
 */
#include "abi.h"

#include <libexo/process.h>
#include <stdatomic.h>
#include <uapi/exo/thread.h>

#define NTF abi_slot(1)
#define COPY abi_slot(2)
#define ALL EXO_FIRST_IRQS
#define BITS UINT64_C(0x5)
/* Lines that are of edges on every PC; and some that are of levels where there is PCI. */
#define EDGES 12u
#define LEVELS 16u

static uint64_t line; /* that neither the kernel nor anything here uses */

static struct exo_result raise(void)
{
	return exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_RAISE_IRQ, line, 0);
}

/* Finds a line, from @first on: 0, or what stands against it. */
static int64_t find_line(uint64_t first)
{
	int64_t error = -EXO_E_RANGE;

	for (line = first; error && line < first + 4; line += !!error) {
		error = exo_irq_bind(ALL, line, NTF, BITS).error;
		if (!error) {
			error = raise().error;
			(void)exo_irq_bind(ALL, line, EXO_SELF, 0);
			if (error == -EXO_E_CALL)
				break;
		}
	}
	(void)exo_ntf_wait(NTF, BITS, abi_now() + 5 * MS);
	return error;
}

/* Begins a case with a notification in its slot and @line. */
#define IRQ_BEGIN(test)                                                                 \
	do {                                                                            \
		int64_t begin_error;                                                    \
                                                                                        \
		ABI_BEGIN(test, 64);                                                    \
		TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);                            \
		if (abi_stat(ALL).type != EXO_TYPE_IRQ)                                 \
			TEST_SKIP(test, "CONFIG_IRQ_OBJECTS=n");                        \
		begin_error = find_line(EDGES);                                         \
		if (begin_error == -EXO_E_CALL)                                         \
			TEST_SKIP(test, "there is no I/O APIC: no line can be raised"); \
		TEST_EQ(test, begin_error, 0);                                          \
	} while (0)

static bool is_bound(void)
{
	return raise().error != -EXO_E_ARG;
}

/* Whether the notification is signalled soon. */
static bool comes(void)
{
	const struct exo_result got = exo_ntf_wait(NTF, ~UINT64_C(0), abi_now() + ABI_PATIENCE);

	return !got.error && got.value == BITS;
}

static bool does_not_come(void)
{
	return exo_ntf_wait(NTF, ~UINT64_C(0), abi_now() + 5 * MS).error == -EXO_E_TIMEOUT;
}

static void irq_without_the_option(struct test *test)
{
	if (abi_stat(ALL).type == EXO_TYPE_IRQ)
		TEST_SKIP(test, "CONFIG_IRQ_OBJECTS=y");
	TEST_EQ(test, abi_stat(ALL).type, EXO_TYPE_NONE);
	TEST_EQ(test, exo_irq_bind(ALL, 5, EXO_SELF, 0).error, -EXO_E_CALL);
	TEST_EQ(test, exo_irq_ack(ALL, 5).error, -EXO_E_CALL);
}

static void irq_signals_a_notification(struct test *test)
{
	IRQ_BEGIN(test);
	TEST_EQ(test, raise().error, -EXO_E_ARG);
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, BITS).error, 0);
	for (unsigned int i = 0; i < 3; i++) {
		TEST_EQ(test, raise().error, 0);
		TEST_TRUE(test, comes());
		TEST_EQ(test, exo_irq_ack(ALL, line).error, 0);
		TEST_TRUE(test, does_not_come());
	}
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
	TEST_EQ(test, raise().error, -EXO_E_ARG);
	TEST_TRUE(test, does_not_come());
}

/* What comes before the ack is neither told before nor lost, however often. */
static void wait_for_the_ack(struct test *test)
{
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, BITS).error, 0);
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, comes());
	for (unsigned int i = 0; i < 5; i++)
		TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, does_not_come());
	TEST_EQ(test, exo_irq_ack(ALL, line).error, 0);
	TEST_TRUE(test, comes());
	TEST_TRUE(test, does_not_come());
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, does_not_come()); /* that was no ack of this one */
	TEST_EQ(test, exo_irq_ack(ALL, line).error, 0);
	TEST_TRUE(test, comes());
	TEST_EQ(test, exo_irq_ack(ALL, line).error, 0);
	TEST_EQ(test, exo_irq_ack(ALL, line).error, 0); /* once too often: nothing happens */
	TEST_TRUE(test, does_not_come());
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, comes());
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
}

static void irq_waits_for_the_ack(struct test *test)
{
	IRQ_BEGIN(test);
	wait_for_the_ack(test);
}

/* The same with one that is masked meanwhile, whatever it does. */
static void irq_waits_for_the_ack_of_a_level(struct test *test)
{
	IRQ_BEGIN(test);
	if (find_line(LEVELS))
		TEST_SKIP(test, "there is no such line");
	wait_for_the_ack(test);
}

static void irq_refuses_bad_arguments(struct test *test)
{
	IRQ_BEGIN(test);
	TEST_EQ(test, exo_irq_bind(abi_slot(9), line, NTF, 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_irq_bind(ALL, line, abi_slot(9), 1).error, -EXO_E_CAP);
	TEST_EQ(test, exo_irq_bind(ALL, line, ABI_BANK, 1).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_irq_bind(ABI_BANK, line, NTF, 1).error, -EXO_E_TYPE);
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, 0).error, -EXO_E_ARG);
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 1).error, -EXO_E_ARG);
	TEST_EQ(test, exo_irq_bind(ALL, abi_stat(ALL).size, NTF, 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_bind(ALL, UINT64_MAX, NTF, 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_bind(ALL, UINT64_C(0x100000000) + line, NTF, 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_ack(ALL, line).error, -EXO_E_ARG);
	TEST_EQ(test, exo_irq_ack(ALL, UINT64_MAX).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_ack(abi_slot(9), line).error, -EXO_E_CAP);
	/* Who may not signal the bits may not have them signalled. */
	TEST_EQ(test, exo_cap_copy(NTF, EXO_SELF, abi_slot(3), EXO_RIGHTS_ALL, 0x6).error, 0);
	TEST_EQ(test, exo_irq_bind(ALL, line, abi_slot(3), 0x7).error, -EXO_E_PERM);
	TEST_EQ(test, abi_copy(1, 4, EXO_RIGHT_R), 0);
	TEST_EQ(test, exo_irq_bind(ALL, line, abi_slot(4), 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_cap_copy(ALL, EXO_SELF, COPY, EXO_RIGHTS_ALL & ~EXO_RIGHT_W, 0).error, 0);
	TEST_EQ(test, exo_irq_bind(COPY, line, NTF, 1).error, -EXO_E_PERM);
	TEST_EQ(test, exo_irq_ack(COPY, line).error, -EXO_E_PERM);
	TEST_TRUE(test, !is_bound());
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, 1).error, 0);
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, 1).error, -EXO_E_BUSY);
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0); /* nothing to do */
}

static void irq_parts(struct test *test)
{
	struct exo_cap_info info;

	IRQ_BEGIN(test);
	info = abi_stat(ALL);
	TEST_EQ(test, info.base, 0);
	TEST_TRUE(test, info.size >= 16);
	TEST_EQ(test, exo_cap_copy(ALL, EXO_SELF, COPY, EXO_RIGHTS_ALL, EXO_PART(line, 2)).error,
		0);
	info = abi_stat(COPY);
	TEST_EQ(test, info.type, EXO_TYPE_IRQ);
	TEST_EQ(test, info.base, line);
	TEST_EQ(test, info.size, 2);
	TEST_EQ(test, exo_irq_bind(COPY, line - 1, NTF, 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_bind(COPY, line + 2, NTF, 1).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_ack(COPY, line + 2).error, -EXO_E_RANGE);
	TEST_EQ(test, exo_irq_bind(COPY, line, NTF, BITS).error, 0);
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, comes());
	/* Each acks what was bound through its own. */
	TEST_EQ(test, exo_irq_ack(ALL, line).error, -EXO_E_ARG);
	TEST_EQ(test, exo_irq_ack(COPY, line).error, 0);
	TEST_EQ(test,
		exo_cap_copy(COPY, EXO_SELF, abi_slot(3), EXO_RIGHTS_ALL, EXO_PART(1, 1)).error, 0);
	TEST_EQ(test, abi_stat(abi_slot(3)).base, line + 1);
	TEST_EQ(test,
		exo_cap_copy(COPY, EXO_SELF, abi_slot(4), EXO_RIGHTS_ALL, EXO_PART(1, 2)).error,
		-EXO_E_RANGE);
}

/* However what it was bound through, or to, goes: the line is free again. */
static void irq_a_binding_has_its_end(struct test *test)
{
	IRQ_BEGIN(test);
	for (unsigned int how = 0; how < 4; how++) {
		const uint64_t part = EXO_PART(line, 1);

		TEST_EQ(test, exo_cap_copy(ALL, EXO_SELF, COPY, EXO_RIGHTS_ALL, part).error, 0);
		TEST_EQ(test, exo_irq_bind(COPY, line, NTF, BITS).error, 0);
		TEST_EQ(test, raise().error, 0);
		TEST_TRUE(test, comes());
		if (how == 0) {
			TEST_EQ(test, exo_cap_delete(COPY, 1).error, 0);
		} else if (how == 1) {
			TEST_EQ(test, abi_revoke(ALL), 0);
		} else if (how == 2) { /* who has the line, too, may say so */
			TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
			TEST_EQ(test, exo_irq_ack(COPY, line).error, -EXO_E_ARG);
			TEST_EQ(test, exo_cap_delete(COPY, 1).error, 0);
		} else {
			TEST_EQ(test, exo_cap_delete(NTF, 1).error, 0);
		}
		TEST_EQ(test, raise().error, -EXO_E_ARG);
	}
	TEST_EQ(test, abi_make(EXO_TYPE_NTF, 1), 0);
	TEST_EQ(test, exo_irq_bind(COPY, line, NTF, BITS).error, 0);
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, comes());
}

/* --- another environment has it ----------------------------------------------------------------*/

static void irq_ends_with_its_driver(struct test *test)
{
	static const char *const argv[] = { "abi-child", "drive" };
	struct exo_program program = { .argc = 2,
				       .argv = argv,
				       .frames = 128,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 4,
				       .irqs = ALL,
				       .nr_irqs = 1,
				       .exit = NTF,
				       .exit_bits = BITS,
				       .failure_bits = 2 };
	struct exo_process child;

	ABI_NEEDS_ENV(test);
	IRQ_BEGIN(test);
	TEST_EQ(test, exo_program_find(&program, argv[0]), 0);
	program.first_irq = (uint32_t)line;
	TEST_EQ(test, exo_env_spawn(&program, &child, NULL), 0);
	TEST_TRUE(test, comes());
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, BITS).error, -EXO_E_BUSY);
	TEST_EQ(test, raise().error, 0);
	exo_env_end(&child);
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, BITS).error, 0);
	TEST_EQ(test, raise().error, 0);
	TEST_TRUE(test, comes());
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
}

/* --- on all CPUs -------------------------------------------------------------------------------*/

#define DEVICES 4u
#define ROUNDS 200u

/* A device wants something, says so, and is content when the driver has cleared the word. */
static _Atomic uint32_t wants[DEVICES];
static _Atomic uint32_t served, running;
static volatile bool storm_ends;
static uint64_t stormy; /* the line */

static void device(void *argument)
{
	_Atomic uint32_t *const own = argument;

	for (unsigned int i = 0; i < ROUNDS && !storm_ends; i++) {
		atomic_store(own, 1);
		(void)exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_RAISE_IRQ, stormy, 0);
		while (atomic_load(own) && !storm_ends)
			(void)exo_yield(EXO_SELF);
	}
	atomic_fetch_sub(&running, 1);
}

static void driver(void *unused)
{
	(void)unused;
	while (!storm_ends) {
		if (exo_ntf_wait(NTF, BITS, abi_now() + 50 * MS).error)
			continue;
		for (unsigned int i = 0; i < DEVICES; i++)
			if (atomic_exchange(&wants[i], 0))
				atomic_fetch_add(&served, 1);
		(void)exo_irq_ack(ALL, stormy);
	}
}

/* Nobody is forgotten, though all share the line, whose handler runs on several CPUs at once. */
static void irq_none_is_lost_on_all_cpus(struct test *test)
{
	static struct exo_thread devices[DEVICES], driving;
	unsigned int begun = 0;

	IRQ_BEGIN(test);
	TEST_EQ(test, exo_irq_bind(ALL, line, NTF, BITS).error, 0);
	stormy = line;
	storm_ends = false;
	atomic_store(&served, 0);
	atomic_store(&running, DEVICES);
	TEST_EQ(test, exo_thread_start(&driving, driver, NULL, 2), 0);
	while (begun < DEVICES && !exo_thread_start(&devices[begun], device, &wants[begun], 2))
		begun++;
	abi_patience();
	while (atomic_load(&running) && abi_patient())
		;
	storm_ends = true;
	for (unsigned int i = 0; i < begun; i++)
		exo_thread_end(&devices[i]);
	exo_thread_end(&driving);
	TEST_EQ(test, exo_irq_bind(ALL, line, EXO_SELF, 0).error, 0);
	TEST_EQ(test, begun, DEVICES);
	TEST_EQ(test, atomic_load(&served), DEVICES * ROUNDS);
}

static void raise_all_the_time(void *unused)
{
	(void)unused;
	while (!storm_ends)
		(void)exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_RAISE_IRQ, stormy, 0);
}

/* The same while what it is bound through, and to, comes and goes; the next case's audit looks. */
static void irq_comes_while_its_binding_goes(struct test *test)
{
	static struct exo_thread devices[DEVICES];
	unsigned int begun = 0, bound = 0;

	IRQ_BEGIN(test);
	stormy = line;
	storm_ends = false;
	while (begun < DEVICES && !exo_thread_start(&devices[begun], raise_all_the_time, NULL, 2))
		begun++;
	for (unsigned int i = 0; i < 300; i++) {
		const exo_cap_t ntf = abi_slot(4);

		if (abi_make(EXO_TYPE_NTF, 4) ||
		    exo_cap_copy(ALL, EXO_SELF, COPY, EXO_RIGHTS_ALL, EXO_PART(line, 1)).error)
			break;
		bound += !exo_irq_bind(COPY, line, ntf, BITS).error;
		for (unsigned int k = 0; k < i % 8; k++)
			(void)exo_irq_ack(COPY, line);
		(void)exo_cap_delete(i % 2 ? COPY : ntf, 1);
		(void)exo_cap_delete(i % 2 ? ntf : COPY, 1);
	}
	storm_ends = true;
	for (unsigned int i = 0; i < begun; i++)
		exo_thread_end(&devices[i]);
	TEST_EQ(test, begun, DEVICES);
	TEST_EQ(test, bound, 300);
	TEST_TRUE(test, !is_bound());
	ABI_BEGIN(test, 16);
}

static const struct test_case irq_cases[] = {
	TEST_CASE(irq_without_the_option),	 TEST_CASE(irq_signals_a_notification),
	TEST_CASE(irq_waits_for_the_ack),	 TEST_CASE(irq_waits_for_the_ack_of_a_level),
	TEST_CASE(irq_refuses_bad_arguments),	 TEST_CASE(irq_parts),
	TEST_CASE(irq_a_binding_has_its_end),	 TEST_CASE(irq_ends_with_its_driver),
	TEST_CASE(irq_none_is_lost_on_all_cpus), TEST_CASE(irq_comes_while_its_binding_goes),
};
TEST_SUITE(user_irq, irq_cases);
