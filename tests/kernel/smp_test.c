/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs: each has what is its own, calls reach those and only those that are asked, all CPUs
 * may call each other at once, and no CPU uses what another one has unmapped.
 */
#include <arch/cpu.h>
#include <arch/lapic.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/stack.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/preempt.h>
#include <exo/smp.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/thread.h>

#include "../../arch/x86_64/smp_calls.h"

#define ROUNDS 12 /* a round takes milliseconds where the host has fewer CPUs */
#define AREA 0xffffc10000000000ull /* nobody else's */
#define PAGES 3

#define NEED_SEVERAL(test)                                        \
	do {                                                      \
		if (NR_CPUS == 1 || nr_cpus_online == 1)          \
			TEST_SKIP(test, "there is only one CPU"); \
	} while (0)

static _Atomic unsigned int calls[NR_CPUS]; /* by CPU: how often it was called */
static _Atomic unsigned int wrong; /* what a thread has found that should not be */

static void count_call(void *unused)
{
	(void)unused;
	if (irq_enabled())
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&calls[cpu_current()], 1);
}

/* For threads that stay on their CPU. */
static cpu_t here(void)
{
	cpu_t number;

	preempt_disable();
	number = cpu_current();
	preempt_enable();
	return number;
}

static void forget(void)
{
	for (cpu_t cpu = 0; cpu < NR_CPUS; cpu++)
		atomic_store(&calls[cpu], 0);
	atomic_store(&wrong, 0);
}

/* Has a thread on each CPU run @function, and waits for them. False if there is no memory. */
static bool run_on_all(void (*function)(void *unused))
{
	static struct thread *threads[NR_CPUS];
	struct thread_attributes attributes = { .name = "smp-test" };
	struct cpu_set one;
	cpu_t started = 0;

	attributes.affinity = &one;
	for (; started < nr_cpus_online; started++) {
		cpu_set_clear(&one);
		cpu_set_add(&one, started);
		if (thread_create(&threads[started], function, NULL, &attributes))
			break;
		thread_start(threads[started]);
	}
	for (cpu_t cpu = 0; cpu < started; cpu++)
		thread_join(threads[cpu], DEADLINE_NEVER, NULL);
	return started == nr_cpus_online;
}

/* --- what is a CPU's own -----------------------------------------------------------------------*/

static struct cpu *seen[NR_CPUS];
static uint32_t seen_id[NR_CPUS];
static uint64_t seen_tss[NR_CPUS];

static void look_around(void *unused)
{
	const uint64_t flags = irq_save();
	const cpu_t number = cpu_current();
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed gdt;

	(void)unused;
	seen[number] = cpu_this();
	seen_id[number] = lapic_id();
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	seen_tss[number] = gdt.base;
	irq_restore(flags);
}

static void smp_cpus_are_distinct(struct test *test)
{
	NEED_SEVERAL(test);
	memset(seen, 0, sizeof(seen));
	TEST_TRUE(test, run_on_all(look_around));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
		TEST_TRUE(test, seen[cpu] == cpus[cpu]);
		TEST_TRUE(test, seen[cpu]->self == cpus[cpu]);
		TEST_EQ(test, seen[cpu]->number, cpu);
		TEST_EQ(test, seen[cpu]->apic_id, seen_id[cpu]);
		for (cpu_t other = 0; other < cpu; other++) {
			TEST_TRUE(test, cpus[other] != cpus[cpu]);
			TEST_TRUE(test, cpus[other]->frame_cache != cpus[cpu]->frame_cache);
			TEST_TRUE(test, cpus[other]->queue != cpus[cpu]->queue);
			TEST_TRUE(test, seen_id[other] != seen_id[cpu]);
			TEST_TRUE(test, seen_tss[other] != seen_tss[cpu]);
		}
	}
	TEST_TRUE(test, cpus[0] == &boot_cpu);
	for (cpu_t cpu = nr_cpus_online; cpu < NR_CPUS; cpu++)
		TEST_TRUE(test, !cpus[cpu]);
}

static uint64_t cr0[NR_CPUS], cr4[NR_CPUS], efer[NR_CPUS], cr3[NR_CPUS];

static void read_registers(void *unused)
{
	const uint64_t flags = irq_save();
	const cpu_t number = cpu_current();

	(void)unused;
	cr0[number] = cpu_read_cr0();
	cr3[number] = cpu_read_cr3();
	cr4[number] = cpu_read_cr4();
	efer[number] = cpu_read_msr(0xc0000080);
	irq_restore(flags);
}

static void smp_cpus_have_the_same_registers(struct test *test)
{
	const uint64_t task_switched = 8; /* CR0.TS: whether the FPU is in use */

	NEED_SEVERAL(test);
	TEST_TRUE(test, run_on_all(read_registers));
	for (cpu_t cpu = 1; cpu < nr_cpus_online; cpu++) {
		TEST_EQ(test, cr0[cpu] & ~task_switched, cr0[0] & ~task_switched);
		TEST_EQ(test, cr3[cpu], cr3[0]);
		TEST_EQ(test, cr4[cpu], cr4[0]);
		TEST_EQ(test, efer[cpu], efer[0]);
	}
}

static void smp_stacks_have_guards(struct test *test)
{
	struct page_mapping found;

	NEED_SEVERAL(test);
	TEST_TRUE(test, !stack_holds(CPU_STACKS_BASE - 16));
	if (!IS_ENABLED(CONFIG_STACK_GUARD)) {
		TEST_TRUE(test, stack_holds(CPU_STACKS_BASE));
		TEST_TRUE(test, !stack_guard_name(CPU_STACKS_BASE));
		return;
	}
	TEST_EQ(test, mmu_query(CPU_STACKS_BASE, &found), 0);
	TEST_TRUE(test, !found.present);
	TEST_TRUE(test, !stack_holds(CPU_STACKS_BASE));
	TEST_STREQ(test, stack_guard_name(CPU_STACKS_BASE), "idle");
	TEST_EQ(test, mmu_query(CPU_STACKS_BASE + PAGE_SIZE, &found), 0);
	TEST_TRUE(test, found.present);
	TEST_TRUE(test, stack_holds(CPU_STACKS_BASE + PAGE_SIZE));
	TEST_TRUE(test, !stack_guard_name(CPU_STACKS_BASE + PAGE_SIZE));
}

/* --- calls -------------------------------------------------------------------------------------*/

static void smp_call_reaches_all_others(struct test *test)
{
	struct cpu_set all;
	cpu_t self;

	NEED_SEVERAL(test);
	forget();
	cpu_set_all(&all);
	preempt_disable();
	self = cpu_current();
	smp_call(&all, count_call, NULL);
	preempt_enable();
	for (cpu_t cpu = 0; cpu < NR_CPUS; cpu++)
		TEST_EQ(test, calls[cpu], cpu < nr_cpus_online && cpu != self);
	TEST_EQ(test, wrong, 0);
}

static void smp_call_reaches_only_its_set(struct test *test)
{
	struct cpu_set set;

	NEED_SEVERAL(test);
	for (cpu_t target = 0; target < nr_cpus_online; target++) {
		cpu_t self;

		forget();
		cpu_set_clear(&set);
		smp_call(&set, count_call, NULL);
		cpu_set_add(&set, target);
		preempt_disable();
		self = cpu_current();
		smp_call(&set, count_call, NULL);
		preempt_enable();
		for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
			TEST_EQ(test, calls[cpu], cpu == target && cpu != self);
	}
}

/* Calls all others; every other time with interrupts off. */
static void call_all(void *unused)
{
	struct cpu_set all;

	(void)unused;
	cpu_set_all(&all);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const uint64_t flags = i % 2 ? irq_save() : RFLAGS_IF;

		smp_call(&all, count_call, NULL);
		if (i % 2 && irq_enabled())
			atomic_fetch_add(&wrong, 1);
		irq_restore(flags);
	}
}

static void smp_calls_by_all_at_once(struct test *test)
{
	NEED_SEVERAL(test);
	forget();
	TEST_TRUE(test, run_on_all(call_all));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		TEST_EQ(test, calls[cpu], (nr_cpus_online - 1) * ROUNDS);
	TEST_EQ(test, wrong, 0);
}

/* One CPU a time, and an interrupt that has nothing to tell in between. */
static void call_each(void *unused)
{
	struct cpu_set one;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS / 10; i++)
		for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++) {
			if (cpu == here())
				continue;
			cpu_set_clear(&one);
			cpu_set_add(&one, cpu);
			smp_interrupt(cpu, IPI_RESCHEDULE);
			smp_call(&one, count_call, NULL);
			smp_interrupt(cpu, IPI_CALL);
		}
}

static void smp_interrupts_from_each_to_each(struct test *test)
{
	NEED_SEVERAL(test);
	forget();
	TEST_TRUE(test, run_on_all(call_each));
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		TEST_EQ(test, calls[cpu], (nr_cpus_online - 1) * (ROUNDS / 10));
}

#define ROOM (1u << CALL_CELLS)

static _Atomic unsigned int sent;
static cpu_t sender;

/* Done only when its CPU has no room for more calls and the sender has served one meanwhile. */
static void hold(void *unused)
{
	static struct smp_call back = { .function = count_call };

	(void)unused;
	while (atomic_load(&sent) <= ROOM)
		cpu_pause();
	atomic_store(&back.pending, 1);
	smp_call_send(&back, sender);
	while (atomic_load(&back.pending))
		cpu_pause();
}

static void send_more_than_there_is_room(cpu_t target)
{
	struct smp_call first = { .function = hold, .pending = 1 };
	struct smp_call others = { .function = count_call, .pending = 2 * ROOM };

	smp_call_send(&first, target);
	atomic_store(&sent, 1);
	for (unsigned int i = 0; i < 2 * ROOM; i++) {
		smp_call_send(&others, target);
		atomic_fetch_add(&sent, 1);
	}
	smp_call_wait(&first);
	smp_call_wait(&others);
}

static void smp_call_waits_for_room(struct test *test)
{
	uint64_t flags;
	cpu_t target;

	NEED_SEVERAL(test);
	forget();
	atomic_store(&sent, 0);
	preempt_disable();
	flags = irq_save();
	sender = cpu_current();
	target = sender ? 0 : 1;
	send_more_than_there_is_room(target);
	irq_restore(flags);
	preempt_enable();
	TEST_EQ(test, calls[target], 2 * ROOM);
	TEST_EQ(test, calls[sender], 1);
	TEST_EQ(test, wrong, 0);
}

/* --- the TLB -----------------------------------------------------------------------------------*/

/* Odd: the pages may be read. Even: they are about to change. */
static _Atomic unsigned int phase;
static _Atomic unsigned int readers; /* who reads, or has not seen that it may not */
static paddr_t frames[PAGES];

static uint64_t page_word(unsigned int page)
{
	return *(volatile uint64_t *)(AREA + page * PAGE_SIZE);
}

/* The pages hold the number of their phase, or what was there before is still in this TLB. */
static bool read_pages(unsigned int now)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (page_word(page) != now)
			return false;
	return true;
}

/* Each takes a turn of every CPU, which takes longest where they share the host's. */
static unsigned int nr_phases(void)
{
	const unsigned int rounds = 4 * ROUNDS / nr_cpus_online;

	return 2 * (rounds < 4 ? 4 : rounds);
}

static void read_through_all_phases(void)
{
	unsigned int now, last = 0;

	while ((now = atomic_load(&phase)) < nr_phases()) {
		if (now % 2 == 0) {
			cpu_pause();
			continue;
		}
		atomic_fetch_add(&readers, 1);
		/* Announced: now it must still be the same phase, which then lasts. */
		if (atomic_load(&phase) == now && !read_pages(now))
			atomic_fetch_add(&wrong, 1);
		atomic_fetch_sub(&readers, 1);
		if (now != last)
			atomic_fetch_add(&calls[here()], 1);
		last = now;
	}
}

/* Puts the next frame's content to @now, and it where the last one was. */
static bool remap(struct page_batch *batch, unsigned int now)
{
	const paddr_t frame = frames[now / 2 % PAGES];

	*(volatile uint64_t *)phys_to_virt(frame) = now;
	page_batch_begin(batch, &kernel_space);
	if (now > 1 && page_table_unmap(batch, AREA, PAGES * PAGE_SIZE))
		return false;
	for (unsigned int page = 0; page < PAGES; page++)
		if (page_table_map(batch, AREA + page * PAGE_SIZE, frame, PAGE_SIZE, 0))
			return false;
	page_batch_end(batch);
	return true;
}

static cpu_t writer;

static void take_part(void *unused)
{
	static struct page_batch batch;

	(void)unused;
	if (here() != writer) {
		read_through_all_phases();
		return;
	}
	for (unsigned int now = 1; now < nr_phases(); now += 2) {
		while (atomic_load(&readers))
			cpu_pause();
		if (!remap(&batch, now))
			atomic_fetch_add(&wrong, 1);
		atomic_store(&phase, now);
		for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
			while (cpu != writer && atomic_load(&calls[cpu]) != now / 2 + 1)
				cpu_pause();
		atomic_store(&phase, now + 1);
	}
}

static void smp_no_cpu_uses_what_is_unmapped(struct test *test)
{
	struct page_batch batch;

	NEED_SEVERAL(test);
	for (unsigned int i = 0; i < PAGES; i++)
		TEST_EQ(test, frame_alloc(0, &frames[i]), 0);
	for (writer = 0; writer < 2; writer++) {
		forget();
		atomic_store(&phase, 0);
		TEST_TRUE(test, run_on_all(take_part));
		TEST_EQ(test, wrong, 0);
		page_batch_begin(&batch, &kernel_space);
		TEST_EQ(test, page_table_unmap(&batch, AREA, PAGES * PAGE_SIZE), 0);
		page_batch_end(&batch);
	}
	for (unsigned int i = 0; i < PAGES; i++)
		TEST_EQ(test, frame_free(frames[i], 0), 0);
}

/* Each CPU changes a page of its own: the lock of the kernel's page tables, and flushes of all. */
static void map_and_unmap(void *unused)
{
	const uint64_t address = AREA + GIB(1) + here() * MIB(2);
	struct page_batch batch;
	paddr_t frame;

	(void)unused;
	if (frame_alloc(0, &frame)) {
		atomic_fetch_add(&wrong, 1);
		return;
	}
	*(volatile uint64_t *)phys_to_virt(frame) = address;
	for (unsigned int i = 0; i < ROUNDS / 4; i++) {
		int error;

		page_batch_begin(&batch, &kernel_space);
		error = page_table_map(&batch, address, frame, PAGE_SIZE, 0);
		page_batch_end(&batch);
		if (error || *(volatile uint64_t *)address != address)
			atomic_fetch_add(&wrong, 1);
		page_batch_begin(&batch, &kernel_space);
		error = page_table_unmap(&batch, address, PAGE_SIZE);
		page_batch_end(&batch);
		if (error)
			atomic_fetch_add(&wrong, 1);
	}
	frame_free(frame, 0);
}

static void smp_all_change_the_kernels_tables(struct test *test)
{
	NEED_SEVERAL(test);
	forget();
	TEST_TRUE(test, run_on_all(map_and_unmap));
	TEST_EQ(test, wrong, 0);
}

static const struct test_case smp_cases[] = {
	TEST_CASE(smp_cpus_are_distinct),
	TEST_CASE(smp_cpus_have_the_same_registers),
	TEST_CASE(smp_stacks_have_guards),
	TEST_CASE(smp_call_reaches_all_others),
	TEST_CASE(smp_call_reaches_only_its_set),
	TEST_CASE(smp_calls_by_all_at_once),
	TEST_CASE(smp_interrupts_from_each_to_each),
	TEST_CASE(smp_call_waits_for_room),
	TEST_CASE(smp_no_cpu_uses_what_is_unmapped),
	TEST_CASE(smp_all_change_the_kernels_tables),
};
TEST_SUITE(smp, smp_cases);
