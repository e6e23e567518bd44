/*
 * hostname.c: the one door through which bytes of a packet become a name that is stored.
 */
#include "preprocess/hostname.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 253

enum { KEPT = 1, DOT = 2, CASE = 0x20 }; /* CASE is what makes a letter a small one */

/* What is allowed. Without ctype.h, whose tables depend on the locale and are asked for anew for each byte. */
static const uint8_t kinds[256] = {
	['a' ... 'z'] = KEPT,
	['A' ... 'Z'] = KEPT | CASE,
	['0' ... '9'] = KEPT,
	['-'] = KEPT,
	['_'] = KEPT,
	['.'] = DOT,
};

size_t hostname_keep(const uint8_t *text, size_t size, char out[HOST_NAME_SIZE])
{
	char kept[LONGEST];
	uint8_t before = DOT;
	bool good = true;

	if (size && text[size - 1] == '.')
		size--;
	if (!size || size > LONGEST)
		return 0;
	for (size_t i = 0; i < size; i++) {
		uint8_t kind = kinds[text[i]];

		good &= kind && !(kind & before & DOT);
		kept[i] = (char)(text[i] | (kind & CASE));
		before = kind;
	}
	if (!good || before == DOT)
		return 0;
	memcpy(out, kept, size);
	out[size] = 0;
	return size;
}
