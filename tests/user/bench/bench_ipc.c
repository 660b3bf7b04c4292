/* SPDX-License-Identifier: MIT */
/*
 * Messages between two address spaces: round trips of a call and its reply, as the caller sees
 * them. The server is this program again, in an environment of its own ("serve" is its argument).
 *
 *	ipc.rt.w0, w6		no words, or six, each way
 *	ipc.rt.120w		120 words each way
 *	ipc.rt.cap		a capability goes with the call; taking it back is not counted
 *	ipc.rt.same_env		no words; the server is a thread of this environment
 *	ipc.rt.fpu		no words; the caller has floating-point state
 *	smp.ipc.same, .other	a hundred round trips, on the caller's CPU, and with the last one
 *
 * But for ipc.rt.fpu the caller is a thread of its own, without floating-point state, for which
 * this file is compiled without vector registers.
 */
#include "bench_ipc.h"

#include "bench.h"

#include <libexo/process.h>

#define EP bench_slot(1)
#define FRAME bench_slot(2)
#define FRAMES 256u
#define ANYWHERE (~0u)

static struct exo_process server;
static struct exo_thread thread;

/* --- the server --------------------------------------------------------------------------------*/

static void serve(exo_cap_t ep)
{
	struct exo_message m = { 0, { 0 } };
	struct exo_result result;

	do
		result = exo_ipc_wait(ep, &m);
	while (result.error == -EXO_E_CAP && !exo_yield(EXO_SELF).error);
	/* What comes goes back, but for the capability. */
	while (!result.error) {
		m.tag &= ~EXO_TAG_GRANT;
		result = exo_ipc_reply_wait(ep, &m);
	}
}

int bench_serve(void)
{
	BENCH_STATE->mailbox = BENCH_MAILBOX;
	serve(BENCH_SERVER_EP);
	return 0;
}

static void serve_here(void *unused)
{
	(void)unused;
	serve(EP);
}

/* --- the caller --------------------------------------------------------------------------------*/

static void begin_caller(void)
{
	bench_begin_bank(64);
	bench_must("object_create", exo_object_create(BENCH_BANK, EXO_TYPE_EP, EP, 0).error);
	bench_sampler_begin(bench_slot(3));
}

static void end_caller(void)
{
	bench_sampler_end();
	bench_end_bank();
}

/* With the server on @cpu. */
static void begin_on(unsigned int cpu)
{
	const char *const argv[] = { "abi-bench", "serve" };
	struct exo_program program = {
		.argc = 2, .argv = argv, .frames = FRAMES, .node = EXO_NODE_ANY, .stack_pages = 4
	};

	if (cpu != ANYWHERE) {
		program.cpus = EXO_FIRST_CPUS;
		program.affinity[cpu / 64] = UINT64_C(1) << cpu % 64;
	}
	begin_caller();
	bench_must("abi-bench", exo_program_find(&program, "abi-bench"));
	bench_must("spawn", exo_env_spawn(&program, &server, NULL));
	bench_must("copy", exo_copy_caps(EP, server.env, BENCH_SERVER_EP, 1, EXO_RIGHTS_ALL));
}

static void begin(void)
{
	begin_on(ANYWHERE);
}

static void end(void)
{
	exo_env_end(&server);
	end_caller();
}

/* One round trip. */
static uint64_t round_trip(uint64_t tag)
{
	struct exo_message m = { tag, { 0 } };
	const uint64_t start = bench_start();
	const struct exo_result result = exo_ipc_call(EP, &m);
	const uint64_t took = bench_stop(start);

	bench_must("ipc_call", result.error);
	return took;
}

static uint64_t call_w0(void)
{
	return round_trip(EXO_TAG(0, 0));
}

static uint64_t rt_w0(void)
{
	return bench_take(call_w0);
}
BENCHMARK_AROUND(rt_w0, "ipc.rt.w0", 100, begin, end);

static uint64_t rt_fpu(void)
{
	return call_w0();
}
BENCHMARK_AROUND(rt_fpu, "ipc.rt.fpu", 100, begin, end);

static uint64_t call_w6(void)
{
	struct exo_message m = { EXO_TAG(0, 6), { 1, 2, 3, 4, 5, 6 } };
	const uint64_t start = bench_start();
	const struct exo_result result = exo_ipc_call(EP, &m);
	const uint64_t took = bench_stop(start);

	bench_must("ipc_call", result.error);
	bench_must("words", m.words[5] != 6);
	return took;
}

static uint64_t rt_w6(void)
{
	return bench_take(call_w6);
}
BENCHMARK_AROUND(rt_w6, "ipc.rt.w6", 100, begin, end);

static uint64_t call_120w(void)
{
	return round_trip(EXO_TAG(0, 120));
}

static uint64_t rt_120w(void)
{
	return bench_take(call_120w);
}
BENCHMARK_AROUND(rt_120w, "ipc.rt.120w", 100, begin, end);

static void begin_grant(void)
{
	begin();
	bench_must("frame_alloc", exo_frames_allocate(BENCH_BANK, FRAME, 1));
	bench_sampler.state->grant = EXO_GRANT(FRAME, EXO_RIGHT_R);
}

static uint64_t call_cap(void)
{
	return round_trip(EXO_TAG(0, 0) | EXO_TAG_GRANT);
}

static uint64_t rt_cap(void)
{
	const uint64_t took = bench_take(call_cap);

	bench_revoke(FRAME);
	return took;
}
BENCHMARK_AROUND(rt_cap, "ipc.rt.cap", 100, begin_grant, end);

static void begin_here(void)
{
	begin_caller();
	bench_must("thread", exo_thread_start(&thread, serve_here, NULL, 2));
}

static void end_here(void)
{
	exo_thread_end(&thread);
	end_caller();
}

static uint64_t rt_same_env(void)
{
	return bench_take(call_w0);
}
BENCHMARK_AROUND(rt_same_env, "ipc.rt.same_env", 100, begin_here, end_here);

/* --- the same CPU and another one --------------------------------------------------------------*/

#define ROUND_TRIPS 100u

static void begin_pair(unsigned int cpu)
{
	const struct exo_sched first = { .priority = EXO_PRIORITY_DEFAULT,
					 .shares = EXO_SHARES_DEFAULT,
					 .affinity = { 1 } };

	begin_on(cpu);
	bench_must("thread_sched",
		   exo_thread_sched(bench_sampler.cap, EXO_FIRST_CPUS, &first).error);
}

static void begin_same(void)
{
	begin_pair(0);
}

static void begin_other(void)
{
	begin_pair(exo_program_info.info->nr_cpus - 1);
}

static uint64_t call_often(void)
{
	uint64_t took = 0;

	for (unsigned int i = 0; i < ROUND_TRIPS; i++)
		took += round_trip(EXO_TAG(0, 0));
	return took;
}

static uint64_t same_cpu(void)
{
	return bench_take(call_often);
}
BENCHMARK_AROUND(same_cpu, "smp.ipc.same", 20, begin_same, end);

static uint64_t other_cpu(void)
{
	return bench_take(call_often);
}
BENCHMARK_AROUND(other_cpu, "smp.ipc.other", 20, begin_other, end);
