/* SPDX-License-Identifier: MIT */
/* Waiting in a host test: lets other threads run, in place of arch/x86_64/include/arch/pause.h. */
#ifndef ARCH_PAUSE_H
#define ARCH_PAUSE_H

#include <sched.h>

static inline void cpu_pause(void)
{
	sched_yield();
}

#endif
