/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the page tables, on the kernel's own address space: guest instructions for each
 * page, of 64 neighbouring ones in a batch, with the share of opening and closing the batch and of
 * its flush. A page beside them stays mapped, so the tables above are there: making them is not
 * measured. And the two ways to zero a page.
 */
#include <arch/mmu.h>
#include <exo/bench.h>
#include <exo/panic.h>

#define PAGES 64
#define AREA 0xffffc00000000000ull /* 64 TiB above the direct map's base; nobody else's */
#define FRAMES 0x100000ull /* mapped, never touched */
#define SIZE (PAGES * PAGE_SIZE)

static uint8_t page[PAGE_SIZE] __aligned(PAGE_SIZE) __section(".bss..pages.bench");

/* ---- what is measured ------------------------------------------------------------------------ */

static int map_each(struct page_batch *batch)
{
	int error = 0;

	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_map(batch, AREA + at, FRAMES + at, PAGE_SIZE, PAGE_WRITE);
	return error;
}

static int map_at_once(struct page_batch *batch)
{
	return page_table_map(batch, AREA, FRAMES, SIZE, PAGE_WRITE);
}

static int protect_each(struct page_batch *batch)
{
	int error = 0;

	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_protect(batch, AREA + at, PAGE_SIZE, 0);
	return error;
}

static int protect_at_once(struct page_batch *batch)
{
	return page_table_protect(batch, AREA, SIZE, 0);
}

static int unmap_each(struct page_batch *batch)
{
	int error = 0;

	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_unmap(batch, AREA + at, PAGE_SIZE);
	return error;
}

static int unmap_at_once(struct page_batch *batch)
{
	return page_table_unmap(batch, AREA, SIZE);
}

/* ---- how ------------------------------------------------------------------------------------- */

static inline void in_batch(int (*work)(struct page_batch *batch))
{
	struct page_batch batch;
	int error;

	page_batch_begin(&batch, &kernel_space);
	error = work(&batch);
	page_batch_end(&batch);
	if (error)
		panic("benchmark: a page table call failed");
}

/* The harness takes off what an empty sample costs; here that comes once, not for each page. */
static inline uint64_t per_page(int (*work)(struct page_batch *batch))
{
	const uint64_t empty = bench_stop(bench_start());
	const uint64_t start = bench_start();

	in_batch(work);
	return (bench_stop(start) - empty) / PAGES + empty;
}

static uint64_t mapped(int (*work)(struct page_batch *batch))
{
	uint64_t sample;

	in_batch(map_at_once);
	sample = per_page(work);
	in_batch(unmap_at_once);
	return sample;
}

static int map_neighbour(struct page_batch *batch)
{
	return page_table_map(batch, AREA + SIZE, FRAMES, PAGE_SIZE, 0);
}

static int unmap_neighbour(struct page_batch *batch)
{
	return page_table_unmap(batch, AREA + SIZE, PAGE_SIZE);
}

static void begin(void)
{
	in_batch(map_neighbour);
}

static void end(void)
{
	in_batch(unmap_neighbour);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t map_4k(void)
{
	const uint64_t sample = per_page(map_each);

	in_batch(unmap_at_once);
	return sample;
}
BENCHMARK_AROUND(map_4k, "map.4k", 200, begin, end);

static uint64_t map_range(void)
{
	const uint64_t sample = per_page(map_at_once);

	in_batch(unmap_at_once);
	return sample;
}
BENCHMARK_AROUND(map_range, "map.range64", 200, begin, end);

static uint64_t protect_4k(void)
{
	return mapped(protect_each);
}
BENCHMARK_AROUND(protect_4k, "protect.4k", 200, begin, end);

static uint64_t protect_range(void)
{
	return mapped(protect_at_once);
}
BENCHMARK_AROUND(protect_range, "protect.range64", 200, begin, end);

static uint64_t unmap_4k(void)
{
	return mapped(unmap_each);
}
BENCHMARK_AROUND(unmap_4k, "unmap.4k", 200, begin, end);

static uint64_t unmap_range(void)
{
	return mapped(unmap_at_once);
}
BENCHMARK_AROUND(unmap_range, "unmap.range64", 200, begin, end);

static uint64_t zero(void)
{
	const uint64_t start = bench_start();

	page_zero(page);
	return bench_stop(start);
}
BENCHMARK(zero, "page.zero", 100);
