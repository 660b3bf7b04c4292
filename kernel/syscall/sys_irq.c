/* SPDX-License-Identifier: MIT */
/* System calls on interrupt lines. */
#include <exo/env.h>
#include <exo/sched.h>
#include <exo/syscall.h>

struct exo_result sys_irq_bind(uint64_t slot, uint64_t line, uint64_t ntf_slot, uint64_t bits)
{
	const struct cap_table *table = &env_current()->table;
	struct ntf *ntf = NULL;
	uint64_t badge = 0;
	struct cap *cap;
	uintptr_t value;
	int error = cap_find(table, slot, EXO_TYPE_IRQ, EXO_RIGHT_W, &cap, &value);

	if (!error && ntf_slot != EXO_SELF)
		error = ntf_find(table, ntf_slot, &ntf, &badge);
	if (!error && !bits == !!ntf)
		error = -EXO_E_ARG;
	if (!error && bits & ~badge)
		error = -EXO_E_PERM;
	if (!error)
		error = irq_object_bind(cap, value, line, ntf, bits);
	return result_error(error);
}

struct exo_result sys_irq_ack(uint64_t slot, uint64_t line)
{
	struct cap *cap;
	uintptr_t value;
	int error = cap_find(&env_current()->table, slot, EXO_TYPE_IRQ, EXO_RIGHT_W, &cap, &value);

	if (!error)
		error = irq_object_ack(cap, line);
	sched_interrupt_end();
	return result_error(error);
}
