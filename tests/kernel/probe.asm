; SPDX-License-Identifier: MIT
; The accesses of test_probe(), and the way back from their page faults (probe.c).

section .text
bits 64
global test_probe_try, test_probe_recover, test_probe_read, test_probe_write, test_probe_execute
extern test_probe_stack

; bool test_probe_try(access, uint64_t address, uint8_t value): true if it came back.
test_probe_try:
	mov [rel test_probe_stack], rsp
	mov rax, rdi
	mov rdi, rsi
	mov esi, edx
	call rax
	mov eax, 1
	ret

; With the stack of test_probe_try.
test_probe_recover:
	xor eax, eax
	ret

test_probe_read:
	mov al, [rdi]
	ret

test_probe_write:
	mov [rdi], sil
	ret

test_probe_execute:
	call rdi
	ret
