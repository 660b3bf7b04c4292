/* SPDX-License-Identifier: MIT */
/* Programs for the tests and benchmarks of user mode: a page of code (user_blob.asm), a page of
 * data, a state page and a stack, in an address space, and threads in it. */
#ifndef USER_SUPPORT_H
#define USER_SUPPORT_H

#include <arch/interrupt_frame.h>
#include <exo/page_table.h>
#include <exo/user.h>

/* Where programs have their pages. Above the stack nothing is mapped, nor below any of them. */
enum user_page {
	USER_CODE = 0x400000,
	USER_DATA = 0x500000, /* its first words: see user_blob.asm */
	USER_STATE = 0x600000,
	USER_STACK = 0x700000,
	USER_UPCALL_STACK = 0x800000,
	USER_NOTHING = 0x900000, /* not mapped */
};

#define NR_USER_PAGES 5

/* An address space with its pages. */
struct user_space {
	struct page_table table;
	struct page_machine machine;
	paddr_t pages[NR_USER_PAGES]; /* code, data, state, stack, upcall stack */
};

/* A thread in one. */
struct program {
	struct user_context context;
	struct interrupt_frame start;
	void (*before)(
		struct program *program); /* runs in the thread, in the kernel; may be NULL */
	struct thread *thread;
	_Atomic unsigned int faults; /* times that it could not be an upcall */
	struct interrupt_frame fault; /* the last of them */
	uint64_t fault_address;
	uint64_t kernel_rflags; /* at that time */
	_Atomic unsigned int gone;
};

extern const char user_blob[], user_blob_end[];

/* Where a piece of the blob is for programs. */
#define BLOB(label)                                                                         \
	({                                                                                  \
		extern const char label[];                                                  \
		(uint64_t) USER_CODE + (uint64_t)((uintptr_t)label - (uintptr_t)user_blob); \
	})

/* Makes a space with all pages; false for want of memory. */
bool user_space_make(struct user_space *space);
void user_space_free(struct user_space *space);

/* The kernel's view of a program's page. */
void *user_page_of(const struct user_space *space, enum user_page page);

static inline struct exo_state_page *state_of_space(const struct user_space *space)
{
	return user_page_of(space, USER_STATE);
}

/*
 * Sets up a thread that begins at @rip, other registers being patterns, with the space's state page
 * and without handlers in it. program->start may be changed before program_start().
 */
void program_make(struct program *program, struct user_space *space, uint64_t rip);

/* Lets it run. @affinity: NULL for all CPUs. False for want of memory. */
bool program_start(struct program *program, const struct cpu_set *affinity);

/* Waits until it has stopped; its registers, or NULL if it does not within a time. */
struct interrupt_frame *program_wait(struct program *program);

/* All of these: starts it and waits until it has stopped. */
struct interrupt_frame *program_run(struct program *program, struct user_space *space,
				    uint64_t rip);

/* Lets a stopped program go on at @rip, and waits until it has stopped again. */
struct interrupt_frame *program_again(struct program *program, uint64_t rip);

/* Ends it, whatever it does, and waits for its end; false if that does not come. */
bool program_end(struct program *program);

#endif
