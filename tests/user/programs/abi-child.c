/* SPDX-License-Identifier: MIT */
/* A program that the tests of the ABI start: does what its argument says. */
#include "../ipc_worker.h"
#include "abi-channel.h"
#include "abi-share.h"

#include <exo/string.h>
#include <libexo/heap.h>
#include <libexo/pages.h>
#include <libexo/print.h>
#include <libexo/program.h>
#include <uapi/exo/thread.h>

/* Takes all memory that there is; then it must still be able to end. */
static int exhaust(void)
{
	unsigned int blocks = 0;

	while (exo_allocate(8192))
		blocks++;
	return blocks == 0;
}

/* Gives up the only capability to its own environment, or the last: the starter sees. */
static _Noreturn void leave(void)
{
	(void)exo_delete_caps(EXO_FIRST_ENV, 1);
	for (;;)
		(void)exo_yield(EXO_SELF);
}

/* Tries what it has no capability to. */
static int trespass(void)
{
	struct exo_cap_info info;

	if (exo_cap_stat(EXO_FIRST_SYS, &info).error || info.type != EXO_TYPE_NONE)
		return 1;
	return exo_sys_ctl(EXO_FIRST_SYS, 0, 0, 0).error != -EXO_E_CAP;
}

/* Binds the first line that it was given, and stays: the starter ends it. */
static int drive(void)
{
	const exo_cap_t ntf = exo_program_info.start->first_free;
	struct exo_cap_info irqs;

	if (exo_cap_stat(EXO_FIRST_IRQS, &irqs).error || irqs.type != EXO_TYPE_IRQ ||
	    irqs.size != 1)
		return 1;
	if (exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, ntf, 0).error ||
	    exo_irq_bind(EXO_FIRST_IRQS, irqs.base + 1, ntf, 1).error != -EXO_E_RANGE ||
	    exo_irq_bind(EXO_FIRST_IRQS, irqs.base, ntf, 1).error)
		return 2;
	(void)exo_ntf_signal(EXO_FIRST_EXIT, exo_program_info.start->exit_bits);
	for (;;)
		(void)exo_ntf_wait(ntf, 1, EXO_DEADLINE_NEVER);
}

static int is_told_all(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[0], "abi-child") != 0 || strcmp(argv[3], "last") != 0)
		return 1;
	if (exo_program_info.info->version != EXO_ABI_VERSION || exo_program_info.boot)
		return 1;
	return exo_program_info.start->argc != 4;
}

/* A frame to read, a notification of which it may set bit 2, and no third one; then free slots. */
static int is_granted(void)
{
	struct exo_cap_info info;

	if (exo_cap_stat(exo_granted(0), &info).error || info.type != EXO_TYPE_FRAME ||
	    info.rights != EXO_RIGHT_R)
		return 1;
	if (exo_cap_stat(exo_granted(1), &info).error || info.type != EXO_TYPE_NTF ||
	    info.rights != EXO_RIGHT_W || exo_granted(2))
		return 1;
	if (exo_cap_stat(exo_program_info.start->first_free, &info).error ||
	    info.type != EXO_TYPE_NONE)
		return 1;
	/* Before the end is told: the starter sees this bit alone. */
	if (exo_ntf_signal(exo_granted(1), 4).error)
		return 1;
	while (exo_cap_stat(EXO_FIRST_EXIT, &info).error || info.used)
		(void)exo_yield(EXO_SELF);
	return 0;
}

/* More than the page takes: the starter sees the beginning and the length. */
static int speak(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		exo_printf("line %u\n", i);
	return 77;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "fail") == 0)
		return 1;
	if (strcmp(what, "fault") == 0)
		__asm__ volatile("movb $1, 8" : : : "memory");
	if (strcmp(what, "spin") == 0)
		for (;;)
			__asm__ volatile("pause");
	if (strcmp(what, "exhaust") == 0)
		return exhaust();
	if (strcmp(what, "leave") == 0)
		leave();
	if (strcmp(what, "trespass") == 0)
		return trespass();
	if (strcmp(what, "drive") == 0)
		return drive();
	if (strcmp(what, "arguments") == 0)
		return is_told_all(argc, argv);
	if (strcmp(what, "granted") == 0)
		return is_granted();
	if (strcmp(what, "share") == 0)
		return share();
	if (IS_ENABLED(CONFIG_IPC) && strcmp(what, "ipc") == 0)
		return ipc_child(argv[2]);
	if (strcmp(what, "speak") == 0)
		return speak();
	if (strcmp(what, "echo") == 0)
		return channel_echo();
	if (strcmp(what, "claim") == 0)
		return channel_claim();
	return 0;
}
