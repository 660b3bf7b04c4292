/* SPDX-License-Identifier: MIT */
/*
 * Configuration: the generated CONFIG_ macros and IS_ENABLED().
 *
 * IS_ENABLED(CONFIG_X) is 1 when the boolean option X is set and 0 otherwise, as a constant
 * expression: code it guards is always type-checked and dropped by the compiler when disabled.
 * A set boolean is the macro CONFIG_X with the value 1; an unset one is no macro at all.
 */
#ifndef EXO_CONFIG_H
#define EXO_CONFIG_H

#include <generated/autoconf.h>

#define CONFIG_PROBE_1 0,
#define CONFIG_SECOND(first, second, ...) second
#define CONFIG_PICK(...) CONFIG_SECOND(__VA_ARGS__ 1, 0, 0)
#define CONFIG_PASTE(value) CONFIG_PICK(CONFIG_PROBE_##value)
#define IS_ENABLED(option) CONFIG_PASTE(option)

#endif
