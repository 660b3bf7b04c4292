/* SPDX-License-Identifier: MIT */
/* abi-child's use of a frame that comes and goes. */
#ifndef ABI_SHARE_H
#define ABI_SHARE_H

#define SHARE_SLOT 3000u /* of the child's table: where its starter puts the frame */

int share(void);

#endif
