; SPDX-License-Identifier: MIT
; From a STARTUP interrupt to C: what each CPU but the first executes (SDM vol. 3, 8.4.4).
;
; smp.c copies ap_trampoline to a page below 1 MiB and fills in the values at its end. A CPU begins
; there in real mode, CS = the page's address / 16, IP = 0, and may do so while others do: all of them
; only read, except for ap_unfit, which takes a locked instruction. It goes through protected mode to
; long mode with the settings of the boot CPU; CR3 holds page tables that also map this page at its own
; address. ap_entry is the kernel's code at its usual place: it changes to the kernel's own tables, finds
; the CPU's struct ap by its APIC ID, and calls C on the stack given there.
;
; A CPU whose APIC ID has no struct ap, and one that lacks what the settings need, halts.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

CPUID_LM		equ 29			; 0x80000001 EDX
CPUID_NX		equ 20
CPUID_LA57		equ 16			; 7 ECX
CPUID_TOPOLOGY		equ 0xb
CR0_PE			equ 1 << 0
CR4_LA57_BIT		equ 12
MSR_EFER		equ 0xc0000080
EFER_NXE_BIT		equ 11

SELECTOR_CODE		equ 0x08
SELECTOR_DATA		equ 0x10
SELECTOR_CODE32		equ 0x18

%define OFFSET(label) (label - ap_trampoline)

section .rodata
global ap_trampoline, ap_trampoline_end, ap_values

bits 16
align 8
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebp, ax
	shl ebp, 4			; EBP = the page, to the end
	o32 lgdt [OFFSET(gdt_pointer)]
	mov eax, cr0
	or al, CR0_PE
	mov cr0, eax
	jmp dword far [OFFSET(far_protected)]

bits 32
in_protected_mode:
	mov eax, SELECTOR_DATA
	mov ds, eax
	mov ss, eax
	mov es, eax
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb unfit
	mov eax, 0x80000001
	cpuid
	bt edx, CPUID_LM
	jnc unfit
	bt dword [ebp + OFFSET(value_efer)], EFER_NXE_BIT
	jnc .nx_done
	bt edx, CPUID_NX
	jnc unfit
.nx_done:
	bt dword [ebp + OFFSET(value_cr4)], CR4_LA57_BIT
	jnc .la57_done
	xor eax, eax
	cpuid
	cmp eax, 7
	jb unfit
	mov eax, 7
	xor ecx, ecx
	cpuid
	bt ecx, CPUID_LA57
	jnc unfit
.la57_done:
	mov eax, [ebp + OFFSET(value_cr4)]
	mov cr4, eax
	mov eax, [ebp + OFFSET(value_cr3)]
	mov cr3, eax
	mov ecx, MSR_EFER
	xor edx, edx
	mov eax, [ebp + OFFSET(value_efer)]
	wrmsr
	mov eax, [ebp + OFFSET(value_cr0)]
	mov cr0, eax
	jmp far [ebp + OFFSET(far_long)]

unfit:
	mov eax, 1
	cpuid
	shr ebx, 24
	lock bts dword [ebp + OFFSET(ap_unfit)], ebx
.stop:
	hlt
	jmp .stop

bits 64
in_long_mode:
	mov rax, ap_entry
	jmp rax

align 8
gdt:						; accessed bits set: the page is read-only
	dq 0
	dq 0x00af9b000000ffff			; 64-bit code
	dq 0x00cf93000000ffff			; data
	dq 0x00cf9b000000ffff			; 32-bit code
; struct ap_values (ap_trampoline.c). The offsets within the page become addresses there.
ap_values:
gdt_pointer:	dw ap_values - gdt - 1
		dd OFFSET(gdt)
		dw 0
value_cr0:	dd 0
value_cr3:	dd 0
value_cr4:	dd 0				; PAE and LA57; the rest is set in C
value_efer:	dd 0
far_protected:	dd OFFSET(in_protected_mode)
		dd SELECTOR_CODE32
far_long:	dd OFFSET(in_long_mode)
		dd SELECTOR_CODE
ap_unfit:	times 32 db 0			; a bit for each APIC ID of 8 bits
ap_trampoline_end:

section .text.entry progbits alloc exec nowrite align=16
bits 64
extern ap_main, ap_root, ap_list, ap_count

ap_entry:
	mov eax, SELECTOR_DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rax, [rel ap_root]
	mov cr3, rax				; the page and its GDT are out of sight
	xor eax, eax
	cpuid
	cmp eax, CPUID_TOPOLOGY
	jb .short_id
	mov eax, CPUID_TOPOLOGY
	xor ecx, ecx
	cpuid					; EDX = the APIC ID, 32 bits
	test ebx, ebx
	jnz .search
.short_id:
	mov eax, 1
	cpuid
	mov edx, ebx
	shr edx, 24
.search:
	lea rsi, [rel ap_list]
	mov ecx, [rel ap_count]
.next:
	sub ecx, 1
	jb .stop
	mov rdi, [rsi + rcx * 8]
	cmp edx, [rdi + ASM_AP_APIC_ID]
	jne .next
	mov rsp, [rdi + ASM_AP_STACK]
	xor ebp, ebp				; ends every backtrace
	call ap_main				; (struct ap)
.stop:
	cli
	hlt
	jmp .stop
