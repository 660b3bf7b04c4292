; SPDX-License-Identifier: MIT
; What user_bench.c runs in user mode, copied to a page of code. Each piece measures one thing, leaves
; the ticks in RAX, and stops by a UD2 while upcalls are disabled or without a handler.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

STATE			equ 0x600000		; user_bench.c
CALL_NULL		equ (1 << 31) + 0
CALL_YIELD		equ (1 << 31) + 14
LINUX_GETPID		equ 39

section .rodata
bits 64
global user_bench_code, user_bench_code_end
global bench_empty, bench_null, bench_yield_once, bench_yielder, bench_foreign, bench_fault
global bench_foreign_handler, bench_fault_handler

; TIMED instruction: as bench_start() and bench_stop() do.
%macro BEGIN 0
	lfence
	rdtsc
	shl rdx, 32
	or rax, rdx
	mov r12, rax
%endmacro
%macro END 0
	lfence
	rdtsc
	shl rdx, 32
	or rax, rdx
	sub rax, r12
	ud2
%endmacro

align 16
user_bench_code:
bench_empty:
	BEGIN
	END

bench_null:
	BEGIN
	mov eax, CALL_NULL
	syscall
	END

; There and back: two switches.
bench_yield_once:
	mov eax, CALL_YIELD			; the partner is then behind its own
	xor edi, edi
	syscall
	BEGIN
	mov eax, CALL_YIELD
	xor edi, edi
	syscall
	END

bench_yielder:
	mov eax, CALL_YIELD
	xor edi, edi
	syscall
	jmp bench_yielder

bench_foreign:
	BEGIN
	mov eax, LINUX_GETPID
	syscall
	END

; As a library OS does: finds the call, answers it, goes on, all else unharmed.
bench_foreign_handler:
	mov ecx, STATE
	cmp eax, LINUX_GETPID
	jne .other
	mov eax, 4711
	mov r11, [rcx + ASM_STATE_RIP]
	mov rsp, [rcx + ASM_STATE_RSP]
	mov dword [rcx + ASM_STATE_DISABLED], 0
	jmp r11
.other:
	ud2

bench_fault:
	xor ebx, ebx
	BEGIN
	mov rbx, [rbx]				; 3 bytes
	END

; Steps over it, and goes on with every register and flag as it was.
bench_fault_handler:
	mov r11d, STATE
	cmp dword [r11 + ASM_STATE_CAUSE], ASM_VECTOR_PAGE_FAULT
	jne bench_stop
	add qword [r11 + ASM_STATE_RIP], 3
	mov rcx, [r11 + ASM_STATE_RSP]
	lea rcx, [rcx - 128 - 32]		; below the red zone
	push rax
	mov rax, [r11 + ASM_STATE_RIP]
	mov [rcx + 24], rax
	mov rax, [r11 + ASM_STATE_RFLAGS]
	mov [rcx + 16], rax
	mov rax, [r11 + ASM_STATE_R11]
	mov [rcx + 8], rax
	mov rax, [r11 + ASM_STATE_RCX]
	mov [rcx], rax
	pop rax
	mov rsp, rcx
	mov dword [r11 + ASM_STATE_DISABLED], 0
	pop rcx
	pop r11
	popfq
	ret 128
bench_stop:
	ud2
user_bench_code_end:
