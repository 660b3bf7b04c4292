/* SPDX-License-Identifier: MIT */
/* Programs for the tests of user mode. */
#include "user_support.h"

#include "thread_support.h"

#include <arch/memory.h>
#include <arch/mmu.h>
#include <exo/frame.h>
#include <exo/string.h>

static const struct {
	enum user_page address;
	unsigned int rights;
} layout[NR_USER_PAGES] = {
	{ USER_CODE, PAGE_USER | PAGE_EXECUTE },       { USER_DATA, PAGE_USER | PAGE_WRITE },
	{ USER_STATE, PAGE_USER | PAGE_WRITE },	       { USER_STACK, PAGE_USER | PAGE_WRITE },
	{ USER_UPCALL_STACK, PAGE_USER | PAGE_WRITE },
};

static int table_alloc(struct page_machine *machine, paddr_t *table)
{
	(void)machine;
	if (frame_alloc(0, table))
		return -EXO_E_NOMEM;
	page_zero(phys_to_virt(*table));
	return 0;
}

static void table_free(struct page_machine *machine, paddr_t table)
{
	(void)machine;
	frame_free(table, 0);
}

static int map_pages(struct user_space *space)
{
	struct page_batch batch;
	int error = 0;

	page_batch_begin(&batch, &space->table);
	for (unsigned int i = 0; i < NR_USER_PAGES && !error; i++) {
		error = frame_alloc(0, &space->pages[i]);
		if (error)
			break;
		page_zero(phys_to_virt(space->pages[i]));
		error = page_table_map(&batch, layout[i].address, space->pages[i], PAGE_SIZE,
				       layout[i].rights);
	}
	page_batch_close(&batch);
	page_batch_finish(&batch);
	return error;
}

bool user_space_make(struct user_space *space)
{
	memset(space, 0, sizeof(*space));
	space->machine.alloc = table_alloc;
	space->machine.free = table_free;
	if (mmu_space_init(&space->table, &space->machine))
		return false;
	if (map_pages(space)) {
		user_space_free(space);
		return false;
	}
	memcpy(user_page_of(space, USER_CODE), user_blob, (size_t)(user_blob_end - user_blob));
	return true;
}

void user_space_free(struct user_space *space)
{
	mmu_leave(&space->table);
	page_table_destroy(&space->table);
	for (unsigned int i = 0; i < NR_USER_PAGES; i++)
		if (space->pages[i])
			frame_free(space->pages[i], 0);
}

void *user_page_of(const struct user_space *space, enum user_page page)
{
	unsigned int i = 0;

	while (layout[i].address != page)
		i++;
	return phys_to_virt(space->pages[i]);
}

static struct program *program_of(struct thread *thread)
{
	return container_of(thread->user, struct program, context);
}

static void faulted(struct thread *thread, const struct interrupt_frame *frame, uint64_t address)
{
	struct program *program = program_of(thread);

	program->fault = *frame;
	program->fault_address = address;
	__asm__ volatile("pushfq; popq %0" : "=r"(program->kernel_rflags));
	program->faults++;
}

static void gone(struct thread *thread)
{
	program_of(thread)->gone++;
}

void program_make(struct program *program, struct user_space *space, uint64_t rip)
{
	struct exo_state_page *state = state_of_space(space);

	memset(program, 0, sizeof(*program));
	program->context.space = &space->table;
	program->context.state = state;
	program->context.faulted = faulted;
	program->context.gone = gone;
	memset(state, 0, sizeof(*state));
	state->stack = USER_UPCALL_STACK + PAGE_SIZE;
	for (unsigned int i = 0; i < offsetof(struct interrupt_frame, vector) / 8; i++)
		((uint64_t *)&program->start)[i] = 0x1010101010101010 + i * 0x101;
	program->start.rip = rip;
	program->start.rsp = USER_STACK + PAGE_SIZE / 2;
}

static void enter(void *argument)
{
	struct program *program = argument;

	if (program->before)
		program->before(program);
	user_enter(&program->start);
}

bool program_start(struct program *program, const struct cpu_set *affinity)
{
	const struct thread_attributes attributes = { .name = "program",
						      .parameters = SCHED_PARAMETERS_INIT,
						      .affinity = affinity };

	if (thread_create(&program->thread, enter, program, &attributes))
		return false;
	program->thread->user = &program->context;
	thread_start(program->thread);
	return true;
}

struct interrupt_frame *program_wait(struct program *program)
{
	return UNTIL(user_stopped(program->thread)) ? atomic_load(&program->context.stopped) : NULL;
}

struct interrupt_frame *program_run(struct program *program, struct user_space *space, uint64_t rip)
{
	program_make(program, space, rip);
	return program_start(program, NULL) ? program_wait(program) : NULL;
}

struct interrupt_frame *program_again(struct program *program, uint64_t rip)
{
	atomic_load(&program->context.stopped)->rip = rip;
	user_run(program->thread);
	return program_wait(program);
}

bool program_end(struct program *program)
{
	user_kill(program->thread);
	return thread_join(program->thread, clock_ns() + PATIENCE, NULL) == 0 && program->gone == 1;
}
