/* SPDX-License-Identifier: MIT */
/* Timers with this machine's clock and device: never early, in order, cancelled, armed again. */
#include <arch/cpu.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/timer.h>

#define NR_TIMERS 1000
#define PATIENCE (20 * NS_PER_S) /* a guess: what has not expired by then never will */
#define TRIES 5 /* where a host that stops the CPU spoils one: a guess */

static struct timer timers[NR_TIMERS];
static unsigned int expired, early, out_of_order;
static uint64_t last_deadline;
static uint32_t seed = 1;

static uint32_t random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void reset(void)
{
	expired = early = out_of_order = 0;
	last_deadline = 0;
}

static void note(struct timer *timer)
{
	if (clock_ns() < timer->node.key)
		early++;
	if (timer->node.key < last_deadline)
		out_of_order++;
	last_deadline = timer->node.key;
	expired++;
}

/* Arms @timer, @ns from now. */
static void start(struct timer *timer, void (*expire)(struct timer *timer), uint64_t ns)
{
	const uint64_t flags = irq_save();

	timer_prepare(timer, expire);
	timer_arm(timer, clock_ns() + ns);
	irq_restore(flags);
}

/* Sleeps until @count timers have expired, or for too long. */
static void wait_for(unsigned int count)
{
	const uint64_t end = clock_ns() + PATIENCE;

	for (;;) {
		const uint64_t flags = irq_save();

		if (*(volatile unsigned int *)&expired >= count || clock_ns() > end) {
			irq_restore(flags);
			return;
		}
		irq_restore(flags);
		cpu_pause();
	}
}

static void timer_is_never_early(struct test *test)
{
	static const uint64_t waits[] = { 0, 1, 1000, 100000, 5000000, 120000000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(waits); i++) {
		reset();
		start(&timers[0], note, waits[i]);
		wait_for(1);
		TEST_EQ(test, expired, 1);
		TEST_EQ(test, early, 0);
		TEST_TRUE(test, !timers[0].armed);
	}
}

/* Whatever the order in which they are armed. */
static void timers_expire_in_order(struct test *test)
{
	reset();
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		start(&timers[i], note, 20 * NS_PER_MS + random() % (50 * NS_PER_MS));
	wait_for(NR_TIMERS);
	TEST_EQ(test, expired, NR_TIMERS);
	TEST_EQ(test, early, 0);
	TEST_EQ(test, out_of_order, 0);
}

/* Arms all timers and cancels two of three, if they have not expired by then. Returns how many. */
static unsigned int arm_and_cancel(void)
{
	unsigned int cancelled = 0;
	uint64_t flags;

	reset();
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		start(&timers[i], note, 50 * NS_PER_MS + random() % (50 * NS_PER_MS));
	flags = irq_save();
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		if (i % 3 != 1)
			cancelled += timer_cancel(&timers[i]);
	irq_restore(flags);
	wait_for(NR_TIMERS - cancelled);
	return cancelled;
}

static void cancelled_timers_stay_silent(struct test *test)
{
	unsigned int cancelled = 0;
	uint64_t flags, next;
	bool again;

	for (unsigned int i = 0; i < TRIES && cancelled == 0; i++)
		cancelled = arm_and_cancel();
	start(&timers[0], note, 110 * NS_PER_MS); /* after all that were cancelled */
	wait_for(NR_TIMERS - cancelled + 1);
	TEST_EQ(test, expired, NR_TIMERS - cancelled + 1);
	TEST_TRUE(test, cancelled > 0);
	TEST_EQ(test, early, 0);
	flags = irq_save();
	again = timer_cancel(&timers[0]);
	next = timer_next();
	irq_restore(flags);
	TEST_TRUE(test, !again);
	/* What is left is not of this test: a clock of few bits has a timer, so has a time slice.
	 */
	TEST_TRUE(test, next == DEADLINE_NEVER || IS_ENABLED(CONFIG_THREADS) ||
				strcmp(clock_name(), "tsc") != 0);
}

static void once_more(struct timer *timer)
{
	note(timer);
	if (expired < 20)
		timer_arm(timer, timer->node.key + NS_PER_MS);
}

static void at_once(struct timer *timer)
{
	expired++;
	if (expired < 100)
		timer_arm(timer, 0);
}

static void handlers_may_arm_again(struct test *test)
{
	reset();
	start(&timers[0], once_more, NS_PER_MS);
	wait_for(20);
	TEST_EQ(test, expired, 20);
	TEST_EQ(test, early, 0);
	reset();
	start(&timers[0], at_once, 0);
	wait_for(100);
	TEST_EQ(test, expired, 100);
}

/* Interrupts of this CPU's device while @ns go by. */
static uint64_t interrupts_within(uint64_t ns)
{
	const uint64_t end = clock_ns() + ns;
	uint64_t flags = irq_save(), before = timer_counts().interrupts, after;

	irq_restore(flags);
	while (clock_ns() < end)
		cpu_pause();
	flags = irq_save();
	after = timer_counts().interrupts;
	irq_restore(flags);
	return after - before;
}

/* What is left of cancelled timers is over after 100 ms; then only a clock of few bits may ask. */
static void nothing_ticks(struct test *test)
{
	const unsigned int most = strcmp(clock_name(), "tsc") != 0 ? 20 : 0;
	bool quiet = false;

	interrupts_within(NS_PER_S / 10);
	if (strcmp(clock_name(), "pit") == 0)
		TEST_SKIP(test, "the PIT as clock is read 36 times a second");
	/* The PIT takes 19 waits for a second. What the host delivers late ends some time. */
	for (unsigned int i = 0; i < TRIES && !quiet; i++)
		quiet = interrupts_within(NS_PER_S) <= most;
	TEST_TRUE(test, quiet);
}

static const struct test_case timer_cases[] = {
	TEST_CASE(timer_is_never_early),
	TEST_CASE(timers_expire_in_order),
	TEST_CASE(cancelled_timers_stay_silent),
	TEST_CASE(handlers_may_arm_again),
	TEST_CASE(nothing_ticks),
};
TEST_SUITE(timer, timer_cases);
