/* SPDX-License-Identifier: MIT */
/* Vectors, the interrupt descriptor table and what happens on each vector. */
#ifndef ARCH_INTERRUPT_H
#define ARCH_INTERRUPT_H

#include <arch/interrupt_frame.h>
#include <exo/config.h>

enum vector {
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3, /* INT3: programs may raise it, and the next one */
	VECTOR_OVERFLOW = 4,
	VECTOR_INVALID_OPCODE = 6,
	VECTOR_NO_DEVICE = 7,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_FIRST_EXTERNAL = 32, /* NR_IRQS device lines (exo/irq.h) */
	VECTOR_PIC_UNUSED = 0xd0, /* the 8259 pair's 16 lines while the I/O APICs are used */
	VECTOR_LAPIC_TIMER = 0xe0,
	VECTOR_IPI_FIRST = 0xe1, /* + enum ipi */
	VECTOR_LAPIC_ERROR = 0xfe,
	VECTOR_SPURIOUS = 0xff, /* a local APIC that has nothing left to say; never to be ended */
};

#define NR_EXCEPTIONS 32
#define NR_VECTORS (IS_ENABLED(CONFIG_IRQ) ? 256 : NR_EXCEPTIONS)

/* Fills and loads the IDT. After gdt_init(); from here on a fault is a panic, not a reset. */
void idt_init(void);

/* Loads it on another CPU: there is one for all. */
void idt_init_cpu(void);

/* Where it is: one page of its own with CONFIG_PTI. */
uint64_t idt_address(void);

/* Called by entry.asm, interrupts off. */
void interrupt_dispatch(struct interrupt_frame *frame);

/* Vectors below 32: reports and does not return, except for vectors that may be survived. */
void exception_handle(struct interrupt_frame *frame);

/* Vectors of the interrupt controller; only with CONFIG_IRQ. */
struct thread *irq_dispatch(unsigned int irq);

/*
 * Since boot, on all CPUs: interrupts on vectors that nobody uses, and those of local APICs that
 * had nothing left to say. Statistics: two CPUs at a time may count one.
 */
extern uint64_t interrupts_unexpected, interrupts_spurious;

#endif
