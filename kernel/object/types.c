/* SPDX-License-Identifier: MIT */
/* The types of objects that this kernel has, each a row; the others do not exist. */
#include <exo/bank.h>
#include <exo/env.h>

const struct object_type object_types[NR_OBJECT_TYPES] = {
	[EXO_TYPE_BANK] = { .name = "bank", .size = sizeof(struct bank), .end = bank_end },
	[EXO_TYPE_FRAME] = { .name = "frame",
			     .size = sizeof(struct frame),
			     .bury = frame_bury,
			     .taken = frame_taken },
	[EXO_TYPE_ENV] = { .name = "env", .size = sizeof(struct env), .end = env_end },
	[EXO_TYPE_THREAD] = { .name = "thread",
			      .size = sizeof(struct user_thread),
			      .end = user_thread_end,
			      .bury = user_thread_bury },
	[EXO_TYPE_EP] = ENDPOINT_TYPE,
	[EXO_TYPE_NTF] = { .name = "ntf", .size = sizeof(struct ntf), .end = ntf_end },
	[EXO_TYPE_CPU] = { .name = "cpu", .size = sizeof(struct object) },
	[EXO_TYPE_SYS] = { .name = "sys", .size = sizeof(struct object) },
	[EXO_TYPE_IRQ] = { .name = IS_ENABLED(CONFIG_IRQ_OBJECTS) ? "irq" : NULL,
			   .size = sizeof(struct object),
			   .taken = IS_ENABLED(CONFIG_IRQ_OBJECTS) ? irq_taken : NULL },
};
