/* SPDX-License-Identifier: MIT */
/*
 * What the examples of several programs have in common: an example starts its own file again, each
 * time in an environment of its own with a number, and hands it capabilities. The kernel has none
 * of this: libexo/process.c shows how an environment is made.
 */
#ifndef USER_EXAMPLES_EXAMPLE_H
#define USER_EXAMPLES_EXAMPLE_H

#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <uapi/exo/ipc.h>

/* Bits of the notification that number @n, below 8, sets when it ends. */
#define ENDED(n) (UINT64_C(1) << (n))
#define FAILED(n) (UINT64_C(256) << (n))

#define STATE ((struct exo_state_page *)EXO_STATE_ADDRESS) /* of the first thread */

/*
 * Starts "NAME ROLE N". It finds the capabilities by exo_granted(), in this order, and has nothing
 * else of this program's but @ends, to signal. Returns 0 or the negative of an enum exo_error.
 */
static inline int start_again(const char *name, const char *role, unsigned int n,
			      const struct exo_grant *grants, uint32_t nr_grants, exo_cap_t ends,
			      struct exo_process *process)
{
	const char number[] = { (char)('0' + n), '\0' };
	const char *const arguments[] = { name, role, number };
	struct exo_program program = { .argc = 3,
				       .argv = arguments,
				       .frames = 96,
				       .node = EXO_NODE_ANY,
				       .stack_pages = 2,
				       .exit = ends,
				       .exit_bits = ENDED(n),
				       .failure_bits = FAILED(n),
				       .grants = grants,
				       .nr_grants = nr_grants };
	const int error = exo_program_find(&program, name);

	return error ? error : exo_env_spawn(&program, process, NULL);
}

/* A new notification, or 0. */
static inline exo_cap_t make_notification(void)
{
	const exo_cap_t slot = exo_slot_take(1);

	return exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, slot, 0).error ? 0 : slot;
}

/*
 * A new endpoint, or 0, for a server that is one thread; and clients number 1 to @count, "NAME
 * client N", whose badge is N. Their ends come to whoever waits at the endpoint: EXO_TAG_BITS.
 */
static inline exo_cap_t make_server(const char *name, unsigned int count,
				    struct exo_process *clients)
{
	const exo_cap_t endpoint = exo_slot_take(1), ends = make_notification();

	if (!ends || exo_ntf_bind(ends, EXO_FIRST_THREAD, UINT64_MAX).error ||
	    exo_object_create(EXO_FIRST_BANK, EXO_TYPE_EP, endpoint, 0).error)
		return 0;
	for (unsigned int n = 1; n <= count; n++) {
		const struct exo_grant grants[] = { { endpoint, EXO_RIGHT_W, n } };

		if (start_again(name, "client", n, grants, 1, ends, &clients[n]))
			return 0;
	}
	return endpoint;
}

/* How many have ended, and of these have failed, as the notification's bits say. */
static inline unsigned int count_ends(uint64_t bits, unsigned int *failed)
{
	unsigned int count = 0;

	for (unsigned int n = 0; n < 8; n++) {
		count += bits & (ENDED(n) | FAILED(n)) ? 1 : 0;
		*failed += bits & FAILED(n) ? 1 : 0;
	}
	return count;
}

#endif
