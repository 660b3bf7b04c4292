/* SPDX-License-Identifier: MIT */
/* Words of the kernel's command line, which the first environment finds in its boot information. */
#include <exo/string.h>
#include <libexo/program.h>

const char *exo_boot_word(const char *word)
{
	const char *line = exo_program_info.boot ? exo_program_info.boot->command_line : "";
	const size_t length = strlen(word);

	while (*line) {
		const char *end = line;

		while (*end && *end != ' ')
			end++;
		if (strncmp(line, word, length) == 0) {
			if (line[length] == '=')
				return line + length + 1;
			if (line + length == end)
				return end;
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}
