/* SPDX-License-Identifier: MIT */
#include "spin_ops.h"

void spin_ops_wait(struct spin_word *word)
{
	spin_mcs_wait(word);
}
