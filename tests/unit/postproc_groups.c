/* Groups of too few hosts are hidden, and enough others with them. */
#include "tests/unit/tmp.h"

#include "postproc/privacy/groups.h"

static void hides(enum privacy_level level, const uint64_t *hosts, size_t count, const char *wanted)
{
	struct config config;
	struct privacy *privacy;
	bool hidden[8];

	assert_int_equal(config_load(&config, ""), 0);
	config.privacy.level = level;
	config.privacy.group_min = 10;
	privacy = privacy_new(&config, tmp_path("mira.db"));
	groups_hide(privacy, hosts, count, hidden);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hidden[i], wanted[i] == 'h');
	privacy_free(privacy);
	config_free(&config);
}

static void groups(void **state)
{
	hides(PRIVACY_GROUP, (const uint64_t[]){10, 99}, 2, "--");
	hides(PRIVACY_GROUP, (const uint64_t[]){9, 50, 12, 99}, 4, "h-h-");
	hides(PRIVACY_GROUP, (const uint64_t[]){4, 50, 6, 99}, 4, "h-h-");
	hides(PRIVACY_GROUP, (const uint64_t[]){0, 50}, 2, "hh");
	hides(PRIVACY_GROUP, (const uint64_t[]){3}, 1, "h");
	hides(PRIVACY_GROUP, (const uint64_t[]){0}, 0, "");
	hides(PRIVACY_PSEUDONYM, (const uint64_t[]){1, 0, 5}, 3, "---");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(groups)};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
