; SPDX-License-Identifier: MIT
; What the tests of user mode run there: position-independent pieces, copied to one page of code.
; A piece ends in UD2, which without a handler stops the thread, so that its registers can be looked
; at. The addresses of the other pages are user_support.h's.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

DATA	equ 0x500000
STATE	equ 0x600000

section .rodata
bits 64
global user_blob, user_blob_end
global blob_syscall, blob_spin, blob_count, blob_read, blob_write, blob_handler, blob_foreign
global blob_null_loop, blob_bases, blob_fpu, blob_foreign_loop, blob_fault_loop, blob_random
global blob_step, blob_syscall_step, blob_foreign_step
global blob_flags_syscall, blob_flags_fault
global blob_traps, blob_traps_end, blob_jump, blob_write_bases, blob_ud, blob_int3, blob_calls
global blob_ret, blob_tells, blob_tells_end, blob_nmi

align 16
user_blob:

blob_ud:
	ud2

blob_syscall:
	syscall
	ud2

blob_spin:
	jmp blob_spin

; [rdi] counts.
blob_count:
	inc qword [rdi]
	jmp blob_count

blob_read:					; 3 bytes
	mov rax, [rdi]
	ud2

blob_write:
	mov [rdi], rax
	ud2

blob_jump:
	jmp rdi

; Goes on after as many bytes as [DATA + 8] says; [DATA] counts. What is no page fault stops it.
blob_handler:
	mov r11d, STATE
	cmp qword [r11 + ASM_STATE_CAUSE], ASM_VECTOR_PAGE_FAULT
	jne blob_ud				; disabled: stops
	mov rcx, [abs DATA + 8]
	add [r11 + ASM_STATE_RIP], rcx
	inc qword [abs DATA]
blob_return:
	mov rcx, [r11 + ASM_STATE_RSP]
	lea rcx, [rcx - 128 - 32]		; on its stack, below the red zone
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

; getpid: 4711.
blob_foreign:
	mov ecx, STATE
	mov eax, 4711
	mov r11, [rcx + ASM_STATE_RIP]
	mov rsp, [rcx + ASM_STATE_RSP]
	mov dword [rcx + ASM_STATE_DISABLED], 0
	jmp r11

; GS base = RDI, and again and again an NMI to itself right before a call, and before a fault that
; blob_handler skips (3 bytes). R14: where the local APIC's registers are, or just memory. R15: its
; ID's word. Counts in [RSI].
blob_nmi:
	mov r12, rdi
	mov r13, rsi
	wrgsbase r12
.again:
	mov [r14 + 0x310], r15d
	mov dword [r14 + 0x300], 0x4400
	mov eax, 1 << 31
	syscall
	rdgsbase rax
	cmp rax, r12
	jne blob_ud
	mov [r14 + 0x310], r15d
	mov dword [r14 + 0x300], 0x4400
	mov rbx, [rdi]				; RDI is 0 after a call
	rdgsbase rax
	cmp rax, r12
	jne blob_ud
	inc qword [r13]
	jmp .again

; RDI times, the ticks of all to [DATA + 16].
%macro TIMED 1
	lfence
	rdtsc
	shl rdx, 32
	or rax, rdx
	mov r12, rax
	%1
	lfence
	rdtsc
	shl rdx, 32
	or rax, rdx
	sub rax, r12
	ud2
%endmacro
%macro NULL_CALL 0
	mov eax, 1 << 31
	syscall
%endmacro
%macro FOREIGN_CALL 0
	mov eax, 39
	syscall
%endmacro
%macro FAULT 0
	mov rbx, [rdi]
%endmacro
blob_null_loop:		TIMED NULL_CALL
blob_foreign_loop:	TIMED FOREIGN_CALL
blob_fault_loop:	TIMED FAULT

; RDI to both bases, and again and again whether they are still so; counts in [RSI].
blob_write_bases:
	wrfsbase rdi
	not rdi
	shr rdi, 17
	wrgsbase rdi
.check:
	rdgsbase rax
	cmp rax, rdi
	jne .wrong
	rdfsbase rax
	not rax
	shr rax, 17
	cmp rax, rdi
	jne .wrong
	inc qword [rsi]
	jmp .check
.wrong:
	ud2

; The FS base must stay what it was: [FS:0] is RDI. Counts in [RSI].
blob_bases:
	cmp [fs:0], rdi
	jne .wrong
	inc qword [rsi]
	jmp blob_bases
.wrong:
	ud2

blob_fpu:
	cvtsi2sd xmm0, rdi
.check:
	cvtsd2si rax, xmm0
	cmp rax, rdi
	jne .wrong
	inc qword [rsi]
	jmp .check
.wrong:
	ud2

; RFLAGS = RDI, then a call, whose RFLAGS go to RBX; ends in a UD2 with flags cleared.
blob_flags_syscall:
	push rdi
	popfq
	syscall
	pushfq
	pop rbx
	push 2
	popfq
	ud2

blob_flags_fault:
	push rdi
	popfq
	ud2

; System calls and faults with numbers and addresses at random (xorshift in RBX), for ever.
blob_random:
	mov rax, rbx
	shl rax, 13
	xor rbx, rax
	mov rax, rbx
	shr rax, 7
	xor rbx, rax
	mov rax, rbx
	shl rax, 17
	xor rbx, rax
	inc qword [rsi]
	mov rax, rbx
	test bl, 7
	jz .fault
	mov rdi, rbx
	mov rdx, rbx
	mov r10, rbx
	push rsi
	syscall
	pop rsi
	jmp blob_random
.fault:
	mov rax, [rbx]
	jmp blob_random

; A debug exception after the NOP.
blob_step:
	push 0x302				; RFLAGS.TF
	popfq
	nop
	ud2

blob_syscall_step:
	syscall
	jmp blob_step

; A foreign call that nobody answers.
blob_foreign_step:
	mov eax, 39
	syscall
	jmp blob_step

blob_int3:
	int3
	ud2

blob_ret:
	ret

; What tells of the kernel's tables; each in 16 bytes.
%macro TELLS 1+
	%1
	ud2
	align 16, db 0x90
%endmacro
	align 16
blob_tells:
	TELLS sgdt [rsp - 16]
	TELLS sidt [rsp - 16]
	TELLS sldt [rsp - 16]
	TELLS str [rsp - 16]
	TELLS smsw [rsp - 16]
blob_tells_end:

; Again and again a call of number RAX, whose upper half is kept in R12; counts in [RBX].
blob_calls:
	mov r12, rax
.again:
	mov rax, r12
	syscall
	inc qword [rbx]
	jmp .again


; The vector that an instruction must raise at once, then the instruction, in 16 bytes.
%macro TRAP 2+
	db %1
	%2
	align 16, db 0x90
%endmacro

align 16
blob_traps:
	TRAP 13, cli
	TRAP 13, sti
	TRAP 13, hlt
	TRAP 13, mov cr3, rax
	TRAP 13, mov rax, cr0
	TRAP 13, mov rax, cr4
	TRAP 13, mov cr8, rax
	TRAP 13, mov dr7, rax
	TRAP 13, in al, dx
	TRAP 13, out dx, al
	TRAP 13, out 0xf4, al
	TRAP 13, rdmsr
	TRAP 13, wrmsr
	TRAP 13, lgdt [rsp - 16]
	TRAP 13, lidt [rsp - 16]
	TRAP 13, lldt ax
	TRAP 13, ltr ax
	TRAP 13, invlpg [rsp]
	TRAP 13, wbinvd
	TRAP 13, clts
	TRAP 13, swapgs
	TRAP 13, lmsw ax
	TRAP 13, o64 sysret
	TRAP 13, int 0x80
	TRAP 13, int 14
	TRAP 13, int 2
	TRAP 13, int 0xe1
	TRAP 13, mov ss, [rsp - 8]
	TRAP 6, ud2
	TRAP 6, clac
	TRAP 6, stac
	TRAP 0, div byte [rsp - 8]
blob_traps_end:
user_blob_end:
