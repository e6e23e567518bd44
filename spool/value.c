/* value.c: what a command line says in figures, for all executables. */
#include "spool/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits up to *END; 0 is never allowed. */
static bool digits(const char *text, uint64_t *value, char **end)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 10);
	return !errno && *value;
}

bool value_count(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	return digits(text, value, &end) && !*end && *value <= max;
}

bool value_size(const char *text, uint64_t max, uint64_t *value)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	unsigned shift = 0;

	if (!digits(text, value, &end))
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*end || *value > max >> shift)
		return false;
	*value <<= shift;
	return true;
}

bool value_seconds(const char *text, double min, double max, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && isfinite(*value) && *value >= min && *value <= max;
}
