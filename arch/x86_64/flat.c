/* SPDX-License-Identifier: MIT */
/*
 * The program of a flat kernel: it runs in the kernel's mode, but on stacks of its own, and what
 * user.c does for programs in user mode is done here as far as there is anything to do.
 *
 * Its threads are the kernel's with two stacks. cpu->in_program says on which of them a CPU is: it
 * is set with interrupts off as the last thing before the program goes on, and cleared as the first
 * thing of each interrupt and call (flat_entry.asm). So wherever the program's stack is, the
 * kernel's is empty while the program runs, and what interrupts it lies at its top.
 *
 * GS base is the kernel's at all times; FS base is the program's own, a thread each.
 */
#include <arch/cpu.h>
#include <arch/gdt.h>
#include <arch/mmu.h>
#include <arch/user.h>
#include <exo/cpu.h>
#include <exo/errno.h>
#include <exo/user.h>

#define MSR_FS_BASE 0xc0000100
#define CR4_FSGSBASE (1ull << 16)
#define RFLAGS_HARMLESS 0x200cd5ull /* CF PF AF ZF SF DF OF; ID */
#define RFLAGS_ALWAYS 0x202ull

bool user_has_fsgsbase;

static bool find_fsgsbase(void)
{
	return cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & 1u;
}

const char *user_missing_feature(void)
{
	return user_has_fsgsbase && !find_fsgsbase() ? "FSGSBASE" : NULL;
}

void user_init_cpu(void)
{
	if (this_cpu_number() == 0)
		user_has_fsgsbase = find_fsgsbase();
	if (user_has_fsgsbase)
		__asm__ volatile("mov %0, %%cr4" : : "r"(cpu_read_cr4() | CR4_FSGSBASE) : "memory");
}

static void save_bases(struct user_context *user)
{
	if (!user->away && user_has_fsgsbase)
		__asm__ volatile("rdfsbase %0" : "=r"(user->fs_base));
}

void user_save_bases(struct user_context *user)
{
	save_bases(user);
	user->away = true;
}

/* What is not canonical cannot be loaded. */
void user_load_bases(struct user_context *user)
{
	const uint64_t fs = user_address(user->fs_base);

	if (user_has_fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(fs));
	else
		cpu_write_msr(MSR_FS_BASE, fs);
	user->gs_base = 0;
	user->away = false;
}

void user_switch(struct thread *previous, struct thread *next)
{
	struct cpu *cpu = cpu_this();
	struct user_context *user = next->user;

	if (previous->user)
		save_bases(previous->user);
	if (!user)
		return; /* it keeps whatever address space there is */
	if (cpu->space != user->space)
		mmu_switch_masked(cpu, user->space);
	user_load_bases(user);
}

/* On the kernel's stack nothing else begins where what interrupts the program does. */
bool user_frame(const struct interrupt_frame *frame)
{
	const struct thread *thread = thread_current();

	return thread && thread->user && (uintptr_t)(frame + 1) == (uintptr_t)thread;
}

int user_sanitise(struct interrupt_frame *frame)
{
	/* An empty stack is behind its last byte. */
	if (!user_reaches(frame->rip, 1) ||
	    !(user_reaches(frame->rsp, 0) || user_reaches(frame->rsp - 1, 1)))
		return -EXO_E_RANGE;
	frame->cs = SELECTOR_KERNEL_CODE;
	frame->ss = GDT_DATA * 8;
	frame->rflags = (frame->rflags & RFLAGS_HARMLESS) | RFLAGS_ALWAYS;
	return 0;
}
