/* SPDX-License-Identifier: MIT */
/*
 * Error codes. Functions return 0 or the negative of one of these; the ABI uses the same numbers.
 * The meaning of each is in include/uapi/exo/errno.h, which this header only includes.
 */
#ifndef EXO_ERRNO_H
#define EXO_ERRNO_H

#include <uapi/exo/errno.h>

#endif
