/* SPDX-License-Identifier: MIT */
/*
 * Sending for CPUs, on a machine that is made up: CPUs that come at once, late, only to a later
 * STARTUP, unfit, or never. Its time passes when the boot CPU pauses.
 */
#include "../../arch/x86_64/smp_boot.h"

#include <exo/string.h>
#include <exo/test.h>

#define NR 5
#define PAGE 0x9f000
#define NEVER UINT64_MAX
#define STEP 10000 /* ns a pause */

struct fake {
	uint64_t arrives; /* ns after the STARTUP that counts */
	unsigned int deaf; /* how many STARTUPs are lost on it */
	const char *missing;
	unsigned int inits, startups;
	uint64_t reset, first, due;
	bool came, wanted;
};

static struct fake fakes[NR];
static struct ap_start starts[NR];
static struct ap_start *list[NR];
static uint64_t time_ns;
static bool wrong;

static void fake_init(uint32_t apic_id)
{
	struct fake *fake = &fakes[apic_id - 10];

	fake->inits++;
	fake->reset = time_ns;
}

static void fake_startup(uint32_t apic_id, paddr_t page)
{
	struct fake *fake = &fakes[apic_id - 10];

	wrong |= page != PAGE || fake->inits != 1 || time_ns < fake->reset + SMP_INIT_NS;
	if (fake->startups++ == 0)
		fake->first = time_ns;
	else
		wrong |= time_ns < fake->first + SMP_STARTUP_NS;
	wrong |= fake->came; /* it has answered */
	if (fake->startups == fake->deaf + 1 && fake->arrives != NEVER)
		fake->due = time_ns + fake->arrives;
}

static uint64_t fake_now(void)
{
	return time_ns;
}

static void let_arrive(void)
{
	for (unsigned int i = 0; i < NR; i++) {
		struct fake *fake = &fakes[i];

		if (fake->came || time_ns < fake->due)
			continue;
		fake->came = true;
		fake->wanted = smp_boot_arrive(&starts[i], fake->missing);
	}
}

static void fake_pause(void)
{
	time_ns += STEP;
	let_arrive();
}

static const struct smp_boot_machine machine = { fake_init, fake_startup, fake_now, fake_pause };

/* All come at once, unless a test changes that before gather(). */
static void prepare(void)
{
	memset(fakes, 0, sizeof(fakes));
	memset(starts, 0, sizeof(starts));
	time_ns = 5000;
	wrong = false;
	for (unsigned int i = 0; i < NR; i++) {
		fakes[i].due = NEVER;
		fakes[i].arrives = STEP;
		starts[i].apic_id = 10 + i;
		list[i] = &starts[i];
	}
}

static unsigned int gather(void)
{
	const uint64_t reset = smp_boot_reset(&machine, list, NR);

	return smp_boot_gather(&machine, list, NR, PAGE, reset);
}

static void smp_boot_all_come(struct test *test)
{
	prepare();
	TEST_EQ(test, gather(), NR);
	TEST_TRUE(test, !wrong);
	/* One wait for all, and none when all are there. */
	TEST_TRUE(test, time_ns < SMP_INIT_NS + SMP_STARTUP_NS);
	for (unsigned int i = 0; i < NR; i++) {
		TEST_EQ(test, starts[i].state, AP_ARRIVED);
		TEST_TRUE(test, fakes[i].wanted);
		TEST_EQ(test, fakes[i].inits, 1);
		TEST_EQ(test, fakes[i].startups, 1);
	}
}

static void smp_boot_second_startup_counts(struct test *test)
{
	prepare();
	fakes[1].deaf = 1;
	fakes[2].deaf = 5;
	TEST_EQ(test, gather(), NR);
	TEST_TRUE(test, !wrong);
	TEST_EQ(test, fakes[0].startups, 1);
	TEST_EQ(test, fakes[1].startups, 2);
	TEST_EQ(test, fakes[2].startups, 6);
}

static void smp_boot_silent_cpu_is_abandoned(struct test *test)
{
	prepare();
	fakes[3].arrives = NEVER;
	TEST_EQ(test, gather(), NR - 1);
	TEST_TRUE(test, !wrong);
	TEST_EQ(test, starts[3].state, AP_ABANDONED);
	TEST_EQ(test, starts[4].state, AP_ARRIVED);
	TEST_TRUE(test, time_ns >= SMP_ARRIVAL_NS);
	TEST_TRUE(test, time_ns < SMP_INIT_NS + SMP_ARRIVAL_NS + 2 * SMP_STARTUP_NS);
	TEST_TRUE(test, fakes[3].startups < 40);
}

static void smp_boot_late_cpu_is_not_wanted(struct test *test)
{
	prepare();
	fakes[0].arrives = SMP_ARRIVAL_NS + SMP_INIT_NS;
	TEST_EQ(test, gather(), NR - 1);
	TEST_EQ(test, starts[0].state, AP_ABANDONED);
	TEST_TRUE(test, !fakes[0].came);
	time_ns = fakes[0].due;
	let_arrive();
	TEST_TRUE(test, fakes[0].came);
	TEST_TRUE(test, !fakes[0].wanted);
	TEST_EQ(test, starts[0].state, AP_ABANDONED);
}

static void smp_boot_unfit_cpu_is_named(struct test *test)
{
	prepare();
	fakes[2].missing = "wings";
	TEST_EQ(test, gather(), NR - 1);
	TEST_EQ(test, starts[2].state, AP_UNFIT);
	TEST_STREQ(test, starts[2].missing, "wings");
	TEST_TRUE(test, !fakes[2].wanted);
	TEST_TRUE(test, time_ns < SMP_INIT_NS + SMP_STARTUP_NS);
}

static void smp_boot_await_has_a_limit(struct test *test)
{
	prepare();
	TEST_EQ(test, gather(), NR);
	TEST_TRUE(test, smp_boot_await(&machine, &starts[0], AP_ARRIVED, 0));
	TEST_TRUE(test, !smp_boot_await(&machine, &starts[0], AP_READY, 1000000));
	starts[0].state = AP_READY;
	TEST_TRUE(test, smp_boot_await(&machine, &starts[0], AP_READY, 1000000));
}

static const struct test_case smp_boot_cases[] = {
	TEST_CASE(smp_boot_all_come),
	TEST_CASE(smp_boot_second_startup_counts),
	TEST_CASE(smp_boot_silent_cpu_is_abandoned),
	TEST_CASE(smp_boot_late_cpu_is_not_wanted),
	TEST_CASE(smp_boot_unfit_cpu_is_named),
	TEST_CASE(smp_boot_await_has_a_limit),
};
TEST_SUITE(smp_boot, smp_boot_cases);
