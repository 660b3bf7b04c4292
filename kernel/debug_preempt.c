/* SPDX-License-Identifier: MIT */
/*
 * Finds code that uses what belongs to a CPU while it can be moved to another, or preempted by
 * others that use it, and code that would block where it must not (CONFIG_DEBUG_PREEMPT). Before
 * threads run nothing can move; during a panic nothing is checked.
 */
#include <exo/backtrace.h>
#include <exo/lock_debug.h>
#include <exo/panic.h>
#include <exo/preempt.h>

static _Noreturn void wrong(const char *what, uintptr_t address, const char *advice)
{
	uint64_t offset = 0, size;
	const char *name = symbol_find(address - 1, &offset, &size);

	panic("preempt: %s at 0x%lx %s+0x%llx\n  %s", what, address, name ? name : "?",
	      (unsigned long long)offset + 1, advice);
}

/* The idle thread never leaves its CPU. */
void preempt_check_pinned(void)
{
	if (!preemptible() || panic_is_here())
		return;
	if (this_cpu_read(current) && this_cpu_read(current) != this_cpu_read(idle))
		wrong("a CPU's own data used with preemption on",
		      (uintptr_t)__builtin_return_address(0),
		      "the thread may be moved in between: call preempt_disable() before");
}

void preempt_check_may_sleep(void)
{
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);

	if (panic_is_here())
		return;
	if (cpu_in_interrupt())
		wrong("about to block in an interrupt handler", caller,
		      "leave it to a thread that the handler wakes");
	if (!irq_enabled())
		wrong("about to block with interrupts off", caller, "turn them on before");
	if (!preemptible())
		wrong("about to block with preemption off", caller,
		      "call preempt_enable() before, or release the lock that turned it off");
}
