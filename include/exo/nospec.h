/* SPDX-License-Identifier: MIT */
/*
 * Indexes that programs name, behind their bounds check (CONFIG_SPECULATION_MASKS).
 *
 * A CPU that takes the check for passed, before it knows, reads at any index for a moment, and what
 * it read can be told from the caches (bounds check bypass, CVE-2017-5753; SDM vol. 1, 19.3). A
 * mask that is made of the index and the bound by arithmetic is right even then.
 */
#ifndef EXO_NOSPEC_H
#define EXO_NOSPEC_H

#include <arch/nospec.h>
#include <exo/config.h>

/*
 * @index, which has been found to be below @size; 0 where that was only a guess of the CPU's.
 * Without the option @size is not even looked at.
 */
#define index_nospec(index, size)                                         \
	({                                                                \
		uint64_t nospec_index = (index);                          \
                                                                          \
		if (IS_ENABLED(CONFIG_SPECULATION_MASKS))                 \
			nospec_index &= index_mask(nospec_index, (size)); \
		nospec_index;                                             \
	})

#endif
