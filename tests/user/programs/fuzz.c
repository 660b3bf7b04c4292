/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer: the controller. Starts workers and those that come after them, has the kernel look at
 * its whole state every AUDIT_CALLS calls, and in the end, when all workers are gone, that all
 * memory is back. Arguments: SEED[:CALLS[:SECONDS[:WORKERS]]]; SECONDS 0 is no limit.
 *
 * It is more urgent than all workers can be, so that none keeps it from its work; and it sleeps
 * most of the time.
 */
#include "fuzz.h"

#include <exo/compiler.h>
#include <exo/cpio.h>
#include <exo/string.h>
#include <generated/calls_kinds.h>
#include <libexo/pages.h>
#include <libexo/print.h>
#include <libexo/process.h>
#include <libexo/program.h>
#include <libexo/slots.h>
#include <uapi/exo/sys.h>
#include <uapi/exo/thread.h>

#define MS UINT64_C(1000000)
#define AUDIT_CALLS 10000u
#define LOOK (5 * MS) /* a guess: how often to look at the workers */
#define PATIENCE (700 * MS) /* a guess: a thread that has made no call for so long makes none */
#define REPORT (5000 * MS)
#define ENOUGH 50000u /* a guess: in so many calls each succeeds */
#define FRAMES 1024u /* of each worker */
#define COMMON_FRAMES 128u

static struct worker {
	struct exo_process process;
	struct fuzz_shared *shared;
	uint32_t generation;
	bool runs;
	uint64_t seen[FUZZ_THREADS]; /* calls, and since when that is so */
	uint64_t since[FUZZ_THREADS];
} workers[FUZZ_WORKERS_MAX];

static uint64_t seed = 1, wanted = 100000, seconds, nr_workers = 3;
static uint64_t calls; /* of workers that are gone */
static uint64_t succeeded[FUZZ_CALLS];
static uint64_t audits, restarts;
static uint32_t first[FUZZ_WORKERS_MAX][FUZZ_THREADS]; /* of the first generation's calls */
static exo_cap_t exit_ntf, common; /* common: bank, notification, frame, endpoint */
static struct cpio_file image;
static bool failed;

static uint64_t now(void)
{
	return exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value;
}

static void fail(const char *what, int64_t error)
{
	exo_printf("fuzz: seed=%llu: %s: %s\n", (unsigned long long)seed, what,
		   exo_error_text(error));
	failed = true;
}

/* --- workers -----------------------------------------------------------------------------------*/

static int64_t give(struct worker *worker, exo_cap_t from, exo_cap_t to, unsigned int rights)
{
	return exo_cap_copy(from, worker->process.env, to, EXO_COPY(rights, 1), 0).error;
}

/* The environment of the one after @worker: may be another than it had. */
static void give_next(unsigned int number)
{
	const struct worker *next = &workers[(number + 1) % nr_workers];

	if (workers[number].runs && next->runs)
		(void)give(&workers[number], next->process.env, FUZZ_NEXT_ENV, EXO_RIGHTS_ALL);
}

static int64_t give_all(struct worker *worker)
{
	int64_t error;

	(void)((error = give(worker, EXO_FIRST_SYS, EXO_FIRST_SYS,
			     EXO_RIGHTS_ALL & ~EXO_RIGHT_W)) ||
	       (error = give(worker, common, FUZZ_COMMON_BANK, EXO_RIGHTS_ALL)) ||
	       (error = give(worker, common + 1, FUZZ_COMMON_NTF, EXO_RIGHTS_ALL)) ||
	       (error = give(worker, common + 2, FUZZ_COMMON_FRAME, EXO_RIGHTS_ALL)) ||
	       (IS_ENABLED(CONFIG_IPC) &&
		(error = give(worker, common + 3, FUZZ_COMMON_EP, EXO_RIGHTS_ALL))) ||
	       (error = give(worker, exo_pages_slot(worker->shared), FUZZ_SHARED,
			     EXO_RIGHT_R | EXO_RIGHT_W)));
	return error;
}

/* All lines, if there are any: what happens to one of them is the kernel's affair. */
static exo_cap_t irqs(void)
{
	struct exo_cap_info info;

	return !exo_cap_stat(EXO_FIRST_IRQS, &info).error && info.type == EXO_TYPE_IRQ
		       ? EXO_FIRST_IRQS
		       : 0;
}

static void start(unsigned int number)
{
	static const char *const argv[] = { "fuzz", "worker" };
	struct worker *worker = &workers[number];
	const struct exo_program program = { .image = image.data,
					     .size = image.size,
					     .argc = 2,
					     .argv = argv,
					     .frames = FRAMES,
					     .node = EXO_NODE_ANY,
					     .stack_pages = 4,
					     .cpus = EXO_FIRST_CPUS,
					     .irqs = irqs(),
					     .exit = exit_ntf,
					     .exit_bits = UINT64_C(1) << number,
					     .failure_bits = UINT64_C(1) << number };
	const char *why;
	int64_t error;

	memset(worker->shared, 0, EXO_PAGE);
	worker->shared->seed = seed;
	worker->shared->worker = number;
	worker->shared->generation = worker->generation++;
	error = exo_env_spawn(&program, &worker->process, &why);
	if (error) {
		fail(why, error);
		return;
	}
	for (unsigned int i = 0; i < FUZZ_THREADS; i++) {
		worker->seen[i] = 0;
		worker->since[i] = now();
	}
	worker->runs = true;
	error = exo_env_config(worker->process.env, EXO_ENV_FAULTS, EXO_FIRST_EXIT,
			       UINT64_C(1) << number)
			.error;
	if (!error)
		error = give_all(worker);
	if (error)
		fail("giving a worker its capabilities", error);
	give_next(number);
	give_next((number + (unsigned int)nr_workers - 1) % (unsigned int)nr_workers);
}

static void stop(unsigned int number)
{
	struct worker *worker = &workers[number];

	if (!worker->runs)
		return;
	exo_env_end(&worker->process);
	worker->runs = false;
	for (unsigned int i = 0; i < FUZZ_THREADS; i++) {
		calls += worker->shared->threads[i].calls;
		if (worker->shared->generation == 0)
			first[number][i] = (uint32_t)(worker->shared->threads[i].first >> 32);
	}
	for (unsigned int i = 0; i < FUZZ_CALLS; i++)
		succeeded[i] += worker->shared->succeeded[i];
}

/* Is it gone, or has one of its threads made no call for too long? */
static bool is_stuck(struct worker *worker)
{
	struct exo_cap_info env = { 0 };
	const uint64_t time = now();
	bool stuck;

	(void)exo_cap_stat(worker->process.env, &env);
	stuck = env.type != EXO_TYPE_ENV || env.used == 0;
	for (unsigned int i = 0; i < FUZZ_THREADS; i++) {
		const uint64_t made =
			__atomic_load_n(&worker->shared->threads[i].calls, __ATOMIC_RELAXED);

		if (made != worker->seen[i]) {
			worker->seen[i] = made;
			worker->since[i] = time;
		}
		stuck |= time - worker->since[i] > PATIENCE;
	}
	return stuck;
}

static void look_after(uint64_t ended)
{
	for (unsigned int i = 0; i < nr_workers && !failed; i++) {
		if (!(ended >> i & 1) && !is_stuck(&workers[i]))
			continue;
		stop(i);
		start(i);
		restarts++;
	}
}

static uint64_t calls_so_far(void)
{
	uint64_t sum = calls;

	for (unsigned int i = 0; i < nr_workers; i++)
		for (unsigned int k = 0; workers[i].runs && k < FUZZ_THREADS; k++)
			sum += workers[i].shared->threads[k].calls;
	return sum;
}

/* --- the audit ---------------------------------------------------------------------------------*/

static void print_last_calls(void)
{
	for (unsigned int i = 0; i < nr_workers; i++)
		for (unsigned int k = 0; workers[i].runs && k < FUZZ_THREADS; k++) {
			const struct fuzz_progress *progress = &workers[i].shared->threads[k];
			const uint64_t end = progress->calls;

			for (uint64_t n = end > FUZZ_RING ? end - FUZZ_RING : 0; n < end; n++) {
				const struct fuzz_call *made = &progress->ring[n % FUZZ_RING];

				exo_printf("fuzz: worker %u.%u thread %u call %llu: 0x%llx(0x%llx,"
					   " 0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx)\n",
					   i, workers[i].shared->generation, k,
					   (unsigned long long)n, (unsigned long long)made->number,
					   (unsigned long long)made->arguments[0],
					   (unsigned long long)made->arguments[1],
					   (unsigned long long)made->arguments[2],
					   (unsigned long long)made->arguments[3],
					   (unsigned long long)made->arguments[4],
					   (unsigned long long)made->arguments[5]);
			}
		}
}

static void audit(void)
{
	struct exo_result result;

	do {
		result = exo_sys_ctl(EXO_FIRST_SYS, EXO_SYS_AUDIT, 0, 0);
		if (result.error == -EXO_E_AGAIN)
			(void)exo_ntf_wait(EXO_SELF, 0, now() + MS);
	} while (result.error == -EXO_E_AGAIN || result.error == -EXO_E_BUSY);
	if (result.error == -EXO_E_CALL)
		return; /* a kernel that cannot */
	audits++;
	if (!result.error && !result.value)
		return;
	exo_printf("fuzz: seed=%llu: the audit has found something\n", (unsigned long long)seed);
	failed = true;
	print_last_calls();
}

/* --- the run -----------------------------------------------------------------------------------*/

static uint64_t number(const char **text, uint64_t otherwise)
{
	uint64_t value = 0;

	if (**text < '0' || **text > '9')
		return otherwise;
	while (**text >= '0' && **text <= '9')
		value = value * 10 + (uint64_t)(*(*text)++ - '0');
	if (**text == ':')
		(*text)++;
	return value;
}

static int64_t make_common(void)
{
	int64_t error;

	common = exo_slot_take(4);
	exit_ntf = exo_slot_take(1);
	(void)((error = exo_bank_create(EXO_FIRST_BANK, COMMON_FRAMES, EXO_NODE_ANY, common)
				.error) ||
	       (error = exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, common + 1, 0).error) ||
	       (error = exo_frame_alloc(EXO_FIRST_BANK, EXO_WHERE(3, EXO_NODE_ANY), EXO_HINT_NONE,
					common + 2, 1)
				.error) ||
	       (IS_ENABLED(CONFIG_IPC) &&
		(error = exo_object_create(EXO_FIRST_BANK, EXO_TYPE_EP, common + 3, 0).error)) ||
	       (error = exo_object_create(EXO_FIRST_BANK, EXO_TYPE_NTF, exit_ntf, 0).error));
	for (unsigned int i = 0; !error && i < nr_workers; i++)
		error = exo_pages_take(EXO_FIRST_BANK, 1, (void **)&workers[i].shared);
	return error;
}

static int64_t become_urgent(void)
{
	const struct exo_sched sched = { .priority = 255, .shares = 10000 };

	return exo_thread_sched(EXO_SELF, EXO_FIRST_CPUS, &sched).error;
}

static void run(void)
{
	const uint64_t begin = now();
	uint64_t next_audit = AUDIT_CALLS, next_report = begin + REPORT, made = 0;

	for (unsigned int i = 0; i < nr_workers; i++)
		start(i);
	while (!failed && made < wanted && (!seconds || now() - begin < seconds * 1000 * MS)) {
		look_after(exo_ntf_wait(exit_ntf, UINT64_MAX, now() + LOOK).value);
		made = calls_so_far();
		if (made >= next_audit) {
			audit();
			next_audit = made + AUDIT_CALLS;
		}
		if (now() < next_report)
			continue;
		exo_printf("fuzz: %llu calls, %llu audits, %llu restarts\n",
			   (unsigned long long)made, (unsigned long long)audits,
			   (unsigned long long)restarts);
		next_report = now() + REPORT;
	}
}

/* In so many calls each must have succeeded, or the fuzzer does not do what it should. */
static void check_calls(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(exo_call_kinds); i++) {
		const unsigned int number = exo_call_kinds[i].number;
		const uint64_t times = succeeded[number];
		const bool there = (IS_ENABLED(CONFIG_IPC) || number < EXO_CALL_IPC_CALL ||
				    number > EXO_CALL_IPC_WAIT) &&
				   (IS_ENABLED(CONFIG_IRQ_OBJECTS) ||
				    (number != EXO_CALL_IRQ_BIND && number != EXO_CALL_IRQ_ACK));

		exo_printf("fuzz: %s succeeded %llu times\n", exo_call_kinds[i].name,
			   (unsigned long long)times);
		if (calls >= ENOUGH && there && !times)
			fail("that is too rare", -EXO_E_CALL);
	}
}

static uint64_t used(void)
{
	struct exo_cap_info info = { 0 };

	(void)exo_cap_stat(EXO_FIRST_BANK, &info);
	return info.used;
}

static void print_result(void)
{
	exo_printf("fuzz: seed=%llu calls=%llu audits=%llu restarts=%llu first=",
		   (unsigned long long)seed, (unsigned long long)calls_so_far(),
		   (unsigned long long)audits, (unsigned long long)restarts);
	for (unsigned int i = 0; i < nr_workers; i++)
		for (unsigned int k = 0; k < FUZZ_THREADS; k++)
			exo_printf("%s%x", i + k ? "," : "", first[i][k]);
	exo_printf(" %s; again: scripts/stress --fuzz --seed %llu\n", failed ? "FAILED" : "ok",
		   (unsigned long long)seed);
}

/* Not where something is wrong already: then perhaps nothing ends any more. */
static void finish(uint64_t before)
{
	for (unsigned int i = 0; i < nr_workers; i++)
		stop(i);
	(void)exo_cap_revoke(common, EXO_REVOKE_FORCE, 0, 0, 0);
	audit();
	check_calls();
	if (used() > before)
		fail("memory has not come back", -EXO_E_NOMEM);
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "";
	uint64_t before;
	int64_t error;

	if (strcmp(text, "worker") == 0)
		return fuzz_work();
	seed = number(&text, seed);
	wanted = number(&text, wanted);
	seconds = number(&text, seconds);
	nr_workers = number(&text, nr_workers);
	if (*text || nr_workers == 0 || nr_workers > FUZZ_WORKERS_MAX ||
	    cpio_find(exo_program_info.archive, exo_program_info.archive_size, "fuzz", &image)) {
		exo_print("fuzz: want SEED[:CALLS[:SECONDS[:WORKERS]]], and the archive\n");
		return 1;
	}
	error = make_common();
	if (!error)
		error = become_urgent();
	if (error)
		fail("beginning", error);
	before = used();
	if (!failed)
		run();
	if (!failed)
		finish(before);
	print_result();
	return failed;
}
