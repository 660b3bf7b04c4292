; SPDX-License-Identifier: MIT
; System calls with messages (CONFIG_IPC): rows of the call table with more registers than C passes.
;
; RDI is the endpoint's slot, RSI the tag, RDX R10 R8 R9 R12 R13 the words (a flat kernel has RCX for
; R10), and on the way back RDI is the badge and RAX the error. C finds all this in the thread's struct
; ipc_thread, and leaves there what the registers are to be. A thread's other registers of those that
; are kept across calls are on its kernel stack, and nothing else, at a place that is the same for all
; threads that wait in these calls.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "user.inc"
%include "retpoline.inc"

extern sys_ipc_do_call, sys_ipc_do_reply_wait, sys_ipc_do_send, sys_ipc_do_wait
%ifdef CONFIG_IPC_FASTPATH
global ipc_return
%endif
global sys_ipc_call, sys_ipc_reply_wait, sys_ipc_send, sys_ipc_wait

%ifdef CONFIG_PROTECTED
%define SECOND r10
%else
%define SECOND rcx
%endif

; RBX is thread->user.
%macro STORE_MESSAGE 0
	mov [rbx + ASM_IPC_BADGE], rdi
	mov [rbx + ASM_IPC_TAG], rsi
	mov [rbx + ASM_IPC_WORDS], rdx
	mov [rbx + ASM_IPC_WORDS + 8], SECOND
	mov [rbx + ASM_IPC_WORDS + 16], r8
	mov [rbx + ASM_IPC_WORDS + 24], r9
	mov [rbx + ASM_IPC_WORDS + 32], r12
	mov [rbx + ASM_IPC_WORDS + 40], r13
%endmacro

; %1 is thread->user; it may be RCX, which is loaded last.
%macro LOAD_MESSAGE 1
	mov rax, [%1 + ASM_IPC_ERROR]
	mov rdi, [%1 + ASM_IPC_BADGE]
	mov rsi, [%1 + ASM_IPC_TAG]
	mov rdx, [%1 + ASM_IPC_WORDS]
	mov r8, [%1 + ASM_IPC_WORDS + 16]
	mov r9, [%1 + ASM_IPC_WORDS + 24]
	mov r12, [%1 + ASM_IPC_WORDS + 32]
	mov r13, [%1 + ASM_IPC_WORDS + 40]
	mov SECOND, [%1 + ASM_IPC_WORDS + 8]
%endmacro

section ENTRY_SECTION progbits alloc exec nowrite align=16
bits 64

%ifdef CONFIG_PROTECTED
extern syscall_attend
%ifdef CONFIG_SPECULATION_FLUSH
extern speculation_verw, data_selector
%endif

; What is on a thread's kernel stack, from where it ends (its TCB) down.
FRAME_WORDS		equ 3			; rflags, rip, rsp; above: the TCB
FRAME_KEPT		equ 6			; r15, r14, r13, r12, rbx, rbp
FRAME_SIZE		equ (FRAME_KEPT + 1 + FRAME_WORDS) * 8

; Below the return address, what context_switch pops (in its order); R12 and R13 are words.
; RSP stays where the call left it: interrupts are off, and what comes nevertheless has its own stack.
%macro KEEP 0
	mov [rsp - 8], rbp
	mov [rsp - 16], rbx
	mov [rsp - 40], r14
	mov [rsp - 48], r15
%endmacro

%ifdef CONFIG_IPC_FASTPATH
%include "ipc_fastpath.inc"
%else
align 16
sys_ipc_call:
	KEEP
	lea rax, [rel sys_ipc_do_call]
	jmp slow

align 16
sys_ipc_reply_wait:
	KEEP
	lea rax, [rel sys_ipc_do_reply_wait]
	jmp slow
%endif

align 16
sys_ipc_send:
	KEEP
	lea rax, [rel sys_ipc_do_send]
	jmp slow

align 16
sys_ipc_wait:
	KEEP
	lea rax, [rel sys_ipc_do_wait]

; RAX is what C is to do. The stack is aligned for a call: a TCB is, and the frame has ten words.
slow:
	sub rsp, FRAME_KEPT * 8
	mov rbx, [rsp + FRAME_SIZE + ASM_THREAD_USER]
	STORE_MESSAGE
	lea rdi, [rbx + ASM_USER_THREAD]
	CALL_REGISTER rax
%ifdef CONFIG_IPC_FASTPATH
	test rax, rax
	jnz hand_from_c
%endif
slow_done:
	pop r15
	pop r14
	add rsp, 16				; words take their places
	pop rbx
	pop rbp
	add rsp, 8
; The stack has rflags, rip and rsp.
ipc_return:
	mov rcx, [rsp + FRAME_WORDS * 8 + ASM_THREAD_USER]
	LOAD_MESSAGE rcx
	cmp dword [rsp + FRAME_WORDS * 8 + ASM_THREAD_ATTENTION], 0
	jne syscall_attend
	CLEAR_BUFFERS
	pop r11
	pop rcx
	pop rsp
%ifdef CONFIG_PTI
	mov [USER_WORD], r10
	TO_USER_TABLES r10
	mov r10, [USER_WORD]
%endif
	SWAPGS
	o64 sysret
%else

; On the kernel stack are the program's rsp and the return address.
sys_ipc_call:
	lea rax, [rel sys_ipc_do_call]
	jmp slow

sys_ipc_reply_wait:
	lea rax, [rel sys_ipc_do_reply_wait]
	jmp slow

sys_ipc_send:
	lea rax, [rel sys_ipc_do_send]
	jmp slow

sys_ipc_wait:
	lea rax, [rel sys_ipc_do_wait]

slow:
	push rbx
	push rbx				; for the stack's alignment
	mov rbx, [rsp + 32 + ASM_THREAD_USER]
	STORE_MESSAGE
	lea rdi, [rbx + ASM_USER_THREAD]
	CALL_REGISTER rax
	LOAD_MESSAGE rbx
	pop rbx
	pop rbx
	ret
%endif
