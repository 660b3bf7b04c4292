/* SPDX-License-Identifier: MIT */
/* What the first environment finds, and what every environment may look at without asking. */
#ifndef UAPI_EXO_INFO_H
#define UAPI_EXO_INFO_H

#include <uapi/exo/cap.h>

#define EXO_ABI_VERSION 1u

/*
 * The first environment's slots. Who starts another program (libexo's exo_env_spawn()) keeps to
 * them: 1 to 3 and 6 are the same there, SYS, CPUS and IRQS are empty unless they were granted,
 * BOOT is the FRAME of struct exo_start, OUTPUT that of struct exo_output if it was granted,
 * MODULES those of the archive, and frames of image and stack are from IMAGE on, a page a slot;
 * then comes what else was granted, in the order of the grants, and the first free slot: both are
 * told.
 */
enum exo_first_slot {
	EXO_FIRST_ENV = 1, /* itself */
	EXO_FIRST_THREAD = 2,
	EXO_FIRST_BANK = 3, /* all memory that the kernel does not keep */
	EXO_FIRST_SYS = 4,
	EXO_FIRST_CPUS = 5, /* all CPUs */
	EXO_FIRST_INFO = 6, /* FRAME of struct exo_info, to be handed on */
	EXO_FIRST_BOOT = 7, /* FRAME of struct exo_boot_info */
	EXO_FIRST_STATE = 8, /* FRAME of the first thread's state page */
	EXO_FIRST_STACK = 9,
	EXO_FIRST_EXIT = 10, /* NTF that is signalled at the end; the first environment has none */
	EXO_FIRST_OUTPUT = 11, /* FRAME of struct exo_output; the first environment has none */
	EXO_FIRST_IRQS = 12, /* all interrupt lines; empty without CONFIG_IRQ_OBJECTS */
	EXO_FIRST_MODULES = 16, /* FRAMEs of boot modules, one a slot; cut at EXO_MODULES */
	EXO_FIRST_IMAGE = 32, /* FRAMEs of the program's own image, one a segment */
	EXO_FIRST_FREE = 64, /* from here on all slots are empty */
};

#define EXO_MODULES 16u
#define EXO_MODULE_NAME 64u

/* Fixed addresses of the first program. */
#define EXO_BOOT_INFO_ADDRESS UINT64_C(0x10000)
#define EXO_INFO_ADDRESS UINT64_C(0x11000) /* in every environment, by convention */
#define EXO_STATE_ADDRESS UINT64_C(0x12000)
#define EXO_START_ADDRESS UINT64_C(0x13000) /* what a program has in place of the boot info */
#define EXO_OUTPUT_ADDRESS UINT64_C(0x14000) /* of struct exo_output, where it was granted */
#define EXO_MODULES_ADDRESS UINT64_C(0x100000000) /* from here on, aligned as their frames are */
#define EXO_STACK_TOP UINT64_C(0x7ffff0000000)

struct exo_module {
	char name[EXO_MODULE_NAME]; /* cut, with a NUL at the end */
	uint64_t address, size; /* mapped read-only there; bytes */
};

/* One page, written once. */
struct exo_boot_info {
	uint32_t version; /* EXO_ABI_VERSION */
	uint32_t nr_modules;
	uint32_t nr_cpus, nr_nodes;
	uint64_t user_end; /* the first address that user space does not have */
	uint64_t slots; /* of the first environment's table */
	uint64_t start_tsc; /* the TSC at the kernel's first instruction */
	struct exo_module modules[EXO_MODULES];
	char command_line[1024];
};

/*
 * What a program finds that another program has started: one page of its own. The first thread's
 * argument (rdi) is the address; in the first environment it is 0.
 */
struct exo_start {
	uint32_t version; /* EXO_ABI_VERSION */
	uint32_t argc; /* strings in @arguments; the first is the program's name */
	uint64_t user_end;
	uint64_t slots; /* of the table */
	uint64_t first_free; /* from here on all slots are empty */
	uint64_t archive, archive_size; /* address and bytes of the programs; 0: not granted */
	uint64_t exit_bits, failure_bits; /* for EXO_FIRST_EXIT: main() returned 0; or not */
	uint64_t output; /* address of struct exo_output; 0: not granted */
	uint64_t granted, nr_granted; /* the first slot of what was granted by order; how many */
	uint64_t reserved[5]; /* 0 */
	char arguments[2048]; /* one behind the other, each with its NUL */
};

/*
 * One page that a program shares with its starter, which had it zeroed: in place of the consoles it
 * takes what the program writes. What does not fit is lost, but counted.
 */
struct exo_output {
	uint64_t length; /* bytes written; those in @text are the first of them */
	int32_t status; /* what the program has ended with; not before EXO_FIRST_EXIT was signalled
			 */
	uint32_t reserved; /* 0 */
	char text[4080];
};

EXO_ABI_SIZE(struct exo_module, 80);
EXO_ABI_OFFSET(struct exo_module, address, 64);
EXO_ABI_SIZE(struct exo_boot_info, 2344);
EXO_ABI_OFFSET(struct exo_boot_info, user_end, 16);
EXO_ABI_OFFSET(struct exo_boot_info, modules, 40);
EXO_ABI_OFFSET(struct exo_boot_info, command_line, 1320);
EXO_ABI_SIZE(struct exo_start, 2176);
EXO_ABI_OFFSET(struct exo_start, user_end, 8);
EXO_ABI_OFFSET(struct exo_start, archive, 32);
EXO_ABI_OFFSET(struct exo_start, output, 64);
EXO_ABI_OFFSET(struct exo_start, granted, 72);
EXO_ABI_OFFSET(struct exo_start, arguments, 128);
EXO_ABI_SIZE(struct exo_output, 4096);
EXO_ABI_OFFSET(struct exo_output, status, 8);
EXO_ABI_OFFSET(struct exo_output, text, 16);

/*
 * The info page, read-only to all. The clock: ns = base_ns + ((tsc - base_tsc) * scale >> 32), in
 * 128 bits; @scale is 0 where the time-stamp counter cannot be used, then there is only the call.
 * @clock_version is odd while the kernel writes: read it before and after.
 */
struct exo_info {
	uint32_t version; /* EXO_ABI_VERSION */
	uint32_t clock_version;
	uint64_t base_tsc, base_ns, scale;
	uint32_t nr_cpus, nr_nodes;
	uint64_t free_frames[16]; /* of each node; updated now and then */
	uint8_t distance[16][16]; /* between nodes (SLIT) */
	uint32_t queue_length[256]; /* threads that wait for each CPU */
};

EXO_ABI_SIZE(struct exo_info, 1448);
EXO_ABI_OFFSET(struct exo_info, base_tsc, 8);
EXO_ABI_OFFSET(struct exo_info, nr_cpus, 32);
EXO_ABI_OFFSET(struct exo_info, free_frames, 40);
EXO_ABI_OFFSET(struct exo_info, distance, 168);
EXO_ABI_OFFSET(struct exo_info, queue_length, 424);

#endif
