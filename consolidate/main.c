/*
 * mira-consolidate: partial flows of all probes become biflows, window by window. Manual page: mira-consolidate(8).
 *
 * Between preprocess, which writes a batch of flows for each batch of packets, and classify, which gives biflows a
 * verdict. One process at a time works on the shard: the one that holds its token (token.c). In turns it takes what stands
 * in flows/shard-0/ready into the books (scan.c, ledger.c), and closes the windows that are complete (publish.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consolidate/ledger.h"
#include "consolidate/shard.h"
#include "spool/litter.h"
#include "spool/log.h"
#include "spool/metrics.h"
#include "spool/notify.h"
#include "spool/pressure.h"
#include "spool/watch.h"

#define POLL_MS	  500
#define HOUSE_S	  5 /* between two looks at what others left */
#define EXPIRE_S  3600
#define ROWS_S	  10  /* ledger rows wait so long for a window to close */
#define ROWS_MANY 256 /* or until there are so many */
#define PATIENCE  5   /* looks for a token that is on its way */

enum turn {
	TURN_WORKED, /* something was published: there may be more */
	TURN_IDLE,   /* nothing more can be closed */
	TURN_WAIT,   /* the readers are behind */
	TURN_AGAIN,  /* what stands in memory is void: read the token and look again */
	TURN_LOST,   /* the token is not ours */
	TURN_FAILED, /* the machine; errno */
	TURN_PERSON,
};

/* When to do what; CLOCK_BOOTTIME in seconds. */
struct times {
	uint64_t house_s, expire_s, commit_s;
	unsigned missing; /* looks in a row at which nobody had the token */
};

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static bool is_due(uint64_t *at_s, unsigned every_s)
{
	uint64_t now = now_s();

	if (*at_s && now < *at_s)
		return false;
	*at_s = now + every_s;
	return true;
}

/* What others left: a committed token that was not finished, a token of the dead. */
static int keep_house(struct shard *shard, struct times *times)
{
	struct stage_run *run = shard->run;

	if (shard->token[0] && !is_due(&times->house_s, HOUSE_S))
		return 0;
	if (is_due(&times->expire_s, EXPIRE_S)) {
		metrics_expire(&run->spool, run->worker, "consolidate");
		litter_expire(&run->spool, run->worker);
		if (queue_expire_bad(&run->queue, run->worker, run->config.bad_days) < 0)
			return -1;
	}
	metrics_write(&run->spool, run->worker, "consolidate", &run->progress);
	if (queue_finish_all(&shard->tokens) < 0 || queue_finish_all(&run->queue) < 0)
		return -1;
	pressure_trim(&run->spool, &run->config, run->worker, "biflows");
	return queue_reclaim(&shard->tokens, run->worker) < 0 ? -1 : 0;
}

/* Ledger rows need no window to be published; but each commit costs, so in a live line they gather. */
static bool rows_due(const struct shard *shard, const struct times *times, uint64_t limit_ms)
{
	if (!shard->state.changed)
		return false;
	return !shard->run->follow || limit_ms == LEDGER_OPEN_END ||
	       shard->state.row_count >= ROWS_MANY || now_s() >= times->commit_s + ROWS_S;
}

static int look(struct shard *shard)
{
	int result = scan(shard);

	if (!result && (result = delay_look(shard)) == 1)
		result = scan(shard);
	return result;
}

static enum turn of_publish(enum publish_result result)
{
	switch (result) {
	case PUBLISH_DONE: return TURN_WORKED;
	case PUBLISH_LOST: return TURN_LOST;
	case PUBLISH_ERROR: return TURN_FAILED;
	case PUBLISH_PERSON: return TURN_PERSON;
	case PUBLISH_AGAIN: break;
	}
	return TURN_AGAIN;
}

/* One look at the inputs, and the commits that follow from it. */
static enum turn take_turn(struct shard *shard, struct times *times)
{
	enum turn turn = TURN_WORKED;
	int looked = look(shard), commits = 0;

	if (looked)
		return looked == -1 ? TURN_FAILED : TURN_PERSON;
	shard_tell_held(shard, ledger_limit(&shard->state));
	while (turn == TURN_WORKED && !stage_stopping()) {
		uint64_t limit_ms = ledger_limit(&shard->state);

		if (!publish_due(shard, limit_ms) && !rows_due(shard, times, limit_ms))
			return commits ? TURN_WORKED : TURN_IDLE;
		if (pressure_high(&shard->run->spool, &shard->run->config, "consolidate", "biflows",
			    NULL))
			return TURN_WAIT;
		turn = of_publish(publish(shard, limit_ms));
		times->commit_s = now_s();
		commits++;
	}
	return turn;
}

/* Nobody dead holds the token, and it is not ours: somebody works, or it is between two folders just now. */
static int without_token(struct shard *shard, struct times *times)
{
	int held = queue_held_by_others(&shard->tokens, shard->run->worker);

	times->missing = held ? 0 : times->missing + 1;
	notify_progress(&shard->run->progress, "another process consolidates this shard");
	if (held < 0)
		return stage_machine_error(shard->run, errno, "find the token") ? -1 : MIRA_AGAIN;
	if (!shard->run->follow && times->missing >= PATIENCE) {
		log_info("another worker consolidates this shard: nothing to do here");
		return MIRA_OK;
	}
	watch_wait(shard->run->watch, held || shard->run->follow ? POLL_MS : POLL_MS / 5);
	return -1;
}

/* After an error what stands in memory is worth nothing: the token is read again. */
static int failed(struct shard *shard)
{
	int error = errno;

	token_release(shard);
	return stage_machine_error(shard->run, error, "consolidate") ? -1 : MIRA_AGAIN;
}

/* One round; returns an exit code, or -1: go on. */
static int round_once(struct shard *shard, struct times *times)
{
	int taken = 1;

	if (keep_house(shard, times) < 0)
		return failed(shard);
	if (!shard->token[0])
		taken = token_take(shard);
	if (taken == 0)
		return without_token(shard, times);
	if (taken < 0)
		return taken == -1 ? failed(shard) : MIRA_PERSON;
	times->missing = 0;
	switch (take_turn(shard, times)) {
	case TURN_WORKED: break;
	case TURN_AGAIN: token_release(shard); break;
	case TURN_PERSON: return MIRA_PERSON;
	case TURN_FAILED: return failed(shard);
	case TURN_LOST:
		log_warn("the token was taken from us, who were thought dead; beginning again with "
			 "what it says now");
		shard->token[0] = '\0';
		break;
	case TURN_IDLE:
		if (!shard->run->follow)
			return MIRA_OK;
		/* fall through */
	case TURN_WAIT: watch_wait(shard->run->watch, POLL_MS);
	}
	notify_progress(&shard->run->progress, NULL);
	stage_recovered(shard->run);
	return -1;
}

static int option(struct stage_run *run, int value, const char *argument)
{
	struct shard *shard = run->own;
	char *end;
	unsigned long long number = strtoull(argument, &end, 10);

	if (*end || end == argument || !number || argument[0] == '-') {
		log_err("--batch-biflows \"%s\" is not a number above 0", argument);
		return MIRA_PERSON;
	}
	shard->batch_biflows = number;
	return 0;
}

static const struct option options[] = {{"batch-biflows", required_argument, NULL, 'b'}, {0}};

static const struct stage stage = {
	.name = "consolidate",
	.queue = "flows",
	.reader = SHARD,
	.output = "biflows",
	.summary = "merges the flows of all probes into biflows, window by window",
	.options = options,
	.options_help = "  --batch-biflows N about so many biflows in a batch at most (1000000)\n",
	.option = option,
};

int main(int argc, char **argv)
{
	struct shard shard = {.batch_biflows = 1000000};
	struct stage_run run = {.own = &shard};
	struct times times = {0};
	int result = stage_start(&run, &stage, argc, argv);

	if (result == 0 && shard_open(&shard, &run) < 0)
		result = MIRA_AGAIN;
	if (result == 0) {
		times.commit_s = now_s();
		notify_ready();
		for (result = -1; result < 0 && !stage_stopping();) {
			result = round_once(&shard, &times);
			stage_reload(&run);
		}
		notify_stopping();
		token_release(&shard);
		shard_close(&shard);
	}
	stage_end(&run);
	return result < 0 ? MIRA_OK : result;
}
