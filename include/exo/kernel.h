/* SPDX-License-Identifier: MIT */
/* The kernel's C entry. */
#ifndef EXO_KERNEL_H
#define EXO_KERNEL_H

#include <exo/boot_info.h>

/* Called once by boot.asm, interrupts off, on the boot stack. @loader_data is physical. */
_Noreturn void kernel_main(enum boot_protocol protocol, paddr_t loader_data);

#endif
