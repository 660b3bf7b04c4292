/* SPDX-License-Identifier: MIT */
/* What the boot loader's map became: nothing that is not usable memory may be given out. */
#include <arch/image.h>
#include <arch/memory.h>
#include <exo/boot_info.h>
#include <exo/frame.h>
#include <exo/test.h>

extern const char image_end[];

/* Can none of the frames that hold a byte of the run be allocated? Looks at a few hundred. */
static bool is_kept(paddr_t base, uint64_t size)
{
	const paddr_t first = base & ~(PAGE_SIZE - 1ull);
	const uint64_t step = (size / 256 + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);

	for (paddr_t at = first; at < base + size; at += step ? step : PAGE_SIZE)
		if (frame_alloc_at(at, 0) == 0) {
			frame_free(at, 0);
			return false;
		}
	return true;
}

static void memory_firmware_ranges_are_kept(struct test *test)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct memory_range *range = &boot_info.memory[i];

		/* ACPI tables may have been reclaimed by now. */
		if (range->type != MEMORY_USABLE && range->type != MEMORY_ACPI_RECLAIMABLE)
			TEST_TRUE(test, is_kept(range->base, range->length));
	}
}

static void memory_page_0_image_and_modules_are_kept(struct test *test)
{
	const paddr_t end = image_to_phys(image_end);

	TEST_TRUE(test, is_kept(0, PAGE_SIZE));
	TEST_TRUE(test, is_kept(KERNEL_LOAD_ADDRESS, end - KERNEL_LOAD_ADDRESS));
	TEST_EQ(test, frame_free(KERNEL_LOAD_ADDRESS, 0), -EXO_E_PERM);
	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		TEST_TRUE(test, is_kept(boot_info.modules[i].base, boot_info.modules[i].size));
}

static void memory_maps_are_kept(struct test *test)
{
	struct frame_map map;

	for (unsigned int i = 0; frame_map(i, &map); i++)
		TEST_TRUE(test, is_kept((uintptr_t)map.bits - DIRECT_MAP_BASE, map.frames / 8));
}

/* All usable memory is known to the allocator: what is missing is less than a page a range. */
static void memory_all_is_used(struct test *test)
{
	uint64_t frames = 0, usable = 0;
	struct frame_stats stats;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &stats);
		frames += stats.total;
	}
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct memory_range *range = &boot_info.memory[i];

		if (range->type == MEMORY_USABLE &&
		    (IS_ENABLED(CONFIG_PAGE_TABLE) || phys_reachable(range->base, range->length)))
			usable += range->length / PAGE_SIZE;
	}
	TEST_TRUE(test, frames + 2 * boot_info.nr_memory >= usable);
}

/* Memory that was given out can be written, whichever end of the machine it is from. */
static void memory_can_be_written(struct test *test)
{
	struct frame_where where = { .placement = FRAME_BIND };

	for (where.node = 0; where.node < numa_nodes(); where.node++)
		for (where.limit = 0; where.limit <= MIB(1); where.limit += MIB(1)) {
			volatile uint64_t *word;
			paddr_t frame;

			if (frame_alloc_where(0, &where, &frame))
				continue;
			TEST_TRUE(test, phys_reachable(frame, PAGE_SIZE));
			word = phys_to_virt(frame);
			word[0] = frame;
			word[511] = ~frame;
			TEST_EQ(test, word[0], frame);
			TEST_EQ(test, word[511], ~frame);
			TEST_EQ(test, frame_free(frame, 0), 0);
		}
}

static const struct test_case memory_cases[] = {
	TEST_CASE(memory_firmware_ranges_are_kept),
	TEST_CASE(memory_page_0_image_and_modules_are_kept),
	TEST_CASE(memory_maps_are_kept),
	TEST_CASE(memory_all_is_used),
	TEST_CASE(memory_can_be_written),
};
TEST_SUITE(memory, memory_cases);
