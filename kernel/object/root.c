/* SPDX-License-Identifier: MIT */
/*
 * The first environment, with capabilities to all that the kernel does not keep. What it finds
 * where is in uapi/exo/info.h, and which program it runs in root_archive.c or root_flat.c.
 *
 * The pages that the kernel itself provides (boot information, info page, modules) are objects
 * without a bank: they are never ended.
 *
 * All runs in the main thread, with interrupts off but where user_thread_make() opens, because that
 * is the context of system calls, whose functions are used.
 */
#include "root_internal.h"

#include <arch/image.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/boot_info.h>
#include <exo/clock.h>
#include <exo/env.h>
#include <exo/log.h>
#include <exo/preempt.h>
#include <exo/root.h>
#include <exo/sched.h>
#include <exo/string.h>
#include <uapi/exo/info.h>
#include <uapi/exo/map.h>

#define TABLE_ORDER 3 /* 2^18 slots */
#define STACK_PAGES 16u
#define MODULE_MAX (UINT64_C(1) << 30) /* one map() call's worth of large pages */

static struct exo_boot_info boot_page __aligned(PAGE_SIZE) __section(".bss..pages.boot_info");
static struct exo_info info_page __aligned(PAGE_SIZE) __section(".bss..pages.info");
static struct kernel_frame {
	struct frame frame;
} __aligned(OBJECT_ALIGN) kernel_frames[EXO_MODULES + 2]; /* each as aligned as an object is */
static unsigned int nr_kernel_frames;
static struct object cpu_object __aligned(OBJECT_ALIGN), sys_object __aligned(64);

/* What is being set up. */
static struct root {
	struct bank *bank;
	struct env *env;
	struct user_thread *thread;
	uint64_t modules_end; /* where the next module is mapped */
} root;

static __boot int put(exo_cap_t slot, struct object *object, unsigned int rights, struct cap **cap)
{
	const int error = cap_claim(&root.env->table, slot, cap);

	if (!error)
		cap_make(*cap, object, rights);
	return error;
}

static __boot int map(exo_cap_t slot, uint64_t address, unsigned int rights)
{
	const struct exo_map_op op = { .address = address,
				       .slot = (uint32_t)slot,
				       .count = 1,
				       .act = EXO_MAP,
				       .rights = (uint16_t)rights };
	uint64_t done;

	return env_map(root.env, &op, 1, &done);
}

/* A capability to @pages pages of the kernel's own from @base on, mapped read-only at @address. */
static __boot int give_pages(exo_cap_t slot, paddr_t base, uint32_t pages, uint64_t address)
{
	struct frame *frame = &kernel_frames[nr_kernel_frames++].frame;
	struct cap *cap;
	int error;

	object_init(&frame->object, EXO_TYPE_FRAME, NULL);
	frame->base = base;
	error = put(slot, &frame->object, EXO_RIGHT_R | EXO_RIGHT_D | EXO_RIGHT_G, &cap);
	if (error)
		return error;
	cap->count = pages;
	return map(slot, address, EXO_RIGHT_R);
}

static __boot unsigned int order_of(uint64_t pages)
{
	return pages > 1 ? 64 - (unsigned int)__builtin_clzll(pages - 1) : 0;
}

__boot int root_give_memory(exo_cap_t slot, uint64_t pages, uint64_t address, unsigned int rights,
			    void **memory)
{
	const unsigned int order = order_of(pages);
	unsigned int node = EXO_NODE_ANY;
	paddr_t base = EXO_HINT_NONE;
	struct frame *frame;
	struct cap *cap;
	int error = bank_frames_get(root.bank, order, &node, &base);

	if (error)
		return error;
	for (uint64_t page = 0; page < 1ull << order; page++)
		page_zero(phys_to_virt(base + page * PAGE_SIZE));
	error = frame_make(root.bank, base, order, node, &frame);
	if (!error)
		error = put(slot, &frame->object, EXO_RIGHTS_ALL, &cap);
	if (error)
		return error;
	cap->count = (uint32_t)pages;
	*memory = phys_to_virt(base);
	return map(slot, address, rights);
}

/* --- what it is told ---------------------------------------------------------------------------*/

static __boot uint32_t pages_of(uint64_t size)
{
	return (uint32_t)((size + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* Adds a module, where the kernel has it, to what the first environment sees. */
static __boot int add_module(const char *name, paddr_t base, uint64_t size)
{
	const unsigned int index = boot_page.nr_modules;
	struct exo_module *module = &boot_page.modules[index];

	if (index == EXO_MODULES || base % PAGE_SIZE || !size || size > MODULE_MAX) {
		log_warning("root: programs do not get the module \"%s\", %llu bytes at %#llx: %s",
			    name, (unsigned long long)size, (unsigned long long)base,
			    index == EXO_MODULES ? "there are too many"
			    : base % PAGE_SIZE	 ? "it is not aligned to pages"
						 : "its size is not possible");
		return 0;
	}
	string_copy(module->name, sizeof(module->name), name);
	/* Aligned as it is, so that large pages map it. */
	module->address = root.modules_end + ((base - root.modules_end) & (MIB(2) - 1));
	module->size = size;
	root.modules_end = module->address + (uint64_t)pages_of(size) * PAGE_SIZE;
	boot_page.nr_modules++;
	return give_pages(EXO_FIRST_MODULES + index, base, pages_of(size), module->address);
}

/* What is behind a module in its last page is no business of programs. */
static __boot bool clear_tail(const struct boot_module *module)
{
	const paddr_t end = module->base + module->size;
	const uint64_t tail = -end & (PAGE_SIZE - 1);

	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		if (boot_info.modules[i].base >= end && boot_info.modules[i].base < end + tail)
			return false;
	memset(phys_to_virt(end), 0, tail);
	return true;
}

static __boot int add_boot_module(const struct boot_module *module)
{
	if (clear_tail(module))
		return add_module(module->name, module->base, module->size);
	log_warning("root: programs do not get the module \"%s\": it shares a page with another",
		    module->name);
	return 0;
}

static __boot int add_modules(void)
{
	const void *archive;
	const size_t size = root_image_archive(&archive);
	int error = 0;

	root.modules_end = EXO_MODULES_ADDRESS;
	if (size)
		error = add_module("programs", image_to_phys(archive), size);
	for (unsigned int i = 0; !error && i < boot_info.nr_modules; i++)
		error = add_boot_module(&boot_info.modules[i]);
	return error;
}

static __boot void fill_info(void)
{
	struct frame_stats stats;

	info_page.version = EXO_ABI_VERSION;
	info_page.nr_cpus = nr_cpus_online;
	info_page.nr_nodes = numa_nodes();
	for (unsigned int i = 0; i < numa_nodes() && i < ARRAY_SIZE(info_page.free_frames); i++) {
		frame_stats(i, &stats);
		info_page.free_frames[i] = stats.free;
		for (unsigned int k = 0; k < numa_nodes() && k < ARRAY_SIZE(info_page.distance);
		     k++)
			info_page.distance[i][k] = (uint8_t)numa_distance(i, k);
	}
}

static __boot int give_information(void)
{
	int error;

	boot_page.version = EXO_ABI_VERSION;
	boot_page.nr_cpus = nr_cpus_online;
	boot_page.nr_nodes = numa_nodes();
	boot_page.user_end = user_end();
	boot_page.start_tsc = boot_tsc;
	boot_page.slots = root.env->table.nr_slots;
	string_copy(boot_page.command_line, sizeof(boot_page.command_line), boot_info.command_line);
	fill_info();
	error = give_pages(EXO_FIRST_BOOT, image_to_phys(&boot_page), 1, EXO_BOOT_INFO_ADDRESS);
	if (!error)
		error = give_pages(EXO_FIRST_INFO, image_to_phys(&info_page), 1, EXO_INFO_ADDRESS);
	return error ? error : add_modules();
}

/* --- itself ------------------------------------------------------------------------------------*/

static __boot int give_thread(uint64_t entry)
{
	struct frame *state;
	struct object *object;
	struct cap *cap;
	void *memory;
	int error = user_thread_make(root.bank, &root.thread);

	if (!error)
		error = put(EXO_FIRST_THREAD, &root.thread->object, EXO_RIGHTS_ALL, &cap);
	if (!error)
		error = root_give_memory(EXO_FIRST_STATE, 1, EXO_STATE_ADDRESS,
					 EXO_RIGHT_R | EXO_RIGHT_W, &memory);
	if (!error)
		error = root_give_memory(EXO_FIRST_STACK, STACK_PAGES,
					 EXO_STACK_TOP - STACK_PAGES * (uint64_t)PAGE_SIZE,
					 EXO_RIGHT_R | EXO_RIGHT_W, &memory);
	if (!error)
		error = cap_get(&root.env->table, EXO_FIRST_STATE, EXO_TYPE_FRAME, 0, &object);
	if (error)
		return error;
	object_pin(object);
	state = container_of(object, struct frame, object);
	return user_thread_configure(root.thread, root.env, entry, EXO_STACK_TOP - 8, 0, state, 0);
}

static __boot int make(uint64_t entry)
{
	struct cap *cap;
	int error = bank_make_root(&root.bank);

	if (!error)
		user_thread_set_price(bank_total(root.bank).reserved);
	if (!error)
		error = env_make(root.bank, TABLE_ORDER, &root.env);
	if (!error)
		error = put(EXO_FIRST_ENV, &root.env->object, EXO_RIGHTS_ALL, &cap);
	if (!error)
		error = put(EXO_FIRST_BANK, &root.bank->object, EXO_RIGHTS_ALL, &cap);
	object_init(&sys_object, EXO_TYPE_SYS, NULL);
	object_init(&cpu_object, EXO_TYPE_CPU, NULL);
	if (!error)
		error = put(EXO_FIRST_SYS, &sys_object, EXO_RIGHTS_ALL, &cap);
	if (!error)
		error = put(EXO_FIRST_CPUS, &cpu_object, EXO_RIGHTS_ALL, &cap);
	if (!error && IS_ENABLED(CONFIG_IRQ_OBJECTS)) {
		error = put(EXO_FIRST_IRQS, irq_object_make(), EXO_RIGHTS_ALL, &cap);
		if (!error)
			cap->count = NR_IRQS;
	}
	if (!error)
		error = give_information();
	if (!error)
		error = root_load_program();
	return error ? error : give_thread(entry);
}

__boot bool root_start(void)
{
	uint64_t flags, entry;
	int error;

	if (!root_find_program(&entry))
		return false;
	flags = irq_save();
	error = make(entry);
	if (!error)
		error = user_thread_run(root.thread);
	irq_restore(flags);
	if (error)
		log_error("root: the first environment cannot be made (error %d)", -error);
	sched_point();
	return !error;
}
