/* filter.c: one expression over the link types of one trace. */
#include "tests/unit/tmp.h"

#include "capture/filter.h"
#include "spool/linktype.h"

#define NFLOG 239

/* 10.0.0.1 to 10.0.0.2, UDP, port 53 both ways. */
static const uint8_t ip[] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0,
	53, 0, 53, 0, 8, 0, 0};

static bool passes(struct filter *filter, uint32_t linktype)
{
	uint8_t frame[14 + sizeof(ip)] = {[12] = 8};
	size_t head = linktype == LINKTYPE_EN10MB ? 14 : 0;
	struct packet packet = {.linktype = linktype,
		.data = frame,
		.caplen = (uint32_t)(head + sizeof(ip))};

	memcpy(frame + head, ip, sizeof(ip));
	packet.origlen = packet.caplen;
	return filter_passes(filter, &packet);
}

static void empty_takes_all(void **state)
{
	struct filter *filter = filter_new("all", "");

	assert_non_null(filter);
	assert_true(passes(filter, LINKTYPE_EN10MB));
	assert_true(passes(filter, 9999));
	filter_free(filter);
}

static void one_expression_several_link_types(void **state)
{
	struct filter *dns = filter_new("dns", "udp port 53"),
		      *web = filter_new("web", "tcp port 80");

	for (int round = 0; round < 3; round++) {
		assert_true(passes(dns, LINKTYPE_EN10MB));
		assert_true(passes(dns, 101));
		assert_true(passes(dns, 12));
		assert_true(passes(dns, 14));
		assert_false(passes(web, LINKTYPE_EN10MB));
		assert_false(passes(web, 101));
	}
	filter_free(dns);
	filter_free(web);
}

static void makes_no_sense_for_a_link_type_matches_nothing_there(void **state)
{
	struct filter *filter;
	const char *log;

	tmp_log_begin();
	filter = filter_new("mac", "ether host 00:11:22:33:44:55 or udp");
	assert_non_null(filter);
	assert_true(passes(filter, LINKTYPE_EN10MB));
	assert_false(passes(filter, 101));
	assert_false(passes(filter, 101));
	log = tmp_log_end();
	assert_says(log, "matches nothing of link type 101");
	assert_null(strstr(strstr(log, "matches nothing") + 1, "matches nothing"));
	filter_free(filter);
}

static void nonsense_is_refused_with_a_reason(void **state)
{
	tmp_log_begin();
	assert_null(filter_new("web", "tcp prot 80"));
	assert_says(tmp_log_end(), "filter of stream web");
}

static void every_link_type_compiles(void **state)
{
	struct filter *filter = filter_new("ip", "ip host 10.0.0.1");
	const struct linktype *type;

	for (size_t i = 0; (type = linktype_at(i)); i++) {
		const char *log;

		tmp_log_begin();
		passes(filter, type->number);
		log = tmp_log_end();
		if (type->number == NFLOG)
			assert_says(log, "not implemented"); /* by libpcap */
		else
			assert_string_equal(log, "");
		assert_ptr_equal(linktype_find(type->number), type);
	}
	assert_null(linktype_find(147));
	assert_int_equal(linktype_from_dlt(12)->number, 101);
	assert_int_equal(linktype_from_dlt(1)->number, LINKTYPE_EN10MB);
	filter_free(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_takes_all),
		cmocka_unit_test(one_expression_several_link_types),
		cmocka_unit_test(makes_no_sense_for_a_link_type_matches_nothing_there),
		cmocka_unit_test(nonsense_is_refused_with_a_reason),
		cmocka_unit_test(every_link_type_compiles),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
