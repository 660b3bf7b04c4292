/* SPDX-License-Identifier: MIT */
/* A program's first C function and its last. */
#include <exo/string.h>
#include <libexo/internal.h>
#include <libexo/print.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <libexo/upcall.h>

#define ARGUMENTS_MAX 64

int main(int argc, char **argv);

struct exo_program_info exo_program_info;

static char *arguments[ARGUMENTS_MAX + 1];
static uint64_t upcall_stack[1024];

static int take_arguments(const struct exo_start *start)
{
	static char name[] = EXO_ROOT_NAME;
	char *at = start ? (char *)start->arguments : name;
	const int argc = start ? (int)start->argc : 1;
	int i;

	for (i = 0; i < argc && i < ARGUMENTS_MAX; i++) {
		arguments[i] = at;
		at += strlen(at) + 1;
	}
	return i;
}

/* The boot module "programs": in the first environment the kernel has mapped it. */
static void find_archive(const struct exo_boot_info *boot)
{
	for (uint32_t i = 0; i < boot->nr_modules && i < EXO_MODULES; i++)
		if (strcmp(boot->modules[i].name, "programs") == 0) {
			exo_program_info.archive = (const void *)boot->modules[i].address;
			exo_program_info.archive_size = boot->modules[i].size;
		}
}

void exo_start_main(const struct exo_start *start)
{
	struct exo_program_info *info = &exo_program_info;

	info->start = start;
	info->info = (const struct exo_info *)EXO_INFO_ADDRESS;
	if (start) {
		info->user_end = start->user_end;
		info->archive = (const void *)start->archive;
		info->archive_size = start->archive_size;
		info->output = (struct exo_output *)start->output;
		exo_slot_init(start->slots, start->first_free);
	} else {
		info->boot = (const struct exo_boot_info *)EXO_BOOT_INFO_ADDRESS;
		info->user_end = info->boot->user_end;
		find_archive(info->boot);
		exo_slot_init(info->boot->slots, EXO_FIRST_FREE);
	}
	exo_upcall_init((struct exo_state_page *)EXO_STATE_ADDRESS, upcall_stack,
			sizeof(upcall_stack), exo_upcall_report, NULL, 0);
	exo_exit(main(take_arguments(start), arguments));
}

void exo_exit(int status)
{
	const struct exo_start *start = exo_program_info.start;

	if (exo_program_info.output)
		exo_program_info.output->status = status;
	if (start)
		(void)exo_ntf_signal(EXO_FIRST_EXIT,
				     status ? start->failure_bits : start->exit_bits);
	for (;;)
		(void)exo_thread_state(EXO_FIRST_THREAD, EXO_THREAD_STOP, NULL);
}

void exo_upcall_report(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	(void)registers;
	exo_printf("exception %llu, error 0x%llx, address 0x%llx at 0x%llx, stack 0x%llx: the "
		   "program ends\n",
		   (unsigned long long)state->cause, (unsigned long long)state->error,
		   (unsigned long long)state->address, (unsigned long long)state->rip,
		   (unsigned long long)state->rsp);
	exo_exit(1);
}

const char *exo_error_text(int64_t error)
{
	static const char *const texts[] = {
		"no error",
		"no such system call in this kernel",
		"no capability in the slot",
		"the capability is of another type",
		"the capability lacks the right",
		"an argument has no meaning",
		"not aligned",
		"outside the object",
		"the bank is exhausted",
		"the slot is in use",
		"the object is in use",
		"not finished yet",
		"the deadline has passed",
		"the partner or object is gone",
		"no access to that address",
	};
	const uint64_t code = error < 0 ? 0 - (uint64_t)error : (uint64_t)error;

	return code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : "unknown error";
}
