/* SPDX-License-Identifier: MIT */
/*
 * The first program of a protected kernel: `init` of the programs' archive, which is the boot
 * module called "programs", else what is in the image.
 */
#include "root_internal.h"

#include <arch/memory.h>
#include <exo/boot_info.h>
#include <exo/cpio.h>
#include <exo/elf.h>
#include <exo/errno.h>
#include <exo/log.h>
#include <exo/string.h>
#include <exo/user.h>
#include <uapi/exo/info.h>

#define PROGRAM "init"

extern const char programs_cpio_start[], programs_cpio_end[];

static struct elf_image image; /* of the program, once it is found */

__boot int root_load_program(void)
{
	exo_cap_t slot = EXO_FIRST_IMAGE;
	struct elf_segment segment;
	unsigned int position = 0;
	int error = 0;

	while (!error && elf_next(&image, &position, &segment)) {
		const uint64_t page = elf_segment_page(&segment);
		void *memory;

		if (slot == EXO_FIRST_FREE)
			return -EXO_E_RANGE;
		error = root_give_memory(slot++, elf_segment_pages(&segment), page, segment.rights,
					 &memory);
		if (!error)
			memcpy((char *)memory + (segment.address - page),
			       image.data + segment.offset, segment.file_size);
	}
	return error;
}

__boot size_t root_image_archive(const void **data)
{
	*data = programs_cpio_start;
	return (uintptr_t)programs_cpio_end - (uintptr_t)programs_cpio_start;
}

/* The archive's bytes, as the kernel sees them. */
static __boot const void *archive(size_t *size)
{
	const void *data;

	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		if (!strcmp(boot_info.modules[i].name, "programs")) {
			*size = boot_info.modules[i].size;
			return phys_to_virt(boot_info.modules[i].base);
		}
	*size = root_image_archive(&data);
	return data;
}

__boot bool root_find_program(uint64_t *entry)
{
	struct cpio_file file;
	enum cpio_error found;
	enum elf_error error;
	const void *data;
	size_t size;

	data = archive(&size);
	if (!size) {
		log_error("root: no programs: neither in the image nor a module \"programs\"");
		return false;
	}
	found = cpio_find(data, size, PROGRAM, &file);
	if (found) {
		log_error("root: \"%s\" in the archive of programs: %s", PROGRAM,
			  cpio_error_text(found));
		return false;
	}
	error = elf_open(file.data, file.size, 0, user_end(), &image);
	if (error)
		log_error("root: \"%s\": %s", PROGRAM, elf_error_text(error));
	*entry = image.entry;
	return !error;
}
