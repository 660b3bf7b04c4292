; SPDX-License-Identifier: MIT
; Where threads of a program begin. The kernel gives rip, rsp and rdi; all other registers are 0.

section .text progbits alloc exec nowrite align=16
bits 64
extern exo_start_main, exo_thread_main
%ifdef EXO_FLAT
%define _start program_start			; all other names are the program's own
%endif
global _start, exo_thread_entry

; The first thread: rdi is the address of struct exo_start, or 0 in the first environment.
_start:
	xor ebp, ebp				; the end of the chain of frames
	and rsp, -16
	call exo_start_main
	ud2					; it does not return

; Others: rdi is the address of what exo_thread_start() has left there.
exo_thread_entry:
	xor ebp, ebp
	and rsp, -16
	call exo_thread_main
	ud2
