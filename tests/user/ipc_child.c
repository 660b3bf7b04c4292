/* SPDX-License-Identifier: MIT */
/* A partner in another environment. */
#include "ipc_child.h"

#include <exo/string.h>
#include <libexo/pages.h>

#define FRAMES 128u

int ipc_partner_init(struct ipc_partner *partner)
{
	void *memory;
	const int error = exo_pages_take(EXO_FIRST_BANK, 1, &memory);

	partner->shared = error ? NULL : memory;
	return error;
}

void ipc_partner_exit(struct ipc_partner *partner)
{
	exo_pages_give(partner->shared, 1);
}

static int64_t give(const struct ipc_partner *partner, exo_cap_t from, exo_cap_t to,
		    unsigned int count)
{
	if (!from)
		return 0;
	return exo_cap_copy(from, partner->process.env, to, EXO_COPY(EXO_RIGHTS_ALL, count), 0)
		.error;
}

int ipc_partner_start(struct ipc_partner *partner, const char *way, exo_cap_t ep, unsigned int eps,
		      exo_cap_t frame)
{
	const char *const argv[] = { "abi-child", "ipc", way };
	struct exo_program program = {
		.argc = 3, .argv = argv, .frames = FRAMES, .node = EXO_NODE_ANY, .stack_pages = 4
	};
	int64_t error;

	if (exo_program_find(&program, "abi-child"))
		return -EXO_E_ARG;
	partner->shared->ready = 0;
	partner->shared->received = partner->shared->result = 0;
	error = exo_env_spawn(&program, &partner->process, NULL);
	if (error)
		return (int)error;
	(void)((error = give(partner, ep, IPC_SLOT, eps)) ||
	       (error = give(partner, frame, IPC_SLOT + WORKER_EPS, 1)) ||
	       (error = give(partner, exo_pages_slot(partner->shared), IPC_SHARED_SLOT, 1)));
	if (error)
		exo_env_end(&partner->process);
	return (int)error;
}
