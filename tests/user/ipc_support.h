/* SPDX-License-Identifier: MIT */
/* Partners for the tests of messages: threads that serve, call and send at the case's endpoint. */
#ifndef TESTS_USER_IPC_SUPPORT_H
#define TESTS_USER_IPC_SUPPORT_H

#include "abi.h"

#define EP abi_slot(1)
#define NTF abi_slot(2)
#define BADGED abi_slot(3)

struct peer {
	struct exo_thread thread;
	struct exo_message next; /* what it sends */
	exo_cap_t ep; /* where; 0: EP */
	uint64_t patience; /* ns: its deadline, with EXO_TAG_DEADLINE in @next */
	struct exo_message got; /* what it has received */
	volatile uint64_t badge;
	volatile int64_t error; /* of its last call */
	exo_cap_t mailbox; /* what its state page says */
	volatile uint64_t served;
	volatile bool silent; /* a server that does not answer as long as this is set */
	volatile bool done;
};

int peer_start(struct peer *peer, void (*function)(void *peer));
void peer_end(struct peer *peer);

/* Takes it away wherever it is: its capability is deleted, and nothing was asked of it. */
int peer_kill(struct peer *peer);

/* Stops it, lets it run again: what thread_state() answers in the end. */
int64_t peer_stop(struct peer *peer);
int64_t peer_run(struct peer *peer);

/* Until it waits in its call: 0. */
int peer_waits(const struct peer *peer);

/* Answers each call: label and words of registers that are greater by 1 and by 100, and words of
 * the state page by 1. */
void serve_sums(void *peer);

/* One call, or send, of @next; one wait. */
void call_once(void *peer);
void send_once(void *peer);
void wait_once(void *peer);

/* Sets bit 2 of the case's notification, once somebody waits, then calls as call_once(). */
void signal_later(void *peer);

/* A call with these registers in use, which are read afterwards. */
void ipc_call_with_registers(exo_cap_t ep, uint64_t *rbx, uint64_t *rbp, uint64_t *r14,
			     uint64_t *r15, uint64_t *error);

#endif
