/* SPDX-License-Identifier: MIT */
/*
 * By how much the image is moved up from where it was linked (CONFIG_KASLR).
 *
 * kaslr_move.asm asks for it, adds it to all addresses in the image and goes on at the new place.
 * What is asked runs before that, on a machine of which nothing is known but the loader's tables:
 * it may not print, and what it leaves behind must hold no pointer into the image. boot_info does,
 * so kernel_main() fills that again.
 */
#include "kaslr_plan.h"

#include <arch/image.h>
#include <arch/memory.h>
#include <arch/random.h>
#include <exo/log.h>

/* As kernel/main.c joins them: the loader's words come after the built-in ones. */
static void read_request(struct kaslr_request *request)
{
	request->wish = KASLR_RANDOM;
	kaslr_read_words(CONFIG_COMMAND_LINE, request);
	kaslr_read_words(boot_info.command_line, request);
}

__boot uint64_t kaslr_choose(enum boot_protocol protocol, paddr_t loader_data)
{
	struct kaslr_request request;

	boot_info_parse(&boot_info, protocol, loader_data, &boot_memory_direct);
	read_request(&request);
	if (request.wish == KASLR_NONE)
		return 0;
	if (request.wish == KASLR_FIXED)
		return request.slide;
	return kaslr_pick(cpu_random_word());
}

void kaslr_report(void)
{
	struct kaslr_request request;

	read_request(&request);
	if (request.wish == KASLR_BAD)
		log_error("boot: \"%s\" is no multiple of 2M below 2G that leaves room for the "
			  "image: the slide is a random one",
			  request.word);
	else if (request.wish != KASLR_RANDOM)
		log_info("boot: the slide is 0x%llx, as the command line says",
			 (unsigned long long)kernel_slide);
}
