/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the ABI share. Each case begins with abi_begin(), which takes back whatever the
 * case before has left, so that a failed one disturbs no other. A case has a window of slots to
 * itself: slot 0 of it has a bank, the others are empty.
 */
#ifndef TESTS_USER_ABI_H
#define TESTS_USER_ABI_H

#include <exo/compiler.h>
#include <exo/test.h>
#include <libexo/exo.h>
#include <libexo/pages.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <stdbool.h>
#include <uapi/exo/info.h>
#include <uapi/exo/map.h>
#include <uapi/exo/sys.h>

#define ABI_SLOTS 1024u /* of the window */
#define ABI_ADDRESS UINT64_C(0x20000000000) /* from here on a case may map what it likes */
#define ABI_RW (EXO_RIGHT_R | EXO_RIGHT_W)
#define ABI_RX (EXO_RIGHT_R | EXO_RIGHT_X)
#define ABI_WX (EXO_RIGHT_R | EXO_RIGHT_W | EXO_RIGHT_X)
#define ABI_PATIENCE UINT64_C(20000000000) /* ns: what has not happened by then will not */
#define MS UINT64_C(1000000)

/* The same program is linked into a flat kernel, which has one environment and no user mode.
 * ABI_CALL: a call in assembler, with the arguments where exo_flat_call or SYSCALL wants them. */
#ifdef EXO_FLAT
#define ABI_FLAT true
#define ABI_CALL(number) "mov $" #number ", %%eax\n\tcall exo_flat_call\n\t"
#else
#define ABI_FLAT false
#define ABI_CALL(number) "mov $0x80000000 + " #number ", %%eax\n\tsyscall\n\t"
#endif
#define ABI_NEEDS_ENV(test)                                                   \
	do {                                                                  \
		if (ABI_FLAT)                                                 \
			TEST_SKIP(test, "a flat kernel has one environment"); \
	} while (0)
#define ABI_NEEDS_FPU(test)                              \
	do {                                             \
		if (!IS_ENABLED(CONFIG_FPU))             \
			TEST_SKIP(test, "CONFIG_FPU=n"); \
	} while (0)
#define ABI_NEEDS_USER_MODE(test)                                                   \
	do {                                                                        \
		if (ABI_FLAT)                                                       \
			TEST_SKIP(test, "a flat kernel's program can do anything"); \
	} while (0)

/* The slot number @index of the window. Slot 0 of it: the case's bank. */
exo_cap_t abi_slot(unsigned int index);
#define ABI_BANK abi_slot(0)

/* Has the kernel look at its state, empties the window, and puts a bank of @frames into its first
 * slot. */
int abi_begin(uint64_t frames);
#define ABI_BEGIN(test, frames) TEST_EQ(test, abi_begin(frames), 0)

/* Has the kernel look at its state: 0 if it makes sense. */
int64_t abi_audit(void);

/* main()'s: takes the window. */
int abi_init(void);

/* What cap_stat() says; all 0 if it fails. */
struct exo_cap_info abi_stat(exo_cap_t slot);
uint64_t abi_used(exo_cap_t bank); /* frames in use */

/* Takes all back that came from a capability; what cap_revoke() answers in the end. */
int64_t abi_revoke(exo_cap_t slot);

/* @count single frames of the case's bank into slots from abi_slot(@index) on. */
int64_t abi_frames(unsigned int index, uint64_t count);
int64_t abi_make(enum exo_type type, unsigned int index);
int64_t abi_copy(unsigned int from, unsigned int to, unsigned int rights);

/* One operation on the own address space. */
int64_t abi_map(unsigned int act, unsigned int index, uint32_t count, uint64_t address,
		unsigned int rights);

uint64_t abi_now(void);
void abi_sleep(uint64_t ns);

/* Waits for what must come to pass, and fails if it does not. */
void abi_patience(void);
bool abi_patient(void); /* sleeps a little, and lets the kernel end what is to be ended */
#define ABI_UNTIL(test, condition)                      \
	do {                                            \
		abi_patience();                         \
		while (!(condition))                    \
			TEST_TRUE(test, abi_patient()); \
	} while (0)

/* Until a thread waits in a call: 0. */
int abi_until_waits(exo_cap_t thread);

/* --- faults and events of the main thread (abi_fault.c) ----------------------------------------*/

enum abi_access { ABI_READ, ABI_WRITE, ABI_EXECUTE };

/* What the last fault in abi_try() was. */
struct abi_fault {
	uint64_t cause, error, address;
};
extern struct abi_fault abi_fault;

/* Does one access: true, or false if it faulted. What is executed is a RET. */
bool abi_try(enum abi_access access, uint64_t address);

/* Upcalls that were events, and the bits of pending that they have seen and cleared. */
extern volatile uint64_t abi_events;
extern volatile uint32_t abi_event_bits;

/* Has the main thread's upcalls come here. @wanted: enum exo_event. */
void abi_upcalls(uint32_t wanted);
#define ABI_STATE ((struct exo_state_page *)EXO_STATE_ADDRESS)

#endif
