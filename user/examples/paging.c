/* SPDX-License-Identifier: MIT */
/*
 * Memory on demand and copy-on-write, by a page-fault handler of the program.
 *
 *	exosh> run paging
 *
 * The kernel has no policy about memory: a page fault is an upcall, and what follows is the
 * program's to decide. Here a range of addresses begins with nothing behind it. The first touch of
 * a page maps a zeroed frame. Then a child, "paging child", gets capabilities to the frames, with
 * the right to read only; both map them so, and nothing is copied. Who then writes to a page
 * faults, and its handler puts a copy of its own in place of the frame that is shared.
 *
 * Page number n of the range has its frame in slot first + n. The file is compiled without vector
 * registers (user/programs.mk), as they belong to what the handler interrupts.
 */
#include "example.h"

#include <libexo/pages.h>
#include <libexo/print.h>
#include <libexo/upcall.h>
#include <uapi/exo/map.h>

#define RANGE UINT64_C(0x20000000000)
#define PAGES 64u
#define TOUCHED 10u /* pages, at the beginning */
#define CHILD_WRITES 3u /* the first ones */
#define PARENT_WRITES 5u
#define SCRATCH (RANGE + PAGES * EXO_PAGE) /* where the handler fills a copy */
#define RW (EXO_RIGHT_R | EXO_RIGHT_W)

static volatile uint64_t (*const memory)[EXO_PAGE / 8] = (volatile uint64_t(*)[])RANGE;
static exo_cap_t first; /* PAGES slots, and one for the handler: a copy in the making */
static volatile enum { NOTHING, OWN, SHARED } pages[PAGES];
static volatile unsigned int faults, frames, copies;

static bool map_at(exo_cap_t slot, uint64_t address)
{
	const struct exo_map_op op = { address, (uint32_t)slot, 1, EXO_MAP, RW, 0 };

	return exo_map(EXO_SELF, &op, 1).error == 0;
}

/* A zeroed frame into an empty slot, and where it is to be seen. The calls are made from here, as
 * libexo's functions may hold a lock where the handler has interrupted them. */
static bool add_page(exo_cap_t slot, uint64_t address)
{
	const uint64_t where = EXO_WHERE(0, EXO_NODE_ANY);

	frames++;
	return exo_frame_alloc(EXO_FIRST_BANK, where, EXO_HINT_NONE, slot, 1).error == 0 &&
	       map_at(slot, address);
}

static bool copy_page(exo_cap_t slot, uint64_t address)
{
	const exo_cap_t fresh = first + PAGES;
	const uint64_t *from = (const uint64_t *)address;
	uint64_t *to = (uint64_t *)SCRATCH;

	copies++;
	if (!add_page(fresh, SCRATCH))
		return false;
	for (unsigned int i = 0; i < EXO_PAGE / sizeof(*to); i++)
		to[i] = from[i];
	/* To delete a capability unmaps it. Those who share the frame keep theirs. */
	return !exo_cap_delete(slot, 1).error &&
	       !exo_cap_copy(fresh, EXO_SELF, slot, EXO_COPY(EXO_RIGHTS_ALL, 1), 0).error &&
	       !exo_cap_delete(fresh, 1).error && map_at(slot, address);
}

static void on_upcall(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	const uint64_t page = (state->address - RANGE) / EXO_PAGE;
	const uint64_t address = RANGE + page * EXO_PAGE;
	bool done = false;

	faults++;
	if (state->cause == EXO_UPCALL_PAGE_FAULT && page < PAGES && pages[page] != OWN) {
		done = pages[page] == SHARED ? copy_page(first + page, address)
					     : add_page(first + page, address);
		pages[page] = OWN;
	}
	if (!done)
		exo_upcall_report(state, registers); /* which ends the program */
}

/* What is shared can be read, and no more: made so here by PROTECT, and in the child by MAP. */
static bool share(uint16_t act, uint64_t at)
{
	const struct exo_map_op op = { at, (uint32_t)first, TOUCHED, act, EXO_RIGHT_R, 0 };

	for (unsigned int i = 0; i < TOUCHED; i++)
		pages[i] = SHARED;
	return exo_map(EXO_SELF, &op, 1).error == 0;
}

/* Writes to the first @count pages; have these, and no others, changed? */
static bool write_some(unsigned int count, uint64_t value)
{
	bool good = true;

	for (unsigned int i = 0; i < count; i++)
		memory[i][0] = value;
	for (unsigned int i = 0; i < TOUCHED; i++)
		good = good && memory[i][0] == (i < count ? value : 1000 + i) && memory[i][1] == i;
	return good && copies == count;
}

static bool child(void)
{
	return !exo_copy_caps(exo_granted(0), EXO_SELF, first, TOUCHED, EXO_RIGHT_R) &&
	       share(EXO_MAP, RANGE) && write_some(0, 0) && write_some(CHILD_WRITES, 77);
}

static bool parent(void)
{
	const exo_cap_t ends = make_notification();
	struct exo_grant grants[TOUCHED];
	struct exo_process process = { 0 };
	bool good;

	for (unsigned int i = 0; i < TOUCHED; i++) {
		memory[i][0] += 1000 + i; /* to what is there: 0 */
		memory[i][1] = i;
		grants[i] = (struct exo_grant){ first + i, EXO_RIGHT_R | EXO_RIGHT_D, 0 };
	}
	exo_printf("paging: %u of %u pages touched: %u faults, %u frames\n", TOUCHED, PAGES, faults,
		   frames);
	if (faults != TOUCHED || frames != TOUCHED || !share(EXO_PROTECT, 0) ||
	    start_again("paging", "child", 1, grants, TOUCHED, ends, &process))
		return false;
	good = write_some(PARENT_WRITES, 55); /* while the child looks, which must not see it */
	good = exo_ntf_wait(ends, UINT64_MAX, EXO_DEADLINE_NEVER).value == ENDED(1) && good;
	exo_printf("paging: shared with a child, then written to: %u faults, %u frames copied\n",
		   faults - TOUCHED, copies);
	return good && faults == frames;
}

int main(int argc, char **argv)
{
	static uint64_t upcall_stack[512] __attribute__((aligned(16)));

	(void)argv;
	first = exo_slot_take(PAGES + 1);
	exo_upcall_init(STATE, upcall_stack, sizeof(upcall_stack), on_upcall, NULL, 0);
	return (argc > 1 ? child() : parent()) ? 0 : 1;
}
