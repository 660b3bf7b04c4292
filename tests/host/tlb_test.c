/* SPDX-License-Identifier: MIT */
/*
 * The choice of TLB flushes with every combination of features, against a model of what each of
 * them reaches (SDM vol. 3, 4.10.4). QEMU's TCG has neither PCIDs nor INVPCID: this is where they
 * are tested.
 */
#include <exo/test.h>
#include <exo/tlb.h>

#define LOW 0x400000ull
#define HIGH 0xffffc00000000000ull

static struct page_table space;
static struct page_batch batch;

/* Everything that the decision depends on, one value for each combination. */
#define COMBINATIONS (1u << 9)

struct situation {
	struct tlb_features features;
	bool current, lower, upper, tables;
	unsigned int addresses; /* 0, few, or too many */
};

static struct situation situation(unsigned int number)
{
	static const unsigned int addresses[] = { 0, 1, TLB_ADDRESSES_MAX, TLB_ADDRESSES_MAX + 1 };
	const struct situation s = {
		.features = { .global = number & 1, .pcid = number & 2, .invpcid = number & 4 },
		.current = number & 8,
		.lower = number & 16,
		.upper = number & 32,
		.tables = number & 64,
		.addresses = addresses[number >> 7 & 3],
	};

	return s;
}

/* Situations that cannot be: INVPCID without PCIDs, changes in no half, tables without changes. */
static bool possible(const struct situation *s)
{
	if (s->features.invpcid && !s->features.pcid)
		return false;
	return (s->lower || s->upper) && (s->addresses || !s->tables);
}

static enum tlb_action decide(const struct situation *s)
{
	batch.space = &space;
	batch.lower = s->lower;
	batch.upper = s->upper;
	batch.tables = s->tables ? 0x1000 : 0;
	batch.all = false;
	batch.nr_runs = 0;
	if (s->addresses) {
		batch.nr_runs = 2;
		batch.runs[0] = (struct page_run){ LOW, LOW + (s->addresses - 1) * PAGE_SIZE };
		batch.runs[1] = (struct page_run){ HIGH, HIGH + PAGE_SIZE };
	}
	return tlb_decide(&batch, s->current, &s->features);
}

/* What an action leaves alone that the TLB of a CPU may still hold. */
enum kept {
	KEPT_LOWER = 1, /* translations of the lower half, under the space's own PCID */
	KEPT_LOWER_TABLES = 2, /* ways to its tables */
	KEPT_UPPER = 4, /* translations of the upper half, under the current PCID */
	KEPT_UPPER_TABLES = 8,
	KEPT_OTHERS = 16, /* of the upper half, under other PCIDs */
	KEPT_OTHERS_TABLES = 32,
	KEPT_EVERYTHING = 63,
};

static unsigned int kept(const struct situation *s, enum tlb_action action)
{
	const unsigned int own = KEPT_LOWER | KEPT_LOWER_TABLES;
	const unsigned int upper = KEPT_UPPER | KEPT_UPPER_TABLES;
	unsigned int left = KEPT_EVERYTHING;

	/* Under no PCID but the current one is anything kept that is not global. */
	if (!s->features.pcid)
		left &= ~(unsigned int)(KEPT_OTHERS | KEPT_OTHERS_TABLES | (s->current ? 0 : own));
	switch (action) {
	case TLB_NOTHING:
	case TLB_LATER: /* the switch does it; nobody else has used what it flushes */
		return action == TLB_LATER ? left & ~own : left;
	case TLB_ADDRESSES:
		left &= ~(upper | (s->current ? own : 0));
		return s->features.global ? left & ~(unsigned int)KEPT_OTHERS : left;
	case TLB_SPACE:
		left &= ~(unsigned int)(KEPT_UPPER_TABLES | (s->current ? own : 0));
		return s->features.global ? left : left & ~(unsigned int)KEPT_UPPER;
	case TLB_ADDRESSES_PCID:
	case TLB_SPACE_PCID:
		return left & ~own;
	case TLB_ALL:
	case TLB_ALL_TOGGLE:
		return 0;
	}
	return left;
}

static void tlb_flushes_all_that_has_changed(struct test *test)
{
	for (unsigned int i = 0; i < COMBINATIONS; i++) {
		const struct situation s = situation(i);
		unsigned int must_go = 0;

		if (!possible(&s) || !s.addresses)
			continue;
		if (s.lower)
			must_go |= KEPT_LOWER | (s.tables ? KEPT_LOWER_TABLES : 0);
		if (s.upper)
			must_go |= KEPT_UPPER | KEPT_OTHERS |
				   (s.tables ? KEPT_UPPER_TABLES | KEPT_OTHERS_TABLES : 0);
		TEST_EQ(test, kept(&s, decide(&s)) & must_go, 0);
	}
}

static void tlb_uses_only_what_the_cpu_has(struct test *test)
{
	for (unsigned int i = 0; i < COMBINATIONS; i++) {
		const struct situation s = situation(i);
		const enum tlb_action action = possible(&s) ? decide(&s) : TLB_NOTHING;
		const bool invpcid = action == TLB_ALL || action == TLB_SPACE_PCID ||
				     action == TLB_ADDRESSES_PCID;

		TEST_TRUE(test, !invpcid || s.features.invpcid);
		/* A CPU with PCIDs has CR4.PGE, too, whatever the configuration does with it. */
		TEST_TRUE(test, action != TLB_ALL_TOGGLE || s.features.global || s.features.pcid);
		TEST_TRUE(test, action != TLB_LATER || (s.features.pcid && !s.current && !s.upper));
	}
}

/* Few addresses are flushed one by one wherever that is enough, and never more than that. */
static void tlb_flushes_no_more_than_it_must(struct test *test)
{
	for (unsigned int i = 0; i < COMBINATIONS; i++) {
		const struct situation s = situation(i);
		enum tlb_action action;

		if (!possible(&s))
			continue;
		action = decide(&s);
		if (!s.addresses) {
			TEST_EQ(test, action, TLB_NOTHING);
			continue;
		}
		if (!s.upper) {
			TEST_TRUE(test, action != TLB_ALL && action != TLB_ALL_TOGGLE);
			TEST_TRUE(test, s.current || s.features.pcid || action == TLB_NOTHING);
		}
		if (s.addresses > TLB_ADDRESSES_MAX)
			TEST_TRUE(test, action != TLB_ADDRESSES && action != TLB_ADDRESSES_PCID);
		else if (s.current && !s.upper)
			TEST_EQ(test, action, TLB_ADDRESSES);
		else if (s.upper && (!s.features.pcid ||
				     (s.features.global && !s.tables && (s.current || !s.lower))))
			TEST_EQ(test, action, TLB_ADDRESSES);
	}
}

static void tlb_too_many_runs_flush_everything(struct test *test)
{
	const struct situation one = { .current = true, .lower = true, .addresses = 1 };
	const struct tlb_features features = { .pcid = true, .invpcid = true };

	TEST_EQ(test, decide(&one), TLB_ADDRESSES);
	batch.all = true;
	TEST_EQ(test, tlb_decide(&batch, true, &one.features), TLB_SPACE);
	TEST_EQ(test, tlb_decide(&batch, false, &features), TLB_SPACE_PCID);
	batch.nr_runs = 0; /* merged pages are in no run */
	TEST_EQ(test, tlb_decide(&batch, true, &one.features), TLB_SPACE);
}

static void tlb_cr3_has_the_pcid(struct test *test)
{
	const struct page_table root = { .root = 0x123456000, .pcid = 0xabc };
	const struct tlb_features with = { .pcid = true }, without = { .global = true };

	TEST_EQ(test, tlb_cr3(&root, false, &with), 0x123456abc);
	TEST_EQ(test, tlb_cr3(&root, true, &with), 0x8000000123456abc);
	TEST_EQ(test, tlb_cr3(&root, false, &without), 0x123456000);
	TEST_EQ(test, tlb_cr3(&root, true, &without), 0x123456000);
}

static const struct test_case tlb_cases[] = {
	TEST_CASE(tlb_flushes_all_that_has_changed),
	TEST_CASE(tlb_uses_only_what_the_cpu_has),
	TEST_CASE(tlb_flushes_no_more_than_it_must),
	TEST_CASE(tlb_too_many_runs_flush_everything),
	TEST_CASE(tlb_cr3_has_the_pcid),
};
TEST_SUITE(tlb, tlb_cases);
