/* SPDX-License-Identifier: MIT */
/*
 * TLBs: flushing this CPU's and the others', switching address spaces, the lock of the kernel's.
 *
 * Who changes page tables does this, in page_batch_end(): clear the entries, fence, read which CPUs
 * run the space, have each of them flush, wait until all have; only then are tables and frames
 * free. A CPU that switches does this: mark itself as switching, write CR3 (which is a fence too:
 * SDM vol. 3, 8.3), mark itself as running the new space. If the first did not see the mark, the
 * second had not written CR3 when the entries were cleared, and will never see what they were.
 *
 * The upper half is the kernel's: every CPU runs it. With PCIDs a CPU could keep entries of spaces
 * that it has left. But nobody hands out PCIDs yet, all spaces have 0, so each switch flushes.
 *
 * With CONFIG_PTI a CPU uses a space by two roots (arch/pti.h). Without PCIDs each change of root
 * empties the TLB, so nothing of user mode is in it while the kernel runs. With them user mode has
 * PTI_USER_PCID: what is flushed of the lower half of the current space is flushed under both, and
 * a switch empties both. The upper half of user mode never changes.
 *
 * kernel_space's lock keeps preemption off, but not interrupts: who waits for it serves calls, as
 * does who holds it and waits for others to flush. So it is never taken with interrupts off once
 * there are several CPUs. A look at the tables takes no lock but turns interrupts off: the look is
 * over before this CPU answers, and tables are freed only after that.
 */
#include "mmu_flush.h"

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/pti.h>
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/smp.h>
#include <exo/spinlock.h>
#include <stdatomic.h>

enum invpcid_type { INVPCID_ADDRESS, INVPCID_SPACE, INVPCID_ALL };

struct mmu_cr3_bits mmu_cr3_bits;

static struct spinlock kernel_space_lock = SPINLOCK_INIT(LOCK_RANK_KERNEL_SPACE);

static inline void invlpg(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void invpcid(enum invpcid_type type, uint16_t pcid, uint64_t address)
{
	const struct {
		uint64_t pcid, address;
	} which = { pcid, address };

	__asm__ volatile("invpcid %0, %1" : : "m"(which), "r"((uint64_t)type) : "memory");
}

/* Any change of CR4.PGE flushes everything, whatever its value (SDM vol. 3, 4.10.4.1). */
static void flush_by_toggling(void)
{
	const uint64_t cr4 = cpu_read_cr4();

	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

static void flush_addresses(const struct page_batch *batch)
{
	for (unsigned int i = 0; i < batch->nr_runs; i++)
		for (uint64_t at = batch->runs[i].first; at != batch->runs[i].end; at += PAGE_SIZE)
			invlpg(at);
}

static void flush_addresses_pcid(const struct page_batch *batch)
{
	for (unsigned int i = 0; i < batch->nr_runs; i++)
		for (uint64_t at = batch->runs[i].first; at != batch->runs[i].end; at += PAGE_SIZE)
			invpcid(INVPCID_ADDRESS, batch->space->pcid, at);
}

/* With CONFIG_PTI and PCIDs user mode has one of its own, for the current address space. */
static inline bool has_user_pcid(void)
{
	return IS_ENABLED(CONFIG_PTI) && mmu_features.tlb.pcid;
}

static void flush_user_addresses(const struct page_batch *batch)
{
	for (unsigned int i = 0; i < batch->nr_runs; i++)
		for (uint64_t at = batch->runs[i].first; at != batch->runs[i].end; at += PAGE_SIZE)
			invpcid(INVPCID_ADDRESS, PTI_USER_PCID, at);
}

static void flush_user(void)
{
	invpcid(INVPCID_SPACE, PTI_USER_PCID, 0);
}

/* On this CPU, which cannot be changed meanwhile. */
static void flush_here(const struct page_batch *batch)
{
	const bool current =
		batch->space == atomic_load_explicit(&cpu_this()->space, memory_order_relaxed);

	switch (tlb_decide(batch, current, &mmu_features.tlb)) {
	case TLB_NOTHING:
	case TLB_LATER: /* each switch flushes */
		break;
	case TLB_ADDRESSES:
		flush_addresses(batch);
		if (has_user_pcid())
			flush_user_addresses(batch);
		break;
	case TLB_ADDRESSES_PCID:
		flush_addresses_pcid(batch);
		break;
	case TLB_SPACE:
		write_cr3(cpu_read_cr3());
		if (has_user_pcid())
			flush_user();
		break;
	case TLB_SPACE_PCID:
		invpcid(INVPCID_SPACE, batch->space->pcid, 0);
		break;
	case TLB_ALL:
		invpcid(INVPCID_ALL, 0, 0);
		break;
	case TLB_ALL_TOGGLE:
		flush_by_toggling();
		break;
	}
}

static void flush_called(void *batch)
{
	flush_here(batch);
}

/* May that CPU's TLB hold something of what the batch has changed? */
static bool may_hold(const struct page_batch *batch, cpu_t cpu)
{
	const struct page_table *space =
		atomic_load_explicit(&cpus[cpu]->space, memory_order_relaxed);

	return batch->upper || !space || space == batch->space;
}

static __noinline void flush_others(const struct page_batch *batch)
{
	const cpu_t self = cpu_current();
	struct cpu_set set;

	cpu_set_clear(&set);
	atomic_thread_fence(memory_order_seq_cst); /* after the entries, before cpu->space */
	for (cpu_t cpu = 0; cpu < nr_cpus_online; cpu++)
		if (cpu != self && may_hold(batch, cpu))
			cpu_set_add(&set, cpu);
	smp_call(&set, flush_called, (void *)(uintptr_t)batch);
}

void mmu_flush(const struct page_batch *batch)
{
	preempt_disable();
	flush_here(batch);
	if (IS_ENABLED(CONFIG_SMP) && nr_cpus_online > 1)
		flush_others(batch);
	preempt_enable();
}

void mmu_flush_page(struct page_table *space, uint64_t address)
{
	struct page_batch batch;

	if (nr_cpus_online == 1 && cpu_this()->space == space) {
		invlpg(address);
		if (has_user_pcid())
			invpcid(INVPCID_ADDRESS, PTI_USER_PCID, address);
		return;
	}
	batch.space = space;
	batch.nr_runs = 1;
	batch.runs[0] = (struct page_run){ address, address + PAGE_SIZE };
	batch.all = batch.upper = false;
	batch.lower = true;
	batch.tables = 0;
	mmu_flush(&batch);
}

void mmu_flush_all(void)
{
	if (mmu_features.tlb.global || has_user_pcid())
		flush_by_toggling();
	else
		write_cr3(cpu_read_cr3());
}

/*
 * What user.inc loads from now on. An exception that comes between this and the kernel's CR3 finds
 * the old kernel root, which is not that of user mode, and keeps it.
 */
static void set_entry(struct cpu *cpu, const struct page_table *space)
{
	struct cpu_entry *entry = cpu_entry(cpu);

	entry->kernel_cr3 = space->root | mmu_cr3_bits.kernel;
	entry->user_cr3 = space->user_root | mmu_cr3_bits.user;
}

void mmu_switch_masked(struct cpu *cpu, struct page_table *space)
{
	if (IS_ENABLED(CONFIG_SMP))
		atomic_store_explicit(&cpu->space, NULL, memory_order_relaxed);
	if (IS_ENABLED(CONFIG_PTI))
		set_entry(cpu, space);
	write_cr3(tlb_cr3(space, false, &mmu_features.tlb));
	if (has_user_pcid())
		flush_user();
	atomic_store_explicit(&cpu->space, space, memory_order_relaxed);
}

void mmu_switch(struct page_table *space)
{
	const uint64_t flags = irq_save();

	mmu_switch_masked(cpu_this(), space);
	irq_restore(flags);
}

static void leave_here(void *space)
{
	if (cpu_this()->space == space)
		mmu_switch(&kernel_space);
}

void mmu_leave(struct page_table *space)
{
	struct cpu_set set;
	uint64_t flags;

	flags = irq_save();
	leave_here(space);
	irq_restore(flags);
	if (!IS_ENABLED(CONFIG_SMP) || nr_cpus_online == 1)
		return;
	/* All: one that is just switching away has not said yet which space it has. */
	cpu_set_all(&set);
	smp_call(&set, leave_here, space);
}

/* The analysis cannot follow a lock that only one of the spaces has, here and in mmu_unlock(). */
__no_thread_safety_analysis void mmu_lock(struct page_table *space)
{
	if (space != &kernel_space)
		return;
	ASSERT(!IS_ENABLED(CONFIG_SMP) || nr_cpus_online == 1 || irq_enabled());
	spin_lock(&kernel_space_lock);
}

__no_thread_safety_analysis void mmu_unlock(struct page_table *space)
{
	if (space == &kernel_space)
		spin_unlock(&kernel_space_lock);
}

int mmu_query(uint64_t address, struct page_mapping *mapping)
{
	const uint64_t flags = irq_save();
	const int error = page_table_query(&kernel_space, address, mapping);

	irq_restore(flags);
	return error;
}
