/*
 * value.h: numbers as people write them on a command line. False: the text is not one, or lies
 * outside what is allowed.
 */
#ifndef SPOOL_VALUE_H
#define SPOOL_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* value_count(): 1 … MAX, digits only. */
bool value_count(const char *text, uint64_t max, uint64_t *value);
/* value_size(): the same; k, M or G (powers of 1024) may follow. */
bool value_size(const char *text, uint64_t max, uint64_t *value);
/* value_seconds(): MIN … MAX, a decimal fraction may follow. */
bool value_seconds(const char *text, double min, double max, double *value);

#endif
