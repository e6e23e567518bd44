/* queue.c and reclaim.c: claim, commit, release, reclaim, requeue: one rename each, decided by a
 * listing. */
#include "tests/unit/queues.h"

#include <dirent.h>
#include <dlfcn.h>
#include <time.h>

#include "spool/beat.h"
#include "spool/finish.h"

static struct queue queue;
static struct worker *me;

static int setup(void **state)
{
	if (queues_setup(state))
		return -1;
	me = worker_start(&queues_spool, "preprocess");
	return queue_open(&queue, &queues_spool, "packets", "preprocess");
}

static int teardown(void **state)
{
	queue_close(&queue);
	worker_stop(me);
	return queues_teardown(state);
}

static const char *ready(void)
{
	return at("packets/preprocess/ready");
}

static void claims_each_once(void **state)
{
	char name[NAME_MAX + 1], sum[16] = "";

	put_batch(ready(), "a", "1");
	put_batch(ready(), "b", "2");
	put_batch(ready(), "c", "3");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(queue_claim(&queue, me, name), 1);
		assert_true(
			stands(at("packets/preprocess/work/%s/%s/data", worker_name(me), name)));
		strcat(sum, name);
		assert_int_equal(queue_commit(&queue, me, name, "x.1"), 1);
		assert_true(stands(at("packets/preprocess/done/%s~x.1", name)));
	}
	assert_int_equal(strlen(sum), 3);
	assert_true(strchr(sum, 'a') && strchr(sum, 'b') && strchr(sum, 'c'));
	assert_int_equal(queue_claim(&queue, me, name), 0);
}

/* After a claim whose reply was lost, or when the work is to be tried again. */
static void works_off_what_stands_there_first(void **state)
{
	char name[NAME_MAX + 1];

	put_batch(ready(), "a", "1");
	assert_int_equal(queue_claim(&queue, me, name), 1);
	put_batch(ready(), "0", "older");
	assert_int_equal(queue_claim(&queue, me, name), 1);
	assert_string_equal(name, "a");
	assert_int_equal(queue_holds(&queue, me, "a"), 1);
	assert_int_equal(queue_holds(&queue, me, "0"), 0);
}

static void claims_near_the_front(void **state)
{
	char name[NAME_MAX + 1];
	bool other = false;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		put_batch(ready(), name, "x");
	}
	for (int i = 0; i < 30; i++) {
		assert_int_equal(queue_claim(&queue, me, name), 1);
		/* the I-th claim takes one of the first four that are left, so never past I+3 */
		assert_true(atoi(name) <= i + 3);
		other |= atoi(name) != i;
		assert_int_equal(queue_commit(&queue, me, name, "x.1"), 1);
	}
	assert_true(other);
}

static void a_kept_list_notices_that_others_were_faster(void **state)
{
	char name[NAME_MAX + 1];

	put_batch(ready(), "a", "1");
	put_batch(ready(), "b", "1");
	assert_string_equal(queue_next(&queue), "a");
	assert_int_equal(nfs_move(ready(), "a", at("packets/preprocess/done"), "a~o.1"), 1);
	assert_int_equal(nfs_move(ready(), "b", at("packets/preprocess/done"), "b~o.1"), 1);
	put_batch(ready(), "c", "1");
	assert_int_equal(queue_claim(&queue, me, name), 1);
	assert_string_equal(name, "c");
}

/* How often ready/ of the queue under test was listed. */
static unsigned listings;

DIR *fdopendir(int fd)
{
	char link[64], path[PATH_MAX] = "";
	DIR *(*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fdopendir");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) > 0)
		listings += strstr(path, "packets/preprocess/ready") != NULL;
	return real(fd);
}

/* A folder that takes long to list, and two who claim from it: each finds half of its names taken. */
static void a_large_queue_is_not_listed_for_each_loss(void **state)
{
	struct queue other;
	struct worker *they = worker_start(&queues_spool, "preprocess");
	char name[NAME_MAX + 1];

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		put_batch(ready(), name, "x");
	}
	assert_int_equal(queue_open(&other, &queues_spool, "packets", "preprocess"), 0);
	assert_string_equal(queue_next(&queue), "00");
	assert_string_equal(queue_next(&other), "00");
	queue.listing_us = other.listing_us = 3600 * 1000000ull;
	assert_true(listings > 0);
	listings = 0;
	for (int i = 0; i < 25; i++) {
		assert_int_equal(queue_claim(&queue, me, name), 1);
		assert_int_equal(queue_commit(&queue, me, name, "x.1"), 1);
		assert_int_equal(queue_claim(&other, they, name), 1);
		assert_int_equal(queue_commit(&other, they, name, "x.1"), 1);
	}
	assert_int_equal(listings, 0);
	queue_close(&other);
	worker_stop(they);
}

static void foreign_entries_are_left_and_said_once(void **state)
{
	char name[NAME_MAX + 1];
	const char *log, *first;

	put_file(at("packets/preprocess/ready/readme"), "hello");
	assert_int_equal(nfs_mkdir(at("packets/preprocess/ready/odd name")), 0);
	assert_int_equal(nfs_mkdir(at("packets/preprocess/ready/a~b")), 0);
	tmp_log_begin();
	for (int i = 0; i < 3; i++)
		assert_int_equal(queue_claim(&queue, me, name), 0);
	log = tmp_log_end();
	assert_says(log, "readme is no batch");
	assert_says(log, "odd name is no batch");
	first = strstr(log, "readme");
	assert_null(strstr(first + 1, "readme"));
	assert_true(stands(at("packets/preprocess/ready/readme")));
	assert_true(stands(at("packets/preprocess/ready/a~b")));
}

static void named_claim_takes_that_one(void **state)
{
	put_batch(ready(), "a", "1");
	put_batch(ready(), "token", "2");
	assert_int_equal(queue_claim_named(&queue, me, "token"), 1);
	assert_int_equal(queue_claim_named(&queue, me, "token"), 1);
	assert_int_equal(queue_claim_named(&queue, me, "none"), 0);
	assert_true(stands(at("packets/preprocess/ready/a")));
}

static void release_gives_back(void **state)
{
	char name[NAME_MAX + 1];

	put_batch(ready(), "a", "1");
	put_batch(ready(), "b", "1");
	assert_int_equal(queue_claim_named(&queue, me, "a"), 1);
	assert_int_equal(queue_claim_named(&queue, me, "b"), 1);
	assert_int_equal(queue_release(&queue, me, "a"), 1);
	assert_int_equal(queue_release_all(&queue, me), 0);
	assert_int_equal(count_in(ready()), 2);
	assert_int_equal(queue_claim(&queue, me, name), 1);
}

/* The fence: after a reclaim the commit fails, nothing is touched, and the old name claims nothing
 * more. */
static void the_fenced_one_commits_nothing(void **state)
{
	char name[NAME_MAX + 1], old[NAME_MAX + 1];

	put_batch(ready(), "a", "1");
	assert_int_equal(queue_claim(&queue, me, name), 1);
	strcpy(old, worker_name(me));
	steal("packets", "preprocess", old);
	assert_int_equal(queue_commit(&queue, me, name, "x.1"), 0);
	assert_int_equal(queue_holds(&queue, me, name), 0);
	assert_true(stands(at("packets/preprocess/ready/a/data")));
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
	assert_int_equal(queue_claim(&queue, me, name), -1);
	assert_int_equal(errno, ESTALE);
	assert_false(stands(at("packets/preprocess/work/%s", old)));
	assert_int_equal(worker_rename(me), 0);
	assert_int_equal(queue_claim(&queue, me, name), 1);
}

/* The same when another worker has it already: then the rename's source is gone. */
static void the_fenced_one_commits_nothing_that_was_claimed(void **state)
{
	struct worker *other = worker_start(&queues_spool, "preprocess");
	struct queue theirs;
	char name[NAME_MAX + 1];

	queue_open(&theirs, &queues_spool, "packets", "preprocess");
	put_batch(ready(), "a", "1");
	assert_int_equal(queue_claim(&queue, me, name), 1);
	steal("packets", "preprocess", worker_name(me));
	assert_int_equal(queue_claim(&theirs, other, name), 1);
	assert_int_equal(queue_commit(&queue, me, name, "x.1"), 0);
	assert_int_equal(queue_commit(&theirs, other, name, "y.1"), 1);
	assert_int_equal(queue_commit(&queue, me, name, "x.1"), 0);
	assert_int_equal(queue_commit(&theirs, other, name, "y.1"), 1);
	queue_close(&theirs);
	worker_stop(other);
}

static void put_dead(const char *name)
{
	struct beat dead = {.beat = 1};

	beat_self(&dead);
	dead.start_time--;
	assert_int_equal(beat_write(&queues_spool, name, &dead), 0);
}

static void reclaims_from_the_dead_alone(void **state)
{
	struct beat far = {.beat = 1, .boot_id = "another"};

	put_dead("preprocess.h.1");
	beat_write(&queues_spool, "preprocess.h.2", &far);
	put_batch(at("packets/preprocess/work/preprocess.h.1"), "a", "1");
	put_batch(at("packets/preprocess/work/preprocess.h.1"), "b", "1");
	put_batch(at("packets/preprocess/work/preprocess.h.2"), "c", "1");
	put_batch(at("packets/preprocess/work/%s", worker_name(me)), "d", "1");
	assert_int_equal(queue_reclaim(&queue, me), 1);
	assert_true(stands(at("packets/preprocess/ready/a/data")));
	assert_true(stands(at("packets/preprocess/ready/b/data")));
	assert_int_equal(count_in(ready()), 2);
	assert_false(stands(at("packets/preprocess/work/preprocess.h.1")));
	assert_false(stands(at("workers/preprocess.h.1")));
	assert_true(stands(at("packets/preprocess/work/preprocess.h.2/c")));
	assert_true(stands(at("packets/preprocess/work/%s/d", worker_name(me))));
	assert_int_equal(queue_reclaim(&queue, me), 0);
}

/* Above all nothing is taken from where a link leads. */
static void gives_back_nothing_of_nobody(void **state)
{
	put_dead("preprocess.h.1");
	put_dead("preprocess.h.2");
	assert_int_equal(symlink(make_precious(), at("packets/preprocess/work/preprocess.h.1")), 0);
	put_file(at("packets/preprocess/work/preprocess.h.2"), "a file");
	assert_int_equal(mkfifo(at("packets/preprocess/work/pipe"), 0600), 0);
	assert_int_equal(queue_held_by_others(&queue, me), 0);
	tmp_log_begin();
	assert_int_equal(queue_reclaim(&queue, me), 0);
	assert_int_equal(queue_reclaim(&queue, me), 0);
	assert_says(tmp_log_end(), "work/preprocess.h.1 is no worker's folder: left alone");
	assert_true(precious_kept());
	assert_int_equal(count_in(ready()), 0);
	assert_int_equal(queue_empty(&queue), 1);
}

static void forgets_the_dead_without_work(void **state)
{
	put_dead("preprocess.h.1");
	put_dead("store.h.1");
	assert_int_equal(queue_reclaim(&queue, me), 0);
	assert_false(stands(at("workers/preprocess.h.1")));
	assert_true(stands(at("workers/store.h.1")));
	assert_true(stands(at("workers/%s", worker_name(me))));
}

static void knows_who_else_holds_batches(void **state)
{
	struct worker *other = worker_start(&queues_spool, "preprocess");
	struct beat far = {.beat = 1, .boot_id = "another"};

	put_batch(at("packets/preprocess/work/%s", worker_name(me)), "a", "1");
	put_batch(at("packets/preprocess/work/%s", worker_name(other)), "b", "1");
	assert_int_equal(queue_held_by_others(&queue, me), 0);
	beat_write(&queues_spool, "preprocess.h.2", &far);
	assert_int_equal(nfs_mkdir(at("packets/preprocess/work/preprocess.h.2")), 0);
	assert_int_equal(queue_held_by_others(&queue, me), 0);
	put_batch(at("packets/preprocess/work/preprocess.h.2"), "c", "1");
	assert_int_equal(queue_held_by_others(&queue, me), 1);
	far.beat = 2;
	beat_write(&queues_spool, "preprocess.h.2", &far);
	assert_int_equal(queue_held_by_others(&queue, me), 0);
	worker_stop(other);
}

static void empty_means_nowhere(void **state)
{
	char name[NAME_MAX + 1];

	assert_int_equal(queue_empty(&queue), 1);
	put_batch(ready(), "a", "1");
	assert_int_equal(queue_empty(&queue), 0);
	assert_int_equal(queue_claim(&queue, me, name), 1);
	assert_int_equal(queue_empty(&queue), 0);
	assert_int_equal(queue_commit(&queue, me, name, "x.1"), 1);
	assert_int_equal(queue_empty(&queue), 0);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_int_equal(queue_empty(&queue), 1);
	put_file(at("packets/preprocess/ready/README"), "what else stands there stays there");
	assert_int_equal(nfs_mkdir(at("packets/preprocess/ready/lost+found~")), 0);
	put_file(at("packets/preprocess/done/a~b"), "?");
	assert_int_equal(queue_empty(&queue), 0);
	assert_int_equal(nfs_rmdir(at("packets/preprocess/ready/lost+found~")), 0);
	assert_int_equal(queue_empty(&queue), 1);
}

static void requeued_has_a_new_name(void **state)
{
	put_batch(at("packets/preprocess/bad"), "a", "1");
	put_file(at("packets/preprocess/bad/a.reason"), "broken");
	put_batch(at("packets/preprocess/bad"), "b+9", "1");
	assert_int_equal(queue_requeue(&queue, "a"), 1);
	assert_int_equal(queue_requeue(&queue, "a"), 0);
	assert_int_equal(queue_requeue(&queue, "b+9"), 1);
	assert_int_equal(queue_requeue(&queue, "../ready/x"), -1);
	assert_true(stands(at("packets/preprocess/ready/a+1/data")));
	assert_true(stands(at("packets/preprocess/ready/b+10/data")));
	assert_int_equal(count_in(at("packets/preprocess/bad")), 0);
}

static void set_age(const char *path, time_t days)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - days * 86400 - 60}};

	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put_rejected(const char *name)
{
	put_batch(at("packets/preprocess/bad"), name, "1");
	assert_int_equal(nfs_mkdir(at("packets/preprocess/bad/%s/w.1", name)), 0);
	put_file(at("packets/preprocess/bad/%s/w.1/reject", name), "broken");
	put_file(at("packets/preprocess/bad/%s.reason", name), "broken");
}

static void old_quarantine_is_removed(void **state)
{
	struct config keep = {.bad_days = 30, .bad_batches = 1000};

	put_rejected("old");
	put_rejected("new");
	set_age(at("packets/preprocess/bad/old.reason"), 30);
	set_age(at("packets/preprocess/bad/new.reason"), 29);
	assert_int_equal(queue_expire_bad(&queue, me, &keep), 0);
	assert_false(stands(at("packets/preprocess/bad/old")));
	assert_false(stands(at("packets/preprocess/bad/old.reason")));
	assert_true(stands(at("packets/preprocess/bad/new/data")));
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
}

static void quarantine_is_bounded(void **state)
{
	struct config keep = {.bad_days = 30, .bad_batches = 3};
	static const char *const names[] = {"b5", "b1", "b4", "b2", "b3"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_rejected(names[i]);
	put_batch(at("packets/preprocess/bad"), "b0", "no reason: not ours to remove");
	assert_int_equal(queue_expire_bad(&queue, me, &keep), 0);
	assert_false(stands(at("packets/preprocess/bad/b1")));
	assert_false(stands(at("packets/preprocess/bad/b2.reason")));
	assert_true(stands(at("packets/preprocess/bad/b3/data")));
	assert_true(stands(at("packets/preprocess/bad/b0/data")));

	keep.min_free = 1.0; /* nothing is that empty: one at a time */
	assert_int_equal(queue_expire_bad(&queue, me, &keep), 0);
	assert_false(stands(at("packets/preprocess/bad/b3")));
	assert_true(stands(at("packets/preprocess/bad/b4/data")));
	assert_true(stands(at("packets/preprocess/bad/b5/data")));
}

static void names_of_batches(void **state)
{
	char name[ENTRY_MAX + 2];

	memset(name, 'x', sizeof(name));
	name[ENTRY_MAX + 1] = '\0';
	assert_false(finish_name_ok(name));
	name[ENTRY_MAX] = '\0';
	assert_true(finish_name_ok(name));
	assert_true(finish_name_ok(
		"20261121T104300.123456Z-p-all-5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b-0000000042+1"));
	assert_false(finish_name_ok(""));
	assert_false(finish_name_ok(".a"));
	assert_false(finish_name_ok("a~b"));
	assert_false(finish_name_ok("a/b"));
	assert_false(finish_name_ok("a\n"));
}

/* The longest name, worker and counter still make an entry that a file system takes. */
static void longest_entry_is_legal(void **state)
{
	struct batchname parts = {.start_us = 1795257780123456, .seq = 9999999999, .requeued = 99};
	char name[300], attempt[300];

	memset(parts.probe, 'p', NAME_PART_MAX);
	memset(parts.stream, 's', NAME_PART_MAX);
	memset(parts.run, 'a', RUN_HEX);
	batchname_format(&parts, name, sizeof(name));
	assert_true(finish_name_ok(name));
	snprintf(attempt, sizeof(attempt), "consolidate.%s.%s.%u", "hhhhhhhhhhhhhhhhhhhhhhhh",
		"0123456789abcdef0123456789abcdef", 4294967295u);
	assert_true(strlen(name) + 1 + strlen(attempt) <= NAME_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(claims_each_once),
		TEST(works_off_what_stands_there_first),
		TEST(claims_near_the_front),
		TEST(a_kept_list_notices_that_others_were_faster),
		TEST(a_large_queue_is_not_listed_for_each_loss),
		TEST(foreign_entries_are_left_and_said_once),
		TEST(named_claim_takes_that_one),
		TEST(release_gives_back),
		TEST(the_fenced_one_commits_nothing),
		TEST(the_fenced_one_commits_nothing_that_was_claimed),
		TEST(reclaims_from_the_dead_alone),
		TEST(gives_back_nothing_of_nobody),
		TEST(forgets_the_dead_without_work),
		TEST(knows_who_else_holds_batches),
		TEST(empty_means_nowhere),
		TEST(requeued_has_a_new_name),
		TEST(old_quarantine_is_removed),
		TEST(quarantine_is_bounded),
		TEST(names_of_batches),
		TEST(longest_entry_is_legal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
