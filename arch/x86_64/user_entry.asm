; SPDX-License-Identifier: MIT
; From user mode into the kernel and back (CONFIG_PROTECTED): interrupts and exceptions; the system
; calls are in syscall_entry.asm.
;
; A thread's kernel stack begins at its TCB (kernel/thread/thread.c), so cpu->current is the stack's
; top as well, the TSS has the same in rsp0, and a frame that was pushed there ends where the TCB
; begins. Interrupts stay off from here on to the way back, unless C turns them on.
;
; Exceptions that may strike anywhere, in the first and last instructions of these ways too, have
; stacks of their own (gdt.c): NMI, #DF, #MC, and #DB, as MOV SS puts one off to after SYSCALL. There
; it is not known whose the GS base is, and with FSGSBASE a program can have one that looks like the
; kernel's. So the word above the frame says which struct cpu this is, and what was in the register is
; put back afterwards. With CONFIG_PTI they find the page tables of either mode, too, and leave what
; they have found. Whatever else comes from user mode arrives on the small stack in struct cpu_entry,
; which both have, and goes on where a thread's kernel stack begins.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "user.inc"

MSR_GS_BASE		equ 0xc0000101

section ENTRY_SECTION progbits alloc exec nowrite align=16
bits 64
extern interrupt_dispatch, interrupt_entry_kernel, user_attend
%ifdef CONFIG_SPECULATION_FLUSH
extern speculation_verw
global data_selector
%endif
%ifdef CONFIG_SMAP
extern user_smap
%endif
global user_entry, debug_entry, ist_entry, ist_entry_error, page_fault_entry
global user_leave, user_return_attending, user_mask

align 8
user_mask:	dq (1 << ASM_USER_BITS) - 1
%ifdef CONFIG_SPECULATION_FLUSH
data_selector:	dw ASM_SELECTOR_KERNEL_DATA
%endif

; [rsp] = vector, error code, then what the CPU pushed.
align 16
user_entry:
	SWAPGS
user_entry_swapped:
%ifdef CONFIG_SMP
	lfence					; not even speculatively with the program's GS
%endif
%ifdef CONFIG_PTI
	push rdi
	TO_KERNEL_TABLES rdi
user_entry_copy:
	FRAME_TO_THREAD_STACK
user_entry_on_stack:
%endif
	CLEAR_AC
	PUSH_REGISTERS
	cld
	movzx eax, byte [rsp + ASM_FRAME_VECTOR]
	mov [rsp + ASM_FRAME_VECTOR], rax
	mov rdi, rsp
	call interrupt_dispatch			; (frame)
	cmp dword [rsp + ASM_FRAME_SIZE + ASM_THREAD_ATTENTION], 0
	je user_return
user_return_attending:
	mov rdi, rsp
	call user_attend			; (frame)
user_return:
	CLEAR_BUFFERS
	POP_REGISTERS
%ifdef CONFIG_PTI
	mov [rsp + 8], rdi			; where the error code was
	mov rdi, rsp
	mov rsp, [CPU_ENTRY(ASM_ENTRY_STACK)]
	push qword [rdi + 48]
	push qword [rdi + 40]
	push qword [rdi + 32]
	push qword [rdi + 24]
	push qword [rdi + 16]
	push qword [rdi + 8]
	TO_USER_TABLES rdi
	pop rdi
%else
	add rsp, 16				; vector, error code
%endif
	SWAPGS
	iretq

; void user_leave(const struct interrupt_frame *frame): goes to user mode. Interrupts off.
user_leave:
	mov rsp, rdi
	jmp user_return

; A page fault of a program that handles its own needs no C: the state page gets what the handler is
; to know, RCX and R11 are free then, and SYSRET enters the handler.
align 16
page_fault_entry:
	test byte [rsp + 24], 3
	jz interrupt_entry_kernel
	SWAPGS
%ifdef CONFIG_SMP
	lfence					; the same as above
%endif
	push rcx
%ifdef CONFIG_PTI
	TO_KERNEL_TABLES rcx
%endif
	mov rcx, [THIS_CPU(ASM_CPU_STATE)]
	cmp dword [rcx + ASM_STATE_DISABLED], 0
	jne .slow
	cmp qword [rcx + ASM_STATE_ENTRY], 0
	je .slow
	mov [rcx + ASM_STATE_R11], r11
	pop r11
	mov [rcx + ASM_STATE_RCX], r11
	mov r11, [rsp + 8]
	mov [rcx + ASM_STATE_ERROR], r11
	mov r11, [rsp + 16]
	mov [rcx + ASM_STATE_RIP], r11
	mov r11, [rsp + 32]
	mov [rcx + ASM_STATE_RFLAGS], r11
	mov r11, [rsp + 40]
	mov [rcx + ASM_STATE_RSP], r11
	mov r11, cr2
	mov [rcx + ASM_STATE_ADDRESS], r11
	mov qword [rcx + ASM_STATE_CAUSE], ASM_VECTOR_PAGE_FAULT
	mov dword [rcx + ASM_STATE_DISABLED], 1
	mov rsp, [rcx + ASM_STATE_STACK]	; from here on as for foreign calls
	mov rcx, [rcx + ASM_STATE_ENTRY]
	and rcx, [rel user_mask]		; SYSRET to what is not canonical faults in ring 0
	CLEAR_BUFFERS
%ifdef CONFIG_PTI
	TO_USER_TABLES r11
%endif
	mov r11d, USER_RFLAGS
	SWAPGS
	o64 sysret
.slow:
	pop rcx
%ifdef CONFIG_PTI
	push rdi
	jmp user_entry_copy
%else
	jmp user_entry_swapped
%endif

; On a stack of its own, but what a program has done to itself is served on its thread's.
align 16
debug_entry:
	test byte [rsp + 16], 3
	jz ist_entry
	SWAPGS
%ifdef CONFIG_SMP
	lfence					; the same as above
%endif
	push rdi				; above it: vector, rip, cs, rflags, rsp, ss
%ifdef CONFIG_PTI
	mov rdi, cr3
	mov [CPU_ENTRY(ASM_ENTRY_TRAP_CR3)], rdi
	TO_KERNEL_TABLES rdi
%endif
	mov rdi, rsp
	mov rsp, [THIS_CPU(ASM_CPU_CURRENT)]
	push qword [rdi + 48]
	push qword [rdi + 40]
	push qword [rdi + 32]
	push qword [rdi + 24]
	push qword [rdi + 16]
	push 0
	push qword [rdi + 8]
	mov rdi, [rdi]
%ifdef CONFIG_PTI
	jmp user_entry_on_stack
%else
	jmp user_entry_swapped
%endif

ist_entry:
	push qword [rsp]
	mov qword [rsp + 8], 0
ist_entry_error:
%ifndef CONFIG_PTI
	CLEAR_AC
%endif
	PUSH_REGISTERS
	cld
%ifdef CONFIG_SMP
	mov ecx, MSR_GS_BASE
	rdmsr
	shl rdx, 32
	or rax, rdx
	mov rbx, rax				; to be put back
	mov eax, [rsp + ASM_FRAME_SIZE]		; struct cpu
	mov edx, [rsp + ASM_FRAME_SIZE + 4]
	wrmsr
%endif
%ifdef CONFIG_PTI
	mov rax, cr3
	mov [CPU_ENTRY(ASM_ENTRY_TRAP_CR3)], rax
	xor r12d, r12d				; to be put back, if it is that of user mode
	mov rcx, [CPU_ENTRY(ASM_ENTRY_USER_CR3)]
	xor rax, rcx
	shl rax, 1				; neither the flag beyond the address nor the PCID
	shr rax, 13
	jnz .kernel_tables
	mov r12, rcx
	TO_KERNEL_TABLES rax
.kernel_tables:
	CLEAR_AC
%endif
	mov rdi, rsp
	call interrupt_dispatch			; (frame)
	CLEAR_BUFFERS
%ifdef CONFIG_PTI
	test r12, r12
	jz .same_tables
	mov cr3, r12
.same_tables:
%endif
%ifdef CONFIG_SMP
	mov ecx, MSR_GS_BASE
	mov eax, ebx
	mov rdx, rbx
	shr rdx, 32
	wrmsr
%endif
	POP_REGISTERS
	add rsp, 16
	iretq
