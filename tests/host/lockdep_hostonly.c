/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_LOCKDEP and CONFIG_DEBUG_PREEMPT: what is right passes, and each mistake ends in a panic
 * whose words say what it is. A panic ends the process, so each mistake is made in a child.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exo/panic.h>
#include <exo/spinlock.h>
#include <exo/string.h>

static struct spinlock heap = SPINLOCK_INIT(LOCK_RANK_HEAP);
static struct spinlock frames = SPINLOCK_INIT(LOCK_RANK_FRAMES);
static struct spinlock queue = SPINLOCK_INIT(LOCK_RANK_WAIT);
static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);
static struct spinlock none;

static void right_order(void)
{
	uint64_t flags, inner;

	for (unsigned int i = 0; i < 100; i++) {
		spin_lock(&heap);
		spin_lock(&frames);
		flags = spin_lock_irq(&queue);
		inner = spin_lock_irq(&log_lock);
		assert_held(&heap);
		assert_held(&log_lock);
		/* In any order. */
		spin_unlock_irq(&queue, flags);
		spin_unlock_irq(&log_lock, inner);
		irq_restore(flags);
		spin_unlock(&heap);
		spin_unlock(&frames);
		assert_may_sleep();
		assert_no_spinlock();
	}
}

static void interrupt_takes_its_locks(void)
{
	uint64_t flags;

	spin_lock(&frames);
	flags = irq_save();
	host_cpu->in_interrupt = true;
	spin_acquire(&queue);
	spin_release(&queue);
	if (!spin_try_acquire(&heap)) /* out of order, but it does not wait */
		abort();
	spin_release(&heap);
	host_cpu->in_interrupt = false;
	irq_restore(flags);
	spin_unlock(&frames);
}

static void wrong_order(void)
{
	spin_lock(&frames);
	spin_lock(&heap);
}

static void irq_before_plain(void)
{
	spin_lock_irq(&queue);
	spin_lock(&heap);
}

static void twice(void)
{
	spin_lock(&heap);
	spin_lock(&heap);
}

static void in_interrupt(void)
{
	irq_save();
	host_cpu->in_interrupt = true;
	spin_lock(&heap);
}

static void with_interrupts_on(void)
{
	spin_lock(&queue);
}

static void without_preemption_off(void)
{
	spin_acquire(&heap);
}

static void not_held(void)
{
	spin_lock(&heap);
	spin_unlock(&heap);
	spin_unlock(&heap);
}

static void not_initialised(void)
{
	spin_lock(&none);
}

static void needs_lock(void)
{
	assert_held(&heap);
}

static void sleeps_with_lock(void)
{
	spin_lock(&heap);
	assert_may_sleep();
}

static void switches_with_lock(void)
{
	spin_lock_irq(&queue);
	assert_no_spinlock();
}

static void sleeps_in_interrupt(void)
{
	irq_save();
	host_cpu->in_interrupt = true;
	assert_may_sleep();
}

static void sleeps_with_interrupts_off(void)
{
	irq_save();
	assert_may_sleep();
}

static void sleeps_with_preemption_off(void)
{
	preempt_disable();
	assert_may_sleep();
}

static void uses_cpu_unpinned(void)
{
	host_cpu->current = (struct thread *)&heap; /* threads run */
	preempt_disable();
	cpu_this();
	preempt_enable();
	cpu_this();
}

static const struct {
	const char *name;
	void (*act)(void);
	const char *words; /* of the panic; NULL: none */
} cases[] = {
	{ "right_order", right_order, NULL },
	{ "interrupt_takes_its_locks", interrupt_takes_its_locks, NULL },
	{ "wrong_order", wrong_order, "lock order: HEAP" },
	{ "irq_before_plain", irq_before_plain, "while WAIT" },
	{ "twice", twice, "while HEAP" },
	{ "in_interrupt", in_interrupt, "taken in an interrupt handler" },
	{ "with_interrupts_on", with_interrupts_on, "taken with interrupts on" },
	{ "without_preemption_off", without_preemption_off, "taken with preemption on" },
	{ "not_held", not_held, "does not hold it" },
	{ "not_initialised", not_initialised, "never initialised" },
	{ "needs_lock", needs_lock, "must hold it" },
	{ "sleeps_with_lock", sleeps_with_lock, "blocked at" },
	{ "switches_with_lock", switches_with_lock, "switched to another thread at" },
	{ "sleeps_in_interrupt", sleeps_in_interrupt, "block in an interrupt" },
	{ "sleeps_with_interrupts_off", sleeps_with_interrupts_off, "block with interrupts off" },
	{ "sleeps_with_preemption_off", sleeps_with_preemption_off, "block with preemption off" },
	{ "uses_cpu_unpinned", uses_cpu_unpinned, "data used with preemption on" },
};

/* Runs one in a child. Returns its status, and in @text what it wrote to standard error. */
static int run(void (*act)(void), char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;
	int ends[2], status;
	pid_t child;

	if (pipe(ends) || (child = fork()) < 0)
		abort();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		act();
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(ends[0]);
	if (waitpid(child, &status, 0) != child)
		abort();
	return status;
}

int main(void)
{
	static char text[65536];
	bool failed = false;

	if (!IS_ENABLED(CONFIG_LOCKDEP) || !IS_ENABLED(CONFIG_DEBUG_PREEMPT)) {
		printf("1..1\nok 1 lockdep # SKIP needs LOCKDEP and DEBUG_PREEMPT\n");
		return 0;
	}
	printf("1..%zu\n", ARRAY_SIZE(cases));
	fflush(stdout);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const int status = run(cases[i].act, text, sizeof(text));
		const char *words = cases[i].words;
		const bool good = words ? WIFSIGNALED(status) && strstr(text, words) : status == 0;

		printf("%sok %u lockdep_%s\n", good ? "" : "not ", i + 1, cases[i].name);
		if (!good)
			printf("# status 0x%x, standard error: %s\n", status, text);
		fflush(stdout);
		failed |= !good;
	}
	return failed;
}
