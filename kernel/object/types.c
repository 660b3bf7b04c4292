/* SPDX-License-Identifier: MIT */
/* The types of objects that this kernel has, each a row; the others do not exist. */
#include <exo/bank.h>

const struct object_type object_types[NR_OBJECT_TYPES] = {
	[EXO_TYPE_BANK] = { .name = "bank", .size = sizeof(struct bank), .end = bank_end },
};
