; SPDX-License-Identifier: MIT
; The way into and out of upcall handlers (libexo/upcall.h), all of it in user mode.
;
; The kernel has put rip, rsp, rflags, rcx and r11 into the state page, set its @disabled, and left
; all other registers as they were; rsp is the top of the upcall stack, a struct exo_upcall_frame.
;
; The way back must need neither the upcall stack nor the state page once @disabled is clear, for the
; next upcall begins there. So what is still to be loaded is copied to the interrupted stack, below
; its red zone, where the last instruction takes the return address from and steps over the zone.

%include "generated/user-offsets.inc"

RED_ZONE	equ 128				; bytes below rsp that are the interrupted code's
FRAME		equ 4 * 8			; rflags, rcx, r11, rip

section .text progbits alloc exec nowrite align=16
bits 64
%ifdef EXO_FLAT
extern exo_flat_call
%endif
global exo_upcall_entry, exo_foreign_entry

exo_foreign_entry:
	mov rcx, [rsp + USER_FRAME_FOREIGN]
	jmp short save
exo_upcall_entry:
	mov rcx, [rsp + USER_FRAME_HANDLER]
save:
	mov r11, [rsp + USER_FRAME_STATE]
	cld
	push r10				; struct exo_upcall_registers, from its end
	push r9
	push r8
	push rdi
	push rsi
	push rdx
	push rax
	mov rsi, rsp
	push r11				; the stack is aligned to 16 again
	mov rdi, r11
	call rcx

	pop rcx					; the state page
	mov r11, [rcx + USER_STATE_RSP]
	sub r11, RED_ZONE + FRAME
	mov rax, [rcx + USER_STATE_RFLAGS]
	mov [r11], rax
	mov rax, [rcx + USER_STATE_RCX]
	mov [r11 + 8], rax
	mov rax, [rcx + USER_STATE_R11]
	mov [r11 + 16], rax
	mov rax, [rcx + USER_STATE_RIP]
	mov [r11 + 24], rax
	pop rax
	pop rdx
	pop rsi
	pop rdi
	pop r8
	pop r9
	pop r10
	mov rsp, r11
	mov dword [rcx + USER_STATE_DISABLED], 0
	mov r11d, [rcx + USER_STATE_PENDING]
	test r11d, [rcx + USER_STATE_WANTED]
	jnz pending
back:
	popfq
	pop rcx
	pop r11
	ret RED_ZONE

; Something came while the handler ran. The kernel delivers it when this call returns: here, with all
; that is still to be loaded on this stack.
pending:
	push rax
	push rdx
	push rsi
	push rdi
	push r8
	push r9
	push r10
%ifdef EXO_FLAT
	mov eax, USER_CALL_UPCALL_RESUME
	call exo_flat_call
%else
	mov eax, USER_CALL_UPCALL_RESUME | 1 << 31
	syscall
%endif
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rdx
	pop rax
	jmp short back
