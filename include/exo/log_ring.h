/* SPDX-License-Identifier: MIT */
/*
 * The log's memory: a ring of variable-length records, the oldest overwritten whole. Pure; no
 * locks, the caller keeps writers apart.
 */
#ifndef EXO_LOG_RING_H
#define EXO_LOG_RING_H

#include <exo/compiler.h>
#include <stdbool.h>

/* Longest text of a record (bytes); a longer one ends in LOG_RING_CUT. */
#define LOG_RING_TEXT_MAX 256
#define LOG_RING_CUT "..."

/* The least size of the buffer: one longest record with its header fits. */
#define LOG_RING_MIN_SIZE 512

/*
 * Positions count bytes since the first record and never wrap; the byte at position p is
 * buffer[p % size]. Invariants: oldest <= end, end - oldest <= size, and both are starts of
 * records.
 */
struct log_ring {
	uint8_t *buffer;
	uint32_t size; /* bytes, >= LOG_RING_MIN_SIZE */
	uint32_t records; /* how many are kept */
	uint64_t oldest, end;
	uint32_t open_length; /* text of the record that is being written; may exceed the maximum */
};

#define LOG_RING_INIT(array)                             \
	{                                                \
		.buffer = (array), .size = sizeof(array) \
	}

/* One record, its text still in the ring: two pieces if it wraps, else the second is empty. */
struct log_record {
	uint64_t time; /* as given to log_ring_end() */
	uint8_t level;
	const char *text[2];
	size_t length[2];
	uint64_t position;
};

/* Begins a record; one begun and not ended is forgotten. */
void log_ring_begin(struct log_ring *ring);

/* Adds text to the record. The oldest records go as it needs room. */
void log_ring_put(struct log_ring *ring, const char *text, size_t length);

/* Completes the record; from here on readers see it. */
void log_ring_end(struct log_ring *ring, uint64_t time, uint8_t level);

/**
 * log_ring_read() - the oldest record at or after a position
 * @position: in: 0 for the oldest one, or where the last call left off; out: the next record
 * Returns false when there is none. What @record points to is good until the next log_ring_put().
 */
bool log_ring_read(const struct log_ring *ring, uint64_t *position, struct log_record *record);

#endif
