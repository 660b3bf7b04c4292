/* SPDX-License-Identifier: MIT */
/* The smallest program: says that it runs, through the ABI alone. */
#include <exo/programs.h>
#include <libexo/exo.h>

int hello_main(void)
{
	static const char text[] = "hello: a program on exo-kernel\n";

	return (int)exo_debug_write(text, sizeof(text) - 1);
}
