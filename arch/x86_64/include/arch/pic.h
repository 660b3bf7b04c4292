/* SPDX-License-Identifier: MIT */
/* The 8259A interrupt controller pair: pic_controller (arch/irq_controller.h), and its start. */
#ifndef ARCH_PIC_H
#define ARCH_PIC_H

/* Boot, interrupts off: the lines arrive from VECTOR_FIRST_EXTERNAL on; all are masked. */
void pic_init(void);

/* The same where other controllers are used: the vectors are out of the way, should one come. */
void pic_disable(void);

#endif
