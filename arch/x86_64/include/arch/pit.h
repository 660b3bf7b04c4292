/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer (Intel 8254 data sheet). */
#ifndef ARCH_PIT_H
#define ARCH_PIT_H

#define PIT_HZ 1193182u
#define PIT_IRQ 0 /* of channel 0 */

enum pit_port {
	PIT_CHANNEL0 = 0x40,
	PIT_CHANNEL2 = 0x42,
	PIT_COMMAND = 0x43,
	PIT_GATE = 0x61, /* bit 0: gate of channel 2, bit 1: speaker */
};

/* Bits 7:6 the channel, 5:4 low then high byte (0: latch), 3:1 the mode. */
enum pit_command {
	PIT_CHANNEL0_ONCE = 0x30, /* mode 0: interrupt on terminal count */
	PIT_CHANNEL0_READ_BACK = 0xc2, /* latches status and count */
	PIT_CHANNEL2_LATCH = 0x80,
	PIT_CHANNEL2_CYCLE = 0xb4, /* mode 2: rate generator */
};

#endif
