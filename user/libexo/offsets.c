/* SPDX-License-Identifier: MIT */
/*
 * Constants of the ABI that NASM needs. Compiled to assembly only; the build turns each
 * "@define NAME value" into a line of generated/user-offsets.inc.
 */
#include <libexo/exo.h>
#include <libexo/upcall.h>

#define DEFINE(name, value) \
	__asm__ volatile(".ascii \"@define " #name " %c0\"" : : "i"((uint64_t)(value)))

void user_offsets(void);

void user_offsets(void)
{
	DEFINE(USER_FRAME_STATE, offsetof(struct exo_upcall_frame, state));
	DEFINE(USER_FRAME_HANDLER, offsetof(struct exo_upcall_frame, handler));
	DEFINE(USER_FRAME_FOREIGN, offsetof(struct exo_upcall_frame, foreign));
	DEFINE(USER_STATE_RIP, offsetof(struct exo_state_page, rip));
	DEFINE(USER_STATE_RSP, offsetof(struct exo_state_page, rsp));
	DEFINE(USER_STATE_RFLAGS, offsetof(struct exo_state_page, rflags));
	DEFINE(USER_STATE_RCX, offsetof(struct exo_state_page, rcx));
	DEFINE(USER_STATE_R11, offsetof(struct exo_state_page, r11));
	DEFINE(USER_STATE_DISABLED, offsetof(struct exo_state_page, disabled));
	DEFINE(USER_STATE_PENDING, offsetof(struct exo_state_page, pending));
	DEFINE(USER_STATE_WANTED, offsetof(struct exo_state_page, wanted));
	DEFINE(USER_CALL_UPCALL_RESUME, EXO_CALL_UPCALL_RESUME);
}
