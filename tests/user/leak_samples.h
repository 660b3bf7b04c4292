/* SPDX-License-Identifier: MIT */
/* Calls of a hostile environment that leak_test.c makes to see what they leave in registers. */
#ifndef TESTS_USER_LEAK_SAMPLES_H
#define TESTS_USER_LEAK_SAMPLES_H

#include "hostile.h"

#define OUT (HOSTILE_STATE + 0xa00) /* behind the state page's fields */
#define BANK 8u /* of the hostile environment: a slot */
#define OURS 20u /* and from here on they are empty */
#define ANY 1 /* may fail or not */
#define OPTION 2 /* or the kernel lacks it */
#define IRQS 9u /* of the same: a line, if there are any */
#define LINE 12u

struct sample {
	uint64_t arguments[6];
	uint8_t number, expected; /* 0, ANY or OPTION */
};

/* Each call at least once so that it does what it is for. */
static const struct sample samples[] = {
	{ { 0 }, EXO_CALL_NULL, 0 },
	{ { 1, 0, OURS, EXO_COPY(EXO_RIGHT_R, 1), 0 }, EXO_CALL_CAP_COPY, 0 },
	{ { OURS, OUT }, EXO_CALL_CAP_STAT, 0 },
	{ { 0, OUT }, EXO_CALL_CAP_STAT, 0 },
	{ { BANK, OUT }, EXO_CALL_CAP_STAT, 0 },
	{ { OURS, 1 }, EXO_CALL_CAP_DELETE, 0 },
	{ { BANK, 1, EXO_NODE_ANY, OURS + 1 }, EXO_CALL_BANK_CREATE, 0 },
	{ { OURS + 1, BANK, 1, EXO_NODE_ANY }, EXO_CALL_BANK_MOVE, ANY },
	{ { BANK, EXO_WHERE(0, EXO_NODE_ANY), EXO_HINT_NONE, OURS + 2, 2 },
	  EXO_CALL_FRAME_ALLOC,
	  0 },
	{ { OURS + 2, OUT }, EXO_CALL_CAP_STAT, 0 },
	{ { BANK, EXO_TYPE_NTF, OURS + 4, 0 }, EXO_CALL_OBJECT_CREATE, 0 },
	{ { BANK, EXO_TYPE_ENV, OURS + 5, 0 }, EXO_CALL_OBJECT_CREATE, 0 },
	{ { BANK, EXO_TYPE_THREAD, OURS + 6, 0 }, EXO_CALL_OBJECT_CREATE, 0 },
	{ { OURS + 6, OURS + 5, HOSTILE_CODE, 0, 0, OURS + 2 }, EXO_CALL_THREAD_CONFIG, 0 },
	{ { OURS + 6, EXO_THREAD_READ, OUT }, EXO_CALL_THREAD_STATE, 0 },
	{ { OURS + 6, EXO_THREAD_RUN, 0 }, EXO_CALL_THREAD_STATE, 0 },
	{ { OURS + 6, EXO_THREAD_STOP, 0 }, EXO_CALL_THREAD_STATE, ANY },
	{ { OURS + 6 }, EXO_CALL_YIELD, ANY },
	{ { 0 }, EXO_CALL_YIELD, 0 },
	{ { OURS + 6, 0, OUT }, EXO_CALL_THREAD_SCHED, ANY },
	{ { 0, OUT, 0 }, EXO_CALL_MAP, 0 },
	{ { 0, OUT, 1 }, EXO_CALL_MAP, ANY },
	{ { OURS + 5, EXO_ENV_FAULTS, 0, 0 }, EXO_CALL_ENV_CONFIG, 0 },
	{ { OURS + 4, 6 }, EXO_CALL_NTF_SIGNAL, 0 },
	{ { OURS + 4, 2, 0 }, EXO_CALL_NTF_WAIT, 0 },
	{ { OURS + 4, 1, 0 }, EXO_CALL_NTF_WAIT, ANY },
	{ { OURS + 4, OURS + 6, 1 }, EXO_CALL_NTF_BIND, 0 },
	{ { BANK, EXO_TYPE_EP, OURS + 7, 0 }, EXO_CALL_OBJECT_CREATE, ANY },
	{ { OURS + 7, EXO_TAG_DEADLINE, 1, 2, 3, 4 }, EXO_CALL_IPC_CALL, ANY },
	{ { OURS + 7, EXO_TAG_DEADLINE, 1, 2, 3, 4 }, EXO_CALL_IPC_SEND, ANY },
	{ { OURS + 7, EXO_TAG_DEADLINE, 1, 2, 3, 4 }, EXO_CALL_IPC_WAIT, ANY },
	{ { OURS + 7, EXO_TAG_DEADLINE, 1, 2, 3, 4 }, EXO_CALL_IPC_REPLY_WAIT, ANY },
	{ { IRQS, LINE, OURS + 4, 1 }, EXO_CALL_IRQ_BIND, OPTION },
	{ { IRQS, LINE }, EXO_CALL_IRQ_ACK, OPTION },
	{ { IRQS, LINE, 0, 0 }, EXO_CALL_IRQ_BIND, OPTION },
	{ { 0, EXO_SYS_CLOCK, 0, 0 }, EXO_CALL_SYS_CTL, 0 },
	{ { OUT, 0 }, EXO_CALL_DEBUG_WRITE, 0 },
	{ { BANK, EXO_REVOKE_FORCE, 0 }, EXO_CALL_CAP_REVOKE, ANY },
};

#endif
