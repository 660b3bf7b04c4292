/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for the ELF parser. The first byte of the input says which fields are made right
 * (what a fuzzer does not guess), the next two are the base in pages; the rest is the file. What a
 * loader would do with an image that was accepted is done, to a map of pages.
 */
#include "fuzz_check.h"

#include <exo/elf.h>
#include <exo/string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define USER_END 0x7ffffffff000u

enum { FIX_MAGIC = 1 << 0, FIX_HEADERS = 1 << 1, FIX_LOADS = 1 << 2, FIX_ALIGN = 1 << 3 };

static void put(uint8_t *file, size_t size, size_t at, uint64_t value, size_t length)
{
	if (at <= size && length <= size - at)
		memcpy(file + at, &value, length);
}

static void fix(uint8_t *file, size_t size, unsigned int flags)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	const uint64_t type = size > 16 ? 2u + (file[16] & 1u) : 2;

	if (flags & FIX_MAGIC) {
		for (size_t i = 0; i < sizeof(magic); i++)
			put(file, size, i, magic[i], 1);
		put(file, size, 16, type, 2);
		put(file, size, 18, 62, 2);
		put(file, size, 20, 1, 4);
	}
	if (flags & FIX_HEADERS) {
		put(file, size, 32, 64, 8);
		put(file, size, 54, 56, 2);
		put(file, size, 56, (size - 64) / 56 > 4 ? 4 : (size - 64) / 56, 2);
	}
	for (size_t at = 64; at + 56 <= size && at < 64 + 4 * 56; at += 56) {
		if (flags & FIX_LOADS)
			put(file, size, at, 1, 4);
		if (flags & FIX_ALIGN)
			put(file, size, at + 48, 1, 8);
	}
}

static void check_image(const struct elf_image *image, const uint8_t *file, size_t size)
{
	struct elf_segment segment;
	unsigned int position = 0, nr = 0;
	uint64_t end = 0;
	bool entry = false;
	volatile uint8_t sum = 0;

	while (elf_next(image, &position, &segment)) {
		const uint64_t page = elf_segment_page(&segment);

		nr++;
		FUZZ_CHECK(page >= ELF_LOWEST && page >= end);
		end = page + elf_segment_pages(&segment) * ELF_PAGE;
		FUZZ_CHECK(end > page && end <= USER_END);
		FUZZ_CHECK(segment.address + segment.memory_size <= end);
		FUZZ_CHECK(segment.file_size <= segment.memory_size);
		FUZZ_CHECK(segment.rights & EXO_RIGHT_R);
		FUZZ_CHECK((segment.rights & (EXO_RIGHT_W | EXO_RIGHT_X)) !=
			   (EXO_RIGHT_W | EXO_RIGHT_X));
		entry |= segment.rights & EXO_RIGHT_X && image->entry >= segment.address &&
			 image->entry < segment.address + segment.memory_size;
		FUZZ_CHECK(segment.offset <= size && segment.file_size <= size - segment.offset);
		for (uint64_t i = 0; i < segment.file_size; i++)
			sum = (uint8_t)(sum + file[segment.offset + i]);
		FUZZ_CHECK(page >= image->low && end <= image->high);
	}
	FUZZ_CHECK(nr > 0 && entry);
	FUZZ_CHECK(image->headers == 0 ||
		   (image->headers >= image->low &&
		    image->headers + image->nr_headers * 56ull <= image->high));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image image;
	uint8_t *file;
	uint64_t base;

	if (size < 3)
		return 0;
	/* Of exactly its size, so that the address sanitizer sees a read beyond it. */
	file = malloc(size - 3);
	memcpy(file, data + 3, size - 3);
	if (size - 3 >= 64)
		fix(file, size - 3, data[0]);
	base = (uint64_t)(data[1] | data[2] << 8) << 12;
	if (data[0] & 0x80)
		base = USER_END - base;
	if (elf_open(file, size - 3, base, USER_END, &image) == ELF_OK)
		check_image(&image, file, size - 3);
	free(file);
	return 0;
}
