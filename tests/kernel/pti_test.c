/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation: what the root of user mode leads to, page by page, and that programs do run
 * with it, whichever way they left the kernel. They end in a single step, and the entry code of the
 * debug exception notes what it has found in CR3 (struct cpu_entry).
 */
#include "thread_support.h"
#include "user_support.h"

#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/pti.h>
#include <exo/syscall.h>
#include <exo/test.h>

#define CR3_ADDRESS 0x000ffffffffff000ull
#define ROOT_ENTRIES 512u
#define NMIS 50u
#define FAR 0x555000000000ull /* in a root entry that nothing else is below */

extern const char image_start[], entry_text_start[], entry_text_end[];

static struct user_space space;
static struct program program;

static bool within(uint64_t page, uint64_t from, uint64_t to)
{
	return page >= (from & -(uint64_t)PAGE_SIZE) && page < to;
}

static bool is_cpus(uint64_t page, struct cpu *cpu)
{
	const uint64_t entry = (uintptr_t)cpu_entry(cpu);

	for (unsigned int i = 0; i < NR_IST; i++)
		if (within(page, cpu->tss->ist[i] + 16 - CONFIG_IST_STACK_SIZE,
			   cpu->tss->ist[i] + 16))
			return true;
	return within(page, entry, entry + PAGE_SIZE);
}

/* Is the page one of those that entering the kernel takes? */
static bool is_listed(uint64_t page)
{
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (is_cpus(page, cpus[cpu]))
			return true;
	return within(page, idt_address(), idt_address() + 1) ||
	       within(page, (uintptr_t)entry_text_start, (uintptr_t)entry_text_end);
}

/* How many pages these are. */
static unsigned int nr_listed(void)
{
	const unsigned int stack = (CONFIG_IST_STACK_SIZE + PAGE_SIZE - 1) / PAGE_SIZE;
	const uint64_t text = (uint64_t)(entry_text_end - entry_text_start) / PAGE_SIZE;

	return (unsigned int)text + 1 + nr_cpus_online * (1 + NR_IST * stack);
}

static struct page_table user_view(void)
{
	return (struct page_table){ .machine = space.table.machine, .root = space.table.user_root };
}

static void pti_user_root_has_what_entering_takes(struct test *test)
{
	const unsigned int bits = 11u + 9u * kernel_space.machine->levels;
	unsigned int pages = 0, unlisted = 0, unlike = 0;
	struct page_mapping found, own;
	struct page_table view;

	TEST_TRUE(test, user_space_make(&space));
	view = user_view();
	for (uint64_t at = ~0ull << bits; at; at += found.size) {
		if (page_table_query(&view, at, &found))
			break;
		if (!found.present)
			continue;
		pages++;
		unlisted += found.size != PAGE_SIZE || !is_listed(at);
		unlike += mmu_query(at, &own) || own.base != found.base ||
			  own.rights != found.rights || found.rights & PAGE_USER;
	}
	TEST_EQ(test, unlisted, 0);
	TEST_EQ(test, unlike, 0);
	TEST_EQ(test, pages, nr_listed());
	TEST_EQ(test, kernel_space.machine->global, false);
	user_space_free(&space);
}

static bool is_there(const void *pointer)
{
	const struct page_table view = user_view();
	struct page_mapping found;

	return page_table_query(&view, (uintptr_t)pointer, &found) || found.present;
}

static void pti_user_root_has_nothing_of_the_kernel(struct test *test)
{
	int on_stack = 0;

	TEST_TRUE(test, user_space_make(&space));
	TEST_TRUE(test, is_there(entry_text_start) && is_there(cpu_entry(cpus[0])));
	TEST_TRUE(test, !is_there((const void *)(uintptr_t)is_there));
	TEST_TRUE(test, !is_there(image_start) && !is_there(syscall_table));
	TEST_TRUE(test, !is_there(&nr_cpus_online) && !is_there(&space));
	TEST_TRUE(test, !is_there(&on_stack) && !is_there(thread_current()));
	TEST_TRUE(test, !is_there(phys_to_virt(0)));
	TEST_TRUE(test, !is_there(phys_to_virt(space.table.root)));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		TEST_TRUE(test, !is_there(cpus[cpu]) && !is_there(cpus[cpu]->idle));
	user_space_free(&space);
}

/* The counts are in the kernel's root alone. */
static unsigned int nr_differences(void)
{
	const uint64_t *kernel = phys_to_virt(space.table.root);
	const uint64_t *user = phys_to_virt(space.table.user_root);
	unsigned int differences = 0;

	for (unsigned int i = 0; i < ROOT_ENTRIES / 2; i++)
		differences += ((kernel[i] ^ user[i]) & (CR3_ADDRESS | 0xfff)) != 0;
	return differences;
}

static void pti_lower_halves_are_alike(struct test *test)
{
	struct memory_mark mark;
	struct page_batch batch;

	memory_mark(&mark);
	TEST_TRUE(test, user_space_make(&space));
	TEST_EQ(test, nr_differences(), 0);
	for (unsigned int i = 0; i < 2; i++) {
		page_batch_begin(&batch, &space.table);
		if (i)
			TEST_EQ(test, page_table_unmap(&batch, FAR, PAGE_SIZE), 0);
		else
			TEST_EQ(test,
				page_table_map(&batch, FAR, space.pages[0], PAGE_SIZE, PAGE_USER),
				0);
		page_batch_close(&batch);
		TEST_EQ(test, nr_differences(), 0);
		TEST_EQ(test, is_there((const void *)(FAR)), !i);
		page_batch_finish(&batch);
	}
	user_space_free(&space);
	TEST_TRUE(test, memory_is_back(&mark));
}

/* Did the last exception on that CPU find the program's user root, with the right PCID? */
static bool had_user_root(cpu_t cpu)
{
	const uint64_t cr3 = cpu_entry(cpus[cpu])->trap_cr3;

	return (cr3 & CR3_ADDRESS) == space.table.user_root &&
	       (cr3 & ~CR3_ADDRESS) == (mmu_features.tlb.pcid ? PTI_USER_PCID : 0);
}

/* Runs a program from @rip to a single step, on one CPU; with these handlers. */
static bool trapped(cpu_t cpu, uint64_t rip, uint64_t entry, uint64_t foreign)
{
	const struct cpu_set set = only_cpu(cpu);
	bool result;

	cpu_entry(cpus[cpu])->trap_cr3 = 0;
	program_make(&program, &space, rip);
	program.start.rax = foreign ? 39 : 1u << 31;
	program.start.rdi = USER_NOTHING;
	state_of_space(&space)->entry = entry;
	state_of_space(&space)->foreign = foreign;
	if (!program_start(&program, &set))
		return false;
	result = program_wait(&program) && program.fault.vector == VECTOR_DEBUG;
	return program_end(&program) && result && had_user_root(cpu);
}

static void pti_programs_run_with_the_user_root(struct test *test)
{
	TEST_TRUE(test, user_space_make(&space));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		/* IRETQ; SYSRET of a call; of a foreign one to the handler, and without; of a
		 * fault. */
		TEST_TRUE(test, trapped(cpu, BLOB(blob_step), 0, 0));
		TEST_TRUE(test, trapped(cpu, BLOB(blob_syscall_step), 0, 0));
		TEST_TRUE(test, trapped(cpu, BLOB(blob_syscall), 0, BLOB(blob_step)));
		TEST_TRUE(test, trapped(cpu, BLOB(blob_foreign_step), 0, 0));
		TEST_TRUE(test, trapped(cpu, BLOB(blob_read), BLOB(blob_step), 0));
	}
	user_space_free(&space);
}

/* Sends an NMI and waits for it, without a rest, in which a tick would put the root right. */
static bool nmi_found_user_root(cpu_t cpu)
{
	const volatile uint64_t *found = &cpu_entry(cpus[cpu])->trap_cr3;
	const uint64_t end = clock_ns() + PATIENCE;

	cpu_entry(cpus[cpu])->trap_cr3 = 0;
	if (NR_CPUS > 1)
		lapic_send_nmi(cpus[cpu]->apic_id);
	while (!*found && clock_ns() < end)
		cpu_pause();
	return had_user_root(cpu);
}

/* NMIs find the user root and leave it; some may strike while the CPU is in the kernel. */
static void pti_nmi_leaves_the_root(struct test *test)
{
	const volatile uint64_t *count;
	const cpu_t cpu = last_cpu();
	const struct cpu_set set = only_cpu(cpu);
	unsigned int found = 0;

	if (NR_CPUS == 1 || cpu == 0)
		TEST_SKIP(test, "it takes another CPU to send one");
	TEST_TRUE(test, user_space_make(&space));
	count = user_page_of(&space, USER_DATA);
	program_make(&program, &space, BLOB(blob_count));
	program.start.rdi = USER_DATA;
	TEST_TRUE(test, program_start(&program, &set));
	TEST_TRUE(test, UNTIL(*count));
	for (unsigned int i = 0; i < NMIS; i++)
		found += nmi_found_user_root(cpu);
	TEST_TRUE(test, found >= NMIS / 2);
	TEST_TRUE(test, program_end(&program));
	user_space_free(&space);
}

static const struct test_case pti_cases[] = {
	TEST_CASE(pti_user_root_has_what_entering_takes),
	TEST_CASE(pti_user_root_has_nothing_of_the_kernel),
	TEST_CASE(pti_lower_halves_are_alike),
	TEST_CASE(pti_programs_run_with_the_user_root),
	TEST_CASE(pti_nmi_leaves_the_root),
};
TEST_SUITE(pti, pti_cases);
