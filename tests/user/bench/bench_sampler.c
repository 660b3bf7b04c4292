/* SPDX-License-Identifier: MIT */
/* A thread that takes samples; compiled without vector registers, as what it calls must be. */
#include "bench.h"

#define GO 1u
#define DONE 2u

struct exo_thread bench_sampler;
static exo_cap_t turn;
static uint64_t (*volatile sample)(void);
static volatile uint64_t sampled;

static void take_samples(void *unused)
{
	(void)unused;
	while (!exo_ntf_wait(turn, GO, EXO_DEADLINE_NEVER).error) {
		sampled = sample();
		(void)exo_ntf_signal(turn, DONE);
	}
}

void bench_sampler_begin(exo_cap_t slot)
{
	turn = slot;
	bench_must("object_create", exo_object_create(BENCH_BANK, EXO_TYPE_NTF, slot, 0).error);
	bench_must("thread_start", exo_thread_start(&bench_sampler, take_samples, NULL, 2));
}

void bench_sampler_end(void)
{
	exo_thread_end(&bench_sampler);
}

uint64_t bench_take(uint64_t (*function)(void))
{
	sample = function;
	bench_must("ntf_signal", exo_ntf_signal(turn, GO).error);
	bench_must("ntf_wait", exo_ntf_wait(turn, DONE, EXO_DEADLINE_NEVER).error);
	return sampled;
}
