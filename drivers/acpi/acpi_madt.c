/* SPDX-License-Identifier: MIT */
/*
 * CPUs, I/O APICs and interrupt lines as the MADT describes them. Pure code over a hostile table.
 *
 * The MADT (ACPI 6.5, 5.2.12) is a list of entries of many types; those of other types than below
 * are passed over, and so are entries that say nothing to this kernel: an override of what is no
 * ISA interrupt, a CPU or an I/O APIC that was named before. What contradicts itself, even if it
 * could be guessed what was meant, makes the whole table useless: the machine then runs on one CPU
 * and on the 8259s, which always works, instead of losing interrupts. NMI pins belong to CPUs by
 * their UIDs, so the table is walked twice: for CPUs and all else, then for NMIs.
 */
#include <exo/acpi.h>
#include <exo/acpi_madt.h>
#include <exo/printf.h>
#include <exo/string.h>
#include <stdarg.h>

struct madt {
	struct acpi_header header;
	uint32_t lapic_address;
	uint32_t flags;
} __packed;
_Static_assert(sizeof(struct madt) == 44, "ACPI 6.5, 5.2.12");
#define MADT_PCAT_COMPAT 1u

enum madt_type {
	MADT_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_APIC_NMI = 4,
	MADT_ADDRESS = 5,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};

#define CPU_ENABLED 1u
#define CPU_ONLINE_CAPABLE 2u

/* MPS INTI flags (ACPI 6.5, table 5.26). */
enum { INTI_CONFORMS = 0, INTI_HIGH_OR_EDGE = 1, INTI_RESERVED = 2, INTI_LOW_OR_LEVEL = 3 };

struct madt_entry {
	uint8_t type, length;
};

struct madt_apic {
	struct madt_entry entry;
	uint8_t uid;
	uint8_t apic_id;
	uint32_t flags;
} __packed;
_Static_assert(sizeof(struct madt_apic) == 8, "ACPI 6.5, 5.2.12.2");

struct madt_io_apic_entry {
	struct madt_entry entry;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __packed;
_Static_assert(sizeof(struct madt_io_apic_entry) == 12, "ACPI 6.5, 5.2.12.3");

struct madt_override {
	struct madt_entry entry;
	uint8_t bus; /* 0: ISA */
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} __packed;
_Static_assert(sizeof(struct madt_override) == 10, "ACPI 6.5, 5.2.12.5");

struct madt_apic_nmi {
	struct madt_entry entry;
	uint8_t uid; /* 0xff: all CPUs */
	uint16_t flags;
	uint8_t pin;
} __packed;
_Static_assert(sizeof(struct madt_apic_nmi) == 6, "ACPI 6.5, 5.2.12.7");

struct madt_address {
	struct madt_entry entry;
	uint16_t reserved;
	uint64_t address;
} __packed;
_Static_assert(sizeof(struct madt_address) == 12, "ACPI 6.5, 5.2.12.8");

struct madt_x2apic {
	struct madt_entry entry;
	uint16_t reserved;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t uid;
} __packed;
_Static_assert(sizeof(struct madt_x2apic) == 16, "ACPI 6.5, 5.2.12.12");

struct madt_x2apic_nmi {
	struct madt_entry entry;
	uint16_t flags;
	uint32_t uid; /* 0xffffffff: all CPUs */
	uint8_t pin;
	uint8_t reserved[3];
} __packed;
_Static_assert(sizeof(struct madt_x2apic_nmi) == 12, "ACPI 6.5, 5.2.12.13");

struct reader {
	struct acpi_madt *madt;
	char *problem;
	uint16_t overridden; /* a bit for each ISA interrupt that has an entry */
};

static int __format_printf(2, 3) complain(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	kvsnprintf(reader->problem, ACPI_MADT_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
	return -EXO_E_ARG;
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static void add_cpu(struct reader *reader, uint32_t apic_id, uint32_t uid, uint32_t flags)
{
	struct acpi_madt *madt = reader->madt;

	if (!(flags & CPU_ENABLED)) {
		madt->nr_cpus_pluggable += (flags & CPU_ONLINE_CAPABLE) != 0;
		return;
	}
	for (unsigned int i = 0; i < madt->nr_cpus; i++)
		if (madt->cpus[i].apic_id == apic_id)
			return;
	if (madt->nr_cpus == ARRAY_SIZE(madt->cpus)) {
		madt->nr_cpus_left_out++;
		return;
	}
	madt->cpus[madt->nr_cpus++] = (struct madt_cpu){ .apic_id = apic_id, .uid = uid };
}

static int read_x2apic(struct reader *reader, const uint8_t *entry)
{
	struct madt_x2apic x2apic;

	memcpy(&x2apic, entry, sizeof(x2apic));
	if (x2apic.apic_id == UINT32_MAX && x2apic.flags & CPU_ENABLED)
		return complain(reader, "MADT: a CPU has the APIC ID of all CPUs");
	add_cpu(reader, x2apic.apic_id, x2apic.uid, x2apic.flags);
	return 0;
}

static int read_apic(struct reader *reader, const uint8_t *entry)
{
	struct madt_apic apic;

	memcpy(&apic, entry, sizeof(apic));
	/* 0xff is what firmware gives to places without a CPU. */
	if (apic.apic_id != UINT8_MAX)
		add_cpu(reader, apic.apic_id, apic.uid, apic.flags);
	return 0;
}

/* ---- I/O APICs and lines --------------------------------------------------------------------- */

static int read_io_apic(struct reader *reader, const uint8_t *bytes)
{
	struct acpi_madt *madt = reader->madt;
	struct madt_io_apic_entry entry;

	memcpy(&entry, bytes, sizeof(entry));
	if (entry.address == 0 || entry.address % 16)
		return complain(reader, "MADT: I/O APIC %u cannot be at 0x%x", entry.id,
				entry.address);
	for (unsigned int i = 0; i < madt->nr_io_apics; i++) {
		const struct madt_io_apic *other = &madt->io_apics[i];

		if (other->address == entry.address && other->gsi_base == entry.gsi_base)
			return 0;
		if (other->address == entry.address || other->gsi_base == entry.gsi_base)
			return complain(reader, "MADT: two I/O APICs at 0x%x or from GSI %u on",
					entry.address, entry.gsi_base);
	}
	if (madt->nr_io_apics == ARRAY_SIZE(madt->io_apics)) {
		madt->nr_io_apics_left_out++;
		return 0;
	}
	madt->io_apics[madt->nr_io_apics++] =
		(struct madt_io_apic){ entry.address, entry.gsi_base, entry.id };
	return 0;
}

static int read_override(struct reader *reader, const uint8_t *entry)
{
	struct madt_override override;
	struct madt_line line = { 0 }, *old;
	unsigned int polarity, trigger;

	memcpy(&override, entry, sizeof(override));
	if (override.bus != 0 || override.source >= NR_ISA_IRQS)
		return 0;
	polarity = override.flags & 3;
	trigger = override.flags >> 2 & 3;
	if (polarity == INTI_RESERVED || trigger == INTI_RESERVED || override.gsi == MADT_NO_GSI)
		return complain(reader, "MADT: override of irq %u by GSI %u with flags 0x%x",
				override.source, override.gsi, override.flags);
	/* ISA's own are edges, active high. */
	line.gsi = override.gsi;
	line.active_low = polarity == INTI_LOW_OR_LEVEL;
	line.level = trigger == INTI_LOW_OR_LEVEL;
	old = &reader->madt->isa[override.source];
	if (reader->overridden >> override.source & 1 &&
	    (old->gsi != line.gsi || old->active_low != line.active_low ||
	     old->level != line.level))
		return complain(reader, "MADT: irq %u is GSI %u, flags 0x%x, and something else",
				override.source, override.gsi, override.flags);
	reader->overridden |= (uint16_t)(1u << override.source);
	*old = line;
	return 0;
}

/* A pin that an override gives to another interrupt is not this one's: irq 2 on every PC. */
static void disconnect_taken_lines(struct reader *reader)
{
	struct madt_line *isa = reader->madt->isa;

	for (unsigned int irq = 0; irq < NR_ISA_IRQS; irq++)
		for (unsigned int other = 0; other < NR_ISA_IRQS; other++)
			if (!(reader->overridden >> irq & 1) && reader->overridden >> other & 1 &&
			    isa[other].gsi == irq)
				isa[irq].gsi = MADT_NO_GSI;
}

/* ---- NMI pins -------------------------------------------------------------------------------- */

static int add_nmi(struct reader *reader, bool all, uint32_t uid, unsigned int flags,
		   unsigned int pin)
{
	struct acpi_madt *madt = reader->madt;
	const unsigned int polarity = flags & 3;
	const uint8_t low = (uint8_t)(polarity == INTI_LOW_OR_LEVEL ? 1u << pin % 2 : 0);
	const uint8_t bit = (uint8_t)(1u << pin % 2);

	if (pin > 1 || polarity == INTI_RESERVED)
		return complain(reader, "MADT: NMI at LINT%u with flags 0x%x", pin, flags);
	if (all) {
		madt->nmi.pins |= bit;
		madt->nmi.active_low |= low;
		return 0;
	}
	for (unsigned int i = 0; i < madt->nr_cpus; i++) {
		if (madt->cpus[i].uid != uid)
			continue;
		madt->cpus[i].nmi.pins |= bit;
		madt->cpus[i].nmi.active_low |= low;
	}
	return 0;
}

static int read_nmi(struct reader *reader, const uint8_t *entry)
{
	struct madt_x2apic_nmi x2apic;
	struct madt_apic_nmi apic;

	if (entry[0] == MADT_APIC_NMI) {
		memcpy(&apic, entry, sizeof(apic));
		return add_nmi(reader, apic.uid == UINT8_MAX, apic.uid, apic.flags, apic.pin);
	}
	if (entry[0] != MADT_X2APIC_NMI)
		return 0;
	memcpy(&x2apic, entry, sizeof(x2apic));
	return add_nmi(reader, x2apic.uid == UINT32_MAX, x2apic.uid, x2apic.flags, x2apic.pin);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int read_all_else(struct reader *reader, const uint8_t *entry)
{
	struct madt_address address;

	switch (entry[0]) {
	case MADT_APIC:
		return read_apic(reader, entry);
	case MADT_X2APIC:
		return read_x2apic(reader, entry);
	case MADT_IO_APIC:
		return read_io_apic(reader, entry);
	case MADT_OVERRIDE:
		return read_override(reader, entry);
	case MADT_ADDRESS:
		memcpy(&address, entry, sizeof(address));
		reader->madt->lapic_address = address.address;
		return 0;
	default:
		return 0;
	}
}

/* Hands each entry, which has the length that its type needs at least, to @read. */
static int walk(struct reader *reader, const uint8_t *table, uint32_t length,
		int (*read)(struct reader *reader, const uint8_t *entry))
{
	static const uint8_t least[] = {
		[MADT_APIC] = sizeof(struct madt_apic),
		[MADT_IO_APIC] = sizeof(struct madt_io_apic_entry),
		[MADT_OVERRIDE] = sizeof(struct madt_override),
		[MADT_APIC_NMI] = sizeof(struct madt_apic_nmi),
		[MADT_ADDRESS] = sizeof(struct madt_address),
		[MADT_X2APIC] = sizeof(struct madt_x2apic),
		[MADT_X2APIC_NMI] = sizeof(struct madt_x2apic_nmi),
	};
	struct madt_entry entry;
	int error = 0;

	for (uint32_t at = sizeof(struct madt); at < length && !error; at += entry.length) {
		const uint32_t left = length - at;

		if (left >= sizeof(entry))
			memcpy(&entry, table + at, sizeof(entry));
		if (left < sizeof(entry) || entry.length > left)
			return complain(reader, "MADT: the entry at byte %u runs over the end", at);
		if (entry.length < sizeof(entry) ||
		    (entry.type < ARRAY_SIZE(least) && entry.length < least[entry.type]))
			return complain(reader,
					"MADT: the entry at byte %u, of type %u, has only %u bytes",
					at, entry.type, entry.length);
		error = read(reader, table + at);
	}
	return error;
}

static int read_table(struct reader *reader, const uint8_t *table, uint32_t length)
{
	struct acpi_madt *madt = reader->madt;
	struct madt header;
	int error;

	if (length < sizeof(header))
		return complain(reader, "MADT: has only %u bytes", length);
	memcpy(&header, table, sizeof(header));
	madt->lapic_address = header.lapic_address;
	madt->has_pics = header.flags & MADT_PCAT_COMPAT;
	error = walk(reader, table, length, read_all_else);
	if (!error)
		error = walk(reader, table, length, read_nmi);
	if (!error && madt->nr_cpus == 0)
		error = complain(reader, "MADT: no CPU is enabled");
	disconnect_taken_lines(reader);
	return error;
}

/* Without overrides ISA interrupts have their own numbers (ACPI 6.5, 5.2.12.4). */
static void clear(struct acpi_madt *madt)
{
	memset(madt, 0, sizeof(*madt));
	for (unsigned int irq = 0; irq < NR_ISA_IRQS; irq++)
		madt->isa[irq].gsi = irq;
}

int acpi_madt_read(const struct boot_memory_view *view, paddr_t rsdp, struct acpi_madt *madt,
		   char problem[ACPI_MADT_PROBLEM_SIZE])
{
	struct reader reader = { .madt = madt, .problem = problem };
	const uint8_t *bytes;
	uint32_t length;
	paddr_t table;
	int error;

	clear(madt);
	*problem = 0;
	if (acpi_find_table(view, rsdp, "APIC", 0, &table, &length))
		return -EXO_E_RANGE;
	bytes = view->at(view, table, length);
	if (!bytes)
		return -EXO_E_RANGE;
	error = read_table(&reader, bytes, length);
	if (error)
		clear(madt);
	return error;
}
