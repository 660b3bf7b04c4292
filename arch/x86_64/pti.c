/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation (CONFIG_PTI): the upper half that programs run with.
 *
 * CPUs of some makes read, ahead of a fault, what the page tables map but do not allow (Meltdown,
 * CVE-2017-5754; SDM vol. 1, 19.3, and IA32_ARCH_CAPABILITIES.RDCL_NO). So while a program runs
 * they map of the kernel only what is listed in arch/pti.h.
 *
 * entry_space is never loaded: its upper half is what the user roots of all spaces share, below the
 * root. It is complete before the first of them is made and constant from then on. Everything has
 * the address, the frame and the rights that it has in the kernel's space, so no TLB entry of one
 * root is wrong under the other; none is global, as the rest of the kernel would be, too.
 *
 * The two roots' lower halves are kept alike by page_walk.c, the pair in use is in the CPU's struct
 * cpu_entry (mmu_flush.c), and user.inc loads one or the other.
 */
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/pti.h>
#include <arch/stack.h>
#include <exo/panic.h>

extern const char entry_text_start[], entry_text_end[];

struct cpu_entry boot_cpu_entry __section(".data..cpu_entry") __aligned(PAGE_SIZE);

static struct page_table entry_space;

/* Maps what the kernel has at [@from, @to), and the rest of these pages. */
static void share(uint64_t from, uint64_t to)
{
	struct page_batch batch;
	struct page_mapping found;
	int error = 0;

	page_batch_begin(&batch, &entry_space);
	for (uint64_t at = from & -(uint64_t)PAGE_SIZE; at < to && !error; at += PAGE_SIZE) {
		error = mmu_query(at, &found);
		if (!error && !found.present)
			error = -EXO_E_DEAD;
		if (!error)
			error = page_table_map(&batch, at, found.base, PAGE_SIZE, found.rights);
	}
	page_batch_end(&batch);
	if (error)
		panic("pti: 0x%llx cannot be mapped for user mode: error %d",
		      (unsigned long long)from, error);
}

void pti_add_cpu(struct cpu *cpu, const uint64_t ist[NR_IST])
{
	const uint64_t entry = (uintptr_t)cpu_entry(cpu);

	share(entry, entry + PAGE_SIZE);
	for (unsigned int i = 0; i < NR_IST; i++)
		share(ist[i] - CONFIG_IST_STACK_SIZE / 16 * 16, ist[i]); /* its top is aligned */
}

void pti_init(void)
{
	uint64_t ist[NR_IST];

	for (unsigned int i = 0; i < NR_IST; i++)
		ist[i] = boot_cpu.tss->ist[i] + 16; /* above the word there */
	if (page_table_init(&entry_space, kernel_space.machine, NULL))
		panic("pti: no memory");
	share((uintptr_t)entry_text_start, (uintptr_t)entry_text_end);
	share(idt_address(), idt_address() + 1);
	pti_add_cpu(&boot_cpu, ist);
}

int pti_space_init(struct page_table *space)
{
	return page_table_add_user_root(space, &entry_space);
}
