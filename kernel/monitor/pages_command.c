/* SPDX-License-Identifier: MIT */
/* The monitor's pages command: what the kernel's page tables say of an address, or of all. */
#include <arch/mmu.h>
#include <exo/console.h>
#include <exo/monitor.h>
#include <exo/page_table.h>
#include <exo/string.h>

/* A stretch of addresses that are mapped to adjacent memory, in the same way. */
struct stretch {
	uint64_t address, size;
	struct page_mapping mapping;
};

static void print_stretch(const struct stretch *s)
{
	static const char *const sizes[] = {
		[PAGE_LEVEL_4K] = "4K", [PAGE_LEVEL_2M] = "2M", [PAGE_LEVEL_1G] = "1G"
	};
	const unsigned int rights = s->mapping.rights;

	if (!s->size || !s->mapping.present)
		return;
	console_printf("0x%016llx-0x%016llx -> 0x%012llx %s r%c%c%c%s\n",
		       (unsigned long long)s->address,
		       (unsigned long long)(s->address + s->size - 1),
		       (unsigned long long)s->mapping.base, sizes[s->mapping.level],
		       rights & PAGE_WRITE ? 'w' : '-', rights & PAGE_EXECUTE ? 'x' : '-',
		       rights & PAGE_USER ? 'u' : '-', rights & PAGE_UNCACHED ? " uncached" : "");
}

static bool continues(const struct stretch *s, const struct page_mapping *next)
{
	return s->mapping.present == next->present && s->mapping.level == next->level &&
	       s->mapping.rights == next->rights &&
	       (!next->present || s->mapping.base + s->size == next->base);
}

static void print_all(void)
{
	struct stretch s = { .size = 0 };
	uint64_t address = DIRECT_MAP_BASE;
	struct page_mapping next;

	/* The kernel has only the upper half; its end is where the address wraps. */
	do {
		if (mmu_query(address, &next))
			break;
		if (s.size && continues(&s, &next)) {
			s.size += next.size;
		} else {
			print_stretch(&s);
			s = (struct stretch){ address, next.size, next };
		}
		address += next.size;
	} while (address);
	print_stretch(&s);
}

static int pages_command(int argc, char **argv)
{
	struct stretch s;

	if (argc == 1) {
		print_all();
		return 0;
	}
	if (argc > 2 || string_to_u64(argv[1], &s.address) || mmu_query(s.address, &s.mapping)) {
		console_printf("pages: takes one canonical address\n");
		return 1;
	}
	s.size = s.mapping.size;
	if (s.mapping.present)
		print_stretch(&s);
	else
		console_printf("not mapped, nor are the %llu bytes from there on\n",
			       (unsigned long long)s.size);
	return 0;
}
MONITOR_COMMAND(pages, "[ADDRESS]", "page tables: all mappings, or one", pages_command);
