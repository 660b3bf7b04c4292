/* SPDX-License-Identifier: MIT */
/* The monitor's mem command: what the boot loader said about memory. */
#include <exo/boot_info.h>
#include <exo/console.h>
#include <exo/monitor.h>

static void print_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0;

	/* The largest unit that still shows three digits, so that little is rounded away. */
	while (bytes >= 10240 && unit + 1 < ARRAY_SIZE(units)) {
		bytes >>= 10;
		unit++;
	}
	console_printf("%6llu %-3s", (unsigned long long)bytes, units[unit]);
}

static void print_range(paddr_t base, uint64_t length, const char *what)
{
	console_printf("  0x%012llx-0x%012llx ", (unsigned long long)base,
		       (unsigned long long)(base + length - 1));
	print_size(length);
	console_printf("  %s\n", what);
}

static int mem_command(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		console_printf("mem: takes no argument\n");
		return 1;
	}
	console_printf("memory map from %s:\n", boot_info.protocol);
	for (unsigned int i = 0; i < boot_info.nr_memory; i++)
		print_range(boot_info.memory[i].base, boot_info.memory[i].length,
			    memory_type_name(boot_info.memory[i].type));
	for (enum memory_type type = MEMORY_USABLE; type <= MEMORY_BAD; type++) {
		uint64_t total = boot_info_memory(&boot_info, type);

		if (total == 0)
			continue;
		console_printf("total ");
		print_size(total);
		console_printf("  %s\n", memory_type_name(type));
	}
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *module = &boot_info.modules[i];

		console_printf("module %u: 0x%llx, %llu bytes: %s\n", i,
			       (unsigned long long)module->base, (unsigned long long)module->size,
			       module->name);
	}
	return 0;
}
MONITOR_COMMAND(mem, "", "memory map and boot modules", mem_command);
