/* SPDX-License-Identifier: MIT */
/* The 8259A interrupt controller pair: pic_controller (arch/irq_controller.h), and its start. */
#ifndef ARCH_PIC_H
#define ARCH_PIC_H

#include <stdbool.h>

/* Boot, interrupts off: the lines arrive from VECTOR_FIRST_EXTERNAL on; all are masked. */
void pic_init(void);

/* The same where other controllers are used: the vectors are out of the way, should one come. */
void pic_disable(void);

/* True if the controller really has @irq in service; false for a spurious interrupt. */
bool pic_in_service(unsigned int irq);

/* Ends the interrupt; for a spurious one from the second controller only the first is told. */
void pic_end(unsigned int irq, bool in_service);

#endif
