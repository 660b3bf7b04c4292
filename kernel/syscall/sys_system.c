/* SPDX-License-Identifier: MIT */
/* System calls on the machine as a whole. */
#include <exo/audit.h>
#include <exo/clock.h>
#include <exo/console.h>
#include <exo/env.h>
#include <exo/machine.h>
#include <exo/syscall.h>
#include <uapi/exo/sys.h>

static struct exo_result read_console(void)
{
	const int byte = console_read();

	return byte < 0 ? result_error(-EXO_E_AGAIN) : result_value((uint64_t)byte);
}

static struct exo_result run_audit(void)
{
	struct audit audit;
	const int error = audit_run(&audit);

	return error ? result_error(error) : result_value(audit.wrong != NULL);
}

#define CAN_RAISE \
	(IS_ENABLED(CONFIG_IRQ_OBJECTS) && (IS_ENABLED(CONFIG_TESTS) || IS_ENABLED(CONFIG_BENCH)))

/* For tests and benchmarks, whose programs have no device. */
static struct exo_result raise_irq(uint64_t line, bool nowhere)
{
	uint64_t when = 0;
	int error = -EXO_E_ARG;

	if (CAN_RAISE && line < NR_IRQS)
		error = irq_raise((unsigned int)line, nowhere, &when);
	return (struct exo_result){ error, when };
}

struct exo_result sys_sys_ctl(uint64_t slot, uint64_t what, uint64_t a, uint64_t b)
{
	struct object *object;
	int error;

	if (what == EXO_SYS_CLOCK && slot == EXO_SELF)
		return result_value(clock_ns());
	error = cap_get(&env_current()->table, slot, EXO_TYPE_SYS, EXO_RIGHT_W, &object);
	if (error)
		return result_error(error);
	switch (what) {
	case EXO_SYS_POWER_OFF:
		machine_poweroff();
	case EXO_SYS_REBOOT:
		machine_reboot();
	case EXO_SYS_EXIT:
		machine_exit(a || b ? MACHINE_FAILURE : MACHINE_SUCCESS);
	case EXO_SYS_CLOCK:
		return result_value(clock_ns());
	case EXO_SYS_READ:
		return read_console();
	case EXO_SYS_AUDIT:
		return run_audit();
	case EXO_SYS_RAISE_IRQ:
		return raise_irq(a, b);
	default:
		return result_error(-EXO_E_ARG);
	}
}
