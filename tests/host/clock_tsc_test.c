/* SPDX-License-Identifier: MIT */
/* What made-up CPUs say about their time-stamp counters, and which timer device they get. */
#include <arch/cpu.h>
#include <arch/timer.h>
#include <exo/clock_source.h>
#include <exo/test.h>

static struct {
	uint32_t highest, highest_extended, highest_hypervisor;
	struct cpuid_regs leaf1, leaf15, leaf16, power, timing;
} cpu;

static struct cpuid_regs made_up(uint32_t leaf, uint32_t subleaf)
{
	static const struct cpuid_regs rubbish = { 0x99999999, 0x99999999, 0x99999999, 0x99999999 };

	(void)subleaf;
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ .eax = cpu.highest };
	case 1:
		return cpu.leaf1;
	case 0x15:
		return cpu.highest >= 0x15 ? cpu.leaf15 : rubbish;
	case 0x16:
		return cpu.highest >= 0x16 ? cpu.leaf16 : rubbish;
	case 0x80000000:
		return (struct cpuid_regs){ .eax = cpu.highest_extended };
	case 0x80000007:
		return cpu.highest_extended >= 0x80000007 ? cpu.power : rubbish;
	case 0x40000000:
		return cpu.highest_hypervisor ? (struct cpuid_regs){ .eax = cpu.highest_hypervisor }
					      : rubbish;
	case 0x40000010:
		return cpu.highest_hypervisor >= 0x40000010 ? cpu.timing : rubbish;
	default:
		return rubbish;
	}
}

#define ECX_HYPERVISOR (1u << 31)

static struct clock_tsc_facts facts;

static void read_facts(void)
{
	clock_tsc_facts(&facts, made_up);
}

static void old_cpu_says_nothing(struct test *test)
{
	cpu.highest = 0x0d;
	cpu.highest_extended = 0x80000004;
	cpu.highest_hypervisor = 0;
	cpu.leaf1 = (struct cpuid_regs){ 0 };
	read_facts();
	TEST_TRUE(test, !facts.leaf15 && !facts.leaf16 && !facts.hypervisor_hz);
	TEST_TRUE(test, !facts.invariant && !facts.hypervisor && !clock_tsc_shared(&facts));
}

static void leaf15(struct test *test)
{
	old_cpu_says_nothing(test);
	cpu.highest = 0x16;
	cpu.highest_extended = 0x80000008;
	cpu.power.edx = 1 << 8;
	cpu.leaf15 = (struct cpuid_regs){ 2, 188, 24000000, 0 };
	cpu.leaf16.eax = 0xabcd0000 | 2200;
	read_facts();
	TEST_EQ(test, facts.leaf15, 2256000000u);
	TEST_EQ(test, facts.leaf16, 2200000000u);
	TEST_TRUE(test, facts.invariant && clock_tsc_shared(&facts));
	/* Without the crystal's frequency, or without a ratio, it says nothing. */
	cpu.leaf15.ecx = 0;
	read_facts();
	TEST_EQ(test, facts.leaf15, 0);
	cpu.leaf15 = (struct cpuid_regs){ 0, 188, 24000000, 0 };
	read_facts();
	TEST_EQ(test, facts.leaf15, 0);
	cpu.leaf15 = (struct cpuid_regs){ 1, UINT32_MAX, UINT32_MAX, 0 };
	read_facts();
	TEST_EQ(test, facts.leaf15, 0);
}

static void hypervisors(struct test *test)
{
	old_cpu_says_nothing(test);
	cpu.leaf1.ecx = ECX_HYPERVISOR;
	read_facts(); /* the leaves from 0x40000000 on are rubbish */
	TEST_TRUE(test, facts.hypervisor && clock_tsc_shared(&facts));
	TEST_EQ(test, facts.hypervisor_hz, 0);
	cpu.highest_hypervisor = 0x40000001;
	read_facts();
	TEST_EQ(test, facts.hypervisor_hz, 0);
	cpu.highest_hypervisor = 0x40000010;
	cpu.timing.eax = 2596141;
	read_facts();
	TEST_EQ(test, facts.hypervisor_hz, 2596141000u);
	cpu.timing.eax = 0;
	read_facts();
	TEST_EQ(test, facts.hypervisor_hz, 0);
	cpu.timing.eax = UINT32_MAX;
	read_facts();
	TEST_EQ(test, facts.hypervisor_hz, 0);
	cpu.timing.eax = 2596141;
	cpu.leaf1.ecx = 0; /* bare metal: what looks like such a leaf is none */
	read_facts();
	TEST_EQ(test, facts.hypervisor_hz, 0);
}

static void devices(struct test *test)
{
	TEST_EQ(test, timer_choose(false, false, 1000), TIMER_PIT);
	TEST_EQ(test, timer_choose(false, true, 1000), TIMER_PIT);
	TEST_EQ(test, timer_choose(true, false, 1000), TIMER_LAPIC);
	TEST_EQ(test, timer_choose(true, true, 0), TIMER_LAPIC);
	TEST_EQ(test, timer_choose(true, true, 1000), TIMER_TSC_DEADLINE);
}

static void dividers(struct test *test)
{
	static const uint32_t codes[] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa }; /* of 1, 2 .. 128 */

	for (uint64_t hz = 1; hz <= 1ull << 34; hz = hz * 3 / 2 + 1) {
		const struct timer_divider d = timer_divide(hz);

		TEST_TRUE(test, d.shift <= 7);
		TEST_EQ(test, d.code, codes[d.shift]);
		TEST_EQ(test, d.hz, hz >> d.shift);
		/* As fast as may be, with 32 bits for 3.99 s or more, and none lost. */
		TEST_TRUE(test, d.shift == 0 || hz >> (d.shift - 1) > 1u << 30);
		TEST_TRUE(test, d.longest >= 3990000000u);
		TEST_TRUE(test, clock_ticks(d.longest, clock_ticks_multiplier(d.hz)) <= UINT32_MAX);
	}
}

static const struct test_case clock_tsc_cases[] = {
	TEST_CASE(old_cpu_says_nothing),
	TEST_CASE(leaf15),
	TEST_CASE(hypervisors),
	TEST_CASE(devices),
	TEST_CASE(dividers),
};
TEST_SUITE(clock_tsc, clock_tsc_cases);
