/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own memory after boot: the direct map as a view for parsers, the kernel stacks and
 * their guard pages. boot.asm has built the page tables (arch/layout.h).
 */
#include <arch/gdt.h>
#include <arch/image.h>
#include <arch/memory.h>
#include <arch/stack.h>
#include <exo/stack.h>

extern uint64_t kernel_tables[];
extern const char image_end[];
extern const char boot_stack_guard[], boot_stack[], boot_stack_end[];

#define GUARD_SIZE (IS_ENABLED(CONFIG_STACK_GUARD) ? PAGE_SIZE : 0)
/* With CONFIG_PTI each is all that is on its pages. */
#define STACK_ALIGN (IS_ENABLED(CONFIG_STACK_GUARD) || IS_ENABLED(CONFIG_PTI) ? PAGE_SIZE : 16)

struct ist_stack {
	char guard[GUARD_SIZE] __aligned(STACK_ALIGN);
	char stack[CONFIG_IST_STACK_SIZE] __aligned(STACK_ALIGN);
};

static struct ist_stack ist_stacks[NR_IST] __section(".bss..pages.ist");
const char *const ist_names[IST_DEBUG] = { "NMI", "double fault", "machine check", "debug" };

/*
 * The image itself is refused: no firmware table lies there, and its guard pages are not mapped, so
 * a lying pointer would end in a page fault.
 */
static const void *direct_map_at(const struct boot_memory_view *view, paddr_t base, uint64_t size)
{
	const uint64_t image = KERNEL_LOAD_ADDRESS, end = image_to_phys(image_end);

	(void)view;
	if (!phys_reachable(base, size) || (base < end && base + size > image))
		return NULL;
	return phys_to_virt(base);
}

const struct boot_memory_view boot_memory_direct = { .at = direct_map_at };

/* Takes one page of the image out of the page tables; only before that page is ever used. */
static void unmap_image_page(const void *page)
{
	kernel_tables[image_to_phys(page) / PAGE_SIZE] = 0;
	__asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
}

uint64_t ist_stack_prepare(unsigned int index)
{
	struct ist_stack *s = &ist_stacks[index];

	if (IS_ENABLED(CONFIG_STACK_GUARD))
		unmap_image_page(s->guard);
	return ((uintptr_t)s->stack + sizeof(s->stack)) & ~15ull;
}

static bool within(uint64_t address, const void *base, uint64_t size)
{
	return address - (uintptr_t)base < size;
}

bool stack_holds(uint64_t address)
{
	if (within(address, boot_stack, (size_t)(boot_stack_end - boot_stack) - 16))
		return true;
	for (unsigned int i = 0; IS_ENABLED(CONFIG_IST) && i < NR_IST; i++)
		if (within(address, ist_stacks[i].stack, sizeof(ist_stacks[i].stack) - 15))
			return true;
	if (IS_ENABLED(CONFIG_THREADS) && stack_has(address, 16))
		return true;
	return cpu_stacks_hold(address);
}

const char *stack_guard_name(uint64_t address)
{
	if (!IS_ENABLED(CONFIG_STACK_GUARD))
		return NULL;
	if (within(address, boot_stack_guard, GUARD_SIZE))
		return "kernel";
	for (unsigned int i = 0; IS_ENABLED(CONFIG_IST) && i < NR_IST; i++)
		if (within(address, ist_stacks[i].guard, GUARD_SIZE))
			return ist_names[i];
	if (IS_ENABLED(CONFIG_THREADS) && stack_guards(address))
		return "thread";
	return cpu_stacks_guard_name(address);
}
