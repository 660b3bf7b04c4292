/* SPDX-License-Identifier: MIT */
/* The benchmark of interrupt entry and return (CONFIG_IRQ). */
#include <arch/interrupt.h>
#include <exo/bench.h>

#define SPURIOUS_VECTOR (VECTOR_FIRST_EXTERNAL + 7)

/* A line without a device, raised by software: entry, in-service check, count, end, return. */
static uint64_t irq_spurious(void)
{
	const uint64_t start = bench_start();

	__asm__ volatile("int %0" : : "i"(SPURIOUS_VECTOR) : "memory");
	return bench_stop(start);
}
BENCHMARK(irq_spurious, "irq.spurious", 1000);
