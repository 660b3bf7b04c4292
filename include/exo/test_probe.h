/* SPDX-License-Identifier: MIT */
/* Self tests: an access by the kernel that may fault, survived (tests/kernel/probe.c). */
#ifndef EXO_TEST_PROBE_H
#define EXO_TEST_PROBE_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>
#include <stdint.h>

struct interrupt_frame;

enum test_access {
	TEST_READ, /* of a byte */
	TEST_WRITE, /* to a byte, which keeps its value */
	TEST_EXECUTE, /* of what is a RET */
};

/* Bits of a page fault's error code (SDM vol. 3, 4.7). */
enum test_fault { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_FETCH = 16 };

/**
 * test_probe() - do one access, in the kernel's mode
 * @error: where the error code of a page fault goes
 * Returns true if the access was made, false if it was a page fault at @address. Another exception,
 * or a page fault elsewhere, is the panic that it always is. One at a time on all CPUs.
 */
bool test_probe(enum test_access access, uint64_t address, uint64_t *error);

#if IS_ENABLED(CONFIG_TESTS)
/* A page fault in the kernel: true if it was test_probe()'s, which then goes on and says so. */
bool test_probe_fixup(struct interrupt_frame *frame, uint64_t address);
#else
static inline bool test_probe_fixup(struct interrupt_frame *frame, uint64_t address)
{
	(void)frame;
	(void)address;
	return false;
}
#endif

#endif
