/* SPDX-License-Identifier: MIT */
/*
 * The first meeting with other CPUs: who is sent for, who comes, who is left behind.
 *
 * Pure code over struct smp_boot_machine, so that CPUs that are silent, slow or unfit are tested on
 * the host. Each CPU has a struct ap_start whose state goes one way:
 *
 *	AP_SILENT ──────> AP_ABANDONED	it has not come in time: it must halt if it ever does
 *	    │ └─────────> AP_UNFIT	it has come, and lacks @missing; it has halted
 *	    v
 *	AP_ARRIVED ─> AP_NUMBERED ─> AP_READY ─> AP_RUNNING
 *
 * The CPU itself makes the first step and the one to AP_READY, the boot CPU the others. Both may
 * try to end AP_SILENT: compare-and-exchange lets one of them succeed.
 */
#ifndef SMP_BOOT_H
#define SMP_BOOT_H

#include <exo/compiler.h>
#include <stdatomic.h>
#include <stdbool.h>

enum ap_state {
	AP_SILENT,
	AP_ABANDONED,
	AP_UNFIT,
	AP_ARRIVED, /* waits for a number */
	AP_NUMBERED, /* sets itself up, interrupts off */
	AP_READY, /* could be interrupted; waits to be let go */
	AP_RUNNING,
};

struct ap_start {
	uint32_t apic_id;
	_Atomic unsigned int state; /* enum ap_state */
	const char *missing; /* AP_UNFIT: what the CPU lacks */
};

struct smp_boot_machine {
	void (*send_init)(uint32_t apic_id);
	void (*send_startup)(uint32_t apic_id, paddr_t page);
	uint64_t (*now)(void); /* ns */
	void (*pause)(void);
};

/* SDM vol. 3, 8.4.4.1: INIT, 10 ms, STARTUP, 200 us, STARTUP to those that need it; then see .c. */
#define SMP_INIT_NS 10000000ull
#define SMP_STARTUP_NS 200000ull
#define SMP_ARRIVAL_NS 4000000000ull /* a guess: a loaded host lets a virtual CPU wait for long */

/* Resets all @nr CPUs of @list. Returns the time from which SMP_INIT_NS count. */
uint64_t smp_boot_reset(const struct smp_boot_machine *machine, struct ap_start *const *list,
			unsigned int nr);

/**
 * smp_boot_gather() - start them at @page, and wait for all of them together
 * @reset: the result of smp_boot_reset()
 * Returns how many have arrived. All others are abandoned or unfit afterwards.
 */
unsigned int smp_boot_gather(const struct smp_boot_machine *machine, struct ap_start *const *list,
			     unsigned int nr, paddr_t page, uint64_t reset);

/* Waits until @ap is in @state; false if that takes longer than @limit ns. */
bool smp_boot_await(const struct smp_boot_machine *machine, struct ap_start *ap,
		    enum ap_state state, uint64_t limit);

/**
 * smp_boot_arrive() - the CPU says that it is here
 * @missing: what it lacks, or NULL. Returns false if it is not wanted: it must halt for good.
 */
bool smp_boot_arrive(struct ap_start *ap, const char *missing);

#endif
