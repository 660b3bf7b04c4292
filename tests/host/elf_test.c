/* SPDX-License-Identifier: MIT */
/* The ELF parser: a good program, and each way in which it can be bad. */
#include <exo/elf.h>
#include <exo/string.h>
#include <exo/test.h>

#define USER_END 0x7ffffffff000u
#define FILE_SIZE 0x3000u
#define HEADER_AT(number) (64u + (number)*56u)

static unsigned char file[FILE_SIZE + 1];

static void put(unsigned int offset, uint64_t value, unsigned int size)
{
	memcpy(file + offset, &value, size);
}

static void put_segment(unsigned int number, uint32_t flags, uint64_t offset, uint64_t address,
			uint64_t file_size, uint64_t memory_size)
{
	const unsigned int at = HEADER_AT(number);

	put(at, 1, 4);
	put(at + 4, flags, 4);
	put(at + 8, offset, 8);
	put(at + 16, address, 8);
	put(at + 24, address, 8);
	put(at + 32, file_size, 8);
	put(at + 40, memory_size, 8);
	put(at + 48, 0x1000, 8);
}

/* Read-only data with the headers, code, data with zeros behind; the second header is a note. */
static void make_program(uint16_t type, uint64_t base)
{
	static const unsigned char start[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	memset(file, 0, sizeof(file));
	memcpy(file, start, sizeof(start));
	put(16, type, 2);
	put(18, 62, 2);
	put(20, 1, 4);
	put(24, base + 0x1010, 8);
	put(32, 64, 8);
	put(52, 64, 2);
	put(54, 56, 2);
	put(56, 4, 2);
	put_segment(0, 4, 0, base, 0x200, 0x200);
	put_segment(1, 4, 0, 0, 0x10, 0x10);
	put(HEADER_AT(1), 4, 4);
	put_segment(2, 5, 0x1000, base + 0x1000, 0x800, 0x800);
	put_segment(3, 6, 0x1800, base + 0x2800, 0x100, 0x2000);
}

static enum elf_error parse(void)
{
	struct elf_image image;

	return elf_open(file, FILE_SIZE, 0, USER_END, &image);
}

static void elf_reads_a_program(struct test *test)
{
	struct elf_image image;
	struct elf_segment segment;
	unsigned int position = 0;

	make_program(2, 0x400000);
	memmove(file + 1, file, FILE_SIZE); /* no address is aligned */
	TEST_EQ(test, elf_open(file + 1, FILE_SIZE, 0x5000, USER_END, &image), ELF_OK);
	TEST_EQ(test, image.entry, 0x401010);
	TEST_EQ(test, image.low, 0x400000);
	TEST_EQ(test, image.high, 0x405000);
	TEST_EQ(test, image.headers, 0x400040);
	TEST_EQ(test, image.nr_headers, 4);
	TEST_TRUE(test, elf_next(&image, &position, &segment));
	TEST_EQ(test, segment.address, 0x400000);
	TEST_EQ(test, segment.rights, EXO_RIGHT_R);
	TEST_TRUE(test, elf_next(&image, &position, &segment));
	TEST_EQ(test, segment.rights, EXO_RIGHT_R | EXO_RIGHT_X);
	TEST_EQ(test, segment.offset, 0x1000);
	TEST_TRUE(test, elf_next(&image, &position, &segment));
	TEST_EQ(test, segment.rights, EXO_RIGHT_R | EXO_RIGHT_W);
	TEST_EQ(test, segment.file_size, 0x100);
	TEST_EQ(test, segment.memory_size, 0x2000);
	TEST_EQ(test, elf_segment_page(&segment), 0x402000);
	TEST_EQ(test, elf_segment_pages(&segment), 3);
	TEST_TRUE(test, !elf_next(&image, &position, &segment));
}

static void elf_moves_what_can_be_moved(struct test *test)
{
	struct elf_image image;
	struct elf_segment segment;
	unsigned int position = 0;

	make_program(3, 0);
	TEST_EQ(test, elf_open(file, FILE_SIZE, 0, USER_END, &image), ELF_E_ADDRESS);
	TEST_EQ(test, elf_open(file, FILE_SIZE, 0x10000, USER_END, &image), ELF_OK);
	TEST_EQ(test, image.entry, 0x11010);
	TEST_EQ(test, image.headers, 0x10040);
	TEST_TRUE(test, elf_next(&image, &position, &segment));
	TEST_EQ(test, segment.address, 0x10000);
	TEST_EQ(test, elf_open(file, FILE_SIZE, 0x10800, USER_END, &image), ELF_E_ALIGN);
	TEST_EQ(test, elf_open(file, FILE_SIZE, USER_END, USER_END, &image), ELF_E_ADDRESS);
	TEST_EQ(test, elf_open(file, FILE_SIZE, UINT64_MAX - 0xfff, USER_END, &image),
		ELF_E_ADDRESS);
	TEST_EQ(test, elf_open(file, FILE_SIZE, USER_END - 0x5000, USER_END, &image), ELF_OK);
	TEST_EQ(test, elf_open(file, FILE_SIZE, USER_END - 0x4000, USER_END, &image),
		ELF_E_ADDRESS);
}

/* One field of a good program is changed; the error says which it was. */
static void elf_refuses_each_mistake(struct test *test)
{
	static const struct {
		uint64_t value;
		uint16_t at;
		uint8_t size, error;
	} mistakes[] = {
		{ 0, 0, 1, ELF_E_MAGIC }, /* 0x7f */
		{ 2, 6, 1, ELF_E_MAGIC }, /* version */
		{ 0, 20, 4, ELF_E_MAGIC },
		{ 1, 4, 1, ELF_E_MACHINE }, /* 32 bits */
		{ 2, 5, 1, ELF_E_MACHINE }, /* big-endian */
		{ 3, 18, 2, ELF_E_MACHINE }, /* i386 */
		{ 1, 16, 2, ELF_E_TYPE }, /* object file */
		{ 4, 16, 2, ELF_E_TYPE }, /* core dump */
		{ 55, 54, 2, ELF_E_HEADERS },
		{ 0xffff, 56, 2, ELF_E_HEADERS }, /* too many */
		{ FILE_SIZE - 100, 32, 8, ELF_E_HEADERS }, /* behind the end */
		{ UINT64_MAX - 7, 32, 8, ELF_E_HEADERS },
		{ 3, HEADER_AT(1), 4, ELF_E_INTERPRETER },
		{ 0x801, HEADER_AT(2) + 32, 8, ELF_E_FILE }, /* more in the file than in memory */
		{ FILE_SIZE + 1, HEADER_AT(2) + 8, 8, ELF_E_FILE },
		{ UINT64_MAX, HEADER_AT(2) + 8, 8, ELF_E_FILE },
		{ UINT64_MAX, HEADER_AT(3) + 40, 8, ELF_E_ADDRESS },
		{ USER_END - 0x402800 + 1, HEADER_AT(3) + 40, 8, ELF_E_ADDRESS },
		{ USER_END - 0x800, HEADER_AT(3) + 16, 8, ELF_E_ADDRESS },
		{ UINT64_MAX - 0x7ff, HEADER_AT(3) + 16, 8, ELF_E_ADDRESS },
		{ 0, HEADER_AT(0) + 16, 8, ELF_E_ADDRESS }, /* page 0 */
		{ 0x402801, HEADER_AT(3) + 16, 8, ELF_E_ALIGN },
		{ 0x1800, HEADER_AT(3) + 48, 8, ELF_E_ALIGN }, /* no power of two */
		{ 0x400000, HEADER_AT(2) + 16, 8, ELF_E_OVERLAP },
		{ 0x1001, HEADER_AT(0) + 40, 8, ELF_E_OVERLAP }, /* into the next page */
		{ 7, HEADER_AT(2) + 4, 4, ELF_E_RIGHTS },
		{ 1, HEADER_AT(2) + 4, 4, ELF_E_RIGHTS },
		{ 0, HEADER_AT(0) + 4, 4, ELF_E_RIGHTS },
		{ 0, 56, 2, ELF_E_EMPTY },
		{ 0x401800, 24, 8, ELF_E_ENTRY }, /* behind the code */
		{ 0x400100, 24, 8, ELF_E_ENTRY }, /* not executable */
		{ 0, 24, 8, ELF_E_ENTRY },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(mistakes); i++) {
		make_program(2, 0x400000);
		TEST_EQ(test, parse(), ELF_OK);
		put(mistakes[i].at, mistakes[i].value, mistakes[i].size);
		TEST_EQ(test, parse(), mistakes[i].error);
	}
}

static void elf_any_cut_is_seen(struct test *test)
{
	struct elf_image image;

	make_program(2, 0x400000);
	for (size_t size = 0; size < 0x1900; size++) {
		const enum elf_error error = elf_open(file, size, 0, USER_END, &image);

		TEST_EQ(test, error,
			size < 64	      ? ELF_E_SHORT
			: size < HEADER_AT(4) ? ELF_E_HEADERS
			: size < 0x1900	      ? ELF_E_FILE
					      : ELF_OK);
	}
}

/* Empty segments are none; headers need not be in memory. */
static void elf_takes_what_is_odd_but_good(struct test *test)
{
	struct elf_image image;

	make_program(2, 0x400000);
	put_segment(0, 7, 0, 0x402801, 0, 0);
	TEST_EQ(test, elf_open(file, FILE_SIZE, 0, USER_END, &image), ELF_OK);
	TEST_EQ(test, image.headers, 0);
	TEST_EQ(test, image.low, 0x401000);
	put(HEADER_AT(3) + 48, 0, 8); /* alignment 0 is 1 */
	TEST_EQ(test, parse(), ELF_OK);
}

static void elf_errors_have_texts(struct test *test)
{
	for (unsigned int error = 0; error < ELF_ERRORS; error++)
		TEST_TRUE(test, elf_error_text((enum elf_error)error) != NULL);
	TEST_STREQ(test, elf_error_text(ELF_ERRORS), "unknown error");
}

static const struct test_case elf_cases[] = {
	TEST_CASE(elf_reads_a_program),
	TEST_CASE(elf_moves_what_can_be_moved),
	TEST_CASE(elf_refuses_each_mistake),
	TEST_CASE(elf_any_cut_is_seen),
	TEST_CASE(elf_takes_what_is_odd_but_good),
	TEST_CASE(elf_errors_have_texts),
};
TEST_SUITE(elf, elf_cases);
