/* SPDX-License-Identifier: MIT */
/*
 * Starting a program. Each piece of its memory is made here: pages of its bank, mapped where this
 * program can fill them; then the capabilities are copied into its table and mapped there, and
 * those of this program deleted, which takes the frames out of its reach.
 */
#include <exo/cpio.h>
#include <exo/elf.h>
#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <uapi/exo/thread.h>

#define PIE_BASE UINT64_C(0x10000000) /* where a position-independent program goes */
#define FRAME_RIGHTS (EXO_RIGHT_D | EXO_RIGHT_G | EXO_RIGHT_C)

/* What is being started. */
struct loading {
	const struct exo_program *program;
	struct exo_process *process;
	const char *why; /* the step that is being done */
	exo_cap_t next; /* the first free slot of the new table */
	exo_cap_t granted; /* the first slot of what was granted by order */
	uint64_t archive; /* its size, if it was granted */
};

/* Gives the new program @count pages of this one, from its slot @slot on, at @address. */
static int move_pages(struct loading *loading, void *pages, uint64_t count, exo_cap_t slot,
		      uint64_t address, unsigned int rights)
{
	const exo_cap_t env = loading->process->env;
	int error = exo_copy_caps(exo_pages_slot(pages), env, slot, count, rights | FRAME_RIGHTS);

	if (!error)
		error = exo_map_frames(env, slot, count, address, rights);
	exo_pages_give(pages, count);
	return error;
}

static int load_segment(struct loading *loading, const struct elf_image *image,
			const struct elf_segment *segment)
{
	const uint64_t pages = elf_segment_pages(segment);
	const uint64_t first = segment->address - elf_segment_page(segment);
	char *memory;
	void *taken;
	int error = exo_pages_take(loading->process->bank, pages, &taken);

	if (error)
		return error;
	memory = taken;
	memset(memory, 0, first);
	memcpy(memory + first, image->data + segment->offset, segment->file_size);
	memset(memory + first + segment->file_size, 0,
	       pages * EXO_PAGE - first - segment->file_size);
	error = move_pages(loading, memory, pages, loading->next, elf_segment_page(segment),
			   segment->rights);
	loading->next += pages;
	return error;
}

static int load_image(struct loading *loading, const struct elf_image *image)
{
	struct elf_segment segment;
	unsigned int position = 0;

	loading->why = "loading its file into memory";
	while (elf_next(image, &position, &segment)) {
		const int error = load_segment(loading, image, &segment);

		if (error)
			return error;
	}
	return 0;
}

static int make_stack(struct loading *loading)
{
	const uint64_t pages = loading->program->stack_pages;
	void *memory;
	int error;

	loading->why = "making its stack";
	error = exo_pages_take(loading->process->bank, pages, &memory);
	if (error)
		return error;
	memset(memory, 0, pages * EXO_PAGE);
	error = move_pages(loading, memory, pages, loading->next, EXO_STACK_TOP - pages * EXO_PAGE,
			   EXO_RIGHT_R | EXO_RIGHT_W);
	loading->next += pages;
	return error;
}

/* A copy of a capability of this program; 0: it gets none. */
static int grant(struct loading *loading, exo_cap_t cap, exo_cap_t slot)
{
	return cap ? exo_copy_caps(cap, loading->process->env, slot, 1, EXO_RIGHTS_ALL) : 0;
}

static int grant_irqs(struct loading *loading)
{
	const struct exo_program *program = loading->program;

	if (!program->irqs)
		return 0;
	return (int)exo_cap_copy(program->irqs, loading->process->env, EXO_FIRST_IRQS,
				 EXO_COPY(EXO_RIGHTS_ALL, 1),
				 EXO_PART(program->first_irq, program->nr_irqs))
		.error;
}

/* Copies of the archive's frames, as many as this program has; mapped for reading, where they are
 * here: there they are aligned as large pages need it. */
static int grant_archive(struct loading *loading)
{
	const exo_cap_t env = loading->process->env;
	exo_cap_t slot = EXO_FIRST_MODULES;
	const uint64_t archive = (uint64_t)exo_program_info.archive;

	loading->why = "granting the archive of programs";
	for (uint64_t left = exo_program_info.archive_size; left > 0; slot++) {
		struct exo_cap_info info;
		int error = (int)exo_cap_stat(slot, &info).error;

		if (error)
			return error;
		if (slot == EXO_FIRST_IMAGE)
			return -EXO_E_RANGE;
		if (info.type != EXO_TYPE_FRAME || info.address + info.size <= archive ||
		    info.address >= archive + exo_program_info.archive_size)
			continue; /* another module */
		error = exo_copy_caps(slot, env, slot, 1, EXO_RIGHT_R | FRAME_RIGHTS);
		if (!error)
			error = exo_map_frames(env, slot, 1, info.address, EXO_RIGHT_R);
		if (error)
			return error;
		left -= left < info.size ? left : info.size;
	}
	loading->archive = exo_program_info.archive_size;
	return 0;
}

/* The page stays the starter's as well. */
static int grant_output(struct loading *loading)
{
	const exo_cap_t env = loading->process->env;
	const unsigned int rights = EXO_RIGHT_R | EXO_RIGHT_W;
	const int error = exo_copy_caps(loading->program->output, env, EXO_FIRST_OUTPUT, 1, rights);

	return error ? error : exo_map_frames(env, EXO_FIRST_OUTPUT, 1, EXO_OUTPUT_ADDRESS, rights);
}

/* What this program grants by order, one behind the other. */
static int grant_list(struct loading *loading)
{
	const struct exo_program *program = loading->program;

	loading->granted = loading->next;
	for (uint32_t i = 0; i < program->nr_grants; i++) {
		const struct exo_grant *one = &program->grants[i];
		const int64_t error = exo_cap_copy(one->cap, loading->process->env, loading->next,
						   EXO_COPY(one->rights, 1), one->arg)
					      .error;

		if (error)
			return (int)error;
		loading->next++;
	}
	return 0;
}

static int grant_all(struct loading *loading)
{
	const struct exo_program *program = loading->program;
	const struct exo_process *process = loading->process;
	int error;

	loading->why = "granting it capabilities";
	(void)((error = grant(loading, process->env, EXO_FIRST_ENV)) ||
	       (error = grant(loading, process->thread, EXO_FIRST_THREAD)) ||
	       (error = grant(loading, process->bank, EXO_FIRST_BANK)) ||
	       (error = grant(loading, program->sys, EXO_FIRST_SYS)) ||
	       (error = grant(loading, program->cpus, EXO_FIRST_CPUS)) ||
	       (error = grant_irqs(loading)) ||
	       (error = grant(loading, program->exit, EXO_FIRST_EXIT)) ||
	       (error = grant_list(loading)) ||
	       (error = exo_copy_caps(EXO_FIRST_INFO, process->env, EXO_FIRST_INFO, 1,
				      EXO_RIGHT_R | EXO_RIGHT_D | EXO_RIGHT_G)) ||
	       (error = exo_map_frames(process->env, EXO_FIRST_INFO, 1, EXO_INFO_ADDRESS,
				       EXO_RIGHT_R)));
	if (!error && program->output)
		error = grant_output(loading);
	if (error || !program->archive || !exo_program_info.archive)
		return error;
	return grant_archive(loading);
}

static int fill_start(struct loading *loading, struct exo_start *start)
{
	const struct exo_program *program = loading->program;
	char *at = start->arguments;
	struct exo_cap_info info;
	const int64_t error = exo_cap_stat(loading->process->env, &info).error;

	if (error)
		return (int)error;
	memset(start, 0, EXO_PAGE);
	start->version = EXO_ABI_VERSION;
	start->argc = (uint32_t)program->argc;
	start->user_end = exo_program_info.user_end;
	start->slots = info.size;
	start->first_free = loading->next;
	start->archive = loading->archive ? (uint64_t)exo_program_info.archive : 0;
	start->archive_size = loading->archive;
	start->exit_bits = program->exit_bits;
	start->failure_bits = program->failure_bits;
	start->output = program->output ? EXO_OUTPUT_ADDRESS : 0;
	start->granted = loading->granted;
	start->nr_granted = program->nr_grants;
	for (int i = 0; i < program->argc; i++) {
		const size_t size = strlen(program->argv[i]) + 1;

		if (size > (size_t)(start->arguments + sizeof(start->arguments) - at))
			return -EXO_E_RANGE;
		memcpy(at, program->argv[i], size);
		at += size;
	}
	return 0;
}

static int make_start(struct loading *loading)
{
	void *page;
	int error;

	loading->why = "passing it its arguments";
	error = exo_pages_take(loading->process->bank, 1, &page);
	if (error)
		return error;
	error = fill_start(loading, page);
	if (error) {
		exo_pages_give(page, 1);
		return error;
	}
	return move_pages(loading, page, 1, EXO_FIRST_BOOT, EXO_START_ADDRESS,
			  EXO_RIGHT_R | EXO_RIGHT_W);
}

/* The state page stays this program's until the thread has it. */
static int run_thread(struct loading *loading, uint64_t entry)
{
	const struct exo_process *process = loading->process;
	const struct exo_program *program = loading->program;
	struct exo_sched sched = { .priority = EXO_PRIORITY_DEFAULT, .shares = EXO_SHARES_DEFAULT };
	struct exo_result result;
	void *state;
	int error;

	loading->why = "running its thread";
	error = exo_pages_take(process->bank, 1, &state);
	if (error)
		return error;
	memset(state, 0, EXO_PAGE);
	result = exo_thread_config(process->thread, process->env, entry, EXO_STACK_TOP,
				   EXO_START_ADDRESS, exo_pages_slot(state));
	error = move_pages(loading, state, 1, EXO_FIRST_STATE, EXO_STATE_ADDRESS,
			   EXO_RIGHT_R | EXO_RIGHT_W);
	if (result.error || error)
		return result.error ? (int)result.error : error;
	memcpy(sched.affinity, program->affinity, sizeof(sched.affinity));
	if (sched.affinity[0] | sched.affinity[1] | sched.affinity[2] | sched.affinity[3]) {
		result = exo_thread_sched(process->thread, program->cpus, &sched);
		if (result.error)
			return (int)result.error;
	}
	return (int)exo_thread_state(process->thread, EXO_THREAD_RUN, NULL).error;
}

static int create_objects(struct loading *loading)
{
	const struct exo_process *process = loading->process;
	struct exo_result result;

	loading->why = "creating its environment and thread";
	result = exo_object_create(process->bank, EXO_TYPE_ENV, process->env, 0);
	if (!result.error)
		result = exo_object_create(process->bank, EXO_TYPE_THREAD, process->thread, 0);
	return (int)result.error;
}

static int load(struct loading *loading, const struct elf_image *image)
{
	int error = create_objects(loading);

	(void)(error || (error = load_image(loading, image)) || (error = make_stack(loading)) ||
	       (error = grant_all(loading)) || (error = make_start(loading)) ||
	       (error = run_thread(loading, image->entry)));
	return error;
}

int exo_program_find(struct exo_program *program, const char *name)
{
	const struct exo_program_info *info = &exo_program_info;
	struct cpio_file file;

	if (!info->archive || cpio_find(info->archive, info->archive_size, name, &file))
		return -EXO_E_ARG;
	program->image = file.data;
	program->size = file.size;
	return 0;
}

int exo_env_spawn(const struct exo_program *program, struct exo_process *process, const char **why)
{
	struct loading loading = { program, process, NULL, EXO_FIRST_IMAGE, 0, 0 };
	struct elf_image image;
	const enum elf_error bad = elf_open(program->image, program->size, PIE_BASE,
					    exo_program_info.user_end, &image);
	const exo_cap_t slots = bad ? 0 : exo_slot_take(3);
	int error = bad ? -EXO_E_ARG : -EXO_E_NOMEM;

	loading.why = bad ? elf_error_text(bad) : "finding three free slots";
	if (slots) {
		process->bank = slots;
		process->env = slots + 1;
		process->thread = slots + 2;
		loading.why = "carving out its bank";
		error = (int)exo_bank_create(EXO_FIRST_BANK, program->frames, program->node,
					     process->bank)
				.error;
		if (error) {
			exo_slot_give(slots, 3);
		} else {
			error = load(&loading, &image);
			if (error)
				exo_env_end(process);
		}
	}
	if (why)
		*why = error ? loading.why : NULL;
	return error;
}

void exo_env_end(struct exo_process *process)
{
	struct exo_result result;

	/* First all that came from the bank: that empties the other slots, and takes its time. */
	do {
		result = exo_cap_revoke(process->bank, EXO_REVOKE_FORCE, 0, 0, 0);
		if (result.error == -EXO_E_AGAIN)
			(void)exo_yield(EXO_SELF);
	} while (result.error == -EXO_E_AGAIN);
	(void)exo_delete_caps(process->bank, 1);
	exo_slot_give(process->bank, 3);
}
