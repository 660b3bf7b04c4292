/* SPDX-License-Identifier: MIT */
/* Pins what programs and kernel share: a size or place that changes does not compile. C and C++. */
#ifndef UAPI_EXO_ABI_H
#define UAPI_EXO_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define EXO_ABI_ASSERT(condition) static_assert(condition, #condition)
#else
#define EXO_ABI_ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define EXO_ABI_SIZE(type, size) EXO_ABI_ASSERT(sizeof(type) == (size))
#define EXO_ABI_OFFSET(type, member, offset) EXO_ABI_ASSERT(offsetof(type, member) == (offset))

#endif
