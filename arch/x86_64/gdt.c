/* SPDX-License-Identifier: MIT */
/*
 * Global descriptor table and task state segment.
 *
 * In long mode segments have no base and no limit: the table only tells kernel code from data and
 * carries the TSS, whose interrupt stack table gives NMI, double fault and machine check stacks of
 * their own. They may strike when the current stack is unusable, so each has CONFIG_IST_STACK_SIZE
 * bytes above a guard page (SDM vol. 3, 3.4.5, 7.7, 6.14.5).
 */
#include <arch/gdt.h>
#include <arch/layout.h>
#include <arch/memory.h>
#include <arch/stack.h>

struct __packed tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_bitmap; /* beyond the limit: no port is allowed below ring 0 */
};

_Static_assert(sizeof(struct tss) == 104, "TSS layout (SDM vol. 3, figure 7-11)");

struct __packed table_pointer {
	uint16_t limit;
	uint64_t base;
};

enum { GDT_NULL, GDT_CODE, GDT_DATA, GDT_TSS_LOW = SELECTOR_TSS / 8, GDT_TSS_HIGH, GDT_ENTRIES };

static uint64_t gdt[GDT_ENTRIES] = {
	[GDT_CODE] = 0x00af9b000000ffff,
	[GDT_DATA] = 0x00cf93000000ffff,
};

static void tss_init(void)
{
	static struct tss tss = { .io_bitmap = sizeof(struct tss) };
	const uint64_t base = (uintptr_t)&tss;

	for (unsigned int i = 0; i < NR_IST; i++)
		tss.ist[i] = ist_stack_prepare(i);
	/* 64-bit available TSS, present (SDM vol. 3, figure 7-4). */
	gdt[GDT_TSS_LOW] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			   (base >> 24 & 0xff) << 56;
	gdt[GDT_TSS_HIGH] = base >> 32;
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void gdt_init(void)
{
	const struct table_pointer pointer = { sizeof(gdt) - 1, (uintptr_t)gdt };

	__asm__ volatile("lgdt %0" : : "m"(pointer));
	if (IS_ENABLED(CONFIG_IST))
		tss_init();
}
