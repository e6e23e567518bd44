/*
 * queue-race.c: the hand-over as it is meant to fail. Processes capture, copy and merge batches of
 * one line each; they die at random fault points, of their own signals, or stand still while others
 * take their batches and then go on. In the end every line must have arrived exactly once.
 *
 *	queue-race SPOOL BATCHES      prints TAP
 *
 *	capture ──▶ packets ── copy ×3 ──▶ flows ── merge ×2, by the token ──▶ biflows
 *
 * The line of a batch is its name; some are rejected by the stage, some kill whoever works on them.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool/beat.h"
#include "spool/capstate.h"
#include "spool/fault.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/stage.h"

#define RUN_ID	"0123456789abcdef0123456789abcdef"
#define AT_ONCE 8 /* inputs a token takes */

static struct spool spool;
static struct config config;
static const char *root;
static uint64_t batches;

static bool is_rejected(uint64_t seq)
{
	return seq % 37 == 5;
}

static bool is_killer(uint64_t seq)
{
	return seq % 149 == 50;
}

static void batch_name(uint64_t seq, char *out)
{
	struct batchname name = {.start_us = 1795257780000000 + seq,
		.probe = "p",
		.stream = "all",
		.seq = seq};

	strcpy(name.run, RUN_ID);
	batchname_format(&name, out, NAME_MAX + 1);
}

/* One file with TEXT in it, as an output of BATCH. */
static int write_output(struct batch *batch, const char *queue, const char *reader,
	struct manifest *manifest, const char *text)
{
	char folder[PATH_MAX], file[PATH_MAX];
	int result = -1;

	if (batch_begin_output(batch, queue, reader, manifest->name, folder) == 0 &&
		nfs_join(file, folder, "line") == 0 &&
		nfs_write_file(file, text, strlen(text)) == 0)
		result = batch_end_output(batch, queue, reader, manifest, folder);
	manifest_free(manifest);
	return result;
}

/* ---- capture ---- */

static void packets_manifest(struct manifest *manifest, uint64_t seq, const char *name)
{
	manifest_init(manifest, "packets", name);
	strcpy(manifest->probe, "p");
	strcpy(manifest->stream, "all");
	strcpy(manifest->run, RUN_ID);
	manifest->seq = seq;
	manifest->sampling = 1;
	manifest->counts = (struct counts){.seen = 1, .captured = 1};
	manifest->cumulative = (struct counts){.seen = seq + 1, .captured = seq + 1};
}

static int capture_one(const struct worker *worker, struct capstate *state)
{
	uint64_t seq = state->next_seq;
	struct manifest manifest;
	struct batch batch;
	char name[NAME_MAX + 1];

	batch_name(seq, name);
	packets_manifest(&manifest, seq, name);
	if (batch_create(&batch, &spool, worker, name) < 0)
		return -1;
	FAULT("segment");
	if (write_output(&batch, "packets", NULL, &manifest, name) < 0)
		return -1;
	state->next_seq = seq + 1;
	strcpy(state->batch, name);
	if (capstate_write(&spool, state) < 0)
		return -1;
	FAULT("state");
	return batch_publish(&batch, worker) == 1 ? 0 : -1;
}

static int capture(void)
{
	struct worker *worker = worker_start(&spool, "capture");
	struct capstate state = {.probe = "p", .stream = "all", .run = RUN_ID};
	int result;

	if (!worker || capstate_read(&spool, "p", "all", &state) < 0)
		return 1;
	snprintf(state.worker, sizeof(state.worker), "%s", worker_name(worker));
	if (capstate_claim(&spool, state.worker, "p", "all") < 0)
		return 1;
	result = batch_recover(&spool, worker, "p", "all", state.batch);
	while (result >= 0 && state.next_seq < batches)
		result = capture_one(worker, &state);
	batch_leave(&spool, worker);
	worker_stop(worker);
	return result < 0;
}

/* ---- copy ---- */

static const struct stage copy_stage;

static enum work_result copy_batch(struct stage_run *run, struct batch *batch)
{
	struct manifest manifest;

	usleep((unsigned)rand() % 3000);
	if (is_killer(batch->manifest.seq))
		raise(SIGABRT);
	manifest_init(&manifest, "flows", batch->name);
	if (write_output(batch, "flows", "shard-0", &manifest, batch->name) < 0)
		return WORK_AGAIN;
	/* after its outputs were staged, so these must not appear */
	if (is_rejected(batch->manifest.seq))
		return stage_reject(run, &copy_stage, batch, "its seq is %" PRIu64,
			batch->manifest.seq);
	return WORK_DONE;
}

static int copy_rejected(struct stage_run *run, struct batch *batch, const char *reason)
{
	struct manifest manifest;
	char *text = x_sprintf("%s rejected", batch->name);
	int result;

	manifest_init(&manifest, "flows", batch->name);
	result = write_output(batch, "flows", "shard-0", &manifest, text);
	free(text);
	return result;
}

static const struct stage copy_stage = {.name = "preprocess",
	.queue = "packets",
	.reader = "preprocess",
	.output = "flows",
	.summary = "copies.",
	.work = copy_batch,
	.rejected = copy_rejected};

static int copy(void)
{
	char *argv[] = {"mira-preprocess", "--spool", (char *)(uintptr_t)root, NULL};

	srand((unsigned)getpid());
	return stage_main(&copy_stage, 3, argv);
}

/* ---- merge ---- */

static char *read_line_of(const char *queue, const char *reader, const char *name)
{
	char path[PATH_MAX];

	return nfs_read_file(spool_path(&spool, path, "%s/%s/ready/%s/line", queue, reader, name),
		NULL);
}

/* The lines of up to AT_ONCE inputs, a line each; NAMES is cut to those. */
static char *gather(struct namelist *names)
{
	char *all = x_strdup(""), *line, *more;

	while (names->count > AT_ONCE)
		free(names->names[--names->count]);
	for (size_t i = 0; i < names->count; i++) {
		line = read_line_of("flows", "shard-0", names->names[i]);
		more = x_sprintf("%s%s\n", all, line ? line : "unreadable");
		free(line);
		free(all);
		all = more;
	}
	return all;
}

static int merge_into(struct batch *token, uint64_t number, struct namelist *names)
{
	struct manifest manifest;
	char name[64], *lines = gather(names);
	int result;

	snprintf(name, sizeof(name), "b-%06" PRIu64, number);
	manifest_init(&manifest, "biflows", name);
	manifest.number = number;
	result = write_output(token, "biflows", NULL, &manifest, lines);
	free(lines);
	snprintf(name, sizeof(name), "token-%06" PRIu64, number + 1);
	manifest_init(&manifest, "state", name);
	if (result == 0)
		result = write_output(token, "state", "shard-0", &manifest, name);
	return result == 0 ? batch_retire(token, "flows", "shard-0", names) : result;
}

/* 1 merged, 0 nothing to merge or somebody else has the token, -1 error. */
static int merge_once(struct queue *tokens, struct queue *flows, const struct worker *worker)
{
	struct namelist names;
	struct batch token;
	char name[NAME_MAX + 1];
	int result;

	if (queue_finish_all(tokens) < 0 || queue_reclaim(tokens, worker) < 0)
		return -1;
	result = queue_claim(tokens, worker, name);
	if (result < 1)
		return result;
	if (queue_ready(flows, &names) < 0)
		return -1;
	if (names.count == 0)
		return queue_release(tokens, worker, name) < 0 ? -1 : 0;
	if (batch_open(&token, tokens, worker, name) < 0)
		return -1;
	result = merge_into(&token, strtoull(name + strlen("token-"), NULL, 10), &names);
	namelist_free(&names);
	if (result < 0)
		return -1;
	result = queue_commit(tokens, worker, name, token.attempt);
	return result == 1 && queue_finish_all(tokens) < 0 ? -1 : result;
}

static int merge(void)
{
	struct worker *worker = worker_start(&spool, "consolidate");
	struct queue tokens, flows;
	int idle = 0, result;

	if (!worker || queue_open(&tokens, &spool, "state", "shard-0") < 0 ||
		queue_open(&flows, &spool, "flows", "shard-0") < 0)
		return 1;
	while (idle < 3) {
		result = merge_once(&tokens, &flows, worker);
		if (result < 0 && errno == ESTALE)
			result = worker_rename(worker) < 0 ? -1 : 1;
		idle = result == 1 ? 0 : idle + 1;
		if (idle)
			usleep(20000);
	}
	queue_release_all(&tokens, worker);
	queue_close(&tokens);
	queue_close(&flows);
	worker_stop(worker);
	return 0;
}

/* ---- the race ---- */

static const struct role {
	int (*run)(void);
	const char *points[12];
} capture_role = {capture,
	{"segment", "output", "state", "commit", "committed", "finish", "moved", "removed"}},
  copy_role = {copy, {"claimed", "working", "output", "commit", "committed", "finish", "moved",
			     "removed", "reclaim"}},
  merge_role = {merge,
	  {"claimed", "output", "commit", "committed", "finish", "moved", "removed", "reclaim"}};

static struct seat {
	const struct role *role;
	pid_t pid;
	unsigned passes; /* a fault comes within so many */
	bool done;
} seats[] = {{&capture_role, 0, 24, false}, {&copy_role, 0, 10, false}, {&copy_role, 0, 10, false},
	{&copy_role, 0, 10, false}, {&merge_role, 0, 5, false}, {&merge_role, 0, 5, false}};
#define SEATS (sizeof(seats) / sizeof(*seats))

static unsigned killed, aborted, stolen;

static void seat_process(struct seat *seat, bool faults)
{
	const struct rlimit no_core = {0, 0};
	size_t points = 0;
	char fault[64];

	while (seat->role->points[points])
		points++;
	snprintf(fault, sizeof(fault), "%s:%u", seat->role->points[(size_t)rand() % points],
		1 + (unsigned)rand() % seat->passes);
	seat->pid = fork();
	if (seat->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (faults)
		setenv("MIRA_FAULT", fault, 1);
	_exit(seat->role->run());
}

static void count_death(struct seat *seat, int status)
{
	seat->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		killed++;
	else if (WIFSIGNALED(status))
		aborted++;
	else if (seat->role == &capture_role && WEXITSTATUS(status) == 0)
		seat->done = true;
}

static void collect(void)
{
	int status;

	for (size_t i = 0; i < SEATS; i++)
		if (seats[i].pid && waitpid(seats[i].pid, &status, WNOHANG) == seats[i].pid)
			count_death(&seats[i], status);
}

/* Takes what WORKER holds, as one does who thinks it dead. */
static bool take_from(const char *where, const char *worker)
{
	char work[PATH_MAX], ready[PATH_MAX];
	struct namelist names;
	bool any = false;

	spool_path(&spool, work, "%s/work/%s", where, worker);
	spool_path(&spool, ready, "%s/ready", where);
	do {
		if (nfs_list(work, &names) < 0)
			return any;
		for (size_t i = 0; i < names.count; i++)
			any |= nfs_move(work, names.names[i], ready, names.names[i]) == 1;
		namelist_free(&names);
	} while (nfs_rmdir(work) < 0 && errno == ENOTEMPTY);
	return any;
}

static bool is_seated(pid_t pid)
{
	for (size_t i = 0; i < SEATS; i++)
		if (seats[i].pid == pid)
			return true;
	return false;
}

/* Stops a worker wherever it is, gives its batches away, and lets it go on as if nothing had
 * been. */
static void steal_somewhere(const char *where)
{
	char path[PATH_MAX];
	struct namelist workers;
	struct beat beat;
	const char *worker;

	if (nfs_list(spool_path(&spool, path, "%s/work", where), &workers) < 0)
		return;
	worker = workers.count ? workers.names[(size_t)rand() % workers.count] : NULL;
	if (worker && beat_read(&spool, worker, &beat) == 1 && is_seated((pid_t)beat.pid) &&
		kill((pid_t)beat.pid, SIGSTOP) == 0) {
		stolen += take_from(where, worker);
		usleep((unsigned)rand() % 20000);
		kill((pid_t)beat.pid, SIGCONT);
	}
	namelist_free(&workers);
}

static void make_token(void)
{
	struct manifest manifest;
	char path[PATH_MAX];

	spool_path(&spool, path, "state/shard-0/made/token-000001");
	manifest_init(&manifest, "state", "token-000001");
	if (nfs_mkdir(path) < 0 || manifest_write(&manifest, path) < 0)
		die(MIRA_AGAIN, "%s: %s", path, strerror(errno));
	*strrchr(path, '/') = '\0';
	nfs_move(path, "token-000001",
		spool_path(&spool, (char[PATH_MAX]){0}, "state/shard-0/ready"), "token-000001");
	nfs_rmdir(path);
}

static size_t entries(const char *where)
{
	char path[PATH_MAX];
	struct namelist names;
	size_t count;

	if (nfs_list(spool_path(&spool, path, "%s", where), &names) < 0)
		return 0;
	count = names.count;
	namelist_free(&names);
	return count;
}

static bool is_over(void)
{
	return seats[0].done && entries("packets/preprocess/ready") +
						entries("packets/preprocess/work") +
						entries("packets/preprocess/done") +
						entries("flows/shard-0/ready") ==
					0;
}

static void race(time_t limit_s)
{
	time_t until = time(NULL) + limit_s;

	while (!is_over() && time(NULL) < until) {
		collect();
		for (size_t i = 0; i < SEATS; i++)
			if (!seats[i].pid && !seats[i].done)
				seat_process(&seats[i], rand() % 8 != 0);
		if (rand() % 4 == 0)
			steal_somewhere(rand() % 3 ? "packets/preprocess" : "state/shard-0");
		usleep(5000);
	}
	for (size_t i = 0; i < SEATS; i++)
		if (seats[i].pid) {
			kill(seats[i].pid, SIGKILL);
			waitpid(seats[i].pid, NULL, 0);
			seats[i].pid = 0;
		}
}

/* One process a stage, without faults, until it ends by itself; killers take three more. */
static void settle(void)
{
	static const int order[] = {0, 1, 4};
	int status;

	for (size_t i = 0; i < 3; i++) {
		do {
			seat_process(&seats[order[i]], false);
			waitpid(seats[order[i]].pid, &status, 0);
		} while (WIFSIGNALED(status));
		seats[order[i]].pid = 0;
	}
}

/* ---- what must hold then ---- */

static unsigned tests;

static void ok(bool holds, const char *what, uint64_t figure)
{
	printf("%sok %u - %s (%" PRIu64 ")\n", holds ? "" : "not ", ++tests, what, figure);
}

/* How often each seq stands in the biflows; REJECTED of them in ways that were not due. */
static void count_lines(unsigned *seen, uint64_t *wrong)
{
	char path[PATH_MAX], *text, *save;
	struct batchname parts;
	struct namelist names;

	if (nfs_list(spool_path(&spool, path, "biflows/classify/ready"), &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		text = read_line_of("biflows", "classify", names.names[i]);
		for (char *line = strtok_r(text, "\n", &save); line;
			line = strtok_r(NULL, "\n", &save)) {
			char *blank = strchr(line, ' ');

			if (blank)
				*blank = '\0';
			if (!batchname_parse(line, &parts) || parts.seq >= batches ||
				!!blank != (is_rejected(parts.seq) || is_killer(parts.seq)))
				++*wrong;
			else
				seen[parts.seq]++;
		}
		free(text);
	}
	namelist_free(&names);
}

static uint64_t count_bad(void)
{
	char path[PATH_MAX], name[NAME_MAX + 1], reason[2 * NAME_MAX];
	uint64_t wrong = 0, due = 0;
	struct namelist names;

	if (nfs_list(spool_path(&spool, path, "packets/preprocess/bad"), &names) < 0)
		return 1;
	for (uint64_t seq = 0; seq < batches; seq++) {
		if (!is_rejected(seq) && !is_killer(seq))
			continue;
		batch_name(seq, name);
		snprintf(reason, sizeof(reason), "%s.reason", name);
		wrong += !namelist_has(&names, name) + !namelist_has(&names, reason);
		due += 2;
	}
	wrong += names.count > due ? names.count - due : 0;
	namelist_free(&names);
	return wrong;
}

/* Numbers of the commits of the shard, without a gap, and the one token that follows them. */
static bool is_token_last(void)
{
	uint64_t commits = entries("biflows/classify/ready");
	char path[PATH_MAX], name[64];

	snprintf(name, sizeof(name), "token-%06" PRIu64, commits + 1);
	if (nfs_has(spool_path(&spool, path, "state/shard-0/ready"), name) != 1)
		return false;
	snprintf(name, sizeof(name), "b-%06" PRIu64, commits);
	return nfs_has(spool_path(&spool, path, "biflows/classify/ready"), name) == 1 &&
	       entries("state/shard-0/ready") == 1;
}

static void judge(void)
{
	static const char *const empty[] = {"capture/tmp", "capture/done",
		"packets/preprocess/ready", "packets/preprocess/work", "packets/preprocess/done",
		"flows/shard-0/ready", "flows/shard-0/done", "state/shard-0/work",
		"state/shard-0/done", "state/strikes/packets.preprocess"};
	unsigned *seen = x_calloc(batches, sizeof(*seen));
	uint64_t missing = 0, twice = 0, wrong = 0;

	count_lines(seen, &wrong);
	for (uint64_t seq = 0; seq < batches; seq++) {
		missing += seen[seq] == 0;
		twice += seen[seq] > 1;
	}
	free(seen);
	ok(missing == 0, "no batch is missing", missing);
	ok(twice == 0, "no batch came twice", twice);
	ok(wrong == 0, "nothing came that should not", wrong);
	wrong = count_bad();
	ok(wrong == 0, "bad/ holds the rejected ones and their reasons", wrong);
	ok(is_token_last(), "the commits of the shard are numbered without a gap",
		entries("biflows/classify/ready"));
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		ok(entries(empty[i]) == 0, empty[i], entries(empty[i]));
}

int main(int argc, char **argv)
{
	unsigned seed = (unsigned)time(NULL);

#ifndef MIRA_FAULTS
	printf("1..0 # SKIP built without fault points (make FAULTS=1)\n");
	return 0;
#endif
	if (argc < 3)
		die(MIRA_PERSON, "usage: queue-race SPOOL BATCHES [SEED]");
	log_open("queue-race");
	root = argv[1];
	batches = strtoull(argv[2], NULL, 10);
	seed = argc > 3 ? (unsigned)atoi(argv[3]) : seed;
	printf("# seed %u\n", seed);
	srand(seed);
	config_load(&config, "");
	if (spool_open(&spool, root, &config, false) != 0)
		return MIRA_AGAIN;
	fflush(stdout);
	make_token();
	race(120);
	settle();
	ok(killed >= batches / 10, "processes were killed at fault points", killed);
	ok(stolen >= batches / 40, "batches were taken from workers that went on", stolen);
	ok(aborted >= 1, "workers died of signals of their own", aborted);
	judge();
	printf("1..%u\n", tests);
	return 0;
}
