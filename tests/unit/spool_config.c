/* config.c and conf.c: every setting is read, every mistake is named by file, line and what is
 * allowed. */
#include "tests/unit/tmp.h"

#include "spool/config.h"
#include "spool/log.h"
#include "spool/nfs.h"

static struct config config;

static void the_defaults(void **state)
{
	assert_int_equal(config_load(&config, ""), MIRA_OK);
	assert_string_equal(config.file, "");
	assert_int_equal(config.segment_bytes, 67108864);
	assert_true(config.period_s == 5);
	assert_int_equal(config.stream_count, 1);
	assert_string_equal(config.streams[0].name, "all");
	assert_string_equal(config.streams[0].filter, "");
	assert_int_equal(config.streams[0].snaplen, 262144);
	assert_string_equal(config.policy, MIRA_ETC "/policy.conf");
	assert_string_equal(config.symptoms, MIRA_ETC "/symptoms.d");
	assert_string_equal(config.store, "");
	assert_string_equal(config.user, "nobody");
	assert_true(config.probe[0] != '\0');
	config_free(&config);
	assert_null(config.streams);
}

static const char all_settings[] =
	"# all of them\n"
	"network = \"Campus\"; probe = \"p.1\"; user = \"mira\";\n"
	"streams = ( { name = \"web\"; filter = \"tcp port 80\"; snaplen = 96; }, { name = "
	"\"rest\"; headers = true; } );\n"
	"segment_bytes = 8589934592; /* beyond 32 bits, and no 12345678901 in a comment "
	"*/\n"
	"period_s = 2.5; batch_segments = 4; snaplen = 1500; ring_bytes = 2000000000;\n"
	"sampling = 0.5; window_s = 60; lateness_s = 0; max_delay_s = 90; shards = 1; "
	"max_batches = 0x10;\n"
	"min_free = 0; max_skew_s = 5; max_flows = 2000; bad_days = 7;\n"
	"bad_batches = 9; top_hosts = 3; host_names = \"withhold\";\n"
	"policy = \"other.conf\"; symptoms = \"/abs/sym\"; store = \"db/mira.db\";\n"
	"aggregates = ( { name = \"campus 12345678901\"; prefixes = [ \"10.0.0.0/8\", "
	"\"2001:db8::/32\" ]; },\n"
	"               { name = \"lab\"; vlans = ( 0, 4095 ); } );\n"
	"privacy = { level = \"group\"; rotate = \"year\"; names = \"withhold\"; key = "
	"\"k\";\n"
	"  group_min = 5; domains = [ \"a.org\", \"b.org\" ]; keep_biflows_days = 1;\n"
	"  keep_addresses_days = 2; keep_hosts_days = 2; keep_totals_days = 36500; };\n";

static void privacy_is_read(const struct config_privacy *privacy)
{
	assert_int_equal(privacy->level, PRIVACY_GROUP);
	assert_int_equal(privacy->rotate, ROTATE_YEAR);
	assert_int_equal(privacy->names, PRIVACY_NAMES_WITHHOLD);
	assert_int_equal(privacy->group_min, 5);
	assert_string_equal(privacy->key, tmp_path("k"));
	assert_int_equal(privacy->domain_count, 2);
	assert_string_equal(privacy->domains[1], "b.org");
	assert_int_equal(privacy->keep_biflows_days, 1);
	assert_int_equal(privacy->keep_addresses_days, 2);
	assert_int_equal(privacy->keep_hosts_days, 2);
	assert_int_equal(privacy->keep_totals_days, 36500);
}

static void every_setting_is_read(void **state)
{
	const char *path = tmp_write("m.conf", all_settings);

	assert_int_equal(config_load(&config, path), MIRA_OK);
	assert_string_equal(config.file, path);
	assert_string_equal(config.network, "Campus");
	assert_string_equal(config.probe, "p.1");
	assert_string_equal(config.user, "mira");
	assert_int_equal(config.stream_count, 2);
	assert_string_equal(config.streams[0].filter, "tcp port 80");
	assert_int_equal(config.streams[0].snaplen, 96);
	assert_string_equal(config.streams[1].filter, "");
	assert_int_equal(config.streams[1].snaplen, 1500);
	assert_true(!config.streams[0].headers && config.streams[1].headers);
	assert_int_equal(config.segment_bytes, 8589934592ull);
	assert_true(config.period_s == 2.5 && config.sampling == 0.5 && config.min_free == 0);
	assert_int_equal(config.batch_segments, 4);
	assert_int_equal(config.snaplen, 1500);
	assert_int_equal(config.ring_bytes, 2000000000);
	assert_int_equal(config.window_s, 60);
	assert_int_equal(config.lateness_s, 0);
	assert_int_equal(config.max_delay_s, 90);
	assert_int_equal(config.shards, 1);
	assert_int_equal(config.max_batches, 16);
	assert_int_equal(config.max_skew_s, 5);
	assert_int_equal(config.max_flows, 2000);
	assert_int_equal(config.bad_days, 7);
	assert_int_equal(config.bad_batches, 9);
	assert_true(config.withhold_names);
	assert_int_equal(config.top_hosts, 3);
	assert_string_equal(config.policy, tmp_path("other.conf"));
	assert_string_equal(config.symptoms, "/abs/sym");
	assert_string_equal(config.store, tmp_path("db/mira.db"));
	assert_int_equal(config.aggregate_count, 2);
	assert_string_equal(config.aggregates[0].name, "campus 12345678901");
	assert_int_equal(config.aggregates[0].prefix_count, 2);
	assert_int_equal(config.aggregates[0].prefixes[1].version, 6);
	assert_int_equal(config.aggregates[1].vlan_count, 2);
	assert_int_equal(config.aggregates[1].vlans[1], 4095);
	privacy_is_read(&config.privacy);
	config_free(&config);
}

/* Uncomments the settings of etc/mira.conf; prose begins with "#", one blank and a word. */
static void uncomment(FILE *from, FILE *to)
{
	char line[256];

	while (fgets(line, sizeof(line), from))
		fputs(line + (line[0] == '#' && (line[1] != ' ' || line[2] == ' ')), to);
}

/* The sample shows each setting with its default; "probe" and "aggregates" have examples. */
static void the_sample_shows_the_defaults(void **state)
{
	FILE *from = fopen("etc/mira.conf", "r"), *to = fopen(tmp_path("sample.conf"), "w");
	struct config defaults;

	assert_non_null(from);
	uncomment(from, to);
	fclose(from);
	fclose(to);
	assert_int_equal(config_load(&defaults, ""), MIRA_OK);
	assert_int_equal(config_load(&config, tmp_path("sample.conf")), MIRA_OK);
	assert_string_equal(config.probe, "probe1");
	assert_int_equal(config.aggregate_count, 3);
	assert_string_equal(config.network, defaults.network);
	assert_string_equal(config.user, defaults.user);
	assert_string_equal(config.store, defaults.store);
	assert_int_equal(config.stream_count, 1);
	assert_string_equal(config.streams[0].name, defaults.streams[0].name);
	assert_string_equal(config.policy, tmp_path("policy.conf"));
	assert_string_equal(config.symptoms, tmp_path("symptoms.d"));
	assert_true(config.segment_bytes == defaults.segment_bytes);
	assert_true(config.period_s == defaults.period_s && config.sampling == defaults.sampling);
	assert_true(config.min_free == defaults.min_free);
	assert_int_equal(config.batch_segments, defaults.batch_segments);
	assert_int_equal(config.snaplen, defaults.snaplen);
	assert_int_equal(config.ring_bytes, defaults.ring_bytes);
	assert_int_equal(config.window_s, defaults.window_s);
	assert_int_equal(config.lateness_s, defaults.lateness_s);
	assert_int_equal(config.max_delay_s, defaults.max_delay_s);
	assert_int_equal(config.shards, defaults.shards);
	assert_int_equal(config.max_batches, defaults.max_batches);
	assert_int_equal(config.max_skew_s, defaults.max_skew_s);
	assert_int_equal(config.max_flows, defaults.max_flows);
	assert_int_equal(config.bad_days, defaults.bad_days);
	assert_int_equal(config.bad_batches, defaults.bad_batches);
	assert_string_equal(config.host_names, defaults.host_names);
	assert_false(config.withhold_names);
	assert_int_equal(config.top_hosts, defaults.top_hosts);
	assert_memory_equal(&config.privacy, &defaults.privacy,
		offsetof(struct config_privacy, key) + 1);
	assert_int_equal(config.privacy.domain_count, 0);
	assert_memory_equal(&config.privacy.keep_biflows_days, &defaults.privacy.keep_biflows_days,
		4 * sizeof(uint32_t));
	config_free(&config);
	config_free(&defaults);
}

/* Each setting that the program knows stands in the sample and in the manual page. */
static void every_setting_is_explained(void **state)
{
	char names[2048], wanted[128], *name, *rest, *end, *sample, *page;
	const char *said;

	tmp_write("m.conf", "x = 1;");
	tmp_log_begin();
	assert_int_equal(config_load(&config, tmp_path("m.conf")), MIRA_PERSON);
	said = strstr(tmp_log_end(), "allowed here: ");
	assert_non_null(said);
	snprintf(names, sizeof(names), "%s", said + strlen("allowed here: "));
	end = strchr(names, '"');
	assert_non_null(end);
	*end = '\0';
	sample = nfs_read_file("etc/mira.conf", NULL);
	page = nfs_read_file("spool/mira.conf.5", NULL);
	for (name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
		snprintf(wanted, sizeof(wanted), "\n#%s = ", name);
		assert_says(sample, wanted);
		snprintf(wanted, sizeof(wanted), "\n.It Ic %s No = ", name);
		assert_says(page, wanted);
	}
	free(sample);
	free(page);
}

static const struct {
	const char *text, *says;
} mistakes[] = {
	{"\nwindw_s = 5;",
		"m.conf:2: \\\"windw_s\\\" is no setting; allowed here: network, probe, "},
	{"window_s 5;", "m.conf:1: syntax error"},
	{"host_names = \"no\";",
		"m.conf:1: \\\"host_names\\\" is \\\"keep\\\" or \\\"withhold\\\""},
	{"window_s = 0;", "m.conf:1: \\\"window_s\\\" must be a whole number from 1 to 86400"},
	{"window_s = 86401;", "from 1 to 86400"},
	{"window_s = -5;", "from 1 to 86400"},
	{"window_s = 1.5;", "from 1 to 86400"},
	{"window_s = \"5\";", "from 1 to 86400"},
	{"window_s = 4294967356;", "from 1 to 86400"}, /* 60 modulo 2^32 */
	{"window_s = 0x10000003C;", "from 1 to 86400"},
	{"window_s = 99999999999999999999;", "from 1 to 86400"},
	{"window_s = 60; window_s = 61;", "m.conf:1: duplicate setting name"},
	{"segment_bytes = 17179869185;", "from 4096 to 17179869184"},
	{"period_s = 0.0;", "\\\"period_s\\\" must be a number from 0.001 to 86400"},
	{"period_s = \"5\";", "from 0.001 to 86400"},
	{"period_s = true;", "from 0.001 to 86400"},
	{"sampling = 1.01;", "from 1e-06 to 1"},
	{"probe = \"a-b\";", "m.conf:1: \\\"probe\\\" is 1 to 48 letters"},
	{"probe = 5;", "\\\"probe\\\" must be a text in double quotes"},
	{"user = \"\";", "\\\"user\\\" must name a user"},
	{"streams = ( );", "needs at least one stream"},
	{"streams = \"x\";", "\\\"streams\\\" must be a list"},
	{"streams = ( \"x\" );", "\\\"streams\\\" is a list of groups"},
	{"streams = ( {\nfilter = \"\"; } );", "\\\"name\\\" is missing in this group"},
	{"streams = ( { name = \"a\"; },\n { name = \"a\"; } );",
		"m.conf:2: stream \\\"a\\\" stands twice"},
	{"streams = ( { name = \"a/b\"; } );", "stream \\\"a/b\\\": a name is"},
	{"streams = ( { name = \"a\"; snaplen = 1; } );",
		"\\\"snaplen\\\" must be a whole number from 64 to 262144"},
	{"streams = ( { name = \"a\";\n filtr = \"x\"; } );",
		"m.conf:2: \\\"filtr\\\" is no setting; allowed here: "
		"name, filter, snaplen, headers"},
	{"streams = ( { name = \"a\"; headers = 1; } );", "\\\"headers\\\" must be true or false"},
	{"aggregates = ( { name = \"a\"; prefixes = [ \"10.0.0.1/8\" ]; } );",
		"\\\"10.0.0.1/8\\\" is no prefix"},
	{"aggregates = ( { name = \"a\"; prefixes = [ 10 ]; } );",
		"\\\"prefixes\\\" is a list of texts"},
	{"aggregates = ( { name = \"a\"; vlans = [ 4096 ]; } );",
		"\\\"vlans\\\" is a list of whole numbers from 0 to 4095"},
	{"aggregates = ( { name = \"a\"; vlans = [ \"1\" ]; } );",
		"\\\"vlans\\\" is a list of whole numbers"},
	{"aggregates = ( { name = \"a\"; } );", "has neither prefixes nor vlans"},
	{"aggregates = ( { name = \"a,b\"; vlans = [ 1 ]; } );", "is empty or has a comma"},
	{"aggregates = ( { name = \"a\"; vlans = [ 1 ]; }, { name = \"a\"; vlans = [ 2 ]; "
	 "} );",
		"stands twice"},
	{"privacy = \"address\";", "m.conf:1: \\\"privacy\\\" must be a group: { "},
	{"privacy = {\nlevel = \"adress\"; };",
		"m.conf:2: \\\"level\\\" is \\\"group\\\", \\\"pseudonym\\\" or \\\"address\\\""},
	{"privacy = { names = \"all\"; };",
		"\\\"names\\\" is \\\"withhold\\\" or \\\"services\\\""},
	{"privacy = { group_min = 1; };", "\\\"group_min\\\" must be a whole number from 2 to"},
	{"privacy = { domains = [ \"a.org\", \".b\" ]; };", "domain \\\".b\\\" is not of the form"},
	{"privacy = { keep_biflows_days = 91; };",
		"\\\"keep_biflows_days\\\" (91) is longer than \\\"keep_addresses_days\\\" (90)"},
	{"privacy = { keep_hosts_days = 0; keep_totals_days = 400; };",
		"\\\"keep_hosts_days\\\" (0) is longer than \\\"keep_totals_days\\\" (400); 0 is for "
		"ever"},
	{"\n\n  @include \"/tmp\"", "m.conf:3: @include is not allowed"},
	{"\x01\x02\xff garbage", "m.conf:1: syntax error"},
	{"network = \"open", "m.conf:1: "},
};

static void mistakes_are_named(void **state)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		const char *path = tmp_write("m.conf", mistakes[i].text), *text;
		int result;

		tmp_log_begin();
		result = config_load(&config, path);
		text = tmp_log_end();
		assert_says(text, mistakes[i].says);
		assert_int_equal(result, MIRA_PERSON);
		assert_null(config.streams);
	}
}

static int load_logged(const char *path, const char *says)
{
	int result;

	tmp_log_begin();
	result = config_load(&config, path);
	assert_says(tmp_log_end(), says);
	return result;
}

static void files_that_cannot_be_read(void **state)
{
	assert_int_equal(load_logged(tmp_path("none.conf"), "none.conf: No such file or directory"),
		MIRA_PERSON);
	assert_int_equal(load_logged(tmp_folder, "Is a directory"), MIRA_PERSON);
	tmp_write_bytes("nul.conf", "window_s = 5;\0x", 15);
	assert_int_equal(load_logged(tmp_path("nul.conf"), "a NUL byte"), MIRA_PERSON);
}

/* Whatever is cut off or changed: an answer, never a crash (the sanitizers look on). */
static void every_truncation_is_answered(void **state)
{
	static const char text[] =
		"streams = ( { name = \"a\\\"b\"; filter = \"x\"; } ); /* c */ // d\n"
		"aggregates = ( { name = \"n\"; prefixes = [ \"10.0.0.0/8\" ]; vlans = [ 1, 2 ]; } "
		"); period_s = 1e1;";

	tmp_log_begin();
	for (size_t size = 0; size < sizeof(text); size++) {
		tmp_write_bytes("m.conf", text, size);
		if (config_load(&config, tmp_path("m.conf")) == MIRA_OK)
			config_free(&config);
	}
	tmp_log_end();
}

static void empty_and_relative_files(void **state)
{
	char wanted[PATH_MAX], here[PATH_MAX];

	tmp_write("e.conf", "");
	assert_int_equal(chdir(tmp_folder), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(config_load(&config, "e.conf"), MIRA_OK);
	assert_int_equal(chdir("/"), 0);
	snprintf(wanted, sizeof(wanted), "%.4000s/policy.conf", here);
	assert_string_equal(config.policy, wanted);
	config_free(&config);
}

static void the_file_is_found(void **state)
{
	char found[PATH_MAX];

	setenv("MIRA_CONFIG", "/from/environment", 1);
	config_find("/named", found);
	assert_string_equal(found, "/named");
	config_find(NULL, found);
	assert_string_equal(found, "/from/environment");
	unsetenv("MIRA_CONFIG");
	config_find(NULL, found); /* this test is in no bin/ folder */
	assert_string_equal(found,
		access(MIRA_ETC "/mira.conf", F_OK) == 0 ? MIRA_ETC "/mira.conf" : "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults),
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(the_sample_shows_the_defaults),
		cmocka_unit_test(every_setting_is_explained),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(every_truncation_is_answered),
		cmocka_unit_test(empty_and_relative_files),
		cmocka_unit_test(the_file_is_found),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
