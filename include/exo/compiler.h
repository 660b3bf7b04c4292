/* SPDX-License-Identifier: MIT */
/* Short names for the compiler's attributes and for the few macros that every file may use. */
#ifndef EXO_COMPILER_H
#define EXO_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(name) __attribute__((section(name)))
#define __used __attribute__((used))
#define __unused __attribute__((unused))
#define __cold __attribute__((cold))
#define __noinline __attribute__((noinline))
/* Even without optimisation: for functions whose return address must be their caller's. */
#define __inline_always inline __attribute__((__always_inline__))
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

#endif
