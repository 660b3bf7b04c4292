/* SPDX-License-Identifier: MIT */
/* What the entry of calls with messages (arch/x86_64/ipc_entry.asm) calls, for one thing each. */
#ifndef SYS_IPC_H
#define SYS_IPC_H

#include <exo/env.h>
#include <exo/ipc.h>

/* @self is the running thread. Its struct ipc_thread has what the registers had, and then what they
 * are to be. Interrupts off; opens. */
void sys_ipc_do_call(struct user_thread *self);
void sys_ipc_do_reply_wait(struct user_thread *self);
void sys_ipc_do_send(struct user_thread *self);
void sys_ipc_do_wait(struct user_thread *self);

#endif
