/* SPDX-License-Identifier: MIT */
/*
 * Global descriptor table and task state segment.
 *
 * In long mode segments have no base and no limit: the table only tells kernel code from data and
 * carries the TSS, whose interrupt stack table gives NMI, double fault and machine check stacks of
 * their own. They may strike when the current stack is unusable, so each has CONFIG_IST_STACK_SIZE
 * bytes above a guard page (SDM vol. 3, 3.4.5, 7.7, 6.14.5).
 *
 * With CONFIG_PROTECTED there are segments of user mode, and the debug exception has such a stack,
 * too. Each then begins below a word that says whose it is: GS may not (user_entry.asm).
 */
#include <arch/gdt.h>
#include <arch/layout.h>
#include <arch/pti.h>
#include <arch/stack.h>
#include <exo/cpu.h>

struct __packed table_pointer {
	uint16_t limit;
	uint64_t base;
};

static uint64_t gdt[GDT_ENTRIES] = {
	[GDT_CODE] = 0x00af9b000000ffff,
	[GDT_DATA] = 0x00cf93000000ffff,
	[GDT_USER_DATA] = IS_ENABLED(CONFIG_PROTECTED) ? 0x00cff3000000ffff : 0,
	[GDT_USER_CODE] = IS_ENABLED(CONFIG_PROTECTED) ? 0x00affb000000ffff : 0,
};

static void load(uint64_t *table)
{
	const struct table_pointer pointer = { GDT_ENTRIES * sizeof(*table) - 1, (uintptr_t)table };

	__asm__ volatile("lgdt %0" : : "m"(pointer));
}

/* Puts @tss into @table, which is loaded, and uses it. */
static void load_tss(uint64_t *table, const struct tss *tss)
{
	const uint64_t base = (uintptr_t)tss;

	/* 64-bit available TSS, present (SDM vol. 3, figure 7-4). */
	table[GDT_TSS_LOW] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			     (base >> 24 & 0xff) << 56;
	table[GDT_TSS_HIGH] = base >> 32;
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS) : "memory");
}

/* Where the CPU is to push on an interrupt stack of @cpu whose end is @top. */
static uint64_t label_stack(uint64_t top, struct cpu *cpu)
{
	if (!IS_ENABLED(CONFIG_PROTECTED))
		return top;
	top -= 16; /* the CPU aligns to 16 bytes */
	*(struct cpu **)(uintptr_t)top = cpu;
	return top;
}

/* The TSS of a CPU that takes interrupts of user mode on the stack there (CONFIG_PTI). */
static struct tss *prepare_entry(struct cpu_entry *entry)
{
	struct tss *tss = &entry->segments.tss;

	tss->io_bitmap = sizeof(*tss);
	tss->rsp[0] = (uintptr_t)(entry + 1);
	return tss;
}

static void copy_gdt(struct cpu_segments *segments)
{
	for (unsigned int i = 0; i < GDT_TSS_LOW; i++)
		segments->gdt[i] = gdt[i];
	load(segments->gdt);
}

/* With CONFIG_PTI the one in boot_cpu_entry is used. */
struct tss boot_tss = { .io_bitmap = sizeof(struct tss) };

static void tss_init(void)
{
	struct tss *tss = &boot_tss;

	if (IS_ENABLED(CONFIG_PTI))
		tss = prepare_entry(cpu_entry(&boot_cpu));
	for (unsigned int i = 0; i < NR_IST; i++)
		tss->ist[i] = label_stack(ist_stack_prepare(i),
					  IS_ENABLED(CONFIG_PROTECTED) ? &boot_cpu : NULL);
	if (IS_ENABLED(CONFIG_PROTECTED))
		boot_cpu.tss = tss;
	load_tss(IS_ENABLED(CONFIG_PTI) ? cpu_entry(&boot_cpu)->segments.gdt : gdt, tss);
}

__boot_cpu void gdt_init(void)
{
	if (IS_ENABLED(CONFIG_PTI))
		copy_gdt(&cpu_entry(&boot_cpu)->segments);
	else
		load(gdt);
	if (IS_ENABLED(CONFIG_IST))
		tss_init();
}

void gdt_init_cpu(struct cpu_segments *segments, const uint64_t ist[NR_IST])
{
	if (IS_ENABLED(CONFIG_PTI))
		segments = &cpu_entry(cpu_this())->segments;
	copy_gdt(segments);
	if (!IS_ENABLED(CONFIG_IST))
		return;
	if (IS_ENABLED(CONFIG_PTI))
		prepare_entry(cpu_entry(cpu_this()));
	segments->tss.io_bitmap = sizeof(struct tss);
	for (unsigned int i = 0; i < NR_IST; i++)
		segments->tss.ist[i] = label_stack(ist[i], cpu_this());
	if (IS_ENABLED(CONFIG_PROTECTED))
		cpu_this()->tss = &segments->tss;
	load_tss(segments->gdt, &segments->tss);
}
