/* SPDX-License-Identifier: MIT */
/*
 * The ELF64 parser. Headers are copied out of the file before they are looked at, so the file may
 * lie anywhere; sums are only made of what has been found to be small enough.
 */
#include <exo/compiler.h>
#include <exo/elf.h>
#include <exo/string.h>

#define TYPE_EXEC 2 /* e_type: ET_EXEC */
#define TYPE_DYN 3 /* ET_DYN */
#define MACHINE_X86_64 62 /* e_machine: EM_X86_64 */
#define SEGMENT_LOAD 1 /* p_type: PT_LOAD */
#define SEGMENT_INTERPRETER 3 /* PT_INTERP */
#define FLAG_X 1u /* p_flags */
#define FLAG_W 2u
#define FLAG_R 4u

/* Elf64_Ehdr */
struct file_header {
	unsigned char magic[4], class, data, version, abi, padding[8];
	uint16_t type, machine;
	uint32_t file_version;
	uint64_t entry, headers_offset, sections_offset;
	uint32_t flags;
	uint16_t size, header_size, nr_headers, section_size, nr_sections, names_section;
};

/* Elf64_Phdr */
struct program_header {
	uint32_t type, flags;
	uint64_t offset, address, physical, file_size, memory_size, align;
};

_Static_assert(sizeof(struct file_header) == 64, "gABI figure 4-3");
_Static_assert(sizeof(struct program_header) == 56, "gABI figure 5-1");

static __boot struct program_header read_header(const struct elf_image *image, unsigned int number)
{
	struct program_header header;

	memcpy(&header, image->data + image->headers_offset + number * sizeof(header),
	       sizeof(header));
	return header;
}

static __boot bool is_loaded(const struct program_header *header)
{
	return header->type == SEGMENT_LOAD && header->memory_size > 0;
}

static __boot enum elf_error check_file_header(const struct file_header *header, size_t size)
{
	static const unsigned char magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (memcmp(header->magic, magic, sizeof(magic)) != 0 || header->version != 1 ||
	    header->file_version != 1)
		return ELF_E_MAGIC;
	if (header->class != 2 || header->data != 1 || header->machine != MACHINE_X86_64)
		return ELF_E_MACHINE;
	if (header->type != TYPE_EXEC && header->type != TYPE_DYN)
		return ELF_E_TYPE;
	if (header->header_size != sizeof(struct program_header) || header->headers_offset > size ||
	    (size - header->headers_offset) / sizeof(struct program_header) < header->nr_headers)
		return ELF_E_HEADERS;
	return ELF_OK;
}

/* @end: of the pages of the segments before; moved behind this one. */
static __boot enum elf_error check_segment(const struct elf_image *image,
					   const struct program_header *header, uint64_t user_end,
					   uint64_t *end)
{
	const uint64_t mask = header->align > 1 ? header->align - 1 : 0;
	uint64_t address;

	if (header->file_size > header->memory_size || header->offset > image->size ||
	    header->file_size > image->size - header->offset)
		return ELF_E_FILE;
	if (header->memory_size > user_end || image->base > user_end - header->memory_size ||
	    header->address > user_end - header->memory_size - image->base)
		return ELF_E_ADDRESS;
	address = image->base + header->address;
	if (address < ELF_LOWEST)
		return ELF_E_ADDRESS;
	if ((mask & (mask + 1)) != 0 || ((header->address ^ header->offset) & mask) != 0 ||
	    (image->base & mask) != 0)
		return ELF_E_ALIGN;
	if (address < *end)
		return ELF_E_OVERLAP;
	if (!(header->flags & FLAG_R) || (header->flags & FLAG_W && header->flags & FLAG_X))
		return ELF_E_RIGHTS;
	*end = (address + header->memory_size + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);
	return ELF_OK;
}

/* What a segment that has been found good says of the whole: its bounds, where the headers are. */
static __boot void note_segment(struct elf_image *image, const struct program_header *header,
				bool *entry_is_good)
{
	const uint64_t address = image->base + header->address;
	const uint64_t headers_size = image->nr_headers * sizeof(struct program_header);

	if (image->high == 0)
		image->low = address & ~(uint64_t)(ELF_PAGE - 1);
	if (header->flags & FLAG_X && image->entry >= address &&
	    image->entry - address < header->memory_size)
		*entry_is_good = true;
	if (image->headers == 0 && image->headers_offset >= header->offset &&
	    headers_size <= header->file_size &&
	    image->headers_offset - header->offset <= header->file_size - headers_size)
		image->headers = address + (image->headers_offset - header->offset);
}

__boot enum elf_error elf_open(const void *data, size_t size, uint64_t base, uint64_t user_end,
			       struct elf_image *image)
{
	struct file_header file;
	enum elf_error error;
	bool entry_is_good = false;

	if (size < sizeof(file))
		return ELF_E_SHORT;
	memcpy(&file, data, sizeof(file));
	error = check_file_header(&file, size);
	if (error)
		return error;
	*image = (struct elf_image){
		.data = data,
		.size = size,
		.base = file.type == TYPE_DYN ? base : 0,
		.headers_offset = file.headers_offset,
		.nr_headers = file.nr_headers,
	};
	image->entry = image->base + file.entry; /* if it wraps, it is in no segment */
	for (unsigned int i = 0; i < image->nr_headers; i++) {
		const struct program_header header = read_header(image, i);
		uint64_t end = image->high;

		if (header.type == SEGMENT_INTERPRETER)
			return ELF_E_INTERPRETER;
		if (!is_loaded(&header))
			continue;
		error = check_segment(image, &header, user_end, &end);
		if (error)
			return error;
		note_segment(image, &header, &entry_is_good);
		image->high = end;
	}
	if (image->high == 0)
		return ELF_E_EMPTY;
	return entry_is_good ? ELF_OK : ELF_E_ENTRY;
}

__boot bool elf_next(const struct elf_image *image, unsigned int *position,
		     struct elf_segment *segment)
{
	while (*position < image->nr_headers) {
		const struct program_header header = read_header(image, (*position)++);

		if (!is_loaded(&header))
			continue;
		segment->address = image->base + header.address;
		segment->memory_size = header.memory_size;
		segment->offset = header.offset;
		segment->file_size = header.file_size;
		segment->rights = EXO_RIGHT_R;
		if (header.flags & FLAG_W)
			segment->rights |= EXO_RIGHT_W;
		if (header.flags & FLAG_X)
			segment->rights |= EXO_RIGHT_X;
		return true;
	}
	return false;
}

__boot const char *elf_error_text(enum elf_error error)
{
	static const char *const texts[ELF_ERRORS] = {
		[ELF_OK] = "no error",
		[ELF_E_SHORT] = "the file ends within its header",
		[ELF_E_MAGIC] = "this is no ELF file",
		[ELF_E_MACHINE] = "this is a program for another machine than x86-64",
		[ELF_E_TYPE] = "this ELF file is no program",
		[ELF_E_HEADERS] = "the program headers are outside of the file",
		[ELF_E_INTERPRETER] = "the program wants a dynamic linker: link it with -static",
		[ELF_E_FILE] = "a segment is outside of the file",
		[ELF_E_ADDRESS] = "a segment is outside of user space",
		[ELF_E_ALIGN] = "a segment's alignment does not fit its address",
		[ELF_E_OVERLAP] = "segments share a page or are out of order",
		[ELF_E_RIGHTS] = "a segment is writable and executable, or not readable",
		[ELF_E_EMPTY] = "no segment is to be loaded",
		[ELF_E_ENTRY] = "the entry is not in executable memory",
	};

	return (unsigned int)error < ELF_ERRORS ? texts[error] : "unknown error";
}
