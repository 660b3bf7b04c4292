/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of each CPU (SDM vol. 3, ch. 10): interrupts between CPUs, end of interrupt, the
 * timer's registers. Registers are reached by memory (xAPIC) or by MSRs (x2APIC), as lapic_init()
 * has decided. Each function acts on the CPU that executes it.
 */
#ifndef ARCH_LAPIC_H
#define ARCH_LAPIC_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdbool.h>

/* Offsets in xAPIC mode; the x2APIC's MSR is 0x800 + offset / 16. */
enum lapic_register {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_LDR = 0xd0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ISR = 0x100, /* the first of eight: a bit for each vector that is in service */
	LAPIC_ESR = 0x280,
	LAPIC_ICR = 0x300,
	LAPIC_ICR_HIGH = 0x310, /* xAPIC only */
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

/* LVT entries, and the low half of the ICR (SDM vol. 3, figures 10-8 and 10-12). */
enum lapic_lvt {
	LVT_NMI = 0x400,
	LVT_EXTINT = 0x700, /* the 8259 pair says the vector */
	LVT_ACTIVE_LOW = 0x2000,
	LVT_MASKED = 0x10000,
};

#define LAPIC_ENABLED 0x100u /* in LAPIC_SPURIOUS, besides the vector */

#if IS_ENABLED(CONFIG_APIC)
/* lapic_init() has returned true. */
bool lapic_present(void);
#else
static inline bool lapic_present(void)
{
	return false;
}
#endif

/* The rest is there with CONFIG_APIC only. */

/*
 * The boot CPU, once, interrupts off: finds the APIC, chooses the mode. Returns false if there is
 * none to use, and says why.
 */
bool lapic_init(void);

/*
 * Every CPU, the boot CPU included, after lapic_init() has succeeded there. Interrupts off. Sets
 * cpu_this()->apic_id.
 */
void lapic_init_cpu(void);

/* "xAPIC" or "x2APIC". */
const char *lapic_mode_name(void);

/* Where the xAPIC's registers are, by IA32_APIC_BASE. */
paddr_t lapic_address(void);

/* This CPU's APIC ID: 8 bits, or 32 in x2APIC mode. */
uint32_t lapic_id(void);

/* In xAPIC mode not every ID that the MADT may name can be sent to. */
bool lapic_reaches(uint32_t apic_id);

uint32_t lapic_read(enum lapic_register number);
void lapic_write(enum lapic_register number, uint32_t value);

/* Ends the interrupt that is in service. */
void lapic_end(void);

/* The interrupt came from here and waits for lapic_end(). */
bool lapic_in_service(unsigned int vector);

/* Interrupts the CPU with @apic_id on @vector. Everything written before is visible to it. */
void lapic_send(uint32_t apic_id, unsigned int vector);
void lapic_send_nmi(uint32_t apic_id);

/* The start of another CPU (SDM vol. 3, 8.4.4): INIT, then STARTUP with a page below 1 MiB. */
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, paddr_t page);

/* VECTOR_LAPIC_ERROR: counts what the APIC complains of, and says so the first time. */
void lapic_error_interrupt(void);

/* How often that was, on all CPUs, and how many interrupts could not be sent. */
uint64_t lapic_errors(void);

#endif
