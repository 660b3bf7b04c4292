/* SPDX-License-Identifier: MIT */
/* jemalloc, of which Debian's build replaces malloc(). */
#include <inttypes.h>
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"

#define BYTES 100000

/* Bytes that this thread has allocated through jemalloc so far. */
static uint64_t allocated(void)
{
	uint64_t bytes = 0;
	size_t size = sizeof(bytes);

	if (mallctl("thread.allocated", &bytes, &size, NULL, 0) != 0)
		fail("jemalloc does not count what it allocates");
	return bytes;
}

void allocator_identify(char *text, size_t size)
{
	const uint64_t before = allocated();
	void *volatile block = malloc(BYTES);
	const char *version = NULL;
	size_t version_size = sizeof(version);
	int length = 0;

	if (!block || allocated() < before + BYTES)
		fail("malloc() is not jemalloc's");
	free(block);
	if (mallctl("version", &version, &version_size, NULL, 0) != 0)
		fail("jemalloc does not tell its version");
	while (version[length] && version[length] != '-') /* the rest names the revision */
		length++;
	snprintf(text, size, "jemalloc %.*s", length, version);
}
