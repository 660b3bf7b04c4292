/* SPDX-License-Identifier: MIT */
/*
 * Constants that C knows and NASM needs. Compiled to assembly only; the build turns each
 * "@define NAME value" into a line of generated/asm-offsets.inc.
 */
#include "smp_cpu.h"

#include <arch/gdt.h>
#include <arch/interrupt.h>
#include <arch/interrupt_frame.h>
#include <arch/layout.h>
#include <arch/pti.h>
#include <arch/user.h>
#include <exo/boot_info.h>
#include <exo/env.h>
#include <exo/errno.h>
#include <exo/thread.h>
#include <exo/user.h>

/* Of a struct user_thread's field, from where thread->user points to. */
#define USER(field)                                     \
	((int64_t)offsetof(struct user_thread, field) - \
	 (int64_t)offsetof(struct user_thread, context))

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
	DEFINE(ASM_THREAD_ATTENTION, offsetof(struct thread, attention));
	DEFINE(ASM_THREAD_KILL, THREAD_KILL);
	DEFINE(ASM_THREAD_USER, offsetof(struct thread, user));
	DEFINE(ASM_CPU_CURRENT, offsetof(struct cpu, current));
	DEFINE(ASM_CPU_STATE, offsetof(struct cpu, state));
	DEFINE(ASM_CPU_IN_PROGRAM, offsetof(struct cpu, in_program));
	DEFINE(ASM_CPU_USER_WORD, offsetof(struct cpu, user_word));
	DEFINE(ASM_ENTRY_KERNEL_CR3, offsetof(struct cpu_entry, kernel_cr3));
	DEFINE(ASM_ENTRY_USER_CR3, offsetof(struct cpu_entry, user_cr3));
	DEFINE(ASM_ENTRY_WORD, offsetof(struct cpu_entry, word));
	DEFINE(ASM_ENTRY_TRAP_CR3, offsetof(struct cpu_entry, trap_cr3));
	DEFINE(ASM_ENTRY_STACK, offsetof(struct cpu_entry, segments.tss.rsp));
	DEFINE(ASM_STATE_ENTRY, offsetof(struct exo_state_page, entry));
	DEFINE(ASM_STATE_FOREIGN, offsetof(struct exo_state_page, foreign));
	DEFINE(ASM_STATE_STACK, offsetof(struct exo_state_page, stack));
	DEFINE(ASM_STATE_DISABLED, offsetof(struct exo_state_page, disabled));
	DEFINE(ASM_STATE_RIP, offsetof(struct exo_state_page, rip));
	DEFINE(ASM_STATE_RSP, offsetof(struct exo_state_page, rsp));
	DEFINE(ASM_STATE_RFLAGS, offsetof(struct exo_state_page, rflags));
	DEFINE(ASM_STATE_RCX, offsetof(struct exo_state_page, rcx));
	DEFINE(ASM_STATE_R11, offsetof(struct exo_state_page, r11));
	DEFINE(ASM_STATE_CAUSE, offsetof(struct exo_state_page, cause));
	DEFINE(ASM_STATE_ERROR, offsetof(struct exo_state_page, error));
	DEFINE(ASM_STATE_ADDRESS, offsetof(struct exo_state_page, address));
	DEFINE(ASM_USER_THREAD, -(int64_t)offsetof(struct user_thread, context));
	DEFINE(ASM_IPC_BADGE, USER(ipc.badge));
	DEFINE(ASM_IPC_TAG, USER(ipc.message.tag));
	DEFINE(ASM_IPC_WORDS, USER(ipc.message.words));
	DEFINE(ASM_IPC_ERROR, USER(ipc.error));
	DEFINE(ASM_UPCALL_FOREIGN, EXO_UPCALL_FOREIGN);
	DEFINE(ASM_USER_BITS, USER_ADDRESS_BITS);
	DEFINE(ASM_E_CALL, EXO_E_CALL);
	DEFINE(ASM_SELECTOR_KERNEL_CODE, SELECTOR_KERNEL_CODE);
	DEFINE(ASM_SELECTOR_KERNEL_DATA, GDT_DATA * 8);
	DEFINE(ASM_SELECTOR_USER_CODE, SELECTOR_USER_CODE);
	DEFINE(ASM_SELECTOR_USER_DATA, SELECTOR_USER_DATA);
	DEFINE(ASM_FRAME_SIZE, sizeof(struct interrupt_frame));
	DEFINE(ASM_FRAME_VECTOR, offsetof(struct interrupt_frame, vector));
	DEFINE(ASM_VECTOR_DEBUG, VECTOR_DEBUG);
	DEFINE(ASM_VECTOR_NMI, VECTOR_NMI);
	DEFINE(ASM_VECTOR_DOUBLE_FAULT, VECTOR_DOUBLE_FAULT);
	DEFINE(ASM_VECTOR_PAGE_FAULT, VECTOR_PAGE_FAULT);
	DEFINE(ASM_VECTOR_MACHINE_CHECK, VECTOR_MACHINE_CHECK);
	DEFINE(ASM_AP_STACK, offsetof(struct ap, stack));
	DEFINE(ASM_AP_APIC_ID, offsetof(struct ap, start.apic_id));
	DEFINE(ASM_EXCEPTIONS_WITH_ERROR, EXCEPTIONS_WITH_ERROR);
}
