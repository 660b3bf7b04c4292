/* SPDX-License-Identifier: MIT */
/* The partner of another environment: what abi-child does with the endpoint that it is given. */
#include "../ipc_worker.h"

#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <uapi/exo/sys.h>

#define SHARED ((struct ipc_shared *)IPC_SHARED_ADDRESS)
#define STATE ((struct exo_state_page *)EXO_STATE_ADDRESS)
#define FAR 20000u /* a slot in a page of slots of which none has been used */

static void rest(void)
{
	(void)exo_ntf_wait(EXO_SELF, 0, exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value + 1000000);
}

/* The starter gives it last. */
static void have_shared(void)
{
	while (exo_map_frames(EXO_SELF, IPC_SHARED_SLOT, 1, IPC_SHARED_ADDRESS,
			      EXO_RIGHT_R | EXO_RIGHT_W))
		rest();
}

static int serve(bool answer)
{
	struct exo_message m = { 0 };
	struct exo_result result;

	SHARED->ready = true;
	result = exo_ipc_wait(IPC_SLOT, &m);
	while (!result.error) {
		SHARED->received++;
		while (!answer)
			rest();
		for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
			m.words[i] += 100;
		m.tag &= ~EXO_TAG_GRANT;
		result = exo_ipc_reply_wait(IPC_SLOT, &m);
	}
	return 1;
}

/* To one that may be served or not. */
static int call(void)
{
	struct exo_message m = { EXO_TAG(1, 1), { 1, 0, 0, 0, 0, 0 } };

	SHARED->ready = true;
	while (!exo_ipc_call(IPC_SLOT, &m).error)
		SHARED->received++;
	return 1;
}

/* Its bank is empty, so there is no room for what is granted to it: nothing of the message comes
 * over. */
static int full(void)
{
	const struct exo_message before = { EXO_TAG(5, 6), { 1, 2, 3, 4, 5, 6 } };
	struct exo_message m = before;
	exo_cap_t slot = IPC_MAILBOX;
	struct exo_result result;

	/* Those behind have no page of slots either. */
	while (!exo_frame_alloc(EXO_FIRST_BANK, EXO_WHERE(0, EXO_NODE_ANY), EXO_HINT_NONE, slot, 1)
			.error)
		slot++;
	STATE->mailbox = FAR;
	STATE->message[0] = 77;
	SHARED->ready = true;
	result = exo_ipc_wait(IPC_SLOT, &m);
	SHARED->result = result.error == -EXO_E_AGAIN && memcmp(&m, &before, sizeof(m)) == 0 &&
					 STATE->message[0] == 77
				 ? 1
				 : 2;
	while (SHARED->ready)
		rest();
	return 0;
}

static struct exo_thread second;

static void work_too(void *worker)
{
	SHARED->workers[1].state = second.state;
	ipc_work(worker);
}

static int work(void)
{
	SHARED->workers[0].state = STATE;
	if (exo_thread_start(&second, work_too, &SHARED->workers[1], 2))
		return 1;
	ipc_work(&SHARED->workers[0]);
	for (;;)
		rest();
}

int ipc_child(const char *way)
{
	have_shared();
	if (strcmp(way, "serve") == 0)
		return serve(true);
	if (strcmp(way, "hold") == 0)
		return serve(false);
	if (strcmp(way, "call") == 0)
		return call();
	if (strcmp(way, "full") == 0)
		return full();
	return work();
}
