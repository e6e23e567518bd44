/* policy.c: fast lists and classes are read, mistakes are named by file and line. */
#include "tests/unit/tmp.h"

#include "spool/log.h"
#include "spool/policy.h"

#define CLASS "{ name = \"other\"; class = \"UNKNOWN\"; verdict = \"review\"; when = \"1\"; }"

static struct policy policy;

static void lists_and_classes_are_read(void **state)
{
	const char *path = tmp_write("p.conf",
		"fast = ( { name = \"campus_dns\"; class = \"DNS\"; verdict = \"acceptable\"; say "
		"= \"Own name servers.\";\n"
		"           prefixes = [ \"10.1.2.3/32\" ]; ports = [ \"udp/53\", \"tcp/53-54\", "
		"\"sctp/2905\", \"8080\" ]; } );\n"
		"classes = (\n"
		"  { name = \"bittorrent\"; class = \"P2P\"; verdict = \"unacceptable\";\n"
		"    when = \"bittorrent > 0\"; },\n" CLASS ");\n");

	assert_int_equal(policy_load(&policy, path), MIRA_OK);
	assert_string_equal(policy.file, path);
	assert_int_equal(policy.fast_count, 1);
	assert_string_equal(policy.fast[0].name, "campus_dns");
	assert_string_equal(policy.fast[0].class, "DNS");
	assert_string_equal(policy.fast[0].verdict, "acceptable");
	assert_string_equal(policy.fast[0].say, "Own name servers.");
	assert_int_equal(policy.fast[0].line, 1);
	assert_int_equal(policy.fast[0].prefix_count, 1);
	assert_int_equal(policy.fast[0].port_count, 4);
	assert_int_equal(policy.fast[0].ports[0].proto, 17);
	assert_int_equal(policy.fast[0].ports[1].proto, 6);
	assert_int_equal(policy.fast[0].ports[1].last, 54);
	assert_int_equal(policy.fast[0].ports[2].proto, 132);
	assert_int_equal(policy.fast[0].ports[3].proto, 0);
	assert_int_equal(policy.fast[0].ports[3].first, 8080);
	assert_int_equal(policy.fast[0].ports[3].last, 8080);
	assert_int_equal(policy.class_count, 2);
	assert_string_equal(policy.classes[0].when, "bittorrent > 0");
	assert_string_equal(policy.classes[0].say, "");
	assert_int_equal(policy.classes[0].line, 5);
	assert_int_equal(policy.classes[1].line, 6);
	policy_free(&policy);
	assert_null(policy.classes);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "there are no classes"},
		{"classes = ( );", "there are no classes"},
		{"class = ( );",
			"p.conf:1: \\\"class\\\" is no setting; allowed here: version, fast, classes"},
		{"classes = (\n{ name = \"a\"; klass = \"X\"; } );",
			"p.conf:2: \\\"klass\\\" is no setting; allowed here: "
			"name, class, verdict, say, when"},
		{"classes = ( { name = \"a\"; class = \"X\"; verdict = \"review\"; } );",
			"\\\"when\\\" is missing"},
		{"classes = ( { name = \"A\"; class = \"X\"; verdict = \"review\"; when = \"1\"; } "
		 ");",
			"name \\\"A\\\" is not legal"},
		{"classes = ( { name = \"1a\"; class = \"X\"; verdict = \"review\"; when = \"1\"; "
		 "} );",
			"is not legal; allowed: a-z"},
		{"classes = ( { name = \"\"; class = \"X\"; verdict = \"review\"; when = \"1\"; } "
		 ");",
			"name \\\"\\\" is not legal"},
		{"classes = ( { name = \"a\"; class = \"Web\"; verdict = \"review\"; when = \"1\"; "
		 "} );",
			"class \\\"Web\\\" is not"},
		{"classes = ( { name = \"a\"; class = \"X\";\n verdict = \"maybe\"; when = \"1\"; "
		 "} );",
			"p.conf:2: verdict \\\"maybe\\\" is not legal; allowed: acceptable, "
			"unacceptable, review"},
		{"classes = ( " CLASS ",\n" CLASS " );",
			"p.conf:1: name \\\"other\\\" stands twice"},
		{"classes = ( " CLASS
		 " );\nfast = ( { name = \"other\"; class = \"X\"; verdict = \"review\"; "
		 "ports = [ \"1\" ]; } );",
			"name \\\"other\\\" stands twice"},
		{"fast = ( { name = \"f\"; class = \"X\"; verdict = \"review\"; } );",
			"would match every packet"},
		{"fast = ( { name = \"f\"; class = \"X\"; verdict = \"review\"; prefixes = [ "
		 "\"10.1.1.1/8\" ]; } );",
			"is no prefix"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *path = tmp_write("p.conf", rows[i].text);
		int result;

		tmp_log_begin();
		result = policy_load(&policy, path);
		assert_says(tmp_log_end(), rows[i].says);
		assert_int_equal(result, MIRA_PERSON);
		assert_null(policy.classes);
	}
}

static void illegal_ports(void **state)
{
	static const char *const wrong[] = {"", "tcp", "tcp/", "icmp/1", "65536",
		"udp/99999999999999999999", "5-", "5-4", "-5", "tcp/80 ", "80/tcp", "http"};
	char text[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text),
			"fast = ( { name = \"f\"; class = \"X\"; verdict = \"review\";\n"
			"ports = [ \"%s\" ]; } );",
			wrong[i]);
		tmp_write("p.conf", text);
		tmp_log_begin();
		assert_int_equal(policy_load(&policy, tmp_path("p.conf")), MIRA_PERSON);
		snprintf(text, sizeof(text), "p.conf:2: \\\"%s\\\" is no port", wrong[i]);
		assert_says(tmp_log_end(), text);
	}
}

static void a_missing_file_is_named(void **state)
{
	tmp_log_begin();
	assert_int_equal(policy_load(&policy, tmp_path("none")), MIRA_PERSON);
	assert_says(tmp_log_end(), "none: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_classes_are_read),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(illegal_ports),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
