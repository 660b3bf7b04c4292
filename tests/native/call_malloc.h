/* SPDX-License-Identifier: MIT */
/* What the native comparison measures of the libraries: malloc() and its family. */
#ifndef CALL_MALLOC_H
#define CALL_MALLOC_H

#include <stdlib.h>

static inline void *call_allocate(size_t size)
{
	return malloc(size);
}

static inline void call_free(void *block)
{
	free(block);
}

static inline void *call_resize(void *block, size_t size)
{
	return realloc(block, size);
}

#endif
