/* SPDX-License-Identifier: MIT */
/*
 * Threads of a program's own, on one thread of the kernel: the kernel knows nothing of them.
 *
 *	exosh> run uthreads
 *
 * A user thread is a stack. A switch pushes the registers that a function must keep, and changes
 * the stack: a few instructions and no system call. Threads give up the CPU by yield(); and one
 * that does not is made to. The kernel tells, by an upcall, when this kernel thread has used up a
 * time slice. The handler then makes the interrupted thread call yield(), as if it had done so on
 * its own: it pushes where the thread was, and has it go on in preempted(), which keeps all other
 * registers. So there is one switch for both, and one place where threads wait.
 *
 * Slices end only where another thread of the kernel wants the CPU: the program starts some. There
 * are no vector registers to be kept: the file is compiled without (user/programs.mk).
 */
#include <libexo/print.h>
#include <libexo/program.h>
#include <libexo/thread.h>
#include <libexo/upcall.h>
#include <stdbool.h>
#include <uapi/exo/sys.h>

#define THREADS 3u /* besides main(), which is number 0 */
#define STACK_WORDS 1024u
#define TURNS 1000u
#define SLICES 3u /* that each thread is to lose while it computes */
#define RIVALS_MAX 17u
#define PATIENCE_NS UINT64_C(15000000000)
#define RED_ZONE 128u /* bytes below rsp that are the interrupted function's */

static uint64_t stacks[THREADS + 1][STACK_WORDS] __attribute__((aligned(16)));
static uint64_t *saved[THREADS + 1]; /* the stack pointers of those that wait */
static bool ended[THREADS + 1];
static volatile unsigned int current; /* who runs */
static volatile bool switching, enough;
static volatile unsigned int lost[THREADS + 1]; /* slices, by which it was preempted */
static unsigned int switches, mistakes;
static uint64_t give_up_ns; /* slices would have ended by then */

void uthread_switch(uint64_t **save, uint64_t *load);
void uthread_preempted(void);
void uthread_yield(void);

/* uthread_switch() returns in the other thread. uthread_preempted() is called by nobody: it finds
 * on the stack where the thread was, above the red zone that it is to step over. */
__asm__("uthread_switch:\n\t"
	"push %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, (%rdi)\n\tmov %rsi, %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\tret\n"
	"uthread_preempted:\n\t"
	"pushfq\n\tpush %rax\n\tpush %rcx\n\tpush %rdx\n\tpush %rsi\n\tpush %rdi\n\t"
	"push %r8\n\tpush %r9\n\tpush %r10\n\tpush %r11\n\tpush %rbp\n\t"
	"mov %rsp, %rbp\n\tand $-16, %rsp\n\tcld\n\tcall uthread_yield\n\tmov %rbp, %rsp\n\t"
	"pop %rbp\n\tpop %r11\n\tpop %r10\n\tpop %r9\n\tpop %r8\n\t"
	"pop %rdi\n\tpop %rsi\n\tpop %rdx\n\tpop %rcx\n\tpop %rax\n\tpopfq\n\t"
	"ret $128\n");

/* The scheduler: whoever is next that has not ended. main() never has. */
void uthread_yield(void)
{
	const unsigned int from = current;
	unsigned int to = from;

	switching = true;
	do
		to = (to + 1) % (THREADS + 1);
	while (ended[to]);
	current = to;
	switches += to != from;
	if (to != from)
		uthread_switch(&saved[from], saved[to]);
	switching = false;
}

/* On the upcall stack. A switch that is under way is not interrupted by another one. */
static void on_upcall(struct exo_state_page *state, struct exo_upcall_registers *registers)
{
	if (state->cause != EXO_UPCALL_EVENT) {
		exo_upcall_report(state, registers);
		return;
	}
	(void)__atomic_fetch_and(&state->pending, ~(uint32_t)EXO_EVENT_SLICE, __ATOMIC_RELAXED);
	if (switching)
		return;
	lost[current]++;
	state->rsp -= RED_ZONE + sizeof(uint64_t);
	*(uint64_t *)state->rsp = state->rip;
	state->rip = (uint64_t)uthread_preempted;
}

static uint64_t now(void)
{
	return exo_sys_ctl(EXO_SELF, EXO_SYS_CLOCK, 0, 0).value;
}

/* What each thread does: first it is polite, then it computes until it has lost some slices. */
static void work(void)
{
	switching = false; /* it comes from a switch */
	for (unsigned int i = 0; i < TURNS; i++)
		uthread_yield();
	while (lost[current] < SLICES && now() < give_up_ns) {
		uint64_t one = 0, three = 0;

		for (unsigned int i = 0; i < 100000; i++)
			__asm__ volatile("add $1, %0\n\tadd $3, %1" : "+c"(one), "+d"(three));
		mistakes += three != 3 * one; /* it has come back without its registers */
	}
	ended[current] = true;
	for (;;)
		uthread_yield();
}

static void compete(void *unused)
{
	(void)unused;
	while (!enough)
		__builtin_ia32_pause();
}

int main(void)
{
	static uint64_t upcall_stack[512] __attribute__((aligned(16)));
	static struct exo_thread rivals[RIVALS_MAX];
	unsigned int started = 0, preemptions;

	give_up_ns = now() + PATIENCE_NS;
	while (started < RIVALS_MAX && started <= exo_program_info.info->nr_cpus &&
	       !exo_thread_start(&rivals[started], compete, NULL, 1))
		started++;
	for (unsigned int i = 1; i <= THREADS; i++) {
		/* As uthread_switch() leaves it: six registers, and where it returns to. */
		stacks[i][STACK_WORDS - 2] = (uint64_t)work;
		saved[i] = &stacks[i][STACK_WORDS - 8];
	}
	exo_upcall_init((struct exo_state_page *)EXO_STATE_ADDRESS, upcall_stack,
			sizeof(upcall_stack), on_upcall, NULL, EXO_EVENT_SLICE);
	while (!(ended[1] && ended[2] && ended[3]))
		uthread_yield();
	enough = true;
	for (unsigned int i = 0; i < started; i++)
		exo_thread_end(&rivals[i]);
	preemptions = lost[1] + lost[2] + lost[3];
	exo_printf("uthreads: %u threads, %u switches, %u of them because a slice had ended\n",
		   THREADS, switches, preemptions);
	return mistakes || switches < THREADS * TURNS || preemptions < THREADS * SLICES;
}
