/* SPDX-License-Identifier: MIT */
/*
 * One CPU's timers with a made-up clock and a made-up device: what expires when, and how often the
 * device is set and interrupts.
 */
#include "../../kernel/time/timer_queue.h"

#include <exo/string.h>
#include <exo/test.h>

#define NR_TIMERS 200
#define LONGEST 1000000u /* ns that the device can wait */

static struct timer_queue queue;
static struct timer timers[NR_TIMERS];
static uint64_t now;
static uint64_t device_at; /* DEADLINE_NEVER: not set */
static unsigned int settings, interrupts, expired, early, late;
static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void reset(void)
{
	memset(timers, 0, sizeof(timers));
	timer_queue_init(&queue);
	now = 1000;
	device_at = DEADLINE_NEVER;
	settings = interrupts = expired = early = late = 0;
	random_state = 1;
}

static void note(struct timer *timer)
{
	expired++;
	early += now < timer->node.key;
	late += now > timer->node.key;
}

static void set_device(void)
{
	const uint64_t wait = timer_queue_set(&queue, now, LONGEST);

	if (wait == DEADLINE_NEVER)
		return;
	settings++;
	device_at = now + wait;
}

static void arm(unsigned int i, uint64_t deadline)
{
	timer_prepare(&timers[i], note);
	if (timer_queue_arm(&queue, &timers[i], deadline))
		set_device();
}

static void interrupt(void)
{
	device_at = DEADLINE_NEVER;
	interrupts++;
	timer_queue_run(&queue, now);
	set_device();
}

/* The time goes on to @end, with the interrupts in between. */
static void run_to(uint64_t end)
{
	while (device_at <= end) {
		if (device_at > now)
			now = device_at;
		interrupt();
	}
	now = end;
}

static void one_interrupt_for_one_timer(struct test *test)
{
	reset();
	arm(0, 5000);
	TEST_EQ(test, timer_queue_next(&queue), 5000);
	run_to(4999);
	TEST_EQ(test, expired, 0);
	run_to(5000);
	TEST_EQ(test, expired, 1);
	TEST_TRUE(test, !timers[0].armed);
	run_to(100 * LONGEST);
	TEST_EQ(test, interrupts, 1);
	TEST_EQ(test, settings, 1);
	TEST_EQ(test, timer_queue_next(&queue), DEADLINE_NEVER);
	TEST_EQ(test, early + late, 0);
}

static void only_an_earlier_deadline_sets_the_device(struct test *test)
{
	reset();
	arm(0, 5000);
	arm(1, 6000);
	arm(2, 5000);
	TEST_EQ(test, settings, 1);
	arm(3, 4999);
	TEST_EQ(test, settings, 2);
	TEST_EQ(test, device_at, 4999);
	run_to(10000);
	TEST_EQ(test, expired, 4);
	TEST_EQ(test, interrupts, 3);
	TEST_EQ(test, early + late, 0);
}

/* At most one interrupt in vain, and none if what comes next is later anyway. */
static void cancelling_leaves_the_device_alone(struct test *test)
{
	reset();
	for (unsigned int i = 0; i < 100; i++) {
		arm(0, now + 5000);
		now += 10;
		TEST_TRUE(test, timer_queue_cancel(&queue, &timers[0]));
		TEST_TRUE(test, !timer_queue_cancel(&queue, &timers[0]));
	}
	TEST_EQ(test, settings, 1);
	run_to(100 * LONGEST);
	TEST_EQ(test, interrupts, 1);
	TEST_EQ(test, queue.counts.in_vain, 1);
	TEST_EQ(test, expired, 0);
}

static void long_waits_are_split(struct test *test)
{
	reset();
	arm(0, 10 * (uint64_t)LONGEST);
	arm(1, UINT64_MAX - 1);
	arm(2, 10 * (uint64_t)LONGEST - 1); /* the device interrupts earlier anyway */
	TEST_EQ(test, settings, 1);
	TEST_TRUE(test, timer_queue_cancel(&queue, &timers[2]));
	run_to(10 * (uint64_t)LONGEST);
	TEST_EQ(test, expired, 1);
	TEST_EQ(test, interrupts, 10);
	TEST_EQ(test, early + late, 0);
	arm(2, now + 5);
	TEST_EQ(test, device_at, now + 5);
}

static void the_past_is_at_once(struct test *test)
{
	reset();
	arm(0, 400);
	arm(1, now);
	TEST_EQ(test, device_at, now);
	run_to(now);
	TEST_EQ(test, expired, 2);
	TEST_EQ(test, interrupts, 1);
	TEST_EQ(test, queue.counts.lateness, 600);
}

/* A device that counts too fast. */
static void early_interrupts_are_repeated(struct test *test)
{
	reset();
	arm(0, 5000);
	now = 4000;
	interrupt();
	TEST_EQ(test, expired, 0);
	TEST_EQ(test, device_at, 5000);
	run_to(6000);
	TEST_EQ(test, expired, 1);
	TEST_EQ(test, early, 0);
}

static void arm_at_once(struct timer *timer)
{
	expired++;
	if (timer_queue_arm(&queue, timer, 0))
		set_device();
}

/* Such a handler takes the CPU's time, but other interrupts get in between. */
static void armed_by_its_handler_is_the_next_interrupt(struct test *test)
{
	reset();
	timer_prepare(&timers[0], arm_at_once);
	if (timer_queue_arm(&queue, &timers[0], 2000))
		set_device();
	arm(1, 2000);
	now = 2000;
	interrupt();
	TEST_EQ(test, expired, 2);
	TEST_EQ(test, device_at, 2001);
	now = 2001;
	interrupt();
	TEST_EQ(test, expired, 3);
	TEST_EQ(test, settings, 3);
}

static void arm_later(struct timer *timer)
{
	note(timer);
	if (timer_queue_arm(&queue, timer, timer->node.key + 1 + random(2 * LONGEST)))
		set_device();
}

static void random_timers(struct test *test)
{
	uint64_t end;

	reset();
	for (unsigned int i = 0; i < NR_TIMERS; i++) {
		timer_prepare(&timers[i], arm_later);
		if (timer_queue_arm(&queue, &timers[i], now + random(3 * LONGEST)))
			set_device();
	}
	for (unsigned int i = 0; i < 20000; i++) {
		struct timer *timer = &timers[random(NR_TIMERS)];

		if (timer->armed && random(2)) {
			TEST_TRUE(test, timer_queue_cancel(&queue, timer));
		} else if (!timer->armed) {
			timer_prepare(timer, random(2) ? arm_later : note);
			if (timer_queue_arm(&queue, timer, now + random(3 * LONGEST)))
				set_device();
		}
		TEST_TRUE(test, queue.device_at == device_at);
		/* The device interrupts no later than the first deadline. */
		TEST_TRUE(test, device_at <= timer_queue_next(&queue));
		end = now + random(LONGEST / 50);
		run_to(end);
	}
	TEST_TRUE(test, expired > 1000);
	TEST_EQ(test, early + late, 0);
	TEST_EQ(test, queue.counts.expired, expired);
	TEST_EQ(test, queue.counts.interrupts, interrupts);
}

static const struct test_case timer_queue_cases[] = {
	TEST_CASE(one_interrupt_for_one_timer),
	TEST_CASE(only_an_earlier_deadline_sets_the_device),
	TEST_CASE(cancelling_leaves_the_device_alone),
	TEST_CASE(long_waits_are_split),
	TEST_CASE(the_past_is_at_once),
	TEST_CASE(early_interrupts_are_repeated),
	TEST_CASE(armed_by_its_handler_is_the_next_interrupt),
	TEST_CASE(random_timers),
};
TEST_SUITE(timer_queue, timer_queue_cases);
