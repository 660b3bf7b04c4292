/* SPDX-License-Identifier: MIT */
/*
 * Names for code addresses, from a table that the build makes after a first link (CONFIG_SYMBOLS).
 * Entries are sorted by address; addresses are offsets from KERNEL_BASE before the image is moved,
 * so physical ones, and names are offsets into one text.
 */
#include <arch/image.h>
#include <exo/backtrace.h>

struct symbol_entry {
	uint32_t address, name;
};

extern const struct symbol_entry symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];
extern const char text_end[];

const char *symbol_find(uint64_t address, uint64_t *offset, uint64_t *size)
{
	const uint64_t key = address - KERNEL_BASE - image_slide();
	const uint64_t end = image_to_phys(text_end);
	uint32_t low = 0, high = symbol_count;

	if (!symbol_count || key < symbol_table[0].address || key >= end)
		return NULL;
	while (high - low > 1) { /* table[low].address <= key < table[high].address */
		const uint32_t middle = low + (high - low) / 2;

		if (symbol_table[middle].address <= key)
			low = middle;
		else
			high = middle;
	}
	*offset = key - symbol_table[low].address;
	*size = (high < symbol_count ? symbol_table[high].address : end) -
		symbol_table[low].address;
	return symbol_names + symbol_table[low].name;
}
