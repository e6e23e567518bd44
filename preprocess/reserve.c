/*
 * reserve.c: from the kernel to the flow table (flowtab.c) and the memory of streams (piece.c).
 */
#include "preprocess/reserve.h"

#include <stdint.h>
#include <sys/mman.h>

#include "spool/log.h"

#define HUGE (2ul << 20)

static size_t whole(size_t size)
{
	return (size + HUGE - 1) & ~(HUGE - 1);
}

/* A huge page begins at a multiple of its size: more is asked for, and what stands before and behind is given back. */
void *reserve(size_t size)
{
	char *memory = mmap(NULL, whole(size) + HUGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before = -(uintptr_t)memory & (HUGE - 1);

	if (memory == MAP_FAILED)
		die(MIRA_AGAIN, "no memory for %zu bytes of flows; lower max_flows in mira.conf",
			size);
	if (before)
		munmap(memory, before);
	munmap(memory + before + whole(size), HUGE - before);
	madvise(memory + before, whole(size), MADV_HUGEPAGE); /* small ones do as well */
	return memory + before;
}

void reserve_free(void *memory, size_t size)
{
	munmap(memory, whole(size));
}
