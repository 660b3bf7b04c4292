/* SPDX-License-Identifier: MIT */
/*
 * Environments: an address space and a capability table, and the threads that run in them.
 *
 * A FRAME capability maps only into the environment in whose table it is, so ending an environment
 * is ending its threads and emptying its slots. Tables and page tables are charged to the bank that
 * the environment was made from.
 *
 * Locks: env->space_lock (LOCK_RANK_USER_SPACE) for the page tables, held while the locks of FRAMEs
 * are taken; never while TLBs of other CPUs are waited for. env->threads_lock for the list of
 * threads. The handlers are single words.
 */
#ifndef EXO_ENV_H
#define EXO_ENV_H

#include <exo/bank.h>
#include <exo/cap.h>
#include <exo/ipc.h>
#include <exo/irq.h>
#include <exo/page_table.h>
#include <exo/user.h>

/* What pages of programs have of enum page_rights: a flat kernel's are of the kernel's own mode. */
#define PAGE_PROGRAM (IS_ENABLED(CONFIG_PROTECTED) ? PAGE_USER : 0u)

struct env {
	struct object object;
	struct cap_table table;
	struct spinlock space_lock;
	struct page_table space;
	struct page_machine machine; /* this machine's, with our bank's frames */
	struct spinlock threads_lock; /* LOCK_RANK_ENV_THREADS */
	struct list_node threads; /* configured to run here, and not gone yet */
	unsigned int nr_threads;
	/* Who is told of a fault that no upcall could take: a slot of @table, and bits; or 0. */
	exo_cap_t fault_ntf;
	uint64_t fault_bits;
	/* Who is told of capabilities that are asked for or taken: a THREAD's slot of @table; or 0.
	 */
	exo_cap_t event_thread;
	/* Of the end, whose CPU they are: no CPU has the space loaded; all slots before are empty.
	 */
	bool left;
	exo_cap_t next_slot;
};

/* A block of frames, or device memory. */
struct frame {
	struct object object; /* its order is the block's */
	paddr_t base;
};

_Static_assert(sizeof(struct frame) == 64 || IS_ENABLED(CONFIG_LOCK_STATISTICS),
	       "64 frames cost a page");

/* What a thread takes: the stack (exo/stack.h), and what the floating-point state may take. */
#define USER_THREAD_FRAMES ((1u << STACK_ORDER) + 1)

/*
 * What a thread costs, so that all memory together cannot pay for more than CONFIG_THREADS_MAX less
 * those that the kernel has or keeps: at least what it takes. Constant once there is a root bank.
 */
extern uint64_t user_thread_price;
void user_thread_set_price(uint64_t frames); /* of all banks together; boot */

struct user_thread {
	struct object object;
	struct user_context context;
	struct thread *thread; /* NULL once it is gone and given back */
	struct env *env; /* NULL before thread_config() and once it has left */
	/* Under env->threads_lock. */
	struct list_node env_node;
	bool listed, started, killed;
	uint8_t charged_node;
	struct frame *state_frame; /* pinned; NULL */
	struct ntf *bound; /* under its wait lock */
	struct interrupt_frame first; /* the registers it begins with */
	_Atomic bool gone; /* has left its stack for the last time */
	uint64_t nr_requests, nr_taken; /* records in the state page; under the object's lock */

	/* Waiting for a notification: under that one's wait lock. */
	struct ntf *waiting_on;
	struct list_node wait_node;
	uint64_t wait_mask, granted; /* granted: what ntf_wait() answers, once it is served */
	struct wait_queue wait; /* it alone */

	struct ipc_thread ipc; /* exo/ipc.h says whose it is */
};

struct ntf {
	struct object object;
	struct spinlock wait_lock; /* LOCK_RANK_NTF */
	struct list_node waiters; /* in the order of coming; at most EXO_NTF_WAITERS */
	unsigned int nr_waiters;
	uint64_t word; /* under wait_lock */
	uint64_t wanted; /* at least the bits that somebody waits for, or bound_mask has */
	struct user_thread *bound;
	uint64_t bound_mask;
	unsigned int nr_lines; /* of interrupts, that signal it */
};

/* The environment and thread of the program that runs here; only within a system call. */
static inline struct user_thread *user_thread_current(void)
{
	return container_of(thread_current()->user, struct user_thread, context);
}

static inline struct env *env_current(void)
{
	return user_thread_current()->env;
}

/* How many words a message has in the state page. */
static inline unsigned int ipc_more_words(uint64_t tag)
{
	const unsigned int words = EXO_TAG_WORDS(tag);

	return words > EXO_MESSAGE_REGISTERS ? words - EXO_MESSAGE_REGISTERS : 0;
}

/* With CONFIG_IPC=n nobody asks. */
#ifndef CONFIG_IPC_WORDS
#define CONFIG_IPC_WORDS 0
#endif

/* Is @tag one that @thread can use? 0, -EXO_E_ARG, -EXO_E_RANGE. */
static inline int ipc_tag_check(const struct user_thread *thread, uint64_t tag)
{
	const uint64_t flags = EXO_TAG_GRANT | EXO_TAG_DEADLINE;

	if ((uint32_t)tag <= EXO_MESSAGE_REGISTERS)
		return 0;
	if (tag & ~(flags | UINT64_C(0xffffffff00000fff)))
		return -EXO_E_ARG;
	if (ipc_more_words(tag) > CONFIG_IPC_WORDS)
		return -EXO_E_RANGE;
	return thread->context.state ? 0 : -EXO_E_ARG;
}

/* Does it wait for the reply to a call that was received? */
static inline bool ipc_is_served(const struct user_thread *thread)
{
	return IS_ENABLED(CONFIG_IPC) && atomic_load(&thread->ipc.server);
}

static inline paddr_t frame_cap_base(const struct cap *cap, const struct object *object)
{
	return container_of(object, struct frame, object)->base + (paddr_t)cap->first * PAGE_SIZE;
}

static inline uint64_t frame_cap_size(const struct cap *cap)
{
	return (uint64_t)cap->count * PAGE_SIZE;
}

/* --- env.c --- */

/* Makes one, with a table of 2^@order pages of pointers. -EXO_E_NOMEM, -EXO_E_ARG, -EXO_E_DEAD. */
int env_make(struct bank *bank, unsigned int order, struct env **env);
int env_end(struct object *object); /* struct object_type's */

/* --- frame_object.c --- */

/* An object for a block that @bank has been charged for. -EXO_E_NOMEM, -EXO_E_DEAD. */
int frame_make(struct bank *bank, paddr_t base, unsigned int order, unsigned int node,
	       struct frame **frame);
void frame_bury(struct object *object); /* struct object_type's */

/* Unmaps capabilities that were taken (cap_take()), of whatever objects; others than FRAMEs are
 * mapped nowhere. Interrupts off, no lock held; opens. */
void frame_unmap(struct cap **caps, unsigned int count);

/*
 * Waits until whatever other CPUs have taken (cap_take()) by now is mapped nowhere. It waits for
 * what they are just unmapping only, so it has an end whatever they do then. As frame_unmap().
 */
void frame_wait_unmapped(void);

/* Makes sure that nobody reaches the frames through capabilities that were taken (cap_take()). */
void frame_taken(struct object *object, struct cap **caps, unsigned int count);

/* --- map.c --- */

struct exo_map_op;

/*
 * Carries out @count operations on @env, whose object is pinned; returns 0, or the error of the
 * first that failed, of which nothing has been done. *done: how many were. Opens.
 */
int env_map(struct env *env, const struct exo_map_op *ops, unsigned int count, uint64_t *done);

/* --- records.c --- */

/* Tells the environments of capabilities that were taken from them by somebody else. */
void env_tell_taken(struct object *object, struct cap **caps, unsigned int count);

/* Signals what was to be signalled once the last copy has gone (CAP_WATCH()). @env: found or
 * pinned; interrupts off, no lock held. */
void env_tell_gone(struct env *env, uint32_t watch);

/*
 * Asks all who have copies of a FRAME capability (the first EXO_RANGE_MAX) to delete them before
 * @deadline, ns, which the kernel only passes on. Returns how many there are.
 */
unsigned int env_ask(struct cap *cap, uintptr_t value, uint64_t deadline);

/* --- thread_object.c --- */

/* Makes a thread that runs in no environment yet. -EXO_E_NOMEM, -EXO_E_BUSY, -EXO_E_DEAD. Opens. */
int user_thread_make(struct bank *bank, struct user_thread **thread);
int user_thread_end(struct object *object); /* struct object_type's, both */
void user_thread_bury(struct object *object);

/* Has it end, if it has begun, and leave its environment. Under env->threads_lock. */
void user_thread_kill(struct user_thread *thread);

/* Lets it run, for the first time or again: 0, -EXO_E_ARG if it is not configured, -EXO_E_DEAD. */
int user_thread_run(struct user_thread *thread);

/* What thread_state() reads and writes: of a thread that has stopped, or not begun; else -BUSY. */
int user_thread_read(struct user_thread *thread, struct exo_registers *registers);
int user_thread_write(struct user_thread *thread, const struct exo_registers *registers);

/* What it does; it may do something else by now. Within a system call, or with its object held. */
enum exo_thread_now user_thread_now(const struct user_thread *thread);

/**
 * user_thread_configure() - say where a thread begins
 * Once. @state: NULL, or a FRAME object whose page @first is the state page, pinned by the caller;
 * with success the pin is the thread's.
 * Returns 0, -EXO_E_BUSY if that has been said, -EXO_E_RANGE (entry, stack), -EXO_E_TYPE (the frame
 * is of another bank than the thread), -EXO_E_DEAD (the environment or the thread is ending).
 */
int user_thread_configure(struct user_thread *thread, struct env *env, uint64_t entry,
			  uint64_t stack, uint64_t argument, struct frame *state, uint32_t first);

/* --- ntf.c --- */

int ntf_make(struct bank *bank, struct ntf **ntf);
int ntf_end(struct object *object);

/* Sets bits. Returns whom the caller wakes, once it has given up its locks; NULL: nobody.
 * Interrupts off, no NTF's lock held. */
struct thread *ntf_set_only(struct ntf *ntf, uint64_t bits);

/* Sets bits, and wakes those who wait for them. As ntf_set_only(). */
void ntf_set(struct ntf *ntf, uint64_t bits);

/**
 * ntf_find() - look up a notification that may be signalled (EXO_RIGHT_W)
 * @badge: the bits that the capability may set
 * Under the object's lock: else the slot could be filled anew between the look at the word and the
 * one at the badge, and bits be set that none of both may. As cap_find().
 */
int ntf_find(const struct cap_table *table, exo_cap_t slot, struct ntf **ntf, uint64_t *badge);

/* The same inline, for who is in a hurry. */
static inline int ntf_look(const struct cap_table *table, exo_cap_t slot, struct ntf **ntf,
			   uint64_t *badge)
{
	struct object *object;
	struct cap *cap;
	uintptr_t value;
	int error = cap_find(table, slot, EXO_TYPE_NTF, EXO_RIGHT_W, &cap, &value);

	if (unlikely(error))
		return error;
	object = cap_object(value);
	spin_acquire(&object->lock);
	if (unlikely(atomic_load_explicit(&cap->value, memory_order_relaxed) != value))
		error = -EXO_E_CAP;
	*badge = cap_badge(cap);
	spin_release(&object->lock);
	*ntf = container_of(object, struct ntf, object);
	return error;
}

/**
 * ntf_await() - wait until some of @mask are set; they are cleared
 * Returns 0 and *bits, -EXO_E_TIMEOUT, -EXO_E_DEAD (the object ended), -EXO_E_BUSY (as many as may
 * wait do), -EXO_E_AGAIN (the thread is to stop or to end). Interrupts off; opens.
 */
int ntf_await(struct ntf *ntf, uint64_t mask, uint64_t deadline, uint64_t *bits);

/* Has bits of @mask interrupt @thread (NULL: nobody any more). -EXO_E_BUSY if either is bound. */
int ntf_bind(struct ntf *ntf, struct user_thread *thread, uint64_t mask);

/* Takes the bits that are bound to @thread, if there are any; and just looks. Interrupts off. */
uint64_t ntf_take_bound(struct user_thread *thread);
bool ntf_bound_bits(const struct user_thread *thread);

/* A thread ends: nothing refers to it any more. */
void ntf_forget_thread(struct user_thread *thread);

/* An interrupt line signals it from now on, or no more: -EXO_E_DEAD if it is ending. What is
 * attached is told of its end by irq_forget_ntf(). Interrupts off. */
int ntf_attach(struct ntf *ntf);
void ntf_detach(struct ntf *ntf);

/* --- irq_object.c --- */

struct object *irq_object_make(void); /* the one object of all lines; boot */

/* Takes the binding of whatever was bound through capabilities that were taken: struct
 * object_type's. */
void irq_taken(struct object *object, struct cap **caps, unsigned int count);

/* @ntf ends: nothing refers to it any more. Interrupts off, no lock held. */
void irq_forget_ntf(struct ntf *ntf);

/**
 * irq_object_bind() - have a line's interrupts signal a notification
 * @cap, @value: an IRQ capability, as cap_find() gave them
 * @ntf, @bits: NULL: they signal nothing any more
 * Returns 0, -EXO_E_CAP if the capability has gone meanwhile, -EXO_E_RANGE if the line is none of
 * its own or does not exist, -EXO_E_BUSY if it is bound or the kernel has it, -EXO_E_DEAD if @ntf
 * is ending. Interrupts off, no lock held.
 */
int irq_object_bind(struct cap *cap, uintptr_t value, uint64_t line, struct ntf *ntf,
		    uint64_t bits);

/**
 * irq_object_ack() - let a line interrupt again
 * Returns 0, -EXO_E_RANGE, -EXO_E_ARG if the line was not bound through @cap. Interrupts off.
 */
int irq_object_ack(const struct cap *cap, uint64_t line);

/* Looks at all bindings; @lines: how many there are. Returns NULL, or what is wrong, at *line. */
const char *irq_object_audit(unsigned int *lines, unsigned int *line);

#endif
