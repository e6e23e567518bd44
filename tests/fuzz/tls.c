/*
 * Fuzz target of preprocess/tls.c and ja4.c: whatever stands in a stream, a name is legal, a
 * ClientHello lies inside of it, and its fingerprint has its shape.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/tls.c \
 *	    preprocess/{tls,ja4,hostname}.c -lnettle
 *	./tls -max_len=4096
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/ja4.h"
#include "preprocess/tls.h"

static void check(enum tls_found found, const struct client_hello *hello)
{
	char ja4[JA4_SIZE];
	size_t size = 0;

	if (found == TLS_NONE)
		return;
	size = strlen(hello->name);
	if (strspn(hello->name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != size)
		abort();
	if (found != TLS_HELLO)
		return;
	ja4_of(hello->body, hello->size, 't', ja4);
	if (ja4[0] && (strlen(ja4) != JA4_SIZE - 1 || ja4[10] != '_' || ja4[23] != '_'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_hello hello;

	check(tls_records(data, size, &hello), &hello);
	check(tls_handshake(data, size, &hello), &hello);
	return 0;
}
