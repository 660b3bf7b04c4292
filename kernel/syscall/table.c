/* SPDX-License-Identifier: MIT */
/* The system calls by number, as long as nothing generates this table. */
#include <exo/errno.h>
#include <exo/syscall.h>
#include <exo/thread.h>

static struct exo_result call_null(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
				   uint64_t f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return (struct exo_result){ 0, 0 };
}

static struct exo_result call_unknown(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
				      uint64_t f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return (struct exo_result){ -EXO_E_CALL, 0 };
}

/* Without an argument so far: to whoever is next. */
static struct exo_result call_yield(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
				    uint64_t f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	thread_yield();
	return (struct exo_result){ 0, 0 };
}

#define UNKNOWN_4 call_unknown, call_unknown, call_unknown, call_unknown
#define UNKNOWN_16 UNKNOWN_4, UNKNOWN_4, UNKNOWN_4, UNKNOWN_4

syscall_function *syscall_table[NR_SYSCALLS] = {
	call_null,    call_unknown, call_unknown, call_unknown, UNKNOWN_4,  UNKNOWN_4,
	call_unknown, call_unknown, call_yield,	  call_unknown, UNKNOWN_16,
};
