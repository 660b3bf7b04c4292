/* SPDX-License-Identifier: MIT */
/*
 * The sanitizers' defaults for every host test; ASAN_OPTIONS and UBSAN_OPTIONS still overrule them.
 * cmocka catches the signals of a crash and would say no more than their name, so the sanitizer
 * keeps them and prints where it happened.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2:"
	       "strict_string_checks=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
