; SPDX-License-Identifier: MIT
; From the boot loader to C: multiboot2 header, PVH note, CPU checks, page tables, long mode.
;
; Both protocols enter here in 32-bit protected mode, paging off, EBX = physical address of the
; loader's data (Multiboot2 specification 3.3; Xen's PVH: docs/misc/pvh). This code is linked at its
; physical address and runs there until long_mode jumps to the higher half.
;
; The page tables (layout in arch/layout.h) are filled here, in .bss:
;
;	pml4[direct] ─┐ +NX	pdpt[0] ─────┬─> pd0 ─> tables: the first MiBs in 4 KiB pages (WX)
;	pml4[511]    ─┴─> pdpt	pdpt[510] ───┘	        or 2 MiB pages (without WX), then 2 MiB pages
;				pdpt[1..]: 1 GiB pages, or pd1.. of 2 MiB pages on older CPUs
;
; pml4[0] shares the same pdpt while this code crosses over, and is cleared in long_mode.
;
; With CONFIG_KASLR pdpt[510] has a page directory of its own, with nothing but the image's tables.
; Before C begins kaslr_move.asm puts these elsewhere in it, and it into pdpt[510] or pdpt[511].
;
; With CONFIG_LA57 and a CPU that has it there is a fifth level on top: pml5[511] is the pml4, which
; so keeps its addresses, and pml5[0] is the pml4 for the crossing.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

MULTIBOOT2_HEADER_MAGIC	equ 0xe85250d6
MULTIBOOT2_LOADER_MAGIC	equ 0x36d76289
XEN_ELFNOTE_PHYS32_ENTRY equ 18

PAGE_PRESENT		equ 1 << 0
PAGE_WRITE		equ 1 << 1
PAGE_LARGE		equ 1 << 7
%ifdef CONFIG_PAGE_GLOBAL
PAGE_GLOBAL		equ 1 << 8	; without effect until CR4.PGE is set (mmu.c)
%else
PAGE_GLOBAL		equ 0
%endif
%ifdef CONFIG_WX
PAGE_NX_HIGH		equ 1 << 31	; bit 63, in the upper half of an entry
%else
PAGE_NX_HIGH		equ 0
%endif
RIGHTS_TABLE		equ PAGE_PRESENT | PAGE_WRITE
RIGHTS_DATA		equ PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL

CR0_WP			equ 1 << 16
CR0_PG			equ 1 << 31
CR4_PAE			equ 1 << 5
CR4_LA57		equ 1 << 12
MSR_EFER		equ 0xc0000080
EFER_LME		equ 1 << 8
EFER_NXE		equ 1 << 11

SELECTOR_CODE		equ 0x08
SELECTOR_DATA		equ 0x10

%define PHYSICAL(symbol) (symbol - ASM_KERNEL_BASE)

%ifdef CONFIG_BOOT_MULTIBOOT2
section .boot.header progbits alloc exec nowrite align=8
multiboot2_header:
	dd MULTIBOOT2_HEADER_MAGIC
	dd 0						; i386 protected mode
	dd multiboot2_header_end - multiboot2_header
	dd -(MULTIBOOT2_HEADER_MAGIC + multiboot2_header_end - multiboot2_header)
%ifdef CONFIG_FRAMEBUFFER
	align 8, db 0
	dw 5, 1						; framebuffer, optional
	dd 20, 0, 0, 0					; any size and depth
%endif
	align 8, db 0
	dw 6, 1						; modules on page boundaries
	dd 8
	dw 0, 0						; end
	dd 8
multiboot2_header_end:
%endif

%ifdef CONFIG_BOOT_PVH
section .notes note align=4
	dd 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd pvh_entry
%endif

section .boot.text progbits alloc exec nowrite align=16
bits 32
extern text_end, rodata_end, image_start
extern boot_cpu_check

global boot_entry
%ifdef CONFIG_BOOT_PVH
%ifndef CONFIG_BOOT_MULTIBOOT2
boot_entry:
%endif
pvh_entry:
	mov edi, ASM_BOOT_PROTOCOL_PVH
%ifdef CONFIG_BOOT_MULTIBOOT2
	jmp boot_common
%endif
%endif
%ifdef CONFIG_BOOT_MULTIBOOT2
boot_entry:
	mov edi, ASM_BOOT_PROTOCOL_MULTIBOOT2
	cmp eax, MULTIBOOT2_LOADER_MAGIC
	je boot_common
	xor ebx, ebx			; not multiboot2 after all: C reports that nothing is there
%endif

; EDI = protocol, EBX = the loader's data. Both are kept until C.
boot_common:
	cli
	cld
	mov esp, PHYSICAL(boot_stack_end)
%ifdef CONFIG_CLOCK
	rdtsc
	mov [PHYSICAL(boot_tsc)], eax
	mov [PHYSICAL(boot_tsc) + 4], edx
%endif
	call boot_cpu_check		; returns EDX = CPUID 0x80000001 EDX, keeps EBX, EDI
	call fill_page_tables
	mov eax, PHYSICAL(boot_pml4)
	mov edx, CR4_PAE
%ifdef CONFIG_LA57
	call add_fifth_level
%endif
	mov cr3, eax
	mov cr4, edx
	mov ecx, MSR_EFER
	rdmsr
%ifdef CONFIG_WX
	or eax, EFER_LME | EFER_NXE
%else
	or eax, EFER_LME
%endif
	wrmsr
	mov eax, cr0
%ifdef CONFIG_KASLR
	and eax, ~CR0_WP			; UEFI sets it; kaslr_move does when it has changed the image
	or eax, CR0_PG
%else
	or eax, CR0_WP | CR0_PG
%endif
	mov cr0, eax
	lgdt [boot_gdt_pointer]
	jmp SELECTOR_CODE:long_mode

; Fill ECX entries at ESI: EDX:EAX, EDX:EAX + EBP, …
fill_entries:
	mov [esi], eax
	mov [esi + 4], edx
	add eax, ebp
	adc edx, 0			; beyond 4 GiB
	add esi, 8
	loop fill_entries
	ret

; In: EDX = CPUID 0x80000001 EDX. Clobbers all but EBX, EDI.
fill_page_tables:
	push edx
	mov eax, PHYSICAL(boot_pdpt) + RIGHTS_TABLE
	mov [PHYSICAL(boot_pml4)], eax
	mov [PHYSICAL(boot_pml4) + 8 * ASM_KERNEL_SLOT], eax
	mov [PHYSICAL(boot_pml4) + 8 * ASM_DIRECT_MAP_SLOT], eax
	mov eax, PHYSICAL(boot_pd) + RIGHTS_TABLE
	mov [PHYSICAL(boot_pdpt)], eax
	mov [PHYSICAL(boot_pdpt) + 8 * ASM_KERNEL_SLOT2], eax

	; pd0: 2 MiB pages; with WX the first entries are then replaced by tables
	mov edx, PAGE_NX_HIGH
	mov esi, PHYSICAL(boot_pd)
	mov eax, RIGHTS_DATA | PAGE_LARGE
	mov ebp, 1 << 21
	mov ecx, 512
	call fill_entries

%if CONFIG_BOOT_DIRECT_MAP_GIB > 1
	pop ecx
	bt ecx, 26				; 1 GiB pages (CPUID 0x80000001 EDX)
	jnc .no_gigabyte_pages
	mov esi, PHYSICAL(boot_pdpt) + 8
	mov eax, 1 << 30 | RIGHTS_DATA | PAGE_LARGE
	mov ebp, 1 << 30
	mov ecx, CONFIG_BOOT_DIRECT_MAP_GIB - 1
	call fill_entries
	jmp .direct_map_done
.no_gigabyte_pages:
	; ESI and EAX go on where pd0 ended: EAX = 1 GiB | rights
	mov ecx, 512 * (CONFIG_BOOT_DIRECT_MAP_GIB - 1)
	call fill_entries
	xor edx, edx
	mov esi, PHYSICAL(boot_pdpt) + 8
	mov eax, PHYSICAL(boot_pd) + ASM_PAGE_SIZE + RIGHTS_TABLE
	mov ebp, ASM_PAGE_SIZE
	mov ecx, CONFIG_BOOT_DIRECT_MAP_GIB - 1
	call fill_entries
.direct_map_done:
%else
	pop ecx
%endif

%ifdef CONFIG_WX
	mov dword [PHYSICAL(boot_pml4) + 8 * ASM_DIRECT_MAP_SLOT + 4], PAGE_NX_HIGH
	xor edx, edx
	mov esi, PHYSICAL(boot_pd)
	mov eax, PHYSICAL(kernel_tables) + RIGHTS_TABLE
	mov ebp, ASM_PAGE_SIZE
	mov ecx, ASM_KERNEL_TABLES
	call fill_entries
%ifdef CONFIG_KASLR
	mov dword [PHYSICAL(boot_pdpt) + 8 * ASM_KERNEL_SLOT2], PHYSICAL(boot_image_pd) + RIGHTS_TABLE
	mov esi, PHYSICAL(boot_image_pd)
	mov eax, PHYSICAL(kernel_tables) + RIGHTS_TABLE
	mov ecx, ASM_KERNEL_TABLES
	call fill_entries
%endif

	mov edx, PAGE_NX_HIGH			; data, and all that is not the image
	mov esi, PHYSICAL(kernel_tables)
	mov eax, RIGHTS_DATA
	mov ecx, 512 * ASM_KERNEL_TABLES
	call fill_entries

	mov eax, PHYSICAL(image_start)		; text: readable and executable
	mov ecx, PHYSICAL(text_end)
	xor edx, edx
	call protect_image
	mov ecx, PHYSICAL(rodata_end)		; constants: readable
	mov edx, PAGE_NX_HIGH
	call protect_image
%endif
%ifdef CONFIG_STACK_GUARD
	mov eax, PHYSICAL(boot_stack_guard)
	shr eax, 9				; / page size * size of an entry
	mov dword [PHYSICAL(kernel_tables) + eax], 0
%endif
	ret

%ifdef CONFIG_LA57
; In: EAX = CR3, EDX = CR4. If the CPU has five levels, returns what they then are. Keeps EBX, EDI.
add_fifth_level:
	push ebx
	push eax
	push edx
	xor eax, eax
	cpuid
	cmp eax, 7
	jb .done
	mov eax, 7
	xor ecx, ecx
	cpuid
	bt ecx, 16				; LA57
	jnc .done
	mov eax, PHYSICAL(boot_pml4) + RIGHTS_TABLE
	mov [PHYSICAL(boot_pml5)], eax
	mov [PHYSICAL(boot_pml5) + 8 * ASM_KERNEL_SLOT5], eax
	or dword [esp], CR4_LA57
	mov dword [esp + 4], PHYSICAL(boot_pml5)
.done:
	pop edx
	pop eax
	pop ebx
	ret
%endif

%ifdef CONFIG_WX
; Makes the pages from EAX up to ECX read-only; EDX = upper half. Leaves EAX = ECX.
protect_image:
	sub ecx, eax
	jbe .done
	shr ecx, 12
	mov esi, eax
	shr esi, 9
	add esi, PHYSICAL(kernel_tables)
	or eax, PAGE_PRESENT | PAGE_GLOBAL
	call fill_entries
	and eax, -ASM_PAGE_SIZE
.done:
	ret
%endif

bits 64
extern kernel_main
long_mode:
%ifdef CONFIG_KASLR
extern kaslr_move
	mov esp, PHYSICAL(boot_stack_end)	; all of RSP
	call kaslr_move				; returns RAX = the slide, keeps RBX, RDI
	mov rcx, long_mode_high
	add rax, rcx
%else
	mov rax, long_mode_high
%endif
	jmp rax

align 8
boot_gdt:					; accessed bits set: the page is read-only
	dq 0
	dq 0x00af9b000000ffff			; 64-bit code
	dq 0x00cf93000000ffff			; data
boot_gdt_pointer:
	dw $ - boot_gdt - 1
	dd boot_gdt

section .text.entry progbits alloc exec nowrite align=16
long_mode_high:
	mov eax, SELECTOR_DATA
	mov ss, eax
	mov ds, eax
	mov es, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	lea rsp, [rel boot_stack_end]
	mov [rel boot_pml4], rax		; the null page and all of the low half go
%ifdef CONFIG_LA57
	mov [rel boot_pml5], rax
%endif
	mov rax, cr3
	mov cr3, rax
	xor ebp, ebp				; ends every backtrace
	mov esi, ebx
	call kernel_main			; (protocol, physical address of the loader's data)
	ud2

section .bss..pages nobits alloc noexec write align=4096
global boot_pml4, kernel_tables, boot_stack_guard, boot_stack, boot_stack_end, boot_tsc
%ifdef CONFIG_LA57
boot_pml5:	resb ASM_PAGE_SIZE
%endif
boot_pml4:	resb ASM_PAGE_SIZE
boot_pdpt:	resb ASM_PAGE_SIZE
boot_pd:	resb ASM_PAGE_SIZE * CONFIG_BOOT_DIRECT_MAP_GIB
%ifdef CONFIG_KASLR
global boot_pdpt, boot_image_pd
boot_image_pd:	resb ASM_PAGE_SIZE
%endif
kernel_tables:
%ifdef CONFIG_WX
		resb ASM_PAGE_SIZE * ASM_KERNEL_TABLES
%endif
%ifdef CONFIG_STACK_GUARD
boot_stack_guard:
		resb ASM_PAGE_SIZE
%else
section .bss nobits alloc noexec write align=16
boot_stack_guard:
%endif
boot_stack:	resb (CONFIG_KERNEL_STACK_SIZE + 15) & -16
boot_stack_end:

section .bss nobits alloc noexec write align=16
		alignb 8
boot_tsc:	resq 1
