/* SPDX-License-Identifier: MIT */
/*
 * A thread that sends and takes messages at random, for ipc_stress_test.c: in the program of the
 * tests and in abi-child. Each message has one number in it, from which the others follow, so that
 * whoever gets it sees whether it came over whole.
 */
#ifndef TESTS_USER_IPC_WORKER_H
#define TESTS_USER_IPC_WORKER_H

#include <libexo/exo.h>
#include <stdbool.h>
#include <uapi/exo/thread.h>

#define WORKER_EPS 2u /* endpoints, in slots one after the other */

struct ipc_worker {
	struct exo_state_page *state;
	uint64_t seed;
	exo_cap_t eps;
	exo_cap_t frame; /* that it grants, and gives up where it has come */
	exo_cap_t mailbox;
	volatile uint64_t bits; /* of a notification that have come, added up */
	volatile uint64_t received, answered, failed; /* messages, replies, calls with an error */
	volatile uint64_t wrong; /* what must not be: the line of ipc_worker.c */
	volatile int64_t error; /* that came with it */
	volatile bool stop, done;
};

/* Until @stop is set. No call of it waits for long. */
void ipc_work(void *worker);

/* A frame that a worker's environment shares with the tester; where abi-child maps it. */
#define IPC_SLOT 3000u /* of abi-child: two endpoints, and a frame to grant */
#define IPC_SHARED_SLOT (IPC_SLOT + WORKER_EPS + 1)
#define IPC_SHARED_ADDRESS UINT64_C(0x30000000000)
#define IPC_MAILBOX (IPC_SLOT + 64)
#define IPC_THREADS 2u

struct ipc_shared {
	volatile uint64_t ready; /* the next that waits is for a message */
	volatile uint64_t received; /* by the one thread of the other ways */
	volatile uint64_t result; /* of "full": 1 is right */
	struct ipc_worker workers[IPC_THREADS];
};

/* main() of abi-child: "ipc" WAY. */
int ipc_child(const char *way);

#endif
