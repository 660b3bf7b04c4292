/* SPDX-License-Identifier: MIT */
/*
 * SMEP, SMAP, UMIP and no-execute, tried for real on each CPU: kernel code executes, reads and
 * writes a program's page, and programs ask for the kernel's tables and execute their data. Where
 * the option is on and the CPU has it, that is a fault with the right error code; else it goes
 * through, which shows that the option is what stops it.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/mmu.h>
#include <exo/test.h>
#include <exo/test_probe.h>

#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_PF 14

static struct user_space space;
static struct program program;

/* What the CPU has of what is asked for. */
static struct {
	bool smep, smap, umip;
} wanted;

static void look_what_is_wanted(void)
{
	const struct cpuid_regs seven =
		cpuid(0, 0).eax < 7 ? (struct cpuid_regs){ 0 } : cpuid(7, 0);

	wanted.smep = IS_ENABLED(CONFIG_SMEP) && seven.ebx >> 7 & 1;
	wanted.smap = IS_ENABLED(CONFIG_SMAP) && seven.ebx >> 20 & 1;
	wanted.umip = IS_ENABLED(CONFIG_UMIP) && seven.ecx >> 2 & 1;
}

/* What a CPU has found. */
static struct {
	uint64_t cr4;
	bool executed, read, written, code_written;
	uint64_t execute_error, read_error, write_error, code_error;
} found;

static void probe_all(struct program *unused)
{
	(void)unused;
	found.cr4 = cpu_read_cr4();
	found.executed = test_probe(TEST_EXECUTE, BLOB(blob_ret), &found.execute_error);
	found.read = test_probe(TEST_READ, USER_DATA, &found.read_error);
	found.written = test_probe(TEST_WRITE, USER_DATA, &found.write_error);
	found.code_written = test_probe(TEST_WRITE, USER_CODE, &found.code_error);
}

/* The kernel's accesses on this CPU, with the space of a program. */
static bool probe_on(cpu_t cpu)
{
	const struct cpu_set one = only_cpu(cpu);
	bool ended;

	if (!user_space_make(&space))
		return false;
	program_make(&program, &space, BLOB(blob_ud));
	program.before = probe_all;
	ended = program_start(&program, &one) && program_wait(&program) && program_end(&program);
	user_space_free(&space);
	return ended;
}

static void user_hardening_smep_stops_the_kernel(struct test *test)
{
	look_what_is_wanted();
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		TEST_TRUE(test, probe_on(cpu));
		TEST_EQ(test, !!(found.cr4 & CR4_SMEP), wanted.smep);
		TEST_EQ(test, found.executed, !wanted.smep);
		TEST_EQ(test, found.execute_error, wanted.smep ? FAULT_PRESENT | FAULT_FETCH : 0);
	}
}

static void user_hardening_smap_stops_the_kernel(struct test *test)
{
	const uint64_t write = FAULT_PRESENT | FAULT_WRITE;

	look_what_is_wanted();
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		TEST_TRUE(test, probe_on(cpu));
		TEST_EQ(test, !!(found.cr4 & CR4_SMAP), wanted.smap);
		TEST_EQ(test, found.read, !wanted.smap);
		TEST_EQ(test, found.read_error, wanted.smap ? FAULT_PRESENT : 0);
		TEST_EQ(test, found.written, !wanted.smap);
		TEST_EQ(test, found.write_error, wanted.smap ? write : 0);
		/* What programs may not write the kernel does not write for them (CR0.WP). */
		TEST_TRUE(test, !found.code_written);
		TEST_EQ(test, found.code_error, write);
	}
}

extern const char blob_tells[], blob_tells_end[];

#define UNTOUCHED 0xa5a5a5a5a5a5a5a5

/* One instruction of the table: a fault that leaves nothing, or the answer is in memory. */
static bool tells(const char *code, volatile uint64_t *answer)
{
	const uint64_t rip = USER_CODE + (uint64_t)(code - user_blob);

	*answer = UNTOUCHED;
	if (!program_again(&program, rip))
		return !wanted.umip;
	return *answer != UNTOUCHED && program.fault.vector == VECTOR_UD;
}

static void user_hardening_umip_hides_the_tables(struct test *test)
{
	volatile uint64_t *answer;
	struct cpu_set one;

	look_what_is_wanted();
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		one = only_cpu(cpu);
		TEST_TRUE(test, user_space_make(&space));
		program_make(&program, &space, BLOB(blob_ud));
		TEST_TRUE(test, program_start(&program, &one));
		TEST_TRUE(test, program_wait(&program));
		answer = (uint64_t *)user_page_of(&space, USER_STACK) + (PAGE_SIZE / 2 - 16) / 8;
		for (const char *code = blob_tells; code < blob_tells_end; code += 16) {
			TEST_EQ(test, tells(code, answer), !wanted.umip);
			TEST_EQ(test, program.fault.vector, wanted.umip ? VECTOR_GP : VECTOR_UD);
			/* Of SGDT and SIDT: the limit, and an address of the kernel's half. */
			if (!wanted.umip && code < blob_tells + 32)
				TEST_EQ(test, *answer >> 63, 1);
		}
		TEST_TRUE(test, program_end(&program));
		user_space_free(&space);
	}
}

/* A program's data is not executed, nor its code written. (No-execute is not an option: PROTECTED
 * needs WX.) */
static void user_hardening_programs_do_not_execute_data(struct test *test)
{
	static const uint64_t places[] = { USER_DATA, USER_STACK, USER_STATE };

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, program_run(&program, &space, BLOB(blob_ud)));
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		TEST_TRUE(test, program_again(&program, places[i]));
		TEST_EQ(test, program.fault.vector, VECTOR_PF);
		TEST_EQ(test, program.fault.error, FAULT_PRESENT | FAULT_USER | FAULT_FETCH);
		TEST_EQ(test, program.fault_address, places[i]);
	}
	atomic_load(&program.context.stopped)->rdi = USER_CODE;
	TEST_TRUE(test, program_again(&program, BLOB(blob_write)));
	TEST_EQ(test, program.fault.vector, VECTOR_PF);
	TEST_EQ(test, program.fault.error, FAULT_PRESENT | FAULT_USER | FAULT_WRITE);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static const struct test_case user_hardening_cases[] = {
	TEST_CASE(user_hardening_smep_stops_the_kernel),
	TEST_CASE(user_hardening_smap_stops_the_kernel),
	TEST_CASE(user_hardening_umip_hides_the_tables),
	TEST_CASE(user_hardening_programs_do_not_execute_data),
};
TEST_SUITE(user_hardening, user_hardening_cases);
