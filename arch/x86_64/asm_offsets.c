/* SPDX-License-Identifier: MIT */
/*
 * Constants that C knows and NASM needs. Compiled to assembly only; the build turns each
 * "@define NAME value" into a line of generated/asm-offsets.inc.
 */
#include "smp_cpu.h"

#include <arch/interrupt_frame.h>
#include <arch/layout.h>
#include <exo/boot_info.h>
#include <exo/thread.h>

#define DEFINE(name, value) \
	__asm__ volatile(".ascii \"@define " #name " %c0\"" : : "i"((uint64_t)(value)))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(ASM_PAGE_SIZE, PAGE_SIZE);
	DEFINE(ASM_KERNEL_BASE, KERNEL_BASE);
	DEFINE(ASM_KERNEL_TABLES, KERNEL_TABLES);
	DEFINE(ASM_DIRECT_MAP_SLOT, (DIRECT_MAP_BASE >> 39) & 511);
	DEFINE(ASM_KERNEL_SLOT, (KERNEL_BASE >> 39) & 511);
	DEFINE(ASM_KERNEL_SLOT5, (KERNEL_BASE >> 48) & 511);
	DEFINE(ASM_KERNEL_SLOT2, (KERNEL_BASE >> 30) & 511);
	DEFINE(ASM_BOOT_PROTOCOL_MULTIBOOT2, BOOT_PROTOCOL_MULTIBOOT2);
	DEFINE(ASM_BOOT_PROTOCOL_PVH, BOOT_PROTOCOL_PVH);
	DEFINE(ASM_THREAD_STACK_POINTER, offsetof(struct thread, stack_pointer));
	DEFINE(ASM_AP_STACK, offsetof(struct ap, stack));
	DEFINE(ASM_AP_APIC_ID, offsetof(struct ap, start.apic_id));
	DEFINE(ASM_EXCEPTIONS_WITH_ERROR, EXCEPTIONS_WITH_ERROR);
}
