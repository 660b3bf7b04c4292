; SPDX-License-Identifier: MIT
; Interrupt and exception entry: one 8-byte stub a vector, then one common path into C.
;
; The CPU pushes an error code for some exceptions only; interrupt_entry makes the frame the same for
; all (struct interrupt_frame). Stub N is at interrupt_stubs + 8 * N.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

%ifdef CONFIG_IRQ
%define VECTORS 256
%else
%define VECTORS 32
%endif

section .text.entry progbits alloc exec nowrite align=16
bits 64
extern interrupt_dispatch
global interrupt_stubs

align 8
interrupt_stubs:
%assign vector 0
%rep VECTORS
	align 8, db 0xcc
%if vector < 32 && (ASM_EXCEPTIONS_WITH_ERROR >> vector) & 1
	push byte vector
	jmp near interrupt_entry_error
%elif vector < 128
	push byte vector
	jmp near interrupt_entry
%else
	push byte vector - 256			; sign-extended; interrupt_entry undoes that
	jmp near interrupt_entry
%endif
%assign vector vector + 1
%endrep

; [rsp] = vector, and above it what the CPU pushed.
interrupt_entry:
	push qword [rsp]			; the vector moves down a slot …
	mov qword [rsp + 8], 0			; … and leaves 0 as the error code
interrupt_entry_error:
	push rax
	movzx eax, byte [rsp + 8]
	mov [rsp + 8], rax
	push rcx
	push rdx
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	cld
	mov rdi, rsp
	call interrupt_dispatch
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rax
	add rsp, 16				; vector, error code
	iretq
