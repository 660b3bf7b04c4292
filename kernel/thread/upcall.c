/* SPDX-License-Identifier: MIT */
/*
 * Upcalls: a thread in user mode is made to call its handler.
 *
 * The state page is the program's, and other threads of it may change it at any time: each field is
 * read once, what is read is a number that goes nowhere but into registers of user mode, and only
 * @disabled and @pending mean anything to the kernel. Page faults mostly do not come here:
 * page_fault_entry (user_entry.asm) does the same in assembler.
 */
#include "user_internal.h"

#include <arch/interrupt_frame.h>
#include <arch/user.h>

/* Has @frame call @entry; @state takes what it interrupts. */
static void enter(struct interrupt_frame *frame, struct exo_state_page *state, uint64_t entry,
		  uint64_t cause)
{
	state->rip = frame->rip;
	state->rsp = frame->rsp;
	state->rflags = frame->rflags;
	state->rcx = frame->rcx;
	state->r11 = frame->r11;
	state->cause = cause;
	state->disabled = 1;
	frame->rip = user_address(entry);
	frame->rsp = user_address(READ_ONCE(state->stack));
	frame->rflags = RFLAGS_IF | 2;
}

void user_exception(struct interrupt_frame *frame, uint64_t address)
{
	struct thread *thread = thread_current();
	struct user_context *user = thread->user;
	struct exo_state_page *state = user->state;
	uint64_t entry;

	if (state && !READ_ONCE(state->disabled) && (entry = READ_ONCE(state->entry))) {
		state->error = frame->error;
		state->address = address;
		enter(frame, state, entry, frame->vector);
		return;
	}
	/* First the wish: who is told may take it back at once. */
	atomic_fetch_or(&thread->attention, THREAD_STOP);
	if (user->faulted)
		user->faulted(thread, frame, address);
}

/* It is this CPU's and comes by user_attend() before it goes on: no kick is needed. */
void user_tell_slice(struct thread *thread)
{
	struct user_context *user = thread->user;

	if (!user->state || !(READ_ONCE(user->state->wanted) & EXO_EVENT_SLICE))
		return;
	atomic_fetch_or(&user->events, EXO_EVENT_SLICE);
	atomic_fetch_or(&thread->attention, THREAD_EVENT);
}

void user_deliver(struct thread *thread, struct interrupt_frame *frame)
{
	struct user_context *user = thread->user;
	struct exo_state_page *state = user->state;
	uint32_t pending;
	uint64_t entry;

	/* The wish before what it is about, as user_notify() sets the other first. */
	atomic_fetch_and(&thread->attention, ~(unsigned int)THREAD_EVENT);
	pending = atomic_exchange(&user->events, 0);
	if (!state)
		return;
	pending |= __atomic_fetch_or(&state->pending, pending, __ATOMIC_SEQ_CST);
	if (!(pending & READ_ONCE(state->wanted)) || READ_ONCE(state->disabled))
		return;
	entry = READ_ONCE(state->entry);
	if (!entry)
		return;
	state->error = state->address = 0;
	enter(frame, state, entry, EXO_UPCALL_EVENT);
}
