/* SPDX-License-Identifier: MIT */
/* System calls on notifications. */
#include <exo/env.h>
#include <exo/ntf_fast.h>
#include <exo/sched.h>
#include <exo/syscall.h>
#include <exo/wait.h>

struct exo_result sys_ntf_signal(uint64_t slot, uint64_t bits)
{
	struct thread *woken;
	struct ntf *ntf;
	uint64_t badge;
	const struct cap_table *table = &env_current()->table;
	const int error = IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE) ? ntf_find(table, slot, &ntf, &badge)
							      : ntf_look(table, slot, &ntf, &badge);

	if (unlikely(error))
		return result_error(error);
	if (unlikely(bits & ~badge))
		return result_error(-EXO_E_PERM);
	if (IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE)) {
		ntf_set(ntf, bits);
		woken = NULL;
	} else {
		woken = ntf_set_fast(ntf, bits);
	}
	if (woken)
		sched_wake_now(woken);
	else
		sched_interrupt_end();
	return result_error(0);
}

/* Waits for nothing but the time. */
static int sleep(uint64_t deadline)
{
	struct user_thread *self = user_thread_current();
	int error;

	if (deadline == 0)
		return -EXO_E_TIMEOUT;
	spin_acquire(&self->wait.lock);
	error = wait_block(&self->wait, deadline);
	return error ? error : -EXO_E_AGAIN;
}

/* sys_ntf_wait(), but for what is kept for user_wait_is_over() (arch/ntf_wait.h). */
struct exo_result ntf_wait_call(uint64_t slot, uint64_t mask, uint64_t deadline)
{
	struct object *object;
	uint64_t bits = 0;
	int error;

	if (slot == EXO_SELF)
		return result_error(mask ? -EXO_E_ARG : sleep(deadline));
	error = cap_get(&env_current()->table, slot, EXO_TYPE_NTF, EXO_RIGHT_R, &object);
	if (!error && !mask)
		error = -EXO_E_ARG;
	if (!error)
		error = ntf_await(container_of(object, struct ntf, object), mask, deadline, &bits);
	return (struct exo_result){ error, bits };
}

struct exo_result sys_ntf_bind(uint64_t slot, uint64_t thread_slot, uint64_t mask)
{
	struct user_thread *thread = NULL;
	struct object *object, *bound;
	int error = cap_get(&env_current()->table, slot, EXO_TYPE_NTF, EXO_RIGHT_C, &object);

	if (!error && thread_slot != EXO_SELF) {
		error = cap_get(&env_current()->table, thread_slot, EXO_TYPE_THREAD, EXO_RIGHT_C,
				&bound);
		if (!error)
			thread = container_of(bound, struct user_thread, object);
	}
	if (!error)
		error = ntf_bind(container_of(object, struct ntf, object), thread, mask);
	sched_interrupt_end();
	return result_error(error);
}
