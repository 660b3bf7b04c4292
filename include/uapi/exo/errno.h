/* SPDX-License-Identifier: MIT */
/* The ABI's error codes. A call returns 0, or the negative of one of these in RAX. */
#ifndef UAPI_EXO_ERRNO_H
#define UAPI_EXO_ERRNO_H

enum exo_error {
	EXO_E_CALL = 1, /* no such system call in this kernel */
	EXO_E_CAP = 2, /* no capability in the slot */
	EXO_E_TYPE = 3, /* the capability is of another type */
	EXO_E_PERM = 4, /* the capability lacks the right */
	EXO_E_ARG = 5, /* an argument has no meaning */
	EXO_E_ALIGN = 6, /* an address or size is not aligned */
	EXO_E_RANGE = 7, /* an address, size or number is outside the object */
	EXO_E_NOMEM = 8, /* the bank or pool is exhausted */
	EXO_E_SLOT = 9, /* the destination slot is in use */
	EXO_E_BUSY = 10, /* the object is in use */
	EXO_E_AGAIN = 11, /* progress was made: call again */
	EXO_E_TIMEOUT = 12, /* the deadline passed */
	EXO_E_DEAD = 13, /* the partner or object is gone */
	EXO_E_FAULT = 14, /* a user pointer could not be accessed */
};

#endif
