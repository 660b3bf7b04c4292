/* SPDX-License-Identifier: MIT */
/*
 * Brings memory up on this machine: what the plan (memory_plan.c) must keep, the direct map over
 * all memory, and words for what came of it.
 */
#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/frame.h>
#include <exo/frame_setup.h>
#include <exo/log.h>
#include <exo/memory.h>
#include <exo/memory_plan.h>
#include <exo/panic.h>

/* What must be free after boot: a run of pages for the heap, and a guess at what a kernel needs. */
#define LEAST_FREE ((PAGE_SIZE << CONFIG_HEAP_GROW_ORDER) + KIB(64))

extern const char image_end[];

static struct memory_plan plan;

static __boot void keep_image_and_modules(const struct boot_info *info)
{
	memory_plan_keep(&plan, KERNEL_LOAD_ADDRESS,
			 image_to_phys(image_end) - KERNEL_LOAD_ADDRESS);
	for (unsigned int i = 0; i < info->nr_modules; i++)
		memory_plan_keep(&plan, info->modules[i].base, info->modules[i].size);
}

static unsigned long long kib(uint64_t bytes)
{
	return (bytes + KIB(1) - 1) / KIB(1);
}

/* Where memory ends, with what the firmware keeps at its top. */
static __boot paddr_t machine_end(const struct boot_info *info)
{
	paddr_t end = memory_plan_top(info);

	for (unsigned int i = 0; i < info->nr_memory; i++)
		if (info->memory[i].base <= end &&
		    info->memory[i].base + info->memory[i].length > end)
			end = info->memory[i].base + info->memory[i].length;
	return end;
}

static __boot void report(const struct boot_info *info)
{
	if (plan.free < LEAST_FREE)
		panic("memory: %llu KiB are free after boot; this kernel needs a machine with at "
		      "least %llu KiB of memory",
		      kib(plan.free), kib(machine_end(info) + LEAST_FREE - plan.free));
	log_info("memory: %llu KiB free on %u node%s, %llu KiB of bookkeeping (%s)", kib(plan.free),
		 numa_nodes(), numa_nodes() == 1 ? "" : "s", kib(plan.metadata),
		 frame_pool_variant);
	if (plan.unused)
		log_warning("memory: %llu KiB are not used: out of reach of the direct map "
			    "(PAGE_TABLE, BOOT_DIRECT_MAP_GIB) or scattered (FRAME_REGIONS)",
			    kib(plan.unused));
}

/* --- page tables: from the plan while there are no frames, then from these ---------------------*/

static __boot int table_from_plan(paddr_t *table)
{
	*table = memory_plan_take(&plan, PAGE_SIZE, 0, GIB(CONFIG_BOOT_DIRECT_MAP_GIB));
	return *table == MEMORY_PLAN_NONE ? -EXO_E_NOMEM : 0;
}

static __boot void table_stays(paddr_t table)
{
	(void)table;
}

static int table_from_frames(paddr_t *table)
{
	return frame_alloc(0, table);
}

static void table_to_frames(paddr_t table)
{
	const int error = frame_free(table, 0);

	ASSERT(error == 0);
	(void)error;
}

/* Extends the direct map up to @top; returns how far it goes. */
static __boot paddr_t extend_direct_map(paddr_t top)
{
	const paddr_t boot = GIB(CONFIG_BOOT_DIRECT_MAP_GIB);
	int error;

	if (!IS_ENABLED(CONFIG_PAGE_TABLE))
		return boot;
	mmu_set_table_memory(table_from_plan, table_stays);
	if (top <= boot)
		return boot;
	/* In whole large pages: what lies between ranges is mapped anyway, and not used. */
	error = mmu_map_direct(boot, ((top + MIB(2) - 1) & ~(MIB(2) - 1)) - boot);
	if (!error)
		return top;
	log_warning("memory: the direct map cannot be extended to 0x%llx (error %d)",
		    (unsigned long long)top, -error);
	return boot;
}

__boot void memory_init(const struct boot_info *info)
{
	const paddr_t top = memory_plan_top(info);

	memory_plan_begin(&plan, info, phys_to_virt(0), GIB(CONFIG_BOOT_DIRECT_MAP_GIB));
	keep_image_and_modules(info);
	plan.reach = extend_direct_map(top);
	/* The CPU that boots knows its local APIC's number from CPUID (SDM vol. 2). */
	frame_setup(numa_node_of_cpu(cpuid(1, 0).ebx >> 24));
	memory_plan_frames(&plan);
	if (IS_ENABLED(CONFIG_PAGE_TABLE))
		mmu_set_table_memory(table_from_frames, table_to_frames);
	report(info);
}

__boot void memory_reclaim_acpi(const struct boot_info *info)
{
	const uint64_t size = memory_plan_reclaim(info);

	if (size)
		log_info("memory: %llu KiB of ACPI tables reclaimed", kib(size));
}
