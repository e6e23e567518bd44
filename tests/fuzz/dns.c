/*
 * Fuzz target of preprocess/dns.c: whatever a message holds, names are legal and addresses few.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. … tests/fuzz/dns.c \
 *	    preprocess/{dns,hostname}.c
 *	./dns -max_len=2048
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/dns.h"

static void check(const char *name, size_t size)
{
	if (strlen(name) != size || size >= HOST_NAME_SIZE ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HOST_NAME_SIZE] = "";
	struct dns_answer answer;
	size_t found = dns_question(data, size, name);

	check(name, found);
	if (!dns_answer(data, size, &answer))
		return 0;
	check(answer.name, found);
	if (!answer.count || answer.count > DNS_ADDRESSES)
		abort();
	for (unsigned i = 0; i < answer.count; i++)
		if (answer.addresses[i].version != 4 && answer.addresses[i].version != 6)
			abort();
	return 0;
}
