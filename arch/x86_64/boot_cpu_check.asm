; SPDX-License-Identifier: MIT
; Is this machine able to run this kernel? If not, say aloud what is missing and stop: a feature of the
; CPU, or memory for all of the image.
;
; Runs in 32-bit mode before anything else exists, so it drives the serial port and the screen itself.

%include "generated/autoconf.inc"
%include "generated/asm-offsets.inc"

VGA_TEXT_BUFFER	equ 0xb8000
VGA_WHITE_ON_RED equ 0x4f
EFLAGS_ID	equ 1 << 21

; REQUIRE bit of EDX, "name": jump to missing with ESI = the name unless the bit is set
%macro REQUIRE 2
	mov esi, %%name
	bt edx, %1
	jnc missing_feature
	jmp %%next
%%name:	db %2, 0
%%next:
%endmacro

section .boot.text progbits alloc exec nowrite align=16
bits 32
global boot_cpu_check
extern boot_screen_find, boot_screen_print, image_end

%define PHYSICAL(symbol) (symbol - ASM_KERNEL_BASE)
LOW_STACK	equ 0x7c00		; memory that every PC has

; Returns EDX = CPUID 0x80000001 EDX. Keeps EBX and EDI. CPUID bits: SDM vol. 2; AMD APM vol. 3.
boot_cpu_check:
	; The image ends in what the loader does not load but clears, or believes to clear: is it there?
	mov ecx, PHYSICAL(image_end) - 4
	mov eax, [ecx]
	mov edx, eax
	not edx
	mov [ecx], edx
	cmp [ecx], edx
	mov [ecx], eax			; it may be the stack
	jne missing_memory
	push ebx
	mov esi, name_cpuid
	pushfd
	pop eax
	mov ecx, eax
	xor eax, EFLAGS_ID
	push eax
	popfd
	pushfd
	pop eax
	xor eax, ecx
	jz missing_feature

	mov eax, 1
	cpuid
	REQUIRE 5, "model-specific registers (MSR)"
	REQUIRE 6, "physical address extension (PAE)"
	mov eax, 0x80000000
	cpuid
	mov esi, name_long_mode
	cmp eax, 0x80000001
	jb missing_feature
	mov eax, 0x80000001
	cpuid
	bt edx, 29
	jnc missing_feature
%ifdef CONFIG_WX
	REQUIRE 20, "no-execute pages (NX); a kernel with CONFIG_WX=n does without"
%endif
	pop ebx
	ret

name_cpuid:	db "CPUID", 0
name_long_mode:	db "64-bit long mode (LM)", 0
text_prefix:	db "exo-kernel cannot run: it needs ", 0
		db "00000"			; as many digits as CONFIG_KERNEL_IMAGE_LIMIT_MIB can take
text_memory:	db " KiB of memory", 0

; The stack may be where no memory is. EBX = the loader's data
missing_memory:
	mov esp, LOW_STACK
	push ebx
	mov esi, text_memory
	mov eax, PHYSICAL(image_end) + 1023
	shr eax, 10
	mov ecx, 10
.digit:
	xor edx, edx
	div ecx
	add dl, '0'
	dec esi
	mov [esi], dl
	test eax, eax
	jnz .digit

; ESI = what is missing, EDI = protocol, [esp] = the loader's data
missing_feature:
	pop ebx
%ifdef CONFIG_FRAMEBUFFER
	cmp edi, ASM_BOOT_PROTOCOL_MULTIBOOT2
	mov edi, esi
	jne .no_framebuffer
	call boot_screen_find
	test ebx, ebx
	jz .no_framebuffer
	xor ebp, ebp
	mov esi, text_prefix
	call boot_screen_print
	mov esi, edi
	call boot_screen_print
.no_framebuffer:
%else
	mov edi, esi
%endif
%ifdef CONFIG_SERIAL_16550
	mov esi, serial_setup
	mov edx, CONFIG_SERIAL_PORT
.setup:
	lodsw				; AL = value, AH = register
	cmp ah, 0xff
	je .setup_done
	movzx ecx, ah
	push edx
	add edx, ecx
	out dx, al
	pop edx
	jmp .setup
.setup_done:
%endif
	mov ebx, VGA_TEXT_BUFFER
	mov esi, text_prefix
	call print
	mov esi, edi
	call print
	mov esi, text_newline
	call print
%ifdef CONFIG_DEBUG_EXIT
	mov edx, CONFIG_DEBUG_EXIT_PORT
	mov eax, 0x12
	out dx, eax
%endif
.stop:
	cli
	hlt
	jmp .stop

text_newline:	db 13, 10, 0

; Prints the string at ESI on the serial port and at EBX on the VGA text screen.
print:
	lodsb
	test al, al
	jz .done
	cmp al, ' '
	jb .serial
	mov [ebx], al
	mov byte [ebx + 1], VGA_WHITE_ON_RED
	add ebx, 2
.serial:
%ifdef CONFIG_SERIAL_16550
	mov ah, al
	mov ecx, 100000			; a guess: longer than a character takes at 50 baud
	mov edx, CONFIG_SERIAL_PORT + 5
.wait:
	in al, dx
	test al, 1 << 5
	jnz .send
	loop .wait
.send:
	mov al, ah
	mov edx, CONFIG_SERIAL_PORT
	out dx, al
%endif
	jmp print
.done:
	ret

%ifdef CONFIG_SERIAL_16550
%define DIVISOR ((115200 + CONFIG_SERIAL_BAUD / 2) / CONFIG_SERIAL_BAUD)
serial_setup:				; value, register: 8n1, the configured rate, no interrupts
	db 0x80, 3, DIVISOR & 0xff, 0, DIVISOR >> 8, 1, 0x03, 3, 0, 1, 0, 0xff
%endif
