/* SPDX-License-Identifier: MIT */
/* Segment selectors, and the stacks that the CPU switches to by itself. */
#ifndef ARCH_GDT_H
#define ARCH_GDT_H

#include <exo/compiler.h>

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_TSS 0x28

/* Interrupt stack table slots (SDM vol. 3, 6.14.5); 0 means "stay on the current stack". */
enum ist { IST_NONE = 0, IST_NMI = 1, IST_DOUBLE_FAULT = 2, IST_MACHINE_CHECK = 3, NR_IST = 3 };

/* Loads the kernel's GDT and, with CONFIG_IST, the TSS with its stacks. Once, before idt_init(). */
void gdt_init(void);

#endif
