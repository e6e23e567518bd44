/* attributes.c: the texts of tunnels and their endpoints; that of VLANs: preprocess_meter.c. */
#include "tests/unit/tmp.h"

#include "preprocess/attributes.h"
#include "spool/intern.h"

/* A packet that GRE and PPPoE carry, the former between 10.0.0.0 and a host of 16 bits. */
static struct packet in_tunnels(unsigned host)
{
	struct packet packet = {.tunnel_count = 2,
		.tunnels = {TUNNEL_PPPOE, TUNNEL_GRE},
		.endpoint_count = 1,
		.endpoints = {{.addresses = {{10}, {10, 1}}, .version = 4}}};

	packet.endpoints[0].addresses[1][2] = (uint8_t)(host >> 8);
	packet.endpoints[0].addresses[1][3] = (uint8_t)host;
	return packet;
}

static const char *text_of(struct attributes *attributes, const struct packet *packet)
{
	return intern_text(attributes_tunnels(attributes, packet));
}

static void tunnels_of_a_packet(void **state)
{
	static struct attributes attributes;
	struct packet packet = in_tunnels(0x0203);

	for (int again = 0; again < 2; again++)
		assert_string_equal(text_of(&attributes, &packet), "gre+pppoe 10.0.0.0-10.1.2.3");
	packet.tunnel_count = packet.endpoint_count = 2;
	packet.tunnels[1] = TUNNEL_6IN4;
	packet.endpoints[1] =
		(struct endpoints){.addresses = {{[15] = 1}, {0xfe, 0x80}}, .version = 6};
	assert_string_equal(text_of(&attributes, &packet),
		"6in4+pppoe ::1-fe80::+10.0.0.0-10.1.2.3");
	packet.endpoint_count = 0;
	assert_string_equal(text_of(&attributes, &packet), "6in4+pppoe");
	packet.tunnel_count = 0;
	assert_int_equal(attributes_tunnels(&attributes, &packet), 0);
}

/* With a batch its texts are forgotten, and their ids are given to others. */
static void tunnels_are_of_one_batch(void **state)
{
	static struct attributes attributes;
	uint32_t texts = intern_count();
	struct packet packet = in_tunnels(0xfffe);

	for (unsigned batch = 0; batch < 2; batch++) {
		intern_forget(texts);
		attributes_begin(&attributes);
		intern(batch ? "later" : "");
		assert_string_equal(text_of(&attributes, &packet),
			"gre+pppoe 10.0.0.0-10.1.255.254");
	}
}

static void names_and_endpoints_part(void **state)
{
	uint32_t names, endpoints,
		all = intern_union(intern("gre 10.0.0.1-10.0.0.2"),
			intern_union(intern("pppoe"),
				intern("gre+6in4 ::1-::2+10.0.0.1-10.0.0.3")));

	attributes_split(all, &names, &endpoints);
	assert_string_equal(intern_text(names), "gre,gre+6in4,pppoe");
	assert_string_equal(intern_text(endpoints), "10.0.0.1-10.0.0.2,::1-::2+10.0.0.1-10.0.0.3");
	attributes_split(0, &names, &endpoints);
	assert_int_equal(names | endpoints, 0);
	attributes_split(intern("pppoe"), &names, &endpoints);
	assert_string_equal(intern_text(names), "pppoe");
	assert_int_equal(endpoints, 0);
}

/* A forger's: texts stop, and what is left out is told. The same packets give the same again. */
static void more_tunnels_than_are_kept(void **state)
{
	static struct attributes attributes;
	uint32_t texts = intern_count();
	struct packet first = in_tunnels(0);

	first.tunnels[0] = TUNNEL_IPIP;
	for (unsigned round = 0; round < 2; round++) {
		attributes_begin(&attributes);
		for (unsigned i = 0; i < ATTRIBUTES_TEXTS + 1000; i++) {
			struct packet packet = in_tunnels(i % 65536);

			packet.tunnels[0] = i < 65536 ? TUNNEL_IPIP : TUNNEL_6IN4;
			attributes_tunnels(&attributes, &packet);
		}
		assert_int_equal(attributes.left_out, 1000);
		assert_string_equal(text_of(&attributes, &first), "gre+ipip " INTERN_MORE);
		assert_int_equal(intern_count() - texts, ATTRIBUTES_TEXTS + 2);
		intern_forget(texts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels_of_a_packet),
		cmocka_unit_test(tunnels_are_of_one_batch),
		cmocka_unit_test(names_and_endpoints_part),
		cmocka_unit_test(more_tunnels_than_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
