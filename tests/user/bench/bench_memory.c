/* SPDX-License-Identifier: MIT */
/* Mapping, and protecting with a fault in between. */
#include "bench.h"

#include <libexo/upcall.h>

#define PAGES EXO_MAP_MAX
#define FRAMES bench_slot(1)
#define RW (EXO_RIGHT_R | EXO_RIGHT_W)

static struct exo_map_op ops[PAGES];

/* An operation for each page, no two neighbours. */
static void fill(unsigned int act, unsigned int rights)
{
	for (unsigned int i = 0; i < PAGES; i++)
		ops[i] = (struct exo_map_op){
			.address = act == EXO_MAP ? BENCH_ADDRESS + 2 * i * EXO_PAGE : 0,
			.slot = (uint32_t)(FRAMES + i),
			.count = 1,
			.act = (uint16_t)act,
			.rights = (uint16_t)rights,
		};
}

static void begin_pages(void)
{
	bench_begin_bank(2 * PAGES);
	bench_must("frame_alloc", exo_frames_allocate(BENCH_BANK, FRAMES, PAGES));
	/* One page stays, so that the tables do. */
	bench_must("frame_alloc", exo_frames_allocate(BENCH_BANK, FRAMES + PAGES, 1));
	bench_must("map",
		   bench_map(EXO_MAP, FRAMES + PAGES, 1, BENCH_ADDRESS + 300 * EXO_PAGE, RW));
}

/* A page's share of mapping 64, each by an operation of its own. */
static uint64_t map_batch64(void)
{
	uint64_t start, took;

	fill(EXO_MAP, RW);
	start = bench_start();
	bench_must("map", exo_map(EXO_SELF, ops, PAGES).error);
	took = bench_stop(start);
	fill(EXO_UNMAP, 0);
	bench_must("unmap", exo_map(EXO_SELF, ops, PAGES).error);
	return took / PAGES;
}
BENCHMARK_AROUND(map_batch64, "map.batch64", 100, begin_pages, bench_end_bank);

/* The same of unmapping them, with the flush. */
static uint64_t unmap_batch64(void)
{
	uint64_t start, took;

	fill(EXO_MAP, RW);
	bench_must("map", exo_map(EXO_SELF, ops, PAGES).error);
	fill(EXO_UNMAP, 0);
	start = bench_start();
	bench_must("unmap", exo_map(EXO_SELF, ops, PAGES).error);
	took = bench_stop(start);
	return took / PAGES;
}
BENCHMARK_AROUND(unmap_batch64, "unmap.batch64", 100, begin_pages, bench_end_bank);

/* --- one page is protected, written to, and made writable by the handler -----------------------*/

static uint64_t stack[512] __aligned(16);

static void unprotect(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	if (state->cause != EXO_UPCALL_PAGE_FAULT || state->address != BENCH_ADDRESS)
		exo_upcall_report(state, registers);
	if (bench_map(EXO_PROTECT, FRAMES, 1, 0, RW))
		exo_upcall_report(state, registers);
}

static void begin_trap(void)
{
	bench_begin_bank(16);
	bench_must("frame_alloc", exo_frames_allocate(BENCH_BANK, FRAMES, 1));
	bench_must("map", bench_map(EXO_MAP, FRAMES, 1, BENCH_ADDRESS, RW));
	exo_upcall_init(BENCH_STATE, stack, sizeof(stack), unprotect, NULL, 0);
}

static void end_trap(void)
{
	exo_upcall_init(BENCH_STATE, stack, sizeof(stack), exo_upcall_report, NULL, 0);
	bench_end_bank();
}

static uint64_t prot1_trap_unprot(void)
{
	const uint64_t start = bench_start();

	bench_must("protect", bench_map(EXO_PROTECT, FRAMES, 1, 0, EXO_RIGHT_R));
	*(volatile uint8_t *)BENCH_ADDRESS = 1;
	return bench_stop(start);
}
BENCHMARK_AROUND(prot1_trap_unprot, "upcall.prot1_trap_unprot", 100, begin_trap, end_trap);
