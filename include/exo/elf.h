/* SPDX-License-Identifier: MIT */
/*
 * Reading static ELF64 programs for x86-64 (System V gABI chapters 4 and 5): both for the kernel,
 * which loads the first program, and for libexo, which loads all others.
 *
 * An image is outside data and may lie. elf_open() believes nothing and checks every segment, so
 * that elf_next() needs no error; between the two the image must not change. Nothing is allocated,
 * nothing is mapped: segments are told in pages, and whoever asked puts the bytes there.
 */
#ifndef EXO_ELF_H
#define EXO_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uapi/exo/cap.h>

#define ELF_PAGE 4096u
#define ELF_LOWEST 0x1000u /* no program has page 0 */

enum elf_error {
	ELF_OK,
	ELF_E_SHORT, /* the file ends within its header */
	ELF_E_MAGIC, /* no ELF file, or of an unknown version */
	ELF_E_MACHINE, /* not 64 bits, little-endian, x86-64 */
	ELF_E_TYPE, /* neither ET_EXEC nor ET_DYN */
	ELF_E_HEADERS, /* the program headers are of another size or outside of the file */
	ELF_E_INTERPRETER, /* wants a dynamic linker */
	ELF_E_FILE, /* a segment's bytes are outside of the file, or more than it has memory */
	ELF_E_ADDRESS, /* a segment's memory is outside of user space */
	ELF_E_ALIGN, /* a segment's alignment is none, or does not fit its address */
	ELF_E_OVERLAP, /* segments are not in the order of their addresses, or share a page */
	ELF_E_RIGHTS, /* a segment is both writable and executable, or neither readable */
	ELF_E_EMPTY, /* no segment is to be loaded */
	ELF_E_ENTRY, /* the entry is in no executable segment */
	ELF_ERRORS
};

struct elf_image {
	const unsigned char *data;
	size_t size;
	uint64_t base; /* added to every address of the file; 0 for ET_EXEC */
	uint64_t entry;
	uint64_t low, high; /* all segments are within: page-aligned, high is the end */
	uint64_t headers; /* where the program headers are in memory (AT_PHDR); 0: nowhere */
	uint64_t headers_offset; /* in the file */
	unsigned int nr_headers; /* AT_PHNUM */
};

struct elf_segment {
	uint64_t address,
		memory_size; /* bytes; the pages that these touch are no other segment's */
	uint64_t offset, file_size; /* what is to be copied to @address; the rest is zeros */
	unsigned int rights; /* EXO_RIGHT_R, alone or with W or X */
};

/**
 * elf_open() - check an image and find out what is needed to load it
 * @data, @size: the file; any alignment
 * @base: where a position-independent program (ET_DYN) goes, page-aligned; others ignore it
 * @user_end: the first address that user space does not have
 * Returns ELF_OK and fills *@image, or what is wrong, and leaves it undefined.
 */
enum elf_error elf_open(const void *data, size_t size, uint64_t base, uint64_t user_end,
			struct elf_image *image);

/**
 * elf_next() - the next segment that is to be loaded, in the order of their addresses
 * @position: 0 at first; kept between calls
 * Returns false when there are no more.
 */
bool elf_next(const struct elf_image *image, unsigned int *position, struct elf_segment *segment);

/* What an error means, for people. */
const char *elf_error_text(enum elf_error error);

/* The pages of a segment: the address of the first, and how many. */
static inline uint64_t elf_segment_page(const struct elf_segment *segment)
{
	return segment->address & ~(uint64_t)(ELF_PAGE - 1);
}

static inline uint64_t elf_segment_pages(const struct elf_segment *segment)
{
	const uint64_t end = segment->address + segment->memory_size + ELF_PAGE - 1;

	return (end - elf_segment_page(segment)) / ELF_PAGE;
}

#endif
