/* SPDX-License-Identifier: MIT */
/* Vectors, stray and spurious interrupts, and the frame that entry.asm keeps. */
#include <arch/cpu.h>
#include <arch/gdt.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <exo/string.h>
#include <exo/test.h>

static void interrupt_breakpoint_returns(struct test *test)
{
	const uint64_t before = interrupts_unexpected;

	__asm__ volatile("int3" : : : "memory");
	TEST_EQ(test, interrupts_unexpected, before + 1);
}

static void interrupt_keeps_all_registers(struct test *test)
{
	uint64_t wrong;

	/* Each register gets a pattern of its own, an interrupt strikes, each must still have it.
	 */
	__asm__ volatile(
		"xorl %%eax, %%eax\n\t"
		"movq $0x1111, %%rcx; movq $0x2222, %%rdx; movq $0x3333, %%rsi\n\t"
		"movq $0x4444, %%rdi; movq $0x5555, %%r8; movq $0x6666, %%r9\n\t"
		"movq $0x7777, %%r10; movq $0x8888, %%r11; movq $0x9999, %%r12\n\t"
		"movq $0xaaaa, %%r13; movq $0xbbbb, %%r14; movq $0xcccc, %%r15\n\t"
		"int3\n\t"
		"subq $0x1111, %%rcx; orq %%rcx, %%rax; subq $0x2222, %%rdx; orq %%rdx, %%rax\n\t"
		"subq $0x3333, %%rsi; orq %%rsi, %%rax; subq $0x4444, %%rdi; orq %%rdi, %%rax\n\t"
		"subq $0x5555, %%r8;  orq %%r8, %%rax;  subq $0x6666, %%r9;  orq %%r9, %%rax\n\t"
		"subq $0x7777, %%r10; orq %%r10, %%rax; subq $0x8888, %%r11; orq %%r11, %%rax\n\t"
		"subq $0x9999, %%r12; orq %%r12, %%rax; subq $0xaaaa, %%r13; orq %%r13, %%rax\n\t"
		"subq $0xbbbb, %%r14; orq %%r14, %%rax; subq $0xcccc, %%r15; orq %%r15, %%rax"
		: "=a"(wrong)
		:
		: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		  "memory", "cc");
	TEST_EQ(test, wrong, 0);
}

static void interrupt_stray_vectors_are_counted(struct test *test)
{
	const uint64_t before = interrupts_unexpected;

	if (!IS_ENABLED(CONFIG_IRQ))
		TEST_SKIP(test, "CONFIG_IRQ=n");
	/* After the 8259s' vectors, between the IPIs and the error: nobody's in any kernel. */
	__asm__ volatile("int $0xd0; int $0xdf; int $0xf0; int $0xfd" : : : "memory");
	TEST_EQ(test, interrupts_unexpected, before + 4);
}

static void interrupt_spurious_of_the_apic_is_counted(struct test *test)
{
	const uint64_t spurious = interrupts_spurious, unexpected = interrupts_unexpected;

	if (!IS_ENABLED(CONFIG_IRQ))
		TEST_SKIP(test, "CONFIG_IRQ=n");
	__asm__ volatile("int %0" : : "i"(VECTOR_SPURIOUS) : "memory");
	TEST_EQ(test, interrupts_spurious, spurious + lapic_present());
	TEST_EQ(test, interrupts_unexpected, unexpected + !lapic_present());
}

static const struct test_case interrupt_cases[] = {
	TEST_CASE(interrupt_breakpoint_returns),
	TEST_CASE(interrupt_keeps_all_registers),
	TEST_CASE(interrupt_stray_vectors_are_counted),
	TEST_CASE(interrupt_spurious_of_the_apic_is_counted),
};
TEST_SUITE(interrupt, interrupt_cases);
