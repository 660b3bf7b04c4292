/* SPDX-License-Identifier: MIT */
/*
 * Threads as programs see them: the state page, shared by a thread and the kernel, and registers.
 *
 * An upcall is entered with the interrupted registers but for five: rip, rsp, rflags, rcx and r11
 * are in the state page, and @disabled is set. While it is set nothing else interrupts the thread:
 * what would have done so is noted in @pending, a fault goes to the environment's fault
 * notification and stops the thread. The handler puts back what it has used, clears @disabled and
 * jumps to where it was, all in user mode (libexo's upcall veneer); if @pending is set then, it
 * calls upcall_resume() instead.
 *
 * The kernel believes nothing that is in this page, and reads each field once.
 */
#ifndef UAPI_EXO_THREAD_H
#define UAPI_EXO_THREAD_H

#include <uapi/exo/abi.h>

/* Why the handler was entered: @cause. Vectors below 32 are the CPU's exceptions (SDM vol. 3). */
enum exo_upcall {
	EXO_UPCALL_PAGE_FAULT = 14,
	EXO_UPCALL_EVENT = 32, /* see @pending: what of it the handler serves, it clears there */
	EXO_UPCALL_FOREIGN = 33, /* a system call with bit 31 clear; entered at @foreign */
};

/* Bits of @pending. */
enum exo_event {
	EXO_EVENT_NTF = 1 << 0, /* the notification that is bound has bits */
	EXO_EVENT_REVOKE = 1 << 1, /* @requests has grown */
	EXO_EVENT_TAKEN = 1 << 2, /* @taken has grown */
	EXO_EVENT_SLICE = 1 << 3, /* the thread has used up a time slice; others had their turns */
};

#define EXO_RECORDS 32u
#define EXO_MESSAGE_MORE 128u /* words of a message beyond those in registers */

/* A frame that is asked for, or that was taken. */
struct exo_record {
	uint64_t slot;
	uint64_t base, size; /* physical, bytes */
	uint64_t deadline; /* asked for: ns, as the clock of the info page counts; taken: 0 */
};

struct exo_state_page {
	/* Written by the program. */
	uint64_t entry; /* where an upcall goes; 0: there are none, and a fault stops the thread */
	uint64_t foreign; /* where a foreign system call goes; 0: it answers -EXO_E_CALL */
	uint64_t stack; /* the upcall's rsp */
	uint32_t wanted; /* enum exo_event: which of them interrupt the thread */
	uint32_t reserved0;

	/* Written by both. */
	uint32_t disabled; /* set by the kernel on an upcall, cleared by the handler */
	uint32_t pending; /* enum exo_event: set by the kernel, cleared by the handler */

	/* Written by the kernel on an upcall. */
	uint64_t rip, rsp, rflags, rcx, r11;
	uint64_t cause; /* enum exo_upcall */
	uint64_t error; /* the CPU's error code, or 0 */
	uint64_t address; /* of a page fault */

	/* Rings: the kernel writes entry (number % EXO_RECORDS), then counts. */
	uint64_t nr_requests, nr_taken;

	/* Of messages (uapi/exo/ipc.h). Written by the program: when its wait ends, if the tag says
	 * so, ns; what it grants; where it takes what is granted to it, 0: nowhere. */
	uint64_t deadline;
	uint64_t grant;
	uint64_t mailbox;
	uint64_t reserved1[46];
	struct exo_record requests[EXO_RECORDS];
	struct exo_record taken[EXO_RECORDS];
	uint64_t message[EXO_MESSAGE_MORE]; /* the words beyond the registers; written by both */
};

EXO_ABI_SIZE(struct exo_record, 32);
EXO_ABI_SIZE(struct exo_state_page, 3584); /* the rest of the page is the program's */
EXO_ABI_OFFSET(struct exo_state_page, foreign, 8);
EXO_ABI_OFFSET(struct exo_state_page, stack, 16);
EXO_ABI_OFFSET(struct exo_state_page, wanted, 24);
EXO_ABI_OFFSET(struct exo_state_page, disabled, 32);
EXO_ABI_OFFSET(struct exo_state_page, pending, 36);
EXO_ABI_OFFSET(struct exo_state_page, rip, 40);
EXO_ABI_OFFSET(struct exo_state_page, r11, 72);
EXO_ABI_OFFSET(struct exo_state_page, cause, 80);
EXO_ABI_OFFSET(struct exo_state_page, address, 96);
EXO_ABI_OFFSET(struct exo_state_page, nr_requests, 104);
EXO_ABI_OFFSET(struct exo_state_page, deadline, 120);
EXO_ABI_OFFSET(struct exo_state_page, requests, 512);
EXO_ABI_OFFSET(struct exo_state_page, taken, 1536);
EXO_ABI_OFFSET(struct exo_state_page, message, 2560);

/* What thread_state() reads and writes: 160 bytes. */
struct exo_registers {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	uint64_t rip, rflags, rsp;
	uint64_t fs_base, gs_base;
};

EXO_ABI_SIZE(struct exo_registers, 160);
EXO_ABI_OFFSET(struct exo_registers, r11, 48);
EXO_ABI_OFFSET(struct exo_registers, rip, 120);
EXO_ABI_OFFSET(struct exo_registers, rsp, 136);
EXO_ABI_OFFSET(struct exo_registers, gs_base, 152);

enum exo_thread_act {
	EXO_THREAD_RUN = 0, /* let it run, for the first time or again */
	EXO_THREAD_STOP = 1, /* answers EXO_E_AGAIN until it has stopped */
	EXO_THREAD_READ = 2, /* of a stopped thread */
	EXO_THREAD_WRITE = 3,
};

/* What cap_stat() tells of a thread: what it does at the moment. */
enum exo_thread_now {
	EXO_THREAD_STOPPED = 0, /* or not begun */
	EXO_THREAD_RUNS = 1, /* or would if it had a CPU */
	EXO_THREAD_WAITS = 2, /* in a call of its own */
	EXO_THREAD_ENDED = 3,
};

/* What thread_sched() sets; each policy uses its own fields (docs/threads.md). */
struct exo_sched {
	uint32_t priority; /* 0 .. 255 */
	uint32_t shares; /* 1 .. 10000 */
	uint64_t period, budget, deadline; /* ns */
	uint64_t affinity[4]; /* CPUs 0 .. 255, a bit each; all 0: leave as it is */
};

/* What a thread begins with. */
#define EXO_PRIORITY_DEFAULT 128
#define EXO_SHARES_DEFAULT 100

/* What env_config() sets: a slot of that environment's table, and for EXO_ENV_FAULTS bits. */
enum exo_env_what {
	EXO_ENV_FAULTS = 0, /* NTF: told of faults that no upcall could take */
	EXO_ENV_EVENTS = 1, /* THREAD: told of capabilities that are asked for or taken */
};
EXO_ABI_SIZE(struct exo_sched, 64);
EXO_ABI_OFFSET(struct exo_sched, period, 8);
EXO_ABI_OFFSET(struct exo_sched, affinity, 32);

#define EXO_NTF_WAITERS 64u /* threads that wait for a notification; one more is EXO_E_BUSY */

#define EXO_DEADLINE_NEVER (~UINT64_C(0))

#endif
