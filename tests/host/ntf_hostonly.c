/* SPDX-License-Identifier: MIT */
/*
 * Notifications against a naive model: random signals, waits, ends of time, cancelling, binding and
 * ends of the object, in every order that there can be between the end of a wait and its thread's
 * running again. After each operation the word and who waits must be the model's, nobody may wait
 * for a bit that is set, and who was served must have been woken, once; what a wait answers is the
 * model's too. So no wake-up is lost, and no bit is seen twice.
 *
 * Each thread that waits is one of the host, but only one runs at a time: the main one, or that to
 * which it gives its turn.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include <exo/bank.h>
#include <exo/env.h>
#include <exo/ntf_fast.h>
#include <exo/sched.h>

#include "check.h"

#define THREADS 6
#define SEEDS 3
#define OPERATIONS 60000
#define BITS 5 /* few, so that they meet */

enum doing { IDLE, WAITS, WOKEN };

/* A thread that waits, and what the model knows of it. */
static struct waiter {
	struct thread thread;
	struct user_thread user;
	struct cpu cpu;
	pthread_t host;
	sem_t turn;
	enum doing doing;
	int result; /* of its wait_block() */
	uint64_t mask, deadline; /* what it is told to wait for */
	int error; /* what ntf_await() has answered */
	uint64_t bits;
	bool listed; /* the model's: it is in the list, */
	uint64_t served; /* or has got these bits */
} waiters[THREADS];

static sem_t main_turn;
static struct ntf ntf;
static struct user_thread bound;
static struct thread bound_thread;
static uint64_t word, bound_mask, random_state;
static unsigned int order[THREADS], listed, notified, to_notify;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static uint64_t random_bits(void)
{
	return 1 + random_below((1u << BITS) - 1);
}

/* --- what notifications need of the kernel -----------------------------------------------------*/

static struct waiter *waiter_of(struct thread *thread)
{
	return container_of(thread, struct waiter, thread);
}

void sched_wake(struct thread *thread)
{
	struct waiter *waiter = waiter_of(thread);

	CHECK(waiter->doing == WAITS); /* once */
	CHECK(!waiter->user.wait.waiters.first && !atomic_load(&thread->waiting_on));
	waiter->doing = WOKEN;
	waiter->result = 0;
}

int wait_block(struct wait_queue *queue, uint64_t deadline) __no_thread_safety_analysis
{
	struct waiter *waiter = waiter_of(thread_current());

	CHECK(deadline == DEADLINE_NEVER && queue == &waiter->user.wait);
	queue->waiters.first = &waiter->thread.wait_node;
	atomic_store(&waiter->thread.waiting_on, queue);
	waiter->doing = WAITS;
	spin_release(&queue->lock);
	sem_post(&main_turn);
	sem_wait(&waiter->turn);
	return waiter->result;
}

void user_notify(struct thread *thread, uint32_t events)
{
	CHECK(thread == &bound_thread && events == EXO_EVENT_NTF);
	notified++;
}

int bank_object_get(struct bank *bank, enum exo_type type, size_t size, struct object **object)
{
	(void)bank, (void)type, (void)size, (void)object;
	abort();
}

void irq_forget_ntf(struct ntf *ended)
{
	CHECK(ended == &ntf && ended->nr_lines);
	ntf_detach(ended);
}

/* --- threads -----------------------------------------------------------------------------------*/

static void *run(void *argument)
{
	struct waiter *waiter = argument;

	host_cpu = &waiter->cpu;
	host_flags = 0;
	for (;;) {
		sem_wait(&waiter->turn);
		if (!waiter->mask)
			return NULL;
		waiter->error = ntf_await(&ntf, waiter->mask, waiter->deadline, &waiter->bits);
		waiter->doing = IDLE;
		sem_post(&main_turn);
	}
}

/* Lets it go on, up to where it waits or is idle. */
static void give_turn(struct waiter *waiter)
{
	sem_post(&waiter->turn);
	sem_wait(&main_turn);
}

/* --- the model ---------------------------------------------------------------------------------*/

static void unlist(struct waiter *waiter)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < listed; i++)
		if (&waiters[order[i]] != waiter)
			order[left++] = order[i];
	CHECK(left + 1 == listed);
	listed = left;
	waiter->listed = false;
}

/* Gives what is set to those who are listed, in order. */
static void model_signal(uint64_t bits)
{
	unsigned int i = 0;

	word |= bits;
	while (i < listed) {
		struct waiter *waiter = &waiters[order[i]];
		const uint64_t got = word & waiter->mask;

		word &= ~got;
		waiter->served = got;
		if (got)
			unlist(waiter);
		else
			i++;
	}
	to_notify += (word & bound_mask) != 0;
}

static void check_all(void)
{
	struct list_node *node = ntf.waiters.next;
	uint64_t wanted = bound_mask;

	CHECK(ntf.word == word && ntf.nr_waiters == listed && notified == to_notify);
	for (unsigned int i = 0; i < listed; i++, node = node->next) {
		const struct waiter *waiter = &waiters[order[i]];

		CHECK(node == &waiter->user.wait_node && waiter->user.waiting_on == &ntf);
		CHECK(!(waiter->mask & word)); /* nobody waits for what is set */
		wanted |= waiter->mask;
	}
	CHECK(node == &ntf.waiters && !(wanted & ~ntf.wanted));
	for (unsigned int i = 0; i < THREADS; i++)
		if (waiters[i].doing == WAITS) /* who was served is woken, or was before */
			CHECK(waiters[i].listed && waiters[i].user.wait.waiters.first);
}

/* --- operations --------------------------------------------------------------------------------*/

static void op_wait(struct waiter *waiter)
{
	uint64_t got;

	waiter->mask = random_bits();
	waiter->deadline = random_below(4) ? DEADLINE_NEVER : 0;
	waiter->served = 0;
	got = word & waiter->mask;
	word &= ~got;
	give_turn(waiter);
	if (got || !waiter->deadline) {
		CHECK(waiter->doing == IDLE && waiter->bits == got);
		CHECK(waiter->error == (got ? 0 : -EXO_E_TIMEOUT));
		return;
	}
	CHECK(waiter->doing == WAITS);
	waiter->listed = true;
	order[listed++] = (unsigned int)(waiter - waiters);
}

/* Its time is over, or it is to stop: taken out of its queue, but it has not run yet. */
static void op_end_wait(struct waiter *waiter)
{
	waiter->user.wait.waiters.first = NULL;
	atomic_store(&waiter->thread.waiting_on, NULL);
	waiter->doing = WOKEN;
	waiter->result = random_below(2) ? -EXO_E_TIMEOUT : -EXO_E_AGAIN;
}

static void op_run(struct waiter *waiter)
{
	const int result = waiter->result;

	if (waiter->listed)
		unlist(waiter);
	give_turn(waiter);
	CHECK(waiter->doing == IDLE && waiter->bits == waiter->served);
	CHECK(waiter->error == (waiter->served ? 0 : result ? result : -EXO_E_DEAD));
}

static void op_signal(void)
{
	const uint64_t bits = random_below(1u << BITS);
	struct thread *woken;

	model_signal(bits);
	if (random_below(2)) {
		ntf_set(&ntf, bits);
		return;
	}
	woken = ntf_set_only(&ntf, bits);
	if (woken)
		sched_wake(woken);
}

static void op_bind(void)
{
	if (bound_mask) {
		CHECK(ntf_bind(&ntf, NULL, 0) == 0 && !bound.bound);
		bound_mask = 0;
		return;
	}
	bound_mask = random_bits();
	CHECK(ntf_bind(&ntf, &bound, bound_mask) == 0 && bound.bound == &ntf);
	CHECK(ntf_bind(&ntf, &bound, bound_mask) == -EXO_E_BUSY);
	to_notify += (word & bound_mask) != 0;
}

static void begin_object(void)
{
	ntf = (struct ntf){ .object = { .type = EXO_TYPE_NTF, .state = OBJECT_LIVE } };
	spin_lock_init(&ntf.wait_lock, LOCK_RANK_NTF);
	list_init(&ntf.waiters);
	word = bound_mask = 0;
}

/* The object ends: all who wait learn it. Then there is another one. */
static void op_end(void)
{
	const bool line = random_below(2);

	if (line)
		CHECK(ntf_attach(&ntf) == 0);
	ntf.object.state = OBJECT_ENDING;
	CHECK(ntf_attach(&ntf) == -EXO_E_DEAD && ntf_bind(&ntf, &bound, 1) == -EXO_E_DEAD);
	CHECK(ntf_end(&ntf.object) == 0);
	CHECK(ntf.nr_waiters == 0 && ntf.nr_lines == 0 && !bound.bound);
	while (listed)
		unlist(&waiters[order[0]]);
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK(waiters[i].doing != WAITS);
		if (waiters[i].doing == WOKEN)
			op_run(&waiters[i]);
	}
	begin_object();
}

static void operate(void)
{
	struct waiter *waiter = &waiters[random_below(THREADS)];

	switch (random_below(16)) {
	case 0:
		op_bind();
		break;
	case 1:
		if (!random_below(20))
			op_end();
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		op_signal();
		break;
	default:
		if (waiter->doing == IDLE)
			op_wait(waiter);
		else if (waiter->doing == WOKEN)
			op_run(waiter);
		else if (!random_below(3))
			op_end_wait(waiter);
	}
}

static void start_threads(void)
{
	sem_init(&main_turn, 0, 0);
	bound.thread = &bound_thread;
	for (unsigned int i = 0; i < THREADS; i++) {
		struct waiter *waiter = &waiters[i];

		sem_init(&waiter->turn, 0, 0);
		waiter->cpu = (struct cpu){ .self = &waiter->cpu, .preempt = PREEMPT_UNWANTED };
		waiter->cpu.current = &waiter->thread;
		waiter->thread.user = &waiter->user.context;
		waiter->user.thread = &waiter->thread;
		spin_lock_init(&waiter->user.wait.lock, LOCK_RANK_WAIT);
		if (pthread_create(&waiter->host, NULL, run, waiter))
			abort();
	}
}

static void end_threads(void)
{
	op_end();
	for (unsigned int i = 0; i < THREADS; i++) {
		waiters[i].mask = 0;
		sem_post(&waiters[i].turn);
		pthread_join(waiters[i].host, NULL);
	}
}

int main(void)
{
	host_flags = 0;
	begin_object();
	start_threads();
	printf("1..%d\n", SEEDS);
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		unsigned int done = 0;

		random_state = seed * 0x9e3779b97f4a7c15ull;
		for (; done < OPERATIONS && !failed_line; done++) {
			operate();
			check_all();
		}
		if (failed_line) {
			printf("not ok %u seed %u: line %u, after %u operations\n", seed, seed,
			       failed_line, done);
			return 1;
		}
		printf("ok %u seed %u\n", seed, seed);
	}
	end_threads();
	return failed_line != 0;
}
