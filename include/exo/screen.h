/* SPDX-License-Identifier: MIT */
/* The screen consoles. Each registers itself if boot_info.framebuffer says that it is its kind. */
#ifndef EXO_SCREEN_H
#define EXO_SCREEN_H

#include <exo/config.h>

/* Needs boot_info and the direct map. The log says why a screen cannot be used. */
#if IS_ENABLED(CONFIG_VGA_TEXT)
void vga_text_init(void);
#else
static inline void vga_text_init(void)
{
}
#endif

#if IS_ENABLED(CONFIG_FRAMEBUFFER)
void framebuffer_init(void);
#else
static inline void framebuffer_init(void)
{
}
#endif

#endif
