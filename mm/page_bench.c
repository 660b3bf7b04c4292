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

/* The pages themselves are mapped before a sample, or unmapped after it, as it needs. */
static void change(bool mapped)
{
	struct page_batch batch;
	int error;

	page_batch_begin(&batch, &kernel_space);
	if (mapped)
		error = page_table_map(&batch, AREA, FRAMES, SIZE, PAGE_WRITE);
	else
		error = page_table_unmap(&batch, AREA, SIZE);
	page_batch_end(&batch);
	if (error)
		panic("benchmark: cannot change a mapping: error %d", error);
}

static void neighbour_come(void)
{
	struct page_batch batch;

	page_batch_begin(&batch, &kernel_space);
	if (page_table_map(&batch, AREA + SIZE, FRAMES, PAGE_SIZE, 0))
		panic("benchmark: no memory for page tables");
	page_batch_end(&batch);
}

static void neighbour_go(void)
{
	struct page_batch batch;

	page_batch_begin(&batch, &kernel_space);
	page_table_unmap(&batch, AREA + SIZE, PAGE_SIZE);
	page_batch_end(&batch);
}

/* Ticks for each page. The harness will take off what an empty sample costs; here that is once. */
static uint64_t per_page(uint64_t ticks, uint64_t empty)
{
	return (ticks - empty) / PAGES + empty;
}

static uint64_t map_4k(void)
{
	const uint64_t empty = bench_stop(bench_start());
	const uint64_t start = bench_start();
	struct page_batch batch;
	uint64_t ticks;
	int error = 0;

	page_batch_begin(&batch, &kernel_space);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_map(&batch, AREA + at, FRAMES + at, PAGE_SIZE, PAGE_WRITE);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot map");
	change(false);
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(map_4k, "map.4k", 200, neighbour_come, neighbour_go);

static uint64_t map_range(void)
{
	const uint64_t empty = bench_stop(bench_start());
	const uint64_t start = bench_start();
	struct page_batch batch;
	uint64_t ticks;
	int error;

	page_batch_begin(&batch, &kernel_space);
	error = page_table_map(&batch, AREA, FRAMES, SIZE, PAGE_WRITE);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot map");
	change(false);
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(map_range, "map.range64", 200, neighbour_come, neighbour_go);

static uint64_t unmap_4k(void)
{
	const uint64_t empty = bench_stop(bench_start());
	struct page_batch batch;
	uint64_t start, ticks;
	int error = 0;

	change(true);
	start = bench_start();
	page_batch_begin(&batch, &kernel_space);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_unmap(&batch, AREA + at, PAGE_SIZE);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot unmap");
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(unmap_4k, "unmap.4k", 200, neighbour_come, neighbour_go);

static uint64_t unmap_range(void)
{
	const uint64_t empty = bench_stop(bench_start());
	struct page_batch batch;
	uint64_t start, ticks;
	int error;

	change(true);
	start = bench_start();
	page_batch_begin(&batch, &kernel_space);
	error = page_table_unmap(&batch, AREA, SIZE);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot unmap");
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(unmap_range, "unmap.range64", 200, neighbour_come, neighbour_go);

static uint64_t protect_4k(void)
{
	const uint64_t empty = bench_stop(bench_start());
	struct page_batch batch;
	uint64_t start, ticks;
	int error = 0;

	change(true);
	start = bench_start();
	page_batch_begin(&batch, &kernel_space);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE)
		error |= page_table_protect(&batch, AREA + at, PAGE_SIZE, 0);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot protect");
	change(false);
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(protect_4k, "protect.4k", 200, neighbour_come, neighbour_go);

static uint64_t protect_range(void)
{
	const uint64_t empty = bench_stop(bench_start());
	struct page_batch batch;
	uint64_t start, ticks;
	int error;

	change(true);
	start = bench_start();
	page_batch_begin(&batch, &kernel_space);
	error = page_table_protect(&batch, AREA, SIZE, 0);
	page_batch_end(&batch);
	ticks = bench_stop(start);
	if (error)
		panic("benchmark: cannot protect");
	change(false);
	return per_page(ticks, empty);
}
BENCHMARK_AROUND(protect_range, "protect.range64", 200, neighbour_come, neighbour_go);

static uint64_t zero_erms(void)
{
	const uint64_t start = bench_start();

	page_zero_bytes(page);
	return bench_stop(start);
}
BENCHMARK(zero_erms, "page.zero.erms", 100);

static uint64_t zero_quad(void)
{
	const uint64_t start = bench_start();

	page_zero_quads(page);
	return bench_stop(start);
}
BENCHMARK(zero_quad, "page.zero.quad", 100);
