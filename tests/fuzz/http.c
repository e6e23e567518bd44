/*
 * Fuzz target of preprocess/http.c: whatever a segment holds, the name is legal.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/http.c \
 *	    preprocess/{http,hostname}.c
 *	./http -max_len=2048
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HOST_NAME_SIZE] = "";
	size_t found = http_host(data, size, name);

	if (found != strlen(name) || found >= HOST_NAME_SIZE ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != found)
		abort();
	return 0;
}
