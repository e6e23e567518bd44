/*
 * serve.c: one visit at a shard, between the process (main.c), which has several, and what is done with the token in hand: a look
 * at the inputs (scan.c, delay.c) and the commits that follow from it (publish.c).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "consolidate/ledger.h"
#include "consolidate/shard.h"
#include "spool/log.h"
#include "spool/pressure.h"

#define LOOK_HELD_S 5 /* between two looks at what others left, with the token in hand */
#define LOOK_FREE_S 2 /* and without it; longer with many shards: each process looks at all */
#define LEAVE_S	    5 /* a free token is left to others for so long at most */
#define EXPIRE_S    3600
#define ROWS_S	    10	/* ledger rows wait so long for a window to close */
#define ROWS_MANY   256 /* or until there are so many */
#define PATIENCE    5	/* looks for a token that is on its way, until it is somebody's */
#define CERTAIN	    2	/* the same, for looks LOOK_FREE_S apart */

enum turn {
	TURN_WORKED, /* something was published: there may be more */
	TURN_IDLE,   /* nothing more can be closed */
	TURN_WAIT,   /* the readers are behind */
	TURN_AGAIN,  /* what stands in memory is void: read the token and look again */
	TURN_LOST,   /* the token is not ours */
	TURN_FAILED, /* the machine; errno */
	TURN_PERSON,
};

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/* What others left: a committed token that was not finished, a token of the dead; for the holder also inputs that are not
 * removed yet, and old quarantine. */
static int keep_house(struct shard *shard)
{
	struct stage_run *run = shard->run;

	if (queue_finish_all(&shard->tokens) < 0 || queue_reclaim(&shard->tokens, run->worker) < 0)
		return -1;
	if (!shard->token[0] && shard->run->follow)
		return 0;
	if (stage_due(&shard->expire_s, EXPIRE_S) &&
		queue_expire_bad(&shard->flows, run->worker, &run->config) < 0)
		return -1;
	return queue_finish_all(&shard->flows) < 0 ? -1 : 0;
}

/* Ledger rows need no window to be published; but each commit costs, so in a live line they gather. */
static bool rows_due(const struct shard *shard, uint64_t limit_ms)
{
	if (!shard->state.changed)
		return false;
	return !shard->run->follow || limit_ms == LEDGER_OPEN_END ||
	       shard->state.row_count >= ROWS_MANY || now_s() >= shard->commit_s + ROWS_S;
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
static enum turn take_turn(struct shard *shard)
{
	enum turn turn = TURN_WORKED;
	int looked = look(shard), commits = 0;

	if (looked)
		return looked == -1 ? TURN_FAILED : TURN_PERSON;
	shard_tell_held(shard, ledger_limit(&shard->state));
	while (turn == TURN_WORKED && !stage_stopping()) {
		uint64_t limit_ms = ledger_limit(&shard->state);

		if (!publish_due(shard, limit_ms) && !rows_due(shard, limit_ms))
			return commits ? TURN_WORKED : TURN_IDLE;
		if (pressure_high(&shard->run->spool, &shard->run->config, "consolidate", "biflows",
			    NULL))
			return TURN_WAIT;
		turn = of_publish(publish(shard, limit_ms));
		shard->commit_s = now_s();
		commits++;
	}
	return turn;
}

/* Said once, by name: a second process of one shard is no mistake, but it does nothing. */
static void tell_holder(struct shard *shard, const char *and)
{
	char holder[NAME_MAX + 1];

	if (!shard->told)
		log_info("%s is consolidated by %s: %s", shard->name, token_holder(shard, holder),
			and);
	shard->told = true;
}

/* Nobody dead holds the token, and it is not ours: somebody works, or it is between two folders just now. */
static enum visit without_token(struct shard *shard)
{
	int held = queue_held_by_others(&shard->tokens, shard->run->worker);

	if (held < 0) {
		log_err("cannot look for the token in %s: %s", shard->home, strerror(errno));
		return VISIT_FAILED;
	}
	shard->free_s = 0;
	shard->missing = held ? 0 : shard->missing + 1;
	if (shard->run->follow) {
		if (shard->missing >= CERTAIN)
			tell_holder(shard, "waiting to take over when it ends");
		return VISIT_IDLE;
	}
	if (shard->missing < PATIENCE)
		return held ? VISIT_IDLE : VISIT_SOON;
	tell_holder(shard, "nothing to do here");
	return VISIT_DONE;
}

/* What stands in memory is worth nothing: the token is read again. */
static enum visit give_back(struct shard *shard, enum visit visit)
{
	int error = errno;

	token_release(shard);
	shard->look_s = 0;
	errno = error;
	return visit;
}

/* The next look is when it is over. */
static bool leave_to_others(struct shard *shard, unsigned held)
{
	if (!shard->free_s)
		shard->free_s = now_s();
	if (!shard->run->follow || now_s() >= shard->free_s + (held < LEAVE_S ? held : LEAVE_S))
		return false;
	shard->look_s = shard->free_s + (held < LEAVE_S ? held : LEAVE_S);
	return true;
}

static unsigned look_every_s(const struct shard *shard)
{
	unsigned by_count = shard->run->spool.shards / 2;

	if (shard->token[0])
		return LOOK_HELD_S;
	return by_count > LOOK_FREE_S ? by_count : LOOK_FREE_S;
}

/* Afterwards the token is in hand, or what this visit came to. */
static enum visit get_token(struct shard *shard, unsigned held)
{
	int result = token_free(shard);

	if (result == 1 && leave_to_others(shard, held))
		return VISIT_IDLE;
	if (result == 1)
		result = token_take(shard);
	if (result < 0)
		return result == -1 ? give_back(shard, VISIT_FAILED) : VISIT_PERSON;
	if (result == 0)
		return without_token(shard);
	shard->free_s = shard->missing = 0;
	shard->told = false;
	return VISIT_WORKED;
}

static enum visit after(struct shard *shard, enum turn turn)
{
	switch (turn) {
	case TURN_WORKED: return VISIT_WORKED;
	case TURN_WAIT: return VISIT_IDLE;
	case TURN_PERSON: return VISIT_PERSON;
	case TURN_FAILED: return give_back(shard, VISIT_FAILED);
	case TURN_AGAIN: return give_back(shard, VISIT_WORKED);
	case TURN_LOST:
		log_warn(
			"the token of %s was taken from us, who were thought dead; beginning again "
			"with what it says now",
			shard->name);
		shard->token[0] = '\0';
		return give_back(shard, VISIT_WORKED);
	case TURN_IDLE: break;
	}
	return shard->run->follow ? VISIT_IDLE : give_back(shard, VISIT_DONE);
}

enum visit serve(struct shard *shard, unsigned held)
{
	bool mine = shard->token[0], due = stage_due(&shard->look_s, look_every_s(shard));
	enum visit visit = VISIT_IDLE;

	if (!mine && !due && shard->run->follow)
		return VISIT_IDLE;
	if ((due || !mine) && keep_house(shard) < 0)
		return give_back(shard, VISIT_FAILED);
	if (!mine)
		visit = get_token(shard, held);
	return shard->token[0] ? after(shard, take_turn(shard)) : visit;
}
