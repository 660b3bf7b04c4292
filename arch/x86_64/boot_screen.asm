; SPDX-License-Identifier: MIT
; Text on the boot loader's framebuffer in 32-bit mode, for boot_cpu_check: under UEFI there is no text
; screen, and a kernel that cannot run must not stop in silence.
;
; Only what GRUB hands over on any PC of this century is used: 24 or 32 bits a pixel, below 4 GiB
; (Multiboot2 specification, 3.6.12). Anything else is left alone; the serial port has the text too.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

%define PHYSICAL(symbol) (symbol - ASM_KERNEL_BASE)

TAG_END			equ 0
TAG_FRAMEBUFFER		equ 8
FRAMEBUFFER_RGB		equ 1
TAG_LIMIT		equ 64		; more tags than any loader passes: ends a corrupt list
GLYPH_HEIGHT		equ 16
FIRST_PRINTABLE		equ ' '
WHITE			equ 0xffff

section .boot.text progbits alloc exec nowrite align=16
bits 32
extern console_font
global boot_screen_find, boot_screen_print

; EBX = multiboot2 information. Returns EBX = address of the framebuffer tag, or 0.
boot_screen_find:
	push ecx
	push eax
	mov ecx, TAG_LIMIT
	add ebx, 8
.next:
	mov eax, [ebx]
	cmp eax, TAG_END
	je .none
	cmp eax, TAG_FRAMEBUFFER
	je .found
	mov eax, [ebx + 4]
	add eax, 7
	and eax, -8
	add ebx, eax
	loop .next
.none:
	xor ebx, ebx
	jmp .done
.found:
	cmp byte [ebx + 29], FRAMEBUFFER_RGB
	jne .none
	cmp byte [ebx + 28], 24				; bits a pixel
	jb .none
	cmp dword [ebx + 12], 0				; above 4 GiB
	jne .none
.done:
	pop eax
	pop ecx
	ret

; Draws the string at ESI; EBX = tag, EBP = column. Returns EBP behind the text. Keeps all else.
boot_screen_print:
	pushad
.character:
	movzx eax, byte [esi]
	inc esi
	test al, al
	jz .done
	cmp eax, FIRST_PRINTABLE
	jb .character				; the line end
	lea edx, [ebp * 8 + 8]
	cmp edx, [ebx + 20]			; width
	ja .done
	shl eax, 4
	lea edx, [eax + PHYSICAL(console_font)]
	movzx edi, byte [ebx + 28]		; bits a pixel = bytes of 8 pixels
	imul edi, ebp
	add edi, [ebx + 8]
	mov ecx, GLYPH_HEIGHT
.row:
	mov ah, [edx]
	inc edx
	push edi
	push ecx
	movzx ecx, byte [ebx + 28]
	shr ecx, 3				; bytes a pixel
	mov al, 8
.pixel:
	add ah, ah
	jnc .next_pixel
	mov word [edi], WHITE			; white is the same in every order of colours
	mov byte [edi + 2], WHITE & 0xff
.next_pixel:
	add edi, ecx
	dec al
	jnz .pixel
	pop ecx
	pop edi
	add edi, [ebx + 16]			; pitch
	loop .row
	inc ebp
	jmp .character
.done:
	mov [esp + 8], ebp			; the EBP that POPAD restores
	popad
	ret
