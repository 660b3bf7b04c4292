/* SPDX-License-Identifier: MIT */
/* The smallest program: says that it runs, through the ABI alone. */
#include <libexo/exo.h>

int main(void)
{
	static const char text[] = "hello: a program on exo-kernel\n";

	return (int)exo_debug_write(text, sizeof(text) - 1).error;
}
