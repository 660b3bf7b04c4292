/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of each CPU (SDM vol. 3, ch. 10): by memory (xAPIC) or by MSRs (x2APIC).
 *
 * lapic_init() decides the mode once (lapic_mode.c), and every CPU gets the same one; mode and
 * registers are constant from then on. The registers belong to the CPU that executes, so there is
 * no lock. In xAPIC mode a message to another CPU takes two writes: interrupts are off in between.
 *
 * The xAPIC's page is reached through the direct map, which is write-back by its page tables: the
 * MTRRs of every PC make the page uncached, and that is what counts (SDM vol. 3, table 12-7).
 */
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/lapic.h>
#include <arch/lapic_mode.h>
#include <arch/memory.h>
#include <exo/acpi_madt.h>
#include <exo/cpu.h>
#include <exo/log.h>
#include <stdatomic.h>

#define MSR_X2APIC_FIRST 0x800
#define XAPIC_ID_SHIFT 24
#define XAPIC_BROADCAST 0xffu
#define ISR_WORDS 8
#define ISR_STEP 0x10

/* The low half of the ICR (SDM vol. 3, figure 10-12). */
enum {
	ICR_FIXED = 0x000,
	ICR_NMI = 0x400,
	ICR_INIT = 0x500,
	ICR_STARTUP = 0x600,
	ICR_PENDING = 0x1000, /* xAPIC: the last message is still under way */
	ICR_ASSERT = 0x4000,
};

/* A guess: a message takes microseconds, and this takes at least a millisecond. */
#define SEND_POLLS 100000u

static enum lapic_mode mode;
static volatile uint32_t *registers; /* xAPIC */
static _Atomic uint64_t errors;

static inline bool in_x2apic_mode(void)
{
	return IS_ENABLED(CONFIG_X2APIC) && mode == LAPIC_X2APIC;
}

bool lapic_present(void)
{
	return lapic_mode_usable(mode);
}

const char *lapic_mode_name(void)
{
	return in_x2apic_mode() ? "x2APIC" : "xAPIC";
}

paddr_t lapic_address(void)
{
	return cpu_read_msr(MSR_APIC_BASE) & APIC_BASE_ADDRESS;
}

static uint32_t read_at(unsigned int offset)
{
	if (in_x2apic_mode())
		return (uint32_t)cpu_read_msr(MSR_X2APIC_FIRST + offset / 16);
	return registers[offset / 4];
}

uint32_t lapic_read(enum lapic_register number)
{
	return read_at(number);
}

void lapic_write(enum lapic_register number, uint32_t value)
{
	if (in_x2apic_mode())
		cpu_write_msr(MSR_X2APIC_FIRST + number / 16, value);
	else
		registers[number / 4] = value;
}

uint32_t lapic_id(void)
{
	const uint32_t id = lapic_read(LAPIC_ID);

	return in_x2apic_mode() ? id : id >> XAPIC_ID_SHIFT;
}

bool lapic_reaches(uint32_t apic_id)
{
	return apic_id < (in_x2apic_mode() ? UINT32_MAX : XAPIC_BROADCAST);
}

void lapic_end(void)
{
	lapic_write(LAPIC_EOI, 0);
}

bool lapic_in_service(unsigned int vector)
{
	return read_at(LAPIC_ISR + vector / 32 * ISR_STEP) >> vector % 32 & 1;
}

/* ---- errors ---------------------------------------------------------------------------------- */

void lapic_error_interrupt(void)
{
	uint32_t status;

	lapic_write(LAPIC_ESR, 0); /* latches what has happened since the last write (10.5.3) */
	status = lapic_read(LAPIC_ESR);
	if (atomic_fetch_add_explicit(&errors, 1, memory_order_relaxed) == 0)
		log_warning("lapic: error status 0x%x on CPU %u (counted from now on)", status,
			    cpu_current());
}

uint64_t lapic_errors(void)
{
	return atomic_load_explicit(&errors, memory_order_relaxed);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* If the APIC never gets rid of the last message, nothing better can be done than to try. */
static void await_sent(void)
{
	for (unsigned int i = 0; i < SEND_POLLS; i++) {
		if (!(lapic_read(LAPIC_ICR) & ICR_PENDING))
			return;
		cpu_pause();
	}
	atomic_fetch_add_explicit(&errors, 1, memory_order_relaxed);
}

static void send(uint32_t apic_id, uint32_t message)
{
	uint64_t flags;

	message |= ICR_ASSERT;
	if (in_x2apic_mode()) {
		/* This WRMSR does not wait for stores to become visible (10.12.3). */
		__asm__ volatile("mfence; lfence" : : : "memory");
		cpu_write_msr(MSR_X2APIC_FIRST + LAPIC_ICR / 16, (uint64_t)apic_id << 32 | message);
		return;
	}
	flags = irq_save();
	barrier(); /* a write to uncached memory comes after all writes before it */
	await_sent();
	lapic_write(LAPIC_ICR_HIGH, apic_id << XAPIC_ID_SHIFT);
	lapic_write(LAPIC_ICR, message);
	irq_restore(flags);
}

void lapic_send(uint32_t apic_id, unsigned int vector)
{
	send(apic_id, ICR_FIXED | vector);
}

void lapic_send_nmi(uint32_t apic_id)
{
	send(apic_id, ICR_NMI);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_INIT);
}

void lapic_send_startup(uint32_t apic_id, paddr_t page)
{
	send(apic_id, ICR_STARTUP | (uint32_t)(page / PAGE_SIZE));
}

/* ---- start ----------------------------------------------------------------------------------- */

static void enter_mode(void)
{
	const struct lapic_mode_steps steps = lapic_mode_enter(cpu_read_msr(MSR_APIC_BASE), mode);

	for (unsigned int i = 0; i < steps.count; i++)
		cpu_write_msr(MSR_APIC_BASE, steps.values[i]);
}

/*
 * What the firmware has left in service would hold up everything that is not more urgent. Each end
 * is that of the highest vector.
 */
static void end_leftovers(void)
{
	for (unsigned int vector = NR_VECTORS - 1; vector >= NR_EXCEPTIONS; vector--)
		if (lapic_in_service(vector))
			lapic_end();
}

static void connect_nmi(enum lapic_register pin, unsigned int bit, struct madt_nmi nmi)
{
	if (nmi.pins >> bit & 1)
		lapic_write(pin, LVT_NMI | (nmi.active_low >> bit & 1 ? LVT_ACTIVE_LOW : 0));
}

/* The pins as the MADT has them. Without one LINT1, where PCs have the NMI, stays as it is. */
static void init_pins(uint32_t apic_id)
{
	const struct acpi_madt *madt = acpi_madt();
	struct madt_nmi nmi;

	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	if (!madt)
		return;
	lapic_write(LAPIC_LVT_LINT1, LVT_MASKED);
	nmi = madt->nmi;
	for (unsigned int i = 0; i < madt->nr_cpus; i++)
		if (madt->cpus[i].apic_id == apic_id && madt->cpus[i].nmi.pins)
			nmi = madt->cpus[i].nmi;
	connect_nmi(LAPIC_LVT_LINT0, 0, nmi);
	connect_nmi(LAPIC_LVT_LINT1, 1, nmi);
}

void lapic_init_cpu(void)
{
	enter_mode();
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLED | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_ESR, 0);
	lapic_write(LAPIC_LVT_ERROR, VECTOR_LAPIC_ERROR);
	init_pins(lapic_id());
	end_leftovers();
	if (IS_ENABLED(CONFIG_SMP))
		cpu_this()->apic_id = lapic_id();
}

bool lapic_init(void)
{
	const struct cpuid_regs first = cpuid(1, 0);
	uint64_t base = 0;

	if (lapic_mode_exists(first.edx))
		base = cpu_read_msr(MSR_APIC_BASE);
	mode = lapic_mode_choose(first.ecx, first.edx, base, IS_ENABLED(CONFIG_X2APIC));
	switch (mode) {
	case LAPIC_ABSENT:
		log_info("lapic: this CPU has none");
		break;
	case LAPIC_OFF:
		log_warning("lapic: the firmware has switched it off");
		break;
	case LAPIC_FOREIGN:
		log_warning("lapic: not used: it is in x2APIC mode, and X2APIC is off");
		break;
	case LAPIC_XAPIC:
		base &= APIC_BASE_ADDRESS;
		if (!phys_reachable(base, PAGE_SIZE)) {
			log_warning("lapic: not used: its address, 0x%llx, is not mapped",
				    (unsigned long long)base);
			mode = LAPIC_ABSENT;
			break;
		}
		registers = phys_to_virt(base);
		break;
	case LAPIC_X2APIC:
		break;
	}
	return lapic_present();
}
