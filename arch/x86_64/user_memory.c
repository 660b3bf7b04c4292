/* SPDX-License-Identifier: MIT */
/*
 * The memory of programs, as the kernel reaches it: an address that is not there, or not theirs to
 * use, is an error and no panic. A flat kernel's program is in the image, and so is what it has
 * that is not mapped by map().
 */
#include <arch/interrupt_frame.h>
#include <arch/user.h>
#include <exo/errno.h>
#include <exo/user.h>

extern const char image_start[], image_end[]; /* linker.ld */
extern const char user_copy_end[], user_copy_fault[];
bool user_copy(void *to, const void *from, size_t size);

uint64_t user_end(void)
{
	return USER_END;
}

bool user_reaches(uint64_t address, size_t size)
{
	const uint64_t image = (uintptr_t)image_start;
	const uint64_t length = (uintptr_t)image_end - image;

	if (address < USER_END && size <= USER_END - address)
		return true;
	return IS_ENABLED(CONFIG_FLAT_OBJECTS) && address - image < length &&
	       size <= length - (address - image);
}

static int copy(void *to, const void *from, size_t size)
{
	const uint64_t flags = irq_save();
	const bool all = user_copy(to, from, size);

	irq_restore(flags);
	return all ? 0 : -EXO_E_FAULT;
}

int user_copy_from(void *to, uint64_t from, size_t size)
{
	return user_reaches(from, size) ? copy(to, (const void *)(uintptr_t)from, size)
					: -EXO_E_FAULT;
}

int user_copy_to(uint64_t to, const void *from, size_t size)
{
	return user_reaches(to, size) ? copy((void *)(uintptr_t)to, from, size) : -EXO_E_FAULT;
}

bool user_copy_fixup(struct interrupt_frame *frame)
{
	if (frame->rip < (uintptr_t)user_copy || frame->rip >= (uintptr_t)user_copy_end)
		return false;
	frame->rip = (uintptr_t)user_copy_fault;
	return true;
}
