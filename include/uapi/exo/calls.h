/* SPDX-License-Identifier: MIT */
/* The numbers of the system calls; the table they come from is kernel/syscall/calls.table. */
#ifndef UAPI_EXO_CALLS_H
#define UAPI_EXO_CALLS_H

#include <generated/calls_numbers.h>
#include <uapi/exo/errno.h>

#endif
