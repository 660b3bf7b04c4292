/* SPDX-License-Identifier: MIT */
/*
 * Panic: the report, then the end.
 *
 * Nothing here allocates or waits, and a second panic while reporting (a fault in this very code,
 * say) prints one line and ends at once. Output goes to the consoles directly; the log lines come
 * from the ring at the end.
 *
 * Of several CPUs that panic the first reports. It stops all others before it prints (exo/smp.h),
 * so it waits for no lock: whoever holds one will never give it back (panic_is_here()).
 */
#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/interrupt_frame.h>
#include <exo/backtrace.h>
#include <exo/console.h>
#include <exo/cpu.h>
#include <exo/log.h>
#include <exo/machine.h>
#include <exo/panic.h>
#include <exo/smp.h>
#include <exo/version.h>

#define BACKTRACE_LIMIT 32

/* The CPU that reports, plus 1; 0: none. The first to panic, for good. */
static _Atomic unsigned int reporter;
static volatile unsigned int panics; /* the reporter's */

/* True if this CPU is the one that reports, by this call or already. */
static bool claim_report(void)
{
	const unsigned int self = this_cpu_number() + 1;
	unsigned int now = 0;

	return !IS_ENABLED(CONFIG_SMP) || atomic_compare_exchange_strong(&reporter, &now, self) ||
	       now == self;
}

bool panic_is_here(void)
{
	return unlikely(panics) &&
	       (!IS_ENABLED(CONFIG_SMP) ||
		atomic_load_explicit(&reporter, memory_order_relaxed) == this_cpu_number() + 1);
}

static void print_address(unsigned int number, uint64_t address, uint64_t lookup)
{
	uint64_t offset, size;
	const char *name = symbol_find(lookup, &offset, &size);

	if (name)
		console_printf("  #%u 0x%016llx %s+0x%llx/0x%llx\n", number,
			       (unsigned long long)address, name,
			       (unsigned long long)(offset + address - lookup),
			       (unsigned long long)size);
	else
		console_printf("  #%u 0x%016llx\n", number, (unsigned long long)address);
}

static void print_backtrace(const struct interrupt_frame *frame, uint64_t frame_pointer)
{
	unsigned int number = 0;
	uint64_t address;

	console_printf("backtrace:\n");
	if (frame) {
		print_address(number++, frame->rip, frame->rip);
		address = backtrace_caller(frame);
		if (address)
			print_address(number++, address, address - 1);
	}
	/* A return address may be the first byte after its function: look up the call itself. */
	while (number < BACKTRACE_LIMIT && (address = backtrace_next(&frame_pointer)))
		print_address(number++, address, address - 1);
}

static void print_registers(const struct interrupt_frame *f)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "rax", f->rax },	   { "rbx", f->rbx },	      { "rcx", f->rcx },
		{ "rdx", f->rdx },	   { "rsi", f->rsi },	      { "rdi", f->rdi },
		{ "rbp", f->rbp },	   { "rsp", f->rsp },	      { "r8 ", f->r8 },
		{ "r9 ", f->r9 },	   { "r10", f->r10 },	      { "r11", f->r11 },
		{ "r12", f->r12 },	   { "r13", f->r13 },	      { "r14", f->r14 },
		{ "r15", f->r15 },	   { "rip", f->rip },	      { "flg", f->rflags },
		{ "cr2", cpu_read_cr2() }, { "cr3", cpu_read_cr3() }, { "cs ", f->cs },
		{ "ss ", f->ss },	   { "vec", f->vector },      { "err", f->error },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		console_printf("%s %016llx%s", rows[i].name, (unsigned long long)rows[i].value,
			       i % 4 == 3 ? "\n" : "  ");
}

static void put_console(void *context, const char *text, size_t length)
{
	(void)context;
	console_write(text, length);
}

static _Noreturn void panic_end(void)
{
	console_printf("PANIC END\n");
	machine_debug_exit(MACHINE_PANIC);
	if (IS_ENABLED(CONFIG_PANIC_REBOOT))
		machine_reboot();
	machine_halt();
}

/* @rip: where this CPU was, should another one be reporting already. */
static _Noreturn void panic_report(const struct interrupt_frame *frame, uint64_t frame_pointer,
				   uint64_t rip, const char *format, va_list arguments)
{
	irq_save();
	if (!claim_report())
		smp_stop_self(rip);
	if (panics++) {
		if (panics == 2)
			console_printf(
				"\nPANIC: another one while reporting the first; giving up\n");
		panic_end();
	}
	smp_stop_others();
	console_printf("\nPANIC: ");
	console_vprintf(format, arguments);
	console_printf("\nexo-kernel %s config %s\n", kernel_version, kernel_config_hash);
	if (IS_ENABLED(CONFIG_KASLR)) /* scripts/decode looks for this line */
		console_printf("kernel offset: 0x%llx from 0x%llx\n",
			       (unsigned long long)kernel_slide, KERNEL_BASE);
	if (IS_ENABLED(CONFIG_PANIC_REGISTERS) && frame)
		print_registers(frame);
	if (IS_ENABLED(CONFIG_PANIC_BACKTRACE))
		print_backtrace(frame, frame_pointer);
	smp_report_others();
	if (IS_ENABLED(CONFIG_LOG) && CONFIG_PANIC_LOG_LINES > 0) {
		console_printf("last log lines:\n");
		log_replay(CONFIG_PANIC_LOG_LINES, put_console, NULL);
	}
	panic_end();
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	panic_report(NULL, (uintptr_t)__builtin_frame_address(0),
		     (uintptr_t)__builtin_return_address(0), format, arguments);
}

void panic_at(const struct interrupt_frame *frame, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	panic_report(frame, frame->rbp, frame->rip, format, arguments);
}
