/* SPDX-License-Identifier: MIT */
/*
 * The live address space: pages come and go at a fresh kernel address and are used at once, so that
 * a TLB that was not flushed shows the old ones; the direct map is split, merged and extended;
 * another address space is switched to and back.
 */
#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/frame.h>
#include <exo/string.h>
#include <exo/test.h>

#define AREA 0xffffc00000000000ull /* 64 TiB above the direct map's base; nobody else's */
#define LOW 0x10000000ull /* in another address space */
#define PAGES 40 /* more than are flushed one by one */
#define MSR_EFER 0xc0000080
#define EFER_NXE (1ull << 11)

static struct page_batch batch;
static paddr_t frames[2];

static uint64_t *word_at(uint64_t address)
{
	return (uint64_t *)(uintptr_t)address;
}

static uint64_t read_at(uint64_t address)
{
	return *(volatile uint64_t *)word_at(address);
}

/* Two frames whose first words are 1 and 2, and an open batch of the kernel's space. */
static bool begin(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++) {
		if (frame_alloc(0, &frames[i]))
			return false;
		*(uint64_t *)phys_to_virt(frames[i]) = i + 1;
	}
	page_batch_begin(&batch, &kernel_space);
	return true;
}

static void next_batch(void)
{
	page_batch_end(&batch);
	page_batch_begin(&batch, &kernel_space);
}

/* Ends the batch and gives the frames back; true if nothing is left in the area. */
static bool end(void)
{
	struct page_mapping found;

	page_batch_end(&batch);
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++)
		if (frame_free(frames[i], 0))
			return false;
	return page_table_query(&kernel_space, AREA, &found) == 0 && !found.present &&
	       found.size >= GIB(1);
}

static void mmu_features_are_the_cpus(struct test *test)
{
	const uint64_t cr4 = cpu_read_cr4();
	const struct cpuid_regs first = cpuid(1, 0), more = cpuid(0x80000001, 0);
	const struct cpuid_regs seven =
		cpuid(0, 0).eax >= 7 ? cpuid(7, 0) : (struct cpuid_regs){ 0 };
	const struct page_machine *machine = kernel_space.machine;
	const bool la57 = IS_ENABLED(CONFIG_LA57) && (seven.ecx >> 16 & 1);

	TEST_EQ(test, machine->levels, la57 ? 5 : 4);
	TEST_EQ(test, !!(cr4 & CR4_LA57), la57);
	TEST_EQ(test, machine->global, IS_ENABLED(CONFIG_PAGE_GLOBAL) && (first.edx >> 13 & 1));
	TEST_EQ(test, !!(cr4 & CR4_PGE), machine->global);
	TEST_EQ(test, mmu_features.tlb.global, machine->global);
	TEST_EQ(test, !!(cr4 & CR4_PCIDE), mmu_features.tlb.pcid);
	TEST_TRUE(test,
		  !mmu_features.tlb.pcid || (IS_ENABLED(CONFIG_PCID) && (first.ecx >> 17 & 1)));
	TEST_TRUE(test, !mmu_features.tlb.invpcid || (seven.ebx >> 10 & 1));
	TEST_EQ(test, machine->no_execute, more.edx >> 20 & 1);
	TEST_EQ(test, !!(cpu_read_msr(MSR_EFER) & EFER_NXE), machine->no_execute);
	if (!IS_ENABLED(CONFIG_PAGE_LARGE))
		TEST_EQ(test, machine->largest, PAGE_LEVEL_4K);
	else
		TEST_EQ(test, machine->largest, more.edx >> 26 & 1 ? PAGE_LEVEL_1G : PAGE_LEVEL_2M);
	TEST_EQ(test, kernel_space.root, cpu_read_cr3() & -PAGE_SIZE);
}

/* Leaves the frames that are allocated next full of ones, so that a table must have been cleared.
 */
static void soil_frames(void)
{
	paddr_t soiled[8];
	unsigned int nr = 0;

	while (nr < ARRAY_SIZE(soiled) && frame_alloc(0, &soiled[nr]) == 0)
		memset(phys_to_virt(soiled[nr++]), 0xff, PAGE_SIZE);
	while (nr)
		frame_free(soiled[--nr], 0);
}

static void mmu_pages_can_be_used(struct test *test)
{
	struct page_mapping found;

	TEST_TRUE(test, begin());
	soil_frames();
	TEST_EQ(test, page_table_map(&batch, AREA, frames[0], PAGE_SIZE, PAGE_WRITE), 0);
	/* Without a flush: what was not there before is in no TLB. */
	TEST_EQ(test, read_at(AREA), 1);
	*word_at(AREA + 8) = 0x1234;
	TEST_EQ(test, ((uint64_t *)phys_to_virt(frames[0]))[1], 0x1234);
	TEST_EQ(test, page_table_protect(&batch, AREA, PAGE_SIZE, 0), 0);
	next_batch();
	TEST_EQ(test, page_table_query(&kernel_space, AREA, &found), 0);
	TEST_EQ(test, found.base, frames[0]);
	TEST_EQ(test, found.rights, kernel_space.machine->no_execute ? 0 : PAGE_EXECUTE);
	TEST_EQ(test, read_at(AREA + 8), 0x1234);
	TEST_EQ(test, page_table_map(&batch, AREA, frames[1], PAGE_SIZE, 0), -EXO_E_BUSY);
	TEST_EQ(test, page_table_unmap(&batch, AREA, PAGE_SIZE), 0);
	TEST_TRUE(test, end());
}

/* Code is moved there, and runs. */
static void mmu_pages_can_be_executed(struct test *test)
{
	static const uint8_t code[] = { 0xb8, 0x2a, 0, 0, 0, 0xc3 }; /* mov eax, 42; ret */
	uint32_t result;

	TEST_TRUE(test, begin());
	memcpy(phys_to_virt(frames[0]), code, sizeof(code));
	TEST_EQ(test, page_table_map(&batch, AREA, frames[0], PAGE_SIZE, PAGE_EXECUTE), 0);
	/* Not by a pointer: sanitizers look for a function's type in front of it. */
	__asm__ volatile("call *%1" : "=a"(result) : "r"(AREA) : "memory");
	TEST_EQ(test, result, 42);
	TEST_EQ(test, page_table_unmap(&batch, AREA, PAGE_SIZE), 0);
	TEST_TRUE(test, end());
}

/* All @count pages, @step pages apart, are first one frame and then the other. */
static bool remap_is_seen(unsigned int count, unsigned int step)
{
	for (unsigned int frame = 0; frame < 2; frame++) {
		for (unsigned int i = 0; i < count; i++) {
			const uint64_t address = AREA + (uint64_t)i * step * PAGE_SIZE;

			if (page_table_unmap(&batch, address, PAGE_SIZE) ||
			    page_table_map(&batch, address, frames[frame], PAGE_SIZE, 0))
				return false;
		}
		next_batch();
		for (unsigned int i = 0; i < count; i++)
			if (read_at(AREA + (uint64_t)i * step * PAGE_SIZE) != frame + 1)
				return false;
	}
	return page_table_unmap(&batch, AREA, (uint64_t)count * step * PAGE_SIZE) == 0;
}

static void mmu_changes_are_seen(struct test *test)
{
	TEST_TRUE(test, begin());
	TEST_TRUE(test, remap_is_seen(1, 1));
	TEST_TRUE(test, remap_is_seen(PAGES, 1));
	TEST_TRUE(test, remap_is_seen(7, 513)); /* each in a table of its own */
	TEST_TRUE(test, remap_is_seen(PAGES, 3)); /* more runs than a batch holds */
	TEST_TRUE(test, end());
}

/* A page of the direct map, most likely in a large one that is in use, changes on its own. */
static void mmu_direct_map_splits_and_merges(struct test *test)
{
	struct page_mapping before, found;
	uint64_t address;

	TEST_TRUE(test, begin());
	address = DIRECT_MAP_BASE + frames[0];
	TEST_EQ(test, page_table_query(&kernel_space, address, &before), 0);
	TEST_EQ(test, page_table_protect(&batch, address, PAGE_SIZE, 0), 0);
	next_batch();
	TEST_EQ(test, page_table_query(&kernel_space, address, &found), 0);
	TEST_EQ(test, found.level, PAGE_LEVEL_4K);
	TEST_TRUE(test, !(found.rights & PAGE_WRITE));
	TEST_EQ(test, read_at(address), 1);
	TEST_EQ(test, read_at(DIRECT_MAP_BASE + frames[1]), 2);
	TEST_EQ(test, page_table_protect(&batch, address, PAGE_SIZE, PAGE_WRITE), 0);
	page_table_merge(&batch, address & -GIB(1), GIB(1));
	next_batch();
	*word_at(address) = 77;
	TEST_EQ(test, read_at(address), 77);
	TEST_EQ(test, page_table_query(&kernel_space, address, &found), 0);
	TEST_EQ(test, found.base, before.base);
	/* W^X may have been off when this was mapped; now it is not executable. */
	TEST_EQ(test, found.rights | PAGE_EXECUTE, before.rights | PAGE_EXECUTE);
	TEST_EQ(test, frame_free(frames[1], 0), 0);
	TEST_EQ(test, frame_alloc(0, &frames[1]), 0);
	TEST_TRUE(test, end());
}

static void mmu_direct_map_grows(struct test *test)
{
	/* The last memory that the CPU can address: there is none. */
	const paddr_t far = kernel_space.machine->limit - PAGE_SIZE;
	const paddr_t end_of_map = GIB(1024) * 127 + GIB(512);
	struct page_mapping found;

	TEST_EQ(test, mmu_map_direct(1, PAGE_SIZE), -EXO_E_ALIGN);
	TEST_EQ(test, mmu_map_direct(0, 1), -EXO_E_ALIGN);
	TEST_EQ(test, mmu_map_direct(0, end_of_map + PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, mmu_map_direct(-PAGE_SIZE, PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, mmu_map_direct(end_of_map - PAGE_SIZE, 2 * PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, mmu_map_direct(0, GIB(CONFIG_BOOT_DIRECT_MAP_GIB)), 0);
	TEST_TRUE(test, !phys_reachable(-PAGE_SIZE, 2 * PAGE_SIZE));
	TEST_TRUE(test, !phys_reachable(1ull << 63, 1));
	TEST_TRUE(test, phys_reachable(0, GIB(CONFIG_BOOT_DIRECT_MAP_GIB)));
	if (far >= end_of_map)
		TEST_SKIP(test, "the CPU addresses more memory than the direct map has room for");
	TEST_EQ(test, page_table_query(&kernel_space, DIRECT_MAP_BASE + far, &found), 0);
	if (found.present)
		TEST_SKIP(test, "there is memory at the end of what the CPU addresses");
	TEST_TRUE(test, !phys_reachable(far, 1));
	TEST_TRUE(test, !phys_reachable(far - PAGE_SIZE, PAGE_SIZE));
	TEST_EQ(test, mmu_map_direct(far - PAGE_SIZE, 3 * PAGE_SIZE), -EXO_E_RANGE);
	TEST_EQ(test, mmu_map_direct(far - PAGE_SIZE, PAGE_SIZE), 0);
	TEST_TRUE(test, phys_reachable(far - PAGE_SIZE, PAGE_SIZE));
	TEST_TRUE(test, !phys_reachable(far - PAGE_SIZE, 2 * PAGE_SIZE));
	TEST_EQ(test, mmu_map_direct(far - PAGE_SIZE, 2 * PAGE_SIZE), 0);
	TEST_TRUE(test, phys_reachable(far - PAGE_SIZE + 1, 2 * PAGE_SIZE - 1));
	page_batch_begin(&batch, &kernel_space);
	TEST_EQ(test, page_table_unmap(&batch, DIRECT_MAP_BASE + far - PAGE_SIZE, 2 * PAGE_SIZE),
		0);
	page_batch_end(&batch);
	TEST_TRUE(test, !phys_reachable(far, 1));
}

/* boot.asm lets the image appear 510 GiB up in the direct map. */
static void mmu_direct_map_is_not_the_image(struct test *test)
{
	struct page_mapping found;

	TEST_EQ(test, page_table_query(&kernel_space, DIRECT_MAP_BASE + GIB(510), &found), 0);
	TEST_TRUE(test, !found.present || found.base == GIB(510));
}

static bool map_low(struct page_table *space, paddr_t frame)
{
	int error;

	page_batch_begin(&batch, space);
	error = page_table_unmap(&batch, LOW, PAGE_SIZE);
	if (!error)
		error = page_table_map(&batch, LOW, frame, PAGE_SIZE, PAGE_WRITE);
	page_batch_end(&batch);
	return !error;
}

static void mmu_switches_and_returns(struct test *test)
{
	static struct page_table other; /* a mistake must not leave the stack to CR3 */
	uint64_t seen[3] = { 0 };

	TEST_TRUE(test, begin());
	page_batch_end(&batch);
	TEST_EQ(test, page_table_init(&other, kernel_space.machine, &kernel_space), 0);
	TEST_TRUE(test, map_low(&other, frames[0]));
	mmu_switch(&other);
	seen[0] = read_at(LOW);
	if (map_low(&other, frames[1]))
		seen[1] = read_at(LOW);
	mmu_switch(&kernel_space);
	/* Changed behind its back. */
	if (map_low(&other, frames[0])) {
		mmu_switch(&other);
		seen[2] = read_at(LOW);
		mmu_switch(&kernel_space);
	}
	TEST_EQ(test, cpu_read_cr3() & -PAGE_SIZE, kernel_space.root);
	page_table_destroy(&other);
	TEST_EQ(test, seen[0], 1);
	TEST_EQ(test, seen[1], 2);
	TEST_EQ(test, seen[2], 1);
	page_batch_begin(&batch, &kernel_space);
	TEST_TRUE(test, end());
}

static void mmu_zeroes_exactly_a_page(struct test *test)
{
	static uint8_t memory[3 * PAGE_SIZE];
	uint8_t *page = (uint8_t *)(((uintptr_t)memory + PAGE_SIZE - 1) & -PAGE_SIZE);
	unsigned int sum = 0;

	memset(memory, 0xa5, sizeof(memory));
	page_zero(page);
	for (unsigned int j = 0; j < PAGE_SIZE; j++)
		sum |= page[j];
	TEST_EQ(test, sum, 0);
	TEST_EQ(test, page[PAGE_SIZE], 0xa5);
	TEST_TRUE(test, page == memory || page[-1] == 0xa5);
}

static const struct test_case mmu_cases[] = {
	TEST_CASE(mmu_features_are_the_cpus),	     TEST_CASE(mmu_pages_can_be_used),
	TEST_CASE(mmu_pages_can_be_executed),	     TEST_CASE(mmu_changes_are_seen),
	TEST_CASE(mmu_direct_map_splits_and_merges), TEST_CASE(mmu_direct_map_grows),
	TEST_CASE(mmu_direct_map_is_not_the_image),  TEST_CASE(mmu_switches_and_returns),
	TEST_CASE(mmu_zeroes_exactly_a_page),
};
TEST_SUITE(mmu, mmu_cases);
