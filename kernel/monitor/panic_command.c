/* SPDX-License-Identifier: MIT */
/*
 * The monitor's panic command: ways to break the kernel, to see that each is reported as what it
 * is.
 *
 * A kind that this configuration cannot catch (no guard page, no W^X) says so instead of doing
 * silent damage. Where protection that is built in does not stop the act, the command returns 1.
 */
#include "panic_locks.h"
#include <arch/cpu.h>

#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/panic.h>
#include <exo/smp.h>
#include <exo/string.h>
#include <exo/thread.h>

/* Hides a pointer's origin, so that the compiler cannot see what is about to go wrong. */
static void *launder(const void *pointer)
{
	void *same = (void *)(uintptr_t)pointer;

	__asm__ volatile("" : "+r"(same));
	return same;
}

static void break_assert(void)
{
	ASSERT(launder(NULL) != NULL);
}

static void break_fault(void)
{
	/* In assembly, or UBSAN's check would come before the fault. */
	__asm__ volatile("movl $1, (%0)" : : "r"((uintptr_t)0) : "memory");
}

static void break_opcode(void)
{
	__asm__ volatile("ud2");
}

static void break_divide(void)
{
	uint32_t low = 1, high = 0, zero = 0;

	__asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(zero));
}

static unsigned int descend(volatile char *above)
{
	volatile char frame[256];

	frame[0] = above[0];
	frame[255] = frame[0];
	return launder((const void *)frame) ? descend(frame) + (unsigned int)frame[255] : 0;
}

static void break_stack(void)
{
	volatile char start = 0;

	descend(&start);
}

static void break_text(void)
{
	volatile uint8_t *code = launder((const void *)(uintptr_t)break_text);

	*code = *code;
}

static void break_execute(void)
{
	static uint8_t ret[] = { 0xc3 };
	void (*function)(void) = (void (*)(void))(uintptr_t)launder(ret);

	function();
}

/* Runs over the guard word, the saved frame pointer and the return address. */
static __noinline void break_canary(void)
{
	volatile char array[16] = { 0 };
	volatile char *at = launder((const void *)array);

	for (unsigned int i = 0; i < 3 * sizeof(array); i++)
		at[i] = 'x';
}

static void break_overflow(void)
{
	volatile int number = __INT_MAX__;

	number = number + 1;
}

/* Where no thread may use these registers, or none at all (FPU_NONE). */
static void break_fpu(void)
{
	irq_save();
	__asm__ volatile("fld1");
}

static void break_vector(void)
{
	irq_save();
	__asm__ volatile("xorps %xmm0, %xmm0");
}

static void break_twice(void)
{
	/* The fault happens while the first panic formats its cause. */
	panic("requested at the monitor: %s", (const char *)launder((const void *)8));
}

static void break_here(void *unused)
{
	(void)unused;
	panic("requested on all CPUs");
}

/* Interrupts are off on the others, and here as well. */
static void break_all(void)
{
	struct cpu_set all;

	cpu_set_all(&all);
	irq_save();
	smp_call(&all, break_here, NULL);
	break_here(NULL);
}

static const struct {
	const char *name;
	void (*act)(void);
	bool caught;
	const char *needs;
} kinds[] = {
	{ "assert", break_assert, IS_ENABLED(CONFIG_ASSERT), "ASSERT" },
	{ "fault", break_fault, true, "" },
	{ "ud", break_opcode, true, "" },
	{ "de", break_divide, true, "" },
	{ "stack", break_stack, IS_ENABLED(CONFIG_STACK_GUARD) && IS_ENABLED(CONFIG_IST),
	  "STACK_GUARD or IST" },
	{ "text", break_text, IS_ENABLED(CONFIG_WX), "WX" },
	{ "exec", break_execute, IS_ENABLED(CONFIG_WX), "WX" },
	{ "smash", break_canary, IS_ENABLED(CONFIG_STACK_PROTECTOR), "STACK_PROTECTOR" },
	{ "overflow", break_overflow, IS_ENABLED(CONFIG_UBSAN), "UBSAN" },
	{ "fpu", break_fpu, IS_ENABLED(CONFIG_THREADS), "THREADS" },
	{ "vector", break_vector, IS_ENABLED(CONFIG_THREADS), "THREADS" },
	{ "lock-order", break_lock_order, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "lock-twice", break_lock_twice, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "lock-release", break_lock_release, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "lock-in-irq", break_lock_in_interrupt, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "lock-irq-on", break_lock_interrupts_on, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "sleep-in-lock", break_sleep_in_lock, IS_ENABLED(CONFIG_LOCKDEP), "LOCKDEP" },
	{ "sleep-in-irq", break_sleep_in_interrupt, IS_ENABLED(CONFIG_DEBUG_PREEMPT),
	  "DEBUG_PREEMPT" },
	{ "cpu-unpinned", break_cpu_unpinned, IS_ENABLED(CONFIG_DEBUG_PREEMPT), "DEBUG_PREEMPT" },
	{ "nested", break_twice, true, "" },
	{ "all", break_all, true, "" },
};

static void act_of_thread(void *argument)
{
	kinds[(uintptr_t)argument].act();
}

/* In a thread on the CPU that @word names. */
static int act_on_cpu(unsigned int kind, const char *word)
{
	struct thread_attributes attributes = { .name = "panic",
						.parameters = SCHED_PARAMETERS_INIT };
	struct cpu_set set;
	struct thread *thread;
	uint64_t number;

	if (!IS_ENABLED(CONFIG_SMP) || string_to_u64(word, &number) || number >= nr_cpus_online) {
		console_printf("panic: there is no CPU %s\n", word);
		return 1;
	}
	cpu_set_clear(&set);
	cpu_set_add(&set, (cpu_t)number);
	attributes.affinity = &set;
	if (thread_create(&thread, act_of_thread, (void *)(uintptr_t)kind, &attributes) == 0) {
		thread_start(thread);
		thread_join(thread, DEADLINE_NEVER, NULL);
	}
	return 1;
}

static int panic_command(int argc, char **argv)
{
	if (argc == 1)
		panic("requested at the monitor");
	for (unsigned int i = 0; argc <= 3 && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		if (!kinds[i].caught) {
			console_printf("panic: this kernel would not notice (%s is off)\n",
				       kinds[i].needs);
			return 1;
		}
		if (argc == 3)
			return act_on_cpu(i, argv[2]);
		kinds[i].act();
		console_printf("panic: '%s' went unnoticed\n", argv[1]);
		return 1;
	}
	console_printf("panic: the kinds are");
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++)
		console_printf(" %s", kinds[i].name);
	console_printf("\n");
	return 1;
}
MONITOR_COMMAND(panic, "[KIND [CPU]]", "break the kernel on purpose", panic_command);
