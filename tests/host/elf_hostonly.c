/* SPDX-License-Identifier: MIT */
/*
 * The ELF parser on real files: this program itself, which wants a dynamic linker, and static ones
 * of the host where there are some, which must be good and agree with what the host's linker says.
 */
#include <elf.h>
#include <exo/elf.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned int nr_tests, nr_failed;

static void report(int good, const char *name)
{
	printf("%sok %u %s\n", good ? "" : "not ", ++nr_tests, name);
	nr_failed += !good;
}

static unsigned char *read_file(const char *name, size_t *size)
{
	FILE *stream = fopen(name, "rb");
	unsigned char *bytes = NULL;
	long length;

	*size = 0;
	if (!stream)
		return NULL;
	if (fseek(stream, 0, SEEK_END) == 0 && (length = ftell(stream)) > 0) {
		rewind(stream);
		bytes = malloc((size_t)length);
		*size = fread(bytes, 1, (size_t)length, stream);
	}
	fclose(stream);
	return bytes;
}

/* Each PT_LOAD of the host's own idea of the file is a segment, and no other. */
static int agrees(const unsigned char *bytes, const struct elf_image *image)
{
	const Elf64_Ehdr *header = (const void *)bytes;
	const Elf64_Phdr *row = (const void *)(bytes + header->e_phoff);
	struct elf_segment segment;
	unsigned int position = 0;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (row[i].p_type != PT_LOAD || row[i].p_memsz == 0)
			continue;
		if (!elf_next(image, &position, &segment) ||
		    segment.address != row[i].p_vaddr + image->base ||
		    segment.memory_size != row[i].p_memsz || segment.offset != row[i].p_offset ||
		    segment.file_size != row[i].p_filesz)
			return 0;
	}
	return !elf_next(image, &position, &segment) && image->nr_headers == header->e_phnum &&
	       image->headers != 0 && image->entry == header->e_entry + image->base;
}

static void test_static(const char *name)
{
	struct elf_image image;
	size_t size;
	unsigned char *bytes = read_file(name, &size);

	if (!bytes) {
		printf("ok %u elf_static_program # SKIP there is no %s\n", ++nr_tests, name);
		return;
	}
	report(elf_open(bytes, size, 0x10000000, 0x7ffffffff000, &image) == ELF_OK &&
		       agrees(bytes, &image),
	       "elf_static_program");
	free(bytes);
}

int main(void)
{
	struct elf_image image;
	size_t size;
	unsigned char *bytes = read_file("/proc/self/exe", &size);

	printf("1..2\n");
	report(bytes && elf_open(bytes, size, 0, 0x7ffffffff000, &image) == ELF_E_INTERPRETER,
	       "elf_dynamic_program");
	free(bytes);
	/* Debian's ldconfig is static-pie and is there wherever libc is. */
	test_static("/sbin/ldconfig");
	return nr_failed != 0;
}
