/* SPDX-License-Identifier: MIT */
/*
 * Capabilities as programs name them. A capability is a slot of the environment's table: a number
 * from 1 on. What is in it, only the kernel knows; EXO_SELF stands for "none" or "my own".
 */
#ifndef UAPI_EXO_CAP_H
#define UAPI_EXO_CAP_H

#include <uapi/exo/abi.h>

typedef uint64_t exo_cap_t;

#define EXO_SELF ((exo_cap_t)0)

/* What a capability is to. Numbers are never reused. */
enum exo_type {
	EXO_TYPE_NONE = 0, /* an empty slot */
	EXO_TYPE_BANK = 1, /* a reservation of frames per NUMA node */
	EXO_TYPE_FRAME = 2, /* a block of frames, or a part of one */
	EXO_TYPE_ENV = 3, /* address space and capability table; flat kernels make no second one */
	EXO_TYPE_THREAD = 4,
	EXO_TYPE_EP = 5, /* IPC endpoint */
	EXO_TYPE_NTF = 6, /* 64-bit notification word */
	EXO_TYPE_CPU = 7, /* authority over time */
	EXO_TYPE_SYS = 8, /* the machine as a whole */
	EXO_TYPE_IRQ = 9, /* lines that devices interrupt by */
};

/*
 * Rights. What R, W and X mean depends on the type: frames are read, written and executed; a bank
 * is allocated from (W); an environment is looked at (R) and mapped into (W); a thread's registers
 * are read (R) and written (W), which includes stopping it; a notification is waited for (R) and
 * signalled (W); an endpoint's messages are taken (R) and sent (W); an interrupt line is bound to a
 * notification (W).
 */
enum exo_right {
	EXO_RIGHT_R = 1 << 0,
	EXO_RIGHT_W = 1 << 1,
	EXO_RIGHT_X = 1 << 2,
	EXO_RIGHT_D = 1 << 3, /* derive a copy */
	EXO_RIGHT_G = 1 << 4, /* grant: have it copied into another environment's table */
	EXO_RIGHT_C = 1 << 5, /* configure and revoke */
};

#define EXO_RIGHTS_ALL 0x3fu

#define EXO_NODE_ANY 0xffffu /* the NUMA node of the calling CPU, else a near one */

/* For calls on several slots: from the one that is named on, in this order. */
#define EXO_RANGE_MAX 256u /* slots that one call gets through; then it answers EXO_E_AGAIN */

/* What cap_stat() tells. */
struct exo_cap_info {
	uint32_t type; /* enum exo_type */
	uint32_t rights; /* enum exo_right */
	uint64_t base; /* FRAME: physical address; IRQ: the first line; else 0 */
	uint64_t size; /* FRAME: bytes; BANK: frames reserved; ENV: slots; IRQ: lines; else 0 */
	/* BANK: frames in use; ENV: threads; THREAD: enum exo_thread_now; NTF: the word; EP: the
	 * badge; else 0 */
	uint64_t used;
	uint64_t address; /* FRAME: where it is mapped; 0: nowhere */
	uint32_t node; /* FRAME: its NUMA node */
	uint32_t badge; /* unused so far: 0 */
};

EXO_ABI_SIZE(struct exo_cap_info, 48);
EXO_ABI_OFFSET(struct exo_cap_info, base, 8);
EXO_ABI_OFFSET(struct exo_cap_info, used, 24);
EXO_ABI_OFFSET(struct exo_cap_info, address, 32);
EXO_ABI_OFFSET(struct exo_cap_info, badge, 44);

/* cap_copy()'s @how: enum exo_right below, the number of slots (0 counts as 1) above. */
#define EXO_COPY(rights, count) ((uint64_t)(rights) | (uint64_t)(count) << 32)
/* cap_copy()'s @arg: bits of an NTF; the badge of an EP that has none yet; for a part of a FRAME or
 * an IRQ: @count frames or lines, from its own @first one on (0 is where it begins); 0: all. */
#define EXO_PART(first, count) ((uint64_t)(first) | (uint64_t)(count) << 32)

/*
 * cap_revoke()'s @mode. With @ntf (EXO_SELF: nobody is told) and one bit in @bits, which that
 * capability may signal, the notification that is in that slot then is signalled, once, when the
 * last capability that was derived from @cap has gone, however it went, and nobody reaches anything
 * through it any more; at once if there is none. So whoever asks waits by ntf_wait() until the
 * deadline, and then takes. Of any type of capability, in both modes. Each call says anew who is
 * told; the end of @cap itself ends it.
 */
enum exo_revoke {
	EXO_REVOKE_FORCE = 0, /* take what was derived at once */
	EXO_REVOKE_ASK = 1, /* ask those who hold what was derived to give it back */
};

/* frame_alloc()'s @where: order of each block, NUMA node; @count blocks into as many slots. */
#define EXO_WHERE(order, node) ((uint64_t)(order) | (uint64_t)(node) << 16)
#define EXO_HINT_NONE (~UINT64_C(0)) /* frame_alloc()'s @hint: any physical address will do */

#endif
