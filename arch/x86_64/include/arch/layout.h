/* SPDX-License-Identifier: MIT */
/*
 * The kernel's address space, for C, NASM (through asm_offsets.c) and the linker script.
 *
 *	DIRECT_MAP_BASE	physical memory from 0: CONFIG_BOOT_DIRECT_MAP_GIB GiB of it at boot, and
 *			with CONFIG_PAGE_TABLE all of it once memory_init() has run
 *	STACK_AREA_BASE	the stacks of threads, each above an unmapped page (mm/stack.c)
 *	CPU_STACKS_BASE	the stacks that CPUs start on and take exceptions on (cpu_stacks.c)
 *	KERNEL_BASE	the top 2 GiB: the image, linked at KERNEL_BASE + its physical address, and
 *			with CONFIG_KASLR moved up from there (arch/image.h)
 *
 * Both views share their lower page tables, so the image has the same rights in both: there is no
 * writable alias of code or constants. Everything below the direct map, page 0 included, is
 * unmapped.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#ifdef __LINKER__
#define LAYOUT_U64(x) x
#else
#define LAYOUT_U64(x) x##ull
#endif

#define PAGE_SIZE 4096
#define KERNEL_BASE LAYOUT_U64(0xffffffff80000000)
#define KERNEL_LOAD_ADDRESS 0x100000
#define DIRECT_MAP_BASE LAYOUT_U64(0xffff800000000000)
/* In the same part of the top table as the image, so every address space has it. */
#define STACK_AREA_BASE LAYOUT_U64(0xffffffc000000000)
#define STACK_AREA_SIZE LAYOUT_U64(0x2000000000) /* 128 GiB */
/* In the same part of the top table as the image, beyond boot's 64 GiB at most. */
#define CPU_STACKS_BASE LAYOUT_U64(0xffffffa000000000)

/* Last-level page tables for the image and what lies below it: 2 MiB each. */
#define KERNEL_TABLES (CONFIG_KERNEL_IMAGE_LIMIT_MIB / 2)

#endif
