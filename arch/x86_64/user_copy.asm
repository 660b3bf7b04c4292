; SPDX-License-Identifier: MIT
; Copying to and from the memory of programs: an address that is not there, or not theirs to use, is
; an error and not a panic. The page-fault handler (exception.c) goes on at user_copy_fault when the
; fault was between user_copy and user_copy_end.

%include "generated/autoconf.inc"
%include "user.inc"

section .text.entry progbits alloc exec nowrite align=16
bits 64
global user_copy, user_copy_end, user_copy_fault
%ifdef CONFIG_SMAP
extern user_smap
%endif

; bool user_copy(void *to, const void *from, size_t size): true if all was copied. Interrupts off: a
; switch to another thread would take RFLAGS.AC along.
align 16
user_copy:
%ifdef CONFIG_SMAP
	cmp byte [rel user_smap], 0
	je .copy
	stac
.copy:
%endif
	mov rcx, rdx
	shr rcx, 3
	rep movsq
	mov ecx, edx
	and ecx, 7
	rep movsb
user_copy_end:
	CLEAR_AC
	mov eax, 1
	ret
user_copy_fault:
	CLEAR_AC
	xor eax, eax
	ret
