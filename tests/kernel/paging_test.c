/* SPDX-License-Identifier: MIT */
/*
 * The kernel's page tables as the CPU sees them: walks every present entry from CR3 down and checks
 * W^X, the null page, the stack guards and that no alias of code is writable.
 */
#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/string.h>
#include <exo/test.h>

#define ENTRIES 512
#define PAGE_PRESENT 1ull
#define PAGE_WRITE 2ull
#define PAGE_LARGE 0x80ull
#define PAGE_NX (1ull << 63)
#define ADDRESS_MASK 0x000ffffffffff000ull

extern const char image_start[], text_end[], rodata_end[], image_end[];
extern const char boot_stack_guard[], boot_stack[];

struct mapping {
	bool present, write, execute;
	paddr_t physical;
	uint64_t size; /* bytes that the entry covers */
};

/* So many bits have the addresses of one half: 47, or 56 with five levels of tables. */
static unsigned int half_bits(void)
{
	return cpu_read_cr4() & CR4_LA57 ? 56 : 47;
}

static struct mapping lookup(uint64_t address)
{
	const uint64_t *table = phys_to_virt(cpu_read_cr3() & ADDRESS_MASK);
	struct mapping m = { .present = true, .write = true, .execute = true };

	for (unsigned int shift = half_bits() - 8;; shift -= 9) {
		const uint64_t entry = table[address >> shift & (ENTRIES - 1)];

		m.size = 1ull << shift;
		if (!(entry & PAGE_PRESENT))
			return (struct mapping){ .size = m.size };
		m.write &= !!(entry & PAGE_WRITE);
		m.execute &= !(entry & PAGE_NX);
		if (shift == 12 || (entry & PAGE_LARGE)) {
			m.physical = entry & ADDRESS_MASK & ~(m.size - 1);
			return m;
		}
		table = phys_to_virt(entry & ADDRESS_MASK);
	}
}

static bool has_no_execute(void)
{
	return cpuid(0x80000001, 0).edx >> 20 & 1;
}

/* The next address after @address that another entry covers; 0 at the end of the address space. */
static uint64_t next_address(uint64_t address, uint64_t size)
{
	const uint64_t next = (address | (size - 1)) + 1;

	/* From the end of the lower half to the start of the canonical upper half. */
	return next == 1ull << half_bits() ? -next : next;
}

static void paging_nothing_is_writable_and_executable(struct test *test)
{
	uint64_t address = 0;
	unsigned int mappings = 0;

	if (!IS_ENABLED(CONFIG_WX))
		TEST_SKIP(test, "CONFIG_WX=n");
	do {
		const struct mapping m = lookup(address);

		mappings += m.present;
		TEST_TRUE(test, !(m.present && m.write && m.execute));
		address = next_address(address, m.size);
	} while (address);
	TEST_TRUE(test, mappings > 512);
}

static void paging_nothing_lies_below_the_direct_map(struct test *test)
{
	for (uint64_t address = 0; address < 1ull << half_bits();) {
		const struct mapping m = lookup(address);

		TEST_TRUE(test, !m.present);
		address += m.size;
	}
	/* With five levels there is more of the upper half, too. */
	for (uint64_t address = -(1ull << half_bits()); address < DIRECT_MAP_BASE;) {
		const struct mapping m = lookup(address);

		TEST_TRUE(test, !m.present);
		address = next_address(address, m.size);
	}
}

static void paging_image_has_its_rights(struct test *test)
{
	if (!IS_ENABLED(CONFIG_WX))
		TEST_SKIP(test, "CONFIG_WX=n");
	for (uint64_t a = (uintptr_t)image_start; a < (uintptr_t)text_end; a += PAGE_SIZE) {
		TEST_TRUE(test, lookup(a).execute);
		TEST_TRUE(test, !lookup(a).write);
	}
	for (uint64_t a = (uintptr_t)text_end; a < (uintptr_t)rodata_end; a += PAGE_SIZE) {
		TEST_TRUE(test, lookup(a).present);
		TEST_TRUE(test, !lookup(a).write && !lookup(a).execute);
	}
}

static void paging_code_has_no_writable_alias(struct test *test)
{
	const uint64_t end = image_to_phys(rodata_end);

	if (!IS_ENABLED(CONFIG_WX))
		TEST_SKIP(test, "CONFIG_WX=n");
	for (uint64_t a = KERNEL_LOAD_ADDRESS; a < end; a += PAGE_SIZE)
		TEST_TRUE(test, !lookup(DIRECT_MAP_BASE + a).write);
}

/* Nor is there anything at the place where it was linked, once it has left that (CONFIG_KASLR). */
static void paging_image_is_at_one_place(struct test *test)
{
	const uint64_t start = KERNEL_BASE + image_slide(), end = start + KERNEL_TABLES * MIB(2);

	if (!IS_ENABLED(CONFIG_KASLR))
		TEST_SKIP(test, "CONFIG_KASLR=n");
	for (uint64_t a = KERNEL_BASE; a;) {
		const struct mapping m = lookup(a);

		TEST_TRUE(test, !m.present || (a >= start && a < end));
		TEST_TRUE(test, !m.present || m.physical == a - start);
		a = next_address(a, m.size);
	}
	TEST_TRUE(test, lookup((uintptr_t)image_start).present);
}

static void paging_stack_guard_is_unmapped(struct test *test)
{
	if (!IS_ENABLED(CONFIG_STACK_GUARD))
		TEST_SKIP(test, "CONFIG_STACK_GUARD=n");
	TEST_TRUE(test, !lookup((uintptr_t)boot_stack_guard).present);
	TEST_TRUE(test, lookup((uintptr_t)boot_stack).present);
}

static void paging_direct_map_is_linear(struct test *test)
{
	const uint64_t limit = GIB(CONFIG_BOOT_DIRECT_MAP_GIB);

	/* A large odd step: other offsets in every gibibyte. Guard pages are the only holes. */
	for (uint64_t a = MIB(512); a < limit; a += MIB(17) + PAGE_SIZE) {
		const struct mapping m = lookup(DIRECT_MAP_BASE + a);

		TEST_TRUE(test, m.present && m.write);
		TEST_EQ(test, m.physical, a & ~(m.size - 1));
	}
	if (!IS_ENABLED(CONFIG_PAGE_TABLE))
		TEST_TRUE(test, !lookup(DIRECT_MAP_BASE + limit).present);
}

/* Memory beyond what boot.asm maps is mapped later, not executable whatever CONFIG_WX says. */
static void paging_direct_map_has_all_memory(struct test *test)
{
	const uint64_t limit = GIB(CONFIG_BOOT_DIRECT_MAP_GIB);

	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct memory_range *range = &boot_info.memory[i];
		uint64_t a = range->base < limit ? limit : range->base;

		if (range->type != MEMORY_USABLE)
			continue;
		for (; a < range->base + range->length; a += MIB(17) + PAGE_SIZE) {
			const struct mapping m = lookup(DIRECT_MAP_BASE + a);

			TEST_EQ(test, m.present, phys_reachable(a, 1));
			TEST_EQ(test, m.present, IS_ENABLED(CONFIG_PAGE_TABLE));
			if (!m.present)
				continue;
			TEST_TRUE(test, m.write && !(m.execute && has_no_execute()));
			TEST_EQ(test, m.physical, a & ~(m.size - 1));
		}
	}
}

static const struct test_case paging_cases[] = {
	TEST_CASE(paging_nothing_is_writable_and_executable),
	TEST_CASE(paging_nothing_lies_below_the_direct_map),
	TEST_CASE(paging_image_has_its_rights),
	TEST_CASE(paging_code_has_no_writable_alias),
	TEST_CASE(paging_image_is_at_one_place),
	TEST_CASE(paging_stack_guard_is_unmapped),
	TEST_CASE(paging_direct_map_is_linear),
	TEST_CASE(paging_direct_map_has_all_memory),
};
TEST_SUITE(paging, paging_cases);
