/* SPDX-License-Identifier: MIT */
/*
 * A program for Linux that knows of nothing else: built with musl and with glibc, it is to print
 *the same text and end with the same code on Linux and under user/programs/linux.c. It uses what a
 *C library's start and its most usual functions need of the kernel, and says what is not right.
 *
 *	hello ARGUMENT...	prints hello.expected if the arguments are "one" and "two words";
 *code 42 hello abort		ends by SIGABRT hello fault		ends by SIGSEGV
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

extern const Elf64_Ehdr __ehdr_start; /* the linker's: where the file's first byte is in memory */

static _Thread_local int counter = 41;
static _Thread_local char zeros[300];
static const char constant[] = "constant";
static char *volatile nowhere = (char *)8; /* volatile: the compiler does not see it */
static volatile size_t too_much = (size_t)1 << 60;

#define CHECK(condition)                              \
	do {                                          \
		if (!(condition)) {                   \
			printf("# %s\n", #condition); \
			return 0;                     \
		}                                     \
	} while (0)

/* What the kernel has laid on the stack, read there and not by way of the library. */
static int vectors_are_right(int argc, char **argv)
{
	char **at = argv + argc;
	const Elf64_auxv_t *row;
	unsigned long page = 0, secure = 1;
	const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
	const uint64_t *random = (const void *)getauxval(AT_RANDOM);
	int loads = 0;

	CHECK(*at == NULL);
	while (*++at)
		;
	for (row = (const void *)(at + 1); row->a_type != AT_NULL; row++) {
		if (row->a_type == AT_PAGESZ)
			page = row->a_un.a_val;
		if (row->a_type == AT_SECURE)
			secure = row->a_un.a_val;
	}
	CHECK(page == PAGE && secure == 0);
	CHECK(getauxval(AT_PHENT) == sizeof(*headers));
	CHECK(getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
	CHECK((const char *)headers == (const char *)&__ehdr_start + __ehdr_start.e_phoff);
	for (int i = 0; i < __ehdr_start.e_phnum; i++)
		loads += headers[i].p_type == PT_LOAD;
	CHECK(loads >= 3);
	CHECK(random && (random[0] | random[1]) != 0);
	return 1;
}

/* By brk at first, by mmap when it is much; each block keeps what was written into it. */
static int memory_grows(void)
{
	enum { BLOCKS = 9 };
	unsigned char *blocks[BLOCKS], *more;
	size_t total = 0;

	for (int i = 0; i < BLOCKS; i++) {
		const size_t size = (size_t)16 << 2 * i;

		blocks[i] = malloc(size);
		CHECK(blocks[i]);
		memset(blocks[i], i + 1, size);
		total += size;
	}
	more = calloc(1000, 100);
	CHECK(more);
	for (int i = 0; i < 100000; i++)
		CHECK(more[i] == 0);
	more = realloc(more, 300000);
	CHECK(more && more[99999] == 0);
	free(more);
	for (int i = 0; i < BLOCKS; i++) {
		const size_t size = (size_t)16 << 2 * i;

		CHECK(blocks[i][0] == i + 1 && blocks[i][size - 1] == i + 1);
		CHECK(memcmp(blocks[i], blocks[i] + 1, size - 1) == 0);
		free(blocks[i]);
	}
	printf("%zu bytes\n", total);
	return 1;
}

static int maps_are_as_asked(void)
{
	char *at = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct utsname name;

	CHECK(at != MAP_FAILED && at[0] == 0 && at[5 * PAGE - 1] == 0);
	memset(at, 'x', 5 * PAGE);
	/* What may not be read or written is an error of the call that is to do so. */
	CHECK(mprotect(at + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(write(1, at + PAGE, 1) == -1 && errno == EFAULT);
	CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0 && at[PAGE] == 'x');
	CHECK(syscall(SYS_uname, at + PAGE) == -1 && errno == EFAULT);
	CHECK(mprotect(at + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0 && uname(&name) == 0);
	at[PAGE] = 'y';
	CHECK(mmap(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 2 * PAGE);
	CHECK(at[2 * PAGE] == 0 && at[2 * PAGE - 1] == 'x' && at[3 * PAGE] == 'x');
	CHECK(munmap(at + PAGE, 2 * PAGE) == 0 && write(1, at + PAGE, 1) == -1);
	CHECK(at[0] == 'x' && at[3 * PAGE] == 'x');
	CHECK(munmap(at, 5 * PAGE) == 0 && write(1, at, 1) == -1);
	return 1;
}

static int errors_are_those_of_linux(void)
{
	CHECK(write(99, "x", 1) == -1 && errno == EBADF);
	CHECK(write(1, nowhere, 1) == -1 && errno == EFAULT);
	CHECK(open("/there/is/no/such/file", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(syscall(9999) == -1 && errno == ENOSYS);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(malloc(too_much) == NULL && errno == ENOMEM);
	return 1;
}

#define LOAD(n) "movdqu 16*" #n "(%[before]), %%xmm" #n "\n\t"
#define STORE(n) "movdqu %%xmm" #n ", 16*" #n "(%[after])\n\t"
#define ALL(what)                                                                                \
	what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) what(8) what(9) what(10) \
		what(11) what(12) what(13) what(14) what(15)

/* A call loses RAX, RCX and R11, and nothing else: no vector register, no argument. */
static int call_keeps_registers(unsigned long number, unsigned long first, unsigned long second,
				unsigned long third)
{
	static unsigned char before[256], after[256];
	unsigned long rax = number, rdi = first, rsi = second, rdx = third;
	register unsigned long r8 __asm__("r8") = 0x8888, r9 __asm__("r9") = 0x9999;
	register unsigned long r10 __asm__("r10") = 0xaaaa, r12 __asm__("r12") = 0xcccc;

	for (int i = 0; i < 256; i++)
		before[i] = (unsigned char)(i + 1);
	__asm__ volatile(ALL(LOAD) "syscall\n\t" ALL(STORE)
			 : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
			   "+r"(r10), "+r"(r12)
			 : [before] "b"(before), [after] "r"(after)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
			   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
			   "xmm14", "xmm15");
	CHECK(rax == 0 && rdi == first && rsi == second && rdx == third);
	CHECK(r8 == 0x8888 && r9 == 0x9999 && r10 == 0xaaaa && r12 == 0xcccc);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	return 1;
}

static int calls_keep_registers(void)
{
	static _Alignas(PAGE) char page[PAGE];
	static struct utsname name;

	CHECK(call_keeps_registers(SYS_uname, (unsigned long)&name, 0x1111, 0x2222));
	CHECK(strcmp(name.sysname, "Linux") == 0 && strcmp(name.machine, "x86_64") == 0);
	return call_keeps_registers(SYS_mprotect, (unsigned long)page, PAGE,
				    PROT_READ | PROT_WRITE);
}

static int time_passes(void)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	struct timespec before, after;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
	      nap.tv_nsec);
	return 1;
}

static int thread_local_variables_work(void)
{
	for (size_t i = 0; i < sizeof(zeros); i++)
		CHECK(zeros[i] == 0);
	zeros[299] = (char)++counter;
	CHECK(counter == 42 && zeros[299] == 42);
	return 1;
}

static void say_goodbye(void)
{
	printf("at exit\n");
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	struct iovec parts[] = { { "written", 7 }, { NULL, 0 }, { " in parts\n", 10 } };
	volatile double two = 2;
	char text[64], letter;

	if (strcmp(what, "abort") == 0)
		abort();
	if (strcmp(what, "fault") == 0)
		*nowhere = 1;
	if (write(1, "written at once\n", 16) != 16 || writev(1, parts, 3) != 17)
		return 1;
	printf("%d arguments:", argc - 1);
	for (int i = 1; i < argc; i++)
		printf(" [%s]", argv[i]);
	snprintf(text, sizeof(text), "%.3f %.6e %g", sqrt(two), 1 / (two + 1), ldexp(two, 70));
	printf("\n%s %s %Lf\n", text, constant, (long double)two / 3);
	if (!vectors_are_right(argc, argv) || !memory_grows() || !maps_are_as_asked() ||
	    !errors_are_those_of_linux() || !calls_keep_registers() || !time_passes() ||
	    !thread_local_variables_work())
		return 1;
	printf("nothing to read: %d\n", (int)read(0, &letter, 1));
	if (atexit(say_goodbye))
		return 1;
	return counter;
}
