/* SPDX-License-Identifier: MIT */
/*
 * Non-maskable interrupts while a program's GS base is in the register that the kernel's own is
 * reached by, chosen to be taken for that: they strike in user mode, between SYSCALL and SWAPGS,
 * and anywhere in the kernel. The program sends them to its own CPU, to the instruction, as it has
 * the page of the local APIC's registers; others come from outside at any time.
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/mmu.h>
#include <arch/user.h>
#include <exo/log.h>
#include <exo/string.h>
#include <exo/test.h>

#define USER_LAPIC 0xa00000ull
#define COUNTS 30u /* rounds that a program must do, with two NMIs each */
#define XAPIC_ID_SHIFT 24

extern const char image_start[];

static struct user_space space;
static struct program program;
static bool by_itself; /* programs send NMIs, too: the registers are in memory */

static bool map_lapic(void)
{
	struct page_batch batch;
	int error;

	page_batch_begin(&batch, &space.table);
	error = page_table_map(&batch, USER_LAPIC, lapic_address(), PAGE_SIZE,
			       PAGE_USER | PAGE_WRITE | PAGE_UNCACHED);
	page_batch_close(&batch);
	page_batch_finish(&batch);
	return !error;
}

static uint64_t count(void)
{
	return *(volatile uint64_t *)user_page_of(&space, USER_DATA);
}

/* The program gets on while NMIs come from here, too. */
static bool gets_on(cpu_t cpu)
{
	const uint64_t end = clock_ns() + PATIENCE;

	while (count() < COUNTS && !user_stopped(program.thread)) {
		if (clock_ns() > end)
			return false;
		lapic_send_nmi(cpus[cpu]->apic_id);
		thread_sleep_until(clock_ns() + 50 * NS_PER_US);
	}
	return program.faults == 0;
}

/* One program with that GS base on a CPU; true if it saw nothing wrong. */
static bool survives(cpu_t cpu, uint64_t gs_base)
{
	const struct cpu_set one = only_cpu(cpu);
	bool good;

	if (!user_space_make(&space))
		return false;
	program_make(&program, &space, BLOB(blob_nmi));
	state_of_space(&space)->entry = BLOB(blob_handler);
	((uint64_t *)user_page_of(&space, USER_DATA))[1] = 3; /* MOV RBX, [RDI] */
	program.start.rdi = gs_base;
	program.start.rsi = USER_DATA + 16;
	program.start.r14 = by_itself ? USER_LAPIC : USER_DATA + PAGE_SIZE / 2;
	program.start.r15 = (uint64_t)cpus[cpu]->apic_id << XAPIC_ID_SHIFT;
	good = (!by_itself || map_lapic()) && program_start(&program, &one);
	if (good) {
		good = gets_on(cpu);
		good = program_end(&program) && good;
	}
	user_space_free(&space);
	return good;
}

/* MSR_APIC_BASE, bit 10. */
static bool in_x2apic_mode(void)
{
	return strcmp(lapic_mode_name(), "x2APIC") == 0;
}

static void user_nmi_with_hostile_gs_bases(struct test *test)
{
	const uint64_t bases[] = {
		0,
		1,
		user_end(),
		0x7fffffffffff,
		0xffff800000000000,
		(uintptr_t)image_start,
		(uintptr_t)cpus[0],
		(uintptr_t)cpus[nr_cpus_online - 1],
		(uintptr_t)cpus[nr_cpus_online - 1] + 8,
		~0ull,
	};
	const uint64_t before = interrupts_unexpected;
	unsigned int wrong = 0;

	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).ebx & 1))
		TEST_SKIP(test, "the CPU has no FSGSBASE");
	if (!IS_ENABLED(CONFIG_LOG))
		TEST_SKIP(test, "CONFIG_LOG=n: each would be a line on all consoles");
	by_itself = lapic_present() && !in_x2apic_mode();
	if (!lapic_present() || (!by_itself && nr_cpus_online == 1))
		TEST_SKIP(test, "no way to send NMIs into a program");
	log_set_echo(LOG_ERROR); /* each is a warning */
	for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++)
		for (cpu_t cpu = 0; cpu < nr_cpus_online && cpu < 4; cpu++)
			wrong += !survives(cpu, bases[i]);
	log_set_echo(CONFIG_LOG_ECHO_LEVEL);
	TEST_EQ(test, wrong, 0);
	/* They did come. */
	TEST_TRUE(test, interrupts_unexpected >= before + COUNTS);
}

static const struct test_case user_nmi_cases[] = {
	TEST_CASE(user_nmi_with_hostile_gs_bases),
};
TEST_SUITE(user_nmi, user_nmi_cases);
