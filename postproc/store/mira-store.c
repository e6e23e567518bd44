/*
 * mira-store: loads batches of verdicts into mira.db, each exactly once. The last stage of the line; reports and whatever else
 * post-processes read what it wrote.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postproc/store/store.h"
#include "postproc/store/store_check.h"
#include "postproc/store/store_upstream.h"
#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/sandbox.h"
#include "spool/stage.h"

static const struct stage stage;
static const char *named; /* --db */

/* In a transaction: a day of windows of five minutes, as most sums are by day; some seconds, and a quarter of a gigabyte of sums
 * in a flood of addresses; each claim looks through what is held. */
#define KEPT_MAX (1u << 21) /* batches and biflows */
#define SUMS_MAX (1u << 20)
#define HELD_MAX 288
#define ALONE	 256 /* batches that get one each after a failure */
/* Batches in the open transaction; batches to be committed one by one. */
static unsigned held, alone;

/* ---- opening ---- */

static int take_option(struct stage_run *run, int value, const char *argument)
{
	if (value == 'k') {
		log_err("--check needs no spool, and is alone with --db or --config");
		return MIRA_PERSON;
	}
	named = argument;
	return MIRA_OK;
}

/* A spool that knows its store must find that one again: an empty file made in its place would look like a loss. */
static int check_present(const struct stage_run *run, const char *path)
{
	if (!run->spool.store[0] || access(path, F_OK) == 0 || errno != ENOENT)
		return MIRA_OK;
	log_err("there is no store %s, but spool %s has filled one (identity %s): bring it back, or name it with --db",
		path, run->spool.root, run->spool.store);
	return MIRA_PERSON;
}

/* Where the store is, for `mira balance --spool`: a hint, so a failure only costs that. */
static void leave_path(const struct spool *spool, const char *path)
{
	char whole[PATH_MAX], hint[PATH_MAX];

	if (!realpath(path, whole) || nfs_write_file(spool_path(spool, hint, "state/store.path"),
					      whole, strlen(whole)) < 0)
		log_warn("cannot leave the path of %s in spool %s: %m", path, spool->root);
}

static const char *path_of(const struct stage_run *run)
{
	return named ? named : run->config.store;
}

/* SQLite's journal stands beside the database, and so do its temporary files then. */
static void confine(const struct stage_run *run, struct sandbox *sandbox)
{
	char folder[PATH_MAX];

	if (!*path_of(run))
		return;
	sandbox_folder_of(sandbox, path_of(run), true);
	snprintf(folder, sizeof(folder), "%s", path_of(run));
	setenv("SQLITE_TMPDIR", dirname(folder), 1);
}

static int open_store(struct stage_run *run)
{
	const char *path = path_of(run);
	struct store *store;
	int code;

	if (!*path) {
		log_err("no store is named: give --db FILE, or set store in mira.conf");
		return MIRA_PERSON;
	}
	code = check_present(run, path);
	if (code)
		return code;
	store = store_open(path, run->spool.durable, &code);
	if (!store)
		return code;
	code = store_join(store, &run->spool);
	if (!code)
		code = store_inside(store, &run->config);
	if (code) {
		store_close(store);
		return code;
	}
	leave_path(&run->spool, path);
	run->own = store;
	run->queue.spread =
		1; /* one reader: nobody to make room for, and numbers come in their order */
	return MIRA_OK;
}

static void close_store(struct stage_run *run)
{
	store_close(run->own);
}

/* ---- loading ---- */

/* 1: more to come; 0: end; -1: the database or the file's machine; -2: a bad file, WHY; -3: a person. */
static int load_record(struct stage_run *run, struct record_reader *reader, char *why, size_t size)
{
	struct store *store = run->own;
	union record record;
	int got = record_next(reader, &record), result = 0;

	if (got == RECORD_LEDGER)
		result = store_add_ledger(store, &record.ledger);
	else if (got == RECORD_BIFLOW)
		result = store_add_biflow(store, &record.biflow);
	else if (got == RECORD_FLOW)
		return snprintf(why, size, "it holds flows"), -2;
	if (got == -2)
		snprintf(why, size, "%s", record_why());
	if (got <= 0)
		return got;
	run->progress.records++;
	return result == -2 ? -3 : result == -1 ? -1 : 1;
}

static int load_file(struct stage_run *run, const struct batch *batch,
	const struct segment *segment, char *why, size_t size)
{
	struct record_reader *reader = record_open_segment(batch->path, segment);
	int result = 1;

	if (!reader)
		return -1;
	while (result == 1)
		result = load_record(run, reader, why, size);
	record_close(reader);
	return result;
}

static int load_files(struct stage_run *run, const struct batch *batch, char *why, size_t size)
{
	int result = 0;

	for (size_t i = 0; i < batch->manifest.segment_count && !result; i++) {
		result = load_file(run, batch, &batch->manifest.segments[i], why, size);
		if (!result)
			run->progress.bytes += batch->manifest.segments[i].bytes;
	}
	return result;
}

static int elsewhere(void *own, const char *shard, uint64_t number)
{
	const struct spool *spool = own;
	int found = store_upstream(spool, shard, number);

	/* A folder that moved while it was looked for: once more before a person is called. */
	for (int i = 0; i < 3 && !found && !stage_stopping(); i++) {
		sleep(1);
		found = store_upstream(spool, shard, number);
	}
	return found;
}

/* What was kept goes, too; the next time nothing is lost but what failed. */
static void give_up(struct store *store)
{
	store_rollback(store);
	if (held)
		alone = ALONE;
	held = 0;
}

/*
 * The database failed. Batches that were kept with this one are tried one by one, so that one alone is to blame; then 5 tries by the
 * loop when it is the disk, a person otherwise.
 */
static enum work_result failed(struct store *store)
{
	bool together = held > 0;

	give_up(store);
	if (together)
		return WORK_REDO;
	log_err("%s", store_error(store));
	errno = store_errno(store);
	return errno ? WORK_AGAIN : WORK_STOP;
}

static enum work_result commit(struct store *store)
{
	if (store_commit(store))
		return failed(store);
	held = 0;
	return WORK_DONE;
}

static bool may_hold(const struct store *store)
{
	return !alone && held < HELD_MAX - 1 && store_kept(store) < KEPT_MAX &&
	       store_sums(store) < SUMS_MAX;
}

/* A commit for many batches costs little more than one for each, as hosts and names come again in every window. */
static enum work_result keep(struct store *store)
{
	if (store_keep(store))
		return failed(store);
	if (may_hold(store)) {
		held++;
		return WORK_HELD;
	}
	alone -= alone > 0;
	return commit(store);
}

static int settle(struct stage_run *run)
{
	struct store *store = run->own;

	if (store_commit(store) == 0) {
		held = 0;
		return 0;
	}
	log_err("%s", store_error(store));
	give_up(store);
	errno = store_errno(store) ? store_errno(store) : EIO;
	return -1;
}

/* Aggregates may have changed, and with them what is inside. */
static int reload(struct stage_run *run, const struct config *fresh)
{
	return store_inside(run->own, fresh);
}

/* False: the name says neither number nor shard. */
static bool begin(struct stage_run *run, const struct batch *batch, enum store_turn *turn)
{
	char shard[NAME_PART_MAX + 1];
	uint64_t number;

	if (!store_batch_parse(batch->name, &number, shard))
		return false;
	*turn = store_begin(run->own, batch->name, shard, number, elsewhere, &run->spool);
	return true;
}

static enum work_result refuse_turn(struct stage_run *run, const struct batch *batch,
	enum store_turn turn)
{
	struct store *store = run->own;
	char why[PATH_MAX + 256];

	if (turn == STORE_KNOWN) {
		log_info("%s was loaded before", batch->name);
		return commit(store);
	}
	if (turn == STORE_FAILED)
		return failed(store);
	/* What came before it is sound. */
	snprintf(why, sizeof(why), "%s", store_error(store));
	if (commit(store) != WORK_DONE)
		return WORK_REDO;
	log_err("cannot load %s: %s; nothing was changed. Was a folder of the spool removed, or an older copy of the store"
		" put in place?",
		batch->name, why);
	return WORK_STOP;
}

static enum work_result load(struct stage_run *run, struct batch *batch)
{
	struct store *store = run->own;
	enum store_turn turn;
	char why[256] = "";
	int result;

	if (!begin(run, batch, &turn))
		return stage_reject(run, &stage, batch,
			"its name is not that of a batch of verdicts");
	if (turn != STORE_LOAD)
		return refuse_turn(run, batch, turn);
	result = load_files(run, batch, why, sizeof(why));
	if (!result)
		return keep(store);
	if (result == -1 && !*store_error(store)) {
		int error = errno; /* of reading the batch */

		give_up(store);
		errno = error;
		return WORK_AGAIN;
	}
	if (result != -2)
		return failed(store);
	give_up(store);
	return stage_reject(run, &stage, batch, "%s", why);
}

/* The number of a batch that cannot be read is used up, or it would be missed for ever; the balance shows what is lacking. */
static int note_rejected(struct stage_run *run, struct batch *batch, const char *reason)
{
	struct store *store = run->own;
	enum store_turn turn;

	if (!begin(run, batch, &turn) || turn == STORE_KNOWN)
		return 0;
	if (turn == STORE_LOAD && store_reject(store, reason) == 0) {
		held = 0; /* they were committed with it */
		FAULT("store-rejected");
		return 0;
	}
	if (turn == STORE_GAP || turn == STORE_CLASH) {
		errno = EAGAIN;
		return refuse_turn(run, batch, turn) == WORK_STOP ? -2 : -1;
	}
	log_err("cannot note that %s is rejected: %s", batch->name, store_error(store));
	give_up(store);
	errno = store_errno(store) ? store_errno(store) : EIO;
	return -1;
}

/* ---- without a spool ---- */

static int check(const char *path)
{
	sqlite3 *db;
	int code = store_open_read(path, &db), failed;

	if (code)
		return code;
	failed = store_check(db, stdout);
	if (failed < 0)
		log_err("cannot read the store %s: %s", path, sqlite3_errmsg(db));
	else if (failed)
		printf("\nThe store contradicts itself: bring back a copy, or load its verdicts anew.\n");
	else
		printf("\nThe store is sound.\n");
	sqlite3_close(db);
	if (!fflush(stdout) && !ferror(stdout))
		return failed < 0 ? MIRA_AGAIN : failed ? MIRA_PERSON : MIRA_OK;
	log_err("cannot write to standard output: %m");
	return MIRA_AGAIN;
}

static int check_main(int argc, char **argv)
{
	static const struct option words[] = {{"check", no_argument, NULL, 'k'},
		{"db", required_argument, NULL, 'd'}, {"config", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}};
	const char *file = NULL;
	struct config config;
	char path[PATH_MAX];
	int option, code;

	log_open("mira-store");
	while ((option = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (option == 'd')
			named = optarg;
		else if (option == 'c')
			file = optarg;
		else if (option == '?')
			return MIRA_PERSON;
	}
	config_find(file, path);
	code = config_load(&config, path);
	if (code)
		return code;
	if (!named && !*config.store) {
		log_err("no store is named: give --db FILE, or set store in mira.conf");
		code = MIRA_PERSON;
	} else {
		code = check(named ? named : config.store);
	}
	config_free(&config);
	return code;
}

static bool asks_for_check(int argc, char **argv)
{
	bool check_is_there = false, spool_is_there = false;

	for (int i = 1; i < argc; i++) {
		check_is_there |= !strcmp(argv[i], "--check");
		spool_is_there |= !strncmp(argv[i], "--spool", 7);
	}
	return check_is_there && !spool_is_there;
}

static const struct option options[] = {{"db", required_argument, NULL, 'd'},
	{"check", no_argument, NULL, 'k'}, {NULL, 0, NULL, 0}};

static const struct stage stage = {
	.name = "store",
	.queue = "verdicts",
	.reader = "store",
	.summary = "loads verdicts into a database (SQLite), each batch exactly once.",
	.options = options,
	.options_help =
		"  --db FILE         the database (default: store in mira.conf)\n"
		"  --check           instead, without --spool: read all of the database, and compare what stands there twice\n",
	.option = take_option,
	.confine = confine,
	.open = open_store,
	.reload = reload,
	.work = load,
	.settle = settle,
	.rejected = note_rejected,
	.close = close_store,
};

int main(int argc, char **argv)
{
	if (asks_for_check(argc, argv))
		return check_main(argc, argv);
	return stage_main(&stage, argc, argv);
}
