/* SPDX-License-Identifier: MIT */
/* The log ring against a naive model: a list of records from which the oldest go one by one. */
#include <exo/log_ring.h>
#include <exo/string.h>
#include <exo/test.h>

#define HEADER 11 /* bytes a record takes besides its text, as the help of LOG_BUFFER_SIZE says */
#define MAX_MODEL 128
#define GUARD 0x5c

struct model_record {
	char text[LOG_RING_TEXT_MAX];
	size_t length;
	uint64_t time;
	uint8_t level;
};

static struct model {
	struct model_record records[MAX_MODEL];
	unsigned int count;
	size_t used, size;
} model;

static uint8_t memory[2048];
static uint32_t random_state;

static uint32_t random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void model_add(const char *text, size_t length, uint64_t time, uint8_t level)
{
	struct model_record *record;
	size_t kept = length < LOG_RING_TEXT_MAX ? length : LOG_RING_TEXT_MAX;

	while (model.used + kept + HEADER > model.size) {
		model.used -= model.records[0].length + HEADER;
		model.count--;
		memmove(model.records, model.records + 1, model.count * sizeof(model.records[0]));
	}
	record = &model.records[model.count++];
	memcpy(record->text, text, kept);
	if (length > kept)
		memcpy(record->text + kept - 3, "...", 3);
	record->length = kept;
	record->time = time;
	record->level = level;
	model.used += kept + HEADER;
}

static void ring_add(struct log_ring *ring, const char *text, size_t length, uint64_t time,
		     uint8_t level)
{
	log_ring_begin(ring);
	while (length > 0) {
		size_t piece = 1 + random((uint32_t)length);

		log_ring_put(ring, text, piece);
		text += piece;
		length -= piece;
	}
	log_ring_end(ring, time, level);
}

static bool same_record(const struct log_record *record, const struct model_record *expected)
{
	return record->time == expected->time && record->level == expected->level &&
	       record->length[0] + record->length[1] == expected->length &&
	       memcmp(record->text[0], expected->text, record->length[0]) == 0 &&
	       memcmp(record->text[1], expected->text + record->length[0], record->length[1]) == 0;
}

/* Returns how many records agree with the model, or -1 when one does not. */
static int compare(const struct log_ring *ring)
{
	struct log_record record;
	uint64_t position = 0;
	int count = 0;

	while (log_ring_read(ring, &position, &record)) {
		if ((unsigned int)count == model.count ||
		    !same_record(&record, &model.records[count]))
			return -1;
		count++;
	}
	return count;
}

static struct log_ring new_ring(uint32_t size)
{
	struct log_ring ring = { .buffer = memory, .size = size };

	memset(memory, GUARD, sizeof(memory));
	model.count = 0;
	model.used = 0;
	model.size = size;
	return ring;
}

static void log_ring_agrees_with_model(struct test *test)
{
	static const uint32_t sizes[] = { 512, 513, 777, 1024, 1999 };
	char text[320];

	random_state = 1;
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct log_ring ring = new_ring(sizes[s]);

		for (unsigned int i = 0; i < 2000; i++) {
			size_t length = random(random(4) ? 40 : sizeof(text) + 1);

			for (size_t j = 0; j < length; j++)
				text[j] = (char)(' ' + random(95));
			ring_add(&ring, text, length, i, (uint8_t)(1 + i % 5));
			model_add(text, length, i, (uint8_t)(1 + i % 5));
			TEST_EQ(test, compare(&ring), model.count);
			TEST_EQ(test, ring.records, model.count);
			TEST_EQ(test, memory[sizes[s]], GUARD);
		}
	}
}

static void log_ring_is_empty_at_first(struct test *test)
{
	struct log_ring ring = new_ring(512);
	struct log_record record;
	uint64_t position = 0;

	TEST_TRUE(test, !log_ring_read(&ring, &position, &record));
	TEST_EQ(test, position, 0);
}

static void log_ring_hides_unfinished_record(struct test *test)
{
	struct log_ring ring = new_ring(512);

	ring_add(&ring, "first", 5, 1, 1);
	model_add("first", 5, 1, 1);
	log_ring_begin(&ring);
	log_ring_put(&ring, "lost", 4);
	TEST_EQ(test, compare(&ring), 1);
	ring_add(&ring, "second", 6, 2, 1);
	model_add("second", 6, 2, 1);
	TEST_EQ(test, compare(&ring), 2);
}

static void log_ring_reader_skips_what_was_overwritten(struct test *test)
{
	struct log_ring ring = new_ring(512);
	struct log_record record;
	uint64_t position = 0;
	char text[100];

	memset(text, 'x', sizeof(text));
	ring_add(&ring, text, sizeof(text), 1, 1);
	ring_add(&ring, text, sizeof(text), 2, 1);
	TEST_TRUE(test, log_ring_read(&ring, &position, &record));
	TEST_EQ(test, record.time, 1);
	for (uint64_t time = 3; time <= 6; time++)
		ring_add(&ring, text, sizeof(text), time, 1);
	/* 512 bytes hold four of them: 3, 4, 5 and 6. */
	TEST_TRUE(test, log_ring_read(&ring, &position, &record));
	TEST_EQ(test, record.time, 3);
}

static void log_ring_survives_damage(struct test *test)
{
	struct log_ring ring = new_ring(512);
	struct log_record record;
	uint64_t position = 0;

	ring_add(&ring, "text", 4, 1, 1);
	memset(memory, 0xff, 512);
	TEST_TRUE(test, log_ring_read(&ring, &position, &record));
	TEST_TRUE(test, record.length[0] + record.length[1] <= LOG_RING_TEXT_MAX);
	TEST_TRUE(test, !log_ring_read(&ring, &position, &record));
}

static const struct test_case log_ring_cases[] = {
	TEST_CASE(log_ring_agrees_with_model),
	TEST_CASE(log_ring_is_empty_at_first),
	TEST_CASE(log_ring_hides_unfinished_record),
	TEST_CASE(log_ring_reader_skips_what_was_overwritten),
	TEST_CASE(log_ring_survives_damage),
};
TEST_SUITE(log_ring, log_ring_cases);
