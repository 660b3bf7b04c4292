/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector registers of threads (CONFIG_FPU).
 *
 * A thread starts without state, and with CR0.TS set, so that its first such instruction raises #NM
 * (SDM vol. 3, 2.5). The handler gives it an area, and from then on it is live: each switch away
 * saves the registers, each switch to it loads them.
 *
 * They are loaded at once, not at the next #NM: while TS is set, some CPUs still execute such
 * instructions speculatively, on whatever is in the registers, and its value can be found out
 * through the caches (LazyFP, CVE-2018-3665). For the same reason the registers never hold what is
 * another thread's. The invariant, whenever interrupts are on:
 *
 *	the current thread is live:	TS is clear, the registers are its own
 *	it is not:			TS is set, the registers are in the initial state
 *
 * So #NM has nothing to load, and a switch between two threads that are not live nothing to do.
 *
 * An area is a block of frames: it has the alignment, comes back to the pool whatever heap is
 * configured, and there are only as many as threads that compute. XSAVEOPT may leave out what has
 * not changed since the last XRSTOR from the same address (SDM vol. 1, 13.9); each time on a CPU
 * begins with a load, so that one is always the area's newest contents.
 *
 * Locks: none; a thread's state is its CPU's. Areas are written by the CPU that runs the thread,
 * with interrupts off.
 */
#include "fpu_plan.h"

#include <arch/interrupt_frame.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/user.h>
#include <exo/cpu.h>
#include <exo/fpu.h>
#include <exo/frame.h>
#include <exo/log.h>
#include <exo/panic.h>
#include <exo/preempt.h>

#define CR0_MP (1ull << 1) /* WAIT honours TS */
#define CR0_EM (1ull << 2) /* there is no FPU */
#define CR0_TS (1ull << 3)
#define CR0_NE (1ull << 5) /* x87 errors are exceptions, not interrupts */
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_OSXSAVE (1ull << 18)

static struct fpu_plan plan;
static unsigned int area_order; /* of its block of frames */
static uint8_t initial[FPU_IMAGE_SIZE] __aligned(64);

static bool by_fxsave(void)
{
	return !IS_ENABLED(CONFIG_FPU_XSAVE) || plan.method == FPU_BY_FXSAVE;
}

static void save(void *area)
{
	if (by_fxsave())
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	else if (plan.method == FPU_BY_XSAVEOPT)
		__asm__ volatile("xsaveopt64 (%0)"
				 :
				 : "r"(area), "a"(plan.components), "d"(0)
				 : "memory");
	else
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(plan.components), "d"(0)
				 : "memory");
}

static void load(const void *area)
{
	static const uint32_t zero;

	/* Makes x87's last instruction one of ours; empties its stack first, so it cannot fail. */
	if (unlikely(plan.keeps_pointers))
		__asm__ volatile("fnclex; emms; fildl %0" : : "m"(zero));
	if (by_fxsave())
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
	else
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"(plan.components), "d"(0)
				 : "memory");
}

static inline void allow(void)
{
	__asm__ volatile("clts" : : : "memory");
}

static inline uint64_t read_cr0(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	return cr0;
}

static inline void write_cr0(uint64_t cr0)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
}

static void forbid(void)
{
	write_cr0(read_cr0() | CR0_TS);
}

/* The boot CPU decides for all: a thread's area must fit wherever it runs. */
static void make_plan(void)
{
	static const char *const names[] = { "FXSAVE", "XSAVE", "XSAVEOPT" };

	if (plan.size)
		return;
	fpu_plan_make(&plan, IS_ENABLED(CONFIG_FPU_XSAVE), cpuid);
	fpu_plan_initial(initial);
	while ((uint64_t)PAGE_SIZE << area_order < plan.size)
		area_order++;
	log_info("fpu: %s, components 0x%x, %u bytes a thread", names[plan.method], plan.components,
		 plan.size);
}

__boot_cpu void fpu_init_cpu(void)
{
	const uint64_t flags = irq_save();
	uint64_t cr4 = cpu_read_cr4();

	make_plan();
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | (by_fxsave() ? 0 : CR4_OSXSAVE);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	if (!by_fxsave())
		__asm__ volatile("xsetbv" : : "c"(0), "a"(plan.components), "d"(0));
	load(initial);
	forbid();
	irq_restore(flags);
}

void fpu_switch(struct thread *previous, struct thread *next)
{
	if (previous->fpu_live) {
		save(previous->fpu);
		cpu_this()->fpu_saves++;
	}
	if (next->fpu_live) {
		if (!previous->fpu_live)
			allow();
		load(next->fpu);
	} else if (previous->fpu_live) {
		load(initial);
		forbid();
	}
}

/*
 * Memory may only be asked for where its locks cannot be held: as the thread itself, as if it had
 * called. Its registers need nothing (see above), so it may even move to another CPU meanwhile.
 */
bool fpu_exception(const struct interrupt_frame *frame)
{
	struct thread *thread = thread_current();
	paddr_t base;
	int error;

	if (!(read_cr0() & CR0_TS))
		return false;
	if (!thread)
		panic_at(frame, "floating-point instruction before there are threads");
	if (!(frame->rflags & RFLAGS_IF) || cpu_this()->preempt & ~PREEMPT_UNWANTED)
		panic_at(frame, "floating-point instruction with interrupts or preemption off");
	irq_enable();
	error = frame_alloc(area_order, &base);
	irq_save();
	if (error && user_frame(frame))
		return false;
	if (error)
		panic_at(frame, "no memory for the FPU state of thread \"%s\"", thread->name);
	fpu_plan_initial(phys_to_virt(base));
	thread->fpu = phys_to_virt(base);
	thread->fpu_live = true;
	allow();
	return true;
}

void fpu_release(struct thread *thread)
{
	if (!thread->fpu)
		return;
	frame_free((uintptr_t)thread->fpu - DIRECT_MAP_BASE, area_order);
	thread->fpu = NULL;
	thread->fpu_live = false;
}
