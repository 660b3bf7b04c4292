; SPDX-License-Identifier: MIT
; Moves the image to its random virtual address (CONFIG_KASLR): on the way from boot.asm to C.
;
; It stays where it is in memory. The slide, which C has chosen, is added to each word of the image
; that holds an address of the image; scripts/build/relocations.py has made the table of these. Then
; the entries that map the image go to another place of its page directory, or to that of the next
; GiB. All this runs at its own physical address, through the low half that boot.asm has mapped for
; the crossing, so that neither what is executed nor the stack is in what moves. Pages are not yet
; protected from the kernel's writes (CR0.WP).
;
; The table: from each word to the next the distance in bytes, the first from the image's physical
; address 0. A byte, 1 to 255; or 0 and four bytes, of which 0 ends the table. The slide is added to
; 32 bits of the word, be it one of 64: the image stays in the top 2 GiB, so nothing is carried.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

CR0_WP			equ 1 << 16
DIRECTORY_BITS		equ 30			; of address space behind a page directory
PAGE_BITS		equ 21			; behind one of its entries
ENTRIES			equ 512

%define PHYSICAL(symbol) (symbol - ASM_KERNEL_BASE)

section .boot.text progbits alloc exec nowrite align=16
bits 64
extern kaslr_choose, relocation_table, boot_pdpt, boot_image_pd
global kaslr_move, kernel_slide

; In: EDI = protocol, RBX = the loader's data; both are kept. RSP is the boot stack's physical address.
; Returns RAX = the slide. Clobbers all but RBX, RDI, RSP.
kaslr_move:
	mov r12d, edi
	mov esi, ebx
	mov rax, kaslr_choose			; not yet moved
	call rax				; (protocol, loader's data); keeps RBX, R12
	test rax, rax
	jz .stays
	mov ecx, PHYSICAL(kernel_slide)
	mov [rcx], rax
	mov r8, rax
	call relocate
	call move_entries
	mov rax, r8
.stays:
	mov rcx, cr0
	or ecx, CR0_WP
	mov cr0, rcx				; also lets no instruction of before be executed
	mov edi, r12d
	ret

; In: R8 = slide. Clobbers RAX, RSI, RDI.
relocate:
	mov esi, PHYSICAL(relocation_table)
	xor edi, edi
	xor eax, eax
	jmp .next
.word:
	add edi, eax
	add [rdi], r8d
.next:
	lodsb
	test al, al
	jnz .word
	lodsd
	test eax, eax
	jz .done
	add edi, eax
	add [rdi], r8d
	xor eax, eax
	jmp .next
.done:
	ret

; In: R8 = slide. From the last entry to the first: each goes up, and so into no entry that is still to
; be moved. Clobbers RAX, RCX, RDX, RSI, RDI.
move_entries:
	mov rdx, r8
	shr rdx, PAGE_BITS
	and edx, ENTRIES - 1
	mov esi, PHYSICAL(boot_image_pd)
	mov ecx, ASM_KERNEL_TABLES
.entry:
	mov rax, [rsi + rcx * 8 - 8]
	mov qword [rsi + rcx * 8 - 8], 0
	lea edi, [rcx + rdx - 1]
	mov [rsi + rdi * 8], rax
	loop .entry
	mov esi, PHYSICAL(boot_pdpt) + 8 * ASM_KERNEL_SLOT2
	mov rax, [rsi]
	mov qword [rsi], 0
	mov rcx, r8
	shr rcx, DIRECTORY_BITS
	mov [rsi + rcx * 8], rax
	ret

section .bss nobits alloc noexec write align=8
kernel_slide:	resq 1
