/* SPDX-License-Identifier: MIT */
/* The 8259A interrupt controller pair. All functions: interrupts off or a line that is masked. */
#ifndef ARCH_PIC_H
#define ARCH_PIC_H

#include <stdbool.h>

/* Remaps the lines to VECTOR_FIRST_EXTERNAL.. and masks all of them. */
void pic_init(void);
void pic_unmask(unsigned int irq);

/* True if the controller really has @irq in service; false for a spurious interrupt. */
bool pic_in_service(unsigned int irq);

/* Ends the interrupt; for a spurious one from the second controller only the first is told. */
void pic_end(unsigned int irq, bool in_service);

#endif
