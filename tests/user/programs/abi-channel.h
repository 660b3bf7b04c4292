/* SPDX-License-Identifier: MIT */
/* What abi-child and its starter agree on about the channels between them: one frame for two. */
#ifndef ABI_CHANNEL_H
#define ABI_CHANNEL_H

#include <libexo/channel.h>

/* Slots of the child, which its starter fills, the frame last. */
#define CHANNEL_WAKE_CHILD 3001u /* NTF */
#define CHANNEL_WAKE_STARTER 3002u /* NTF */
#define CHANNEL_FRAME 3003u

#define CHANNEL_CELLS 3u
#define CHANNEL_BYTES 6u
#define CHANNEL_WORDS 7u
#define CHANNEL_SECOND 2048u /* where the other channel is: the child's responses */
#define CHANNEL_ID 77u

#define CHANNEL_MESSAGE UINT64_C(1) /* bits of a notification: there is one */
#define CHANNEL_ROOM UINT64_C(2)
#define CHANNEL_CLAIMED UINT64_C(4)
#define CHANNEL_GONE UINT64_C(8)

int channel_echo(void);
int channel_claim(void);

#endif
