/* SPDX-License-Identifier: MIT */
/*
 * A pipeline of three programs over two channels in shared memory.
 *
 *	exosh> run pipeline
 *
 *	producer --(channel 0)--> filter --(channel 1)--> consumer
 *
 * The producer sends the numbers from 1 on; the filter lets the odd ones through, squared; the
 * consumer, which is the program that was run, adds them up. A channel is a ring in a page that
 * both ends have mapped: while both are awake a message costs no system call. Who finds a channel
 * empty, or full, waits for a bit of a notification, which the other end then sets.
 *
 * All have the same three capabilities, as they trust each other: two pages, a notification.
 */
#include "example.h"

#include <exo/string.h>
#include <libexo/channel.h>
#include <libexo/pages.h>
#include <libexo/print.h>

#define NUMBERS 10001u /* odd: the last one gets through the filter */
#define MESSAGE_BIT(channel) \
	(UINT64_C(0x10000) << (channel)) /* there is a message; above ENDED and FAILED */
#define ROOM_BIT(channel) (UINT64_C(0x40000) << (channel)) /* there is room again */
#define RW (EXO_RIGHT_R | EXO_RIGHT_W)

/* 2^5 cells of 2^6 bytes fit a page. Both ends must agree. */
static const struct exo_channel_shape shape = { 5, 6 };

enum { PAGE_0, PAGE_1, BELL, NR_GRANTS }; /* what the stages are granted, in this order */

static char *pages = (char *)UINT64_C(0x20000000000); /* where stages map the two */
static exo_cap_t bell;

static struct exo_channel *page(unsigned int channel)
{
	return (struct exo_channel *)(void *)(pages + channel * EXO_PAGE);
}

static void open_sender(struct exo_sender *sender, unsigned int channel)
{
	(void)exo_sender_init(sender, page(channel), &shape, 0, true);
	sender->wake = sender->room = bell;
	sender->wake_bit = MESSAGE_BIT(channel);
	sender->room_bit = ROOM_BIT(channel);
}

static void open_receiver(struct exo_receiver *receiver, unsigned int channel)
{
	(void)exo_receiver_init(receiver, page(channel), &shape, true);
	receiver->wake = receiver->room = bell;
	receiver->wake_bit = MESSAGE_BIT(channel);
	receiver->others = FAILED(1) | FAILED(2); /* then nothing more will come */
}

/* What a stage does first. */
static int map_pages(void)
{
	bell = exo_granted(BELL);
	return exo_map_frames(EXO_SELF, exo_granted(PAGE_0), 2, (uint64_t)pages, RW);
}

/* 1, 2, … and then a 0, which means that this was all. */
static int producer(void)
{
	const uint64_t end = 0;
	struct exo_sender out;

	if (map_pages())
		return 1;
	open_sender(&out, 0);
	for (uint64_t i = 1; i <= NUMBERS; i++)
		if (exo_channel_send(&out, &i, 1, EXO_DEADLINE_NEVER))
			return 1;
	return exo_channel_send(&out, &end, 1, EXO_DEADLINE_NEVER) != 0;
}

static int filter(void)
{
	struct exo_receiver in;
	struct exo_sender out;
	uint64_t number;

	if (map_pages())
		return 1;
	open_receiver(&in, 0);
	open_sender(&out, 1);
	do {
		if (exo_channel_receive(&in, &number, 1, EXO_DEADLINE_NEVER))
			return 1;
		if (number != 0 && number % 2 == 0)
			continue;
		number *= number;
		if (exo_channel_send(&out, &number, 1, EXO_DEADLINE_NEVER))
			return 1;
	} while (number != 0);
	return 0;
}

static int consumer(void)
{
	const uint64_t odd = (NUMBERS + 1) / 2;
	uint64_t number, count = 0, sum = 0;
	struct exo_receiver in;
	struct exo_process process = { 0 }; /* it ends with this program's bank */
	struct exo_grant grants[NR_GRANTS];
	void *memory;

	bell = make_notification();
	if (!bell || exo_pages_take(EXO_FIRST_BANK, 2, &memory))
		return 1;
	grants[PAGE_0] = (struct exo_grant){ exo_pages_slot(memory), RW, 0 };
	grants[PAGE_1] = (struct exo_grant){ exo_pages_slot(memory) + 1, RW, 0 };
	grants[BELL] = (struct exo_grant){ bell, RW, 0 };
	if (start_again("pipeline", "producer", 1, grants, NR_GRANTS, bell, &process) ||
	    start_again("pipeline", "filter", 2, grants, NR_GRANTS, bell, &process))
		return 1;
	pages = memory;
	open_receiver(&in, 1);
	while (!exo_channel_receive(&in, &number, 1, EXO_DEADLINE_NEVER) && number) {
		count++;
		sum += number;
	}
	exo_printf("pipeline: %llu squares of odd numbers up to %u, their sum is %llu\n",
		   (unsigned long long)count, NUMBERS, (unsigned long long)sum);
	return count != odd || sum != odd * (2 * odd - 1) * (2 * odd + 1) / 3;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return consumer();
	return strcmp(argv[1], "producer") == 0 ? producer() : filter();
}
