/* SPDX-License-Identifier: MIT */
/*
 * Reading cpio archives of the format "newc" (070701, and 070702, whose checksums are not looked
 * at): what carries programs. An archive is outside data and may lie; all that is returned lies
 * within it.
 */
#ifndef EXO_CPIO_H
#define EXO_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpio_error {
	CPIO_OK,
	CPIO_E_SHORT, /* it ends before its trailer */
	CPIO_E_MAGIC, /* what should be a header is none */
	CPIO_E_NUMBER, /* a number is not made of hexadecimal digits */
	CPIO_E_NAME, /* a name is empty or has no end */
	CPIO_E_NONE, /* cpio_find(): the archive is good, but has no such file */
	CPIO_ERRORS
};

struct cpio_archive {
	const unsigned char *data;
	size_t size, position;
	enum cpio_error error; /* CPIO_OK while all is well, and at a good end */
};

struct cpio_file {
	const char *name; /* ends with NUL; a "./" in front is left out */
	const void *data; /* aligned to 4 bytes relative to the archive */
	size_t size;
	uint32_t mode; /* as in Unix: file type and rights */
};

#define CPIO_TYPE_MASK 0170000u
#define CPIO_TYPE_FILE 0100000u /* a regular file */

/* Begins at the start of an archive. */
static inline struct cpio_archive cpio_open(const void *data, size_t size)
{
	const struct cpio_archive archive = { (const unsigned char *)data, size, 0, CPIO_OK };

	return archive;
}

/* The next file, directory or whatever it is. False at the end, and on an error (@archive->error).
 */
bool cpio_next(struct cpio_archive *archive, struct cpio_file *file);

/* Looks for a regular file by its name. CPIO_OK, CPIO_E_NONE, or what is wrong with the archive. */
enum cpio_error cpio_find(const void *data, size_t size, const char *name, struct cpio_file *file);

/* What an error means, for people. */
const char *cpio_error_text(enum cpio_error error);

#endif
