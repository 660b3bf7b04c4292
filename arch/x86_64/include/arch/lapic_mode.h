/* SPDX-License-Identifier: MIT */
/*
 * Which mode the local APIC is used in, and how to get there. Pure code: emulators without x2APIC
 * cannot test it otherwise.
 */
#ifndef ARCH_LAPIC_MODE_H
#define ARCH_LAPIC_MODE_H

#include <exo/compiler.h>
#include <stdbool.h>

#define MSR_APIC_BASE 0x1b

/* IA32_APIC_BASE (SDM vol. 3, figures 10-5 and 10-26). */
#define APIC_BASE_X2APIC (1ull << 10)
#define APIC_BASE_ENABLED (1ull << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

enum lapic_mode {
	LAPIC_ABSENT, /* the CPU has none, or hides it because it is switched off */
	LAPIC_OFF, /* switched off by the firmware, which has its reasons */
	LAPIC_FOREIGN, /* in x2APIC mode, which this kernel is built without (CONFIG_X2APIC) */
	LAPIC_XAPIC,
	LAPIC_X2APIC,
};

static inline bool lapic_mode_usable(enum lapic_mode mode)
{
	return mode >= LAPIC_XAPIC;
}

/* CPUID says that there is a local APIC; without one IA32_APIC_BASE may not be read. */
bool lapic_mode_exists(uint32_t cpuid1_edx);

/**
 * lapic_mode_choose() - decide at boot, on the boot CPU
 * @cpuid1_ecx, @cpuid1_edx: of CPUID leaf 1
 * @apic_base: IA32_APIC_BASE; anything if there is no APIC
 * @x2apic: this kernel can use the x2APIC
 */
enum lapic_mode lapic_mode_choose(uint32_t cpuid1_ecx, uint32_t cpuid1_edx, uint64_t apic_base,
				  bool x2apic);

/* What to write to IA32_APIC_BASE, in order. */
struct lapic_mode_steps {
	unsigned int count;
	uint64_t values[2];
};

/*
 * The way from @apic_base to a usable @mode. Not every step is allowed (SDM vol. 3, 10.12.5): from
 * off to x2APIC it goes by xAPIC, from x2APIC to xAPIC by off. The address stays.
 */
struct lapic_mode_steps lapic_mode_enter(uint64_t apic_base, enum lapic_mode mode);

#endif
