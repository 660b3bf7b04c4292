/* SPDX-License-Identifier: MIT */
/* System calls that make and configure environments, threads, endpoints and notifications. */
#include <exo/env.h>
#include <exo/nospec.h>
#include <exo/sched.h>
#include <exo/syscall.h>

static int make(struct bank *bank, uint64_t type, uint64_t argument, struct object **object)
{
	struct user_thread *thread;
	struct env *env;
	struct ntf *ntf;
	int error;

	switch (type) {
	case EXO_TYPE_ENV:
		if (argument > CAP_TABLE_ORDER_MAX)
			return -EXO_E_ARG;
		if (IS_ENABLED(CONFIG_FLAT_OBJECTS))
			return -EXO_E_TYPE; /* nothing would keep a second one from the first */
		error = env_make(bank, (unsigned int)argument, &env);
		*object = error ? NULL : &env->object;
		return error;
	case EXO_TYPE_THREAD:
		error = argument ? -EXO_E_ARG : user_thread_make(bank, &thread);
		*object = error ? NULL : &thread->object;
		return error;
	case EXO_TYPE_EP:
		return argument ? -EXO_E_ARG : endpoint_make(bank, object);
	case EXO_TYPE_NTF:
		error = argument ? -EXO_E_ARG : ntf_make(bank, &ntf);
		*object = error ? NULL : &ntf->object;
		return error;
	default:
		return -EXO_E_TYPE;
	}
}

struct exo_result sys_object_create(uint64_t from, uint64_t type, uint64_t slot, uint64_t argument)
{
	struct object *object, *bank;
	struct cap *cap;
	int error = cap_get(&env_current()->table, from, EXO_TYPE_BANK, EXO_RIGHT_W, &bank);

	if (!error)
		error = cap_claim(&env_current()->table, slot, &cap);
	if (error)
		return result_error(error);
	/* A thread's making opens. */
	if (!object_pin(bank)) {
		error = -EXO_E_DEAD;
	} else {
		error = make(container_of(bank, struct bank, object), type, argument, &object);
		object_unpin(bank);
	}
	if (error)
		cap_unclaim(cap);
	else
		cap_make(cap, object, EXO_RIGHTS_ALL);
	return result_error(error);
}

/* An environment by its capability, or the caller's own. */
static int env_of(exo_cap_t slot, unsigned int rights, struct env **env)
{
	struct object *object;
	int error;

	*env = env_current();
	if (slot == EXO_SELF)
		return 0;
	error = cap_get(&env_current()->table, slot, EXO_TYPE_ENV, rights, &object);
	if (!error)
		*env = container_of(object, struct env, object);
	return error;
}

/* A thread by its capability, or the calling one. */
static int thread_of(exo_cap_t slot, unsigned int rights, struct user_thread **thread)
{
	struct object *object;
	int error;

	*thread = user_thread_current();
	if (slot == EXO_SELF)
		return 0;
	error = cap_get(&env_current()->table, slot, EXO_TYPE_THREAD, rights, &object);
	if (!error)
		*thread = container_of(object, struct user_thread, object);
	return error;
}

struct exo_result sys_env_config(uint64_t slot, uint64_t what, uint64_t a, uint64_t b)
{
	struct env *env;
	const int error = env_of(slot, EXO_RIGHT_C, &env);

	if (error)
		return result_error(error);
	if (what > EXO_ENV_EVENTS || a >= env->table.nr_slots)
		return result_error(-EXO_E_ARG);
	if (what == EXO_ENV_FAULTS) {
		env->fault_bits = b;
		env->fault_ntf = a;
	} else {
		env->event_thread = a;
	}
	return result_error(0);
}

/*
 * A FRAME for a state page: a page that can be read and written, of RAM. Pinned. Under its lock,
 * because what else the slot says is this frame's only as long as the capability stays there.
 */
static int state_of(exo_cap_t slot, struct frame **frame, uint32_t *first)
{
	struct object *object;
	struct cap *cap;
	uintptr_t value;
	int error;

	*frame = NULL;
	*first = 0;
	if (slot == EXO_SELF)
		return 0;
	error = cap_find(&env_current()->table, slot, EXO_TYPE_FRAME, EXO_RIGHT_R | EXO_RIGHT_W,
			 &cap, &value);
	if (error)
		return error;
	object = cap_object(value);
	spin_lock(&object->lock);
	if (atomic_load_explicit(&cap->value, memory_order_relaxed) != value)
		error = -EXO_E_CAP;
	else if (object->state != OBJECT_LIVE)
		error = -EXO_E_DEAD;
	else
		object->pins++;
	*first = cap->first;
	spin_unlock(&object->lock);
	if (!error)
		*frame = container_of(object, struct frame, object);
	return error;
}

struct exo_result sys_thread_config(uint64_t slot, uint64_t env_slot, uint64_t entry,
				    uint64_t stack, uint64_t argument, uint64_t state_slot)
{
	struct user_thread *thread;
	struct frame *state;
	struct env *env;
	uint32_t first;
	int error = thread_of(slot, EXO_RIGHT_C, &thread);

	if (!error)
		error = env_of(env_slot, EXO_RIGHT_C, &env);
	if (!error)
		error = state_of(state_slot, &state, &first);
	if (error)
		return result_error(error);
	error = user_thread_configure(thread, env, entry, stack, argument, state, first);
	if (error && state)
		object_unpin(&state->object);
	return result_error(error);
}

static int stop(struct user_thread *thread)
{
	if (!thread->started || atomic_load(&thread->gone))
		return 0;
	user_stop(thread->thread);
	if (thread == user_thread_current() || user_stopped(thread->thread))
		return 0;
	/* A call that is being served is not broken off: the thread stops when it has the answer.
	 */
	return ipc_is_served(thread) ? 0 : -EXO_E_AGAIN;
}

struct exo_result sys_thread_state(uint64_t slot, uint64_t act, uint64_t address)
{
	const unsigned int needed = act == EXO_THREAD_READ ? EXO_RIGHT_R : EXO_RIGHT_W;
	struct exo_registers registers;
	struct user_thread *thread;
	int error = thread_of(slot, needed, &thread);

	if (error)
		return result_error(error);
	switch (act) {
	case EXO_THREAD_RUN:
		error = user_thread_run(thread);
		break;
	case EXO_THREAD_STOP:
		error = stop(thread);
		break;
	case EXO_THREAD_READ:
		error = user_thread_read(thread, &registers);
		if (!error)
			error = user_copy_to(address, &registers, sizeof(registers));
		break;
	case EXO_THREAD_WRITE:
		error = user_copy_from(&registers, address, sizeof(registers));
		if (!error)
			error = user_thread_write(thread, &registers);
		break;
	default:
		error = -EXO_E_ARG;
	}
	sched_interrupt_end();
	return result_error(error);
}

static int set_affinity(struct thread *thread, const uint64_t *bits)
{
	struct cpu_set set;

	if (!(bits[0] | bits[1] | bits[2] | bits[3]))
		return 0;
	for (unsigned int i = 0; i < CPU_SET_WORDS; i++)
		set.bits[i] = bits[i];
	return thread_set_affinity(thread, &set);
}

struct exo_result sys_thread_sched(uint64_t slot, uint64_t cpu_slot, uint64_t address)
{
	struct user_thread *thread;
	struct sched_parameters parameters;
	struct exo_sched wanted;
	struct object *authority;
	int error = thread_of(slot, EXO_RIGHT_C, &thread);

	if (!error)
		error = cap_get(&env_current()->table, cpu_slot, EXO_TYPE_CPU, EXO_RIGHT_W,
				&authority);
	if (!error)
		error = user_copy_from(&wanted, address, sizeof(wanted));
	if (!error && wanted.priority >= PRIORITY_LEVELS)
		error = -EXO_E_RANGE;
	if (error)
		return result_error(error);
	if (atomic_load(&thread->gone))
		return result_error(-EXO_E_DEAD);
	wanted.priority = index_nospec(wanted.priority, PRIORITY_LEVELS);
	parameters = (struct sched_parameters){
		.priority = (uint8_t)wanted.priority,
		.shares = wanted.shares,
		.period = wanted.period,
		.budget = wanted.budget,
		.deadline = wanted.deadline,
	};
	error = thread_set_parameters(thread->thread, &parameters);
	if (!error)
		error = set_affinity(thread->thread, wanted.affinity);
	sched_interrupt_end();
	return result_error(error);
}

/* Of its own, so that the call without argument needs no stack. */
static __noinline int yield_to(uint64_t slot)
{
	struct user_thread *thread;
	int error = thread_of(slot, 0, &thread);

	if (!error && atomic_load(&thread->gone))
		error = -EXO_E_DEAD;
	return error ? error : thread_yield_to(thread->thread);
}

struct exo_result sys_yield(uint64_t slot)
{
	if (likely(slot == EXO_SELF)) {
		thread_yield();
		return result_error(0);
	}
	return result_error(yield_to(slot));
}

struct exo_result sys_upcall_resume(void)
{
	struct thread *thread = thread_current();
	struct exo_state_page *state = thread->user->state;

	if (!state)
		return result_error(-EXO_E_ARG);
	__atomic_store_n(&state->disabled, 0, __ATOMIC_SEQ_CST);
	/* On the way out whatever is pending is looked at. */
	atomic_fetch_or(&thread->attention, THREAD_EVENT);
	return result_error(0);
}
