/* SPDX-License-Identifier: MIT */
/*
 * Device interrupt lines on the 8259 pair: one handler a line, counts for the monitor.
 *
 * lines[] is written by irq_register() with the line still masked, and by irq_dispatch() with
 * interrupts off: one CPU needs no lock.
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/pic.h>
#include <exo/console.h>
#include <exo/irq.h>
#include <exo/monitor.h>

static struct irq_line lines[NR_IRQS];

void irq_init(void)
{
	pic_init();
	irq_enable();
}

int irq_register(unsigned int irq, void (*handler)(void *context), void *context, const char *name)
{
	struct irq_line *line;

	if (irq >= NR_IRQS)
		return -EXO_E_RANGE;
	line = &lines[irq];
	if (line->handler)
		return -EXO_E_BUSY;
	line->handler = handler;
	line->context = context;
	line->name = name;
	pic_unmask(irq);
	return 0;
}

const struct irq_line *irq_line(unsigned int irq)
{
	return &lines[irq];
}

void irq_dispatch(unsigned int irq)
{
	struct irq_line *line = &lines[irq];
	const bool in_service = pic_in_service(irq);

	if (in_service && line->handler) {
		line->count++;
		line->handler(line->context);
	} else {
		line->spurious++;
	}
	pic_end(irq, in_service);
}

static int irq_command(int argc, char **argv)
{
	(void)argc, (void)argv;
	console_printf("irq       handled  spurious  device\n");
	for (unsigned int irq = 0; irq < NR_IRQS; irq++) {
		const struct irq_line *line = &lines[irq];

		if (line->handler || line->spurious)
			console_printf("%3u  %12llu  %8llu  %s\n", irq,
				       (unsigned long long)line->count,
				       (unsigned long long)line->spurious,
				       line->name ? line->name : "-");
	}
	console_printf("unexpected vectors: %llu\n", (unsigned long long)interrupts_unexpected);
	return 0;
}
MONITOR_COMMAND(irq, "", "interrupts handled and spurious, by line", irq_command);
