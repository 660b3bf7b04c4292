/* SPDX-License-Identifier: MIT */
/* arch/x86_64/include/arch/atomic.h in C11, which sanitizers understand. */
#ifndef ARCH_ATOMIC_H
#define ARCH_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline bool atomic_acquire_bit16(_Atomic uint16_t *flags)
{
	return !(atomic_fetch_or_explicit(flags, 1, memory_order_acquire) & 1);
}

static inline void atomic_release_shift16(_Atomic uint16_t *flags)
{
	const uint16_t before = atomic_load_explicit(flags, memory_order_relaxed);

	atomic_store_explicit(flags, (uint16_t)(before >> 1), memory_order_release);
}

static inline void atomic_release_increment16(_Atomic uint16_t *counter)
{
	const uint16_t count = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, (uint16_t)(count + 1), memory_order_release);
}

static inline bool atomic_acquire_equals16(const _Atomic uint16_t *counter, uint16_t value)
{
	return atomic_load_explicit(counter, memory_order_acquire) == value;
}

#endif
