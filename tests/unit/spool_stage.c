/* stage.c and start.c: the loop as a process: what it takes, what it rejects, and with what code it
 * ends. */
#include "tests/unit/queues.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "spool/beat.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/stage.h"

/* How the test's stage behaves is in the batch's text. */
static char text_of(const struct batch *batch)
{
	char path[PATH_MAX], *text, first;

	nfs_join(path, batch->path, "data");
	text = nfs_read_file(path, NULL);
	first = text ? *text : 'x';
	free(text);
	return first;
}

static int write_output_as(struct batch *batch, const char *name, const char *text)
{
	struct manifest manifest;
	char folder[PATH_MAX], file[PATH_MAX];

	manifest_init(&manifest, "biflows", name);
	if (batch_begin_output(batch, "biflows", NULL, name, folder) < 0 ||
		nfs_join(file, folder, "data") < 0 ||
		nfs_write_file(file, text, strlen(text)) < 0 ||
		batch_end_output(batch, "biflows", NULL, &manifest, folder) < 0)
		return -1;
	manifest_free(&manifest);
	return 0;
}

static int write_output(struct batch *batch, const char *text)
{
	return write_output_as(batch, batch->name, text);
}

static const struct stage stage;

static enum work_result work(struct stage_run *run, struct batch *batch)
{
	char what = text_of(batch);

	if (what == 'd') /* dies */
		raise(SIGABRT);
	if (what == 'p')
		return WORK_STOP;
	if (what == 't') /* told to stop in the middle */
		raise(SIGTERM);
	if (what == 'l' &&
		count_in(batch->path) == 3) /* lost in the first attempt: data, manifest, attempt */
		steal("flows", "shard-0", worker_name(run->worker));
	if (what == 'b' && write_output_as(batch, "doomed", "never to be seen") < 0)
		return WORK_AGAIN;
	if (what != 'b' && write_output(batch, "done") < 0)
		return WORK_AGAIN;
	if (what == 'b')
		return stage_reject(run, &stage, batch, "the test says %c", what);
	if (what == 'f') {
		errno = ENOSPC;
		return WORK_AGAIN;
	}
	return WORK_DONE;
}

static int rejected(struct stage_run *run, struct batch *batch, const char *reason)
{
	char *text = x_sprintf("rejected %s: %s", batch->manifest.kind, reason);
	int result = strcmp(batch->name, "disputed") ? write_output(batch, text) : -2;

	free(text);
	return result;
}

static bool closed;

static int option(struct stage_run *run, int value, const char *argument)
{
	return value == 7 && strcmp(argument, "right") == 0 ? 0 : MIRA_PERSON;
}

static void close_stage(struct stage_run *run)
{
	closed = true;
}

static const struct option options[] = {{"own", required_argument, NULL, 7}, {0}};

static const struct stage stage = {
	.name = "preprocess",
	.queue = "flows",
	.reader = "shard-0",
	.output = "biflows",
	.summary = "does what the batch says.",
	.options = options,
	.options_help = "  --own right       accepted\n",
	.option = option,
	.work = work,
	.rejected = rejected,
	.close = close_stage,
};

/* Runs the stage as a process; its exit code, or 1000 + the signal that killed it. */
static int run_with(const char *const *arguments)
{
	char *argv[16] = {"mira-preprocess"};
	int argc = 1, status;
	struct rlimit no_core = {0, 0};
	pid_t child;

	for (; arguments[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &no_core);
		optind = 1;
		status = stage_main(&stage, argc, argv);
		fflush(stdout);
		_exit(status);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define RUN(...)                                                                                   \
	run_with((const char *const[]){"--spool", queues_spool.root,                               \
		__VA_ARGS__ __VA_OPT__(, ) NULL})

static void put(const char *name, const char *text)
{
	put_batch(at("flows/shard-0/ready"), name, text);
}

static char *output(const char *name)
{
	static char *text;

	free(text);
	text = nfs_read_file(at("biflows/classify/ready/%s/data", name), NULL);
	return text;
}

/* Nothing of a worker is left, and nothing in work/ and done/. */
static void assert_clean(void)
{
	assert_int_equal(count_in(at("flows/shard-0/ready")), 0);
	assert_int_equal(count_in(at("flows/shard-0/work")), 0);
	assert_int_equal(count_in(at("flows/shard-0/done")), 0);
	assert_int_equal(count_in(at("workers")), 0);
	assert_int_equal(count_in(at("state/strikes/flows.shard-0")), 0);
}

static void drains(void **state)
{
	for (int i = 0; i < 12; i++)
		put((char[]){(char)('a' + i), 0}, "good");
	assert_int_equal(RUN("--own", "right"), 0);
	assert_int_equal(count_in(at("biflows/classify/ready")), 12);
	assert_string_equal(output("c"), "done");
	assert_int_equal(count_in(at("metrics")), 1);
	assert_clean();
}

static void bad_input_is_rejected(void **state)
{
	put("by-stage", "bad");
	put("checksum", "good");
	put_file(at("flows/shard-0/ready/checksum/data"), "evil");
	put("short", "good");
	put_file(at("flows/shard-0/ready/short/data"), "g");
	put("no-file", "good");
	unlink(at("flows/shard-0/ready/no-file/data"));
	put("no-manifest", "good");
	unlink(at("flows/shard-0/ready/no-manifest/manifest.json"));
	put("broken", "good");
	put_file(at("flows/shard-0/ready/broken/manifest.json"), "{");
	put("fine", "good");
	assert_int_equal(RUN(NULL), 0);
	assert_int_equal(count_in(at("biflows/classify/ready")), 7);
	assert_string_equal(output("fine"), "done");
	assert_string_equal(output("by-stage"), "rejected flows: the test says b");
	assert_says(output("checksum"), "rejected flows: data: checksum");
	assert_says(output("short"), "rejected flows: data has 1 bytes");
	assert_string_equal(output("no-file"), "rejected flows: data is missing");
	assert_string_equal(output("no-manifest"), "rejected : manifest.json is missing");
	assert_says(output("broken"), "rejected : manifest.json: ");
	assert_int_equal(count_in(at("flows/shard-0/bad")), 12);
	assert_true(stands(at("flows/shard-0/bad/by-stage/data")));
	assert_true(stands(at("flows/shard-0/bad/by-stage.reason")));
	assert_clean();
}

static void three_strikes_reject(void **state)
{
	put("killer", "d");
	put("fine", "good");
	for (int i = 0; i < QUEUE_STRIKES; i++)
		while (RUN(NULL) == 0)
			fail();
	assert_int_equal(RUN(NULL), 0);
	assert_says(output("killer"),
		"rejected flows: 3 workers died of a signal of their own on it, the last of Abort");
	assert_string_equal(output("fine"), "done");
	assert_true(stands(at("flows/shard-0/bad/killer")));
	assert_clean();
}

/* Reclaimed by somebody while it was worked on: what was made of it is void, and a worker of a new
 * name does it. */
static void a_lost_batch_is_done_by_the_renewed_worker(void **state)
{
	const char *log;

	put("a", "lost");
	put("b", "good");
	tmp_log_begin();
	assert_int_equal(RUN(NULL), 0);
	log = tmp_log_end();
	assert_says(log, "a was taken from us");
	assert_says(log, "was taken for dead; it goes on as");
	assert_string_equal(output("a"), "done");
	assert_string_equal(output("b"), "done");
	assert_clean();
}

static void person_is_needed(void **state)
{
	put("a", "person");
	assert_int_equal(RUN(NULL), 2);
	assert_true(stands(at("flows/shard-0/ready/a/data")));
	assert_int_equal(count_in(at("flows/shard-0/work")), 0);
}

static void a_person_is_needed_to_reject(void **state)
{
	put("disputed", "bad");
	assert_int_equal(RUN("--tries", "2"), 2);
	assert_true(stands(at("flows/shard-0/ready/disputed/data")));
	assert_int_equal(count_in(at("flows/shard-0/bad")), 0);
}

static void full_disk_gives_up_after_a_while(void **state)
{
	const char *log;

	put("a", "full");
	tmp_log_begin();
	assert_int_equal(RUN(NULL), 1);
	log = tmp_log_end();
	assert_says(log, "the file system is full: free space there");
	assert_says(log, queues_spool.root);
	assert_null(strstr(strstr(log, "is full") + 1, "is full"));
	assert_true(stands(at("flows/shard-0/ready/a/data")));
	assert_int_equal(count_in(at("flows/shard-0/work")), 0);
}

static void term_finishes_the_batch(void **state)
{
	for (int i = 0; i < 8; i++)
		put((char[]){(char)('a' + i), 0}, "term");
	assert_int_equal(RUN("--follow"), 0);
	assert_int_equal(count_in(at("biflows/classify/ready")), 1);
	assert_int_equal(count_in(at("flows/shard-0/ready")), 7);
	assert_int_equal(count_in(at("flows/shard-0/work")), 0);
}

static void follow_waits_for_more(void **state)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(RUN("--follow"));
	}
	usleep(300000);
	put("a", "good");
	for (int i = 0; i < 100 && !stands(at("biflows/classify/ready/a")); i++)
		usleep(50000);
	assert_string_equal(output("a"), "done");
	put("b", "term");
	waitpid(child, NULL, 0);
	assert_string_equal(output("b"), "done");
	assert_clean();
}

#define FAR "preprocess.far.00000000000000000000000000000001"

/* The beats of a worker of another host. Not by a thread of this process: RUN forks, and a child
 * would wait for ever for a lock that a thread held at that moment, the allocator's say. */
static pid_t beat_far_away(void)
{
	struct beat far = {.boot_id = "another", .host = "far"};
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; usleep(300000)) {
		far.beat++;
		beat_write(&queues_spool, FAR, &far);
	}
}

/* What the looks of this host say: did the counter change? */
static bool was_seen_to_live(void)
{
	struct beat self = {0};
	char why[FIELD_WHY];
	json_t *looks;
	bool seen;

	beat_self(&self);
	looks = json_read_file(at("state/looks/%s.json", self.boot_id), why);
	seen = json_integer_value(json_object_get(json_object_get(looks, FAR), "changed_ms")) > 0;
	json_decref(looks);
	return seen;
}

/* A worker of another host holds a batch: nothing is known of it yet, so drain waits; then it is
 * seen to live. */
static void drain_ends_when_others_live(void **state)
{
	pid_t other = beat_far_away();

	put_batch(at("flows/shard-0/work/" FAR), "held", "good");
	put("a", "good");
	assert_int_equal(RUN("--drain"), 0);
	assert_true(was_seen_to_live());
	assert_string_equal(output("a"), "done");
	assert_true(stands(at("flows/shard-0/work/" FAR "/held")));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static void options_are_understood(void **state)
{
	const char *log;

	assert_int_equal(run_with((const char *const[]){"--version", NULL}), 0);
	assert_int_equal(run_with((const char *const[]){"--help", NULL}), 0);
	tmp_log_begin();
	assert_int_equal(run_with((const char *const[]){"--drain", NULL}), 2);
	assert_int_equal(RUN("--own", "wrong"), 2);
	assert_int_equal(RUN("stray"), 2);
	assert_int_equal(RUN("--nonsense"), 2);
	assert_int_equal(RUN("--config", "/nowhere/mira.conf"), 2);
	assert_int_equal(run_with((const char *const[]){"--spool", "/proc/none", NULL}), 2);
	log = tmp_log_end();
	assert_says(log, "--spool DIR is missing");
	assert_says(log, "stray\\\" is not understood");
	assert_says(log, "nonsense");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_setup, queues_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(drains),
		TEST(bad_input_is_rejected),
		TEST(three_strikes_reject),
		TEST(person_is_needed),
		TEST(a_person_is_needed_to_reject),
		TEST(full_disk_gives_up_after_a_while),
		TEST(term_finishes_the_batch),
		TEST(follow_waits_for_more),
		TEST(drain_ends_when_others_live),
		TEST(options_are_understood),
		TEST(a_lost_batch_is_done_by_the_renewed_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
