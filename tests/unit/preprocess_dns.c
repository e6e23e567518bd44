/* dns.c: names asked for and addresses answered, from messages that are whole, cut and forged. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/dns.h"

#define HEAD(flags, answers) "\x12\x34" flags "\x00\x01\x00" answers "\x00\x00\x00\x00"
#define WWW                                                                                        \
	"\x03www\x07"                                                                              \
	"example\x03org\x00"
#define ASK	    WWW "\x00\x01\x00\x01"
#define AT_WWW	    "\xc0\x0c"
#define AT_ORG	    "\xc0\x10" /* example.org */
#define A	    "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04"
#define AAAA	    "\x00\x1c\x00\x01\x00\x00\x01\x2c\x00\x10"
#define CNAME(size) "\x00\x05\x00\x01\x00\x00\x00\x3c\x00" size
#define CDN                                                                                        \
	"\x03"                                                                                     \
	"CDN\x04test\x00" /* 10 bytes */
#define V6 "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"

static const struct {
	const char *what, *message;
	size_t size;
	const char *addresses; /* "" for none */
} answers[] = {
#define ANSWER(what, bytes, addresses)                                                             \
	{                                                                                          \
		what, bytes, sizeof(bytes) - 1, addresses                                          \
	}
	ANSWER("one address", HEAD("\x81\x80", "\x01") ASK AT_WWW A "\xc0\x00\x02\x01",
		"192.0.2.1"),
	ANSWER("two, and of both versions",
		HEAD("\x81\x80", "\x03") ASK AT_WWW A "\xc0\x00\x02\x01" AT_WWW A
						      "\xc0\x00\x02\x02" AT_WWW AAAA V6,
		"192.0.2.1 192.0.2.2 2001:db8::1"),
	ANSWER("an alias",
		HEAD("\x81\x80", "\x02") ASK AT_WWW CNAME("\x0a") CDN "\x03"
								      "cdn\x04TEST\x00" A
								      "\xc0\x00\x02\x03",
		"192.0.2.3"),
	ANSWER("a chain of aliases, out of order",
		HEAD("\x81\x80", "\x03") ASK AT_ORG A "\xc0\x00\x02\x04" CDN CNAME("\x02")
			AT_ORG AT_WWW CNAME("\x0a") CDN,
		"192.0.2.4"),
	ANSWER("aliases in a ring",
		HEAD("\x81\x80", "\x02") ASK AT_WWW CNAME("\x02") AT_ORG AT_ORG CNAME("\x02")
			AT_WWW,
		""),
	ANSWER("of another name", HEAD("\x81\x80", "\x01") ASK CDN A "\xc0\x00\x02\x01", ""),
	ANSWER("a query", HEAD("\x01\x00", "\x01") ASK AT_WWW A "\xc0\x00\x02\x01", ""),
	ANSWER("an error", HEAD("\x81\x83", "\x01") ASK AT_WWW A "\xc0\x00\x02\x01", ""),
	ANSWER("no address", HEAD("\x81\x80", "\x00") ASK, ""),
	ANSWER("of another class",
		HEAD("\x81\x80", "\x01") ASK AT_WWW
		"\x00\x01\x00\x03\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01",
		""),
	ANSWER("of another length",
		HEAD("\x81\x80", "\x01") ASK AT_WWW
		"\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x00\x02",
		""),
	ANSWER("a pointer to itself", HEAD("\x81\x80", "\x01") ASK "\xc0\x21" A "\xc0\x00\x02\x01",
		""),
	ANSWER("a pointer forward", HEAD("\x81\x80", "\x01") ASK "\xc0\x30" A "\xc0\x00\x02\x01",
		""),
	ANSWER("a name that is none of a host",
		"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
		"\x03"
		"a b\x00\x00\x01\x00\x01\xc0\x0c" A "\xc0\x00\x02\x01",
		""),
};
#define ANSWERS (sizeof(answers) / sizeof(*answers))

/* read(): of a copy of exactly SIZE bytes, so that a sanitizer sees a read behind them. */
static bool read_answer(const void *message, size_t size, struct dns_answer *answer)
{
	uint8_t *copy = malloc(size ? size : 1);
	bool found;

	memcpy(copy, message, size);
	found = dns_answer(copy, size, answer);
	free(copy);
	assert_int_equal(found, answer->count > 0);
	return found;
}

static const char *listed(const struct dns_answer *answer)
{
	static char text[DNS_ADDRESSES * 48];
	char *at = text;

	*at = 0;
	for (unsigned i = 0; i < answer->count; i++) {
		char one[INET6_ADDRSTRLEN];
		inet_ntop(answer->addresses[i].version == 4 ? AF_INET : AF_INET6,
			answer->addresses[i].bytes, one, sizeof(one));
		at += sprintf(at, "%s%s", i ? " " : "", one);
	}
	return text;
}

static void addresses_of_the_name_asked(void **state)
{
	struct dns_answer answer;

	for (size_t i = 0; i < ANSWERS; i++) {
		read_answer(answers[i].message, answers[i].size, &answer);
		if (strcmp(listed(&answer), answers[i].addresses))
			fail_msg("%s: \"%s\"", answers[i].what, listed(&answer));
		if (answer.count)
			assert_string_equal(answer.name, "www.example.org");
	}
}

static void times_to_live(void **state)
{
	struct dns_answer answer;

	assert_true(read_answer(answers[1].message, answers[1].size, &answer));
	assert_int_equal(answer.addresses[0].ttl_s, 60);
	assert_int_equal(answer.addresses[2].ttl_s, 300);
	assert_int_equal(answer.addresses[0].bytes[4], 0);
}

/* What is whole in a message that was cut off counts. */
static void a_cut_answer(void **state)
{
	struct dns_answer answer;

	for (size_t i = 0; i < ANSWERS; i++)
		for (size_t size = 0; size < answers[i].size; size++) {
			read_answer(answers[i].message, size, &answer);
			assert_memory_equal(answers[i].addresses, listed(&answer),
				strlen(listed(&answer)));
		}
}

static void changed_bytes_do_no_harm(void **state)
{
	struct dns_answer answer;
	char bytes[256];

	for (size_t i = 0; i < ANSWERS; i++)
		for (size_t at = 0; at < answers[i].size; at++)
			for (int value = 0; value < 256; value += 3) {
				memcpy(bytes, answers[i].message, answers[i].size);
				bytes[at] = (char)value;
				read_answer(bytes, answers[i].size, &answer);
				assert_true(answer.count <= 4);
			}
}

static void many_records_end(void **state)
{
	static const char record[] = AT_WWW A "\xc0\x00\x02\x01";
	static char message[65536] = HEAD("\x81\x80", "\x00") ASK;
	size_t size = 12 + sizeof(ASK) - 1;
	struct dns_answer answer;

	for (; size + sizeof(record) < sizeof(message); size += sizeof(record) - 1)
		memcpy(message + size, record, sizeof(record) - 1);
	message[6] = message[7] = '\xff';
	assert_true(read_answer(message, size, &answer));
	assert_int_equal(answer.count, DNS_ADDRESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_name_asked),
		cmocka_unit_test(times_to_live),
		cmocka_unit_test(a_cut_answer),
		cmocka_unit_test(changed_bytes_do_no_harm),
		cmocka_unit_test(many_records_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
