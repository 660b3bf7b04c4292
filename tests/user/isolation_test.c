/* SPDX-License-Identifier: MIT */
/*
 * What a bank has reserved it gets, whatever others do with theirs. Two parties exhaust their banks
 * in every way that there is, on other CPUs where there are some, while a third one uses all of its
 * own again and again: none of its calls may fail, and it gets as much each time as when it was
 * alone. Once with banks that are soon full, and once with banks that hold all memory there is.
 */
#include "abi.h"

#include <exo/string.h>
#include <libexo/print.h>
#include <libexo/slots.h>

#define ROOM 2048u /* slots of a party */
#define HOSTILE_FRAMES 24u
#define OWN_FRAMES 64u
#define ROUNDS 30u
#define ONE EXO_WHERE(0, EXO_NODE_ANY)
#define LARGE_ORDER 9u
#define FILL_THREADS 1000u
#define FAR UINT64_C(0x100000000000) /* in an environment of one's own */

struct party {
	exo_cap_t bank, slots; /* its slots: of this program's table, to be filled */
	struct exo_thread thread;
	volatile uint64_t rounds;
	volatile int64_t wrong; /* an error that is none of running out */
	volatile unsigned int wrong_way;
};

static struct party hostile[2];
static exo_cap_t own_slots;
static volatile bool stop;

/* --- those who exhaust their banks -------------------------------------------------------------*/

/* Each does one more of it, into slot @index of the party, and answers the error. */

static int64_t more_objects(struct party *party, enum exo_type type, unsigned int index)
{
	return exo_object_create(party->bank, type, party->slots + index, 0).error;
}

static int64_t more_envs(struct party *party, unsigned int index)
{
	return more_objects(party, EXO_TYPE_ENV, index);
}

static int64_t more_threads(struct party *party, unsigned int index)
{
	return more_objects(party, EXO_TYPE_THREAD, index);
}

static int64_t more_ntfs(struct party *party, unsigned int index)
{
	return more_objects(party, EXO_TYPE_NTF, index);
}

static int64_t more_frames(struct party *party, unsigned int index)
{
	return exo_frame_alloc(party->bank, ONE, EXO_HINT_NONE, party->slots + index, 1).error;
}

static int64_t more_blocks(struct party *party, unsigned int index)
{
	return exo_frame_alloc(party->bank, EXO_WHERE(2, EXO_NODE_ANY), EXO_HINT_NONE,
			       party->slots + index, 1)
		.error;
}

static int64_t more_banks(struct party *party, unsigned int index)
{
	return exo_bank_create(party->bank, index % 3, EXO_NODE_ANY, party->slots + index).error;
}

/* Pages of an environment's table: a slot of each. */
static int64_t more_slots(struct party *party, unsigned int index)
{
	if (index == 0)
		return more_envs(party, 0);
	return exo_cap_copy(party->bank, party->slots, index * UINT64_C(64), EXO_RIGHT_R, 0).error;
}

/* Page tables: the frame somewhere else each time, by a copy of its own. */
static int64_t more_tables(struct party *party, unsigned int index)
{
	struct exo_map_op op = { .address = FAR + index * GIB(UINT64_C(1)),
				 .slot = index,
				 .count = 1,
				 .act = EXO_MAP,
				 .rights = ABI_RW };
	int64_t error;

	if (index == 0)
		return more_envs(party, 0);
	if (index == 1)
		return more_frames(party, 1);
	error = exo_cap_copy(party->slots + 1, party->slots, index, EXO_COPY(EXO_RIGHTS_ALL, 1), 0)
			.error;
	/* It may be there from the last time. */
	return error && error != -EXO_E_SLOT ? error : exo_map(party->slots, &op, 1).error;
}

static int64_t (*const ways[])(struct party *, unsigned int) = {
	more_envs,   more_threads, more_ntfs,  more_frames,
	more_blocks, more_banks,   more_slots, more_tables,
};

/* Takes all back from a bank. */
static int64_t take_back(exo_cap_t bank)
{
	const uint64_t end = abi_now() + ABI_PATIENCE;
	int64_t error;

	do {
		error = exo_cap_revoke(bank, EXO_REVOKE_FORCE, 0, 0, 0).error;
		if (!error && !abi_used(bank))
			return 0;
		abi_sleep(MS / 10);
		(void)exo_cap_delete(EXO_SELF, 1); /* ends what waits for that */
	} while (abi_now() < end);
	return error ? error : -EXO_E_TIMEOUT;
}

/* One way until there is no more, and a little beyond; then all is taken back. */
static void exhaust(struct party *party, unsigned int way)
{
	unsigned int index = 0;
	int64_t error = 0;

	while (index < ROOM && !(error = ways[way](party, index)))
		index++;
	for (unsigned int i = 0; i < 8 && error == -EXO_E_NOMEM; i++) {
		error = ways[way](party, index);
		(void)exo_yield(EXO_SELF);
	}
	if (error == -EXO_E_NOMEM && index >= 2)
		error = take_back(party->bank);
	else
		error = error ? error : -EXO_E_ARG; /* it never ends */
	if (error) {
		party->wrong = error;
		party->wrong_way = way;
	}
}

static void be_hostile(void *argument)
{
	struct party *party = argument;

	while (!stop && !party->wrong) {
		exhaust(party, (unsigned int)(party->rounds % ARRAY_SIZE(ways)));
		party->rounds++;
	}
}

/* --- the one who is left alone -----------------------------------------------------------------*/

#define OWN(index) (own_slots + (index))
enum { OWN_ENV, OWN_THREAD, OWN_NTF, OWN_STATE, OWN_FIRST };

/* A thread that runs, if only into its first fault. */
static int64_t run_thread(exo_cap_t bank)
{
	int64_t error = exo_object_create(bank, EXO_TYPE_THREAD, OWN(OWN_THREAD), 0).error;

	if (!error)
		error = exo_frame_alloc(bank, ONE, EXO_HINT_NONE, OWN(OWN_STATE), 1).error;
	if (!error)
		error = exo_thread_config(OWN(OWN_THREAD), OWN(OWN_ENV), 0x1000, 0, 0,
					  OWN(OWN_STATE))
				.error;
	return error ? error : exo_thread_state(OWN(OWN_THREAD), EXO_THREAD_RUN, NULL).error;
}

/* Maps the first frame in the environment: tables. */
static int64_t map_one(void)
{
	const struct exo_map_op op = {
		.address = FAR, .slot = 5, .count = 1, .act = EXO_MAP, .rights = ABI_RW
	};
	const int64_t error =
		exo_cap_copy(OWN(OWN_STATE), OWN(OWN_ENV), 5, EXO_COPY(EXO_RIGHTS_ALL, 1), 0).error;

	return error ? error : exo_map(OWN(OWN_ENV), &op, 1).error;
}

/* Calls that need nothing. */
static int64_t call_around(exo_cap_t bank)
{
	struct exo_cap_info info;
	int64_t error = 0;

	for (unsigned int i = 0; i < 20 && !error; i++)
		(void)((error = exo_null().error) || (error = exo_cap_stat(bank, &info).error) ||
		       (error = exo_ntf_signal(OWN(OWN_NTF), 1).error) ||
		       (error = exo_ntf_wait(OWN(OWN_NTF), 1, 0).error) ||
		       (error = exo_cap_copy(OWN(OWN_NTF), EXO_SELF, OWN(ROOM - 1), EXO_RIGHT_R, 0)
					.error) ||
		       (error = exo_cap_delete(OWN(ROOM - 1), 1).error) ||
		       (error = exo_yield(EXO_SELF).error));
	return error;
}

/* Uses all of the bank; *frames is how many there were for frames. The first error, or 0. */
static int64_t use_all(exo_cap_t bank, unsigned int *frames)
{
	int64_t error;

	*frames = 0;
	(void)((error = exo_object_create(bank, EXO_TYPE_ENV, OWN(OWN_ENV), 0).error) ||
	       (error = exo_object_create(bank, EXO_TYPE_NTF, OWN(OWN_NTF), 0).error) ||
	       (error = run_thread(bank)) || (error = map_one()) || (error = call_around(bank)));
	while (!error && abi_used(bank) < OWN_FRAMES) {
		error = exo_frame_alloc(bank, ONE, EXO_HINT_NONE, OWN(OWN_FIRST + *frames), 1)
				.error;
		*frames += !error;
	}
	if (!error)
		error = call_around(bank);
	return error ? error : take_back(bank);
}

/* --- cases -------------------------------------------------------------------------------------*/

static int64_t carve(unsigned int index, uint64_t frames)
{
	return exo_bank_create(ABI_BANK, frames, EXO_NODE_ANY, abi_slot(index)).error;
}

/* Rooms for slots are taken once, and kept. */
static bool make_parties(void)
{
	own_slots = own_slots ? own_slots : exo_slot_take(ROOM);
	for (unsigned int i = 0; i < 2; i++) {
		const exo_cap_t slots = hostile[i].slots ? hostile[i].slots : exo_slot_take(ROOM);

		memset(&hostile[i], 0, sizeof(hostile[i]));
		hostile[i].slots = slots;
		hostile[i].bank = abi_slot(1 + i);
	}
	stop = false;
	return own_slots && hostile[0].slots && hostile[1].slots;
}

/* Round after round until the others have been through all ways; the first error. */
static int64_t use_all_beside(unsigned int expected, unsigned int rounds)
{
	const uint64_t end = abi_now() + ABI_PATIENCE;
	unsigned int frames;
	int64_t error = 0;

	for (unsigned int i = 0; !error && abi_now() < end; i++) {
		if (i >= rounds && hostile[0].rounds >= ARRAY_SIZE(ways) &&
		    hostile[1].rounds >= ARRAY_SIZE(ways))
			return 0;
		error = use_all(abi_slot(3), &frames);
		if (!error && frames != expected)
			error = -EXO_E_NOMEM;
	}
	return error ? error : -EXO_E_TIMEOUT;
}

static void isolation_of_banks(struct test *test)
{
	unsigned int alone;
	int64_t error;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 2 * HOSTILE_FRAMES + OWN_FRAMES + 8);
	TEST_TRUE(test, make_parties());
	TEST_EQ(test, carve(1, HOSTILE_FRAMES), 0);
	TEST_EQ(test, carve(2, HOSTILE_FRAMES), 0);
	TEST_EQ(test, carve(3, OWN_FRAMES), 0);
	TEST_EQ(test, use_all(abi_slot(3), &alone), 0);
	TEST_TRUE(test, alone > OWN_FRAMES / 2);
	for (unsigned int i = 0; i < 2; i++)
		TEST_EQ(test, exo_thread_start(&hostile[i].thread, be_hostile, &hostile[i], 4), 0);
	error = use_all_beside(alone, ROUNDS);
	stop = true;
	for (unsigned int i = 0; i < 2; i++) {
		exo_thread_end(&hostile[i].thread);
		if (hostile[i].wrong)
			exo_printf("# party %u, way %u\n", i, hostile[i].wrong_way);
	}
	TEST_EQ(test, error, 0);
	TEST_EQ(test, hostile[0].wrong, 0);
	TEST_EQ(test, hostile[1].wrong, 0);
	TEST_EQ(test, abi_revoke(ABI_BANK), 0);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	ABI_BEGIN(test, 16); /* for its audit */
}

/* Fills a bank: threads, then frames, the largest blocks first. True if not one frame is left. */
static bool fill(struct party *party)
{
	unsigned int used = 0;

	while (used < FILL_THREADS && !more_threads(party, used))
		used++;
	for (unsigned int order = LARGE_ORDER + 1; order-- > 0;) {
		int64_t error = 0;

		while (used < ROOM && !error) {
			error = exo_frame_alloc(party->bank, EXO_WHERE(order, EXO_NODE_ANY),
						EXO_HINT_NONE, party->slots + used, 1)
					.error;
			used += !error;
		}
		if (error != -EXO_E_NOMEM)
			return false;
	}
	return used > FILL_THREADS && abi_used(party->bank) == abi_stat(party->bank).size;
}

static void isolation_when_all_memory_is_used(struct test *test)
{
	uint64_t left;
	unsigned int alone, frames;

	ABI_NEEDS_ENV(test);
	ABI_BEGIN(test, 8);
	left = abi_stat(EXO_FIRST_BANK).size - abi_used(EXO_FIRST_BANK);
	/* What is allocated for this program itself meanwhile: tables, slots. */
	TEST_TRUE(test, left > 2048);
	ABI_BEGIN(test, left - 64);
	TEST_TRUE(test, make_parties());
	TEST_EQ(test, carve(3, OWN_FRAMES), 0);
	TEST_EQ(test, use_all(abi_slot(3), &alone), 0);
	left = abi_stat(ABI_BANK).size - abi_used(ABI_BANK);
	TEST_EQ(test, carve(1, left / 2), 0);
	TEST_EQ(test, carve(2, left - left / 2), 0);
	TEST_TRUE(test, fill(&hostile[0]));
	TEST_TRUE(test, fill(&hostile[1]));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		TEST_EQ(test, use_all(abi_slot(3), &frames), 0);
		TEST_EQ(test, frames, alone);
	}
	TEST_EQ(test, abi_revoke(ABI_BANK), 0);
	TEST_EQ(test, abi_used(ABI_BANK), 0);
	ABI_BEGIN(test, 16);
}

static const struct test_case isolation_cases[] = {
	TEST_CASE(isolation_of_banks),
	TEST_CASE(isolation_when_all_memory_is_used),
};
TEST_SUITE(user_isolation, isolation_cases);
