/* SPDX-License-Identifier: MIT */
/*
 * THREAD objects: a kernel thread (exo/thread.h) that runs in user mode (exo/user.h).
 *
 * The kernel thread is made with the object, and charged for; it begins when the program says so,
 * and is given back with the object. It may end before: then the object is a dead thread's, which
 * answers EXO_E_DEAD. It is in the list of its environment from thread_config() on until it has
 * left its stack for the last time, and runs in that one alone.
 *
 * The state page is a FRAME that is pinned, reached by the direct map.
 */
#include <arch/gdt.h>
#include <arch/memory.h>
#include <exo/env.h>
#include <exo/panic.h>
#include <exo/sched.h>
#include <exo/stack.h>
#include <exo/string.h>
#include <exo/wait.h>

/* Of CONFIG_THREADS_MAX, for what the kernel runs itself: a guess. */
#define KERNEL_THREADS 16u

uint64_t user_thread_price = USER_THREAD_FRAMES;
const struct ipc_ops *ipc_ops;

__boot void user_thread_set_price(uint64_t frames)
{
	/* A CPU has its idle thread, and keeps some that have ended. */
	const uint64_t taken = KERNEL_THREADS + nr_cpus_online * (CONFIG_THREAD_CACHE + 3ull);
	const uint64_t left = CONFIG_THREADS_MAX > taken ? CONFIG_THREADS_MAX - taken : 1;
	const uint64_t share = (frames + left - 1) / left;

	if (share > user_thread_price)
		user_thread_price = share;
}

/* --- what the kernel tells us about a thread ---------------------------------------------------*/

static struct user_thread *of(struct thread *thread)
{
	return container_of(thread->user, struct user_thread, context);
}

static void faulted(struct thread *thread, const struct interrupt_frame *frame, uint64_t address)
{
	struct env *env = of(thread)->env;
	struct ntf *ntf;
	uint64_t badge;

	(void)frame, (void)address;
	if (env->fault_ntf && !ntf_find(&env->table, env->fault_ntf, &ntf, &badge))
		ntf_set(ntf, env->fault_bits & badge);
}

/* Leaves the environment's list, if it is in one. Under env->threads_lock. */
static void leave_env(struct user_thread *thread)
{
	if (IS_ENABLED(CONFIG_IPC))
		ipc_ops->gone(thread);
	list_remove(&thread->env_node);
	thread->env->nr_threads--;
	thread->listed = false;
	thread->env = NULL; /* which may end from now on */
}

static void gone(struct thread *kernel_thread)
{
	struct user_thread *thread = of(kernel_thread);
	struct env *env = thread->env;

	spin_acquire(&env->threads_lock);
	leave_env(thread);
	atomic_store_explicit(&thread->gone, true, memory_order_release);
	spin_release(&env->threads_lock);
	object_end_again(&thread->object);
	object_end_again(&env->object);
}

static void run(void *unused)
{
	(void)unused;
	user_enter(&of(thread_current())->first);
}

/* --- making ------------------------------------------------------------------------------------*/

int user_thread_make(struct bank *bank, struct user_thread **result)
{
	static const struct thread_attributes attributes = { .name = "user",
							     .parameters = SCHED_PARAMETERS_INIT };
	unsigned int node = EXO_NODE_ANY;
	struct user_thread *thread;
	struct thread *kernel_thread;
	struct object *object;
	int error = bank_charge(bank, user_thread_price, &node);

	if (error)
		return error;
	/* A stack may have to be mapped, for which other CPUs must be able to interrupt this one.
	 */
	irq_enable();
	error = thread_create(&kernel_thread, run, NULL, &attributes);
	irq_save();
	if (error)
		goto out_charge;
	error = bank_object_get(bank, EXO_TYPE_THREAD, sizeof(*thread), &object);
	if (error)
		goto out_thread;
	thread = container_of(object, struct user_thread, object);
	thread->thread = kernel_thread;
	thread->charged_node = (uint8_t)node;
	thread->context.faulted = faulted;
	thread->context.gone = gone;
	thread->context.ipc = ipc_ops;
	wait_queue_init(&thread->wait);
	kernel_thread->user = &thread->context;
	*result = thread;
	return 0;
out_thread:
	thread_detach(kernel_thread);
out_charge:
	bank_uncharge(bank, user_thread_price, node);
	return error;
}

/* Where a thread begins; until now thread->first is 0. */
static int set_first(struct user_thread *thread, uint64_t entry, uint64_t stack, uint64_t argument)
{
	thread->first.rip = entry;
	thread->first.rsp = stack;
	thread->first.rdi = argument;
	return user_sanitise(&thread->first);
}

static int join_env(struct user_thread *thread, struct env *env)
{
	const uint64_t flags = spin_lock_irq(&env->threads_lock);
	int error = 0;

	if (object_state(&env->object) != OBJECT_LIVE) {
		error = -EXO_E_DEAD;
	} else {
		list_add_last(&env->threads, &thread->env_node);
		env->nr_threads++;
		thread->env = env;
		thread->listed = true;
		thread->context.space = &env->space;
	}
	spin_unlock_irq(&env->threads_lock, flags);
	return error;
}

int user_thread_configure(struct user_thread *thread, struct env *env, uint64_t entry,
			  uint64_t stack, uint64_t argument, struct frame *state, uint32_t first)
{
	int error;

	/* Ending the bank of the frame is to end the thread: else that would wait for others. */
	if (state && state->object.bank != thread->object.bank)
		return -EXO_E_TYPE;
	spin_lock(&thread->object.lock);
	if (thread->object.state != OBJECT_LIVE)
		error = -EXO_E_DEAD;
	else if (thread->context.space)
		error = -EXO_E_BUSY;
	else
		error = set_first(thread, entry, stack, argument);
	if (!error)
		error = join_env(thread, env);
	if (!error && state) {
		thread->state_frame = state;
		thread->context.state = phys_to_virt(state->base + (uint64_t)first * PAGE_SIZE);
	}
	spin_unlock(&thread->object.lock);
	return error;
}

/* --- running, stopping, registers --------------------------------------------------------------*/

/*
 * Who lets a thread run, and who looks at its registers, does it under this lock: a frame that is
 * looked at is not in use. The environment; NULL, and no lock, if the thread has not got one.
 */
static struct env *enter_env(struct user_thread *thread,
			     uint64_t *flags) __no_thread_safety_analysis
{
	struct env *env = __atomic_load_n(&thread->env, __ATOMIC_ACQUIRE);

	if (!env)
		return NULL;
	*flags = spin_lock_irq(&env->threads_lock);
	if (thread->listed)
		return env;
	spin_unlock_irq(&env->threads_lock, *flags);
	return NULL;
}

static void exit_env(struct env *env, uint64_t flags) __no_thread_safety_analysis
{
	spin_unlock_irq(&env->threads_lock, flags);
}

/* What is wrong with a thread that enter_env() has refused. */
static int without_env(const struct user_thread *thread)
{
	return thread->context.space ? -EXO_E_DEAD : -EXO_E_ARG;
}

int user_thread_run(struct user_thread *thread)
{
	uint64_t flags;
	struct env *env = enter_env(thread, &flags);
	bool first;

	if (!env)
		return without_env(thread);
	first = !thread->started;
	thread->started = true;
	if (!first)
		user_run(thread->thread);
	exit_env(env, flags);
	if (first)
		thread_start(thread->thread);
	return 0;
}

/* The registers of a thread that does not run. Within enter_env(). */
static struct interrupt_frame *registers_of(struct user_thread *thread)
{
	if (!thread->started)
		return &thread->first;
	return atomic_load_explicit(&thread->context.stopped, memory_order_acquire);
}

int user_thread_read(struct user_thread *thread, struct exo_registers *registers)
{
	const struct interrupt_frame *frame;
	uint64_t flags;
	struct env *env = enter_env(thread, &flags);

	if (!env)
		return without_env(thread);
	frame = registers_of(thread);
	if (frame) {
		memcpy(registers, frame, offsetof(struct exo_registers, rip));
		registers->rip = frame->rip;
		registers->rflags = frame->rflags;
		registers->rsp = frame->rsp;
		registers->fs_base = thread->context.fs_base;
		registers->gs_base = thread->context.gs_base;
	}
	exit_env(env, flags);
	return frame ? 0 : -EXO_E_BUSY;
}

static int write_registers(struct user_thread *thread, const struct exo_registers *registers)
{
	struct interrupt_frame *frame = registers_of(thread), new;
	int error;

	if (!frame)
		return -EXO_E_BUSY;
	if (registers->fs_base >= user_end() || registers->gs_base >= user_end())
		return -EXO_E_RANGE;
	new = *frame;
	memcpy(&new, registers, offsetof(struct exo_registers, rip));
	new.rip = registers->rip;
	new.rflags = registers->rflags;
	new.rsp = registers->rsp;
	error = user_sanitise(&new);
	if (error)
		return error;
	*frame = new;
	thread->context.fs_base = registers->fs_base;
	thread->context.gs_base = registers->gs_base;
	return 0;
}

int user_thread_write(struct user_thread *thread, const struct exo_registers *registers)
{
	uint64_t flags;
	struct env *env = enter_env(thread, &flags);
	int error;

	if (!env)
		return without_env(thread);
	error = write_registers(thread, registers);
	exit_env(env, flags);
	return error;
}

enum exo_thread_now user_thread_now(const struct user_thread *thread)
{
	static const uint8_t states[] = {
		[THREAD_SUSPENDED] = EXO_THREAD_STOPPED,
		[THREAD_READY] = EXO_THREAD_RUNS,
		[THREAD_BLOCKED] = EXO_THREAD_WAITS,
		[THREAD_DEAD] = EXO_THREAD_ENDED,
	};

	/* One that has stopped is blocked, too. */
	if (!thread->started || user_stopped(thread->thread))
		return EXO_THREAD_STOPPED;
	return states[atomic_load(&thread->thread->state)];
}

/* --- ending ------------------------------------------------------------------------------------*/

void user_thread_kill(struct user_thread *thread)
{
	thread->killed = true;
	if (!thread->started) {
		if (thread->listed)
			leave_env(thread);
	} else if (user_reap(thread->thread)) {
		leave_env(thread);
		atomic_store_explicit(&thread->gone, true, memory_order_release);
	} else {
		user_kill(thread->thread);
	}
}

/* Has @thread end, which runs in @env, if it has begun. Returns whether it is over already. */
static bool kill_now(struct user_thread *thread, struct env *env)
{
	const uint64_t flags = spin_lock_irq(&env->threads_lock);
	bool over;

	if (!thread->gone)
		user_thread_kill(thread);
	over = thread->gone || !thread->started;
	spin_unlock_irq(&env->threads_lock, flags);
	if (over && object_state(&env->object) != OBJECT_LIVE)
		object_end_again(&env->object);
	return over;
}

int user_thread_end(struct object *object)
{
	struct user_thread *thread = container_of(object, struct user_thread, object);
	struct env *env = thread->env;

	/* gone() has us called again. */
	return !env || kill_now(thread, env) ? 0 : -EXO_E_BUSY;
}

/* Who had found it may have bound or notified it until now, or told it of frames. */
void user_thread_bury(struct object *object)
{
	struct user_thread *thread = container_of(object, struct user_thread, object);

	ntf_forget_thread(thread);
	if (thread->state_frame)
		object_unpin_later(&thread->state_frame->object);
	thread_detach(thread->thread);
	thread_cache_settle();
	bank_uncharge(object->bank, user_thread_price, thread->charged_node);
}
