/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel's image is: physically where it was linked, virtually KERNEL_BASE and the slide
 * above that (CONFIG_KASLR, kaslr.c).
 *
 * Each address of the image, in code and in data, has the slide in it, because kaslr_move.asm has
 * added it there. Only a number, as KERNEL_BASE, has not: so nobody else subtracts that.
 */
#ifndef ARCH_IMAGE_H
#define ARCH_IMAGE_H

#include <arch/layout.h>
#include <exo/boot_info.h>
#include <exo/config.h>

/* Set before kernel_main() and constant from then on: by how many bytes the image is moved up. */
extern const uint64_t kernel_slide;

/* The same for every configuration. */
static inline uint64_t image_slide(void)
{
	return IS_ENABLED(CONFIG_KASLR) ? kernel_slide : 0;
}

/* The physical address of something in the image. */
static inline paddr_t image_to_phys(const void *pointer)
{
	return (uintptr_t)pointer - KERNEL_BASE - image_slide();
}

#if IS_ENABLED(CONFIG_KASLR)
/**
 * kaslr_choose() - the slide of this boot, in bytes
 *
 * Called once, by kaslr_move.asm, while the image is where it was linked and before kernel_main():
 * no pointer that it left in memory would be good afterwards, so kernel_main() begins anew.
 * Arguments as those of kernel_main().
 */
uint64_t kaslr_choose(enum boot_protocol protocol, paddr_t loader_data);

/* Says in the log what the command line's words about the slide did, if there are any. */
void kaslr_report(void);
#else
static inline void kaslr_report(void)
{
}
#endif

#endif
