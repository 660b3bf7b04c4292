/* SPDX-License-Identifier: MIT */
/*
 * The cpio reader. A header is 110 characters: a magic of 6 and 13 numbers of 8 hexadecimal digits;
 * then come the name with its NUL, padding to 4 bytes, the data, padding to 4 bytes.
 */
#include <exo/compiler.h>
#include <exo/cpio.h>
#include <exo/string.h>

#define MAGIC_SIZE 6u
#define DIGITS 8u
#define HEADER_SIZE 110u

/* Which of the 13 numbers are of use. */
enum { FIELD_MODE = 1, FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11 };

static __boot bool read_field(const unsigned char *header, unsigned int field, uint32_t *value)
{
	const unsigned char *digits = header + MAGIC_SIZE + field * DIGITS;

	*value = 0;
	for (unsigned int i = 0; i < DIGITS; i++) {
		const unsigned char lower = digits[i] | ('a' - 'A');

		if (digits[i] >= '0' && digits[i] <= '9')
			*value = *value << 4 | (uint32_t)(digits[i] - '0');
		else if (lower >= 'a' && lower <= 'f')
			*value = *value << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* Sums stay small: position <= size, and the numbers have 32 bits. */
static __boot uint64_t padded(uint64_t position)
{
	return (position + 3) & ~(uint64_t)3;
}

static __boot bool fail(struct cpio_archive *archive, enum cpio_error error)
{
	archive->error = error;
	return false;
}

__boot bool cpio_next(struct cpio_archive *archive, struct cpio_file *file)
{
	const unsigned char *header = archive->data + archive->position;
	uint32_t name_size, file_size;
	uint64_t data, end;

	if (archive->error || archive->size - archive->position < HEADER_SIZE)
		return fail(archive, archive->error ? archive->error : CPIO_E_SHORT);
	if (memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2'))
		return fail(archive, CPIO_E_MAGIC);
	if (!read_field(header, FIELD_MODE, &file->mode) ||
	    !read_field(header, FIELD_FILE_SIZE, &file_size) ||
	    !read_field(header, FIELD_NAME_SIZE, &name_size))
		return fail(archive, CPIO_E_NUMBER);
	data = padded((uint64_t)archive->position + HEADER_SIZE + name_size);
	end = data + file_size;
	if (end > archive->size)
		return fail(archive, CPIO_E_SHORT);
	file->name = (const char *)header + HEADER_SIZE;
	if (name_size < 2 || strnlen(file->name, name_size) != name_size - 1)
		return fail(archive, CPIO_E_NAME);
	if (strcmp(file->name, "TRAILER!!!") == 0)
		return false;
	if (strncmp(file->name, "./", 2) == 0 && file->name[2] != '\0')
		file->name += 2;
	file->data = archive->data + data;
	file->size = file_size;
	/* The padding of the last file may be missing; the next header is then, too. */
	archive->position = padded(end) < archive->size ? padded(end) : archive->size;
	return true;
}

__boot enum cpio_error cpio_find(const void *data, size_t size, const char *name,
				 struct cpio_file *file)
{
	struct cpio_archive archive = cpio_open(data, size);

	while (cpio_next(&archive, file))
		if ((file->mode & CPIO_TYPE_MASK) == CPIO_TYPE_FILE &&
		    strcmp(file->name, name) == 0)
			return CPIO_OK;
	return archive.error ? archive.error : CPIO_E_NONE;
}

__boot const char *cpio_error_text(enum cpio_error error)
{
	static const char *const texts[CPIO_ERRORS] = {
		[CPIO_OK] = "no error",
		[CPIO_E_SHORT] = "the archive ends before its trailer",
		[CPIO_E_MAGIC] = "this is no cpio archive of the format newc",
		[CPIO_E_NUMBER] = "a header of the archive has a number that is none",
		[CPIO_E_NAME] = "a name in the archive is empty or has no end",
		[CPIO_E_NONE] = "the archive has no such file",
	};

	return (unsigned int)error < CPIO_ERRORS ? texts[error] : "unknown error";
}
