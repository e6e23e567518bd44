/*
 * pages.c: from the kernel to the merge table, past malloc(), which knows small pages only.
 */
#include "consolidate/pages.h"

#include <sys/mman.h>

#include "spool/log.h"

void *pages_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die(MIRA_AGAIN, "out of memory: %zu bytes", size);
	madvise(memory, size, MADV_HUGEPAGE); /* small ones do as well */
	return memory;
}

void pages_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
