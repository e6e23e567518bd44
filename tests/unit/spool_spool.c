/* spool.c: one spool for all who agree, a clear refusal for the rest. */
#include "tests/unit/tmp.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/spool.h"

static struct config config;
static struct spool spool;

static int open_as(const char *name)
{
	return spool_open(&spool, tmp_path(name), &config, false);
}

/* Opens NAME, which must end with CODE and a message that holds both texts. */
static void refused(const char *name, int code, const char *what, const char *todo)
{
	const char *text;
	int result;

	tmp_log_begin();
	result = open_as(name);
	text = tmp_log_end();
	assert_says(text, what);
	assert_says(text, todo);
	assert_int_equal(result, code);
}

static void a_new_spool_has_every_folder(void **state)
{
	static const char *const folders[] = {"packets/preprocess/ready", "packets/preprocess/bad",
		"flows/shard-0/work", "biflows/classify/done", "verdicts/store/ready",
		"state/shard-0/ready", "state/shard-0/work", "state/shard-0/done", "capture/tmp",
		"capture/done", "capture/writer", "state/capture", "state/rules", "state/looks",
		"state/cache", "workers", "metrics"};
	struct stat status;
	char path[PATH_MAX];

	assert_false(spool_exists(tmp_path("new/deep")));
	assert_int_equal(open_as("new/deep"), MIRA_OK);
	assert_true(spool_exists(tmp_path("new/deep")));
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		assert_int_equal(stat(spool_path(&spool, path, "%s", folders[i]), &status), 0);
		assert_true(S_ISDIR(status.st_mode));
		assert_int_equal(status.st_mode & 07, 0);
	}
	assert_int_equal(spool.window_s, 300);
	assert_int_equal(window_of(&spool, 1795257780123), 1795257600000);
	assert_int_equal(open_as("new/deep"), MIRA_OK);
}

static void an_existing_spool_keeps_its_durability(void **state)
{
	assert_int_equal(open_as("kept"), MIRA_OK);
	assert_int_equal(spool_open(&spool, tmp_path("kept"), &config, true), MIRA_OK);
	assert_false(spool.durable);
}

static void the_root_is_absolute(void **state)
{
	char here[PATH_MAX], wanted[2 * PATH_MAX];

	assert_int_equal(chdir(tmp_folder), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(spool_open(&spool, "relative//", &config, false), MIRA_OK);
	snprintf(wanted, sizeof(wanted), "%s/relative", here);
	assert_string_equal(spool.root, wanted);
	assert_int_equal(chdir("/"), 0);
}

static void who_disagrees_is_told_both_values(void **state)
{
	assert_int_equal(open_as("agreed"), MIRA_OK);
	strcpy(config.file, "/etc/mira/mira.conf");
	config.window_s = 60;
	refused("agreed", MIRA_PERSON,
		"/etc/mira/mira.conf: window_s is 60, but the spool was made with 300",
		"set window_s = 300 in mira.conf or use a new spool");
	config.window_s = 300;
	config.shards = 2;
	refused("agreed", MIRA_PERSON, "shards is 2, but the spool was made with 1",
		"agreed/spool.json");
	config.shards = 1;
	config.lateness_s = 7;
	strcpy(config.file, "");
	refused("agreed", MIRA_PERSON, "the defaults (no mira.conf was read): lateness_s is 7",
		"60");
	config.lateness_s = 60;
	config.max_delay_s = 1;
	refused("agreed", MIRA_PERSON, "max_delay_s is 1", "600");
	config.max_delay_s = 600;
	assert_int_equal(open_as("agreed"), MIRA_OK);
}

static void what_is_not_ours_is_refused(void **state)
{
	nfs_mkdir(tmp_path("foreign"));
	tmp_write("foreign/spool.json", "{\"spool\": 1}");
	refused("foreign", MIRA_PERSON, "not the spool.json of a MIRA spool",
		"name another --spool");
	tmp_write("foreign/spool.json", "{\"format\": 2}");
	refused("foreign", MIRA_PERSON, "the spool has format 2, this program works with format 1",
		"new spool");
	tmp_write("foreign/spool.json", "{\"format\": 1, \"window_s\": -1}");
	refused("foreign", MIRA_PERSON, "\\\"window_s\\\" is not legal", "spool.json");
	tmp_write("foreign/spool.json", "{\"form");
	refused("foreign", MIRA_PERSON, "damaged or not MIRA's", "restore it");
	tmp_write("foreign/spool.json", "");
	refused("foreign", MIRA_PERSON, "damaged or not MIRA's", "restore it");
}

static void who_only_looks_needs_no_configuration(void **state)
{
	struct spool seen;
	const char *text;

	config.window_s = 77;
	assert_int_equal(open_as("seen"), MIRA_OK);
	config.window_s = 300;
	assert_int_equal(spool_attach(&seen, tmp_path("seen")), MIRA_OK);
	assert_int_equal(seen.window_s, 77);
	tmp_log_begin();
	assert_int_equal(spool_attach(&seen, tmp_path("unseen")), MIRA_PERSON);
	assert_says(tmp_log_end(), "unseen is no spool");
	assert_false(spool_exists(tmp_path("unseen")));
	tmp_write("seen/spool.json",
		"{\"format\": 1, \"window_s\": 0, \"lateness_s\": 0, "
		"\"max_delay_s\": 1, \"shards\": 1, \"durable\": false, \"store\": \"\"}");
	tmp_log_begin();
	assert_int_equal(spool_attach(&seen, tmp_path("seen")), MIRA_PERSON);
	text = tmp_log_end();
	assert_says(text, "is not legal");
}

static void a_file_in_the_way_is_named(void **state)
{
	tmp_write("file", "");
	refused("file", MIRA_PERSON, "a file stands where a folder is needed",
		"name another --spool");
	refused("file/below", MIRA_PERSON, "a file stands where a folder is needed",
		"/file/below/capture");
}

/* Root may write anywhere, so another user tries. */
static void a_folder_of_others_is_named(void **state)
{
	int status;
	pid_t child;

	assert_int_equal(open_as("theirs"), MIRA_OK);
	chmod(tmp_folder, 0755);
	chmod(tmp_path("theirs"), 0555);
	nfs_mkdir(tmp_path("empty"));
	chmod(tmp_path("empty"), 0555);
	tmp_log_begin();
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(99);
		_exit(open_as("theirs") + 10 * open_as("empty"));
	}
	waitpid(child, &status, 0);
	assert_says(tmp_log_end(), "this user may not do that: change the owner");
	assert_int_equal(WEXITSTATUS(status), MIRA_PERSON + 10 * MIRA_PERSON);
	chmod(tmp_path("theirs"), 0755);
}

static void a_path_too_long_is_refused(void **state)
{
	char name[PATH_MAX];

	memset(name, 'x', sizeof(name));
	name[3500] = '\0';
	refused(name, MIRA_PERSON, "File name too long", "name another --spool");
}

static void *open_with_own_window(void *argument)
{
	struct config own = config;
	struct spool *mine = argument;

	own.window_s = mine->window_s;
	return (void *)(intptr_t)spool_open(mine, tmp_path("race"), &own, false);
}

static void of_two_makers_one_wins(void **state)
{
	struct spool first = {.window_s = 300}, second = {.window_s = 300};
	pthread_t thread;
	void *result;

	for (int round = 0; round < 20; round++) {
		tmp_remove(tmp_path("race"));
		pthread_create(&thread, NULL, open_with_own_window, &first);
		assert_null(open_with_own_window(&second));
		pthread_join(thread, &result);
		assert_null(result);
		assert_int_equal(first.window_s, second.window_s);
	}
}

static void one_store_only(void **state)
{
	struct spool other;

	assert_int_equal(open_as("store"), MIRA_OK);
	assert_string_equal(spool.store, "");
	assert_int_equal(spool_set_store(&spool, "store-a"), 0);
	assert_int_equal(spool_set_store(&spool, "store-a"), 0);
	assert_int_equal(spool_open(&other, spool.root, &config, false), MIRA_OK);
	assert_string_equal(other.store, "store-a");
	assert_int_equal(spool_set_store(&other, "store-b"), -1);
	assert_int_equal(errno, EEXIST);
	assert_string_equal(other.store, "store-a");
	assert_int_equal(spool_set_store(&spool, ""), -1);
	assert_int_equal(errno, EINVAL);
}

static void readers_are_the_required_and_the_standing(void **state)
{
	struct namelist readers;
	char path[PATH_MAX];

	config.shards = 3;
	assert_int_equal(open_as("readers"), MIRA_OK);
	config.shards = 1;
	nfs_mkdir(spool_path(&spool, path, "biflows/alarm/ready"));
	assert_int_equal(spool_readers(&spool, "biflows", &readers), 0);
	assert_int_equal(readers.count, 2);
	assert_string_equal(readers.names[0], "alarm");
	assert_string_equal(readers.names[1], "classify");
	namelist_free(&readers);
	assert_int_equal(spool_readers(&spool, "state", &readers), 0);
	assert_int_equal(readers.count, 3);
	assert_string_equal(readers.names[2], "shard-2");
	namelist_free(&readers);
	assert_int_equal(spool_readers(&spool, "flows", &readers), 0);
	assert_int_equal(readers.count, 3);
	namelist_free(&readers);
	assert_int_equal(spool_readers(&spool, "none", &readers), 0);
	assert_int_equal(readers.count, 0);
	namelist_free(&readers);
}

static int setup(void **state)
{
	return tmp_setup(state) || config_load(&config, "");
}

static int teardown(void **state)
{
	config_free(&config);
	return tmp_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_spool_has_every_folder),
		cmocka_unit_test(an_existing_spool_keeps_its_durability),
		cmocka_unit_test(the_root_is_absolute),
		cmocka_unit_test(who_disagrees_is_told_both_values),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(who_only_looks_needs_no_configuration),
		cmocka_unit_test(a_file_in_the_way_is_named),
		cmocka_unit_test(a_folder_of_others_is_named),
		cmocka_unit_test(a_path_too_long_is_refused),
		cmocka_unit_test(of_two_makers_one_wins),
		cmocka_unit_test(one_store_only),
		cmocka_unit_test(readers_are_the_required_and_the_standing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
