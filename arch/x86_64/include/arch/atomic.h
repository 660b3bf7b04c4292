/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations for which C11 has no cheap form. Host tests have a header of this name that
 * keeps to C11 (tests/host/include), for the tools that check it.
 */
#ifndef ARCH_ATOMIC_H
#define ARCH_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Sets bit 0; was it clear? An acquire. What a compiler makes of C11's fetch_or varies. */
static inline bool atomic_acquire_bit16(_Atomic uint16_t *flags)
{
	bool was_set;

	__asm__ volatile("lock btsw $0, %0" : "+m"(*flags), "=@ccc"(was_set) : : "memory");
	return !was_set;
}

/*
 * Shifts right by one; a release. A load and a store in one instruction, but no atomic access: what
 * others store in between is lost.
 */
static inline void atomic_release_shift16(_Atomic uint16_t *flags)
{
	__asm__ volatile("shrw %0" : "+m"(*flags) : : "memory", "cc");
}

/*
 * Adds 1 to a counter that only the caller changes; a release. One instruction without a lock
 * prefix, since stores are seen in their order (SDM vol. 3, 8.2.2).
 */
static inline void atomic_release_increment16(_Atomic uint16_t *counter)
{
	__asm__ volatile("incw %0" : "+m"(*counter) : : "memory", "cc");
}

/* Is a counter @value? An acquire, as every load is here; compared where it is, in one instruction.
 */
static inline bool atomic_acquire_equals16(const _Atomic uint16_t *counter, uint16_t value)
{
	bool equal;

	__asm__ volatile("cmpw %2, %1" : "=@cce"(equal) : "m"(*counter), "r"(value) : "memory");
	return equal;
}

#endif
