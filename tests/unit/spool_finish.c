/* finish.c: outputs are moved once, in order, and the rest is removed, however often and from
 * wherever it is begun. */
#include "tests/unit/queues.h"

#include <sys/wait.h>

#include "spool/finish.h"

#define ENTRY_SIZE (2 * NAME_MAX + 2)

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

/* Claims NAME and commits it with an output of the same name; ENTRY is what stands in done/. */
static void commit(const char *name, char *entry)
{
	struct batch batch;

	put_batch(at("packets/preprocess/ready"), name, "input");
	assert_int_equal(queue_claim_named(&queue, me, name), 1);
	assert_int_equal(batch_open(&batch, &queue, me, name), 0);
	put_output(&batch, "flows", NULL, name);
	assert_int_equal(queue_commit(&queue, me, name, batch.attempt), 1);
	snprintf(entry, ENTRY_SIZE, "%s~%s", name, batch.attempt);
}

static void publishes_and_removes(void **state)
{
	char entry[ENTRY_SIZE];

	commit("a", entry);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_true(stands(at("flows/shard-0/ready/a/manifest.json")));
	assert_true(stands(at("flows/shard-0/ready/a/data")));
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
	assert_int_equal(queue_finish(&queue, entry), 0);
	assert_int_equal(count_in(at("flows/shard-0/ready")), 1);
}

/* Published, claimed by its reader and gone: a late finisher must not bring it back. */
static void a_late_finisher_changes_nothing(void **state)
{
	char entry[ENTRY_SIZE];

	commit("a", entry);
	assert_int_equal(nfs_move(at("packets/preprocess/done/%s/%s/out/flows.shard-0", entry,
					  strchr(entry, '~') + 1),
				 "a", at("flows/shard-0/done"), "a~other.1"),
		1);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_int_equal(count_in(at("flows/shard-0/ready")), 0);
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
}

/* What attempts of others left in the batch is removed, and never published. */
static void losers_are_removed(void **state)
{
	struct batch batch;
	char first[NAME_MAX + 1];

	put_batch(at("packets/preprocess/ready"), "a", "input");
	assert_int_equal(queue_claim_named(&queue, me, "a"), 1);
	assert_int_equal(batch_open(&batch, &queue, me, "a"), 0);
	strcpy(first, batch.attempt);
	put_output(&batch, "flows", NULL, "loser");
	assert_int_equal(batch_again(&batch, me), 0);
	assert_string_not_equal(first, batch.attempt);
	put_output(&batch, "flows", NULL, "winner");
	assert_int_equal(queue_commit(&queue, me, "a", batch.attempt), 1);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_false(stands(at("flows/shard-0/ready/loser")));
	assert_true(stands(at("flows/shard-0/ready/winner/data")));
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
}

static void each_reader_has_its_own(void **state)
{
	struct stat first, second;
	char entry[ENTRY_SIZE];

	assert_int_equal(nfs_mkdir(at("flows/extra/ready")), 0);
	commit("a", entry);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_int_equal(stat(at("flows/shard-0/ready/a/data"), &first), 0);
	assert_int_equal(stat(at("flows/extra/ready/a/data"), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_true(stands(at("flows/extra/ready/a/manifest.json")));
}

/* A reader's folder that was taken away comes back with its batch. */
static void a_missing_reader_is_made(void **state)
{
	char entry[ENTRY_SIZE];

	commit("a", entry);
	tmp_remove(at("flows/shard-0"));
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_true(stands(at("flows/shard-0/ready/a/data")));
}

static struct queue tokens;

/* A token's commit with an output, the next state, and inputs to retire. */
static void commit_token(char *entry)
{
	struct namelist inputs = {0}, more = {0};
	struct batch batch;

	assert_int_equal(queue_open(&tokens, &queues_spool, "state", "shard-0"), 0);
	put_batch(at("flows/shard-0/ready"), "f1", "1");
	put_batch(at("flows/shard-0/ready"), "f2", "2");
	put_batch(at("flows/shard-0/ready"), "f3", "3");
	put_batch(at("state/shard-0/ready"), "token-1", "state");
	namelist_add(&inputs, "f1");
	namelist_add(&more, "f2");
	namelist_add(&more, "never-was");
	assert_int_equal(queue_claim_named(&tokens, me, "token-1"), 1);
	assert_int_equal(batch_open(&batch, &tokens, me, "token-1"), 0);
	put_output(&batch, "biflows", NULL, "b1");
	put_output(&batch, "state", "shard-0", "token-2");
	assert_int_equal(batch_retire(&batch, "flows", "shard-0", &inputs), 0);
	assert_int_equal(batch_retire(&batch, "flows", "shard-0", &more), 0);
	assert_int_equal(queue_commit(&tokens, me, "token-1", batch.attempt), 1);
	snprintf(entry, ENTRY_SIZE, "token-1~%s", batch.attempt);
	namelist_free(&inputs);
	namelist_free(&more);
}

static void check_token(void)
{
	assert_int_equal(count_in(at("biflows/classify/ready")), 1);
	assert_int_equal(count_in(at("state/shard-0/ready")), 1);
	assert_true(stands(at("state/shard-0/ready/token-2/data")));
	assert_int_equal(count_in(at("state/shard-0/done")), 0);
	assert_int_equal(count_in(at("flows/shard-0/ready")), 1);
	assert_true(stands(at("flows/shard-0/ready/f3")));
	assert_int_equal(count_in(at("flows/shard-0/done")), 0);
}

static void retires_inputs(void **state)
{
	char entry[ENTRY_SIZE];

	commit_token(entry);
	assert_int_equal(queue_finish(&tokens, entry), 1);
	check_token();
	queue_close(&tokens);
}

/* One retired input stands in done/ and was not removed: its finisher died there. */
static void retires_what_another_began(void **state)
{
	char entry[ENTRY_SIZE], retired[2 * NAME_MAX];

	commit_token(entry);
	snprintf(retired, sizeof(retired), "f1~%s", strchr(entry, '~') + 1);
	assert_int_equal(nfs_move(at("flows/shard-0/ready"), "f1", at("flows/shard-0/done"),
				 retired),
		1);
	assert_int_equal(queue_finish(&tokens, entry), 1);
	check_token();
	queue_close(&tokens);
}

/* The next token appears when all else is done: here an output cannot be moved. */
static void the_next_token_is_last(void **state)
{
	char entry[ENTRY_SIZE];

	commit_token(entry);
	put_batch(at("biflows/classify/ready"), "b1", "in the way");
	tmp_log_begin();
	assert_int_equal(queue_finish(&tokens, entry), -1);
	tmp_log_end();
	assert_int_equal(count_in(at("state/shard-0/ready")), 0);
	assert_int_equal(count_in(at("flows/shard-0/ready")), 3);
	tmp_remove(at("biflows/classify/ready/b1"));
	assert_int_equal(queue_finish(&tokens, entry), 1);
	check_token();
	queue_close(&tokens);
}

static void odd_lines_are_left_out(void **state)
{
	char entry[ENTRY_SIZE];

	commit_token(entry);
	put_file(at("state/shard-0/done/%s/%s/retire", entry, strchr(entry, '~') + 1),
		"flows/shard-0/f1\n../../x\nflows/shard-0/../../f3\nflows\n\nflows/shard-0/f2\n");
	tmp_log_begin();
	assert_int_equal(queue_finish(&tokens, entry), 1);
	assert_says(tmp_log_end(), "names no batch");
	check_token();
	queue_close(&tokens);
}

static void reject(const char *name, char *entry)
{
	struct batch batch;

	put_batch(at("packets/preprocess/ready"), name, "input");
	assert_int_equal(queue_claim_named(&queue, me, name), 1);
	assert_int_equal(batch_open(&batch, &queue, me, name), 0);
	put_output(&batch, "flows", NULL, name);
	assert_int_equal(queue_reject(&queue, me, name, batch.attempt, "checksum differs"), 1);
	snprintf(entry, ENTRY_SIZE, "%s~%s", name, batch.attempt);
}

static void rejected_goes_to_bad_and_into_the_books(void **state)
{
	char entry[ENTRY_SIZE], *reason;

	reject("a", entry);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_true(stands(at("flows/shard-0/ready/a/data")));
	assert_true(stands(at("packets/preprocess/bad/a/data")));
	reason = nfs_read_file(at("packets/preprocess/bad/a.reason"), NULL);
	assert_string_equal(reason, "checksum differs");
	free(reason);
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
	assert_int_equal(queue_finish(&queue, entry), 0);
}

/* Crash between the reason and the rename. */
static void rejected_is_finished_by_another(void **state)
{
	char entry[ENTRY_SIZE];

	reject("a", entry);
	put_file(at("packets/preprocess/bad/a.reason"), "checksum differs");
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_true(stands(at("packets/preprocess/bad/a/data")));
}

static void requeued_after_reject_is_done_again(void **state)
{
	struct batch batch;
	char entry[ENTRY_SIZE];

	reject("a", entry);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_int_equal(queue_requeue(&queue, "a"), 1);
	assert_int_equal(queue_claim_named(&queue, me, "a+1"), 1);
	assert_int_equal(batch_open(&batch, &queue, me, "a+1"), 0);
	put_output(&batch, "flows", NULL, "a+1");
	assert_int_equal(queue_commit(&queue, me, "a+1", batch.attempt), 1);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_true(stands(at("flows/shard-0/ready/a+1/data")));
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
	assert_int_equal(count_in(at("packets/preprocess/bad")), 0);
}

static void strikes_go_with_the_batch(void **state)
{
	char entry[ENTRY_SIZE];
	int which;

	assert_int_equal(nfs_mkdir(at("state/strikes/packets.preprocess/a")), 0);
	put_file(at("state/strikes/packets.preprocess/a/w1"), "11\n");
	put_file(at("state/strikes/packets.preprocess/a/w2"), "11\n");
	assert_int_equal(queue_strikes(&queue, "a", &which), 2);
	assert_int_equal(which, 11);
	assert_int_equal(queue_strikes(&queue, "b", &which), 0);
	commit("a", entry);
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_false(stands(at("state/strikes/packets.preprocess/a")));
}

static void foreign_entries_are_left(void **state)
{
	assert_int_equal(nfs_mkdir(at("packets/preprocess/done/lost+found")), 0);
	assert_int_equal(nfs_mkdir(at("packets/preprocess/done/~x")), 0);
	put_file(at("packets/preprocess/done/a b~x"), "?");
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_int_equal(count_in(at("packets/preprocess/done")), 3);
}

/* What a link leads to was never handed over: nothing of it is moved or removed. */
static void links_lead_nowhere(void **state)
{
	const char *precious = make_precious();

	assert_int_equal(symlink(precious, at("packets/preprocess/done/a~b.1")), 0);
	put_file(at("packets/preprocess/done/c~d.1"), "a file");
	assert_int_equal(mkfifo(at("packets/preprocess/done/e~f.1"), 0600), 0);
	tmp_log_begin();
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_says(tmp_log_end(), "done/a~b.1 is no committed batch: left alone");
	assert_true(precious_kept());
	assert_int_equal(count_in(at("packets/preprocess/done")), 3);
	assert_int_equal(nfs_mkdir(at("packets/preprocess/done/g~h.1")), 0);
	assert_int_equal(symlink(precious, at("packets/preprocess/done/g~h.1/link")), 0);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_false(stands(at("packets/preprocess/done/g~h.1")));
	assert_true(precious_kept());
}

/* A fenced worker still has a file in its attempt open on another host: ".nfs…" keeps the
 * folder. */
static void litter_waits(void **state)
{
	char entry[ENTRY_SIZE];

	commit("a", entry);
	assert_int_equal(nfs_mkdir(at("packets/preprocess/done/%s/old.1", entry)), 0);
	put_file(at("packets/preprocess/done/%s/old.1/.nfs0001", entry), "open");
	assert_int_equal(queue_finish(&queue, entry), 1);
	assert_true(stands(at("flows/shard-0/ready/a/data")));
	assert_true(stands(at("packets/preprocess/done/%s/old.1/.nfs0001", entry)));
	assert_int_equal(unlink(at("packets/preprocess/done/%s/old.1/.nfs0001", entry)), 0);
	assert_int_equal(queue_finish_all(&queue), 0);
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
}

/* Eight processes finish the same 40 entries at once. */
static void many_finishers_publish_once(void **state)
{
	char entry[ENTRY_SIZE], name[16];
	int status;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "b%02d", i);
		commit(name, entry);
	}
	/* a lock that its thread held at fork() would be held in the child for ever */
	worker_stop(me);
	me = NULL;
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			_exit(finish_all(&queues_spool, "packets/preprocess") < 0);
	for (int i = 0; i < 8; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_in(at("flows/shard-0/ready")), 40);
	assert_int_equal(count_in(at("packets/preprocess/done")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(publishes_and_removes),
		TEST(a_late_finisher_changes_nothing),
		TEST(losers_are_removed),
		TEST(each_reader_has_its_own),
		TEST(a_missing_reader_is_made),
		TEST(retires_inputs),
		TEST(retires_what_another_began),
		TEST(the_next_token_is_last),
		TEST(odd_lines_are_left_out),
		TEST(rejected_goes_to_bad_and_into_the_books),
		TEST(rejected_is_finished_by_another),
		TEST(requeued_after_reject_is_done_again),
		TEST(strikes_go_with_the_batch),
		TEST(foreign_entries_are_left),
		TEST(links_lead_nowhere),
		TEST(litter_waits),
		TEST(many_finishers_publish_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
