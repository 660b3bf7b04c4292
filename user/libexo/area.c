/* SPDX-License-Identifier: MIT */
/* Areas: the slot of a page follows from its address, and so does the byte that has its rights. */
#include <exo/string.h>
#include <libexo/area.h>
#include <libexo/pages.h>
#include <libexo/slots.h>
#include <uapi/exo/info.h>
#include <uapi/exo/map.h>

#define WX (EXO_RIGHT_W | EXO_RIGHT_X)

static uint64_t pages_of(uint64_t size)
{
	return size / EXO_PAGE + (size % EXO_PAGE != 0);
}

int exo_area_init(struct exo_area *area, uint64_t address, uint64_t size, uint8_t *rights)
{
	area->address = address;
	area->size = size;
	area->rights = rights;
	area->slot = exo_slot_take(size / EXO_PAGE);
	return area->slot ? 0 : -EXO_E_NOMEM;
}

static bool is_within(const struct exo_area *area, uint64_t address, uint64_t size)
{
	return address - area->address <= area->size &&
	       size <= area->size - (address - area->address);
}

bool exo_area_has(const struct exo_area *area, uint64_t address, uint64_t size, unsigned int rights)
{
	const uint64_t from = address - area->address;

	if (size == 0)
		return true;
	if (!is_within(area, address, size))
		return false;
	for (uint64_t i = from / EXO_PAGE; i < pages_of(from + size); i++)
		if ((area->rights[i] & rights) != rights)
			return false;
	return true;
}

/* The first page's number and how many these are. */
static int look_up(const struct exo_area *area, uint64_t address, uint64_t size, uint64_t *first,
		   uint64_t *count)
{
	if (address % EXO_PAGE)
		return -EXO_E_ALIGN;
	if (!is_within(area, address, size))
		return -EXO_E_RANGE;
	*first = (address - area->address) / EXO_PAGE;
	*count = pages_of(size);
	return 0;
}

int exo_area_drop(struct exo_area *area, uint64_t address, uint64_t size)
{
	uint64_t first, count, run;
	int error = look_up(area, address, size, &first, &count);

	/* An empty slot cannot be emptied: from one run of pages to the next. */
	for (run = 0; !error && count > 0; first += run, count -= run) {
		for (run = 0; run < count && area->rights[first + run]; run++)
			;
		if (run > 0)
			error = exo_delete_caps(area->slot + first, run);
		else
			run = 1;
		memset(area->rights + first, 0, run);
	}
	return error;
}

int exo_area_protect(struct exo_area *area, uint64_t address, uint64_t size, unsigned int rights)
{
	uint64_t first, count;
	int error = look_up(area, address, size, &first, &count);

	if (!error && !exo_area_has(area, address, size, EXO_AREA_HELD))
		error = -EXO_E_RANGE;
	if (!error && (rights & WX) == WX)
		error = -EXO_E_PERM;
	if (!error)
		error = exo_remap_frames(EXO_SELF, area->slot + first, count, address, rights);
	if (!error)
		memset(area->rights + first, (int)(EXO_AREA_HELD | rights), count);
	return error;
}

int exo_area_add(struct exo_area *area, uint64_t address, uint64_t size, unsigned int rights)
{
	uint64_t first, count;
	int error = look_up(area, address, size, &first, &count);

	if (error || count == 0)
		return error;
	(void)exo_area_drop(area, address, size);
	error = exo_frames_allocate(EXO_FIRST_BANK, area->slot + first, count);
	if (error)
		return error;
	memset(area->rights + first, (int)EXO_AREA_HELD, count);
	error = exo_area_protect(area, address, size, rights);
	if (error)
		(void)exo_area_drop(area, address, size);
	return error;
}

uint64_t exo_area_find(const struct exo_area *area, uint64_t least, uint64_t size)
{
	const uint64_t count = pages_of(size);
	uint64_t end = area->size / EXO_PAGE;

	for (uint64_t at = end; at > 0 && area->address + (at - 1) * EXO_PAGE >= least; at--)
		if (area->rights[at - 1])
			end = at - 1;
		else if (end - (at - 1) == count)
			return area->address + (at - 1) * EXO_PAGE;
	return 0;
}
