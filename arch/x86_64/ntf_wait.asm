; SPDX-License-Identifier: MIT
; The short way out of ntf_wait. On the stack of a thread that waits there is nothing that is needed, once
; somebody has served it, but what its program is to get back: the registers that C keeps. So they are put
; first, at a known place and as context_switch keeps them, and user_wait_is_over() (arch/ntf_wait.h) has
; context_switch go on from there.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

section .text.entry progbits alloc exec nowrite align=16
bits 64
extern ntf_wait_call
global sys_ntf_wait

align 16
sys_ntf_wait:
%ifndef CONFIG_PROTECTED
%define LONG_WAY
%endif
%ifdef CONFIG_CC_OPTIMIZE_SIZE
%define LONG_WAY
%endif
%ifdef LONG_WAY
	jmp ntf_wait_call
%else
	; Above: .return of syscall_entry, rflags, rip, rsp, and then the TCB. USER_WAIT_FRAME is what is
	; between that and the last of these.
	lea rax, [rel served]
	push rax
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	call ntf_wait_call
	add rsp, 7 * 8
	ret
served:
	mov rdx, [rsp + 4 * 8 + ASM_THREAD_USER]
	xor eax, eax
	mov rdx, [rdx + ASM_USER_GRANTED]
	ret
%endif
