/* SPDX-License-Identifier: MIT */
/*
 * The program abi-bench: runs the benchmarks of the ABI whose names contain its first argument and
 * prints their rows. The second one is what the boot took, up to init's main(); the third,
 * "icount", says that ticks are instructions.
 */
#include "bench.h"
#include "bench_ipc.h"

#include <exo/console.h>
#include <exo/string.h>
#include <libexo/print.h>
#include <libexo/slots.h>

static exo_cap_t window;
static uint64_t entry_to_user;

/* What kernel/bench/bench.c prints with. */
void console_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)exo_vprintf(format, arguments);
	va_end(arguments);
}

exo_cap_t bench_slot(unsigned int index)
{
	return window + index;
}

void bench_must(const char *what, int64_t result)
{
	if (!result)
		return;
	exo_printf("abi-bench: %s: %s\n", what, exo_error_text(result));
	exo_exit(1);
}

void bench_revoke(exo_cap_t slot)
{
	struct exo_result result;

	do
		result = exo_cap_revoke(slot, EXO_REVOKE_FORCE, 0, 0, 0);
	while (result.error == -EXO_E_AGAIN);
	bench_must("cap_revoke", result.error);
}

void bench_begin_bank(uint64_t frames)
{
	bench_must("bank_create",
		   exo_bank_create(EXO_FIRST_BANK, frames, EXO_NODE_ANY, BENCH_BANK).error);
}

void bench_end_bank(void)
{
	bench_revoke(BENCH_BANK);
	bench_must("cap_delete", exo_cap_delete(BENCH_BANK, 1).error);
}

int64_t bench_map(unsigned int act, exo_cap_t slot, uint32_t count, uint64_t address,
		  unsigned int rights)
{
	const struct exo_map_op op = { .address = address,
				       .slot = (uint32_t)slot,
				       .count = count,
				       .act = (uint16_t)act,
				       .rights = (uint16_t)rights };

	return exo_map(EXO_SELF, &op, 1).error;
}

static uint64_t boot_entry_to_user(void)
{
	return entry_to_user;
}
BENCHMARK(boot_entry_to_user, "boot.entry_to_user", 1);

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (uint64_t)(*text++ - '0');
	return value;
}

/* TSC ticks a second, as the info page says it (ns = ticks * scale >> 32). */
static uint64_t frequency(void)
{
	const uint64_t scale = exo_program_info.info->scale;

	return scale ? (UINT64_C(1000000000) << 32) / scale : 0;
}

int main(int argc, char **argv)
{
	const bool icount = argc > 3 && strcmp(argv[3], "icount") == 0;

	if (IS_ENABLED(CONFIG_IPC) && argc > 1 && strcmp(argv[1], "serve") == 0)
		return bench_serve();
	if (argc > 1 && strcmp(argv[1], BENCH_WAITER) == 0)
		return bench_ntf_waiter();
	window = exo_slot_take(BENCH_SLOTS);
	bench_must("slots", window ? 0 : -EXO_E_NOMEM);
	entry_to_user = argc > 2 ? number(argv[2]) : 0;
	return bench_run_in(argc > 1 ? argv[1] : NULL, icount ? 0 : frequency()) == 0;
}
