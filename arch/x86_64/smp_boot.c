/* SPDX-License-Identifier: MIT */
/*
 * Sending for the other CPUs and waiting for them: one wait for all, in steps of the SDM's times.
 * A STARTUP that comes before the CPU is done with its INIT is lost, and virtual CPUs may take
 * long; one that has started ignores it. So it is sent not twice but until the CPU comes, ever more
 * rarely. See smp_boot.h for the states. Called once, by the boot CPU; smp_boot_arrive() by each
 * other.
 */
#include "smp_boot.h"

static unsigned int count(struct ap_start *const *list, unsigned int nr, enum ap_state state)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < nr; i++)
		found += atomic_load_explicit(&list[i]->state, memory_order_acquire) == state;
	return found;
}

/* Until @deadline, or until nobody is missing. */
static void wait_for_all(const struct smp_boot_machine *machine, struct ap_start *const *list,
			 unsigned int nr, uint64_t deadline)
{
	while (count(list, nr, AP_SILENT) && machine->now() < deadline)
		machine->pause();
}

static void send_startups(const struct smp_boot_machine *machine, struct ap_start *const *list,
			  unsigned int nr, paddr_t page)
{
	for (unsigned int i = 0; i < nr; i++)
		if (atomic_load_explicit(&list[i]->state, memory_order_relaxed) == AP_SILENT)
			machine->send_startup(list[i]->apic_id, page);
}

uint64_t smp_boot_reset(const struct smp_boot_machine *machine, struct ap_start *const *list,
			unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		machine->send_init(list[i]->apic_id);
	return machine->now();
}

unsigned int smp_boot_gather(const struct smp_boot_machine *machine, struct ap_start *const *list,
			     unsigned int nr, paddr_t page, uint64_t reset)
{
	uint64_t now, wait = SMP_STARTUP_NS, end;

	while (machine->now() < reset + SMP_INIT_NS)
		machine->pause();
	end = machine->now() + SMP_ARRIVAL_NS;
	do {
		send_startups(machine, list, nr, page);
		now = machine->now();
		wait_for_all(machine, list, nr, now + wait < end ? now + wait : end);
		wait *= 2;
	} while (count(list, nr, AP_SILENT) && machine->now() < end);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int silent = AP_SILENT;

		atomic_compare_exchange_strong(&list[i]->state, &silent, AP_ABANDONED);
	}
	return count(list, nr, AP_ARRIVED);
}

bool smp_boot_await(const struct smp_boot_machine *machine, struct ap_start *ap,
		    enum ap_state state, uint64_t limit)
{
	const uint64_t deadline = machine->now() + limit;

	while (atomic_load_explicit(&ap->state, memory_order_acquire) != state) {
		if (machine->now() >= deadline)
			return false;
		machine->pause();
	}
	return true;
}

bool smp_boot_arrive(struct ap_start *ap, const char *missing)
{
	unsigned int silent = AP_SILENT;

	ap->missing = missing;
	return atomic_compare_exchange_strong(&ap->state, &silent,
					      missing ? AP_UNFIT : AP_ARRIVED) &&
	       !missing;
}
