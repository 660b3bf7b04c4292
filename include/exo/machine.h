/* SPDX-License-Identifier: MIT */
/* Ends of a run: leaving the emulator, power off, reset. None returns; any context. */
#ifndef EXO_MACHINE_H
#define EXO_MACHINE_H

#include <exo/config.h>

/* With CONFIG_DEBUG_EXIT=n nothing is written to it. */
#ifndef CONFIG_DEBUG_EXIT_PORT
#define CONFIG_DEBUG_EXIT_PORT 0
#endif

/* What machine_exit() tells; QEMU's isa-debug-exit turns v into its exit status 2v + 1. */
enum machine_status { MACHINE_SUCCESS = 0x10, MACHINE_FAILURE = 0x11, MACHINE_PANIC = 0x12 };

/* Leaves the emulator with a status (CONFIG_DEBUG_EXIT); where that is not possible, powers off. */
_Noreturn void machine_exit(enum machine_status status);

/* Powers off by ACPI; says so and halts where that is not possible. */
_Noreturn void machine_poweroff(void);

/* Resets by ACPI, the keyboard controller, the chip set, and at last a triple fault. */
_Noreturn void machine_reboot(void);

/* Stops the CPU for good. */
_Noreturn void machine_halt(void);

/* Writes the status to the debug-exit port and returns if nothing is there. */
void machine_debug_exit(enum machine_status status);

#endif
