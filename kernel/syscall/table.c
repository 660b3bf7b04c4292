/* SPDX-License-Identifier: MIT */
/*
 * The dispatch table, made from calls.table. Numbers without a call answer -EXO_E_CALL.
 *
 * To this file each sys_ function is a routine of the System V convention that gets six registers
 * (generated/calls_table.h names them so); how many of them it looks at is its own affair. So no
 * adapter stands between the entry and the call. The entry is written in assembler and sees nothing
 * but addresses; C code that calls through the table needs __no_sanitize("function").
 */
#include <exo/errno.h>
#include <exo/syscall.h>

static struct exo_result sys_unknown(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused,
				     uint64_t d __unused, uint64_t e __unused, uint64_t f __unused)
{
	return result_error(-EXO_E_CALL);
}

#include <generated/calls_table.h>

_Static_assert(ARRAY_SIZE(syscall_table) == EXO_CALL_LIMIT, "the entry masks the number");
