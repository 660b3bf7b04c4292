/* SPDX-License-Identifier: MIT */
/* The monitor's cpu command. */
#include "cpu_features.h"

#include <exo/clock.h>
#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/string.h>

#define LINE_WIDTH 78

static void print_features(const char *title, bool present)
{
	size_t column = strlen(title);

	console_printf("%s", title);
	for (unsigned int i = 0; i < nr_cpu_features; i++) {
		size_t width = 1 + strlen(cpu_features[i].name);

		if (cpu_feature_present(&cpu_features[i], cpuid) != present)
			continue;
		if (column + width > LINE_WIDTH) {
			column = strlen(title);
			console_printf("\n%*s", (int)column, "");
		}
		console_printf(" %s", cpu_features[i].name);
		column += width;
	}
	console_printf("\n");
}

static int cpu_command(int argc, char **argv)
{
	struct cpu_identity identity;
	uint64_t hz = clock_tsc_hz(), now = clock_ns();

	(void)argv;
	if (argc > 1) {
		console_printf("cpu: takes no argument\n");
		return 1;
	}
	cpu_identify(&identity, cpuid);
	console_printf("%s %s\n", identity.vendor, identity.brand);
	console_printf("family 0x%x model 0x%x stepping %u\n", identity.family, identity.model,
		       identity.stepping);
	if (hz > 0)
		console_printf("time-stamp counter: %llu kHz, up %llu s\n",
			       (unsigned long long)(hz / 1000),
			       (unsigned long long)(now / 1000000000));
	print_features("has:    ", true);
	print_features("has not:", false);
	return 0;
}
MONITOR_COMMAND(cpu, "", "the processor and its features", cpu_command);
