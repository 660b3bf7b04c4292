/* SPDX-License-Identifier: MIT */
/*
 * Quiescence: every CPU answers an interrupt. With interrupts off, in a system call, it does so
 * when it leaves that or waits for others in turn, so whatever it knew before it knows no more.
 */
#include <exo/object.h>
#include <exo/smp.h>

static void answer(void *unused)
{
	(void)unused;
}

void object_quiesce(void)
{
	struct cpu_set all;

	cpu_set_all(&all);
	smp_call(&all, answer, NULL);
}
