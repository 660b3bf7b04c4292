/* SPDX-License-Identifier: MIT */
/*
 * Messages as programs see them: a tag, six words, and what a tag's flags add.
 *
 * The tag is in RSI, the words in RDX R10 R8 R9 R12 R13, both on the way to a partner and from it;
 * RDI is the endpoint's slot, and on the way back the badge of the capability that the sender used
 * (a reply has none: 0). A flat kernel's call has RCX in place of R10. All six words go over,
 * whatever the tag says of their number.
 *
 * Errors of all four calls: EXO_E_CAP, TYPE, PERM of the endpoint (W to send, R to wait); EXO_E_ARG
 * for a tag that makes no sense, or one that needs the state page in a thread without; and
 *
 * TIMEOUT: the deadline passed; a call may have been received nevertheless.
 *
 * DEAD: the endpoint has ended, the capability to it has gone, or the partner has ended with the
 * call unanswered.
 *
 * AGAIN: nothing was sent or received, as the thread was to stop: call again.
 *
 * RANGE: the message is longer than the partner can take.
 *
 * SLOT: the partner takes no capability, or its mailbox is not empty;
 *
 * and those of cap_copy() for the capability that is granted. After an error RDI is 0, and the tag
 * and the words are undefined: words that the thread has sent or received before. The exo_
 * functions leave the struct exo_message as it was then. The last two, met by a reply that has
 * found its caller waiting, leave the right to reply.
 */
#ifndef UAPI_EXO_IPC_H
#define UAPI_EXO_IPC_H

#include <uapi/exo/thread.h>

#define EXO_MESSAGE_REGISTERS 6u /* words in registers */

struct exo_message {
	uint64_t tag; /* EXO_TAG() and flags */
	uint64_t words[EXO_MESSAGE_REGISTERS];
};

EXO_ABI_SIZE(struct exo_message, 56);
EXO_ABI_OFFSET(struct exo_message, words, 8);

/* @label: 32 bits that mean nothing to the kernel; @words: how many the message has, those of the
 * registers included: what is beyond is in the state page's @message. */
#define EXO_TAG(label, words) ((uint64_t)(label) << 32 | (uint64_t)(words))
#define EXO_TAG_LABEL(tag) ((uint32_t)((tag) >> 32))
#define EXO_TAG_WORDS(tag) ((uint32_t)(tag)&0xfffu)

/*
 * A capability goes with the message: a copy of what the sender's state page names (@grant) into
 * the slot that the receiver's names (@mailbox), which must be empty. It needs EXO_RIGHT_G and D.
 */
#define EXO_TAG_GRANT (UINT64_C(1) << 16)
/* The wait ends at the state page's @deadline; without, only with the partner. Not passed on. */
#define EXO_TAG_DEADLINE (UINT64_C(1) << 17)
/* From the kernel to who waits for messages: these are bits (the first word) of the notification
 * that is bound to the thread (ntf_bind()), and cleared there. */
#define EXO_TAG_BITS (UINT64_C(1) << 18)

/* The state page's @grant: a slot, and those of its rights that the copy is to have. */
#define EXO_GRANT(slot, rights) ((uint64_t)(slot) | (uint64_t)(rights) << 32)

#endif
