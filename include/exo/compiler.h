/* SPDX-License-Identifier: MIT */
/* Short names for the compiler's attributes and for the few macros that every file may use. */
#ifndef EXO_COMPILER_H
#define EXO_COMPILER_H

#include <exo/config.h>
#include <stddef.h>
#include <stdint.h>

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(name) __attribute__((section(name)))
#define __used __attribute__((used))
#define __unused __attribute__((unused))
#define __cold __attribute__((cold))
#define __noinline __attribute__((noinline))
/*
 * Functions that nothing calls once boot is over: with CONFIG_RELEASE_BOOT_CODE their memory is
 * used for other things then. A check (static.boot-code) looks for calls from elsewhere. Put it on
 * definitions only, each of which has a section of its own. __boot_cpu: for other CPUs they are
 * needed longer. Programs and tests on a host keep all they have.
 */
#if defined(EXO_KERNEL) && IS_ENABLED(CONFIG_RELEASE_BOOT_CODE)
#define __boot __section(".boot_code." STRINGIFY(__COUNTER__))
#else
#define __boot
#endif
#if IS_ENABLED(CONFIG_SMP)
#define __boot_cpu
#else
#define __boot_cpu __boot
#endif
/* Even without optimisation: for functions whose return address must be their caller's. */
#define __inline_always inline __attribute__((__always_inline__))
/* For functions of a hot path with several callers, which are inlined unless code has to be small.
 */
#if IS_ENABLED(CONFIG_CC_OPTIMIZE_SIZE)
#define __inline_hot inline
#else
#define __inline_hot __inline_always
#endif
#define __format_printf(text, first) __attribute__((__format__(__printf__, text, first)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" ::: "memory")

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* A physical address in bytes. */
typedef uint64_t paddr_t;

/* Memory that others may be writing: read as it stands, once. */
#define READ_ONCE(field) (*(volatile __typeof__(field) *)&(field))

#endif
