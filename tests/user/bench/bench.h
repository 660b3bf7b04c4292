/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks of the ABI share: programs' costs, crossings of the border included. They are
 * taken in user mode, as a program sees them.
 */
#ifndef TESTS_USER_BENCH_H
#define TESTS_USER_BENCH_H

#include <exo/bench.h>
#include <libexo/exo.h>
#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <uapi/exo/map.h>
#include <uapi/exo/sys.h>
#include <uapi/exo/thread.h>

#define BENCH_SLOTS 512u
#define BENCH_ADDRESS UINT64_C(0x20000000000)
#define BENCH_STATE ((struct exo_state_page *)EXO_STATE_ADDRESS)

/* The slot number @index of the program's own window. Slot 0 of it: a bank for the benchmark. */
exo_cap_t bench_slot(unsigned int index);
#define BENCH_BANK bench_slot(0)

/* Ends the program unless @result is 0: a figure of what has failed would mean nothing. */
void bench_must(const char *what, int64_t result);

/* A bank of @frames into slot 0, and what it had gives back. */
void bench_begin_bank(uint64_t frames);
void bench_end_bank(void);

/* Takes back all that came from a capability. */
void bench_revoke(exo_cap_t slot);

/* One operation, or several, on the own address space. */
int64_t bench_map(unsigned int act, exo_cap_t slot, uint32_t count, uint64_t address,
		  unsigned int rights);

/* The second program of bench_ntf.c: this one, with the argument BENCH_WAITER. */
#define BENCH_WAITER "waiter"
int bench_ntf_waiter(void);

/*
 * Samples that are taken in a thread without floating-point state, which is saved at each switch;
 * the main thread, which prints, has some. One at a time, with the benchmark's bank.
 * @slot: where the notification goes by which the two take turns
 */
extern struct exo_thread bench_sampler;
void bench_sampler_begin(exo_cap_t slot);
void bench_sampler_end(void);
uint64_t bench_take(uint64_t (*function)(void));

#endif
