/* SPDX-License-Identifier: MIT */
/*
 * An echo server and three clients: messages between environments.
 *
 *	exosh> run echo
 *
 * The program makes an endpoint, and starts itself three more times as "echo client N", each time
 * in an environment of its own that has one capability to the endpoint. These copies differ by
 * their badge, a number that the kernel hands to the server with each message: so the server knows
 * its clients, and none can take another's name. All that a client can do is send (right W).
 *
 * A message is a tag and six words, all in registers; a longer one goes on in the state pages. The
 * server's loop is one call: it replies to the last message and waits for the next. That clients
 * have ended it learns in the same place, by bits of a notification that is bound to its thread.
 * Client 3 it ends itself, in the middle of a call: the reply then goes nowhere, and that is all.
 */
#include "example.h"

#include <libexo/print.h>

#define CLIENTS 3u
#define CALLS 100u /* each client's, every tenth of which is long */
#define MORE 50u /* words of a long message beyond those in registers */
#define VICTIM 3u
#define VICTIM_CALLS 15u

static exo_cap_t endpoint;
static struct exo_process clients[CLIENTS + 1]; /* by badge: 1 and so on */
static unsigned int served[CLIENTS + 1], nr_long;

/* One message there and back. */
static bool call(uint64_t first, uint32_t more)
{
	const uint64_t tag = EXO_TAG(0, EXO_MESSAGE_REGISTERS + more);
	struct exo_message m = { .tag = tag };
	int64_t error;

	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		m.words[i] = first + i;
	for (unsigned int i = 0; i < more; i++)
		STATE->message[i] = first * i;
	error = exo_ipc_call(exo_granted(0), &m).error;
	if (error == -EXO_E_RANGE && more) /* longer than this kernel has them: a short one */
		return call(first, 0);
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		if (m.words[i] != first + i)
			return false;
	for (unsigned int i = 0; i < more; i++)
		if (STATE->message[i] != first * i)
			return false;
	return error == 0 && m.tag == tag;
}

static int client(void)
{
	for (unsigned int i = 0; i < CALLS; i++)
		if (!call(1000 * i, i % 10 == 9 ? MORE : 0))
			return 1;
	return 0;
}

/* Until all clients have ended; how many of them have failed. */
static unsigned int serve(void)
{
	unsigned int left = CLIENTS, failed = 0;
	struct exo_message m = { 0 };

	while (left > 0) {
		/* The first time there is nobody to reply to, as after bits: it only waits. */
		const struct exo_result got = exo_ipc_reply_wait(endpoint, &m);

		if (got.error == -EXO_E_AGAIN)
			continue;
		if (got.error)
			return left;
		if (m.tag & EXO_TAG_BITS) {
			left -= count_ends(m.words[0], &failed);
			m.tag = 0;
			continue;
		}
		/* What is to be sent is what came; the rest of a long one is in the state page. */
		nr_long += EXO_TAG_WORDS(m.tag) > EXO_MESSAGE_REGISTERS;
		if (got.value < 1 || got.value > CLIENTS)
			return left;
		if (++served[got.value] == VICTIM_CALLS && got.value == VICTIM) {
			exo_env_end(&clients[VICTIM]);
			left--;
		}
	}
	return failed;
}

static int server(void)
{
	unsigned int failed;

	endpoint = make_server("echo", CLIENTS, clients);
	if (!endpoint) {
		exo_print("echo: no server: has this kernel messages (CONFIG_IPC)?\n");
		return 1;
	}
	failed = serve();
	exo_printf("echo: %u, %u and %u messages, %u of them long; client %u was ended in its "
		   "last call\n",
		   served[1], served[2], served[3], nr_long, VICTIM);
	return failed || served[1] != CALLS || served[2] != CALLS || served[3] != VICTIM_CALLS;
}

int main(int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? client() : server();
}
