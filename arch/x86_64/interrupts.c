/* SPDX-License-Identifier: MIT */
/* Where every interrupt arrives: exceptions, the interrupt controller's lines, and strays. */
#include <arch/interrupt.h>
#include <exo/irq.h>
#include <exo/log.h>

uint64_t interrupts_unexpected;

void interrupt_dispatch(struct interrupt_frame *frame)
{
	const unsigned int vector = (unsigned int)frame->vector;

	if (vector < NR_EXCEPTIONS) {
		exception_handle(frame);
	} else if (IS_ENABLED(CONFIG_IRQ)) {
		if (vector - VECTOR_FIRST_EXTERNAL < NR_IRQS) {
			irq_dispatch(vector - VECTOR_FIRST_EXTERNAL);
		} else if (interrupts_unexpected++ == 0) {
			log_warning("interrupt: unexpected vector %u (counted from now on)",
				    vector);
		}
	}
}
