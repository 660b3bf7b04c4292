/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer: making up arguments. What an argument is, the call table says (its kind, and for
 * capabilities and numbers its name); each is valid most of the time, now and then almost, and
 * seldom just 64 bits. What would end the worker is rare, not excluded.
 */
#include "fuzz.h"

#include <exo/compiler.h>
#include <exo/string.h>
#include <generated/calls_kinds.h>
#include <libexo/program.h>
#include <uapi/exo/map.h>
#include <uapi/exo/sys.h>
#include <uapi/exo/thread.h>

#define SUICIDE 4096 /* a guess: once in so many times a slot that the worker lives on */
#define PAGE UINT64_C(4096)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Where capabilities of each type are, and those that others gave us. */
static const struct pool {
	uint32_t first, count, own, common;
} pools[] = {
	[EXO_TYPE_BANK] = { FUZZ_BANKS, 4, EXO_FIRST_BANK, FUZZ_COMMON_BANK },
	[EXO_TYPE_FRAME] = { FUZZ_FRAMES, 40, FUZZ_COMMON_FRAME, FUZZ_COMMON_FRAME },
	[EXO_TYPE_ENV] = { FUZZ_ENVS, 2, EXO_SELF, FUZZ_NEXT_ENV },
	[EXO_TYPE_THREAD] = { FUZZ_THREAD_SLOTS, 8, 0, 0 },
	[EXO_TYPE_NTF] = { FUZZ_NTFS, 4, FUZZ_COMMON_NTF, FUZZ_COMMON_NTF },
	[EXO_TYPE_EP] = { FUZZ_EPS, 4, FUZZ_COMMON_EP, FUZZ_COMMON_EP },
	[EXO_TYPE_CPU] = { EXO_FIRST_CPUS, 1, EXO_FIRST_CPUS, EXO_FIRST_CPUS },
	[EXO_TYPE_SYS] = { EXO_FIRST_SYS, 1, EXO_SELF, EXO_FIRST_SYS },
	[EXO_TYPE_IRQ] = { EXO_FIRST_IRQS, 1, EXO_FIRST_IRQS, EXO_FIRST_IRQS },
};

/* The call that is being made up. */
struct making {
	struct fuzz_maker *maker;
	struct fuzz_random *random;
	const struct exo_call_kinds *kinds;
	struct fuzz_call *call;
	unsigned int index; /* of the argument */
};

static const char *name_of(const struct making *m)
{
	return m->kinds->arguments[m->index];
}

static bool is_call(const struct making *m, unsigned int number)
{
	return m->kinds->number == number;
}

static uint64_t pick(struct making *m, const uint64_t *values, unsigned int nr)
{
	return values[fuzz_below(m->random, nr)];
}
#define PICK(m, ...)                                                   \
	({                                                             \
		static const uint64_t pick_values[] = { __VA_ARGS__ }; \
		pick(m, pick_values, ARRAY_SIZE(pick_values));         \
	})

/* --- capabilities and slots --------------------------------------------------------------------*/

static unsigned int any_type(struct making *m)
{
	return (unsigned int)PICK(m, EXO_TYPE_BANK, EXO_TYPE_FRAME, EXO_TYPE_FRAME, EXO_TYPE_FRAME,
				  EXO_TYPE_ENV, EXO_TYPE_THREAD, EXO_TYPE_NTF, EXO_TYPE_IRQ,
				  EXO_TYPE_EP);
}

/* The type that an argument is to be of, by its name. */
static unsigned int type_of(struct making *m)
{
	static const struct {
		const char *name;
		unsigned int type;
	} types[] = {
		{ "bank", EXO_TYPE_BANK },     { "from", EXO_TYPE_BANK },
		{ "to", EXO_TYPE_BANK },       { "env", EXO_TYPE_ENV },
		{ "ntf", EXO_TYPE_NTF },       { "cpu", EXO_TYPE_CPU },
		{ "thread", EXO_TYPE_THREAD }, { "sys", EXO_TYPE_SYS },
		{ "state", EXO_TYPE_FRAME },   { "irq", EXO_TYPE_IRQ },
		{ "ep", EXO_TYPE_EP },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(name_of(m), types[i].name) == 0)
			return types[i].type;
	return any_type(m);
}

static uint64_t slot_in(struct making *m, unsigned int type)
{
	return pools[type].first + fuzz_below(m->random, pools[type].count);
}

static bool is_quiet(const struct making *m)
{
	return !is_call(m, EXO_CALL_THREAD_STATE) && !is_call(m, EXO_CALL_THREAD_SCHED);
}

static uint64_t good_cap(struct making *m)
{
	const unsigned int type = type_of(m);

	if (fuzz_once_in(m->random, SUICIDE))
		return fuzz_below(m->random, EXO_FIRST_FREE);
	/* A reply. */
	if (is_call(m, EXO_CALL_IPC_SEND) && fuzz_once_in(m->random, 2))
		return EXO_SELF;
	/* A thread that stops itself, or lets all others go first, is found out only after a while.
	 */
	if (type == EXO_TYPE_THREAD)
		return fuzz_once_in(m->random, is_quiet(m) ? 32 : SUICIDE) ? EXO_SELF
									   : slot_in(m, type);
	/* What is taken back is taken from all: not what the worker lives on. */
	if (is_call(m, EXO_CALL_CAP_REVOKE) || fuzz_below(m->random, 8) < 2)
		return slot_in(m, type);
	/* Nor are there many copies of that, for the same reason. */
	if (is_call(m, EXO_CALL_CAP_COPY) && m->index == 0 && !fuzz_once_in(m->random, 256))
		return fuzz_once_in(m->random, 4) ? pools[type].common : slot_in(m, type);
	/* Slots may be empty, banks of the worker's own full: then little else would happen. */
	if (type == EXO_TYPE_FRAME && !fuzz_once_in(m->random, 4))
		return slot_in(m, type);
	return fuzz_once_in(m->random, 8) ? pools[type].common : pools[type].own;
}

/* Of another type, or where there is nothing, or never will be. */
static uint64_t odd_cap(struct making *m)
{
	if (fuzz_once_in(m->random, 2))
		return slot_in(m, any_type(m));
	return PICK(m, FUZZ_END, FUZZ_BANKS - 1, 32767, 32768, 0x100000000 + FUZZ_FRAMES,
		    UINT64_MAX, UINT64_MAX - 1);
}

/* Where a new capability goes: mostly where its type belongs. */
static uint64_t good_slot(struct making *m)
{
	unsigned int type = any_type(m);

	if (is_call(m, EXO_CALL_OBJECT_CREATE) && m->call->arguments[1] <= EXO_TYPE_NTF &&
	    pools[m->call->arguments[1]].count)
		type = (unsigned int)m->call->arguments[1];
	else if (is_call(m, EXO_CALL_BANK_CREATE))
		type = EXO_TYPE_BANK;
	else if (is_call(m, EXO_CALL_FRAME_ALLOC))
		type = EXO_TYPE_FRAME;
	else if (is_call(m, EXO_CALL_CAP_COPY))
		for (unsigned int i = EXO_TYPE_BANK; i <= EXO_TYPE_NTF; i++)
			if (m->call->arguments[0] - pools[i].first < pools[i].count)
				type = i;
	return slot_in(m, type);
}

/* --- numbers -----------------------------------------------------------------------------------*/

static uint64_t rights(struct making *m)
{
	return fuzz_once_in(m->random, 2) ? EXO_RIGHTS_ALL : fuzz_below(m->random, 64);
}

static uint64_t good_count(struct making *m)
{
	if (is_call(m, EXO_CALL_CAP_DELETE))
		return 1 + fuzz_below(m->random, 4);
	if (is_call(m, EXO_CALL_MAP))
		return 1 + fuzz_below(m->random, 6);
	if (is_call(m, EXO_CALL_BANK_CREATE) || is_call(m, EXO_CALL_BANK_MOVE))
		return fuzz_below(m->random, 24);
	return 1 + fuzz_below(m->random, 5);
}

static uint64_t node(struct making *m)
{
	return PICK(m, EXO_NODE_ANY, EXO_NODE_ANY, EXO_NODE_ANY, 0, 0, 1, 7);
}

/* By the argument's name; what one call knows by that name is meant for it. */
static uint64_t good_number(struct making *m)
{
	const char *name = name_of(m);

	if (strcmp(name, "how") == 0)
		return EXO_COPY(rights(m), fuzz_below(m->random, 4));
	if (strcmp(name, "arg") == 0 && is_call(m, EXO_CALL_CAP_COPY))
		return !fuzz_once_in(m->random, 4)
			       ? 0
			       : EXO_PART(fuzz_below(m->random, 4), fuzz_below(m->random, 4));
	if (strcmp(name, "arg") == 0)
		return fuzz_once_in(m->random, 8) ? fuzz_below(m->random, 4) : 0;
	if (strcmp(name, "mode") == 0)
		return fuzz_below(m->random, 2);
	if (strcmp(name, "node") == 0)
		return node(m);
	if (strcmp(name, "where") == 0)
		return EXO_WHERE(PICK(m, 0, 0, 0, 0, 1, 2, 4, 6), node(m));
	if (strcmp(name, "type") == 0)
		return PICK(m, EXO_TYPE_ENV, EXO_TYPE_THREAD, EXO_TYPE_NTF, EXO_TYPE_EP);
	if (strcmp(name, "what") == 0 && is_call(m, EXO_CALL_SYS_CTL))
		return fuzz_once_in(m->random, 2) ? EXO_SYS_CLOCK : fuzz_below(m->random, 6);
	if (strcmp(name, "what") == 0)
		return fuzz_below(m->random, 2);
	if (strcmp(name, "a") == 0)
		return slot_in(m, fuzz_once_in(m->random, 2) ? EXO_TYPE_NTF : EXO_TYPE_THREAD);
	if (strcmp(name, "line") == 0)
		return fuzz_once_in(m->random, 8) ? fuzz_below(m->random, 24)
						  : PICK(m, 5, 9, 10, 11);
	if (strcmp(name, "act") == 0)
		return fuzz_below(m->random, 4);
	return fuzz_next(m->random);
}

static uint64_t odd_number(struct making *m)
{
	const uint64_t good = good_number(m);

	return PICK(m, 0, 1, UINT64_MAX, 0x80000000, 0x100000000, 1, UINT64_MAX) ^
	       (fuzz_once_in(m->random, 2) ? good : 0);
}

static uint64_t odd_count(struct making *m)
{
	return PICK(m, 0, EXO_MAP_MAX, EXO_MAP_MAX + 1, EXO_RANGE_MAX, EXO_RANGE_MAX + 1, 5000,
		    UINT64_MAX, UINT64_C(1) << 52, 0x100000001);
}

/* Soon, so that no thread waits for long; or over. */
static uint64_t deadline(struct making *m)
{
	const uint64_t now = exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value;

	if (fuzz_once_in(m->random, 2))
		return PICK(m, 0, 1, 1000);
	return now + fuzz_below(m->random, 100000);
}

/* --- addresses ---------------------------------------------------------------------------------*/

/* Where nothing can be read or written, or not all of it. */
static uint64_t odd_address(struct making *m)
{
	const uint64_t edge = PICK(m, 0, 1, 7, 8, 24, 48, 160);

	switch (fuzz_below(m->random, 8)) {
	case 0:
		return FUZZ_EDGE_ADDRESS + PAGE - edge;
	case 1:
		return exo_program_info.user_end - edge;
	case 2:
		return (uint64_t)m->maker->buffer + edge;
	case 3:
		return (uint64_t)fuzz_make; /* can be read only */
	case 4:
		return FUZZ_MAP_ADDRESS + fuzz_below(m->random, 64) * PAGE - edge;
	default:
		return PICK(m, 0, 8, PAGE, 0x7fffffffffff, 0x800000000000, 0xffff800000000000,
			    0xffffffff80100000, UINT64_MAX, UINT64_MAX - 7, 0x8000000000000000);
	}
}

/* Where a thread begins, or its stack is. */
static uint64_t good_address(struct making *m)
{
	if (strcmp(name_of(m), "entry") == 0)
		return (uint64_t)fuzz_thread_code;
	return (uint64_t)(m->maker->buffer + ARRAY_SIZE(m->maker->buffer));
}

static void make_map_op(struct making *m, struct exo_map_op *op)
{
	*op = (struct exo_map_op){ .slot = (uint32_t)slot_in(m, EXO_TYPE_FRAME),
				   .count = 1 + (uint32_t)fuzz_below(m->random, 3) };
	op->act = (uint16_t)fuzz_below(m->random, 3);
	if (op->act == EXO_MAP)
		op->address = FUZZ_MAP_ADDRESS + fuzz_below(m->random, 2048) * PAGE;
	if (op->act != EXO_UNMAP)
		op->rights = (uint16_t)PICK(m, 1, 3, 3, 5);
	if (!fuzz_once_in(m->random, 12))
		return;
	switch (fuzz_below(m->random, 6)) {
	case 0:
		op->address = odd_address(m);
		break;
	case 1:
		op->rights = (uint16_t)fuzz_next(m->random);
		break;
	case 2:
		op->count = (uint32_t)odd_count(m);
		break;
	case 3:
		op->slot = (uint32_t)odd_cap(m);
		break;
	case 4:
		op->reserved = 1;
		break;
	default:
		op->act = (uint16_t)fuzz_next(m->random);
	}
}

/* Only where there is code of ours that needs nothing, or nothing at all. */
static void make_registers(struct making *m, struct exo_registers *registers)
{
	uint64_t *words = (uint64_t *)registers;

	for (unsigned int i = 0; i < sizeof(*registers) / sizeof(words[0]); i++)
		words[i] = fuzz_next(m->random);
	registers->rip = fuzz_once_in(m->random, 4) ? odd_address(m) : (uint64_t)fuzz_thread_code;
	if (registers->rip == (uint64_t)fuzz_make)
		registers->rip = 0;
	registers->rsp = odd_address(m);
	registers->rflags = fuzz_next(m->random);
	registers->fs_base = fuzz_next(m->random) >> fuzz_below(m->random, 64);
	registers->gs_base = fuzz_next(m->random) >> fuzz_below(m->random, 64);
}

static void make_sched(struct making *m, struct exo_sched *sched)
{
	memset(sched, 0, sizeof(*sched));
	sched->priority = (uint32_t)fuzz_below(m->random, 256);
	sched->shares = 1 + (uint32_t)fuzz_below(m->random, 10000);
	sched->affinity[0] = fuzz_below(m->random, 8);
	if (!fuzz_once_in(m->random, 4))
		return;
	sched->priority = (uint32_t)PICK(m, 0, 255, 256, 0xffffffff);
	sched->shares = (uint32_t)fuzz_next(m->random);
	sched->period = fuzz_next(m->random) >> fuzz_below(m->random, 64);
	sched->budget = fuzz_next(m->random) >> fuzz_below(m->random, 64);
	sched->deadline = fuzz_next(m->random) >> fuzz_below(m->random, 64);
	sched->affinity[3] = fuzz_next(m->random);
}

/* What calls read; what they write goes over it. */
static uint64_t good_pointer(struct making *m)
{
	uint64_t *buffer = m->maker->buffer;

	if (is_call(m, EXO_CALL_MAP))
		for (unsigned int i = 0; i < 7; i++)
			make_map_op(m, (struct exo_map_op *)buffer + i);
	else if (is_call(m, EXO_CALL_THREAD_STATE))
		make_registers(m, (struct exo_registers *)buffer);
	else if (is_call(m, EXO_CALL_THREAD_SCHED))
		make_sched(m, (struct exo_sched *)buffer);
	return (uint64_t)buffer;
}

/* A message whose wait has an end, with its words: the state page has what belongs to it. */
static uint64_t good_tag(struct making *m)
{
	for (unsigned int i = 2; i < 6; i++)
		m->call->arguments[i] = fuzz_next(m->random);
	return EXO_TAG(fuzz_next(m->random), fuzz_below(m->random, 140)) | EXO_TAG_DEADLINE |
	       (fuzz_once_in(m->random, 4) ? EXO_TAG_GRANT : 0);
}

/* --- all of them -------------------------------------------------------------------------------*/

static uint64_t good(struct making *m, unsigned int kind)
{
	switch (kind) {
	case EXO_ARGUMENT_CAP:
		return good_cap(m);
	case EXO_ARGUMENT_SLOT:
		return good_slot(m);
	case EXO_ARGUMENT_IN:
	case EXO_ARGUMENT_OUT:
		return good_pointer(m);
	case EXO_ARGUMENT_TEXT:
		return FUZZ_EDGE_ADDRESS + PAGE - 1; /* nothing that could be read on a console */
	case EXO_ARGUMENT_SIZE:
		return 0;
	case EXO_ARGUMENT_COUNT:
		return good_count(m);
	case EXO_ARGUMENT_ADDRESS:
		return good_address(m);
	case EXO_ARGUMENT_PHYSICAL:
		return fuzz_once_in(m->random, 8) ? fuzz_below(m->random, 65536) * PAGE
						  : EXO_HINT_NONE;
	case EXO_ARGUMENT_TIME:
		return deadline(m);
	case EXO_ARGUMENT_BITS:
		return fuzz_once_in(m->random, 2) ? UINT64_MAX : fuzz_next(m->random);
	case EXO_ARGUMENT_TAG:
		return good_tag(m);
	default:
		return good_number(m);
	}
}

static uint64_t odd(struct making *m, unsigned int kind)
{
	switch (kind) {
	case EXO_ARGUMENT_CAP:
	case EXO_ARGUMENT_SLOT:
		return odd_cap(m);
	case EXO_ARGUMENT_IN:
	case EXO_ARGUMENT_OUT:
		(void)good_pointer(m);
		return odd_address(m);
	case EXO_ARGUMENT_ADDRESS:
		return odd_address(m);
	case EXO_ARGUMENT_TEXT:
		return PICK(m, 0, FUZZ_EDGE_ADDRESS + PAGE, 0xffffffff80100000, UINT64_MAX);
	case EXO_ARGUMENT_COUNT:
		return odd_count(m);
	case EXO_ARGUMENT_SIZE:
		return PICK(m, 2, 255, 256, 257, 4096, 4097, UINT64_MAX);
	case EXO_ARGUMENT_PHYSICAL:
		return PICK(m, 0, 1, 0xfff, 0xfee00000, UINT64_C(1) << 46, UINT64_C(1) << 52,
			    UINT64_MAX - 4095);
	case EXO_ARGUMENT_TIME:
		return deadline(m);
	case EXO_ARGUMENT_BITS:
		return PICK(m, 0, 1, UINT64_C(1) << 63);
	case EXO_ARGUMENT_TAG:
		return good_tag(m) | UINT64_C(1) << fuzz_below(m->random, 64);
	default:
		return odd_number(m);
	}
}

/* 64 bits; but never a wait without end, nor a text on the console. */
static uint64_t wild(struct making *m, unsigned int kind)
{
	if (kind == EXO_ARGUMENT_TIME || kind == EXO_ARGUMENT_TEXT || kind == EXO_ARGUMENT_SIZE)
		return odd(m, kind);
	if (kind == EXO_ARGUMENT_TAG)
		return fuzz_next(m->random) | EXO_TAG_DEADLINE;
	return fuzz_next(m->random) >> (fuzz_once_in(m->random, 2) ? 0 : fuzz_below(m->random, 64));
}

/* A number that no call has, or a foreign call. */
static void make_unknown(struct making *m)
{
	m->call->number = fuzz_next(m->random) >> fuzz_below(m->random, 48);
	for (unsigned int i = 0; i < ARRAY_SIZE(exo_call_kinds); i++)
		if ((uint32_t)m->call->number == (EXO_CALL_OURS | exo_call_kinds[i].number))
			m->call->number = EXO_CALL_OURS | 31 << 5;
	for (unsigned int i = 0; i < 6; i++)
		m->call->arguments[i] = fuzz_next(m->random);
}

static const struct exo_call_kinds *kinds_of(unsigned int number)
{
	unsigned int i = 0;

	while (exo_call_kinds[i].number != number)
		i++;
	return &exo_call_kinds[i];
}

void fuzz_make(struct fuzz_maker *maker, struct fuzz_call *call)
{
	struct making m = { .maker = maker, .random = &maker->random, .call = call };

	memset(call, 0, sizeof(*call));
	if (fuzz_once_in(m.random, 128)) {
		make_unknown(&m);
		return;
	}
	m.kinds = &exo_call_kinds[fuzz_below(m.random, ARRAY_SIZE(exo_call_kinds))];
	/* Who may have a call now, answers it, or its caller would seldom see that. */
	if (maker->waited && !fuzz_once_in(m.random, 4))
		m.kinds = kinds_of(fuzz_once_in(m.random, 2) ? EXO_CALL_IPC_SEND
							     : EXO_CALL_IPC_REPLY_WAIT);
	maker->waited = is_call(&m, EXO_CALL_IPC_WAIT);
	/* These two take long. */
	if ((is_call(&m, EXO_CALL_NTF_WAIT) || is_call(&m, EXO_CALL_DEBUG_WRITE)) &&
	    !fuzz_once_in(m.random, 8))
		m.kinds = kinds_of(EXO_CALL_MAP);
	/* These two need no frequent test. */
	if ((is_call(&m, EXO_CALL_NULL) || is_call(&m, EXO_CALL_UPCALL_RESUME)) &&
	    !fuzz_once_in(m.random, 4))
		m.kinds = kinds_of(fuzz_once_in(m.random, 2) ? EXO_CALL_CAP_COPY
							     : EXO_CALL_CAP_DELETE);
	/* More is made than unmade, or there would be nothing to unmake. */
	if ((is_call(&m, EXO_CALL_CAP_DELETE) || is_call(&m, EXO_CALL_CAP_REVOKE)) &&
	    fuzz_once_in(m.random, 3))
		m.kinds = kinds_of(EXO_CALL_FRAME_ALLOC);
	call->number = EXO_CALL_OURS | m.kinds->number;
	maker->sum = (maker->sum ^ call->number) * FNV_PRIME;
	for (m.index = 0; m.index < m.kinds->nr_arguments; m.index++) {
		const unsigned int kind = m.kinds->kinds[m.index];
		const uint64_t how = fuzz_below(m.random, 64);

		if (how < 58)
			call->arguments[m.index] = good(&m, kind);
		else
			call->arguments[m.index] = how < 63 ? odd(&m, kind) : wild(&m, kind);
		if (kind != EXO_ARGUMENT_TIME)
			maker->sum = (maker->sum ^ call->arguments[m.index]) * FNV_PRIME;
	}
}
