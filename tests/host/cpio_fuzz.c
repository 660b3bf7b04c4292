/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for the cpio reader. The first byte says how many headers are made right, one behind
 * the other: magic, and sizes that are small; the rest is the archive.
 */
#include "fuzz_check.h"

#include <exo/compiler.h>
#include <exo/cpio.h>
#include <exo/string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 110u

static void put_number(uint8_t *header, unsigned int field, unsigned int value)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%08x", value);
	memcpy(header + 6 + field * 8, digits, 8);
}

static void fix(uint8_t *archive, size_t size, unsigned int count)
{
	static const unsigned int others[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12 };

	for (size_t at = 0; count-- > 0 && at + HEADER + 16 <= size;) {
		uint8_t *header = archive + at;
		const unsigned int name = 2 + header[6] % 14, length = header[7] % 64;

		memcpy(header, "070701", 6);
		for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
			put_number(header, others[i], header[8 + i]);
		put_number(header, 6, length);
		put_number(header, 11, name);
		for (unsigned int i = 0; i < name - 1; i++)
			header[HEADER + i] |= 1;
		header[HEADER + name - 1] = 0;
		at = (((at + HEADER + name + 3) & ~(size_t)3) + length + 3) & ~(size_t)3;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpio_archive archive;
	struct cpio_file file, found;
	uint8_t *copy;
	size_t nr = 0;
	volatile uint8_t sum = 0;

	if (size < 1)
		return 0;
	copy = malloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	fix(copy, size - 1, data[0] % 8);
	archive = cpio_open(copy, size - 1);
	while (cpio_next(&archive, &file)) {
		const uint8_t *bytes = file.data;

		FUZZ_CHECK(++nr <= size / HEADER);
		FUZZ_CHECK(bytes >= copy && bytes - copy + file.size <= size - 1);
		FUZZ_CHECK(file.name[0] != '\0' && strlen(file.name) < size);
		for (size_t i = 0; i < file.size; i++)
			sum = (uint8_t)(sum + bytes[i]);
		if ((file.mode & CPIO_TYPE_MASK) == CPIO_TYPE_FILE) {
			FUZZ_CHECK(cpio_find(copy, size - 1, file.name, &found) == CPIO_OK);
			FUZZ_CHECK(strcmp(found.name, file.name) == 0);
		}
	}
	FUZZ_CHECK(archive.error < CPIO_ERRORS && archive.error != CPIO_E_NONE);
	free(copy);
	return 0;
}
