/* SPDX-License-Identifier: MIT */
/* A partner in another environment: the program abi-child with an endpoint (programs/abi-ipc.c). */
#ifndef TESTS_USER_IPC_CHILD_H
#define TESTS_USER_IPC_CHILD_H

#include "ipc_support.h"
#include "ipc_worker.h"

#include <libexo/process.h>

struct ipc_partner {
	struct exo_process process;
	struct ipc_shared *shared; /* this program's page of it; from first to last */
};

/* Takes and gives back the page. 0 or an error. */
int ipc_partner_init(struct ipc_partner *partner);
void ipc_partner_exit(struct ipc_partner *partner);

/* Starts it with copies of @eps endpoints from @ep on, and of @frame, 0: none. */
int ipc_partner_start(struct ipc_partner *partner, const char *way, exo_cap_t ep, unsigned int eps,
		      exo_cap_t frame);

#endif
