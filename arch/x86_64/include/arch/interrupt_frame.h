/* SPDX-License-Identifier: MIT */
/* What entry.asm leaves on the stack for C on an interrupt or exception. */
#ifndef ARCH_INTERRUPT_FRAME_H
#define ARCH_INTERRUPT_FRAME_H

#include <exo/compiler.h>

struct interrupt_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	uint64_t vector;
	uint64_t error; /* 0 where the CPU pushes none */
	uint64_t rip, cs, rflags, rsp, ss; /* pushed by the CPU */
};

/* The exceptions for which the CPU pushes an error code, one bit each (SDM vol. 3, table 6-1). */
#define EXCEPTIONS_WITH_ERROR 0x60227d00u

#endif
