/* SPDX-License-Identifier: MIT */
/* Messages at random. */
#include "ipc_worker.h"

#include <uapi/exo/sys.h>

#define US UINT64_C(1000)
#define LONGEST (EXO_MESSAGE_REGISTERS + EXO_MESSAGE_MORE)

static uint64_t next(struct ipc_worker *worker)
{
	worker->seed ^= worker->seed >> 12;
	worker->seed ^= worker->seed << 25;
	worker->seed ^= worker->seed >> 27;
	return worker->seed * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(struct ipc_worker *worker, uint64_t limit)
{
	return (next(worker) >> 33) % limit;
}

static void wrong(struct ipc_worker *worker, unsigned int line, int64_t error)
{
	if (!worker->wrong)
		worker->error = error;
	if (!worker->wrong)
		worker->wrong = line;
}

static unsigned int more_words(uint64_t tag)
{
	const unsigned int words = EXO_TAG_WORDS(tag);

	return words > EXO_MESSAGE_REGISTERS ? words - EXO_MESSAGE_REGISTERS : 0;
}

/* A message, of which one in four is long and one in eight grants; and an end of its wait. */
static void make(struct ipc_worker *worker, struct exo_message *m)
{
	const uint64_t first = next(worker);
	unsigned int words = (unsigned int)below(worker, EXO_MESSAGE_REGISTERS + 1);

	if (below(worker, 4) == 0)
		words = (unsigned int)below(worker, LONGEST + 1);
	if (words > EXO_MESSAGE_REGISTERS + CONFIG_IPC_WORDS)
		words = EXO_MESSAGE_REGISTERS + CONFIG_IPC_WORDS;
	m->tag = EXO_TAG(first, words) | EXO_TAG_DEADLINE;
	if (below(worker, 8) == 0)
		m->tag |= EXO_TAG_GRANT;
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		m->words[i] = first + i;
	for (unsigned int i = 0; i < more_words(m->tag); i++)
		worker->state->message[i] = first ^ i;
	worker->state->grant = EXO_GRANT(worker->frame, EXO_RIGHT_R);
	worker->state->mailbox = worker->mailbox;
	worker->state->deadline = 0;
	if (below(worker, 8))
		worker->state->deadline = exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value +
					  below(worker, below(worker, 4) ? 200 * US : 3000 * US);
}

/* What has come, by a message or a reply. */
static void check(struct ipc_worker *worker, const struct exo_message *m)
{
	const uint64_t first = m->words[0];

	if (m->tag & EXO_TAG_BITS) {
		worker->bits += first;
		return;
	}
	worker->received++;
	if (EXO_TAG_LABEL(m->tag) != (uint32_t)first || m->tag & EXO_TAG_DEADLINE)
		wrong(worker, __LINE__, 0);
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		if (m->words[i] != first + i)
			wrong(worker, __LINE__, i);
	for (unsigned int i = 0; i < more_words(m->tag); i++)
		if (worker->state->message[i] != (first ^ i))
			wrong(worker, __LINE__, i);
	if (m->tag & EXO_TAG_GRANT)
		(void)exo_cap_delete(worker->mailbox, 1);
}

static void check_error(struct ipc_worker *worker, const struct exo_message *m, int64_t error,
			const struct exo_message *before)
{
	worker->failed++;
	switch (-error) {
	case EXO_E_TIMEOUT:
	case EXO_E_DEAD:
	case EXO_E_AGAIN:
	case EXO_E_SLOT:
	case EXO_E_CAP:
		break;
	default:
		wrong(worker, __LINE__, error);
	}
	if (m->tag != before->tag)
		wrong(worker, __LINE__, error);
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		if (m->words[i] != before->words[i])
			wrong(worker, __LINE__, error);
}

static void do_one(struct ipc_worker *worker)
{
	const exo_cap_t ep = worker->eps + below(worker, WORKER_EPS);
	const uint64_t what = below(worker, 8);
	struct exo_message m, before;
	struct exo_result result;

	make(worker, &m);
	before = m;
	if (what < 3)
		result = exo_ipc_call(ep, &m);
	else if (what == 3)
		result = exo_ipc_send(ep, &m);
	else if (what == 4)
		result = exo_ipc_wait(ep, &m);
	else if (what < 7)
		result = exo_ipc_reply_wait(ep, &m);
	else
		result = exo_ipc_send(EXO_SELF, &m);
	if (result.error)
		check_error(worker, &m, result.error, &before);
	else if (what == 7)
		worker->answered++;
	else if (what != 3)
		check(worker, &m);
}

void ipc_work(void *argument)
{
	struct ipc_worker *worker = argument;

	(void)exo_cap_delete(worker->mailbox, 1); /* of one that was killed */
	while (!worker->stop)
		do_one(worker);
	worker->done = true;
}
