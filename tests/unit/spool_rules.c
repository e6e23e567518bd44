/* rules.c: the rules of a batch are found by their content and never change. */
#include "tests/unit/tmp.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/rules.h"

#define POLICY                                                                                     \
	"classes = ( { name = \"other\"; class = \"UNKNOWN\"; verdict = \"review\"; when = "       \
	"\"1\"; } );\n"

static struct config config;
static struct spool spool;

static char *content(const char *hash, const char *name)
{
	char path[PATH_MAX];

	rules_path(&spool, hash, path);
	strcat(path, name);
	return nfs_read_file(path, NULL);
}

static void holds(const char *hash, const char *name, const char *wanted)
{
	char *text = content(hash, name);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static unsigned folders(void)
{
	unsigned count = 0;
	DIR *folder = opendir(tmp_path("spool/state/rules"));

	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static void what_is_published_is_a_copy(void **state)
{
	char hash[33], again[33], without[33];

	assert_int_equal(rules_publish(&spool, &config, hash), 0);
	assert_int_equal(strlen(hash), 32);
	holds(hash, "/mira.conf", "period_s = 2;");
	holds(hash, "/policy.conf", POLICY);
	holds(hash, "/symptoms.d/a.sym", "symptom a\n");
	holds(hash, "/symptoms.d/b.sym", "symptom b\n");
	assert_null(content(hash, "/symptoms.d/notes.txt"));
	assert_int_equal(rules_publish(&spool, &config, again), 0);
	assert_string_equal(again, hash);
	assert_int_equal(rules_hash(&config, without), 0);
	assert_string_equal(without, hash);
	assert_int_equal(folders(), 1);
}

static void a_change_makes_a_new_folder(void **state)
{
	char hash[33], changed[33];

	assert_int_equal(rules_publish(&spool, &config, hash), 0);
	tmp_write("etc/symptoms.d/notes.txt", "changed");
	assert_int_equal(rules_publish(&spool, &config, changed), 0);
	assert_string_equal(changed, hash);
	tmp_write("etc/symptoms.d/a.sym", "symptom a\nsymptom b\n");
	tmp_write("etc/symptoms.d/b.sym", "");
	assert_int_equal(rules_publish(&spool, &config, changed), 0);
	assert_string_not_equal(changed, hash);
	holds(hash, "/symptoms.d/a.sym", "symptom a\n");
	assert_int_equal(folders(), 2);
}

static void without_a_file_an_empty_one_is_written(void **state)
{
	char hash[33], with[33];

	assert_int_equal(rules_publish(&spool, &config, with), 0);
	config.file[0] = '\0';
	assert_int_equal(rules_publish(&spool, &config, hash), 0);
	assert_string_not_equal(hash, with);
	holds(hash, "/mira.conf", "");
}

static void the_stamped_ones_are_loaded(void **state)
{
	char hash[33];
	struct config stamped;

	assert_int_equal(rules_publish(&spool, &config, hash), 0);
	tmp_write("etc/mira.conf", "period_s = 9;");
	assert_int_equal(rules_load(&spool, hash, &stamped), MIRA_OK);
	assert_true(stamped.period_s == 2);
	assert_says(stamped.policy, hash);
	assert_says(stamped.symptoms, hash);
	config_free(&stamped);
	tmp_log_begin();
	assert_int_equal(rules_load(&spool, "00000000000000000000000000000000", &stamped),
		MIRA_PERSON);
	tmp_log_end();
}

static void fails(int error, const char *says)
{
	char hash[33];

	tmp_log_begin();
	assert_int_equal(rules_publish(&spool, &config, hash), -1);
	assert_int_equal(errno, error);
	assert_says(tmp_log_end(), says);
	assert_int_equal(folders(), 0);
}

static void what_is_missing_is_named(void **state)
{
	unlink(tmp_path("etc/policy.conf"));
	fails(ENOENT, "etc/policy.conf: No such file or directory; it is what \\\"policy\\\" in "
		      "mira.conf names");
	tmp_write("etc/policy.conf", POLICY);
	tmp_remove(tmp_path("etc/symptoms.d"));
	fails(ENOENT, "etc/symptoms.d: No such file or directory; it is what \\\"symptoms\\\" in "
		      "mira.conf names");
	nfs_mkdir(tmp_path("etc/symptoms.d"));
	fails(ENOENT, "holds no *.sym file");
}

static void a_bad_policy_is_not_published(void **state)
{
	tmp_write("etc/policy.conf", "classes = ( { name = \"x\"; } );");
	fails(EINVAL, "policy.conf:1: ");
}

static void a_spool_that_cannot_be_written_is_named(void **state)
{
	char hash[33];

	tmp_remove(tmp_path("spool/state/rules"));
	tmp_write("spool/state/rules", "");
	tmp_log_begin();
	assert_int_equal(rules_publish(&spool, &config, hash), -1);
	assert_says(tmp_log_end(), "spool/state/rules/");
}

static int setup(void **state)
{
	nfs_set_durable(false);
	return tmp_setup(state);
}

/* Stages that start together all publish. */
static void many_may_publish_at_once(void **state)
{
	for (int round = 0; round < 20; round++) {
		int status, failed = 0;

		tmp_remove(tmp_path("spool/state/rules"));
		assert_int_equal(nfs_mkdir(tmp_path("spool/state/rules")), 0);
		for (int i = 0; i < 4; i++) {
			char hash[33];

			if (fork() == 0)
				_exit(rules_publish(&spool, &config, hash) < 0);
		}
		while (wait(&status) > 0)
			failed += status != 0;
		assert_int_equal(failed, 0);
		assert_int_equal(folders(), 1);
	}
}

static void one_policy_is_in_force(void **state)
{
	char hash[33], now[33];

	assert_int_equal(rules_publish(&spool, &config, hash), 0);
	assert_int_equal(rules_in_force(&spool, now), 0);
	assert_string_equal(now, "");
	assert_int_equal(rules_enforce(&spool, hash), 1);
	assert_int_equal(rules_enforce(&spool, hash), 0);
	assert_int_equal(rules_in_force(&spool, now), 0);
	assert_string_equal(now, hash);
	tmp_write("spool/state/policy", "../../../etc/passwd");
	assert_int_equal(rules_in_force(&spool, now), 0);
	assert_string_equal(now, "");
}

static int prepare(void **state)
{
	tmp_remove(tmp_path("etc"));
	tmp_remove(tmp_path("spool"));
	if (nfs_mkdir(tmp_path("etc/symptoms.d")) < 0 ||
		nfs_mkdir(tmp_path("spool/state/rules")) < 0)
		return -1;
	tmp_write("etc/mira.conf", "period_s = 2;");
	tmp_write("etc/policy.conf", POLICY);
	tmp_write("etc/symptoms.d/a.sym", "symptom a\n");
	tmp_write("etc/symptoms.d/b.sym", "symptom b\n");
	tmp_write("etc/symptoms.d/notes.txt", "not a symptom");
	strcpy(spool.root, tmp_path("spool"));
	return config_load(&config, tmp_path("etc/mira.conf"));
}

static int forget(void **state)
{
	config_free(&config);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_published_is_a_copy),
		TEST(a_change_makes_a_new_folder),
		TEST(without_a_file_an_empty_one_is_written),
		TEST(the_stamped_ones_are_loaded),
		TEST(what_is_missing_is_named),
		TEST(a_bad_policy_is_not_published),
		TEST(a_spool_that_cannot_be_written_is_named),
		TEST(many_may_publish_at_once),
		TEST(one_policy_is_in_force),
	};

	return cmocka_run_group_tests(tests, setup, tmp_teardown);
}
