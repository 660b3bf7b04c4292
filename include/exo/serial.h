/* SPDX-License-Identifier: MIT */
/* The serial console: one 16550 UART. With CONFIG_SERIAL_16550=n all of it is empty. */
#ifndef EXO_SERIAL_H
#define EXO_SERIAL_H

#include <exo/config.h>
#include <stdbool.h>

#if IS_ENABLED(CONFIG_SERIAL_16550)

/**
 * serial_init() - probe and program the UART and register it as a console
 * For the first lines of the boot list: needs nothing but port access. Input is polled from here
 * on. A port where no UART answers is left alone; serial_enable_input() says so in the log.
 */
void serial_init(void);

/**
 * serial_enable_input() - take input by interrupt where CONFIG_IRQ allows it, and log the result
 * Call once, when the interrupt controller is set up. On any failure input stays polled.
 */
void serial_enable_input(void);

/* True once input arrives by interrupt, so that waiting for it may halt the CPU. */
bool serial_input_wakes(void);

#else

static inline void serial_init(void)
{
}

static inline void serial_enable_input(void)
{
}

static inline bool serial_input_wakes(void)
{
	return false;
}

#endif
#endif
