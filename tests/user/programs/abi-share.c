/* SPDX-License-Identifier: MIT */
/*
 * What abi-child does with a frame that its starter puts into its slots and takes back, again and
 * again: two threads map it, write to it, copy it, map and give up the copies, as fast as they can.
 * Whatever fails, because the frame has just gone, is tried again. Compiled without vector
 * registers, which an upcall does not save.
 */
#include "abi-share.h"

#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <libexo/upcall.h>
#include <uapi/exo/map.h>

#define ADDRESS UINT64_C(0x30000000000)
#define WRITES 64u
#define RW (EXO_RIGHT_R | EXO_RIGHT_W)

static uint64_t stacks[2][512] __attribute__((__aligned__(16)));
static struct exo_thread second;

/* Each write is followed by the two bytes that a handler can skip: it goes on behind them. */
static void skip(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	if (state->cause != EXO_UPCALL_PAGE_FAULT || !registers->rdx)
		exo_upcall_report(state, registers);
	state->rip = registers->rdx;
}

static void write_to(uint64_t address)
{
	__asm__ volatile("lea 1f(%%rip), %%rdx\n\t"
			 "movb $0x5a, (%0)\n"
			 "1:\txor %%edx, %%edx"
			 :
			 : "r"(address)
			 : "rdx", "memory");
}

static void map(exo_cap_t slot, uint64_t address, unsigned int act)
{
	const struct exo_map_op op = { .address = act == EXO_MAP ? address : 0,
				       .slot = (uint32_t)slot,
				       .count = 1,
				       .act = (uint16_t)act,
				       .rights = act == EXO_UNMAP ? 0 : RW };

	(void)exo_map(EXO_SELF, &op, 1);
}

/* @number: of the thread: it has a slot and pages of its own beside what is shared. */
static void use(void *number)
{
	const uint64_t self = (uint64_t)number;
	const exo_cap_t copy = SHARE_SLOT + 1 + self;
	const uint64_t own = ADDRESS + (1 + self) * EXO_PAGE;

	exo_upcall_init(self ? second.state : (struct exo_state_page *)EXO_STATE_ADDRESS,
			stacks[self], sizeof(stacks[self]), skip, NULL, 0);
	for (uint64_t round = 0;; round++) {
		if (round % 8 == self)
			map(SHARE_SLOT, ADDRESS, round % 16 < 8 ? EXO_MAP : EXO_UNMAP);
		if (round % 4 == 0) {
			(void)exo_cap_copy(SHARE_SLOT, EXO_SELF, copy, RW, 0);
			map(copy, own, EXO_MAP);
		}
		for (unsigned int i = 0; i < WRITES; i++) {
			write_to(ADDRESS + i * 64 + self);
			write_to(own + i * 64 + self);
		}
		if (round % 4 == 3)
			(void)exo_cap_delete(copy, 1);
	}
}

int share(void)
{
	if (exo_thread_start(&second, use, (void *)1, 4))
		return 1;
	use(NULL);
	return 0;
}
