/* SPDX-License-Identifier: MIT */
/* Partners for the tests of messages. */
#include "ipc_support.h"

#include <libexo/pages.h>
#include <libexo/slots.h>

int peer_start(struct peer *peer, void (*function)(void *peer))
{
	peer->done = false;
	peer->served = 0;
	peer->error = 77;
	return exo_thread_start(&peer->thread, function, peer, 2);
}

void peer_end(struct peer *peer)
{
	exo_thread_end(&peer->thread);
}

int peer_kill(struct peer *peer)
{
	const uint64_t threads = abi_stat(EXO_FIRST_ENV).used;
	const int64_t error = exo_cap_delete(peer->thread.cap, 1).error;

	if (error)
		return (int)error;
	abi_patience();
	while (abi_stat(EXO_FIRST_ENV).used >= threads)
		if (!abi_patient())
			return -EXO_E_TIMEOUT;
	exo_slot_give(peer->thread.cap, 1);
	exo_pages_give(peer->thread.state, peer->thread.stack_pages + 1);
	return 0;
}

int64_t peer_stop(struct peer *peer)
{
	int64_t error;

	abi_patience();
	do
		error = exo_thread_state(peer->thread.cap, EXO_THREAD_STOP, NULL).error;
	while (error == -EXO_E_AGAIN && abi_patient());
	return error;
}

int64_t peer_run(struct peer *peer)
{
	return exo_thread_state(peer->thread.cap, EXO_THREAD_RUN, NULL).error;
}

int peer_waits(const struct peer *peer)
{
	return abi_until_waits(peer->thread.cap);
}

static void answer(struct peer *peer, struct exo_message *m)
{
	const unsigned int words = EXO_TAG_WORDS(m->tag);

	peer->got = *m;
	for (unsigned int i = 0; i + EXO_MESSAGE_REGISTERS < words; i++)
		peer->thread.state->message[i]++;
	m->tag = EXO_TAG(EXO_TAG_LABEL(m->tag) + 1, words);
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		m->words[i] += 100;
	peer->served++;
}

void serve_sums(void *argument)
{
	struct peer *peer = argument;
	struct exo_message m = { 0 };
	struct exo_result result;

	peer->thread.state->mailbox = peer->mailbox;
	result = exo_ipc_wait(EP, &m);
	for (;;) {
		peer->error = result.error;
		if (result.error && result.error != -EXO_E_AGAIN)
			return;
		if (result.error) {
			result = exo_ipc_wait(EP, &m);
			continue;
		}
		peer->badge = result.value;
		while (peer->silent)
			abi_sleep(MS);
		answer(peer, &m);
		result = exo_ipc_reply_wait(EP, &m);
	}
}

static void finish(struct peer *peer, struct exo_result result, const struct exo_message *m)
{
	peer->got = *m;
	peer->badge = result.value;
	peer->error = result.error;
	peer->done = true;
}

/* @m: filled. Where it goes to. */
static exo_cap_t prepare(struct peer *peer, struct exo_message *m)
{
	*m = peer->next;
	peer->thread.state->deadline = abi_now() + peer->patience;
	return peer->ep ? peer->ep : EP;
}

void call_once(void *argument)
{
	struct exo_message m;
	const exo_cap_t ep = prepare(argument, &m);
	const struct exo_result result = exo_ipc_call(ep, &m);

	finish(argument, result, &m);
}

void send_once(void *argument)
{
	struct exo_message m;
	const exo_cap_t ep = prepare(argument, &m);
	const struct exo_result result = exo_ipc_send(ep, &m);

	finish(argument, result, &m);
}

void wait_once(void *argument)
{
	struct exo_message m;
	const exo_cap_t ep = prepare(argument, &m);
	const struct exo_result result = exo_ipc_wait(ep, &m);

	finish(argument, result, &m);
}

void signal_later(void *argument)
{
	(void)abi_until_waits(EXO_FIRST_THREAD);
	(void)exo_ntf_signal(NTF, 4);
	call_once(argument);
}

void ipc_call_with_registers(exo_cap_t ep, uint64_t *rbx, uint64_t *rbp, uint64_t *r14,
			     uint64_t *r15, uint64_t *error)
{
	uint64_t in[4] = { *rbx, *rbp, *r14, *r15 }, *at = in, slot = ep, tag = 0;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t" /* the red zone */
			 "push %%rbp\n\tpush %%rbx\n\tpush %%r14\n\tpush %%r15\n\tpush %%rcx\n\t"
			 "mov (%%rcx), %%rbx\n\t"
			 "mov 8(%%rcx), %%rbp\n\t"
			 "mov 16(%%rcx), %%r14\n\t"
			 "mov 24(%%rcx), %%r15\n\t" ABI_CALL(
				 16) "pop %%rcx\n\t"
				     "mov %%rbx, (%%rcx)\n\t"
				     "mov %%rbp, 8(%%rcx)\n\t"
				     "mov %%r14, 16(%%rcx)\n\t"
				     "mov %%r15, 24(%%rcx)\n\t"
				     "pop %%r15\n\tpop %%r14\n\tpop %%rbx\n\tpop %%rbp\n\t"
				     "lea 128(%%rsp), %%rsp"
			 : "+c"(at), "+D"(slot), "+S"(tag), "=a"(*error)
			 :
			 : "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "memory");
	*rbx = in[0];
	*rbp = in[1];
	*r14 = in[2];
	*r15 = in[3];
}
