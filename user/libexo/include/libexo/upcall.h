/* SPDX-License-Identifier: MIT */
/*
 * Upcalls: exceptions, events and foreign system calls of a thread, handled by C functions in it.
 *
 * The veneers (upcall.asm) save the general registers that C may use, call the handler on the
 * thread's upcall stack, and go back to where the thread was without the kernel, leaving its red
 * zone alone. Vector registers are live: a handler that returns must be compiled with
 * -mgeneral-regs-only, as must all that it calls. While it runs nothing else interrupts the thread,
 * and a fault of its own stops it.
 */
#ifndef LIBEXO_UPCALL_H
#define LIBEXO_UPCALL_H

#include <stddef.h>
#include <uapi/exo/abi.h>
#include <uapi/exo/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a handler may look at and change, besides rip, rsp, rflags, rcx and r11 in the state page.
 */
struct exo_upcall_registers {
	uint64_t rax, rdx, rsi, rdi, r8, r9, r10;
};

typedef void exo_upcall_handler(struct exo_state_page *state,
				struct exo_upcall_registers *registers);

/* What lies at the top of an upcall stack. */
struct exo_upcall_frame {
	struct exo_state_page *state;
	exo_upcall_handler *handler, *foreign;
	uint64_t reserved; /* keeps the stack aligned to 16 */
};

EXO_ABI_SIZE(struct exo_upcall_registers, 56);
EXO_ABI_SIZE(struct exo_upcall_frame, 32);

/* Where the kernel goes: what the state page's @entry and @foreign are. */
void exo_upcall_entry(void);
void exo_foreign_entry(void);

/**
 * exo_upcall_init() - have a thread's upcalls handled
 * @state: its state page
 * @stack, @size: memory for the handlers, 1 KiB or more, 16-byte aligned
 * @handler: for exceptions and events
 * @foreign: for system calls with bit 31 clear, whose number is rax; NULL: they answer EXO_E_CALL
 * @wanted: enum exo_event: which events interrupt the thread
 */
static inline void exo_upcall_init(struct exo_state_page *state, void *stack, size_t size,
				   exo_upcall_handler *handler, exo_upcall_handler *foreign,
				   uint32_t wanted)
{
	struct exo_upcall_frame *frame =
		(struct exo_upcall_frame *)(void *)((char *)stack + size) - 1;

	frame->state = state;
	frame->handler = handler;
	frame->foreign = foreign;
	frame->reserved = 0;
	state->stack = (uint64_t)frame;
	state->foreign = foreign ? (uint64_t)exo_foreign_entry : 0;
	state->wanted = wanted;
	__atomic_store_n(&state->entry, (uint64_t)exo_upcall_entry, __ATOMIC_RELEASE);
}

/* A handler that says what has happened and ends the program. */
void exo_upcall_report(struct exo_state_page *state, struct exo_upcall_registers *registers);

#ifdef __cplusplus
}
#endif

#endif
