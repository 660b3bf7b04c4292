/* SPDX-License-Identifier: MIT */
/* Fuzz target for the parser of init.conf: the input is the text. */
#include "fuzz_check.h"

#include <exo/string.h>
#include <libexo/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct exo_conf_program *program)
{
	FUZZ_CHECK(program->argc >= 1 && program->argc <= EXO_CONF_ARGUMENTS);
	FUZZ_CHECK(program->frames > 0 && program->stack > 0);
	for (unsigned int i = 0; i < program->argc; i++) {
		const char *word = program->argv[i];

		FUZZ_CHECK(word >= program->line && word < program->line + EXO_CONF_LINE);
		FUZZ_CHECK(strnlen(word, EXO_CONF_LINE) > 0);
		FUZZ_CHECK(word + strlen(word) < program->line + EXO_CONF_LINE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct exo_conf_program program;
	struct exo_conf conf;
	size_t lines = 0;
	char *text = malloc(size);

	memcpy(text, data, size);
	exo_conf_open(&conf, text, size);
	do {
		while (exo_conf_next(&conf, &program)) {
			check(&program);
			FUZZ_CHECK(lines++ <= size);
		}
		FUZZ_CHECK(lines++ <= size);
		FUZZ_CHECK(strnlen(conf.word, sizeof(conf.word)) < sizeof(conf.word));
	} while (conf.error);
	FUZZ_CHECK(conf.position == size);
	free(text);
	return 0;
}
