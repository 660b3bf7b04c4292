/* SPDX-License-Identifier: MIT */
/*
 * What floating-point and vector state to keep (SDM vol. 1, ch. 13; SDM vol. 2, CPUID leaf 0xD).
 *
 * Of what the CPU can save, x87, SSE, AVX and AVX-512 are turned on. Left off are AMX (8 KiB a
 * thread, and a CPU that has its tiles in use sleeps less deeply), protection keys (they are
 * rights, not registers to compute with: an eager switch must set them in any case) and MPX (gone).
 * The area has the standard format, where the place of each component is fixed: XSAVEOPT needs it,
 * and the size can be computed before XCR0 is written.
 */
#include "fpu_plan.h"

#include <exo/string.h>

#define LEAF_FEATURES 0x1
#define LEAF_XSAVE 0xd
#define LEAF_EXTENDED 0x80000000
#define LEAF_EXTENDED_SIZES 0x80000008

#define FEATURE_XSAVE (1u << 26) /* leaf 1, ECX */
#define XSAVE_OPT (1u << 0) /* leaf 0xD.1, EAX */
#define RESTORES_POINTERS (1u << 2) /* leaf 0x80000008, EBX: AMD APM vol. 3, appendix E */

#define VENDOR_AMD 0x68747541 /* "Auth", of AuthenticAMD: EBX of leaf 0 */
#define VENDOR_HYGON 0x6f677948 /* "Hygo", of HygonGenuine */

#define FIRST_EXTENDED 2 /* components below are in the legacy area */
#define NR_COMPONENTS 32

/* Offsets in the legacy area, and the values after FNINIT and a reset (SDM vol. 1, table 10-2). */
#define AREA_FCW 0
#define AREA_MXCSR 24
#define INITIAL_FCW 0x37f
#define INITIAL_MXCSR 0x1f80

typedef struct cpuid_regs cpuid_function(uint32_t leaf, uint32_t subleaf);

/*
 * AMD's CPUs save and restore the x87 pointers only while an exception is pending, so they would go
 * from thread to thread (AMD APM vol. 2, 11.4.4). Newer ones say that they do it always.
 */
static __boot_cpu bool keeps_pointers(cpuid_function *read)
{
	const uint32_t vendor = read(0, 0).ebx;

	if (vendor != VENDOR_AMD && vendor != VENDOR_HYGON)
		return false;
	return read(LEAF_EXTENDED, 0).eax < LEAF_EXTENDED_SIZES ||
	       !(read(LEAF_EXTENDED_SIZES, 0).ebx & RESTORES_POINTERS);
}

/* What to turn on of @present: each only with all that it needs (SDM vol. 1, 13.3). */
static __boot_cpu uint32_t sensible(uint32_t present)
{
	uint32_t components = FPU_X87 | FPU_SSE;

	if (present & FPU_AVX) {
		components |= FPU_AVX;
		if ((present & FPU_AVX512) == FPU_AVX512)
			components |= FPU_AVX512;
	}
	return components;
}

static __boot_cpu uint32_t area_size(uint32_t components, cpuid_function *read)
{
	uint32_t size = FPU_IMAGE_SIZE;

	for (uint32_t i = FIRST_EXTENDED; i < NR_COMPONENTS; i++) {
		const struct cpuid_regs place =
			components >> i & 1 ? read(LEAF_XSAVE, i) : (struct cpuid_regs){ 0 };

		if (place.ebx + place.eax > size)
			size = place.ebx + place.eax;
	}
	return size;
}

__boot_cpu void fpu_plan_make(struct fpu_plan *plan, bool xsave, cpuid_function *read)
{
	uint32_t present;

	*plan = (struct fpu_plan){ .method = FPU_BY_FXSAVE,
				   .size = FPU_LEGACY_SIZE,
				   .keeps_pointers = keeps_pointers(read) };
	if (!xsave || read(0, 0).eax < LEAF_XSAVE || !(read(LEAF_FEATURES, 0).ecx & FEATURE_XSAVE))
		return;
	present = read(LEAF_XSAVE, 0).eax;
	if ((present & (FPU_X87 | FPU_SSE)) != (FPU_X87 | FPU_SSE))
		return;
	plan->components = sensible(present);
	plan->size = area_size(plan->components, read);
	plan->method = read(LEAF_XSAVE, 1).eax & XSAVE_OPT ? FPU_BY_XSAVEOPT : FPU_BY_XSAVE;
}

/* An XSAVE header of zeros says that every component is in its initial state. */
void fpu_plan_initial(void *area)
{
	const uint16_t fcw = INITIAL_FCW;
	const uint32_t mxcsr = INITIAL_MXCSR;

	memset(area, 0, FPU_IMAGE_SIZE);
	memcpy((char *)area + AREA_FCW, &fcw, sizeof(fcw));
	memcpy((char *)area + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
}
