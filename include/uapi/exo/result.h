/* SPDX-License-Identifier: MIT */
/* What every system call returns: in RAX and RDX, as the System V ABI returns such a struct. */
#ifndef UAPI_EXO_RESULT_H
#define UAPI_EXO_RESULT_H

#include <uapi/exo/abi.h>

struct exo_result {
	int64_t error; /* 0, or the negative of an enum exo_error */
	uint64_t value; /* 0 unless the call says otherwise */
};

EXO_ABI_SIZE(struct exo_result, 16);
EXO_ABI_OFFSET(struct exo_result, value, 8);

#endif
