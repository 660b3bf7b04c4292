/* SPDX-License-Identifier: MIT */
/* What user.c and upcall.c tell each other. */
#ifndef USER_INTERNAL_H
#define USER_INTERNAL_H

#include <exo/user.h>

/* THREAD_EVENT: hands the events over to the state page, and makes an upcall if it is wanted. */
void user_deliver(struct thread *thread, struct interrupt_frame *frame);

#endif
