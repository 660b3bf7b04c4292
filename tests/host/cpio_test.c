/* SPDX-License-Identifier: MIT */
/* The cpio reader: a good archive, each mistake, every cut. */
#include <exo/cpio.h>
#include <exo/string.h>
#include <exo/test.h>

/* As scripts/build/cpio.py writes them; tests/tools/cpio_test.py compares with cpio(1). */
#define NUMBERS(mode, size, name_size)     \
	"00000001" mode "0000000000000000" \
	"0000000100000000" size "00000000000000000000000000000000" name_size "00000000"
#define FILE_HEADER(size, name_size) "070701" NUMBERS("000081a4", size, name_size)
#define TRAILER FILE_HEADER("00000000", "0000000b") "TRAILER!!!\0\0\0\0"

static const char good[] = FILE_HEADER(
	"00000005",
	"00000002") "a\0"
		    "hello\0\0\0"
		    "070702" NUMBERS("000041ED", "00000000", "00000004") "dir\0\0\0" FILE_HEADER(
			    "00000000", "00000006") "./b/c\0" TRAILER "anything";

#define GOOD_SIZE (sizeof(good) - 1 - 8)

static char archive_bytes[sizeof(good)];

static void cpio_lists_files(struct test *test)
{
	struct cpio_archive archive = cpio_open(good, sizeof(good) - 1);
	struct cpio_file file;

	TEST_TRUE(test, cpio_next(&archive, &file));
	TEST_STREQ(test, file.name, "a");
	TEST_EQ(test, file.size, 5);
	TEST_EQ(test, file.mode, 0100644);
	TEST_TRUE(test, memcmp(file.data, "hello", 5) == 0);
	TEST_TRUE(test, cpio_next(&archive, &file));
	TEST_STREQ(test, file.name, "dir");
	TEST_EQ(test, file.mode & CPIO_TYPE_MASK, 0040000);
	TEST_TRUE(test, cpio_next(&archive, &file));
	TEST_STREQ(test, file.name, "b/c");
	TEST_EQ(test, file.size, 0);
	for (int i = 0; i < 3; i++) {
		TEST_TRUE(test, !cpio_next(&archive, &file));
		TEST_EQ(test, archive.error, CPIO_OK);
	}
}

static void cpio_finds_files(struct test *test)
{
	struct cpio_file file;

	TEST_EQ(test, cpio_find(good, sizeof(good) - 1, "b/c", &file), CPIO_OK);
	TEST_STREQ(test, file.name, "b/c");
	TEST_EQ(test, cpio_find(good, sizeof(good) - 1, "dir", &file), CPIO_E_NONE);
	TEST_EQ(test, cpio_find(good, sizeof(good) - 1, "hell", &file), CPIO_E_NONE);
	TEST_EQ(test, cpio_find(good, sizeof(good) - 1, "TRAILER!!!", &file), CPIO_E_NONE);
	TEST_EQ(test, cpio_find(good, 0, "a", &file), CPIO_E_SHORT);
}

static void cpio_any_cut_is_seen(struct test *test)
{
	struct cpio_file file;

	for (size_t size = 0; size < GOOD_SIZE; size++)
		TEST_EQ(test, cpio_find(good, size, "none", &file), CPIO_E_SHORT);
	TEST_EQ(test, cpio_find(good, GOOD_SIZE, "none", &file), CPIO_E_NONE);
}

static void cpio_refuses_each_mistake(struct test *test)
{
	static const struct {
		uint8_t at;
		char value;
		uint8_t error;
	} mistakes[] = {
		{ 0, '1', CPIO_E_MAGIC },	 { 5, '7', CPIO_E_MAGIC },
		{ 5, '0', CPIO_E_MAGIC },	 { 14, 'g', CPIO_E_NUMBER },
		{ 54, ' ', CPIO_E_NUMBER },	 { 101, '\0', CPIO_E_NUMBER },
		{ 101, '0', CPIO_E_NAME },	 { 101, '1', CPIO_E_NAME },
		{ 101, '3', CPIO_E_NAME },	 { 94, 'f', CPIO_E_SHORT },
		{ 54, 'f', CPIO_E_SHORT },	 { 111, 'b', CPIO_E_NAME },
		{ 110, '\0', CPIO_E_NAME },	 { 61, '9', CPIO_E_MAGIC },
		{ 4, (char)0xff, CPIO_E_MAGIC },
	};
	struct cpio_file file;

	for (unsigned int i = 0; i < ARRAY_SIZE(mistakes); i++) {
		memcpy(archive_bytes, good, sizeof(good));
		TEST_EQ(test, cpio_find(archive_bytes, GOOD_SIZE, "b/c", &file), CPIO_OK);
		archive_bytes[mistakes[i].at] = mistakes[i].value;
		TEST_EQ(test, cpio_find(archive_bytes, GOOD_SIZE, "b/c", &file), mistakes[i].error);
	}
}

static void cpio_errors_have_texts(struct test *test)
{
	for (unsigned int error = 0; error < CPIO_ERRORS; error++)
		TEST_TRUE(test, cpio_error_text((enum cpio_error)error) != NULL);
	TEST_STREQ(test, cpio_error_text(CPIO_ERRORS), "unknown error");
}

static const struct test_case cpio_cases[] = {
	TEST_CASE(cpio_lists_files),	   TEST_CASE(cpio_finds_files),
	TEST_CASE(cpio_any_cut_is_seen),   TEST_CASE(cpio_refuses_each_mistake),
	TEST_CASE(cpio_errors_have_texts),
};
TEST_SUITE(cpio, cpio_cases);
