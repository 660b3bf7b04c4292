/* SPDX-License-Identifier: MIT */
/*
 * Fairness and virtual CPUs. A lock that is handed over in the order of coming goes to a CPU that a
 * busy host may just have taken away, and all wait until it runs again: with more virtual CPUs than
 * real ones each hand-over can cost a host's time slice. So under a hypervisor whoever can takes
 * the lock (as Linux does there, without help of the hypervisor).
 */
#ifndef EXO_SPIN_VIRTUAL_H
#define EXO_SPIN_VIRTUAL_H

#include <stdbool.h>

/* Set at boot, from what CPUID says. */
extern bool spin_virtual;

#endif
