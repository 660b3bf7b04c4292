/* SPDX-License-Identifier: MIT */
/* The making and ending of environments, threads and banks. */
#include "bench.h"

#define ENV bench_slot(1)
#define THREAD bench_slot(2)
#define DONE bench_slot(3)
#define STATE bench_slot(4)
#define STACK bench_slot(5)
#define FRAMES bench_slot(8)
#define NR_FRAMES 64u
#define STACK_ADDRESS BENCH_ADDRESS

static void make(exo_cap_t bank, enum exo_type type, exo_cap_t slot)
{
	bench_must("object_create", exo_object_create(bank, type, slot, 0).error);
}

static void begin(void)
{
	bench_begin_bank(256);
}

static uint64_t env_create_destroy(void)
{
	const uint64_t start = bench_start();

	make(BENCH_BANK, EXO_TYPE_ENV, ENV);
	bench_must("cap_delete", exo_cap_delete(ENV, 1).error);
	return bench_stop(start);
}
BENCHMARK_AROUND(env_create_destroy, "env.create_destroy", 100, begin, bench_end_bank);

/* --- threads -----------------------------------------------------------------------------------*/

/* The body: says that it has been here, and waits to be ended. */
static void body(void)
{
	(void)exo_ntf_signal(DONE, 1);
	for (;;)
		(void)exo_thread_state(EXO_SELF, EXO_THREAD_STOP, NULL);
}

static void begin_threads(void)
{
	begin();
	make(BENCH_BANK, EXO_TYPE_NTF, DONE);
	bench_must("frame_alloc", exo_frames_allocate(BENCH_BANK, STATE, 2));
	bench_must("map", bench_map(EXO_MAP, STACK, 1, STACK_ADDRESS, EXO_RIGHT_R | EXO_RIGHT_W));
}

/* A thread's whole life: made, started, run, waited for, ended. Its memory is there already. */
static uint64_t thread_create_join(void)
{
	const uint64_t start = bench_start();

	make(BENCH_BANK, EXO_TYPE_THREAD, THREAD);
	bench_must("thread_config", exo_thread_config(THREAD, EXO_SELF, (uint64_t)body,
						      STACK_ADDRESS + EXO_PAGE - 8, 0, STATE)
					    .error);
	bench_must("thread_state", exo_thread_state(THREAD, EXO_THREAD_RUN, NULL).error);
	bench_must("ntf_wait", exo_ntf_wait(DONE, 1, EXO_DEADLINE_NEVER).error);
	bench_must("cap_delete", exo_cap_delete(THREAD, 1).error);
	return bench_stop(start);
}
BENCHMARK_AROUND(thread_create_join, "user.thread.create_join", 100, begin_threads, bench_end_bank);

/* --- banks -------------------------------------------------------------------------------------*/

/* A bank with an environment, a thread, a notification and 64 frames, half of them mapped. */
static uint64_t bank_destroy(void)
{
	const exo_cap_t bank = bench_slot(7);
	uint64_t start, took;

	bench_must("bank_create", exo_bank_create(BENCH_BANK, 160, EXO_NODE_ANY, bank).error);
	make(bank, EXO_TYPE_ENV, ENV);
	make(bank, EXO_TYPE_THREAD, THREAD);
	make(bank, EXO_TYPE_NTF, DONE);
	bench_must("frame_alloc", exo_frames_allocate(bank, FRAMES, NR_FRAMES));
	bench_must("map", bench_map(EXO_MAP, FRAMES, NR_FRAMES / 2, BENCH_ADDRESS, EXO_RIGHT_R));
	start = bench_start();
	bench_revoke(bank);
	bench_must("cap_delete", exo_cap_delete(bank, 1).error);
	took = bench_stop(start);
	return took;
}
BENCHMARK_AROUND(bank_destroy, "bank.destroy", 100, begin, bench_end_bank);
