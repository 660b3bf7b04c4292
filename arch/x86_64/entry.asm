; SPDX-License-Identifier: MIT
; Interrupt and exception entry: one 8-byte stub a vector, then one common path into C.
;
; The CPU pushes an error code for some exceptions only; interrupt_entry makes the frame the same for
; all (struct interrupt_frame). Stub N is at interrupt_stubs + 8 * N.
;
; With CONFIG_PROTECTED user mode is interrupted, too: user_entry.asm has those ways, and the test
; for them is here. With CONFIG_FLAT_OBJECTS it is the program of a flat kernel (flat_entry.asm).

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"
%include "user.inc"

%ifdef CONFIG_IRQ
%define VECTORS 256
%else
%define VECTORS 32
%endif

section ENTRY_SECTION progbits alloc exec nowrite align=16
bits 64
extern interrupt_dispatch
global interrupt_stubs, interrupt_entry_kernel

; Where the stub of %1 goes: entry_target.
%macro FIND_TARGET 1
%if %1 < 32 && (ASM_EXCEPTIONS_WITH_ERROR >> %1) & 1
%define entry_target interrupt_entry_error
%else
%define entry_target interrupt_entry
%endif
%ifdef CONFIG_PROTECTED
%if %1 == ASM_VECTOR_DEBUG
%define entry_target debug_entry
%elif %1 == ASM_VECTOR_NMI || %1 == ASM_VECTOR_MACHINE_CHECK
%define entry_target ist_entry
%elif %1 == ASM_VECTOR_DOUBLE_FAULT
%define entry_target ist_entry_error
%elif %1 == ASM_VECTOR_PAGE_FAULT
%define entry_target page_fault_entry
%endif
%endif
%ifdef CONFIG_FLAT_OBJECTS
%if %1 == ASM_VECTOR_NMI || %1 == ASM_VECTOR_MACHINE_CHECK
%define entry_target flat_ist_entry
%elif %1 == ASM_VECTOR_DOUBLE_FAULT
%define entry_target flat_ist_entry_error
%endif
%endif
%endmacro

%ifdef CONFIG_FLAT_OBJECTS
extern flat_interrupt, flat_ist_entry, flat_ist_entry_error
%endif
%ifdef CONFIG_PROTECTED
extern debug_entry, ist_entry, ist_entry_error, page_fault_entry, user_entry
%endif

align 8
interrupt_stubs:
%assign vector 0
%rep VECTORS
	align 8, db 0xcc
	FIND_TARGET vector
%if vector < 128
	push byte vector
%else
	push byte vector - 256			; sign-extended; interrupt_entry undoes that
%endif
	jmp near entry_target
%assign vector vector + 1
%endrep

; [rsp] = vector, and above it what the CPU pushed.
interrupt_entry:
	push qword [rsp]			; the vector moves down a slot …
	mov qword [rsp + 8], 0			; … and leaves 0 as the error code
interrupt_entry_error:
%ifdef CONFIG_PROTECTED
	test byte [rsp + 24], 3			; CS: of user mode?
	jnz user_entry
interrupt_entry_kernel:
%ifdef CONFIG_SMP
	lfence					; not even speculatively with the program's GS
%endif
%endif
%ifdef CONFIG_FLAT_OBJECTS
	cmp byte [THIS_CPU(ASM_CPU_IN_PROGRAM)], 0
	jne flat_interrupt
%endif
	push rax
	movzx eax, byte [rsp + 8]
	mov [rsp + 8], rax
	push rcx
	push rdx
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	cld
	mov rdi, rsp
	call interrupt_dispatch
	POP_REGISTERS
	add rsp, 16				; vector, error code
	iretq
