/*
 * hostname.c: the one door through which bytes of a packet become a name that is stored.
 */
#include "preprocess/hostname.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 253

/* In lower case; 0 when it is not allowed. Without ctype.h, whose tables depend on the locale and are
 * asked for anew for each byte. */
static char keep(uint8_t byte)
{
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
		byte == '_')
		return (char)byte;
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : 0;
}

size_t hostname_keep(const uint8_t *text, size_t size, char out[HOST_NAME_SIZE])
{
	char kept[LONGEST];

	if (size && text[size - 1] == '.')
		size--;
	if (!size || size > LONGEST || text[0] == '.')
		return 0;
	for (size_t i = 0; i < size; i++) {
		bool dot = text[i] == '.' && i + 1 < size && text[i - 1] != '.';
		kept[i] = dot ? '.' : keep(text[i]);
		if (!kept[i])
			return 0;
	}
	memcpy(out, kept, size);
	out[size] = 0;
	return size;
}
