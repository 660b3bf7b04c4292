/* SPDX-License-Identifier: MIT */
/*
 * The memory management unit: paging features, the kernel's address space, the direct map, the TLB.
 *
 * boot.asm has made the kernel's page tables (arch/layout.h) and turned paging on. mmu_init() gives
 * the direct map a top table of its own: boot.asm lets it share the image's, in which entry 510 is
 * the image, so that beyond 510 GiB another view of the image would appear in place of memory. The
 * tables below stay shared; that is what keeps code without a writable alias.
 *
 * From then on the tables are changed by mm/page_table.c alone, except for the guard pages of
 * stacks (memory.c), which lie in tables that it never frees.
 *
 * Locks: none yet; one CPU.
 */
#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/mmu.h>
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

enum invpcid_type { INVPCID_ADDRESS, INVPCID_SPACE, INVPCID_ALL };

struct mmu_features mmu_features;
struct page_table kernel_space;

/* The address space in CR3 of each CPU. */
static struct page_table *current_space[NR_CPUS];

static int (*table_alloc)(paddr_t *table);
static void (*table_free)(paddr_t table);

static uint64_t direct_map_table[TABLE_ENTRIES] __aligned(PAGE_SIZE) __section(".bss..pages.map");

static inline void write_cr3(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void write_cr4(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

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

/* ---- the TLB --------------------------------------------------------------------------------- */

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

static void flush(const struct page_batch *batch)
{
	const bool current = batch->space == current_space[cpu_current()];

	switch (tlb_decide(batch, current, &mmu_features.tlb)) {
	case TLB_NOTHING:
		break;
	case TLB_ADDRESSES:
		flush_addresses(batch);
		break;
	case TLB_ADDRESSES_PCID:
		flush_addresses_pcid(batch);
		break;
	case TLB_SPACE:
		write_cr3(cpu_read_cr3());
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
	case TLB_LATER:
		batch->space->stale = true;
		break;
	}
}

void mmu_switch(struct page_table *space)
{
	write_cr3(tlb_cr3(space, !space->stale, &mmu_features.tlb));
	space->stale = false;
	current_space[cpu_current()] = space;
}

/* ---- memory for tables ----------------------------------------------------------------------- */

void mmu_set_table_memory(int (*alloc)(paddr_t *table), void (*free)(paddr_t table))
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
	.flush = flush,
};

/* ---- start ----------------------------------------------------------------------------------- */

/*
 * Some CPUs leave global translations in the TLB when INVLPG is executed with PCIDs on (Intel's
 * errata ADL063 and RPL046: Alder Lake, Raptor Lake). Newer microcode corrects it; a kernel that
 * does not know which one runs there goes without PCIDs.
 */
static bool invlpg_is_broken(uint32_t signature)
{
	static const uint8_t models[] = { 0x97, 0x9a, 0xb7, 0xba, 0xbe, 0xbf };
	const uint32_t family = signature >> 8 & 0xf;
	const uint32_t model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);

	return family == 6 && memchr(models, (int)model, sizeof(models));
}

static void find_features(void)
{
	const struct cpuid_regs basic = cpuid(0, 0), first = cpuid(1, 0);
	const struct cpuid_regs extended = cpuid(0x80000000, 0), more = cpuid(0x80000001, 0);
	const uint32_t seven = basic.eax >= 7 ? cpuid(7, 0).ebx : 0;
	const bool page_1g = more.edx >> 26 & 1, pge = first.edx >> 13 & 1;
	uint32_t bits = PHYSICAL_BITS_USUAL;

	if (extended.eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	machine.limit = 1ull << (bits < PHYSICAL_BITS_MAX ? bits : PHYSICAL_BITS_MAX);
	machine.levels = cpu_read_cr4() & CR4_LA57 ? 5 : 4;
	machine.largest = PAGE_LEVEL_4K;
	if (IS_ENABLED(CONFIG_PAGE_LARGE))
		machine.largest = page_1g ? PAGE_LEVEL_1G : PAGE_LEVEL_2M;
	machine.no_execute = more.edx >> 20 & 1;
	machine.global = IS_ENABLED(CONFIG_PAGE_GLOBAL) && pge;
	mmu_features.fast_bytes = seven >> 9 & 1;
	mmu_features.tlb.global = machine.global;
	mmu_features.tlb.pcid = IS_ENABLED(CONFIG_PCID) && pge && (first.ecx >> 17 & 1) &&
				!invlpg_is_broken(first.eax);
	mmu_features.tlb.invpcid = mmu_features.tlb.pcid && (seven >> 10 & 1);
}

/* A top table for the direct map alone, with what boot.asm has mapped. */
static void part_direct_map_from_image(void)
{
	uint64_t *table = phys_to_virt(kernel_space.root), *shared;

	if (machine.levels == 5)
		table = phys_to_virt(table[TABLE_ENTRIES - 1] & CR3_ADDRESS);
	shared = phys_to_virt(table[DIRECT_MAP_SLOT] & CR3_ADDRESS);
	for (unsigned int i = 0; i < CONFIG_BOOT_DIRECT_MAP_GIB; i++)
		direct_map_table[i] = shared[i];
	table[DIRECT_MAP_SLOT] = (table[DIRECT_MAP_SLOT] & ~CR3_ADDRESS) |
				 ((uintptr_t)direct_map_table - KERNEL_BASE);
}

void mmu_init(void)
{
	uint64_t cr4 = cpu_read_cr4();

	find_features();
	kernel_space.machine = &machine;
	kernel_space.root = cpu_read_cr3() & CR3_ADDRESS;
	current_space[cpu_current()] = &kernel_space;
	if (machine.no_execute)
		cpu_write_msr(MSR_EFER, cpu_read_msr(MSR_EFER) | EFER_NXE);
	part_direct_map_from_image();
	write_cr3(kernel_space.root);
	if (mmu_features.tlb.global)
		cr4 |= CR4_PGE;
	if (mmu_features.tlb.pcid)
		cr4 |= CR4_PCIDE; /* CR3's low bits, the PCID from now on, are 0 */
	write_cr4(cr4);
}

/* ---- the direct map -------------------------------------------------------------------------- */

int mmu_map_direct(paddr_t base, uint64_t size)
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
		page_table_query(&kernel_space, DIRECT_MAP_BASE + base, &found);
		if (!found.present)
			return false;
		if (found.size > size)
			found.size = size;
	}
	return true;
}
