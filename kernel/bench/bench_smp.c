/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks of several CPUs (CONFIG_SMP): how much more two get done than one.
 *
 *	smp.sum		a sum over 2 MiB, some times over, by as many threads as CPUs, which take
 *			chunk after chunk
 *	smp.fork_join	a binary tree of threads: each starts two and joins them, the leaves work
 *
 * A sample is the whole, threads made and joined included. scripts/bench --smp compares the samples
 * of one and of two CPUs; on one, under icount, it is a count of instructions like any other.
 */
#include <arch/memory.h>
#include <exo/bench.h>
#include <exo/frame.h>
#include <exo/panic.h>
#include <exo/thread.h>
#include <stdatomic.h>

#define SUM_ORDER 9
#define SUM_WORDS ((PAGE_SIZE << SUM_ORDER) / sizeof(uint64_t))
#define SUM_CHUNK 4096 /* words; small, so that a slow CPU does not hold up the others */
#define SUM_PASSES 8
#define SUM_CHUNKS (SUM_PASSES * SUM_WORDS / SUM_CHUNK)
#define TREE_DEPTH 8
#define LEAF_STEPS 10000

/* --- a sum -------------------------------------------------------------------------------------*/

static paddr_t frames;
static uint64_t *words;
static _Atomic size_t next_chunk;
static _Atomic uint64_t total;

static void sum_begin(void)
{
	if (frame_alloc(SUM_ORDER, &frames))
		panic("bench: no memory for an array");
	words = phys_to_virt(frames);
	for (size_t i = 0; i < SUM_WORDS; i++)
		words[i] = i;
}

static void sum_end(void)
{
	frame_free(frames, SUM_ORDER);
}

static void sum_chunks(void *argument)
{
	uint64_t sum = 0;
	size_t chunk;

	(void)argument;
	while ((chunk = atomic_fetch_add_explicit(&next_chunk, 1, memory_order_relaxed)) <
	       SUM_CHUNKS) {
		const uint64_t *from = &words[chunk * SUM_CHUNK % SUM_WORDS];

		for (size_t i = 0; i < SUM_CHUNK; i++)
			sum += from[i];
	}
	atomic_fetch_add_explicit(&total, sum, memory_order_relaxed);
}

static uint64_t smp_sum(void)
{
	struct thread *threads[NR_CPUS];
	const uint64_t start = bench_start();
	const unsigned int n = nr_cpus_online;
	uint64_t ticks;

	atomic_store(&next_chunk, 0);
	atomic_store(&total, 0);
	for (unsigned int i = 0; i < n; i++) {
		if (thread_create(&threads[i], sum_chunks, NULL, NULL))
			panic("bench: no memory for a thread");
		thread_start(threads[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		thread_join(threads[i], DEADLINE_NEVER, NULL);
	ticks = bench_stop(start);
	if (atomic_load(&total) != SUM_PASSES * (SUM_WORDS * (SUM_WORDS - 1) / 2))
		panic("bench: the threads' sum is wrong");
	return ticks;
}
BENCHMARK_AROUND(smp_sum, "smp.sum", 5, sum_begin, sum_end);

/* --- a tree ------------------------------------------------------------------------------------*/

static _Atomic unsigned int leaves;

static void work(void)
{
	for (unsigned int i = 0; i < LEAF_STEPS; i++)
		__asm__ volatile("" : : : "memory");
	atomic_fetch_add_explicit(&leaves, 1, memory_order_relaxed);
}

/* @argument: how many levels are below this one. */
static void tree(void *argument)
{
	const uintptr_t depth = (uintptr_t)argument;
	struct thread *children[2];

	if (depth == 0) {
		work();
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (thread_create(&children[i], tree, (void *)(depth - 1), NULL))
			panic("bench: no memory for a thread");
		thread_start(children[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		thread_join(children[i], DEADLINE_NEVER, NULL);
}

static uint64_t smp_fork_join(void)
{
	const uint64_t start = bench_start();
	uint64_t ticks;

	atomic_store(&leaves, 0);
	tree((void *)TREE_DEPTH);
	ticks = bench_stop(start);
	if (atomic_load(&leaves) != 1 << TREE_DEPTH)
		panic("bench: the tree has lost a leaf");
	return ticks;
}
BENCHMARK(smp_fork_join, "smp.fork_join", 11);
