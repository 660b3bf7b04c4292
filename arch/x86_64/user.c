/* SPDX-License-Identifier: MIT */
/*
 * The processor's part of user mode: SYSCALL, the protections of the kernel from what programs can
 * reach, and what is switched with a program (SDM vol. 3, 4.6, 5.8.8, 2.5; AMD APM vol. 2, 6.1).
 *
 * FS and GS base are a program's own. With FSGSBASE it changes them by itself, so they are saved at
 * each switch; without, only the kernel does. In the kernel its GS base is in MSR_KERNEL_GS_BASE
 * with CONFIG_SMP, and SWAPGS brings it into reach: an exception between the two has a stack and a
 * GS base of its own (user_entry.asm).
 *
 * The first CPU decides which features are used; another one that lacks one that others rely on
 * does not take part.
 */
#include <arch/cpu.h>
#include <arch/gdt.h>
#include <arch/interrupt_frame.h>
#include <arch/mmu.h>
#include <arch/percpu.h>
#include <arch/speculation.h>
#include <arch/user.h>
#include <exo/errno.h>
#include <exo/log.h>
#include <exo/user.h>

enum user_msr {
	MSR_EFER = 0xc0000080,
	MSR_STAR = 0xc0000081, /* 47:32 kernel's CS, SS is the next; 63:48 SS and, after it, CS */
	MSR_LSTAR = 0xc0000082, /* where SYSCALL goes */
	MSR_SFMASK = 0xc0000084, /* what it clears of RFLAGS */
	MSR_FS_BASE = 0xc0000100,
	MSR_KERNEL_GS_BASE = 0xc0000102,
};

#define EFER_SCE (1ull << 0)
#define CR4_UMIP (1ull << 11)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

#define RFLAGS_HARMLESS 0x200cd5ull /* CF PF AF ZF SF TF DF OF AC; ID */
#define RFLAGS_ALWAYS 0x202ull
/* TF IF DF IOPL NT RF AC: all that would matter in the kernel. */
#define RFLAGS_CLEARED 0x57700ull

struct features {
	bool smep, smap, umip, fsgsbase;
};

bool user_smap;
bool user_has_fsgsbase;

/* What a thread without state page has: its handlers are 0. Never written to. */
const uint64_t user_no_state[8];
_Static_assert(offsetof(struct exo_state_page, disabled) + 4 <= sizeof(user_no_state),
	       "holds what is looked at");

extern const char syscall_entry[];

/* --- features ----------------------------------------------------------------------------------*/

/* Of the CPU that executes it. */
static __boot_cpu struct features read_features(void)
{
	struct cpuid_regs seven = { 0 };

	if (cpuid(0, 0).eax >= 7)
		seven = cpuid(7, 0);
	return (struct features){
		.fsgsbase = seven.ebx & 1u << 0,
		.smep = IS_ENABLED(CONFIG_SMEP) && seven.ebx & 1u << 7,
		.smap = IS_ENABLED(CONFIG_SMAP) && seven.ebx & 1u << 20,
		.umip = IS_ENABLED(CONFIG_UMIP) && seven.ecx & 1u << 2,
	};
}

__boot_cpu const char *user_missing_feature(void)
{
	const struct features found = read_features();

	if (user_has_fsgsbase && !found.fsgsbase)
		return "FSGSBASE";
	if (user_smap && !found.smap)
		return "SMAP";
	return speculation_missing_feature();
}

static __boot_cpu void report(const struct features *found)
{
	if (IS_ENABLED(CONFIG_SMEP) && !found->smep)
		log_warning("user: this CPU has no SMEP: the kernel could be led to execute what "
			    "programs can write");
	if (IS_ENABLED(CONFIG_SMAP) && !found->smap)
		log_warning("user: this CPU has no SMAP: the kernel could be led to read and write "
			    "the memory of programs");
	if (IS_ENABLED(CONFIG_UMIP) && !found->umip)
		log_warning("user: this CPU has no UMIP: programs can see where the kernel's "
			    "tables are");
}

__boot_cpu void user_init_cpu(void)
{
	const struct features found = read_features();
	uint64_t cr4 = cpu_read_cr4() & ~(CR4_SMEP | CR4_SMAP | CR4_UMIP | CR4_FSGSBASE);

	if (this_cpu_number() == 0) {
		report(&found);
		user_smap = found.smap;
		user_has_fsgsbase = found.fsgsbase;
	}
	cr4 |= (found.smep ? CR4_SMEP : 0) | (user_smap ? CR4_SMAP : 0) |
	       (found.umip ? CR4_UMIP : 0) | (user_has_fsgsbase ? CR4_FSGSBASE : 0);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
	cpu_this()->state = (struct exo_state_page *)(uintptr_t)user_no_state;
	cpu_write_msr(MSR_STAR, (uint64_t)SELECTOR_KERNEL_CODE << 32 | (SELECTOR_USER_DATA - 8ull)
									       << 48);
	cpu_write_msr(MSR_LSTAR, (uintptr_t)syscall_entry);
	cpu_write_msr(MSR_SFMASK, RFLAGS_CLEARED);
	speculation_init_cpu();
	cpu_write_msr(MSR_EFER, cpu_read_msr(MSR_EFER) | EFER_SCE);
}

/* --- switching ---------------------------------------------------------------------------------*/

static inline void save_bases(struct user_context *user)
{
	if (user->away || unlikely(!user_has_fsgsbase))
		return;
	__asm__ volatile("rdfsbase %0" : "=r"(user->fs_base));
	if (IS_ENABLED(CONFIG_SMP))
		__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(user->gs_base));
	else
		__asm__ volatile("rdgsbase %0" : "=r"(user->gs_base));
}

void user_save_bases(struct user_context *user)
{
	save_bases(user);
	user->away = true;
}

static __noinline void write_base_msrs(uint64_t fs, uint64_t gs)
{
	cpu_write_msr(MSR_FS_BASE, fs);
	cpu_write_msr(IS_ENABLED(CONFIG_SMP) ? MSR_KERNEL_GS_BASE : MSR_GS_BASE, gs);
}

/* What can be loaded: they come from the CPU, or were compared with user_end(). */
static inline void load_bases(struct user_context *user)
{
	const uint64_t fs = user->fs_base, gs = user->gs_base;

	if (unlikely(!user_has_fsgsbase)) {
		write_base_msrs(fs, gs);
	} else {
		__asm__ volatile("wrfsbase %0" : : "r"(fs));
		if (IS_ENABLED(CONFIG_SMP))
			__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(gs));
		else
			__asm__ volatile("wrgsbase %0" : : "r"(gs));
	}
}

void user_load_bases(struct user_context *user)
{
	load_bases(user);
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
	if (!IS_ENABLED(CONFIG_PTI))
		cpu->tss->rsp[0] = (uintptr_t)next;
	if (unlikely(!user->entry_state))
		user->entry_state = user->state ? user->state
						: (struct exo_state_page *)(uintptr_t)user_no_state;
	cpu->state = user->entry_state;
	load_bases(user);
	if (cpu->space != user->space) {
		mmu_switch_masked(cpu, user->space);
		speculation_switch();
	}
}

/* --- the border -------------------------------------------------------------------------------*/

/* MOV SS puts off a breakpoint, or a single step, until after the next instruction: SYSCALL. */
bool user_debug_in_kernel(const struct interrupt_frame *frame)
{
	return frame->rip == (uintptr_t)syscall_entry;
}

int user_sanitise(struct interrupt_frame *frame)
{
	if (frame->rip >= USER_END || frame->rsp > USER_END)
		return -EXO_E_RANGE;
	frame->cs = SELECTOR_USER_CODE;
	frame->ss = SELECTOR_USER_DATA;
	frame->rflags = (frame->rflags & RFLAGS_HARMLESS) | RFLAGS_ALWAYS;
	return 0;
}
