/* SPDX-License-Identifier: MIT */
/*
 * Frame-pointer walk: [rbp] is the caller's rbp, [rbp + 8] the return address (System V
 * ABI, 3.2.2). Every step stays on one of the kernel's stacks and moves up within it, so a corrupt
 * chain ends the walk instead of the machine.
 */
#include <arch/interrupt_frame.h>
#include <arch/stack.h>
#include <exo/backtrace.h>

extern const char image_start[], text_end[];

uint64_t backtrace_next(uint64_t *frame_pointer)
{
	const uint64_t *record = (const uint64_t *)*frame_pointer;

	if (*frame_pointer % sizeof(uint64_t) || !stack_holds(*frame_pointer))
		return 0;
	if (record[0] && record[0] <= *frame_pointer)
		return 0;
	*frame_pointer = record[0];
	return record[1];
}

uint64_t backtrace_caller(const struct interrupt_frame *frame)
{
	const bool in_code =
		frame->rip >= (uintptr_t)image_start && frame->rip < (uintptr_t)text_end;

	if (in_code || frame->rsp % sizeof(uint64_t) || !stack_holds(frame->rsp))
		return 0;
	return *(const uint64_t *)frame->rsp;
}
