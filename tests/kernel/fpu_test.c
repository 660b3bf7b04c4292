/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector registers of threads: nobody else's, and nobody loses his own.
 *
 * Threads fill all their registers, let others run, and look. The suite's own thread never uses
 * them: it is one of those that must cost nothing.
 */
#include <arch/mmu.h>
#include <exo/fpu.h>
#include <exo/frame.h>
#include <exo/string.h>
#include <exo/test.h>

#define NR_WORKERS 6
#define ROUNDS 200
#define NR_VECTORS_XMM 16
#define CR4_OSXSAVE (1ull << 18)
#define XCR0_AVX 4u

struct registers {
	uint8_t vectors[NR_VECTORS_XMM][32];
	uint32_t mxcsr;
	uint16_t fcw;
	uint16_t top; /* of x87's stack: a number */
};

/* Without AVX only the lower halves are there: the upper ones then are 0 in memory too. */
static bool has_avx(void)
{
	uint32_t low, high;

	if (!(cpu_read_cr4() & CR4_OSXSAVE))
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low & XCR0_AVX;
}

#define ALL_VECTORS(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD_YMM(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define LOAD_XMM(n) "movups " #n "*32(%0), %%xmm" #n "\n\t"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", " #n "*32(%0)\n\t"
#define STORE_XMM(n) "movups %%xmm" #n ", " #n "*32(%0)\n\t"

/* The compiler keeps nothing in these registers, and so need not be told. */
static void load_registers(const struct registers *r)
{
	if (has_avx())
		__asm__ volatile(ALL_VECTORS(LOAD_YMM) : : "r"(r) : "memory");
	else
		__asm__ volatile(ALL_VECTORS(LOAD_XMM) : : "r"(r) : "memory");
	__asm__ volatile("ldmxcsr %0" : : "m"(r->mxcsr));
	__asm__ volatile("fninit; fldcw %0; filds %1" : : "m"(r->fcw), "m"(r->top));
}

/* Leaves x87's stack as it is. */
static void store_registers(struct registers *r)
{
	memset(r, 0, sizeof(*r));
	if (has_avx())
		__asm__ volatile(ALL_VECTORS(STORE_YMM) : : "r"(r) : "memory");
	else
		__asm__ volatile(ALL_VECTORS(STORE_XMM) : : "r"(r) : "memory");
	__asm__ volatile("stmxcsr %0" : "=m"(r->mxcsr));
	__asm__ volatile("fnstcw %0; fists %1" : "=m"(r->fcw), "=m"(r->top));
}

static void make_pattern(struct registers *r, unsigned int seed)
{
	memset(r, 0, sizeof(*r));
	for (unsigned int i = 0; i < NR_VECTORS_XMM; i++)
		for (unsigned int byte = 0; byte < (has_avx() ? 32 : 16); byte++)
			r->vectors[i][byte] = (uint8_t)(seed * 31 + i * 7 + byte + 1);
	r->mxcsr = 0x1f80 | (seed & 3) << 13; /* the rounding mode */
	r->fcw = (uint16_t)(0x37f | (seed & 3) << 10);
	r->top = (uint16_t)(seed + 1);
}

static bool pattern_holds(const struct registers *expected)
{
	struct registers now;

	store_registers(&now);
	return memcmp(&now, expected, sizeof(now)) == 0;
}

struct worker {
	struct thread *thread;
	unsigned int seed;
	cpu_t cpu;
	bool good;
};

static struct worker workers[NR_WORKERS];

/* Starts @count workers and waits for them; true if all were content. */
static bool run_workers(unsigned int count, void (*entry)(void *), const struct cpu_set *affinity)
{
	const struct thread_attributes attributes = { .name = "fpu-test",
						      .parameters = SCHED_PARAMETERS_DEFAULT,
						      .affinity = affinity };
	bool good = true;
	unsigned int created = 0;

	for (; created < count; created++) {
		struct worker *worker = &workers[created];

		*worker = (struct worker){ .seed = created + 1 };
		if (thread_create(&worker->thread, entry, worker, &attributes)) {
			good = false;
			break;
		}
	}
	for (unsigned int i = 0; i < created; i++)
		thread_start(workers[i].thread);
	for (unsigned int i = 0; i < created; i++) {
		thread_join(workers[i].thread, DEADLINE_NEVER, NULL);
		good &= workers[i].good;
	}
	return good;
}

static void keep_pattern(void *argument)
{
	struct worker *worker = argument;
	struct registers pattern;

	make_pattern(&pattern, worker->seed);
	load_registers(&pattern);
	worker->good = true;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i % 64 == worker->seed)
			thread_sleep_until(clock_ns() + 100 * NS_PER_US);
		else
			thread_yield();
		worker->good &= pattern_holds(&pattern);
	}
}

static void fpu_patterns_survive(struct test *test)
{
	struct cpu_set one;

	TEST_TRUE(test, run_workers(NR_WORKERS, keep_pattern, NULL));
	cpu_set_clear(&one);
	cpu_set_add(&one, 0);
	TEST_TRUE(test, run_workers(NR_WORKERS, keep_pattern, &one));
}

/* Never gives up the CPU: switches only where an interrupt makes one. */
static void keep_pattern_busily(void *argument)
{
	struct worker *worker = argument;
	const uint64_t end = clock_ns() + 40 * NS_PER_MS;
	struct registers pattern;

	make_pattern(&pattern, worker->seed);
	load_registers(&pattern);
	worker->good = true;
	while (clock_ns() < end)
		worker->good &= pattern_holds(&pattern);
}

static void fpu_patterns_survive_preemption(struct test *test)
{
	struct cpu_set one;

	cpu_set_clear(&one);
	cpu_set_add(&one, nr_cpus_online - 1);
	TEST_TRUE(test, run_workers(2, keep_pattern_busily, &one));
}

static void keep_pattern_on_the_move(void *argument)
{
	struct worker *worker = argument;
	struct registers pattern;
	struct cpu_set one;

	make_pattern(&pattern, worker->seed);
	load_registers(&pattern);
	worker->good = true;
	for (unsigned int i = 0; i < 8 * nr_cpus_online; i++) {
		cpu_set_clear(&one);
		cpu_set_add(&one, (i + worker->seed) % nr_cpus_online);
		worker->good &= thread_set_affinity(thread_current(), &one) == 0;
		thread_yield();
		worker->good &= pattern_holds(&pattern);
		if (i % 3 == 0) { /* changes something, so that a stale area would show */
			make_pattern(&pattern, worker->seed + i);
			load_registers(&pattern);
		}
	}
}

static void fpu_patterns_follow_to_other_cpus(struct test *test)
{
	if (nr_cpus_online == 1)
		TEST_SKIP(test, "one CPU");
	TEST_TRUE(test, run_workers(NR_WORKERS, keep_pattern_on_the_move, NULL));
}

/* Odd ones spoil all registers; the others then start with theirs. */
static void look_or_spoil(void *argument)
{
	struct worker *worker = argument;
	struct registers pattern, initial = { .mxcsr = 0x1f80, .fcw = 0x37f };

	worker->good = true;
	if (worker->seed & 1) {
		make_pattern(&pattern, worker->seed);
		load_registers(&pattern);
		thread_yield();
		worker->good = pattern_holds(&pattern);
	} else {
		uint8_t x87[32] __aligned(16);
		struct registers now;

		__asm__ volatile("fnstenv %0" : "=m"(x87));
		worker->good = !x87[4] && !x87[5] && x87[8] == 0xff && x87[9] == 0xff;
		__asm__ volatile("fldcw %0" : : "m"(x87)); /* FNSTENV masks all exceptions */
		store_registers(&now);
		now.top = 0; /* there is no number on the stack */
		worker->good &= memcmp(&now, &initial, sizeof(now)) == 0;
	}
}

static void fpu_fresh_threads_see_initial_state(struct test *test)
{
	struct cpu_set one;

	cpu_set_clear(&one);
	cpu_set_add(&one, nr_cpus_online - 1);
	for (unsigned int i = 0; i < 4; i++)
		TEST_TRUE(test, run_workers(NR_WORKERS, look_or_spoil, &one));
	TEST_TRUE(test, run_workers(NR_WORKERS, look_or_spoil, NULL));
}

static _Atomic unsigned int nr_there;

static void use_nothing(void *argument)
{
	struct worker *worker = argument;
	const struct cpu *cpu = cpus[nr_cpus_online - 1];
	const uint64_t saves = cpu->fpu_saves, switches = cpu->switches;

	atomic_fetch_add(&nr_there, 1);
	while (atomic_load(&nr_there) < 2)
		thread_yield();
	for (unsigned int i = 0; i < ROUNDS; i++)
		thread_yield();
	worker->good =
		!thread_current()->fpu && cpu->fpu_saves == saves && cpu->switches > switches;
}

static void fpu_unused_costs_nothing(struct test *test)
{
	struct cpu_set one;

	cpu_set_clear(&one);
	cpu_set_add(&one, nr_cpus_online - 1);
	atomic_store(&nr_there, 0);
	TEST_TRUE(test, run_workers(2, use_nothing, &one));
	TEST_TRUE(test, !thread_current()->fpu);
}

static uint64_t free_frames(void)
{
	struct frame_stats stats;
	uint64_t free = 0;

	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &stats);
		free += stats.free;
	}
	return free;
}

static void fpu_state_is_given_back(struct test *test)
{
	uint64_t before;

	TEST_TRUE(test, run_workers(NR_WORKERS, keep_pattern, NULL));
	thread_trim();
	before = free_frames();
	for (unsigned int i = 0; i < 20; i++)
		TEST_TRUE(test, run_workers(NR_WORKERS, look_or_spoil, NULL));
	thread_trim();
	TEST_EQ(test, free_frames(), before);
}

static const struct test_case fpu_cases[] = {
	TEST_CASE(fpu_patterns_survive),
	TEST_CASE(fpu_patterns_survive_preemption),
	TEST_CASE(fpu_patterns_follow_to_other_cpus),
	TEST_CASE(fpu_fresh_threads_see_initial_state),
	TEST_CASE(fpu_unused_costs_nothing),
	TEST_CASE(fpu_state_is_given_back),
};
TEST_SUITE(fpu, fpu_cases);
