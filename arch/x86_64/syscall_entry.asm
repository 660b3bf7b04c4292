; SPDX-License-Identifier: MIT
; System calls (SYSCALL and SYSRET, SDM vol. 2), the kernel's own and foreign ones.
;
; Own: EAX = number with bit 31 set; RDI, RSI, RDX, R10, R8, R9 are the C function's six arguments;
; it answers in RAX and RDX. RCX and R11 are lost, the other argument registers come back as 0, and
; RBX, RBP, R12 to R15 are kept by C. The whole call runs with interrupts off. On the thread's kernel
; stack are just rsp, rip and rflags; only where somebody wants something of the thread at the end
; (thread->attention) a whole struct interrupt_frame is made.
;
; Foreign: bit 31 clear. If the program has a handler it is entered with all registers as they are,
; but for rip, rsp, rflags, RCX and R11: without a stack, and without C.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "user.inc"
%include "retpoline.inc"

section ENTRY_SECTION progbits alloc exec nowrite align=16
bits 64
extern syscall_table, user_return_attending, user_mask
%ifdef CONFIG_SPECULATION_FLUSH
extern speculation_verw, data_selector
%endif
global syscall_entry, syscall_attend

; RCX = rip, R11 = rflags; RFLAGS is clear where MSR_SFMASK says so.
align 16
syscall_entry:
	SWAPGS
%ifdef CONFIG_PTI
	mov [USER_WORD], rsp
	TO_KERNEL_TABLES rsp
	test eax, eax
	jns foreign_call
%else
	test eax, eax
	jns foreign_call
	mov [USER_WORD], rsp
%endif
	mov rsp, [THIS_CPU(ASM_CPU_CURRENT)]
	push qword [USER_WORD]
	push rcx
	push r11
	cmp eax, (1 << 31) + NR_CALLS
	jae .no_call
	and eax, NR_CALLS - 1			; also when the branch is mispredicted
	mov rcx, r10
%ifdef CONFIG_RETPOLINE
	mov rax, [syscall_table + rax * 8]
	CALL_REGISTER rax
%else
	call [syscall_table + rax * 8]
%endif
.return:
	xor r10d, r10d
	xor r9d, r9d
	xor r8d, r8d
	xor edi, edi
	xor esi, esi
	cmp dword [rsp + 24 + ASM_THREAD_ATTENTION], 0
	jne .attend
	CLEAR_BUFFERS
	pop r11
	pop rcx
	pop rsp
%ifdef CONFIG_PTI
	TO_USER_TABLES r10
	xor r10d, r10d
%endif
	SWAPGS
	o64 sysret
.no_call:
	mov rax, -ASM_E_CALL
	xor edx, edx
	jmp .return

; The three words and all registers become a frame; rflags are where they belong.
.attend:
syscall_attend:
	mov r11, [rsp + 16]
	mov rcx, [rsp + 8]
	mov qword [rsp + 16], ASM_SELECTOR_USER_DATA
	mov [rsp + 8], r11
	mov r11, [rsp]
	push ASM_SELECTOR_USER_CODE
	push rcx
	push 0					; error code
	push 0					; vector
	PUSH_REGISTERS
	jmp user_return_attending

%ifdef CONFIG_PTI
; The program's RSP has been saved, and nothing uses a stack: RSP is what RCX is below.
foreign_call:
	mov rsp, [THIS_CPU(ASM_CPU_STATE)]
	cmp dword [rsp + ASM_STATE_DISABLED], 0
	jne .none
	cmp qword [rsp + ASM_STATE_FOREIGN], 0
	je .none
	mov [rsp + ASM_STATE_RFLAGS], r11
	mov [rsp + ASM_STATE_RIP], rcx
	mov r11, [USER_WORD]
	mov [rsp + ASM_STATE_RSP], r11
	mov qword [rsp + ASM_STATE_CAUSE], ASM_UPCALL_FOREIGN
	mov dword [rsp + ASM_STATE_DISABLED], 1
	mov rcx, [rsp + ASM_STATE_FOREIGN]
	and rcx, [rel user_mask]		; SYSRET to what is not canonical faults in ring 0
	mov rsp, [rsp + ASM_STATE_STACK]
	CLEAR_BUFFERS
	TO_USER_TABLES r11
	mov r11d, USER_RFLAGS
	SWAPGS
	o64 sysret
.none:
	mov rsp, [USER_WORD]
	CLEAR_BUFFERS
	TO_USER_TABLES rax
	mov rax, -ASM_E_CALL
	SWAPGS
	o64 sysret
%else
foreign_call:
	mov [USER_WORD], rcx
	mov rcx, [THIS_CPU(ASM_CPU_STATE)]
	cmp dword [rcx + ASM_STATE_DISABLED], 0
	jne .none
	cmp qword [rcx + ASM_STATE_FOREIGN], 0
	je .none
	mov [rcx + ASM_STATE_RFLAGS], r11
	mov r11, [USER_WORD]
	mov [rcx + ASM_STATE_RIP], r11
	mov [rcx + ASM_STATE_RSP], rsp
	mov qword [rcx + ASM_STATE_CAUSE], ASM_UPCALL_FOREIGN
	mov dword [rcx + ASM_STATE_DISABLED], 1
	mov rsp, [rcx + ASM_STATE_STACK]	; any value: nothing uses a stack up to SYSRET
	mov rcx, [rcx + ASM_STATE_FOREIGN]
	and rcx, [rel user_mask]		; SYSRET to what is not canonical faults in ring 0
	mov r11d, USER_RFLAGS
	CLEAR_BUFFERS
	SWAPGS
	o64 sysret
.none:
	mov rcx, [USER_WORD]
	mov rax, -ASM_E_CALL
	CLEAR_BUFFERS
	SWAPGS
	o64 sysret
%endif
