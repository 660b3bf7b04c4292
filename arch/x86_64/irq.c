/* SPDX-License-Identifier: MIT */
/*
 * Device interrupt lines: one handler a line, counts for the monitor, the choice of controllers.
 *
 * The I/O APICs are used where the MADT describes them and there is a local APIC to send to, else
 * the pair of 8259s. The choice is made once, at boot.
 *
 * irq_lock guards the changes of lines[] and the controllers' registers. irq_dispatch() takes no
 * lock: a line's handler is written once, before the line is unmasked, and its counts are written
 * by the CPU that the line interrupts. (For a moment after irq_set_cpu() these are two: a count
 * may be lost.) A line that is lent to programs has no handler; kernel/object/irq_object.c, which
 * has locks of its own, is told.
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/ioapic.h>
#include <arch/lapic.h>
#include <arch/pic.h>
#include <exo/console.h>
#include <exo/irq.h>
#include <exo/log.h>
#include <exo/monitor.h>
#include <exo/panic.h>
#include <exo/spinlock.h>

_Static_assert(VECTOR_FIRST_EXTERNAL + NR_IRQS <= VECTOR_PIC_UNUSED, "vectors for all lines");

#define NO_APIC 0xfeu /* an ID that no machine with fewer CPUs has */

static struct spinlock irq_lock = SPINLOCK_INIT(LOCK_RANK_IRQ);
static struct irq_line lines[NR_IRQS];
static const struct irq_controller *controller;

static inline bool uses_io_apics(void)
{
	return IS_ENABLED(CONFIG_APIC) && controller == &ioapic_controller;
}

/* Returns true if the I/O APICs are in use from now on. */
static bool use_io_apics(void)
{
	const struct acpi_madt *madt = acpi_madt();

	if (!lapic_init())
		return false;
	lapic_init_cpu();
	if (madt && madt->lapic_address != lapic_address())
		log_warning("irq: the local APIC is at 0x%llx, says ACPI, but it is at 0x%llx",
			    (unsigned long long)madt->lapic_address,
			    (unsigned long long)lapic_address());
	return madt && ioapic_init(madt, lapic_id()) > 0;
}

__boot void irq_init(void)
{
	const struct acpi_madt *madt = acpi_madt();

	/*
	 * First, while the local APIC still passes on what the 8259s say: an interrupt that they
	 * have asked for already would be left without a vector.
	 */
	if (IS_ENABLED(CONFIG_APIC) && (!madt || madt->has_pics))
		pic_disable();
	if (IS_ENABLED(CONFIG_APIC) && use_io_apics()) {
		controller = &ioapic_controller;
	} else {
		controller = &pic_controller;
		if (madt && !madt->has_pics)
			log_error("irq: no I/O APIC to use, and ACPI says that there is no 8259");
		pic_init();
	}
	log_info("irq: lines of the %s", controller->name);
	irq_enable();
}

int irq_register(unsigned int irq, void (*handler)(void *context), void *context, const char *name)
{
	struct irq_line *line;
	uint64_t flags;
	int error = 0;

	if (irq >= NR_IRQS || !controller->route(irq))
		return -EXO_E_RANGE;
	line = &lines[irq];
	flags = spin_lock_irq(&irq_lock);
	if (line->handler || (IS_ENABLED(CONFIG_IRQ_OBJECTS) && line->lent)) {
		error = -EXO_E_BUSY;
		goto out;
	}
	line->context = context;
	line->name = name;
	line->handler = handler;
	controller->unmask(irq);
out:
	spin_unlock_irq(&irq_lock, flags);
	return error;
}

/* The boot CPU needs no struct cpu in kernels for one. */
static int find_apic_id(cpu_t cpu, uint32_t *apic_id)
{
	if (IS_ENABLED(CONFIG_SMP)) {
		if (cpu >= nr_cpus_online)
			return -EXO_E_RANGE;
		*apic_id = cpus[cpu]->apic_id;
		return 0;
	}
	*apic_id = lapic_present() ? lapic_id() : 0;
	return cpu == 0 ? 0 : -EXO_E_RANGE;
}

int irq_set_cpu(unsigned int irq, cpu_t cpu)
{
	uint32_t apic_id;
	uint64_t flags;
	int error;

	if (irq >= NR_IRQS || !controller->route(irq))
		return -EXO_E_RANGE;
	error = find_apic_id(cpu, &apic_id);
	if (error)
		return error;
	flags = spin_lock_irq(&irq_lock);
	error = controller->set_target(irq, apic_id);
	if (!error)
		lines[irq].cpu = cpu;
	spin_unlock_irq(&irq_lock, flags);
	return error;
}

/* ---- lines of programs ----------------------------------------------------------------------- */

int irq_lend(unsigned int irq, struct irq_binding *binding, bool *level)
{
	const struct irq_route *route = irq < NR_IRQS ? controller->route(irq) : NULL;
	struct irq_line *line;
	uint64_t flags;
	int error = 0;

	if (!route)
		return -EXO_E_RANGE;
	*level = route->level;
	line = &lines[irq];
	flags = spin_lock_irq(&irq_lock);
	if (line->handler || line->lent) {
		error = -EXO_E_BUSY;
	} else {
		__atomic_store_n(&line->lent, binding, __ATOMIC_RELEASE);
		line->name = "(a program)";
	}
	spin_unlock_irq(&irq_lock, flags);
	return error;
}

void irq_take_back(unsigned int irq)
{
	const uint64_t flags = spin_lock_irq(&irq_lock);

	ASSERT(lines[irq].lent);
	controller->mask(irq);
	__atomic_store_n(&lines[irq].lent, NULL, __ATOMIC_RELAXED);
	lines[irq].name = NULL;
	spin_unlock_irq(&irq_lock, flags);
}

void irq_mask(unsigned int irq)
{
	const uint64_t flags = spin_lock_irq(&irq_lock);

	controller->mask(irq);
	spin_unlock_irq(&irq_lock, flags);
}

void irq_unmask(unsigned int irq)
{
	const uint64_t flags = spin_lock_irq(&irq_lock);

	controller->unmask(irq);
	spin_unlock_irq(&irq_lock, flags);
}

int irq_raise(unsigned int irq, bool nowhere, uint64_t *when)
{
	if (irq >= NR_IRQS || !lines[irq].lent)
		return -EXO_E_ARG;
	if (!uses_io_apics())
		return -EXO_E_CALL;
	lapic_send(nowhere ? NO_APIC : lapic_id(), VECTOR_FIRST_EXTERNAL + irq);
	*when = cpu_tsc();
	return 0;
}

/* ---- all lines ------------------------------------------------------------------------------- */

const struct irq_line *irq_line(unsigned int irq)
{
	return &lines[irq];
}

/* Returns whom the end of the interrupt wakes; NULL: nobody. */
static inline struct thread *handle(struct irq_line *line)
{
	struct irq_binding *lent;

	if (IS_ENABLED(CONFIG_IRQ_OBJECTS)) {
		lent = __atomic_load_n(&line->lent, __ATOMIC_ACQUIRE);
		if (lent) {
			line->count++;
			return irq_object_interrupt(lent);
		}
	}
	if (likely(line->handler)) {
		line->count++;
		line->handler(line->context);
	} else {
		line->spurious++;
	}
	return NULL;
}

static __noinline struct thread *dispatch_from_pic(unsigned int irq)
{
	const bool real = pic_in_service(irq);
	struct thread *woken = NULL;

	if (real)
		woken = handle(&lines[irq]);
	else
		lines[irq].spurious++;
	pic_end(irq, real);
	return woken;
}

struct thread *irq_dispatch(unsigned int irq)
{
	struct thread *woken;

	if (unlikely(!uses_io_apics()))
		return dispatch_from_pic(irq);
	woken = handle(&lines[irq]);
	lapic_end();
	return woken;
}

/* ---- monitor --------------------------------------------------------------------------------- */

static void print_line(unsigned int irq)
{
	const struct irq_route *route = controller->route(irq);
	const struct irq_line *line = &lines[irq];

	if (!line->handler && !line->lent && !line->spurious)
		return;
	console_printf("%3u  ", irq);
	if (route && uses_io_apics())
		console_printf("%3u  %-5s  %-4s  ", route->gsi, route->level ? "level" : "edge",
			       route->active_low ? "low" : "high");
	else
		console_printf("  -  -      -     ");
	console_printf("%3u  %10llu  %8llu  %s\n", line->cpu, (unsigned long long)line->count,
		       (unsigned long long)line->spurious, line->name ? line->name : "-");
}

static int irq_command(int argc, char **argv)
{
	(void)argc, (void)argv;
	console_printf("controller: %s", controller->name);
	if (lapic_present())
		console_printf(", local APIC: %s, %llu errors", lapic_mode_name(),
			       (unsigned long long)lapic_errors());
	console_printf("\nirq  gsi  trigger      cpu     handled  spurious  device\n");
	for (unsigned int irq = 0; irq < NR_IRQS; irq++)
		print_line(irq);
	console_printf("unexpected vectors: %llu, spurious: %llu\n",
		       (unsigned long long)interrupts_unexpected,
		       (unsigned long long)interrupts_spurious);
	return 0;
}
MONITOR_COMMAND(irq, "", "interrupts handled and spurious, by line", irq_command);
