/* SPDX-License-Identifier: MIT */
/* The word that CONFIG_STACK_PROTECTOR checks on return. */
#ifndef EXO_STACK_PROTECTOR_H
#define EXO_STACK_PROTECTOR_H

#include <exo/compiler.h>
#include <exo/config.h>
#include <stdint.h>

#if IS_ENABLED(CONFIG_STACK_PROTECTOR)
extern uintptr_t __stack_chk_guard;

/* Makes the guard random. Only callers that never return may call it: they keep the old word. */
void stack_protector_init(void);

static inline uintptr_t stack_protector_word(void)
{
	return __stack_chk_guard;
}
#else
static inline void stack_protector_init(void)
{
}

static inline uintptr_t stack_protector_word(void)
{
	return 0;
}
#endif

#endif
