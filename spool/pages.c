/*
 * pages.c: from the kernel to the tables of flows, past malloc(), which knows small pages only.
 */
#include "spool/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "spool/log.h"

#define HUGE (2ul << 20)

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die(MIRA_AGAIN, "no memory for a table of %zu bytes; lower max_flows in mira.conf",
			size);
	return memory;
}

/* A huge page begins at a multiple of its size: more is asked for, and what stands before and behind is given back. */
static void *map_aligned(size_t size)
{
	char *memory = map(size + HUGE);
	size_t before = -(uintptr_t)memory & (HUGE - 1);

	if (before)
		munmap(memory, before);
	munmap(memory + before + size, HUGE - before);
	madvise(memory + before, size, MADV_HUGEPAGE); /* small ones do as well */
	return memory + before;
}

static size_t whole(size_t size)
{
	return size < HUGE ? size : (size + HUGE - 1) & ~(HUGE - 1);
}

void *pages_new(size_t size)
{
	return size < HUGE ? map(size) : map_aligned(whole(size));
}

void pages_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, whole(size));
}
