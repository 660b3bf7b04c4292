/* SPDX-License-Identifier: MIT */
/*
 * The memory management unit: paging features, the kernel's address space, the direct map.
 *
 * boot.asm has made the kernel's page tables (arch/layout.h) and turned paging on. mmu_init() gives
 * the direct map a top table of its own: boot.asm lets it share the image's, in which entry 510 is
 * the image, so that beyond 510 GiB another view of the image would appear in place of memory. The
 * tables below stay shared; that is what keeps code without a writable alias.
 *
 * From then on the tables are changed by mm/page_table.c alone, except for the guard pages of
 * stacks (memory.c), which lie in tables that it never frees.
 *
 * Locks: kernel_space has one, which page_batch_begin() takes and page_batch_end() gives back
 * (mmu_flush.c). The features are found by the boot CPU and are constant afterwards.
 */
#include "mmu_flush.h"

#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/pti.h>
#include <exo/cpu.h>
#include <exo/panic.h>
#include <exo/string.h>

#define MSR_EFER 0xc0000080
#define EFER_NXE (1ull << 11)
#define CR3_ADDRESS 0x000ffffffffff000ull
#define PHYSICAL_BITS_MAX 52 /* SDM vol. 3, 4.1.4 */
#define PHYSICAL_BITS_USUAL 36 /* of a CPU that does not say */

#define TABLE_ENTRIES 512
#define DIRECT_MAP_SLOT ((DIRECT_MAP_BASE >> 39) % TABLE_ENTRIES)
/* The direct map ends where the image's part of the top table begins: 127.5 TiB. */
#define DIRECT_MAP_LIMIT ((KERNEL_BASE & ~(GIB(512) - 1)) - DIRECT_MAP_BASE)

struct mmu_features mmu_features;
struct page_table kernel_space;

static int (*table_alloc)(paddr_t *table);
static void (*table_free)(paddr_t table);

static uint64_t direct_map_table[TABLE_ENTRIES] __aligned(PAGE_SIZE) __section(".bss..pages.map");

/* ---- memory for tables ----------------------------------------------------------------------- */

__boot void mmu_set_table_memory(int (*alloc)(paddr_t *table), void (*free)(paddr_t table))
{
	table_alloc = alloc;
	table_free = free;
}

static int machine_alloc(struct page_machine *machine, paddr_t *table)
{
	const int error = table_alloc ? table_alloc(table) : -EXO_E_NOMEM;

	(void)machine;
	if (!error)
		page_zero(phys_to_virt(*table));
	return error;
}

static void machine_free(struct page_machine *machine, paddr_t table)
{
	(void)machine;
	table_free(table);
}

static struct page_machine machine = {
	.window = DIRECT_MAP_BASE,
	.alloc = machine_alloc,
	.free = machine_free,
	.flush = mmu_flush,
	.lock = mmu_lock,
	.unlock = mmu_unlock,
};

/* ---- start ----------------------------------------------------------------------------------- */

/*
 * Some CPUs leave global translations in the TLB when INVLPG is executed with PCIDs on (Intel's
 * errata ADL063 and RPL046: Alder Lake, Raptor Lake). Newer microcode corrects it; a kernel that
 * does not know which one runs there goes without PCIDs.
 */
static __boot_cpu bool invlpg_is_broken(uint32_t signature)
{
	static const uint8_t models[] = { 0x97, 0x9a, 0xb7, 0xba, 0xbe, 0xbf };
	const uint32_t family = signature >> 8 & 0xf;
	const uint32_t model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);

	return family == 6 && memchr(models, (int)model, sizeof(models));
}

/* What page tables may look like, and what the TLB can do, as far as the configuration lets it. */
struct paging_features {
	paddr_t limit;
	bool page_1g, no_execute, global, pcid, invpcid;
};

/* Of the CPU that executes it. */
static __boot_cpu void read_features(struct paging_features *found)
{
	const struct cpuid_regs basic = cpuid(0, 0), first = cpuid(1, 0);
	const struct cpuid_regs extended = cpuid(0x80000000, 0), more = cpuid(0x80000001, 0);
	const uint32_t seven = basic.eax >= 7 ? cpuid(7, 0).ebx : 0;
	const bool pge = first.edx >> 13 & 1;
	uint32_t bits = PHYSICAL_BITS_USUAL;

	if (extended.eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	found->limit = 1ull << (bits < PHYSICAL_BITS_MAX ? bits : PHYSICAL_BITS_MAX);
	found->page_1g = more.edx >> 26 & 1;
	found->no_execute = more.edx >> 20 & 1;
	found->global = IS_ENABLED(CONFIG_PAGE_GLOBAL) && pge;
	found->pcid = IS_ENABLED(CONFIG_PCID) && pge && (first.ecx >> 17 & 1) &&
		      !invlpg_is_broken(first.eax);
	found->invpcid = found->pcid && (seven >> 10 & 1);
	/* Without INVPCID the entries of user mode's PCID could only be flushed by a switch. */
	if (IS_ENABLED(CONFIG_PTI))
		found->pcid = found->invpcid;
}

static __boot void find_features(void)
{
	struct paging_features found;

	read_features(&found);
	machine.limit = found.limit;
	machine.levels = cpu_read_cr4() & CR4_LA57 ? 5 : 4;
	machine.largest = PAGE_LEVEL_4K;
	if (IS_ENABLED(CONFIG_PAGE_LARGE))
		machine.largest = found.page_1g ? PAGE_LEVEL_1G : PAGE_LEVEL_2M;
	machine.no_execute = found.no_execute;
	machine.global = found.global;
	mmu_features.tlb.global = found.global;
	mmu_features.tlb.pcid = found.pcid;
	mmu_features.tlb.invpcid = found.invpcid;
	if (found.pcid)
		mmu_cr3_bits = (struct mmu_cr3_bits){ CR3_NO_FLUSH, CR3_NO_FLUSH | PTI_USER_PCID };
}

__boot_cpu const char *mmu_missing_feature(void)
{
	struct paging_features found;

	read_features(&found);
	if (found.limit < machine.limit)
		return "physical addresses as long as the first CPU's";
	if (machine.largest == PAGE_LEVEL_1G && !found.page_1g)
		return "1 GiB pages";
	if (machine.no_execute && !found.no_execute)
		return "no-execute pages (NX)";
	if (machine.global && !found.global)
		return "global pages (PGE)";
	if (mmu_features.tlb.pcid && !found.pcid)
		return "process-context identifiers (PCID)";
	if (mmu_features.tlb.invpcid && !found.invpcid)
		return "INVPCID";
	return NULL;
}

/* A top table for the direct map alone, with what boot.asm has mapped. */
static __boot void part_direct_map_from_image(void)
{
	uint64_t *table = phys_to_virt(kernel_space.root), *shared;

	if (machine.levels == 5)
		table = phys_to_virt(table[TABLE_ENTRIES - 1] & CR3_ADDRESS);
	shared = phys_to_virt(table[DIRECT_MAP_SLOT] & CR3_ADDRESS);
	for (unsigned int i = 0; i < CONFIG_BOOT_DIRECT_MAP_GIB; i++)
		direct_map_table[i] = shared[i];
	table[DIRECT_MAP_SLOT] =
		(table[DIRECT_MAP_SLOT] & ~CR3_ADDRESS) | image_to_phys(direct_map_table);
}

/* This CPU's registers, as the features say; the kernel's tables are in CR3. */
static __boot_cpu void apply_features(void)
{
	uint64_t cr4 = cpu_read_cr4();

	if (machine.no_execute)
		cpu_write_msr(MSR_EFER, cpu_read_msr(MSR_EFER) | EFER_NXE);
	if (mmu_features.tlb.global)
		cr4 |= CR4_PGE;
	if (mmu_features.tlb.pcid)
		cr4 |= CR4_PCIDE; /* CR3's low bits, the PCID from now on, are 0 */
	write_cr3(kernel_space.root);
	write_cr4(cr4);
	mmu_switch(&kernel_space);
}

__boot void mmu_init(void)
{
	find_features();
	kernel_space.machine = &machine;
	kernel_space.root = cpu_read_cr3() & CR3_ADDRESS;
	part_direct_map_from_image();
	apply_features();
}

__boot_cpu void mmu_init_cpu(void)
{
	apply_features();
}

int mmu_space_init(struct page_table *space, struct page_machine *own)
{
	int error;

	own->window = machine.window;
	own->limit = machine.limit;
	own->levels = machine.levels;
	own->largest = machine.largest;
	own->no_execute = machine.no_execute;
	own->global = machine.global;
	own->flush = machine.flush;
	own->lock = own->unlock = NULL;
	error = page_table_init(space, own, &kernel_space);
	if (error || !IS_ENABLED(CONFIG_PTI))
		return error;
	error = pti_space_init(space);
	if (error)
		page_table_destroy(space);
	return error;
}

/* ---- the direct map -------------------------------------------------------------------------- */

__boot int mmu_map_direct(paddr_t base, uint64_t size)
{
	const paddr_t limit = machine.limit < DIRECT_MAP_LIMIT ? machine.limit : DIRECT_MAP_LIMIT;
	struct page_batch batch;
	int error = 0;

	if ((base | size) % PAGE_SIZE)
		return -EXO_E_ALIGN;
	if (base > limit || size > limit - base)
		return -EXO_E_RANGE;
	page_batch_begin(&batch, &kernel_space);
	while (size && !error) {
		const uint64_t address = DIRECT_MAP_BASE + base;
		struct page_mapping found;

		page_table_query(&kernel_space, address, &found);
		if (found.size > size)
			found.size = size;
		if (!found.present && base >= GIB(CONFIG_BOOT_DIRECT_MAP_GIB))
			error = page_table_map(&batch, address, base, found.size, PAGE_WRITE);
		base += found.size;
		size -= found.size;
	}
	page_batch_end(&batch);
	return error;
}

bool direct_map_holds(paddr_t base, uint64_t size)
{
	struct page_mapping found;

	if (base > DIRECT_MAP_LIMIT || size > DIRECT_MAP_LIMIT - base || !kernel_space.machine)
		return false;
	for (; size; base += found.size, size -= found.size) {
		mmu_query(DIRECT_MAP_BASE + base, &found);
		if (!found.present)
			return false;
		if (found.size > size)
			found.size = size;
	}
	return true;
}
