/* SPDX-License-Identifier: MIT */
/* What sys_ctl() does: the machine as a whole, for those who have a SYS capability with W. */
#ifndef UAPI_EXO_SYS_H
#define UAPI_EXO_SYS_H

enum exo_sys_what {
	EXO_SYS_POWER_OFF = 0,
	EXO_SYS_REBOOT = 1,
	EXO_SYS_EXIT = 2, /* leave the emulator: a is 0 for success; else as EXO_SYS_POWER_OFF */
	EXO_SYS_CLOCK = 3, /* ns since boot, in RDX; no right is needed */
	EXO_SYS_READ = 4, /* a byte from the consoles in RDX; EXO_E_AGAIN: there is none now */
	/*
	 * Look at the kernel's whole state: RDX is 0 if all is as it must be, 1 if not, and the log
	 * says what. EXO_E_CALL: this kernel cannot; EXO_E_BUSY, EXO_E_AGAIN: try again.
	 */
	EXO_SYS_AUDIT = 5,
	/*
	 * Have a line, a, that is bound interrupt this CPU once, as the edge of a device would; b
	 * not 0: do all but that. RDX is the TSC when it was done. EXO_E_CALL: there is no I/O
	 * APIC; EXO_E_ARG: the line is not bound, or the kernel has neither CONFIG_TESTS nor
	 * CONFIG_BENCH.
	 */
	EXO_SYS_RAISE_IRQ = 64,
};

#endif
