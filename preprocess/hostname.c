/*
 * hostname.c: the one door through which bytes of a packet become a name that is stored.
 */
#include "preprocess/hostname.h"

#include <string.h>

#define LONGEST 253

/* Its loops have no way out, and work on bytes alone: the compiler makes them for 16 at once. */
size_t hostname_keep(const uint8_t *text, size_t size, char out[HOST_NAME_SIZE])
{
	uint8_t kept[LONGEST], bad = 0;

	if (size && text[size - 1] == '.')
		size--;
	if (!size || size > LONGEST || text[0] == '.' || text[size - 1] == '.')
		return 0;
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = text[i], small = byte | 0x20;
		uint8_t letter = (uint8_t)(small - 'a') < 26, digit = (uint8_t)(byte - '0') < 10;
		uint8_t mark = byte == '-' ? 1 : byte == '_' ? 1 : byte == '.' ? 1 : 0;
		uint8_t good = letter | digit | mark;

		bad |= good == 0;
		kept[i] = letter ? small : byte;
	}
	for (size_t i = 1; i < size; i++) {
		uint8_t other = (uint8_t)((kept[i - 1] ^ '.') | (kept[i] ^ '.'));

		bad |= other == 0; /* two dots */
	}
	if (bad)
		return 0;
	memcpy(out, kept, size);
	out[size] = 0;
	return size;
}
