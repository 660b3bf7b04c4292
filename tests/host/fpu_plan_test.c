/* SPDX-License-Identifier: MIT */
/* What FPU state is kept, on CPUs of several makes and ages. */
#include "../../arch/x86_64/fpu_plan.h"

#include <exo/string.h>
#include <exo/test.h>

/* The CPU that read() plays. */
static struct {
	const char *vendor;
	uint32_t highest; /* basic leaf */
	bool xsave, xsaveopt, restores_pointers;
	uint32_t highest_extended;
	uint32_t components; /* XCR0's possible bits */
	uint32_t avx512_at; /* where its first component lies: AMD's CPUs leave no gap for MPX */
} cpu;

static void play(const char *vendor, bool xsave, uint32_t components)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.vendor = vendor;
	cpu.highest = 0x1f;
	cpu.highest_extended = 0x80000008;
	cpu.xsave = xsave;
	cpu.components = components;
	cpu.avx512_at = 1088;
}

/* Offset and size of each component as Intel's CPUs have them. */
static struct cpuid_regs component(uint32_t number)
{
	static const struct {
		uint32_t size, offset;
	} places[] = {
		[2] = { 256, 576 }, [3] = { 64, 960 },	 [4] = { 64, 1024 },
		[5] = { 64, 0 },    [6] = { 512, 64 },	 [7] = { 1024, 576 },
		[9] = { 8, 2688 },  [17] = { 64, 2752 }, [18] = { 8192, 2816 },
	};
	struct cpuid_regs regs = { 0 };

	if (number < ARRAY_SIZE(places) && cpu.components >> number & 1) {
		regs.eax = places[number].size;
		regs.ebx = places[number].offset;
		if (number >= 5 && number <= 7)
			regs.ebx += cpu.avx512_at;
	}
	return regs;
}

/* A leaf that this CPU does not have answers with all ones. */
static struct cpuid_regs read(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs regs = { 0 };

	if (leaf > (leaf & 0x80000000 ? cpu.highest_extended : cpu.highest))
		return (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u };
	if (leaf == 0) {
		regs.eax = cpu.highest;
		memcpy(&regs.ebx, cpu.vendor, 4);
	} else if (leaf == 1) {
		regs.ecx = ~(1u << 26) | (uint32_t)cpu.xsave << 26;
	} else if (leaf == 0xd && subleaf >= 2) {
		regs = component(subleaf);
	} else if (leaf == 0xd) {
		regs.eax = subleaf ? 0xeu | cpu.xsaveopt : cpu.components;
	} else if (leaf == 0x80000000) {
		regs.eax = cpu.highest_extended;
	} else if (leaf == 0x80000008) {
		regs.ebx = ~4u | (uint32_t)cpu.restores_pointers << 2;
	}
	return regs;
}

static struct fpu_plan plan;

static void fpu_plan_old_cpu(struct test *test)
{
	play("GenuineIntel", false, 7);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.method, FPU_BY_FXSAVE);
	TEST_EQ(test, plan.size, 512);
	TEST_EQ(test, plan.components, 0);
	TEST_TRUE(test, !plan.keeps_pointers);
	/* Leaf 0xD, all ones, must not be believed. */
	play("GenuineIntel", true, 7);
	cpu.highest = 0xc;
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.method, FPU_BY_FXSAVE);
}

static void fpu_plan_fxsave_by_choice(struct test *test)
{
	play("GenuineIntel", true, 7);
	cpu.xsaveopt = true;
	fpu_plan_make(&plan, false, read);
	TEST_EQ(test, plan.method, FPU_BY_FXSAVE);
	TEST_EQ(test, plan.size, 512);
}

static void fpu_plan_takes_the_best_method(struct test *test)
{
	play("GenuineIntel", true, 7);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.method, FPU_BY_XSAVE);
	TEST_EQ(test, plan.components, 7);
	TEST_EQ(test, plan.size, 832);
	cpu.xsaveopt = true;
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.method, FPU_BY_XSAVEOPT);
}

static void fpu_plan_sizes(struct test *test)
{
	play("GenuineIntel", true, 3);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.components, 3);
	TEST_EQ(test, plan.size, 576);
	/* Everything there is: AVX-512 yes; MPX, protection keys and AMX no. */
	play("GenuineIntel", true, 0x602ff);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.components, 0xe7);
	TEST_EQ(test, plan.size, 2688);
	play("AuthenticAMD", true, 0x2e7);
	cpu.avx512_at = 832;
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.components, 0xe7);
	TEST_EQ(test, plan.size, 2432);
}

static void fpu_plan_refuses_halves(struct test *test)
{
	/* XCR0 with AVX-512 but not AVX, or a part of AVX-512, is a general-protection fault. */
	play("GenuineIntel", true, 0xe3);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.components, 3);
	play("GenuineIntel", true, 0x67);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.components, 7);
	TEST_EQ(test, plan.size, 832);
	play("GenuineIntel", true, 1);
	fpu_plan_make(&plan, true, read);
	TEST_EQ(test, plan.method, FPU_BY_FXSAVE);
}

static void fpu_plan_clears_pointers_where_needed(struct test *test)
{
	play("AuthenticAMD", true, 7);
	fpu_plan_make(&plan, true, read);
	TEST_TRUE(test, plan.keeps_pointers);
	cpu.restores_pointers = true;
	fpu_plan_make(&plan, true, read);
	TEST_TRUE(test, !plan.keeps_pointers);
	cpu.highest_extended = 0x80000007;
	fpu_plan_make(&plan, false, read);
	TEST_TRUE(test, plan.keeps_pointers);
	play("HygonGenuine", false, 3);
	fpu_plan_make(&plan, true, read);
	TEST_TRUE(test, plan.keeps_pointers);
}

static void fpu_plan_initial_image(struct test *test)
{
	uint8_t area[FPU_IMAGE_SIZE + 1];

	memset(area, 0xa5, sizeof(area));
	fpu_plan_initial(area);
	TEST_EQ(test, area[0] | area[1] << 8, 0x37f);
	TEST_EQ(test, area[24] | area[25] << 8, 0x1f80);
	for (unsigned int i = 2; i < FPU_IMAGE_SIZE; i++)
		if (i != 24 && i != 25)
			TEST_EQ(test, area[i], 0);
	TEST_EQ(test, area[FPU_IMAGE_SIZE], 0xa5);
}

static const struct test_case fpu_plan_cases[] = {
	TEST_CASE(fpu_plan_old_cpu),
	TEST_CASE(fpu_plan_fxsave_by_choice),
	TEST_CASE(fpu_plan_takes_the_best_method),
	TEST_CASE(fpu_plan_sizes),
	TEST_CASE(fpu_plan_refuses_halves),
	TEST_CASE(fpu_plan_clears_pointers_where_needed),
	TEST_CASE(fpu_plan_initial_image),
};
TEST_SUITE(fpu_plan, fpu_plan_cases);
