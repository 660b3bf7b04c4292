/* SPDX-License-Identifier: MIT */
/* What floating-point and vector state to keep on a CPU, and how. Pure: decided from CPUID. */
#ifndef FPU_PLAN_H
#define FPU_PLAN_H

#include <arch/cpu.h>
#include <stdbool.h>

/* State components, as bits of XCR0 (SDM vol. 1, 13.1). */
enum fpu_component {
	FPU_X87 = 1 << 0,
	FPU_SSE = 1 << 1, /* XMM and MXCSR */
	FPU_AVX = 1 << 2, /* the upper halves of YMM */
	FPU_AVX512 = 7 << 5, /* masks, upper halves of ZMM0-15, ZMM16-31: all or none */
};

#define FPU_LEGACY_SIZE 512 /* of FXSAVE's area, with which XSAVE's begins */
#define FPU_IMAGE_SIZE (FPU_LEGACY_SIZE + 64) /* with the header of XSAVE's */

enum fpu_method {
	FPU_BY_FXSAVE,
	FPU_BY_XSAVE,
	FPU_BY_XSAVEOPT, /* leaves out what is in its initial state or has not changed */
};

struct fpu_plan {
	enum fpu_method method;
	uint32_t components; /* for XCR0; 0 with FPU_BY_FXSAVE */
	uint32_t size; /* bytes of an area, aligned to 64 */
	bool keeps_pointers; /* FXRSTOR leaves x87's last-instruction pointers: clear them first */
};

/* @xsave: may XSAVE be used? @read: CPUID */
void fpu_plan_make(struct fpu_plan *plan, bool xsave,
		   struct cpuid_regs (*read)(uint32_t leaf, uint32_t subleaf));

/* Fills the first FPU_IMAGE_SIZE bytes of an area: the initial state, whatever the method. */
void fpu_plan_initial(void *area);

#endif
