/* SPDX-License-Identifier: MIT */
/* Ways to misuse locks, for the panic command. Each needs LOCKDEP or DEBUG_PREEMPT to be noticed.
 */
#ifndef PANIC_LOCKS_H
#define PANIC_LOCKS_H

void break_lock_order(void);
void break_lock_twice(void);
void break_lock_release(void);
void break_lock_in_interrupt(void);
void break_lock_interrupts_on(void);
void break_sleep_in_lock(void);
void break_sleep_in_interrupt(void);
void break_cpu_unpinned(void);

#endif
