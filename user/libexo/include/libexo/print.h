/* SPDX-License-Identifier: MIT */
/* Text on the kernel's consoles, or to the starter if it has asked for it (struct exo_output). */
#ifndef LIBEXO_PRINT_H
#define LIBEXO_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns 0 or the negative of an enum exo_error. Upcall handlers may call it. */
int exo_write(const char *text, size_t length);

/* Returns the number of characters, or the negative of an enum exo_error. Conversions:
 * exo/printf.h. Lines of threads may mix, each at most every 256 characters. */
int exo_print(const char *text);
int exo_vprintf(const char *format, va_list arguments);
__attribute__((__format__(__printf__, 1, 2))) int exo_printf(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
