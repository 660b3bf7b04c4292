/* SPDX-License-Identifier: MIT */
/* What the entry of calls with messages (arch/x86_64/ipc_entry.asm) calls, for one thing each. */
#ifndef SYS_IPC_H
#define SYS_IPC_H

#include <exo/env.h>
#include <exo/ipc.h>

/*
 * @self is the running thread. Its struct ipc_thread has what the registers had, and then what they
 * are to be. Returns NULL, or with CONFIG_IPC_FASTPATH to whom the CPU is to be handed: IPC_HAND.
 * Interrupts off; opens.
 */
struct user_thread *sys_ipc_do_call(struct user_thread *self);
struct user_thread *sys_ipc_do_reply_wait(struct user_thread *self);
struct user_thread *sys_ipc_do_send(struct user_thread *self);
struct user_thread *sys_ipc_do_wait(struct user_thread *self);

#endif
