; SPDX-License-Identifier: MIT
; The archive of programs in the image (CONFIG_EMBED_PROGRAMS; else it is empty), on pages of its own:
; the first program gets their frames, and must not see what else is in the kernel's constants.

section .rodata.programs progbits alloc noexec nowrite align=4096
global programs_cpio_start, programs_cpio_end

programs_cpio_start:
%ifdef PROGRAMS_FILE
	incbin PROGRAMS_FILE
%endif
programs_cpio_end:
	align 4096, db 0
