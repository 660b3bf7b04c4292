; SPDX-License-Identifier: MIT
; The configuration in the image (CONFIG_IKCONFIG), as scripts/extract-config finds it. The markers
; around it are part of the generated file.

section .rodata.config progbits alloc noexec nowrite align=8
global kernel_config_text, kernel_config_size

MARKER_SIZE	equ 17				; "EXO_CONFIG_BEGIN" and its newline
END_MARKER_SIZE	equ 15				; "EXO_CONFIG_END" and its newline

file_start:
	incbin TEXT_FILE
file_end:
kernel_config_text equ file_start + MARKER_SIZE
	align 4, db 0
kernel_config_size:
	dd file_end - file_start - MARKER_SIZE - END_MARKER_SIZE
