/*
 * hostname.c: the one door through which bytes of a packet become a name that is stored.
 */
#include "preprocess/hostname.h"

#include <ctype.h>
#include <stdbool.h>

#define LONGEST 253

static bool legal(uint8_t byte)
{
	return byte < 0x80 && (isalnum(byte) || byte == '-' || byte == '_');
}

size_t hostname_keep(const uint8_t *text, size_t size, char out[HOST_NAME_SIZE])
{
	if (size && text[size - 1] == '.')
		size--;
	if (!size || size > LONGEST || text[0] == '.')
		return 0;
	for (size_t i = 0; i < size; i++) {
		bool dot = text[i] == '.' && i + 1 < size && text[i - 1] != '.';
		if (!dot && !legal(text[i]))
			return 0;
	}
	for (size_t i = 0; i < size; i++)
		out[i] = (char)tolower(text[i]);
	out[size] = 0;
	return size;
}
