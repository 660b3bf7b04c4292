/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in the kernel: say in words what happened, then panic. Only a non-maskable interrupt
 * and a breakpoint are survived (logged and counted). Those of programs become upcalls
 * (kernel/thread/upcall.c).
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/stack.h>
#include <arch/user.h>
#include <exo/fpu.h>
#include <exo/log.h>
#include <exo/panic.h>
#include <exo/string.h>
#include <exo/test_probe.h>
#include <exo/user.h>

/* SDM vol. 3, table 6-1; 28 to 30: AMD APM vol. 2, table 8-1. One string a vector, in order. */
static const char exception_names[] =
	"divide error\0debug exception\0non-maskable interrupt\0breakpoint\0overflow\0"
	"bound range exceeded\0invalid opcode\0device not available\0double fault\0"
	"coprocessor segment overrun\0invalid TSS\0segment not present\0stack-segment fault\0"
	"general protection fault\0page fault\0reserved\0x87 floating-point error\0"
	"alignment check\0machine check\0SIMD floating-point error\0virtualization exception\0"
	"control protection exception\0reserved\0reserved\0reserved\0reserved\0reserved\0reserved\0"
	"hypervisor injection exception\0VMM communication exception\0security exception\0reserved";

static const char *exception_name(unsigned int vector)
{
	const char *name = exception_names;

	while (vector--)
		name += strlen(name) + 1;
	return name;
}

enum page_fault_error { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RESERVED = 8, PF_FETCH = 16 };

static const char *page_fault_cause(uint64_t error, uint64_t address)
{
	if (error & PF_RESERVED)
		return "a page-table entry has a reserved bit set";
	if (error & PF_PRESENT) {
		if (error & PF_FETCH)
			return "the page is not executable";
		return error & PF_WRITE ? "the page is read-only" : "the page is protected";
	}
	return address < PAGE_SIZE ? "NULL pointer: the page is not mapped"
				   : "the page is not mapped";
}

static _Noreturn void page_fault_panic(const struct interrupt_frame *frame, uint64_t address)
{
	const char *act = "read of";

	if (frame->error & PF_FETCH)
		act = "jump to";
	else if (frame->error & PF_WRITE)
		act = "write to";
	panic_at(frame, "page fault: %s 0x%llx: %s", act, (unsigned long long)address,
		 page_fault_cause(frame->error, address));
}

/* Could it be an instruction that CONFIG_FPU_NONE forbids? UD2 is what compilers trap with. */
static bool is_forbidden(const struct interrupt_frame *frame)
{
	const uint8_t *code = (const uint8_t *)frame->rip;

	if (!IS_ENABLED(CONFIG_FPU_NONE))
		return false;
	return frame->vector == VECTOR_NO_DEVICE ||
	       (frame->vector == VECTOR_INVALID_OPCODE && !(code[0] == 0x0f && code[1] == 0x0b));
}

/* What a program has done is for the program to deal with, but for what is no doing of its own. */
static bool is_users(const struct interrupt_frame *frame)
{
	return user_frame(frame) && frame->vector != VECTOR_NMI &&
	       frame->vector != VECTOR_DOUBLE_FAULT && frame->vector != VECTOR_MACHINE_CHECK;
}

/* Exceptions that are no mistake of the kernel. */
static bool survive(struct interrupt_frame *frame)
{
	const unsigned int vector = (unsigned int)frame->vector;

	if (vector == VECTOR_NO_DEVICE && fpu_exception(frame))
		return true;
	if (IS_ENABLED(CONFIG_OBJECTS) && is_users(frame)) {
		user_exception(frame, vector == VECTOR_PAGE_FAULT ? cpu_read_cr2() : 0);
		return true;
	}
	if (vector == VECTOR_PAGE_FAULT &&
	    (user_copy_fixup(frame) || test_probe_fixup(frame, cpu_read_cr2())))
		return true;
	return vector == VECTOR_DEBUG && user_debug_in_kernel(frame);
}

static void report(struct interrupt_frame *frame)
{
	const unsigned int vector = (unsigned int)frame->vector;
	const char *name = exception_name(vector);
	const uint64_t address = cpu_read_cr2();
	const char *guard = stack_guard_name(address);

	if (vector == VECTOR_NMI)
		smp_nmi(frame);
	if (vector == VECTOR_NMI || vector == VECTOR_BREAKPOINT) {
		interrupts_unexpected++;
		log_warning("interrupt: %s at 0x%llx", name, (unsigned long long)frame->rip);
		return;
	}
	if (is_forbidden(frame))
		panic_at(frame, "%s: threads have no floating-point or vector registers (FPU_NONE)",
			 name);
	/* The CPU cannot push a page fault's frame onto a stack that has overflowed. */
	if (guard && (vector == VECTOR_PAGE_FAULT || vector == VECTOR_DOUBLE_FAULT))
		panic_at(frame, "%s: overflow of the %s stack", name, guard);
	if (vector == VECTOR_PAGE_FAULT)
		page_fault_panic(frame, address);
	panic_at(frame, "%s (vector %u, error code 0x%llx)", name, vector,
		 (unsigned long long)frame->error);
}

void exception_handle(struct interrupt_frame *frame)
{
	if (!survive(frame))
		report(frame);
}
