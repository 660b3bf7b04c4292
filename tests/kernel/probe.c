/* SPDX-License-Identifier: MIT */
/*
 * Accesses of self tests that may fault. The page-fault handler asks test_probe_fixup(), which
 * leads the CPU that probes out of the access, wherever that has led it: a jump faults at its
 * target.
 */
#include <arch/cpu.h>
#include <arch/interrupt_frame.h>
#include <exo/cpu.h>
#include <exo/test_probe.h>

extern const char test_probe_recover[];
typedef void access_fn(uint64_t address, uint8_t value);
bool test_probe_try(access_fn *access, uint64_t address, uint8_t value);
access_fn test_probe_read, test_probe_write, test_probe_execute;

uintptr_t test_probe_stack; /* of test_probe_try(); probe.asm writes it */

static struct {
	bool armed;
	cpu_t cpu;
	uint64_t address, error;
} probe;

bool test_probe(enum test_access access, uint64_t address, uint64_t *error)
{
	static access_fn *const accesses[] = { test_probe_read, test_probe_write,
					       test_probe_execute };
	const uint64_t flags = irq_save();
	uint8_t value = 0;
	bool done;

	probe.cpu = cpu_current();
	probe.address = address;
	probe.armed = true;
	barrier();
	/* A write is no read as well, whose fault would come first. */
	if (access == TEST_WRITE && test_probe_try(test_probe_read, address, 0))
		value = *(const volatile uint8_t *)address;
	done = test_probe_try(accesses[access], address, value);
	barrier();
	probe.armed = false;
	*error = done ? 0 : probe.error;
	irq_restore(flags);
	return done;
}

bool test_probe_fixup(struct interrupt_frame *frame, uint64_t address)
{
	if (!probe.armed || probe.cpu != cpu_current() || address != probe.address)
		return false;
	probe.error = frame->error;
	frame->rip = (uintptr_t)test_probe_recover;
	frame->rsp = test_probe_stack;
	return true;
}
