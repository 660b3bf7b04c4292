/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as objects: one IRQ object for all lines, capabilities to parts of it, and for
 * each line a binding: which notification its interrupts signal.
 *
 * A binding is made through one capability and lives no longer than that, nor than the
 * notification: who takes the capability away (irq_taken()) or ends the notification
 * (irq_forget_ntf()) takes the binding away, under its lock. The handler signals under the lock,
 * too, so afterwards no handler on any CPU knows the notification. A binding's @cap is set only
 * under the object's lock, while it is a capability, and ntf_attach() refuses what is ending: so
 * nothing is bound to either once it has been looked for.
 *
 * At rest a line waits for an interrupt (EDGE, LEVEL), then for irq_ack() (WAITS). Meanwhile one of
 * levels is masked, as it goes on interrupting until its device is served. One of edges is not, as
 * an edge is lost while it is masked. If another interrupt comes before the ack (AGAIN) the line is
 * masked whatever it is, so that a device that nobody serves is stopped here. Then irq_ack() first
 * unmasks it and then signals once more: an edge that was lost came before that signal, so who
 * looks at the device after it sees what it was for.
 *
 * So each interrupt is followed by a signal, at the latest by that of the next irq_ack(), and two
 * per irq_ack() are all that a device can have of this CPU.
 *
 * Locks: binding->lock (LOCK_RANK_IRQ_BINDING), around those of the notification and of irq.c.
 */
#include <exo/env.h>
#include <exo/ntf_fast.h>
#include <exo/panic.h>

enum binding_state {
	UNBOUND,
	EDGE,
	LEVEL,
	WAITS,
	AGAIN,
};

struct irq_binding {
	struct spinlock lock;
	uint8_t state; /* enum binding_state */
	bool level; /* how the line's device says that it wants something */
	bool masked;
	struct ntf *ntf; /* NULL: it is not bound; read without the lock to skip it */
	uint64_t bits;
	const struct cap *cap; /* that it was bound through; changed as @ntf is */
};

static struct object irq_object __aligned(OBJECT_ALIGN);
static struct irq_binding bindings[NR_IRQS];

__boot struct object *irq_object_make(void)
{
	object_init(&irq_object, EXO_TYPE_IRQ, NULL);
	for (unsigned int i = 0; i < NR_IRQS; i++)
		spin_lock_init(&bindings[i].lock, LOCK_RANK_IRQ_BINDING);
	return &irq_object;
}

static inline uint8_t at_rest(const struct irq_binding *binding)
{
	return binding->level ? LEVEL : EDGE;
}

static void mask(struct irq_binding *binding)
{
	if (binding->masked)
		return;
	binding->masked = true;
	irq_mask((unsigned int)(binding - bindings));
}

/* One of levels, or one that has not been served yet. Under the lock. */
static __noinline struct thread *interrupt_masking(struct irq_binding *binding)
{
	if (binding->state == UNBOUND)
		return NULL;
	mask(binding);
	if (binding->state != LEVEL) {
		binding->state = AGAIN;
		return NULL;
	}
	binding->state = WAITS;
	return ntf_set_only(binding->ntf, binding->bits);
}

struct thread *irq_object_interrupt(struct irq_binding *binding)
{
	struct thread *woken;

	spin_acquire(&binding->lock);
	if (likely(binding->state == EDGE)) {
		binding->state = WAITS;
		woken = ntf_set_fast(binding->ntf, binding->bits);
	} else {
		woken = interrupt_masking(binding);
	}
	spin_release(&binding->lock);
	return woken;
}

/* --- binding -----------------------------------------------------------------------------------*/

static void set(struct irq_binding *binding, struct ntf *ntf, uint64_t bits, const struct cap *cap)
{
	binding->bits = bits;
	binding->state = ntf ? at_rest(binding) : UNBOUND;
	binding->masked = false;
	__atomic_store_n(&binding->cap, cap, __ATOMIC_RELAXED);
	__atomic_store_n(&binding->ntf, ntf, __ATOMIC_RELAXED);
}

/* Under the lock. */
static void unbind(struct irq_binding *binding, unsigned int irq)
{
	irq_take_back(irq);
	ntf_detach(binding->ntf);
	set(binding, NULL, 0, NULL);
}

/* Under the lock. */
static int bind(struct irq_binding *binding, unsigned int irq, struct ntf *ntf, uint64_t bits,
		const struct cap *cap)
{
	int error = irq_lend(irq, binding, &binding->level);

	if (error)
		return error;
	error = ntf_attach(ntf);
	if (error) {
		irq_take_back(irq);
		return error;
	}
	set(binding, ntf, bits, cap);
	irq_unmask(irq);
	return 0;
}

static inline bool has_line(const struct cap *cap, uint64_t line)
{
	return line - cap->first < cap->count;
}

static int change(const struct cap *cap, unsigned int irq, struct ntf *ntf, uint64_t bits)
{
	struct irq_binding *binding = &bindings[irq];
	int error = 0;

	spin_acquire(&binding->lock);
	if (ntf)
		error = bind(binding, irq, ntf, bits, cap);
	else if (binding->ntf)
		unbind(binding, irq);
	spin_release(&binding->lock);
	return error;
}

int irq_object_bind(struct cap *cap, uintptr_t value, uint64_t line, struct ntf *ntf, uint64_t bits)
{
	int error = 0;

	spin_acquire(&irq_object.lock);
	if (atomic_load_explicit(&cap->value, memory_order_relaxed) != value)
		error = -EXO_E_CAP;
	else if (line >= NR_IRQS || !has_line(cap, line))
		error = -EXO_E_RANGE;
	else
		error = change(cap, (unsigned int)index_nospec(line, NR_IRQS), ntf, bits);
	spin_release(&irq_object.lock);
	return error;
}

int irq_object_ack(const struct cap *cap, uint64_t line)
{
	struct irq_binding *binding;
	int error = 0;

	if (unlikely(line >= NR_IRQS))
		return -EXO_E_RANGE;
	binding = &bindings[index_nospec(line, NR_IRQS)];
	spin_acquire(&binding->lock);
	if (unlikely(!binding->ntf || binding->cap != cap)) {
		error = has_line(cap, line) ? -EXO_E_ARG : -EXO_E_RANGE;
	} else {
		const bool again = binding->state == AGAIN;

		binding->state = again ? WAITS : at_rest(binding);
		if (binding->masked) {
			binding->masked = false;
			irq_unmask((unsigned int)line);
		}
		if (unlikely(again))
			ntf_set(binding->ntf, binding->bits);
	}
	spin_release(&binding->lock);
	return error;
}

/* --- what ends it ------------------------------------------------------------------------------*/

void irq_taken(struct object *object, struct cap **caps, unsigned int count)
{
	(void)object;
	for (unsigned int irq = 0; irq < NR_IRQS; irq++) {
		struct irq_binding *binding = &bindings[irq];
		const struct cap *cap = __atomic_load_n(&binding->cap, __ATOMIC_RELAXED);
		bool found = false;

		if (likely(!cap))
			continue;
		for (unsigned int i = 0; i < count; i++)
			found |= caps[i] == cap;
		if (!found)
			continue;
		spin_acquire(&binding->lock);
		/* It may have been unbound meanwhile, and not bound again through what is taken. */
		if (binding->ntf && binding->cap == cap)
			unbind(binding, irq);
		spin_release(&binding->lock);
	}
}

void irq_forget_ntf(struct ntf *ntf)
{
	for (unsigned int irq = 0; irq < NR_IRQS; irq++) {
		struct irq_binding *binding = &bindings[irq];

		if (likely(__atomic_load_n(&binding->ntf, __ATOMIC_RELAXED) != ntf))
			continue;
		spin_acquire(&binding->lock);
		if (binding->ntf == ntf)
			unbind(binding, irq);
		spin_release(&binding->lock);
	}
}

const char *irq_object_audit(unsigned int *lines, unsigned int *line)
{
	for (*line = 0; *line < NR_IRQS; ++*line) {
		const struct irq_binding *binding = &bindings[*line];

		if (!binding->ntf)
			continue;
		++*lines;
		if (!irq_line(*line)->lent)
			return "a line is bound that was not lent";
		if (binding->ntf->object.type != EXO_TYPE_NTF || !binding->ntf->nr_lines)
			return "a line is bound to what does not know it";
		if (cap_object(atomic_load(&binding->cap->value)) != &irq_object ||
		    !has_line(binding->cap, *line))
			return "a line is bound through what is no capability to it";
	}
	return NULL;
}
