/* SPDX-License-Identifier: MIT */
/*
 * A shell: looks at what its environment has and starts programs. Lines come from the console,
 * which it must have the SYS capability for and looks at every 10 ms, as nothing tells of input;
 * or its arguments are one command, and then it ends.
 */
#include <exo/cpio.h>
#include <exo/line_editor.h>
#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/print.h>
#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <uapi/exo/map.h>
#include <uapi/exo/sys.h>
#include <uapi/exo/thread.h>

#define CHILDREN_MAX 16u
#define CHILD_FRAMES 1024u
#define BENCH_ROUNDS 1000u
#define WORDS_MAX 16
#define LINE_SIZE 160u
#define HISTORY_LINES 8u
#define POLL_NS UINT64_C(10000000)
#define BENCH_ADDRESS UINT64_C(0x30000000000)

typedef unsigned long long ull;

static struct child {
	char name[32];
	struct exo_process process;
	bool used;
	const char *state; /* how it has ended; NULL: it has not */
} children[CHILDREN_MAX];
static exo_cap_t ends; /* NTF: bit i when child i has ended, i + CHILDREN_MAX when it has failed */

static const char *const types[] = { "none", "bank", "frame", "env", "thread",
				     "ep",   "ntf",  "cpu",   "sys", "irq" };

static const char *type_name(uint32_t type)
{
	return type < sizeof(types) / sizeof(types[0]) ? types[type] : "?";
}

static int fail(const char *what, int64_t error)
{
	exo_printf("exosh: %s: %s\n", what, exo_error_text(error));
	return 1;
}

static uint64_t nr_slots(void)
{
	return exo_program_info.start ? exo_program_info.start->slots
				      : exo_program_info.boot->slots;
}

static int show_caps(int argc, char **argv)
{
	static const char letters[] = "RWXDGC";
	const uint64_t slots = nr_slots();
	struct exo_cap_info info;

	(void)argc, (void)argv;
	exo_print("slot    type    rights  base          size          used\n");
	for (exo_cap_t slot = 1; slot < slots; slot++) {
		char rights[sizeof(letters)] = "------";

		if (exo_cap_stat(slot, &info).error || info.type == EXO_TYPE_NONE)
			continue;
		for (unsigned int i = 0; i < sizeof(letters) - 1; i++)
			if (info.rights >> i & 1)
				rights[i] = letters[i];
		exo_printf("%-7llu %-7s %s  %-12llx  %-12llx  %llx\n", (ull)slot,
			   type_name(info.type), rights, (ull)info.base, (ull)info.size,
			   (ull)info.used);
	}
	return 0;
}

static int show_map(int argc, char **argv)
{
	const uint64_t slots = nr_slots();
	struct exo_cap_info info;

	(void)argc, (void)argv;
	exo_print("address         bytes       slot   physical\n");
	for (exo_cap_t slot = 1; slot < slots; slot++)
		if (!exo_cap_stat(slot, &info).error && info.type == EXO_TYPE_FRAME && info.address)
			exo_printf("%-14llx  %-10llx  %-5llu  %llx\n", (ull)info.address,
				   (ull)info.size, (ull)slot, (ull)info.base);
	return 0;
}

static int show_memory(int argc, char **argv)
{
	const struct exo_info *info = exo_program_info.info;
	struct exo_cap_info bank;
	const int64_t error = exo_cap_stat(EXO_FIRST_BANK, &bank).error;

	(void)argc, (void)argv;
	for (uint32_t node = 0; node < info->nr_nodes && node < 16; node++)
		exo_printf("node %u: %llu frames free\n", node, (ull)info->free_frames[node]);
	if (error)
		return fail("own bank", error);
	exo_printf("own bank: %llu of %llu frames in use\n", (ull)bank.used, (ull)bank.size);
	return 0;
}

/* Which children have ended meanwhile. */
static void look_for_ends(void)
{
	const uint64_t bits = ends ? exo_ntf_wait(ends, ~UINT64_C(0), 0).value : 0;

	for (unsigned int i = 0; i < CHILDREN_MAX; i++)
		if (bits >> i & 1)
			children[i].state = "ended";
		else if (bits >> (i + CHILDREN_MAX) & 1)
			children[i].state = "failed";
}

/* How it has ended; or what its first thread does. */
static const char *state_of(const struct child *child)
{
	static const char *const states[] = {
		[EXO_THREAD_STOPPED] = "stopped",
		[EXO_THREAD_RUNS] = "running",
		[EXO_THREAD_WAITS] = "waiting",
		[EXO_THREAD_ENDED] = "ending",
	};
	struct exo_cap_info thread;

	if (child->state)
		return child->state;
	return exo_cap_stat(child->process.thread, &thread).error || thread.used > EXO_THREAD_ENDED
		       ? "?"
		       : states[thread.used];
}

static int show_children(int argc, char **argv)
{
	struct exo_cap_info bank;

	(void)argc, (void)argv;
	look_for_ends();
	exo_print("name             state    bank   frames  used\n");
	for (unsigned int i = 0; i < CHILDREN_MAX; i++)
		if (children[i].used && !exo_cap_stat(children[i].process.bank, &bank).error)
			exo_printf("%-16s %-8s %-6llu %-7llu %llu\n", children[i].name,
				   state_of(&children[i]), (ull)children[i].process.bank,
				   (ull)bank.size, (ull)bank.used);
	return 0;
}

static struct child *find_child(const char *name)
{
	for (unsigned int i = 0; i < CHILDREN_MAX; i++)
		if (name ? children[i].used && strcmp(children[i].name, name) == 0
			 : !children[i].used)
			return &children[i];
	return NULL;
}

/* The slot of @ends, which is made when it is first needed; 0: that cannot be. */
static exo_cap_t notification_of_ends(void)
{
	exo_cap_t slot;

	if (ends)
		return ends;
	slot = exo_slot_take(1);
	if (slot && !exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, slot, 0).error)
		ends = slot;
	else if (slot)
		exo_slot_give(slot, 1);
	return ends;
}

static int start(struct child *child, const struct cpio_file *file, int argc, char **argv)
{
	const unsigned int index = (unsigned int)(child - children);
	const struct exo_program program = {
		.image = file->data,
		.size = file->size,
		.argc = argc,
		.argv = (const char *const *)argv,
		.frames = CHILD_FRAMES,
		.node = EXO_NODE_ANY,
		.stack_pages = 4,
		.archive = true, /* it can be read and no more, and some start programs from it */
		.exit = notification_of_ends(),
		.exit_bits = UINT64_C(1) << index,
		.failure_bits = UINT64_C(1) << (index + CHILDREN_MAX),
	};
	const char *why;
	const int error = exo_env_spawn(&program, &child->process, &why);

	if (error)
		return fail(why, error);
	(void)string_copy(child->name, sizeof(child->name), argv[0]);
	child->state = NULL;
	child->used = true;
	return 0;
}

static int run(int argc, char **argv)
{
	struct child *child = find_child(NULL);
	struct cpio_file file;
	enum cpio_error missing;

	if (!exo_program_info.archive || !child) {
		exo_printf("exosh: run: %s\n",
			   child ? "no archive was granted"
				 : "too many programs: kill one that has ended");
		return 1;
	}
	missing =
		cpio_find(exo_program_info.archive, exo_program_info.archive_size, argv[1], &file);
	if (missing) {
		exo_printf("exosh: run: %s: %s\n", argv[1], cpio_error_text(missing));
		return 1;
	}
	return start(child, &file, argc - 1, argv + 1);
}

static int kill(int argc, char **argv)
{
	const char *name = argv[1];
	struct child *child = find_child(name);

	(void)argc;

	if (!child) {
		exo_printf("exosh: kill: %s: not started here\n", name);
		return 1;
	}
	exo_env_end(&child->process);
	child->used = false;
	return 0;
}

static int revoke(int argc, char **argv)
{
	const char *text = argv[1];
	struct exo_result result;
	exo_cap_t slot = 0;
	uint64_t taken = 0;

	(void)argc;
	for (; *text >= '0' && *text <= '9'; text++)
		slot = slot * 10 + (uint64_t)(*text - '0');
	if (*text || !slot) {
		exo_print("exosh: revoke wants the number of a slot\n");
		return 1;
	}
	do {
		result = exo_cap_revoke(slot, EXO_REVOKE_FORCE, 0, 0, 0);
		taken += result.value;
	} while (result.error == -EXO_E_AGAIN);
	if (result.error)
		return fail("revoke", result.error);
	exo_printf("%llu capabilities taken\n", (ull)taken);
	return 0;
}

/* --- bench: the least number of ticks that calls take --------------------------------------*/

static exo_cap_t bench_slots; /* a frame, and an empty one */

static int64_t do_null(void)
{
	return exo_null().error;
}

static int64_t do_copy(void)
{
	const int64_t error =
		exo_cap_copy(bench_slots, EXO_SELF, bench_slots + 1, EXO_RIGHT_R, 0).error;

	return error ? error : exo_cap_delete(bench_slots + 1, 1).error;
}

static int64_t do_map(void)
{
	const struct exo_map_op ops[] = {
		{ .address = BENCH_ADDRESS,
		  .slot = (uint32_t)bench_slots,
		  .count = 1,
		  .act = EXO_MAP,
		  .rights = EXO_RIGHT_R },
		{ .slot = (uint32_t)bench_slots, .count = 1, .act = EXO_UNMAP },
	};

	return exo_map(EXO_SELF, ops, 2).error;
}

static int64_t do_allocate(void)
{
	const int64_t error = exo_frames_allocate(EXO_FIRST_BANK, bench_slots + 1, 1);

	return error ? error : exo_cap_delete(bench_slots + 1, 1).error;
}

static int measure(const char *what, int64_t (*act)(void))
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		const uint64_t before = __builtin_ia32_rdtsc();
		const int64_t error = act();
		const uint64_t took = __builtin_ia32_rdtsc() - before;

		if (error)
			return fail(what, error);
		if (took < best)
			best = took;
	}
	exo_printf("%-28s %llu\n", what, (ull)best);
	return 0;
}

static int bench(int argc, char **argv)
{
	int status = 1;

	(void)argc, (void)argv;
	bench_slots = exo_slot_take(2);
	if (!bench_slots)
		return fail("bench", EXO_E_NOMEM);
	exo_printf("ticks of the time-stamp counter, the best of %u\n", BENCH_ROUNDS);
	if (!exo_frames_allocate(EXO_FIRST_BANK, bench_slots, 1)) {
		status = measure("null call", do_null) | measure("copy and delete", do_copy) |
			 measure("map and unmap", do_map) |
			 measure("allocate and free a frame", do_allocate);
		(void)exo_delete_caps(bench_slots, 1);
	}
	exo_slot_give(bench_slots, 2);
	return status;
}

/* --- commands
 * -----------------------------------------------------------------------------------*/

static int help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *argument; /* what it wants; NULL: none */
	const char *text;
} commands[] = {
	{ "help", help, NULL, "this list" },
	{ "ps", show_children, NULL, "programs that this shell has started" },
	{ "caps", show_caps, NULL, "all capabilities, by slot" },
	{ "mem", show_memory, NULL, "free memory, and that of the own bank" },
	{ "map", show_map, NULL, "what is mapped where" },
	{ "run", run, "NAME", "start a program of the archive; what follows are its arguments" },
	{ "kill", kill, "NAME", "end it, and take its memory back" },
	{ "revoke", revoke, "SLOT", "take back all that was derived from a capability" },
	{ "bench", bench, NULL, "what some system calls take" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		exo_printf("%-7s %-5s %s\n", commands[i].name,
			   commands[i].argument ? commands[i].argument : "", commands[i].text);
	return 0;
}

static const struct command *find_command(const char *name)
{
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int execute(int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);

	if (!command) {
		exo_printf("exosh: %s: no such command; help lists them\n", argv[0]);
		return 1;
	}
	if (command->argument && argc < 2) {
		exo_printf("exosh: %s wants %s\n", command->name, command->argument);
		return 1;
	}
	return command->run(argc, argv);
}

/* --- lines
 * --------------------------------------------------------------------------------------*/

static void execute_line(char *line)
{
	char *words[WORDS_MAX + 1];
	int count = 0;

	while (*line && count < WORDS_MAX) {
		while (*line == ' ')
			*line++ = '\0';
		if (!*line)
			break;
		words[count++] = line;
		while (*line && *line != ' ')
			line++;
	}
	words[count] = NULL;
	if (*line)
		exo_print("exosh: too many words\n");
	else if (count)
		(void)execute(count, words);
}

static void put(struct line_editor *editor, const char *text, size_t length)
{
	(void)editor;
	(void)exo_debug_write(text, length);
}

/* Words that a line may begin with. */
static const char *candidate(struct line_editor *editor, size_t begin, unsigned int index)
{
	(void)editor;
	return begin == 0 && index < NR_COMMANDS ? commands[index].name : NULL;
}

/* The next byte of the consoles, or the negative error. */
static int64_t read_byte(void)
{
	for (;;) {
		const struct exo_result got = exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_READ, 0, 0);

		if (got.error != -EXO_E_AGAIN)
			return got.error ? got.error : (int64_t)got.value;
		(void)exo_ntf_wait(EXO_SELF, 0,
				   exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value + POLL_NS);
	}
}

static int read_lines(void)
{
	static char line[LINE_SIZE], history[(HISTORY_LINES + 1) * LINE_SIZE];
	static struct line_editor editor = { .line = line,
					     .size = LINE_SIZE,
					     .prompt = "exosh> ",
					     .columns = 80,
					     .history = history,
					     .history_lines = HISTORY_LINES,
					     .put = put,
					     .candidate = candidate };

	line_editor_init(&editor);
	for (;;) {
		enum line_editor_event event;

		line_editor_start(&editor);
		do {
			const int64_t byte = read_byte();

			if (byte < 0)
				return fail("reading the console", byte);
			event = line_editor_feed(&editor, (uint8_t)byte);
		} while (event == LINE_EDITOR_MORE);
		if (event == LINE_EDITOR_DONE)
			execute_line(line);
	}
}

int main(int argc, char **argv)
{
	return argc > 1 ? execute(argc - 1, argv + 1) : read_lines();
}
