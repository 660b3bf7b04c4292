/* SPDX-License-Identifier: MIT */
/* A lock between a program's threads: short waits only; who waits gives up the CPU. */
#ifndef LIBEXO_LOCK_H
#define LIBEXO_LOCK_H

#include <libexo/exo.h>

struct exo_lock {
	uint32_t held;
};

static inline void exo_lock(struct exo_lock *lock)
{
	while (__atomic_exchange_n(&lock->held, 1u, __ATOMIC_ACQUIRE) != 0)
		(void)exo_yield(EXO_SELF);
}

static inline void exo_unlock(struct exo_lock *lock)
{
	__atomic_store_n(&lock->held, 0u, __ATOMIC_RELEASE);
}

#endif
