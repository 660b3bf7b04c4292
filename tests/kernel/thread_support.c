/* SPDX-License-Identifier: MIT */
/* What the suites about threads share. */
#include "thread_support.h"

#include <arch/pause.h>
#include <exo/console.h>
#include <exo/frame.h>
#include <exo/heap.h>

struct cpu_set only_cpu(cpu_t cpu)
{
	struct cpu_set set;

	cpu_set_clear(&set);
	cpu_set_add(&set, cpu);
	return set;
}

struct thread *spawn(void (*entry)(void *argument), void *argument, uint8_t priority,
		     const struct cpu_set *affinity)
{
	struct thread_attributes attributes = { .name = "test",
						.parameters = SCHED_PARAMETERS_DEFAULT,
						.affinity = affinity };
	struct thread *thread;

	attributes.parameters.priority = priority;
	if (thread_create(&thread, entry, argument, &attributes))
		return NULL;
	thread_start(thread);
	return thread;
}

void burn(uint64_t ns)
{
	const uint64_t end = clock_ns() + ns;

	while (clock_ns() < end)
		cpu_pause();
}

uint32_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (uint32_t)(x >> 32);
}

/* What each CPU keeps can only be given back by that CPU, so the caller goes to all of them; last
 * to the boot CPU, whose interrupts the monitor waits for. */
static void give_back_all(void)
{
	const struct cpu_set before = thread_current()->affinity;
	struct cpu_set set;

	for (cpu_t cpu = nr_cpus_online; cpu-- > 0;) {
		set = only_cpu(cpu);
		thread_set_affinity(thread_current(), &set);
		thread_yield();
		thread_trim();
		if (IS_ENABLED(CONFIG_HEAP))
			heap_trim();
		frame_cache_drain();
	}
	thread_set_affinity(thread_current(), &before);
}

static void measure(struct memory_mark *mark)
{
	struct frame_stats frames;
	struct heap_stats heap = { 0 };

	*mark = (struct memory_mark){ 0 };
	for (unsigned int node = 0; node < numa_nodes(); node++) {
		frame_stats(node, &frames);
		mark->frames += frames.total - frames.free;
	}
	if (IS_ENABLED(CONFIG_HEAP))
		heap_stats(&heap);
	mark->blocks = heap.blocks;
}

void memory_mark(struct memory_mark *mark)
{
	give_back_all();
	measure(mark);
}

bool memory_is_back(const struct memory_mark *mark)
{
	const uint64_t end = clock_ns() + PATIENCE;
	struct memory_mark now;

	do {
		give_back_all();
		measure(&now);
		if (now.frames == mark->frames && now.blocks == mark->blocks)
			return true;
		thread_sleep_until(clock_ns() + NS_PER_MS);
	} while (clock_ns() < end);
	console_printf("# frames in use: %llu before, %llu now; blocks of the heap: %llu, %llu\n",
		       (unsigned long long)mark->frames, (unsigned long long)now.frames,
		       (unsigned long long)mark->blocks, (unsigned long long)now.blocks);
	return false;
}
