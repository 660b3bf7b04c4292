/* SPDX-License-Identifier: MIT */
/*
 * What goes over with a message: the words that were sent, and nothing else of the sender, neither
 * in registers nor in the state page. The partner is a thread of another environment that makes one
 * call and stops (hostile.h).
 */
#include "hostile.h"

#include <exo/string.h>

#define ENV_EP 20u /* a slot of that environment */
#define OUR_EP abi_slot(20)
#define SENT 3u /* words in the state page */
#define FILL UINT64_C(0x5ca1ab1e)

static struct hostile_end end;
static struct exo_registers in;
static struct exo_state_page before;
static struct exo_state_page *const theirs =
	(struct exo_state_page *)HOSTILE_HERE(HOSTILE_STATE_SLOT);

/* Starts it with a call, and waits until it is in that. */
static int start(uint64_t number)
{
	static const uint8_t code[] = { 0x0f, 0x05 }; /* syscall */
	int64_t error;

	for (unsigned int i = 0; i < sizeof(in) / 8; i++)
		((uint64_t *)&in)[i] = UINT64_C(0x5a0000001100) + i * 0x1010101;
	in.rsp = HOSTILE_STACK + EXO_PAGE / 2;
	in.rflags = 0x202;
	in.rax = EXO_CALL_OURS | number;
	in.rdi = ENV_EP;
	in.rsi = EXO_TAG(3, EXO_MESSAGE_REGISTERS);
	error = hostile_begin(HOSTILE_CODE);
	if (!error)
		error = abi_make(EXO_TYPE_EP, 20);
	if (!error)
		error = exo_cap_copy(OUR_EP, abi_slot(HOSTILE_ENV), ENV_EP, EXO_RIGHTS_ALL, 0)
				.error;
	if (!error)
		error = hostile_start(code, sizeof(code), 0, &in);
	abi_sleep(5 * MS);
	for (unsigned int i = 0; i < EXO_MESSAGE_MORE; i++)
		theirs->message[i] = FILL + i;
	before = *theirs;
	return (int)error;
}

/* A message with words of its own. */
static void fill(struct exo_message *m)
{
	const unsigned int more = CONFIG_IPC_WORDS < SENT ? CONFIG_IPC_WORDS : SENT;

	m->tag = EXO_TAG(9, EXO_MESSAGE_REGISTERS + more);
	for (unsigned int i = 0; i < EXO_MESSAGE_REGISTERS; i++)
		m->words[i] = 1000 + i;
	for (unsigned int i = 0; i < EXO_MESSAGE_MORE; i++)
		ABI_STATE->message[i] = 2000 + i;
}

static bool only_words_came(const struct exo_message *m)
{
	const unsigned int more = EXO_TAG_WORDS(m->tag) - EXO_MESSAGE_REGISTERS;
	struct exo_registers expected = in;

	expected.rax = 0;
	expected.rdi = 0; /* no badge */
	expected.rsi = m->tag;
	expected.rdx = m->words[0];
	expected.r10 = m->words[1];
	expected.r8 = m->words[2];
	expected.r9 = m->words[3];
	expected.r12 = m->words[4];
	expected.r13 = m->words[5];
	expected.rcx = end.registers.rcx;
	expected.r11 = end.registers.r11;
	for (unsigned int i = 0; i < EXO_MESSAGE_MORE; i++)
		if (theirs->message[i] != (i < more ? 2000 + i : FILL + i))
			return false;
	return memcmp(&expected, &end.registers, offsetof(struct exo_registers, rip)) == 0 &&
	       end.rcx == HOSTILE_CODE + 2 && (end.r11 & ~UINT64_C(0x10000)) == (end.r11 & 0x202) &&
	       end.registers.fs_base == in.fs_base && end.registers.gs_base == in.gs_base;
}

/* Of the rest only what the fault at the end writes. */
static bool state_is_kept(void)
{
	return memcmp(&theirs->nr_requests, &before.nr_requests,
		      offsetof(struct exo_state_page, message) -
			      offsetof(struct exo_state_page, nr_requests)) == 0 &&
	       memcmp(theirs, &before, offsetof(struct exo_state_page, disabled)) == 0;
}

static void exchange(struct test *test, uint64_t number)
{
	struct exo_message m = { 0 };

	ABI_BEGIN(test, 200);
	TEST_EQ(test, start(number), 0);
	if (number == EXO_CALL_IPC_CALL) {
		TEST_EQ(test, exo_ipc_wait(OUR_EP, &m).error, 0);
		TEST_EQ(test, m.tag, in.rsi);
		TEST_EQ(test, m.words[4], in.r12);
		fill(&m);
		TEST_EQ(test, exo_ipc_send(EXO_SELF, &m).error, 0);
	} else {
		fill(&m);
		TEST_EQ(test, exo_ipc_send(OUR_EP, &m).error, 0);
	}
	TEST_EQ(test, exo_ntf_wait(abi_slot(HOSTILE_NTF), 1, abi_now() + ABI_PATIENCE).value, 1);
	hostile_look(&end);
	TEST_TRUE(test, only_words_came(&m));
	TEST_TRUE(test, state_is_kept());
	TEST_EQ(test, hostile_kill(), 0);
}

static void ipc_leaks_nothing_to_who_receives(struct test *test)
{
	ABI_NEEDS_ENV(test);
	exchange(test, EXO_CALL_IPC_WAIT);
	exchange(test, EXO_CALL_IPC_REPLY_WAIT);
}

static void ipc_leaks_nothing_to_who_calls(struct test *test)
{
	ABI_NEEDS_ENV(test);
	exchange(test, EXO_CALL_IPC_CALL);
}

static const struct test_case ipc_leak_cases[] = {
	TEST_CASE(ipc_leaks_nothing_to_who_receives),
	TEST_CASE(ipc_leaks_nothing_to_who_calls),
};
TEST_SUITE(user_ipc_leak, ipc_leak_cases);
