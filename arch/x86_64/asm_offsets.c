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
#include <arch/speculation.h>
#include <arch/user.h>
#include <exo/boot_info.h>
#include <exo/env.h>
#include <exo/errno.h>
#include <exo/offsets.h>
#include <exo/thread.h>
#include <exo/user.h>

/* Of a struct user_thread's field, from where thread->user points to. */
#define USER(field)                                     \
	((int64_t)offsetof(struct user_thread, field) - \
	 (int64_t)offsetof(struct user_thread, context))

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
	DEFINE(ASM_USER_GRANTED, USER(granted));
	DEFINE(ASM_CPU_CURRENT, offsetof(struct cpu, current));
	DEFINE(ASM_THREAD_STATE, offsetof(struct thread, state));
	DEFINE(ASM_THREAD_FPU_LIVE, offsetof(struct thread, fpu_live));
	DEFINE(ASM_THREAD_URGENCY, offsetof(struct thread, urgency));
	DEFINE(ASM_THREAD_LENT, offsetof(struct thread, lent));
	DEFINE(ASM_THREAD_SWITCHES, offsetof(struct thread, switches));
	DEFINE(ASM_THREAD_READY, THREAD_READY);
	DEFINE(ASM_THREAD_BLOCKED, THREAD_BLOCKED);
	DEFINE(ASM_CPU_UNDISTURBED, offsetof(struct cpu, undisturbed));
	DEFINE(ASM_CPU_QUEUE, offsetof(struct cpu, queue));
	DEFINE(ASM_CPU_SPACE, offsetof(struct cpu, space));
	DEFINE(ASM_CPU_TSS, offsetof(struct cpu, tss));
	DEFINE(ASM_TSS_RSP0, offsetof(struct tss, rsp));
	DEFINE(ASM_CPU_STATE, offsetof(struct cpu, state));
	DEFINE(ASM_CPU_IN_PROGRAM, offsetof(struct cpu, in_program));
	DEFINE(ASM_CPU_USER_WORD, offsetof(struct cpu, user_word));
	DEFINE(ASM_ENTRY_KERNEL_CR3, offsetof(struct cpu_entry, kernel_cr3));
	DEFINE(ASM_ENTRY_USER_CR3, offsetof(struct cpu_entry, user_cr3));
	DEFINE(ASM_ENTRY_WORD, offsetof(struct cpu_entry, word));
	DEFINE(ASM_ENTRY_TRAP_CR3, offsetof(struct cpu_entry, trap_cr3));
	DEFINE(ASM_ENTRY_STACK, offsetof(struct cpu_entry, segments.tss.rsp));
	DEFINE(ASM_STATE_MESSAGE, offsetof(struct exo_state_page, message));
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
	DEFINE(ASM_UT_CONTEXT, offsetof(struct user_thread, context));
	DEFINE(ASM_UT_IPC_NEXT, offsetof(struct user_thread, ipc.next));
	DEFINE(ASM_UT_IPC_PREVIOUS, offsetof(struct user_thread, ipc.previous));
	DEFINE(ASM_UT_IPC_QUEUED, offsetof(struct user_thread, ipc.queued));
	DEFINE(ASM_UT_IPC_SERVER, offsetof(struct user_thread, ipc.server));
	DEFINE(ASM_UT_IPC_CALLER, offsetof(struct user_thread, ipc.caller));
	DEFINE(ASM_UT_IPC_VIA, offsetof(struct user_thread, ipc.via));
	DEFINE(ASM_UT_IPC_ROLE, offsetof(struct user_thread, ipc.role));
	DEFINE(ASM_UT_THREAD, offsetof(struct user_thread, thread));
	DEFINE(ASM_UT_ENV, offsetof(struct user_thread, env));
	DEFINE(ASM_UT_BOUND, offsetof(struct user_thread, bound));
	DEFINE(ASM_UT_STATE, offsetof(struct user_thread, context.state));
	DEFINE(ASM_UT_ENTRY_STATE, offsetof(struct user_thread, context.entry_state));
	DEFINE(ASM_UT_SPACE, offsetof(struct user_thread, context.space));
	DEFINE(ASM_UT_FS, offsetof(struct user_thread, context.fs_base));
	DEFINE(ASM_UT_GS, offsetof(struct user_thread, context.gs_base));
	DEFINE(ASM_IPC_RECEIVES_PLAIN, IPC_RECEIVES_PLAIN);
	DEFINE(ASM_IPC_CALLS_PLAIN, IPC_CALLS_PLAIN);
	DEFINE(ASM_ENV_SLOTS, offsetof(struct env, table.nr_slots));
	DEFINE(ASM_ENV_PAGES, offsetof(struct env, table.pages));
	DEFINE(ASM_CAPS_PER_PAGE, CAPS_PER_PAGE);
	DEFINE(ASM_CAP_SLOT, offsetof(struct cap, slot));
	DEFINE(ASM_CAP_BADGE, offsetof(struct cap, first));
	DEFINE(ASM_OBJECT_TYPE, offsetof(struct object, type));
	DEFINE(ASM_OBJECT_ALIGN, OBJECT_ALIGN);
	DEFINE(ASM_LIVE_EP, OBJECT_LIVE << 8 | EXO_TYPE_EP);
	DEFINE(ASM_RIGHT_R, EXO_RIGHT_R);
	DEFINE(ASM_RIGHT_W, EXO_RIGHT_W);
	DEFINE(ASM_EP_RECEIVERS, offsetof(struct endpoint, receivers));
	DEFINE(ASM_EP_SENDERS, offsetof(struct endpoint, senders));
	DEFINE(ASM_EP_BUSY, offsetof(struct endpoint, busy));
	DEFINE(ASM_TAG_GRANT, EXO_TAG_GRANT);
	DEFINE(ASM_TAG_WORDS, EXO_TAG_WORDS(~0u));
	DEFINE(ASM_MESSAGE_REGISTERS, EXO_MESSAGE_REGISTERS);
	DEFINE(ASM_SPACE_ROOT, offsetof(struct page_table, root));
	DEFINE(ASM_SPACE_USER_ROOT, offsetof(struct page_table, user_root));
	DEFINE(ASM_USER_PCID, PTI_USER_PCID);
	DEFINE(ASM_MSR_PRED_CMD, MSR_PRED_CMD);
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
