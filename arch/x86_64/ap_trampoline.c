/* SPDX-License-Identifier: MIT */
/*
 * The page at which CPUs start: taken from memory below 1 MiB, filled with ap_trampoline.asm,
 * mapped at its own address in page tables made for this, and given back.
 *
 * These tables share the kernel's upper half. A CPU loads CR3 with 32 bits, so the root is copied
 * to a frame below 4 GiB. While the page is executable there it is read-only in the direct map, so
 * that code is nowhere writable. Called by the boot CPU alone (smp.c).
 */
#include "smp_cpu.h"

#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/string.h>

#define LOW_MEMORY_END 0xa0000 /* vectors 0xa0 to 0xbf are reserved (SDM vol. 3, 8.4.4) */
#define CR4_PAE (1ull << 5)
#define MSR_EFER 0xc0000080
#define EFER_SETTINGS 0x900u /* LME, NXE; LMA follows */

/* The end of ap_trampoline.asm. */
struct ap_values {
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint16_t unused;
	uint32_t cr0, cr3, cr4, efer;
	uint32_t far_protected[2];
	uint32_t far_long[2];
	uint8_t unfit[32];
} __packed;

extern const uint8_t ap_trampoline[], ap_trampoline_end[], ap_values[];

static paddr_t page;
static paddr_t low_root;
static struct page_table space;

static struct ap_values *values(void)
{
	return (struct ap_values *)((uint8_t *)phys_to_virt(page) + (ap_values - ap_trampoline));
}

static void fill(void)
{
	struct ap_values *v = values();
	uint8_t *to = phys_to_virt(page);

	memcpy(to, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	v->gdt_base += (uint32_t)page;
	v->far_protected[0] += (uint32_t)page;
	v->far_long[0] += (uint32_t)page;
	v->cr0 = (uint32_t)cpu_read_cr0();
	v->cr3 = (uint32_t)low_root;
	v->cr4 = (uint32_t)(CR4_PAE | (cpu_read_cr4() & CR4_LA57));
	v->efer = (uint32_t)cpu_read_msr(MSR_EFER) & EFER_SETTINGS;
}

/* Only with CONFIG_WX: without, the direct map has large pages there, and nothing is protected. */
static int protect(unsigned int rights)
{
	struct page_batch batch;
	int error;

	if (!IS_ENABLED(CONFIG_WX))
		return 0;
	page_batch_begin(&batch, &kernel_space);
	error = page_table_protect(&batch, DIRECT_MAP_BASE + page, PAGE_SIZE, rights);
	page_batch_end(&batch);
	return error;
}

/* The page at its own address, and a root for 32 bits. */
static int make_tables(void)
{
	const struct frame_where low = { .placement = FRAME_NEAR, .limit = GIB(4) };
	struct page_batch batch;
	int error = page_table_init(&space, kernel_space.machine, &kernel_space);

	if (error)
		return error;
	page_batch_begin(&batch, &space);
	error = page_table_map(&batch, page, page, PAGE_SIZE, PAGE_EXECUTE);
	page_batch_end(&batch);
	if (!error)
		error = frame_alloc_where(0, &low, &low_root);
	if (!error)
		memcpy(phys_to_virt(low_root), phys_to_virt(space.root), PAGE_SIZE);
	else
		page_table_destroy(&space);
	return error;
}

static void free_frame(paddr_t frame)
{
	const int error = frame_free(frame, 0);

	ASSERT(error == 0);
	(void)error;
}

static int take_page(void)
{
	for (page = LOW_MEMORY_END - PAGE_SIZE; page; page -= PAGE_SIZE)
		if (frame_alloc_at(page, 0) == 0)
			return 0;
	return -EXO_E_NOMEM;
}

int ap_trampoline_make(paddr_t *result)
{
	int error = take_page();

	if (error)
		return error;
	error = make_tables();
	if (error) {
		free_frame(page);
		return error;
	}
	fill();
	error = protect(0);
	if (error)
		ap_trampoline_free();
	*result = page;
	return error;
}

void ap_trampoline_free(void)
{
	const int error = protect(PAGE_WRITE);

	ASSERT(error == 0);
	(void)error;
	free_frame(low_root);
	page_table_destroy(&space);
	free_frame(page);
}

bool ap_trampoline_refused(uint32_t apic_id)
{
	return apic_id < 256 && values()->unfit[apic_id / 8] >> apic_id % 8 & 1;
}
