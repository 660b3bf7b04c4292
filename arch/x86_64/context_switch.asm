; SPDX-License-Identifier: MIT
; Switching from one thread to another: what a C function must keep (System V ABI, 3.2.1) goes onto
; the old stack, the rest is the callers' business. Interrupts are off.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "retpoline.inc"

section .text.entry progbits alloc exec nowrite align=16
bits 64
global context_switch, thread_begin
extern thread_exit

; void context_switch(struct thread *previous, struct thread *next)
align 16
context_switch:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	mov [rdi + ASM_THREAD_STACK_POINTER], rsp
	mov rsp, [rsi + ASM_THREAD_STACK_POINTER]
%ifdef CONFIG_SCHED_STEALING
	; 0 while it runs: a CPU that takes a ready thread from another one must wait until that
	; CPU has saved it, by the store above.
	mov qword [rsi + ASM_THREAD_STACK_POINTER], 0
%endif
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	ret

; Where a new thread's first switch returns to (kernel/thread/thread.c prepares its stack):
; RBX = function, R12 = argument. RBP is 0, which ends backtraces.
align 16
thread_begin:
	mov rdi, r12
	sti
	CALL_REGISTER rbx			; (argument)
	xor edi, edi
	call thread_exit			; (result), does not return
	ud2
