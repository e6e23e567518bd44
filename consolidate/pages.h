/*
 * pages.h: memory for large tables that are looked at in no order, zeroed.
 *
 * In huge pages, where the kernel has some (madvise(2)): of a table of a gigabyte nearly every look misses what the processor
 * remembers of small pages' places, and each small page is a fault when it is first touched. Measured, 5 million keys: 0.75 of
 * the time outside the kernel, 0.95 to 1.02 of all.
 */
#ifndef CONSOLIDATE_PAGES_H
#define CONSOLIDATE_PAGES_H

#include <stddef.h>

/* pages_new(): SIZE bytes, or the end of the process as x_calloc(). */
void *pages_new(size_t size);
/* pages_free(): of the same SIZE; NULL is nothing. */
void pages_free(void *memory, size_t size);

#endif
