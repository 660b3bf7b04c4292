/* SPDX-License-Identifier: MIT */
/* The other environment of the benchmarks of messages. */
#ifndef TESTS_USER_BENCH_IPC_H
#define TESTS_USER_BENCH_IPC_H

#define BENCH_SERVER_EP 3000u /* slots of its table */
#define BENCH_MAILBOX 3001u

/* What abi-bench does if its argument is "serve". */
int bench_serve(void);

#endif
