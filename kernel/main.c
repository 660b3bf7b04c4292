/* SPDX-License-Identifier: MIT */
/* The boot list, top to bottom, and what the kernel does when it is done. */
#include <arch/cpu.h>
#include <arch/gdt.h>
#include <arch/image.h>
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/pti.h>
#include <exo/acpi.h>
#include <exo/acpi_madt.h>
#include <exo/bench.h>
#include <exo/boot_info.h>
#include <exo/clock.h>
#include <exo/console.h>
#include <exo/cpu.h>
#include <exo/fpu.h>
#include <exo/ipc.h>
#include <exo/irq.h>
#include <exo/kernel.h>
#include <exo/log.h>
#include <exo/machine.h>
#include <exo/memory.h>
#include <exo/monitor.h>
#include <exo/programs.h>
#include <exo/root.h>
#include <exo/sched.h>
#include <exo/screen.h>
#include <exo/serial.h>
#include <exo/smp.h>
#include <exo/stack_protector.h>
#include <exo/string.h>
#include <exo/test.h>
#include <exo/thread.h>
#include <exo/timer.h>
#include <exo/user.h>
#include <exo/version.h>

#define FILTER_SIZE 64

struct boot_info boot_info;

/* Puts the built-in words in front of the loader's, which so override them. */
static __boot void add_built_in_words(void)
{
	static const char words[] = CONFIG_COMMAND_LINE " ";
	const size_t length = sizeof(words) - 1;
	char *line = boot_info.command_line;

	if (length == 1)
		return;
	if (length + strlen(line) >= sizeof(boot_info.command_line)) {
		boot_info.problems |= BOOT_PROBLEM_CUT;
		return;
	}
	memmove(line + length, line, strlen(line) + 1);
	memcpy(line, words, length);
}

/* In words where there is a log; the smallest images print the bits of enum boot_problem. */
static __boot void report_problems(unsigned int problems)
{
	static const char *const words[] = {
		"a table is shorter than it says",
		"a length, count or alignment makes no sense",
		"memory ranges overlap",
		"more memory ranges or modules than BOOT_MEMORY_RANGES or BOOT_MODULES",
		"a pointer leads outside accessible memory",
		"no usable memory",
		"a string does not fit and was cut",
	};

	_Static_assert(BOOT_PROBLEM_CUT == 1 << (ARRAY_SIZE(words) - 1), "words of every problem");
	if (!IS_ENABLED(CONFIG_LOG)) {
		if (problems)
			log_warning("boot: the loader's tables needed repair: 0x%x", problems);
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (problems & 1u << i)
			log_warning("boot: repaired the loader's tables: %s", words[i]);
}

static __boot void report_boot_info(void)
{
	const uint64_t usable = boot_info_memory(&boot_info, MEMORY_USABLE);

	log_info("boot: %s, loader \"%s\", command line \"%s\"", boot_info.protocol,
		 boot_info.loader, boot_info.command_line);
	log_info("boot: %llu KiB of usable memory in %u ranges, %u modules",
		 (unsigned long long)usable / 1024, boot_info.nr_memory, boot_info.nr_modules);
	report_problems(boot_info.problems);
}

/* Gives away the memory of the ACPI tables, where it is memory, once all that matters is known. */
static __boot void reclaim_acpi_tables(void)
{
	if (!IS_ENABLED(CONFIG_FRAMES) ||
	    boot_info_memory(&boot_info, MEMORY_ACPI_RECLAIMABLE) == 0)
		return;
	acpi_power_init();
	memory_reclaim_acpi(&boot_info);
}

/* "test" and "bench" on the command line: run them and leave with the result. */
static void run_requested(void)
{
	char filter[FILTER_SIZE];

	if (IS_ENABLED(CONFIG_TESTS) &&
	    boot_info_option(&boot_info, "test", filter, sizeof(filter)))
		machine_exit(test_run(filter) ? MACHINE_FAILURE : MACHINE_SUCCESS);
	if (IS_ENABLED(CONFIG_BENCH) &&
	    boot_info_option(&boot_info, "bench", filter, sizeof(filter)))
		machine_exit(bench_run(filter) ? MACHINE_SUCCESS : MACHINE_FAILURE);
}

/* Programs read the consoles, so the monitor runs in their place: the word "monitor" wants that. */
static __boot bool start_programs(void)
{
	char value[1];

	if (IS_ENABLED(CONFIG_MONITOR) &&
	    boot_info_option(&boot_info, "monitor", value, sizeof(value)))
		return false;
	return root_start();
}

/* The boot list is done: a thread that waits, since one that halts would have its turns. */
static _Noreturn void rest(void)
{
	if (!IS_ENABLED(CONFIG_IRQ))
		machine_halt();
	for (;;) {
		if (IS_ENABLED(CONFIG_THREADS))
			thread_suspend(thread_current());
		else
			cpu_idle();
	}
}

/* The boot list. */
static __noinline __boot void boot(enum boot_protocol protocol, paddr_t loader_data)
{
	int error;

	gdt_init();
	cpu_init_boot();
	idt_init();
	stack_protector_init();
	clock_init();
	serial_init();
	error = boot_info_parse(&boot_info, protocol, loader_data, &boot_memory_direct);
	add_built_in_words();
	vga_text_init();
	framebuffer_init();
	console_printf("exo-kernel %s x86_64 config %s\n", kernel_version, kernel_config_hash);
	if (error)
		log_error("boot: the loader passed nothing usable at 0x%llx",
			  (unsigned long long)loader_data);
	report_boot_info();
	kaslr_report();
	mmu_init();
	fpu_init_cpu();
	user_init_cpu();
	acpi_numa_init();
	acpi_madt_init();
	clock_find_counters();
	memory_init(&boot_info);
	pti_init();
	reclaim_acpi_tables();
	irq_init();
	clock_choose();
	timer_init_cpu();
	sched_init();
	ipc_init();
	smp_start();
	serial_enable_input();
	bench_boot_done();
	console_printf("exo-kernel: ready\n");
}

void kernel_main(enum boot_protocol protocol, paddr_t loader_data)
{
	bool started;

	boot(protocol, loader_data);
	run_requested();
	if (hello_main())
		log_error("hello: the program failed");
	started = start_programs();
	memory_release_boot_code();
	if (!started && IS_ENABLED(CONFIG_MONITOR))
		monitor_run();
	rest();
}
