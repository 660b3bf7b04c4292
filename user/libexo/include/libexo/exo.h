/* SPDX-License-Identifier: MIT */
/*
 * What a program includes: one exo_ function a system call. Each is a SYSCALL instruction or, in a
 * flat build (EXO_FLAT), a direct call to the kernel's function of the same name.
 */
#ifndef LIBEXO_EXO_H
#define LIBEXO_EXO_H

#include <generated/calls_user.h>
#include <uapi/exo/calls.h>

#endif
