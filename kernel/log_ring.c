/* SPDX-License-Identifier: MIT */
/*
 * A ring of log records.
 *
 * A record is a header (time, length of the text, level) and the text, both laid byte by byte
 * around the end of the buffer, so any size will do. The text is written before the header and the
 * record counts only once log_ring_end() has moved the end: a panic in the middle of a line finds a
 * ring that is whole. Room is made by dropping records from the old end.
 */
#include <exo/log_ring.h>
#include <exo/string.h>

struct header {
	uint64_t time;
	uint16_t length;
	uint8_t level;
} __packed;

#define HEADER_SIZE sizeof(struct header)

_Static_assert(LOG_RING_MIN_SIZE >= LOG_RING_TEXT_MAX + HEADER_SIZE, "a record must fit the ring");
_Static_assert(sizeof(LOG_RING_CUT) - 1 < LOG_RING_TEXT_MAX, "the mark must fit a record");

static void copy_in(struct log_ring *ring, uint64_t position, const void *from, size_t length)
{
	size_t at = position % ring->size, before_wrap = ring->size - at;

	if (before_wrap > length)
		before_wrap = length;
	memcpy(ring->buffer + at, from, before_wrap);
	memcpy(ring->buffer, (const uint8_t *)from + before_wrap, length - before_wrap);
}

static struct header read_header(const struct log_ring *ring, uint64_t position)
{
	struct header header;
	uint8_t *to = (uint8_t *)&header;

	for (size_t i = 0; i < HEADER_SIZE; i++)
		to[i] = ring->buffer[(position + i) % ring->size];
	return header;
}

/* Drops the oldest records until the ring may be written up to @end. */
static void make_room(struct log_ring *ring, uint64_t end)
{
	while (end - ring->oldest > ring->size) {
		ring->oldest += HEADER_SIZE + read_header(ring, ring->oldest).length;
		ring->records--;
	}
}

void log_ring_begin(struct log_ring *ring)
{
	ring->open_length = 0;
	make_room(ring, ring->end + HEADER_SIZE);
}

void log_ring_put(struct log_ring *ring, const char *text, size_t length)
{
	uint64_t at = ring->end + HEADER_SIZE + ring->open_length;
	bool fits;

	if (ring->open_length > LOG_RING_TEXT_MAX)
		return;
	fits = length <= LOG_RING_TEXT_MAX - ring->open_length;
	if (!fits)
		length = LOG_RING_TEXT_MAX - ring->open_length;
	make_room(ring, at + length);
	copy_in(ring, at, text, length);
	ring->open_length = fits ? ring->open_length + (uint32_t)length : LOG_RING_TEXT_MAX + 1;
}

void log_ring_end(struct log_ring *ring, uint64_t time, uint8_t level)
{
	struct header header = { .time = time,
				 .length = (uint16_t)ring->open_length,
				 .level = level };

	if (ring->open_length > LOG_RING_TEXT_MAX) {
		size_t mark = sizeof(LOG_RING_CUT) - 1;

		header.length = LOG_RING_TEXT_MAX;
		copy_in(ring, ring->end + HEADER_SIZE + LOG_RING_TEXT_MAX - mark, LOG_RING_CUT,
			mark);
	}
	copy_in(ring, ring->end, &header, HEADER_SIZE);
	ring->end += HEADER_SIZE + header.length;
	ring->records++;
	ring->open_length = 0;
}

bool log_ring_read(const struct log_ring *ring, uint64_t *position, struct log_record *record)
{
	struct header header;
	size_t at;

	if (*position < ring->oldest)
		*position = ring->oldest;
	if (*position >= ring->end)
		return false;
	header = read_header(ring, *position);
	/* Readers have room for no more, and this may run in a panic over damaged memory. */
	if (header.length > LOG_RING_TEXT_MAX)
		header.length = LOG_RING_TEXT_MAX;
	at = (*position + HEADER_SIZE) % ring->size;
	record->position = *position;
	record->time = header.time;
	record->level = header.level;
	record->length[0] = header.length;
	if (record->length[0] > ring->size - at)
		record->length[0] = ring->size - at;
	record->length[1] = header.length - record->length[0];
	record->text[0] = (const char *)ring->buffer + at;
	record->text[1] = (const char *)ring->buffer;
	*position += HEADER_SIZE + header.length;
	return true;
}
