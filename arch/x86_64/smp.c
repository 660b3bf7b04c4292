/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs.
 *
 * The boot CPU gets memory for each CPU that the MADT names, on that CPU's node, sends for all of
 * them at once, and waits for all together (smp_boot.c). Those that have come get numbers, in the
 * order of the MADT and without gaps; then each sets itself up, interrupts off, and halts until it
 * is listed in cpus[] and interrupted: from there on others may do so, and ask it to flush its TLB.
 * What was unmapped before that it may still have in its TLB, so it flushes all of it first.
 *
 * A CPU that has not come keeps its memory, and so does the page at which it would start: if it
 * comes one day, it finds both, sees that it is not wanted, and halts.
 *
 * There are no locks: everything here is the boot CPU's until the CPU it is for has been told, by
 * the state of its struct ap_start.
 */
#include "smp_cpu.h"

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/memory.h>
#include <arch/mmu.h>
#include <arch/percpu.h>
#include <arch/pti.h>
#include <arch/user.h>
#include <exo/acpi_madt.h>
#include <exo/clock.h>
#include <exo/fpu.h>
#include <exo/frame.h>
#include <exo/frame_setup.h>
#include <exo/log.h>
#include <exo/numa.h>
#include <exo/panic.h>
#include <exo/preempt.h>
#include <exo/sched.h>
#include <exo/smp.h>
#include <exo/string.h>
#include <exo/timer.h>
#include <exo/user.h>

#define SETUP_NS (60 * NS_PER_S) /* a guess: only a CPU that has died takes that long */

#define AP_ORDER (IS_ENABLED(CONFIG_PTI) ? 1u : 0u) /* with a struct cpu_entry in front */

_Static_assert(sizeof(struct ap) <= PAGE_SIZE && offsetof(struct ap, cpu) == 0,
	       "a struct ap is a frame");

struct ap *ap_list[NR_CPUS];
uint32_t ap_count;
uint64_t ap_root;

static struct ap_start *starts[NR_CPUS]; /* of ap_list[] */
static struct call_queue boot_calls; /* the boot CPU's */

static const struct smp_boot_machine boot_machine = {
	.send_init = lapic_send_init,
	.send_startup = lapic_send_startup,
	.now = clock_ns,
	.pause = cpu_pause,
};

/* --- on the CPU that starts --------------------------------------------------------------------*/

static void await_number(struct ap *ap)
{
	while (atomic_load_explicit(&ap->start.state, memory_order_acquire) != AP_NUMBERED)
		cpu_pause();
}

/* A CPU that looked all the time would take that time from those that a host runs in its place. */
static void halt_until_running(struct ap *ap)
{
	while (atomic_load_explicit(&ap->start.state, memory_order_acquire) != AP_RUNNING)
		cpu_idle();
}

void ap_main(struct ap *ap)
{
	const char *missing;

	cpu_set_this(&ap->cpu);
	gdt_init_cpu(&ap->segments, ap->stacks.ist);
	idt_init_cpu();
	/* GDT_INIT_CPU loads no segment register, and GS keeps its base. */
	missing = mmu_missing_feature();
	if (!missing)
		missing = user_missing_feature();
	if (!smp_boot_arrive(&ap->start, missing))
		cpu_halt();
	await_number(ap);
	frame_cache_attach(&ap->cpu); /* by its number */
	mmu_init_cpu();
	lapic_init_cpu();
	timer_init_cpu();
	fpu_init_cpu();
	user_init_cpu();
	atomic_store_explicit(&ap->start.state, AP_READY, memory_order_release);
	halt_until_running(ap);
	clock_check_cpu(true);
	mmu_flush_all();
	sched_run_cpu();
}

/* --- on the boot CPU ---------------------------------------------------------------------------*/

/* Memory for the CPU with this APIC ID. -EXO_E_NOMEM. */
static int add_cpu(uint32_t apic_id)
{
	const struct frame_where where = { .node = numa_node_of_cpu(apic_id) };
	paddr_t frame;
	struct ap *ap;
	int error = frame_alloc_where(AP_ORDER, &where, &frame);

	if (error)
		return error;
	memset(phys_to_virt(frame), 0, PAGE_SIZE << AP_ORDER);
	ap = phys_to_virt(frame + (PAGE_SIZE << AP_ORDER) - PAGE_SIZE);
	error = cpu_stacks_map(ap_count, where.node, &ap->stacks);
	if (error) {
		frame_free(frame, AP_ORDER);
		return error;
	}
	pti_add_cpu(&ap->cpu, ap->stacks.ist);
	ap->stack = ap->stacks.start;
	ap->start.apic_id = apic_id;
	ap->cpu.self = &ap->cpu;
	ap->cpu.preempt = PREEMPT_UNWANTED;
	ap->cpu.apic_id = apic_id;
	ap->cpu.node = where.node;
	smp_call_init(&ap->cpu, &ap->calls);
	starts[ap_count] = &ap->start;
	ap_list[ap_count++] = ap;
	return 0;
}

/* All that the MADT names, but this one; says which cannot be used. */
static void add_cpus(const struct acpi_madt *madt)
{
	unsigned int too_many = madt->nr_cpus_left_out;

	for (unsigned int i = 0; i < madt->nr_cpus; i++) {
		const uint32_t apic_id = madt->cpus[i].apic_id;

		if (apic_id == boot_cpu.apic_id)
			continue;
		if (!lapic_reaches(apic_id))
			log_warning("smp: the CPU with APIC ID %u is left out: only an x2APIC "
				    "reaches it",
				    apic_id);
		else if (ap_count == NR_CPUS - 1)
			too_many++;
		else if (add_cpu(apic_id))
			log_warning("smp: the CPU with APIC ID %u is left out: no memory", apic_id);
	}
	if (too_many)
		log_warning("smp: %u CPU%s left out: NR_CPUS is %u", too_many,
			    too_many == 1 ? " is" : "s are", NR_CPUS);
}

/* Numbers for those that have come; the others are named. Returns how many CPUs there are then. */
static cpu_t number_cpus(void)
{
	cpu_t number = 1;

	for (unsigned int i = 0; i < ap_count; i++) {
		struct ap *ap = ap_list[i];
		const char *reason = "no answer";

		ap->cpu.number = number;
		ap->cpu.undisturbed = (uint64_t)number << 32;
		if (ap->start.state == AP_UNFIT)
			reason = ap->start.missing;
		else if (ap->start.state != AP_ARRIVED && ap_trampoline_refused(ap->start.apic_id))
			reason = "long mode, NX or LA57";
		else if (ap->start.state == AP_ARRIVED && sched_prepare_cpu(&ap->cpu) == 0) {
			number++;
			atomic_store_explicit(&ap->start.state, AP_NUMBERED, memory_order_release);
			continue;
		} else if (ap->start.state == AP_ARRIVED)
			reason = "no memory";
		log_warning("smp: the CPU with APIC ID %u is left out: %s", ap->start.apic_id,
			    reason);
	}
	return number;
}

/* Lists each CPU once it is ready, and lets it go. */
static void let_go(void)
{
	for (unsigned int i = 0; i < ap_count; i++) {
		struct ap *ap = ap_list[i];

		if (ap->start.state < AP_NUMBERED)
			continue;
		if (!smp_boot_await(&boot_machine, &ap->start, AP_READY, SETUP_NS))
			panic("smp: CPU %u has stopped while it was starting", ap->cpu.number);
		cpus[ap->cpu.number] = &ap->cpu;
		atomic_thread_fence(memory_order_seq_cst);
		nr_cpus_online = ap->cpu.number + 1;
		atomic_store(&ap->start.state, AP_RUNNING);
		smp_interrupt(ap->cpu.number, IPI_CALL); /* it halts */
		clock_check_cpu(false);
	}
}

static bool all_arrived(void)
{
	for (unsigned int i = 0; i < ap_count; i++)
		if (ap_list[i]->start.state == AP_ABANDONED)
			return false;
	return true;
}

static void start_all(void)
{
	paddr_t page;
	uint64_t reset;
	const int error = ap_trampoline_make(&page);

	if (error) {
		log_warning(
			"smp: one CPU is used: no memory below 1 MiB to start others (error %d)",
			-error);
		return;
	}
	ap_root = kernel_space.root;
	reset = smp_boot_reset(&boot_machine, starts, ap_count);
	smp_boot_gather(&boot_machine, starts, ap_count, page, reset);
	number_cpus();
	if (all_arrived())
		ap_trampoline_free();
	let_go();
}

void smp_start(void)
{
	const struct acpi_madt *madt = acpi_madt();
	const uint64_t begin = clock_ns();

	smp_call_init(&boot_cpu, &boot_calls);
	boot_cpu.node = numa_node_of_cpu(boot_cpu.apic_id);
	if (!madt || !lapic_present()) {
		log_info("smp: one CPU is used: %s", madt ? "no local APIC" : "no MADT");
		return;
	}
	add_cpus(madt);
	if (ap_count)
		start_all();
	log_info("smp: %u CPU%s, started in %llu us", nr_cpus_online,
		 nr_cpus_online == 1 ? "" : "s",
		 (unsigned long long)(clock_ns() - begin) / NS_PER_US);
}
