/* SPDX-License-Identifier: MIT */
/*
 * Interrupt descriptor table: every vector leads to its stub in entry.asm.
 *
 * With CONFIG_IRQ=n no interrupt is ever enabled, so the table ends after the 32 exceptions and a
 * stray INT n above them is a general-protection fault (SDM vol. 3, 6.10 to 6.14).
 */
#include <arch/gdt.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <exo/config.h>

struct idt_entry {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

_Static_assert(sizeof(struct idt_entry) == 16, "IDT entry (SDM vol. 3, figure 6-8)");

#define IDT_INTERRUPT_GATE 0x8e /* present, ring 0, interrupts off on entry */
#define IDT_FROM_USER 0x60 /* INT n may name it in ring 3 */
#define STUB_SIZE 8
/* With CONFIG_PTI it is all that is on its page. */
#define IDT_ALIGN (IS_ENABLED(CONFIG_PTI) ? PAGE_SIZE : 16)

struct __packed idt_pointer {
	uint16_t limit;
	uint64_t base;
};

extern const char interrupt_stubs[];
static struct idt_entry idt[NR_VECTORS] __aligned(IDT_ALIGN);

_Static_assert(!IS_ENABLED(CONFIG_PTI) || sizeof(idt) == PAGE_SIZE, "alone on its page");

uint64_t idt_address(void)
{
	return (uintptr_t)idt;
}

static uint8_t vector_ist(unsigned int vector)
{
	if (!IS_ENABLED(CONFIG_IST))
		return IST_NONE;
	switch (vector) {
	case VECTOR_DEBUG:
		return IS_ENABLED(CONFIG_PROTECTED) ? IST_DEBUG : IST_NONE;
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case VECTOR_MACHINE_CHECK:
		return IST_MACHINE_CHECK;
	default:
		return IST_NONE;
	}
}

static uint8_t vector_type(unsigned int vector)
{
	if (IS_ENABLED(CONFIG_PROTECTED) &&
	    (vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW))
		return IDT_INTERRUPT_GATE | IDT_FROM_USER;
	return IDT_INTERRUPT_GATE;
}

void idt_init_cpu(void)
{
	const struct idt_pointer pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

__boot void idt_init(void)
{
	uint64_t stub = (uintptr_t)interrupt_stubs;

	for (unsigned int vector = 0; vector < NR_VECTORS; vector++, stub += STUB_SIZE)
		idt[vector] = (struct idt_entry){
			.offset_low = (uint16_t)stub,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
			.selector = SELECTOR_KERNEL_CODE,
			.ist = vector_ist(vector),
			.type = vector_type(vector),
		};
	idt_init_cpu();
}
