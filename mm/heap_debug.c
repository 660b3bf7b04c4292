/* SPDX-License-Identifier: MIT */
/*
 * Finds misuse of the heap (CONFIG_HEAP_DEBUG), whichever variant lies below.
 *
 * In a block of the variant lie, from front to back: a gap if the alignment asks for one, a header,
 * a red zone, the memory that the caller sees, and a red zone again. Red zones hold RED_ZONE,
 * memory that was never written POISON_FRESH, freed memory POISON_FREED; a pointer made of either
 * poison is not canonical, so following one faults.
 *
 * A header is sealed: a hash over its address and all of its fields tells whether it is one, of a
 * block in use or of a freed one, and that nothing wrote to it. A block in use is in a list. A
 * freed one waits in the quarantine, a ring, before the variant gets it back; its memory must still
 * be poison then. What memory the quarantine holds is given back before an allocation fails for
 * want of it.
 *
 * Locks: as in exo/heap.h.
 */
#include <exo/heap_debug.h>
#include <exo/string.h>

#define RED_ZONE 0xe9
#define POISON_FRESH 0xa7
#define POISON_FREED 0xdb
#define RED_ZONE_SIZE 16 /* at least; behind the memory up to 15 more */

struct header {
	struct header *next; /* in use: the list */
	union {
		struct header *previous; /* in use */
		uintptr_t freed_by; /* freed */
	};
	uintptr_t allocated_by;
	uint32_t size; /* as asked for, at least 1 */
	uint32_t seal; /* the lowest byte is the alignment's logarithm, the rest the hash */
};

enum state { USED, FREED, UNKNOWN };

#define FRONT (sizeof(struct header) + RED_ZONE_SIZE)

_Static_assert(FRONT % HEAP_MIN_ALIGN == 0, "memory behind it must be aligned");
_Static_assert(HEAP_MAX_SIZE <= UINT32_MAX, "a size must fit its field");

static struct header *blocks; /* in use */

static struct {
	struct header *ring[CONFIG_HEAP_QUARANTINE + 1]; /* one more: 0 is a choice too */
	unsigned int first, count;
} quarantine;

static struct {
	uint64_t used, allocs, frees, failures;
} stats;

static inline uint8_t *memory_of(const struct header *header)
{
	return (uint8_t *)header + FRONT;
}

static inline struct header *header_of(const void *block)
{
	return (struct header *)((uintptr_t)block - FRONT);
}

/* Bytes between the start of the variant's block and the memory. */
static inline size_t front_size(unsigned int align_order)
{
	return (FRONT + (1ul << align_order) - 1) & -(1ul << align_order);
}

/* Bytes of memory and the red zone behind it. */
static inline size_t back_size(size_t size)
{
	return ((size + HEAP_MIN_ALIGN - 1) & -(size_t)HEAP_MIN_ALIGN) + RED_ZONE_SIZE;
}

static inline unsigned int align_order_of(const struct header *header)
{
	return header->seal & 0xff;
}

/* What the seal of @header must be. */
static uint32_t seal(const struct header *header, enum state state, unsigned int align_order)
{
	const uint64_t fields[] = { (uintptr_t)header, (uintptr_t)header->next, header->freed_by,
				    header->allocated_by,
				    (uint64_t)header->size << 32 | align_order << 1 | state };
	uint64_t hash = 0;

	/* The high bits depend on all: one change in 16 million goes unseen. */
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		hash = (hash ^ fields[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return (uint32_t)(hash >> 32 & ~0xffull) | align_order;
}

static void seal_used(struct header *header)
{
	header->seal = seal(header, USED, align_order_of(header));
}

static enum state state_of(const struct header *header)
{
	if ((uintptr_t)header % HEAP_MIN_ALIGN)
		return UNKNOWN;
	if (header->seal == seal(header, USED, align_order_of(header)))
		return USED;
	return header->seal == seal(header, FREED, align_order_of(header)) ? FREED : UNKNOWN;
}

static _Noreturn void misused(const char *what, const void *block, const void *at, uintptr_t caller)
{
	const struct header *const header = header_of(block);
	const enum state state = state_of(header);
	const struct heap_misuse misuse = {
		.what = what,
		.block = block,
		.at = at,
		.size = state == UNKNOWN ? 0 : header->size,
		.allocated_by = state == UNKNOWN ? 0 : header->allocated_by,
		.freed_by = state == FREED ? header->freed_by : 0,
		.found_by = caller,
	};

	heap_misused(&misuse);
}

/* Eight bytes of any object, at any address. */
typedef uint64_t __attribute__((__may_alias__, __aligned__(1))) word_t;

/* The first of @size bytes that is not @byte, or NULL. */
static const uint8_t *find_other(const uint8_t *at, uint8_t byte, size_t size)
{
	const uint64_t word = 0x0101010101010101ull * byte;
	size_t i = 0;

	while (size - i >= sizeof(word) && *(const word_t *)(at + i) == word)
		i += sizeof(word);
	for (; i < size; i++)
		if (at[i] != byte)
			return at + i;
	return NULL;
}

static void check_red_zones(const struct header *header, uintptr_t caller)
{
	const uint8_t *const memory = memory_of(header);
	const uint8_t *other = find_other(memory - RED_ZONE_SIZE, RED_ZONE, RED_ZONE_SIZE);

	if (other)
		misused("something was written in front of it", memory, other, caller);
	other = find_other(memory + header->size, RED_ZONE, back_size(header->size) - header->size);
	if (other)
		misused("something was written behind its end", memory, other, caller);
}

#define NO_BLOCK "this is no block, or what lies in front of it was overwritten"

/* A block that a caller names must be in use; @freed is what is wrong with one that was freed. */
static struct header *check_used(const void *block, const char *freed, uintptr_t caller)
{
	struct header *const header = header_of(block);
	const enum state state = state_of(header);

	if (state != USED)
		misused(state == FREED ? freed : NO_BLOCK, block, NULL, caller);
	check_red_zones(header, caller);
	return header;
}

/* A neighbour in the list, or NULL; it is about to be changed and sealed again. */
static void check_neighbour(const struct header *header, uintptr_t caller)
{
	if (header && state_of(header) != USED)
		misused(NO_BLOCK, memory_of(header), NULL, caller);
}

static void check_quarantined(const struct header *header, uintptr_t caller)
{
	const uint8_t *const memory = memory_of(header), *other;

	if (state_of(header) != FREED)
		misused("what lies in front of it was overwritten after it was freed", memory, NULL,
			caller);
	other = find_other(memory, POISON_FREED, header->size);
	if (other)
		misused("it was written to after it was freed", memory, other, caller);
	check_red_zones(header, caller);
}

static void release_oldest(uintptr_t caller) __requires(heap_lock)
{
	struct header *const header = quarantine.ring[quarantine.first];

	check_quarantined(header, caller);
	quarantine.first = (quarantine.first + 1) % ARRAY_SIZE(quarantine.ring);
	quarantine.count--;
	heap_core_free(memory_of(header) - front_size(align_order_of(header)));
}

static void empty_quarantine(uintptr_t caller) __requires(heap_lock)
{
	while (quarantine.count)
		release_oldest(caller);
}

/* The new block is the oldest too if the quarantine has no room at all. */
static void put_in_quarantine(struct header *header, uintptr_t caller) __requires(heap_lock)
{
	const unsigned int last = quarantine.first + quarantine.count;

	quarantine.ring[last % ARRAY_SIZE(quarantine.ring)] = header;
	if (++quarantine.count > CONFIG_HEAP_QUARANTINE)
		release_oldest(caller);
}

static void link(struct header *header)
{
	header->next = blocks;
	header->previous = NULL;
	seal_used(header);
	if (blocks) {
		blocks->previous = header;
		seal_used(blocks);
	}
	blocks = header;
}

static void unlink(const struct header *header)
{
	if (header->next) {
		header->next->previous = header->previous;
		seal_used(header->next);
	}
	if (header->previous) {
		header->previous->next = header->next;
		seal_used(header->previous);
	} else {
		blocks = header->next;
	}
}

static void *allocate(size_t size, size_t align, uintptr_t caller) __requires(heap_lock)
{
	const unsigned int align_order =
		align > HEAP_MIN_ALIGN ? (unsigned int)__builtin_ctzl(align) : 4;
	const size_t front = front_size(align_order);
	struct header *header;
	uint8_t *core;

	if (!size)
		size = 1;
	if (size > HEAP_MAX_SIZE)
		return NULL;
	check_neighbour(blocks, caller);
	core = heap_core_alloc(front + back_size(size), 1ul << align_order);
	if (!core && quarantine.count) {
		empty_quarantine(caller);
		core = heap_core_alloc(front + back_size(size), 1ul << align_order);
	}
	if (!core)
		return NULL;
	header = header_of(core + front);
	header->allocated_by = caller;
	header->size = (uint32_t)size;
	header->seal = align_order;
	link(header);
	memset(memory_of(header) - RED_ZONE_SIZE, RED_ZONE, RED_ZONE_SIZE);
	memset(memory_of(header), POISON_FRESH, size);
	memset(memory_of(header) + size, RED_ZONE, back_size(size) - size);
	stats.used += size;
	stats.allocs++;
	return memory_of(header);
}

static void *allocate_counted(size_t size, size_t align, uintptr_t caller) __requires(heap_lock)
{
	void *const block = allocate(size, align, caller);

	stats.failures += !block;
	return block;
}

static void release(struct header *header, uintptr_t caller) __requires(heap_lock)
{
	check_neighbour(header->next, caller);
	check_neighbour(header->previous, caller);
	unlink(header);
	header->freed_by = caller;
	header->seal = seal(header, FREED, align_order_of(header));
	memset(memory_of(header), POISON_FREED, header->size);
	stats.used -= header->size;
	stats.frees++;
	put_in_quarantine(header, caller);
}

__noinline void *heap_debug_alloc(size_t size, size_t align)
{
	return allocate_counted(size, align, (uintptr_t)__builtin_return_address(0));
}

__noinline void heap_debug_free(void *block)
{
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);

	if (block)
		release(check_used(block, "it was freed twice", caller), caller);
}

/* Always moves, so that whoever keeps the old address is found out. */
__noinline void *heap_debug_resize(void *block, size_t size)
{
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	struct header *header;
	void *moved;

	if (!block)
		return allocate_counted(size, HEAP_MIN_ALIGN, caller);
	header = check_used(block, "it was resized after it was freed", caller);
	moved = allocate_counted(size, HEAP_MIN_ALIGN, caller);
	if (!moved)
		return NULL;
	memcpy(moved, block, size < header->size ? size : header->size);
	release(header, caller);
	return moved;
}

__noinline size_t heap_debug_size(const void *block)
{
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);

	return check_used(block, "its size was asked for after it was freed", caller)->size;
}

void heap_debug_stats(struct heap_stats *result)
{
	heap_core_stats(result);
	result->used = stats.used;
	result->blocks = stats.allocs - stats.frees;
	result->allocs = stats.allocs;
	result->frees = stats.frees;
	result->failures = stats.failures;
}

__noinline void heap_debug_trim(void)
{
	empty_quarantine((uintptr_t)__builtin_return_address(0));
	heap_core_trim();
}

__noinline bool heap_debug_check(void)
{
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	uint64_t count = 0, used = 0;

	for (const struct header *header = blocks; header; header = header->next) {
		check_used(memory_of(header), NO_BLOCK, caller);
		used += header->size;
		if (++count > stats.allocs - stats.frees)
			return false;
	}
	for (unsigned int i = 0; i < quarantine.count; i++)
		check_quarantined(
			quarantine.ring[(quarantine.first + i) % ARRAY_SIZE(quarantine.ring)],
			caller);
	return count == stats.allocs - stats.frees && used == stats.used && heap_core_check();
}
