/* preprocess_fast.c: which fast list decides. */
#include "tests/unit/tmp.h"

#include <arpa/inet.h>

#include "preprocess/fast.h"
#include "preprocess/flowtab.h"

static const char text[] =
	"fast = (\n"
	"  { name = \"resolver\"; class = \"DNS\"; verdict = \"acceptable\"; prefixes = [ "
	"\"10.0.0.53\", \"2001:db8::/64\" ];\n"
	"    ports = [ \"udp/53\", \"tcp/53\" ]; },\n"
	"  { name = \"backup\"; class = \"CLOUD\"; verdict = \"acceptable\"; prefixes = [ "
	"\"192.0.2.0/24\" ]; },\n"
	"  { name = \"games\"; class = \"GAMES\"; verdict = \"review\"; ports = [ \"5000-5010\" ]; "
	"},\n"
	"  { name = \"signalling\"; class = \"VOIP\"; verdict = \"acceptable\"; ports = [ "
	"\"sctp/2905\" ]; } );\n"
	"classes = ( { name = \"c\"; class = \"WEB\"; verdict = \"review\"; when = \"1\"; } );\n";

static struct policy policy;
static struct fast *fast;

static int open_fast(void **state)
{
	if (tmp_setup(state) < 0 || policy_load(&policy, tmp_write("policy.conf", text)) != 0)
		return -1;
	fast = fast_new(&policy);
	return 0;
}

static int close_fast(void **state)
{
	fast_free(fast);
	policy_free(&policy);
	return tmp_teardown(state);
}

static int match(uint8_t proto, const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	int family = strchr(src, ':') ? AF_INET6 : AF_INET;
	struct flowkey key = {.sport = sport,
		.dport = dport,
		.proto = proto,
		.version = family == AF_INET ? 4 : 6};
	uint16_t list;

	assert_int_equal(inet_pton(family, src, key.src), 1);
	assert_int_equal(inet_pton(family, dst, key.dst), 1);
	list = fast_match(fast, &key);
	return list == FLOWTAB_NO_FAST ? -1 : list;
}

static void address_and_port(void **state)
{
	assert_int_equal(match(17, "10.1.1.1", 40000, "10.0.0.53", 53), 0);
	assert_int_equal(match(17, "10.0.0.53", 53, "10.1.1.1", 40000), 0);
	assert_int_equal(match(6, "10.1.1.1", 40000, "10.0.0.53", 53), 0);
	assert_int_equal(match(17, "10.1.1.1", 40000, "10.0.0.53", 54), -1);
	assert_int_equal(match(17, "10.1.1.1", 40000, "10.0.0.54", 53), -1);
	assert_int_equal(match(132, "10.1.1.1", 40000, "10.0.0.53", 53), -1);
	assert_int_equal(match(17, "2001:db8::7", 40000, "2001:db8:1::7", 53), 0);
	assert_int_equal(match(17, "2001:db8:0:1::7", 40000, "2001:db8:1::7", 53), -1);
}

static void address_alone(void **state)
{
	assert_int_equal(match(1, "10.1.1.1", 0, "192.0.2.9", 0), 1);
	assert_int_equal(match(17, "192.0.2.1", 53, "10.0.0.53", 53), 0); /* the first list wins */
}

static void ports_alone(void **state)
{
	assert_int_equal(match(17, "10.1.1.1", 5000, "10.1.1.2", 9), 2);
	assert_int_equal(match(6, "10.1.1.1", 9, "10.1.1.2", 5010), 2);
	assert_int_equal(match(6, "10.1.1.1", 9, "10.1.1.2", 5011), -1);
	assert_int_equal(match(132, "10.1.1.1", 9, "10.1.1.2", 5005),
		-1); /* no transport: TCP and UDP */
	assert_int_equal(match(132, "10.1.1.1", 9, "10.1.1.2", 2905), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_and_port),
		cmocka_unit_test(address_alone),
		cmocka_unit_test(ports_alone),
	};

	return cmocka_run_group_tests(tests, open_fast, close_fast);
}
