/* SPDX-License-Identifier: MIT */
/*
 * The memory map that boot_info_parse() makes: which table it is taken from, how ranges are sorted,
 * cut and merged, what happens when there are too many, and a comparison of random maps with a
 * model that knows every unit of memory by itself.
 */
#include "boot_image.h"

#include <exo/errno.h>

#define LIMIT ((uint64_t)1 << 52)

/* E820 numbers, as both protocols use them. */
enum { E820_USABLE = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_BAD = 5 };

static void put_efi(uint32_t type, uint64_t base, uint64_t pages)
{
	put32(type);
	put32(0);
	put64(base);
	put64(UINT64_MAX);
	put64(pages);
	put64(UINT64_MAX);
	put64(UINT64_MAX); /* descriptors are 48 bytes apart with common firmware */
}

static void tag_efi_start(uint32_t entry_size)
{
	tag_start(MULTIBOOT2_TAG_EFI_MEMORY_MAP);
	put32(entry_size);
	put32(1);
}

static bool range_is(unsigned int i, paddr_t base, uint64_t length, enum memory_type type)
{
	return i < info.nr_memory && info.memory[i].base == base &&
	       info.memory[i].length == length && info.memory[i].type == type;
}

static void sorted_and_merged(struct test *test)
{
	map_start();
	put_range(0x5000, 0x1000, E820_USABLE);
	put_range(0x1000, 0x1000, E820_USABLE);
	put_range(0x2000, 0x3000, E820_USABLE); /* closes the gap */
	put_range(0x1800, 0x10, E820_USABLE); /* lies within */
	put_range(0x9000, 0, E820_USABLE);
	put_range(0x9000, 0, E820_BAD);
	put_range(0x8001, 1, E820_RESERVED); /* no rounding */
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.nr_memory, 2);
	TEST_TRUE(test, range_is(0, 0x1000, 0x5000, MEMORY_USABLE));
	TEST_TRUE(test, range_is(1, 0x8001, 1, MEMORY_RESERVED));
}

static void less_usable_type_wins(struct test *test)
{
	map_start();
	put_range(0x4000, 0x1000, E820_RESERVED);
	put_range(0x0000, 0x9000, E820_USABLE); /* around the reserved range */
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_OVERLAP);
	TEST_EQ(test, info.nr_memory, 3);
	TEST_TRUE(test, range_is(0, 0, 0x4000, MEMORY_USABLE));
	TEST_TRUE(test, range_is(1, 0x4000, 0x1000, MEMORY_RESERVED));
	TEST_TRUE(test, range_is(2, 0x5000, 0x4000, MEMORY_USABLE));

	map_start();
	put_range(0x1000, 0x1000, E820_BAD);
	put_range(0x0800, 0x1000, E820_NVS);
	put_range(0x1800, 0x1000, E820_ACPI);
	put_range(0x1000, 0x1000, E820_USABLE);
	put_range(0x8000, 0x1000, E820_USABLE);
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_OVERLAP);
	TEST_EQ(test, info.nr_memory, 4);
	TEST_TRUE(test, range_is(0, 0x0800, 0x800, MEMORY_ACPI_NVS));
	TEST_TRUE(test, range_is(1, 0x1000, 0x1000, MEMORY_BAD));
	TEST_TRUE(test, range_is(2, 0x2000, 0x800, MEMORY_ACPI_RECLAIMABLE));
	TEST_TRUE(test, range_is(3, 0x8000, 0x1000, MEMORY_USABLE));
}

static void unknown_types_are_reserved(struct test *test)
{
	static const uint32_t types[] = { 0, 6, 7, 12, 0x80000001, UINT32_MAX };

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		map_start();
		put_range(0x1000, 0x1000, types[i]);
		TEST_EQ(test, map_parse(), 0);
		TEST_EQ(test, info.problems, BOOT_PROBLEM_NO_MEMORY);
		TEST_EQ(test, info.nr_memory, 1);
		TEST_TRUE(test, range_is(0, 0x1000, 0x1000, MEMORY_RESERVED));
	}
}

static void cut_at_52_bits(struct test *test)
{
	static const struct {
		uint64_t base, length;
		unsigned int nr, problems;
	} rows[] = {
		{ LIMIT - 1, 1, 2, 0 },
		{ LIMIT - 1, 2, 2, BOOT_PROBLEM_MALFORMED },
		{ LIMIT - 1, UINT64_MAX, 2, BOOT_PROBLEM_MALFORMED },
		{ LIMIT, 1, 1, BOOT_PROBLEM_MALFORMED },
		{ UINT64_MAX, UINT64_MAX, 1, BOOT_PROBLEM_MALFORMED },
		{ UINT64_MAX - 1, 2, 1, BOOT_PROBLEM_MALFORMED },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		map_start();
		put_range(0, 1, E820_USABLE);
		put_range(rows[i].base, rows[i].length, E820_RESERVED);
		TEST_EQ(test, map_parse(), 0);
		TEST_EQ(test, info.problems, rows[i].problems);
		TEST_EQ(test, info.nr_memory, rows[i].nr);
		TEST_TRUE(test, rows[i].nr == 1 || range_is(1, LIMIT - 1, 1, MEMORY_RESERVED));
	}
	map_start();
	put_range(1, UINT64_MAX, E820_USABLE);
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_TRUE(test, range_is(0, 1, LIMIT - 1, MEMORY_USABLE));
}

/* Holes punched into the one usable range: twice as many ranges as fit. */
static void too_many_holes(struct test *test)
{
	const unsigned int holes = CONFIG_BOOT_MEMORY_RANGES;

	map_start();
	put_range(0, 0x1000 * (holes + 1), E820_USABLE);
	for (unsigned int i = 0; i < holes; i++)
		put_range(0x1000 * i + 0x800, 8 + i, i & 1 ? E820_ACPI : E820_BAD);
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TOO_MANY | BOOT_PROBLEM_OVERLAP);
	TEST_EQ(test, info.nr_memory, CONFIG_BOOT_MEMORY_RANGES);
	for (unsigned int i = 0; i < info.nr_memory; i++) {
		const struct memory_range *range = &info.memory[i];

		for (unsigned int k = 0; k < holes && range->type == MEMORY_USABLE; k++)
			TEST_TRUE(test, range->base + range->length <= 0x1000 * k + 0x800 ||
						range->base >= 0x1000 * k + 0x800 + 8 + k);
	}
}

/* Firmware with many small reserved ranges, some after the memory: no usable byte may be lost. */
static void usable_memory_is_dropped_last(struct test *test)
{
	const unsigned int more = CONFIG_BOOT_MEMORY_RANGES + 2;

	map_start();
	for (unsigned int i = 0; i < CONFIG_BOOT_MEMORY_RANGES; i++)
		put_range(GIB(1) + 0x2000 * i, 0x1000 + i, E820_RESERVED);
	put_range(0, 0x800, E820_USABLE);
	put_range(MIB(1), MIB(1), E820_USABLE);
	for (unsigned int i = 0; i < CONFIG_BOOT_MEMORY_RANGES / 2; i++)
		put_range(GIB(2) + 0x2000 * i, 0x100 + i, E820_NVS);
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TOO_MANY);
	TEST_EQ(test, info.nr_memory, CONFIG_BOOT_MEMORY_RANGES);
	TEST_EQ(test, boot_info_memory(&info, MEMORY_USABLE), MIB(1) + 0x800);
	TEST_EQ(test, boot_info_memory(&info, MEMORY_ACPI_NVS), 0);

	map_start(); /* when all are usable, the shortest go */
	for (unsigned int i = 0; i < more; i++)
		put_range(MIB(1) * i, 0x100 + (i + more / 2) % more, E820_USABLE);
	put_range(GIB(64), 0x10000, E820_USABLE);
	put_range(GIB(65), 1, E820_USABLE); /* is itself the shortest */
	TEST_EQ(test, map_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TOO_MANY);
	TEST_EQ(test, info.nr_memory, CONFIG_BOOT_MEMORY_RANGES);
	for (unsigned int i = 0; i < info.nr_memory; i++)
		TEST_TRUE(test, info.memory[i].length >= 0x100 + 3);
	TEST_TRUE(test, range_is(info.nr_memory - 1, GIB(64), 0x10000, MEMORY_USABLE));
}

static void multiboot2_entry_size(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	mb_start(0);
	tag_map_start(32);
	put_range(0x1000, 0x1000, E820_USABLE);
	put64(UINT64_MAX);
	put_range(0x4000, 0x1000, E820_USABLE);
	put64(UINT64_MAX);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, 0);
	TEST_EQ(test, info.nr_memory, 2);
	TEST_TRUE(test, range_is(1, 0x4000, 0x1000, MEMORY_USABLE));

	mb_start(0);
	tag_map_start(24);
	put_range(0x1000, 0x1000, E820_USABLE);
	put64(0x4000); /* the table ends within its second entry */
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);
	TEST_EQ(test, info.nr_memory, 1);

	for (uint32_t size = 0; size < 24; size++) {
		mb_start(0);
		tag_map_start(size);
		put_range(0x1000, 0x1000, E820_USABLE);
		tag_end();
		mb_end();
		TEST_EQ(test, mb_parse(), 0);
		TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);
		TEST_EQ(test, info.nr_memory, 0);
	}

	mb_start(0);
	tag_start(MULTIBOOT2_TAG_MEMORY_MAP); /* without even an entry size */
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);
}

static void multiboot2_efi_map(struct test *test)
{
	static const uint8_t types[] = {
		MEMORY_RESERVED, MEMORY_USABLE,		  MEMORY_USABLE,   MEMORY_USABLE,
		MEMORY_USABLE,	 MEMORY_RESERVED,	  MEMORY_RESERVED, MEMORY_USABLE,
		MEMORY_BAD,	 MEMORY_ACPI_RECLAIMABLE, MEMORY_ACPI_NVS, MEMORY_RESERVED,
		MEMORY_RESERVED, MEMORY_RESERVED,	  MEMORY_RESERVED, MEMORY_RESERVED,
	};

	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	for (uint32_t i = 0; i < ARRAY_SIZE(types); i++) {
		mb_start(0);
		tag_efi_start(48);
		put_efi(EFI_CONVENTIONAL_MEMORY, MIB(1), 1);
		put_efi(i, MIB(16), 3);
		tag_end();
		mb_end();
		TEST_EQ(test, mb_parse(), 0);
		TEST_EQ(test, info.problems, 0);
		TEST_TRUE(test, range_is(0, MIB(1), 4096, MEMORY_USABLE));
		TEST_TRUE(test, range_is(1, MIB(16), 3 * 4096, types[i]));
	}

	mb_start(0);
	tag_efi_start(48);
	put_efi(EFI_CONVENTIONAL_MEMORY, 0, (uint64_t)1 << 52); /* 2^64 bytes */
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_TRUE(test, range_is(0, 0, LIMIT, MEMORY_USABLE));

	mb_start(0);
	tag_efi_start(39);
	put_efi(EFI_CONVENTIONAL_MEMORY, 0, 1);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED | BOOT_PROBLEM_NO_MEMORY);

	mb_start(0);
	tag_efi_start(48);
	put_efi(EFI_CONVENTIONAL_MEMORY, 0, 1);
	put64(0);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_TRUNCATED);
	TEST_EQ(test, info.nr_memory, 1);
}

static void multiboot2_choice_of_map(struct test *test)
{
	NEED(test, CONFIG_BOOT_MULTIBOOT2);
	for (unsigned int present = 0; present < 8; present++) {
		mb_start(0);
		if (present & 1) {
			tag_start(MULTIBOOT2_TAG_BASIC_MEMORY);
			put32(639);
			put32(1024);
			tag_end();
		}
		if (present & 2) {
			tag_efi_start(48);
			put_efi(EFI_CONVENTIONAL_MEMORY, MIB(1), 2);
			tag_end();
		}
		tag_map_start(24);
		put_range(MIB(8), 0x1000, present & 4 ? E820_USABLE : E820_RESERVED);
		tag_end();
		mb_end();
		TEST_EQ(test, mb_parse(), 0);
		TEST_EQ(test, info.problems, present ? 0 : BOOT_PROBLEM_NO_MEMORY);
		TEST_EQ(test, boot_info_memory(&info, MEMORY_USABLE),
			present & 4   ? 0x1000
			: present & 2 ? 0x2000
			: present & 1 ? MIB(1) + KIB(639)
				      : 0);
		TEST_EQ(test, boot_info_memory(&info, MEMORY_RESERVED), present ? 0 : 0x1000);
	}
	mb_start(0);
	tag_start(MULTIBOOT2_TAG_BASIC_MEMORY);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	tag_end();
	mb_end();
	TEST_EQ(test, mb_parse(), 0);
	TEST_EQ(test, info.problems, BOOT_PROBLEM_MALFORMED);
	TEST_TRUE(test, range_is(0, 0, KIB(640), MEMORY_USABLE));
	TEST_TRUE(test, range_is(1, MIB(1), KIB((uint64_t)UINT32_MAX), MEMORY_USABLE));
}

static void names_and_sums(struct test *test)
{
	memset(&info, 0, sizeof(info));
	info.memory[0] = (struct memory_range){ 0, 5, MEMORY_BAD };
	info.memory[1] = (struct memory_range){ 5, 6, MEMORY_USABLE };
	info.memory[2] = (struct memory_range){ 11, 7, MEMORY_BAD };
	info.nr_memory = 3;
	TEST_EQ(test, boot_info_memory(&info, MEMORY_BAD), 12);
	TEST_EQ(test, boot_info_memory(&info, MEMORY_RESERVED), 0);
	TEST_STREQ(test, memory_type_name(MEMORY_USABLE), "usable");
	TEST_STREQ(test, memory_type_name(MEMORY_BAD), "bad");
	TEST_STREQ(test, memory_type_name((enum memory_type)99), "unknown");
}

/* The model: the type of each unit of memory by itself. */
#define UNITS 48u
#define UNIT 0x1003u /* not a page: nothing may be rounded */
#define MODEL_RANGES 24u

struct model {
	uint8_t type[UNITS];
	bool overlap;
};

static uint32_t random_state;

/* xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static void model_add(struct model *model, uint32_t from, uint32_t to, uint8_t type)
{
	for (uint32_t i = from; i < to; i++) {
		model->overlap |= model->type[i] && model->type[i] != type;
		if (type > model->type[i])
			model->type[i] = type;
	}
}

/* One random map into the image and into the model. */
static void random_map(struct model *model)
{
	static const uint8_t types[] = { MEMORY_RESERVED,	  MEMORY_USABLE,   MEMORY_RESERVED,
					 MEMORY_ACPI_RECLAIMABLE, MEMORY_ACPI_NVS, MEMORY_BAD };
	uint32_t longest = 1 + random_below(UNITS);

	memset(model, 0, sizeof(*model));
	map_start();
	for (uint32_t n = 1 + random_below(MODEL_RANGES); n > 0; n--) {
		uint32_t from = random_below(UNITS), to = from + random_below(longest);
		uint32_t type = random_below(2) ? E820_USABLE : random_below(ARRAY_SIZE(types));

		if (to > UNITS)
			to = UNITS;
		put_range((uint64_t)from * UNIT, (uint64_t)(to - from) * UNIT, type);
		model_add(model, from, to, types[type]);
	}
}

/* The type of the unit in the parsed map; all of its bytes have the same. */
static enum memory_type unit_type(uint32_t unit)
{
	for (unsigned int i = 0; i < info.nr_memory; i++)
		if ((uint64_t)unit * UNIT - info.memory[i].base < info.memory[i].length)
			return info.memory[i].type;
	return MEMORY_NONE;
}

static void random_maps_match_the_model(struct test *test)
{
	const unsigned int maps = __STDC_HOSTED__ ? 20000 : 200;
	unsigned int full = 0;
	struct model model;

	random_state = 2463534242;
	for (unsigned int n = 0; n < maps; n++) {
		bool too_many;

		random_map(&model);
		TEST_EQ(test, map_parse(), 0);
		too_many = info.problems & BOOT_PROBLEM_TOO_MANY;
		full += too_many;
		for (uint32_t i = 0; i < UNITS; i++) {
			enum memory_type type = unit_type(i);

			TEST_TRUE(test, type == model.type[i] || (too_many && !type));
		}
		for (unsigned int i = 0; i < info.nr_memory; i++) {
			const struct memory_range *range = &info.memory[i];

			TEST_TRUE(test, range->length > 0 && range->length % UNIT == 0);
			TEST_TRUE(test, i == 0 || range[-1].base + range[-1].length < range->base ||
						(range[-1].base + range[-1].length == range->base &&
						 range[-1].type != range->type));
		}
		if (!too_many)
			TEST_EQ(test, !!(info.problems & BOOT_PROBLEM_OVERLAP), model.overlap);
	}
	TEST_TRUE(test, full > 0 || CONFIG_BOOT_MEMORY_RANGES > 16);
}

static const struct test_case boot_memory_cases[] = {
	TEST_CASE(sorted_and_merged),
	TEST_CASE(less_usable_type_wins),
	TEST_CASE(unknown_types_are_reserved),
	TEST_CASE(cut_at_52_bits),
	TEST_CASE(too_many_holes),
	TEST_CASE(usable_memory_is_dropped_last),
	TEST_CASE(multiboot2_entry_size),
	TEST_CASE(multiboot2_efi_map),
	TEST_CASE(multiboot2_choice_of_map),
	TEST_CASE(names_and_sums),
	TEST_CASE(random_maps_match_the_model),
};
TEST_SUITE(boot_memory, boot_memory_cases);
