/* SPDX-License-Identifier: MIT */
/*
 * A library OS: `linux NAME [ARGUMENT...]` runs a static program for Linux, as it is
 * (docs/linux.md).
 *
 * The program lives in this one's environment, on its thread, and is entered as Linux would. Its
 * system calls, whose EAX has bit 31 clear, the kernel sends to foreign(), which answers them here,
 * in user mode. The thread is then in no function of libexo and holds none of its locks.
 *
 * All its memory is one area: the image, brk above it up to the middle, mmap from the top down,
 * where the stack comes first. The area knows what the program may do with a page, so a bad pointer
 * is an error of the call and not a fault of this program.
 *
 * Compiled without vector registers, which are the program's. libexo uses SSE, hence the FXSAVE.
 */
#include <exo/cpio.h>
#include <exo/elf.h>
#include <exo/string.h>
#include <libexo/area.h>
#include <libexo/print.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <libexo/upcall.h>
#include <uapi/exo/sys.h>

#define PAGE UINT64_C(4096)
#define PAGE_UP(address) (((address) + PAGE - 1) & -PAGE)
#define PIE_BASE UINT64_C(0x10000000)
#define AREA_PAGES 16384u /* 64 MiB, a guess; what there really is the bank decides */
#define STACK_SIZE (32 * PAGE) /* a guess */
#define RW (EXO_RIGHT_R | EXO_RIGHT_W)
#define SECOND UINT64_C(1000000000)
#define SIGNALLED                                                                      \
	128 /* exit status of who ends by a signal: this and its number, as shells say \
	     */

enum { ENOENT = 2, EBADF = 9, ENOMEM = 12, EACCES = 13, EFAULT = 14, EINVAL = 22, ENOTTY = 25 };
enum { ESPIPE = 29, ENOSYS = 38, MAP_FIXED = 16, MAP_ANONYMOUS = 32, SET_FS = 0x1002, SEGV = 11 };
enum { AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_ENTRY = 9, AT_UID = 11 };
enum { AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_SECURE = 23, AT_RANDOM = 25, AT_NULL = 0 };

static struct elf_image image;
static struct exo_area area; /* from the image's lowest page on */
static uint8_t area_rights[AREA_PAGES];
static uint64_t brk_end;
static uint64_t upcall_stack[1024];

static int64_t linux_error(int error)
{
	return error == -EXO_E_ALIGN  ? -EINVAL
	       : error == -EXO_E_PERM ? -EACCES
				      : (error ? -ENOMEM : 0);
}

static int64_t put(uint64_t address, const void *data, size_t size)
{
	if (!exo_area_has(&area, address, size, RW))
		return -EFAULT;
	memcpy((void *)address, data, size);
	return 0;
}

static uint64_t do_brk(uint64_t end)
{
	const uint64_t from = PAGE_UP(brk_end), to = PAGE_UP(end);

	if (end < image.high || end > area.address + area.size / 2)
		return brk_end;
	if (to > from ? exo_area_add(&area, from, to - from, RW)
		      : exo_area_drop(&area, to, from - to))
		return brk_end;
	return brk_end = end;
}

static int64_t do_mmap(uint64_t address, uint64_t size, unsigned int rights, uint64_t flags)
{
	int error;

	if (size == 0 || !(flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (!(flags & MAP_FIXED))
		address = exo_area_find(&area, area.address + area.size / 2, size);
	if (!address)
		return -ENOMEM;
	error = exo_area_add(&area, address, size, rights);
	return error ? linux_error(error) : (int64_t)address;
}

/* @parts: struct iovec. */
static int64_t do_write(uint64_t file, const uint64_t (*parts)[2], uint64_t count)
{
	int64_t sum = 0;

	if (file != 1 && file != 2)
		return -EBADF;
	for (uint64_t i = 0; i < count; i++)
		if (!exo_area_has(&area, parts[i][0], parts[i][1], EXO_RIGHT_R))
			return -EFAULT;
	for (uint64_t i = 0; i < count; sum += (int64_t)parts[i++][1])
		(void)exo_write((const char *)parts[i][0], parts[i][1]);
	return sum;
}

static int64_t do_sleep(uint64_t from, const uint64_t *time)
{
	if (!exo_area_has(&area, (uint64_t)time, 2 * sizeof(*time), EXO_RIGHT_R))
		return -EFAULT;
	(void)exo_ntf_wait(EXO_SELF, 0, from + time[0] * SECOND + time[1]);
	return 0;
}

/* Different each time, and no more: nothing here is a secret. */
static int64_t do_random(uint64_t address, uint64_t size)
{
	static uint64_t state;

	if (!exo_area_has(&area, address, size, RW))
		return -EFAULT;
	for (uint64_t i = 0; i < size; i++) {
		state = (state ^ __builtin_ia32_rdtsc()) * UINT64_C(6364136223846793005) + 1;
		((uint8_t *)address)[i] = (uint8_t)(state >> 56);
	}
	return (int64_t)size;
}

static _Noreturn void finish(int status)
{
	if (status && !exo_program_info.output)
		exo_printf("linux: exit status %d\n", status);
	exo_exit(status);
}

/* Calls that are answered alike each time: there is no input, no file, one thread, no signal. */
static const int16_t constants[][2] = {
	{ 0, 0 },   { 2, -ENOENT },  { 3, 0 },	       { 8, -ESPIPE },	 { 13, 0 },
	{ 14, 0 },  { 16, -ENOTTY }, { 21, -ENOENT },  { 24, 0 },	 { 28, 0 },
	{ 39, 1 },  { 89, -ENOENT }, { 102, 0 },       { 104, 0 },	 { 107, 0 },
	{ 108, 0 }, { 110, 0 },	     { 115, 0 },       { 131, 0 },	 { 186, 1 },
	{ 202, 0 }, { 218, 1 },	     { 257, -ENOENT }, { 267, -ENOENT }, { 273, 0 }
};

static int64_t answer(uint32_t number, const uint64_t *a)
{
	static const char names[6][65] = { "Linux", "exo-kernel", "6.1.0", "libexo", "x86_64" };
	static const uint64_t pipe[18] = { [3] = 0010600, [7] = PAGE }; /* struct stat */
	static const uint64_t limit[2] = { STACK_SIZE, STACK_SIZE };
	const bool timely =
		number == 35 || number == 228 || number == 230; /* others need no call */
	const uint64_t now = timely ? exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value : 0;
	const uint64_t time[2] = { now / SECOND, now % SECOND }, part[1][2] = { { a[1], a[2] } };
	/* PROT_READ, PROT_WRITE, PROT_EXEC are those of enum exo_right. */
	const unsigned int rights = a[2] & 7 ? (unsigned int)(a[2] & 7) | EXO_RIGHT_R : 0;

	switch (number) {
	case 1: /* write */
		return do_write(a[0], part, 1);
	case 5: /* fstat: all files are pipes, as nobody then asks for a terminal */
		return a[0] > 2 ? -EBADF : put(a[1], pipe, sizeof(pipe));
	case 9: /* mmap */
		return do_mmap(a[0], a[1], rights, a[3]);
	case 10: /* mprotect */
		return linux_error(exo_area_protect(&area, a[0], a[1], rights));
	case 11: /* munmap */
		return a[1] ? linux_error(exo_area_drop(&area, a[0], a[1])) : -EINVAL;
	case 12: /* brk */
		return (int64_t)do_brk(a[0]);
	case 20: /* writev */
		return a[2] <= 1024 && exo_area_has(&area, a[1], a[2] * 16, EXO_RIGHT_R)
			       ? do_write(a[0], (const void *)a[1], a[2])
			       : -EFAULT;
	case 35: /* nanosleep */
		return do_sleep(now, (const uint64_t *)a[0]);
	case 60: /* exit */
	case 231: /* exit_group */
		finish((int)a[0] & 255);
	case 62: /* kill */
	case 200: /* tkill */
	case 234: /* tgkill */
		if (a[number == 234 ? 2 : 1] == 0)
			return 0; /* only a question */
		finish(SIGNALLED + (int)a[number == 234 ? 2 : 1]);
	case 63: /* uname */
		return put(a[0], names, sizeof(names));
	case 158: /* arch_prctl */
		return a[0] != SET_FS || exo_thread_set_fs(EXO_FIRST_THREAD, a[1]) ? -EINVAL : 0;
	case 228: /* clock_gettime: since the start of the machine, whatever the clock */
		return put(a[1], time, sizeof(time));
	case 230: /* clock_nanosleep */
		return do_sleep(a[1] & 1 ? 0 : now, (const uint64_t *)a[2]);
	case 262: /* newfstatat */
		return a[0] > 2 ? -ENOENT : put(a[2], pipe, sizeof(pipe));
	case 302: /* prlimit64 */
		return a[3] ? put(a[3], limit, sizeof(limit)) : 0;
	case 318: /* getrandom */
		return do_random(a[0], a[1]);
	}
	for (unsigned int i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if ((uint32_t)constants[i][0] == number)
			return constants[i][1];
	return -ENOSYS;
}

static void foreign(struct exo_state_page *state, struct exo_upcall_registers *r)
{
	static _Alignas(16) uint8_t vectors[512];
	const uint64_t arguments[] = { r->rdi, r->rsi, r->rdx, r->r10 };

	(void)state;
	__asm__ volatile("fxsave64 %0" : "=m"(vectors));
	r->rax = (uint64_t)answer((uint32_t)r->rax, arguments);
	__asm__ volatile("fxrstor64 %0" : : "m"(vectors));
}

static void fault(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	(void)registers;
	exo_printf("linux: exception %u at 0x%llx, address 0x%llx\n", (unsigned int)state->cause,
		   (unsigned long long)state->rip, (unsigned long long)state->address);
	finish(SIGNALLED + SEGV);
}

static int load(void)
{
	struct elf_segment s;
	int error = exo_area_init(&area, image.low, AREA_PAGES * PAGE, area_rights);

	for (unsigned int position = 0; !error && elf_next(&image, &position, &s);) {
		const uint64_t page = elf_segment_page(&s), size = elf_segment_pages(&s) * PAGE;

		error = exo_area_add(&area, page, size, RW);
		if (!error) {
			memcpy((void *)s.address, image.data + s.offset, s.file_size);
			error = exo_area_protect(&area, page, size, s.rights);
		}
	}
	brk_end = image.high;
	return error;
}

/* Argument count, arguments, no environment, auxiliary vector; on top the strings. Returns rsp. */
static uint64_t *make_stack(uint64_t top, uint64_t argc, char **argv)
{
	const char *from = exo_program_info.start->arguments;
	const size_t size = sizeof(exo_program_info.start->arguments);
	char *strings = (char *)top - size, *random = strings - 16;
	const uint64_t auxiliary[][2] = { { AT_PHDR, image.headers },
					  { AT_PHENT, 56 },
					  { AT_PHNUM, image.nr_headers },
					  { AT_PAGESZ, PAGE },
					  { AT_ENTRY, image.entry },
					  { AT_UID, 0 },
					  { AT_EUID, 0 },
					  { AT_GID, 0 },
					  { AT_EGID, 0 },
					  { AT_SECURE, 0 },
					  { AT_RANDOM, (uint64_t)random },
					  { AT_NULL, 0 } };
	uint64_t *stack =
		(uint64_t *)(void *)random - sizeof(auxiliary) / 8 - ((argc + 4) & ~UINT64_C(1));

	memcpy(strings, from, size);
	(void)do_random((uint64_t)random, 16);
	stack[0] = argc;
	for (uint64_t i = 0; i < argc; i++)
		stack[i + 1] = (uint64_t)(strings + (argv[i] - from));
	memcpy(stack + argc + 3, auxiliary, sizeof(auxiliary));
	return stack;
}

int main(int argc, char **argv)
{
	const struct exo_program_info *info = &exo_program_info;
	const char *name = argc > 1 ? argv[1] : "", *why;
	struct cpio_file file;
	const enum cpio_error missing = cpio_find(info->archive, info->archive_size, name, &file);
	const enum elf_error bad =
		missing ? ELF_OK : elf_open(file.data, file.size, PIE_BASE, info->user_end, &image);
	const int error = missing || bad ? 0 : load();
	const int64_t stack = do_mmap(0, STACK_SIZE, RW, MAP_ANONYMOUS);

	if (missing || bad || error || stack < 0) {
		why = missing ? cpio_error_text(missing)
		      : bad   ? elf_error_text(bad)
			      : exo_error_text(error ? error : -EXO_E_NOMEM);
		exo_printf("linux: %s: %s\n", name, why);
		return 1;
	}
	exo_upcall_init((struct exo_state_page *)EXO_STATE_ADDRESS, upcall_stack,
			sizeof(upcall_stack), fault, foreign, 0);
	__asm__ volatile(
		"mov %0, %%rsp\n\txor %%edx, %%edx\n\txor %%ebp, %%ebp\n\tjmp *%1"
		:
		: "r"(make_stack((uint64_t)stack + STACK_SIZE, (uint64_t)argc - 1, argv + 1)),
		  "r"(image.entry));
	__builtin_unreachable();
}
