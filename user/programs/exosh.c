/* SPDX-License-Identifier: MIT */
/*
 * A shell: looks at what its environment has and starts programs. Its commands are its arguments,
 * as no system call reads the console.
 */
#include <exo/cpio.h>
#include <exo/elf.h>
#include <exo/string.h>
#include <libexo/pages.h>
#include <libexo/print.h>
#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>

#define CHILDREN_MAX 16u
#define CHILD_FRAMES 128u
#define BENCH_ROUNDS 1000u

typedef unsigned long long ull;

static struct child {
	char name[32];
	struct exo_process process;
	bool used;
} children[CHILDREN_MAX];

static const char *const types[] = { "none", "bank", "frame", "env", "thread",
				     "ep",   "ntf",  "cpu",   "sys" };

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

static int show_caps(const char *argument)
{
	static const char letters[] = "RWXDGC";
	const uint64_t slots = nr_slots();
	struct exo_cap_info info;

	(void)argument;
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

static int show_map(const char *argument)
{
	const uint64_t slots = nr_slots();
	struct exo_cap_info info;

	(void)argument;
	exo_print("address         bytes       slot   physical\n");
	for (exo_cap_t slot = 1; slot < slots; slot++)
		if (!exo_cap_stat(slot, &info).error && info.type == EXO_TYPE_FRAME && info.address)
			exo_printf("%-14llx  %-10llx  %-5llu  %llx\n", (ull)info.address,
				   (ull)info.size, (ull)slot, (ull)info.base);
	return 0;
}

static int show_memory(const char *argument)
{
	const struct exo_info *info = exo_program_info.info;
	struct exo_cap_info bank;
	const int64_t error = exo_cap_stat(EXO_FIRST_BANK, &bank).error;

	(void)argument;
	for (uint32_t node = 0; node < info->nr_nodes && node < 16; node++)
		exo_printf("node %u: %llu frames free\n", node, (ull)info->free_frames[node]);
	if (error)
		return fail("own bank", error);
	exo_printf("own bank: %llu of %llu frames in use\n", (ull)bank.used, (ull)bank.size);
	return 0;
}

static int show_children(const char *argument)
{
	struct exo_cap_info bank;

	(void)argument;
	exo_print("name             bank   frames  used\n");
	for (unsigned int i = 0; i < CHILDREN_MAX; i++)
		if (children[i].used && !exo_cap_stat(children[i].process.bank, &bank).error)
			exo_printf("%-16s %-6llu %-7llu %llu\n", children[i].name,
				   (ull)children[i].process.bank, (ull)bank.size, (ull)bank.used);
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

static int run(const char *name)
{
	struct child *child = find_child(NULL);
	struct exo_program program = { 0 };
	struct cpio_file file;
	const char *why;
	enum cpio_error missing;
	int error;

	if (!exo_program_info.archive || !child) {
		exo_printf("exosh: run: %s\n",
			   child ? "no archive was granted" : "too many programs");
		return 1;
	}
	missing = cpio_find(exo_program_info.archive, exo_program_info.archive_size, name, &file);
	if (missing) {
		exo_printf("exosh: run: %s: %s\n", name, cpio_error_text(missing));
		return 1;
	}
	program.image = file.data;
	program.size = file.size;
	program.argc = 1;
	program.argv = &name;
	program.frames = CHILD_FRAMES;
	program.node = EXO_NODE_ANY;
	program.stack_pages = 4;
	error = exo_env_spawn(&program, &child->process, &why);
	if (error)
		return fail(why, error);
	(void)string_copy(child->name, sizeof(child->name), name);
	child->used = true;
	return 0;
}

static int kill(const char *name)
{
	struct child *child = find_child(name);

	if (!child) {
		exo_printf("exosh: kill: %s: not started here\n", name);
		return 1;
	}
	exo_env_end(&child->process);
	child->used = false;
	return 0;
}

static int revoke(const char *text)
{
	struct exo_result result;
	exo_cap_t slot = 0;
	uint64_t taken = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		slot = slot * 10 + (uint64_t)(*text - '0');
	if (*text || !slot) {
		exo_print("exosh: revoke wants the number of a slot\n");
		return 1;
	}
	do {
		result = exo_cap_revoke(slot, EXO_REVOKE_FORCE, 0);
		taken += result.value;
	} while (result.error == -EXO_E_AGAIN);
	if (result.error)
		return fail("revoke", result.error);
	exo_printf("%llu capabilities taken\n", (ull)taken);
	return 0;
}

static int bench(const char *argument)
{
	uint64_t best = UINT64_MAX;

	(void)argument;
	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		const uint64_t before = __builtin_ia32_rdtsc();
		uint64_t took;

		(void)exo_null();
		took = __builtin_ia32_rdtsc() - before;
		if (took < best)
			best = took;
	}
	exo_printf("null call: %llu ticks of the time-stamp counter\n", (ull)best);
	return 0;
}

static int help(const char *argument);

static const struct command {
	const char *name;
	int (*run)(const char *argument);
	const char *argument; /* what it wants; NULL: none */
	const char *text;
} commands[] = {
	{ "help", help, NULL, "this list" },
	{ "ps", show_children, NULL, "programs that this shell has started" },
	{ "caps", show_caps, NULL, "all capabilities, by slot" },
	{ "mem", show_memory, NULL, "free memory, and that of the own bank" },
	{ "map", show_map, NULL, "what is mapped where" },
	{ "run", run, "NAME", "start a program of the archive" },
	{ "kill", kill, "NAME", "end it" },
	{ "revoke", revoke, "SLOT", "take back all that was derived from a capability" },
	{ "bench", bench, NULL, "what a system call takes" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(const char *argument)
{
	(void)argument;
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

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return help(NULL);
	for (int i = 1; i < argc; i++) {
		const struct command *command = find_command(argv[i]);

		if (!command) {
			exo_printf("exosh: %s: no such command; help lists them\n", argv[i]);
			return 1;
		}
		exo_printf("exosh> %s%s%s\n", argv[i], command->argument ? " " : "",
			   command->argument && i + 1 < argc ? argv[i + 1] : "");
		if (command->argument && ++i == argc) {
			exo_printf("exosh: %s wants %s\n", command->name, command->argument);
			return 1;
		}
		status |= command->run(argv[i]);
	}
	return status;
}
