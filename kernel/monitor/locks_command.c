/* SPDX-License-Identifier: MIT */
/* The monitor's locks command: the ranks of locks in their order, and what is known of their use.
 */
#include <exo/backtrace.h>
#include <exo/console.h>
#include <exo/lock_debug.h>
#include <exo/monitor.h>
#include <exo/spinlock.h>

static void print_place(uintptr_t address)
{
	uint64_t offset, size;
	const char *name = symbol_find(address - 1, &offset, &size);

	if (name)
		console_printf("  %s+0x%llx", name, (unsigned long long)offset + 1);
	else
		console_printf("  0x%lx", address);
}

static void print_statistics(enum lock_rank rank)
{
	struct lock_statistics statistics;

	lock_statistics_read(rank, &statistics);
	console_printf("  %12llu  %10llu  %12llu", (unsigned long long)statistics.taken,
		       (unsigned long long)statistics.waited,
		       (unsigned long long)statistics.longest);
	if (statistics.longest)
		print_place(statistics.longest_at);
}

static void print_ranks(void)
{
	console_printf("rank          way");
	if (IS_ENABLED(CONFIG_LOCK_STATISTICS))
		console_printf("         taken  waited for  longest hold  (TSC ticks) taken at");
	console_printf("\n");
	for (enum lock_rank rank = LOCK_RANK_NONE + 1; rank < NR_LOCK_RANKS; rank++) {
		console_printf("%-12s  %s", lock_rank_names[rank],
			       rank < LOCK_RANK_FIRST_IRQ ? "plain" : "irq  ");
		if (IS_ENABLED(CONFIG_LOCK_STATISTICS))
			print_statistics(rank);
		console_printf("\n");
	}
}

static void print_held(const struct spinlock *lock, uintptr_t taken_at)
{
	console_printf("held here: %s", lock_rank_names[lock->rank]);
	print_place(taken_at);
	console_printf("\n");
}

static int locks_command(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		console_printf("locks: takes no argument\n");
		return 1;
	}
	print_ranks();
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_for_each(print_held);
	console_printf("the order is %s; use is %s\n",
		       IS_ENABLED(CONFIG_LOCKDEP) ? "checked" : "not checked (LOCKDEP is off)",
		       IS_ENABLED(CONFIG_LOCK_STATISTICS) ? "counted"
							  : "not counted (LOCK_STATISTICS is off)");
	return 0;
}
MONITOR_COMMAND(locks, "", "ranks of locks, and how they were used", locks_command);
