/* SPDX-License-Identifier: MIT */
/* Segment selectors, and the stacks that the CPU switches to by itself. */
#ifndef ARCH_GDT_H
#define ARCH_GDT_H

#include <exo/compiler.h>
#include <exo/config.h>

#define SELECTOR_KERNEL_CODE 0x08
/* In the order that SYSRET wants, with the privilege level of user mode (CONFIG_PROTECTED). */
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS 0x28

/*
 * Interrupt stack table slots (SDM vol. 3, 6.14.5); 0 means "stay on the current stack". The last
 * one only with CONFIG_PROTECTED.
 */
enum ist {
	IST_NONE = 0,
	IST_NMI = 1,
	IST_DOUBLE_FAULT = 2,
	IST_MACHINE_CHECK = 3,
	IST_DEBUG = 4,
	NR_IST = IS_ENABLED(CONFIG_PROTECTED) ? IST_DEBUG : IST_MACHINE_CHECK
};

enum {
	GDT_NULL,
	GDT_CODE,
	GDT_DATA,
	GDT_USER_DATA,
	GDT_USER_CODE,
	GDT_TSS_LOW = SELECTOR_TSS / 8,
	GDT_TSS_HIGH,
	GDT_ENTRIES
};

struct __packed tss {
	uint32_t reserved0;
	uint64_t rsp[3]; /* rsp[0]: where a CPU goes on that was in user mode */
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_bitmap; /* beyond the limit: no port is allowed below ring 0 */
};
_Static_assert(sizeof(struct tss) == 104, "TSS layout (SDM vol. 3, figure 7-11)");

/* The boot CPU's, without CONFIG_PTI. */
extern struct tss boot_tss;

/* A further CPU's own; the boot CPU's are static (gdt.c). */
struct cpu_segments {
	uint64_t gdt[GDT_ENTRIES];
	struct tss tss;
};

/*
 * Loads the boot CPU's GDT and, with CONFIG_IST, the TSS with its stacks. Once, before idt_init().
 */
void gdt_init(void);

/* The same for another CPU, with memory and the tops of stacks (all 0 without CONFIG_IST). */
void gdt_init_cpu(struct cpu_segments *segments, const uint64_t ist[NR_IST]);

#endif
