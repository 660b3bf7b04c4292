/* SPDX-License-Identifier: MIT */
/*
 * Physical memory for fuzz targets: the input's bytes, from some address on. Every access gets its
 * own copy of exactly the size asked for, so that the address sanitizer sees a read beyond it even
 * where the memory goes on.
 */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include "fuzz_check.h"

#include <exo/boot_info.h>
#include <exo/string.h>
#include <stdlib.h>

struct fuzz_copy {
	struct fuzz_copy *next;
	uint8_t bytes[];
};

static struct {
	struct boot_memory_view view;
	paddr_t base;
	const uint8_t *bytes;
	size_t size;
	struct fuzz_copy *copies;
} fuzz_memory;

static bool fuzz_memory_holds(paddr_t base, uint64_t size)
{
	return base >= fuzz_memory.base && base - fuzz_memory.base <= fuzz_memory.size &&
	       size <= fuzz_memory.size - (base - fuzz_memory.base);
}

static const void *fuzz_memory_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	struct fuzz_copy *copy;

	FUZZ_CHECK(view == &fuzz_memory.view);
	FUZZ_CHECK(base + size >= base);
	if (!fuzz_memory_holds(base, size))
		return NULL;
	copy = malloc(sizeof(*copy) + size);
	FUZZ_CHECK(copy != NULL);
	memcpy(copy->bytes, fuzz_memory.bytes + (base - fuzz_memory.base), size);
	copy->next = fuzz_memory.copies;
	fuzz_memory.copies = copy;
	return copy->bytes;
}

static void fuzz_memory_start(paddr_t base, const uint8_t *bytes, size_t size)
{
	fuzz_memory.view.at = fuzz_memory_at;
	fuzz_memory.base = base;
	fuzz_memory.bytes = bytes;
	fuzz_memory.size = size;
}

static void fuzz_memory_end(void)
{
	while (fuzz_memory.copies) {
		struct fuzz_copy *copy = fuzz_memory.copies;

		fuzz_memory.copies = copy->next;
		free(copy);
	}
}

#endif
