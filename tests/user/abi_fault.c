/* SPDX-License-Identifier: MIT */
/*
 * The main thread's upcalls: faults that a test provokes, and events. Compiled without vector
 * registers, which an upcall does not save.
 */
#include "abi.h"

#include <libexo/upcall.h>

struct abi_fault abi_fault;
volatile uint64_t abi_events;
volatile uint32_t abi_event_bits;

static uint64_t stack[512];
static volatile uint64_t resume; /* where abi_try() goes on after a fault; 0: none is expected */
static volatile uint64_t resume_stack;

static void handle(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	if (state->cause == EXO_UPCALL_EVENT) {
		abi_event_bits |= __atomic_exchange_n(&state->pending, 0, __ATOMIC_SEQ_CST);
		abi_events++;
		return;
	}
	if (!resume)
		exo_upcall_report(state, registers);
	abi_fault.cause = state->cause;
	abi_fault.error = state->error;
	abi_fault.address = state->address;
	state->rip = resume;
	state->rsp = resume_stack;
	registers->rax = 1;
}

void abi_upcalls(uint32_t wanted)
{
	abi_event_bits = 0;
	abi_events = 0;
	exo_upcall_init(ABI_STATE, stack, sizeof(stack), handle, NULL, wanted);
	__atomic_store_n(&ABI_STATE->pending, 0, __ATOMIC_SEQ_CST);
}

/* rax is 0 before the access, and 1 where the handler has led behind it. */
#define TRY(instruction)                                                                     \
	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"                                          \
			 "mov %%rcx, %[resume]\n\t"                                          \
			 "mov %%rsp, %[stack]\n\t"                                           \
			 "xor %%eax, %%eax\n\t" instruction "\n1:"                           \
			 : "=&a"(faulted), [resume] "=m"(resume), [stack] "=m"(resume_stack) \
			 : "d"(address)                                                      \
			 : "rcx", "memory", "cc")

bool abi_try(enum abi_access access, uint64_t address)
{
	uint64_t faulted = 0;

	if (access == ABI_READ)
		TRY("movb (%%rdx), %%cl");
	else if (access == ABI_WRITE)
		TRY("movb $0x5a, (%%rdx)");
	else /* the red zone is this function's */
		TRY("lea -128(%%rsp), %%rsp\n\tcall *%%rdx\n\tlea 128(%%rsp), %%rsp");
	resume = 0;
	return !faulted;
}
