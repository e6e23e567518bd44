/*
 * delay.c: the only place where consolidation looks at a clock: a live run must not hold windows for ever when a batch of it is lost,
 * or when it says nothing any more (SPOOL.md, rule 8).
 *
 * A run waits for the batch "low". The time counts only while that batch stands nowhere upstream, and only between two
 * looks of ours: SPOOL/state/shard-K/delay.json holds what was counted so far with this host's boot id and
 * CLOCK_BOOTTIME, so short runs from cron add up. The file is a memory aid: losing it starts the wait anew.
 *
 *   { "boot": "…", "at_ms": …, "waits": [ { "probe", "stream", "run", "seq", "waited_ms" } ] }
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consolidate/ledger.h"
#include "consolidate/shard.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/nfs.h"

struct wait {
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1], run[RUN_HEX + 1];
	uint64_t seq, waited_ms;
};

struct look {
	char boot[64];
	uint64_t at_ms;
	struct wait *waits;
	size_t count;
};

static const struct field look_fields[] = {
	FIELD(struct look, boot, FIELD_TEXT),
	FIELD(struct look, at_ms, FIELD_U64),
	{0},
};

static const struct field wait_fields[] = {
	FIELD(struct wait, probe, FIELD_TEXT),
	FIELD(struct wait, stream, FIELD_TEXT),
	FIELD(struct wait, run, FIELD_TEXT),
	FIELD(struct wait, seq, FIELD_U64),
	FIELD(struct wait, waited_ms, FIELD_U64),
	{0},
};

static void read_clock(struct look *look)
{
	char *boot = nfs_read_file("/proc/sys/kernel/random/boot_id", NULL);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	look->at_ms = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
	snprintf(look->boot, sizeof(look->boot), "%.*s", boot ? (int)strcspn(boot, "\n") : 0,
		boot ? boot : "");
	free(boot);
}

static void read_last(const struct shard *shard, struct look *look)
{
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *root, *waits;

	root = nfs_join(path, shard->home, "delay.json") < 0 ? NULL : json_read_file(path, why);
	if (root && !fields_get(root, look_fields, look, why))
		look->boot[0] = '\0';
	waits = json_object_get(root, "waits");
	look->waits = x_calloc(json_array_size(waits) + 1, sizeof(*look->waits));
	for (size_t i = 0; i < json_array_size(waits); i++)
		if (fields_get(json_array_get(waits, i), wait_fields, &look->waits[look->count],
			    why))
			look->count++;
	json_decref(root);
}

static int write_look(const struct shard *shard, const struct look *look)
{
	char path[PATH_MAX];
	json_t *root = json_object(), *waits = json_array();

	fields_put(root, look_fields, look);
	for (size_t i = 0; i < look->count; i++) {
		json_t *wait = json_object();

		fields_put(wait, wait_fields, &look->waits[i]);
		json_array_append_new(waits, wait);
	}
	json_object_set_new(root, "waits", waits);
	if (nfs_join(path, shard->home, "delay.json") == 0)
		return json_write_file(root, path);
	json_decref(root);
	return -1;
}

static bool waits_for(const struct run *run)
{
	return (run->live || run->superseded) && !run->ended && !run->silent;
}

static const struct waiting *waiting_of(const struct shard *shard, uint64_t run)
{
	for (size_t i = 0; i < shard->waiting_count; i++)
		if (shard->waiting[i].run == run)
			return &shard->waiting[i];
	return NULL;
}

/* Everything that is on its way here, in the order in which it moves, so that nothing slips through. */
static int list_upstream(const struct shard *shard, struct namelist *all)
{
	static const char *const folders[] = {"capture/tmp/", "capture/done",
		"packets/preprocess/ready", "packets/preprocess/work/", "packets/preprocess/done",
		"packets/preprocess/bad"};
	char path[PATH_MAX], below[PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		struct namelist names = {0};

		if (nfs_list(spool_path(&shard->run->spool, path, "%s", folders[i]), &names) < 0 &&
			errno != ENOENT)
			return -1;
		for (size_t j = 0; j < names.count; j++) {
			struct namelist held = {0};

			if (path[strlen(path) - 1] != '/')
				namelist_add(all, names.names[j]);
			else if (nfs_join(below, path, names.names[j]) == 0 &&
				 nfs_list(below, &held) == 0)
				for (size_t k = 0; k < held.count; k++)
					namelist_add(all, held.names[k]);
			namelist_free(&held);
		}
		namelist_free(&names);
	}
	return 0;
}

/* Is the batch RUN waits for upstream; or, when none of its later ones is here either (SILENT), any of it? */
static bool stands_upstream(const struct namelist *upstream, const struct run *run, bool silent)
{
	struct batchname name;
	char text[NAME_MAX + 1];

	for (size_t i = 0; i < upstream->count; i++) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(upstream->names[i], "~"),
			upstream->names[i]);
		if (!batchname_parse(text, &name) || strcmp(name.run, run->run) ||
			strcmp(name.stream, run->stream) || strcmp(name.probe, run->probe))
			continue;
		if (name.seq == run->low || (silent && name.seq > run->low))
			return true;
	}
	return false;
}

static bool waited_before(const struct look *last, const struct run *run, struct wait *wait)
{
	for (size_t i = 0; i < last->count; i++)
		if (last->waits[i].seq == run->low && !strcmp(last->waits[i].run, run->run) &&
			!strcmp(last->waits[i].stream, run->stream) &&
			!strcmp(last->waits[i].probe, run->probe)) {
			*wait = last->waits[i];
			return true;
		}
	memcpy(wait->probe, run->probe, sizeof(wait->probe));
	memcpy(wait->stream, run->stream, sizeof(wait->stream));
	memcpy(wait->run, run->run, sizeof(wait->run));
	wait->seq = run->low;
	return false;
}

static void give_up(struct shard *shard, uint64_t index)
{
	struct run *run = &shard->state.runs[index];
	const struct waiting *waiting = waiting_of(shard, index);

	if (waiting) {
		log_warn("batches %" PRIu64 " to %" PRIu64
			 " of stream %s, probe %s, run %s are missing: their windows close "
			 "incomplete",
			run->low, waiting->seq - 1, run->stream, run->probe, run->run);
		ledger_miss(&shard->state, index, waiting->seq, waiting->first_ms);
		return;
	}
	log_warn("stream %s of probe %s is silent: no window waits for it until it speaks",
		run->stream, run->probe);
	run->silent = shard->state.changed = true;
}

/* Half of max_delay at most for one look: a suspended machine, or the first look after a long pause, decides nothing alone. */
static uint64_t elapsed(const struct look *last, const struct look *now, uint64_t max_ms)
{
	uint64_t elapsed_ms;

	if (strcmp(last->boot, now->boot) || last->at_ms > now->at_ms)
		return 0;
	elapsed_ms = now->at_ms - last->at_ms;
	return elapsed_ms < max_ms / 2 ? elapsed_ms : max_ms / 2;
}

/* Fills NOW with who waits for how long; returns how many waits are over. */
static int count_waits(struct shard *shard, const struct look *last, struct look *now,
	const struct namelist *upstream)
{
	uint64_t max_ms = shard->run->spool.max_delay_s * 1000ull,
		 elapsed_ms = elapsed(last, now, max_ms);
	struct state *state = &shard->state;
	int over = 0;

	now->waits = x_calloc(state->run_count + 1, sizeof(*now->waits));
	for (size_t i = 0; i < state->run_count; i++) {
		const struct run *run = &state->runs[i];
		struct wait wait = {0};

		if (!waits_for(run))
			continue;
		if (waited_before(last, run, &wait) &&
			!stands_upstream(upstream, run, !waiting_of(shard, i)))
			wait.waited_ms += elapsed_ms;
		if (wait.waited_ms >= max_ms) {
			give_up(shard, i);
			over++;
			continue;
		}
		now->waits[now->count++] = wait;
	}
	return over;
}

static bool anybody_waits(const struct state *state)
{
	for (size_t i = 0; i < state->run_count; i++)
		if (waits_for(&state->runs[i]))
			return true;
	return false;
}

/* Often enough to tell max_delay within a sixteenth; a look costs a few listings and a write. */
static bool look_due(struct shard *shard, uint64_t now_ms)
{
	uint64_t every_ms = shard->run->spool.max_delay_s * 1000ull / 16;

	if (shard->looked_ms && now_ms - shard->looked_ms < every_ms)
		return false;
	shard->looked_ms = now_ms;
	return anybody_waits(&shard->state);
}

int delay_look(struct shard *shard)
{
	struct look last = {0}, now = {0};
	struct namelist upstream = {0};
	int over = -1;

	read_clock(&now);
	if (!look_due(shard, now.at_ms))
		return 0;
	read_last(shard, &last);
	if (list_upstream(shard, &upstream) == 0) {
		over = count_waits(shard, &last, &now, &upstream);
		if (write_look(shard, &now) < 0)
			over = -1;
	}
	if (over < 0)
		log_err("cannot look upstream of %s, or write delay.json there: %s", shard->home,
			strerror(errno));
	namelist_free(&upstream);
	free(last.waits);
	free(now.waits);
	return over < 0 ? -1 : over > 0;
}
