/*
 * Fuzz target of capture/headers.c: whatever a packet holds, no more of it is kept than there is.
 * The first two bytes are the link type.
 */
#include <stdlib.h>

#include "capture/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t linktype = size < 2 ? 0 : (uint32_t)(data[0] << 8 | data[1]);

	if (size >= 2 && headers_end(linktype, data + 2, (uint32_t)size - 2) > size - 2)
		abort();
	return 0;
}
