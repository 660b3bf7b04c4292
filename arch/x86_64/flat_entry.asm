; SPDX-License-Identifier: MIT
; From the program of a flat kernel into the kernel and back (CONFIG_FLAT_OBJECTS): calls, interrupts
; and exceptions. Both run in the same mode; what they do not share is the stack.
;
; A thread's kernel stack begins at its TCB (kernel/thread/thread.c) and is empty while the program
; runs: cpu->in_program is set then. The CPU pushes what it interrupts onto the program's stack, from
; where it is moved here: so the program needs as little room for interrupts as in user mode, and is
; stopped and ended in the same way.
;
; NMI, #DF and #MC have stacks of their own and leave the program's thread alone.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "user.inc"

RFLAGS_PROGRAM		equ 0x202		; interrupts on, all else clear

section .text.entry progbits alloc exec nowrite align=16
bits 64
extern syscall_table, interrupt_dispatch, user_attend
global exo_flat_call, flat_interrupt, flat_ist_entry, flat_ist_entry_error, user_leave

; A system call: EAX = number; RDI RSI RDX RCX R8 R9 are the C function's arguments; it answers in RAX
; and RDX. Registers that C need not keep are lost. The whole call runs with interrupts off.
align 16
exo_flat_call:
	cmp eax, NR_CALLS
	jae .no_call
	mov r11, rsp
	cli
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 0
	mov rsp, [THIS_CPU(ASM_CPU_CURRENT)]
	push r11
	call [syscall_table + rax * 8]
	cmp dword [rsp + 8 + ASM_THREAD_ATTENTION], 0
	jne .attend
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 1
	pop rsp
	sti
	ret
.no_call:
	mov rax, -ASM_E_CALL
	xor edx, edx
	ret

; Somebody wants something: as if the call's return address had been interrupted. Not so for a thread
; that is to end: it goes nowhere, and its stack may be gone.
.attend:
	pop r10
	xor r11d, r11d
	test dword [rsp + ASM_THREAD_ATTENTION], ASM_THREAD_KILL
	jnz .ends
	mov r11, [r10]
	add r10, 8
.ends:
	push ASM_SELECTOR_KERNEL_DATA
	push r10
	push RFLAGS_PROGRAM
	push ASM_SELECTOR_KERNEL_CODE
	push r11
	push 0					; error code
	push 0					; vector
	PUSH_REGISTERS
	jmp attend

; On the program's stack: vector, error code, rip, cs, rflags, rsp, ss.
align 16
flat_interrupt:
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 0
	push rdi
	FRAME_TO_THREAD_STACK
	PUSH_REGISTERS
	cld
	movzx eax, byte [rsp + ASM_FRAME_VECTOR]
	mov [rsp + ASM_FRAME_VECTOR], rax
	mov rdi, rsp
	call interrupt_dispatch			; (frame)
	cmp dword [rsp + ASM_FRAME_SIZE + ASM_THREAD_ATTENTION], 0
	je return
attend:
	mov rdi, rsp
	call user_attend			; (frame)
return:
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 1
	POP_REGISTERS
	add rsp, 16				; vector, error code
	iretq

; void user_leave(const struct interrupt_frame *frame): goes to the program. Interrupts off.
user_leave:
	mov rsp, rdi
	jmp return

; What it finds in in_program is put back: a fault of the handler is the kernel's own.
flat_ist_entry:
	push qword [rsp]
	mov qword [rsp + 8], 0
flat_ist_entry_error:
	PUSH_REGISTERS
	cld
	movzx ebx, byte [THIS_CPU(ASM_CPU_IN_PROGRAM)]
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 0
	mov rdi, rsp
	call interrupt_dispatch			; (frame)
	mov byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], bl
	POP_REGISTERS
	add rsp, 16
	iretq
