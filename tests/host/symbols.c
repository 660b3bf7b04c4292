/* SPDX-License-Identifier: MIT */
/* symbol_find() of host programs, which have no table of names. Weak, for tests that do. */
#include <exo/backtrace.h>

__attribute__((__weak__)) const char *symbol_find(uint64_t address, uint64_t *offset,
						  uint64_t *size)
{
	(void)address, (void)offset, (void)size;
	return NULL;
}
