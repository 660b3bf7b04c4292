/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the code that only booting needs (__boot): its pages are made writable and not
 * executable, in both views of the image (arch/layout.h), and given to the frame allocator, from
 * which they had been kept as a part of the image.
 */
#include <arch/image.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/bank.h>
#include <exo/frame.h>
#include <exo/log.h>
#include <exo/memory.h>
#include <exo/numa.h>

extern const char boot_code_start[], text_end[];

/* Both views have the same tables, but TLBs have entries of either. */
static int make_data(paddr_t base, uint64_t size)
{
	struct page_batch batch;
	int error;

	page_batch_begin(&batch, &kernel_space);
	error = page_table_protect(&batch, (uintptr_t)boot_code_start, size, PAGE_WRITE);
	if (!error)
		error = page_table_protect(&batch, DIRECT_MAP_BASE + base, size, PAGE_WRITE);
	page_batch_end(&batch);
	return error;
}

void memory_release_boot_code(void)
{
	const paddr_t base = image_to_phys(boot_code_start);
	const uint64_t size = (uintptr_t)text_end - (uintptr_t)boot_code_start;
	uint64_t length;
	int error = make_data(base, size);

	if (!error)
		error = frame_release(base, size);
	if (error) {
		log_warning("memory: the memory of boot code cannot be used (error %d)", -error);
		return;
	}
	if (IS_ENABLED(CONFIG_OBJECTS))
		bank_grow_root(numa_node_of(base, &length), size / PAGE_SIZE);
	log_info("memory: %llu KiB of boot code released", (unsigned long long)size / 1024);
}
