/* SPDX-License-Identifier: MIT */
/*
 * The monitor's heap command: statistics, a check, giving memory back; and misuse on purpose, to
 * see that CONFIG_HEAP_DEBUG reports each kind as what it is.
 */
#include <exo/console.h>
#include <exo/heap.h>
#include <exo/monitor.h>
#include <exo/string.h>

#define SIZE 40 /* of the block that is misused: no multiple of 16 */

/* Hides where a pointer comes from, or the compiler would warn of what is about to happen. */
static volatile uint8_t *launder(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer));
	return pointer;
}

static void misuse_behind(uint8_t *block)
{
	launder(block)[SIZE] = 0;
	heap_free(block);
}

static void misuse_before(uint8_t *block)
{
	launder(block)[-1] = 0;
	heap_free(block);
}

static void misuse_after(uint8_t *block)
{
	heap_free(block);
	launder(block)[SIZE / 2] = 0;
	heap_trim();
}

static void misuse_twice(uint8_t *block)
{
	heap_free(block);
	heap_free((void *)(uintptr_t)launder(block));
}

static void misuse_inside(uint8_t *block)
{
	heap_free((void *)(uintptr_t)(launder(block) + HEAP_MIN_ALIGN));
}

static const struct {
	const char *name;
	void (*act)(uint8_t *block);
} kinds[] = {
	{ "behind", misuse_behind }, { "before", misuse_before }, { "after", misuse_after },
	{ "twice", misuse_twice },   { "inside", misuse_inside },
};

static int misuse(const char *name)
{
	uint8_t *block;

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(name, kinds[i].name))
			continue;
		if (!IS_ENABLED(CONFIG_HEAP_DEBUG)) {
			console_printf("heap: this kernel would not notice (HEAP_DEBUG is off)\n");
			return 1;
		}
		block = heap_alloc(SIZE, 0);
		if (block)
			kinds[i].act(block);
		console_printf("heap: '%s' went unnoticed\n", name);
		return 1;
	}
	console_printf("heap: the kinds of misuse are");
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++)
		console_printf(" %s", kinds[i].name);
	console_printf("\n");
	return 1;
}

static int print_stats(void)
{
	struct heap_stats stats;
	uint64_t held;

	heap_stats(&stats);
	held = stats.pages * HEAP_PAGE_SIZE;
	console_printf("%s heap%s: %llu KiB held\n", heap_core_traits.name,
		       IS_ENABLED(CONFIG_HEAP_DEBUG) ? ", watched for misuse" : "",
		       (unsigned long long)(held / 1024));
	console_printf("%llu blocks in use, %llu bytes", (unsigned long long)stats.blocks,
		       (unsigned long long)stats.used);
	if (held)
		console_printf(", %llu %% of what is held",
			       (unsigned long long)(stats.used * 100 / held));
	console_printf("\nallocated %llu times, freed %llu, failed %llu\n",
		       (unsigned long long)stats.allocs, (unsigned long long)stats.frees,
		       (unsigned long long)stats.failures);
	return 0;
}

static int check(void)
{
	const bool good = heap_check();

	console_printf("heap: %s\n", good ? "its bookkeeping is consistent"
					  : "its bookkeeping contradicts itself");
	return good ? 0 : 1;
}

static int heap_command(int argc, char **argv)
{
	if (argc == 1)
		return print_stats();
	if (argc == 2 && !strcmp(argv[1], "check"))
		return check();
	if (argc == 2 && !strcmp(argv[1], "trim")) {
		heap_trim();
		return print_stats();
	}
	if ((argc == 2 || argc == 3) && !strcmp(argv[1], "misuse"))
		return misuse(argc == 3 ? argv[2] : "");
	console_printf("heap: takes check, trim or misuse KIND, or nothing\n");
	return 1;
}
MONITOR_COMMAND(heap, "[check|trim|misuse KIND]", "heap: statistics, a check, giving memory back",
		heap_command);
