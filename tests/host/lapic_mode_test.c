/* SPDX-License-Identifier: MIT */
/* The local APIC's mode: every state in which a firmware may leave it, and the ways out of each. */
#include <arch/lapic_mode.h>
#include <exo/test.h>

#define HAS_APIC (1u << 9) /* EDX */
#define HAS_X2APIC (1u << 21) /* ECX */
#define BASE 0xfee00100ull /* with the bit that marks the boot CPU */
#define OFF BASE
#define XAPIC (BASE | APIC_BASE_ENABLED)
#define X2APIC (BASE | APIC_BASE_ENABLED | APIC_BASE_X2APIC)

static void the_mode_of_each_machine(struct test *test)
{
	static const struct {
		uint32_t ecx, edx;
		uint64_t base;
		enum lapic_mode without, with; /* CONFIG_X2APIC */
	} rows[] = {
		{ 0, 0, 0, LAPIC_ABSENT, LAPIC_ABSENT },
		/* A CPU that hides its APIC, and an IA32_APIC_BASE that was not read. */
		{ HAS_X2APIC, ~HAS_APIC, UINT64_MAX, LAPIC_ABSENT, LAPIC_ABSENT },
		{ 0, HAS_APIC, OFF, LAPIC_OFF, LAPIC_OFF },
		{ HAS_X2APIC, HAS_APIC, OFF, LAPIC_OFF, LAPIC_OFF },
		{ 0, HAS_APIC, XAPIC, LAPIC_XAPIC, LAPIC_XAPIC },
		{ ~HAS_X2APIC, HAS_APIC, XAPIC, LAPIC_XAPIC, LAPIC_XAPIC },
		{ HAS_X2APIC, HAS_APIC, XAPIC, LAPIC_XAPIC, LAPIC_X2APIC },
		{ HAS_X2APIC, HAS_APIC, X2APIC, LAPIC_FOREIGN, LAPIC_X2APIC },
		/* On it is, whatever CPUID says. */
		{ 0, HAS_APIC, X2APIC, LAPIC_FOREIGN, LAPIC_X2APIC },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		TEST_EQ(test, lapic_mode_choose(rows[i].ecx, rows[i].edx, rows[i].base, false),
			rows[i].without);
		TEST_EQ(test, lapic_mode_choose(rows[i].ecx, rows[i].edx, rows[i].base, true),
			rows[i].with);
	}
	TEST_TRUE(test, lapic_mode_exists(HAS_APIC) && !lapic_mode_exists(~HAS_APIC));
	TEST_TRUE(test, lapic_mode_usable(LAPIC_XAPIC) && lapic_mode_usable(LAPIC_X2APIC));
	TEST_TRUE(test, !lapic_mode_usable(LAPIC_ABSENT) && !lapic_mode_usable(LAPIC_OFF) &&
				!lapic_mode_usable(LAPIC_FOREIGN));
}

/* A write that the CPU would answer with a general-protection fault (SDM vol. 3, 10.12.5). */
static bool is_allowed(uint64_t from, uint64_t to)
{
	if (from == to)
		return true;
	switch (from) {
	case OFF:
		return to == XAPIC;
	case XAPIC:
		return to == OFF || to == X2APIC;
	default:
		return to == OFF;
	}
}

static void every_way_is_allowed_and_arrives(struct test *test)
{
	static const uint64_t states[] = { OFF, XAPIC, X2APIC };
	static const unsigned int lengths[2][3] = { { 1, 0, 2 }, { 2, 1, 0 } };

	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(states); i++) {
		const uint64_t start = states[i / 2];
		const struct lapic_mode_steps steps =
			lapic_mode_enter(start, i % 2 ? LAPIC_X2APIC : LAPIC_XAPIC);
		uint64_t at = start;

		TEST_EQ(test, steps.count, lengths[i % 2][i / 2]);
		for (unsigned int step = 0; step < steps.count; step++) {
			TEST_TRUE(test, is_allowed(at, steps.values[step]));
			at = steps.values[step];
		}
		TEST_EQ(test, at, i % 2 ? X2APIC : XAPIC);
	}
}

static const struct test_case lapic_mode_cases[] = {
	TEST_CASE(the_mode_of_each_machine),
	TEST_CASE(every_way_is_allowed_and_arrives),
};
TEST_SUITE(lapic_mode, lapic_mode_cases);
