/* SPDX-License-Identifier: MIT */
/*
 * The first program: starts those that init.conf names and says how they ended. It has all
 * capabilities that there are, and hands on what a line grants.
 */
#include <exo/compiler.h>
#include <exo/cpio.h>
#include <exo/printf.h>
#include <exo/string.h>
#include <libexo/conf.h>
#include <libexo/print.h>
#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <uapi/exo/sys.h>
#include <uapi/exo/thread.h>

#define PROGRAMS_MAX 32u /* two bits each of the notification that they signal at their end */
#define STACK_PAGES 16

/* What a word on the command line runs alone, to leave the emulator with its result. */
static const struct mode {
	const char *word, *program;
	uint64_t kept; /* frames that it does not get; 0: it gets half */
} modes[] = {
	{ "user-test", "abi-test", 64 }, /* a guess; a test wants to use up all memory */
	{ "user-bench", "abi-bench", 0 },
	{ "fuzz", "fuzz", 0 },
};

static struct running {
	char name[32];
	struct exo_process process;
} running[PROGRAMS_MAX];
static unsigned int nr_running;
static uint64_t started; /* the TSC when main() began */

static exo_cap_t make_exit_notification(void)
{
	const exo_cap_t slot = exo_slot_take(1);
	const struct exo_result made = exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, slot, 0);

	if (made.error) {
		exo_printf("init: no notification: %s\n", exo_error_text(made.error));
		return 0;
	}
	return slot;
}

static void start(const struct exo_conf_program *line, exo_cap_t exit)
{
	struct running *new = &running[nr_running];
	struct exo_program program = { 0 };
	struct cpio_file file;
	const char *why;
	const enum cpio_error missing = cpio_find(
		exo_program_info.archive, exo_program_info.archive_size, line->argv[0], &file);
	int error;

	if (missing || nr_running == PROGRAMS_MAX) {
		exo_printf("init: %s: %s\n", line->argv[0],
			   missing ? cpio_error_text(missing) : "too many programs");
		return;
	}
	program.image = file.data;
	program.size = file.size;
	program.argc = (int)line->argc;
	program.argv = line->argv;
	program.frames = line->frames;
	program.stack_pages = (uint32_t)line->stack;
	program.node = line->node == UINT64_MAX ? EXO_NODE_ANY : (uint32_t)line->node;
	program.sys = line->sys ? EXO_FIRST_SYS : 0;
	program.cpus = line->has_cpus ? EXO_FIRST_CPUS : 0;
	program.irqs = line->has_irqs ? EXO_FIRST_IRQS : 0;
	program.first_irq = line->first_irq;
	program.nr_irqs = line->nr_irqs;
	memcpy(program.affinity, line->cpus, sizeof(program.affinity));
	program.archive = line->archive;
	program.exit = exit;
	program.exit_bits = UINT64_C(1) << nr_running;
	program.failure_bits = program.exit_bits << PROGRAMS_MAX;
	error = exo_env_spawn(&program, &new->process, &why);
	if (error) {
		exo_printf("init: %s: %s: %s\n", line->argv[0], why, exo_error_text(error));
		return;
	}
	(void)string_copy(new->name, sizeof(new->name), line->argv[0]);
	nr_running++;
}

static void start_all(const struct cpio_file *file, exo_cap_t exit)
{
	struct exo_conf_program line;
	struct exo_conf conf;

	exo_conf_open(&conf, file->data, file->size);
	do {
		while (exo_conf_next(&conf, &line))
			start(&line, exit);
		if (conf.error)
			exo_printf("init: init.conf:%u: %s%s%s\n", conf.line_number, conf.error,
				   conf.word[0] ? ": " : "", conf.word);
	} while (conf.error);
}

/* Waits for ends and gives back what those who ended had. */
static void reap(exo_cap_t exit)
{
	uint64_t left = (UINT64_C(1) << nr_running) - 1;

	while (left) {
		const struct exo_result got = exo_ntf_wait(exit, ~UINT64_C(0), EXO_DEADLINE_NEVER);

		if (got.error) {
			exo_printf("init: waiting: %s\n", exo_error_text(got.error));
			return;
		}
		for (unsigned int i = 0; i < nr_running; i++) {
			const bool failed = got.value >> (i + PROGRAMS_MAX) & 1;

			if (!failed && !(got.value >> i & 1))
				continue;
			exo_env_end(&running[i].process);
			left &= ~(UINT64_C(1) << i);
			exo_printf("init: %s %s\n", running[i].name, failed ? "failed" : "ended");
		}
	}
}

/*
 * Runs a program and nothing else, with all there is, and leaves with its result. Its arguments:
 * what is behind the word's "=", the instructions or ticks since the kernel began, and "icount" if
 * that is on the command line.
 */
static void run_alone(const struct mode *mode, const char *argument, exo_cap_t exit)
{
	const struct exo_boot_info *boot = exo_program_info.boot;
	static struct exo_conf_program line;
	struct exo_result got = { 0, UINT64_MAX };
	struct exo_cap_info bank;
	size_t length = 0;
	char since[24];

	while (argument[length] && argument[length] != ' ' && length < sizeof(line.line) - 1)
		length++;
	memcpy(line.line, argument, length);
	(void)ksnprintf(since, sizeof(since), "%llu",
			(unsigned long long)(started - boot->start_tsc));
	line.argv[0] = mode->program;
	line.argv[1] = line.line;
	line.argv[2] = since;
	line.argv[3] = "icount";
	line.argc = exo_boot_word("icount") ? 4 : 3;
	line.stack = STACK_PAGES;
	line.node = UINT64_MAX;
	line.has_cpus = line.archive = line.sys = true;
	line.has_irqs = !exo_cap_stat(EXO_FIRST_IRQS, &bank).error && bank.type == EXO_TYPE_IRQ;
	(void)exo_cap_stat(EXO_FIRST_BANK, &bank);
	line.frames = bank.size - bank.used;
	line.frames -= mode->kept ? mode->kept : (line.frames + 1) / 2;
	start(&line, exit);
	if (nr_running == 1)
		got = exo_ntf_wait(exit, UINT64_MAX, EXO_DEADLINE_NEVER);
	(void)exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_EXIT, got.value >> PROGRAMS_MAX != 0, 0);
}

int main(void)
{
	struct cpio_file conf;
	enum cpio_error missing;
	exo_cap_t exit;

	started = __builtin_ia32_rdtsc();
	if (!exo_program_info.archive) {
		exo_print("init: there is no archive of programs\n");
		return 1;
	}
	exit = make_exit_notification();
	if (!exit)
		return 1;
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		const char *argument = exo_boot_word(modes[i].word);

		if (argument)
			run_alone(&modes[i], argument, exit);
	}
	missing = cpio_find(exo_program_info.archive, exo_program_info.archive_size, "init.conf",
			    &conf);
	if (missing) {
		exo_printf("init: init.conf: %s\n", cpio_error_text(missing));
		return 1;
	}
	start_all(&conf, exit);
	reap(exit);
	exo_print("init: all programs have ended\n");
	return 0;
}
