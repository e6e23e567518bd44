/*
 * look.c: who is dead. Part of worker.h; asked by whoever reclaims (SPOOL.md, rule 5).
 *
 * SPOOL/state/looks/<boot id>.json belongs to one host: { "<worker>": { "beat": 17, "looks": 2,
 * "at_ms": ..., "changed_ms": ... } }. Of two processes of the host that replace it at once one
 * look is lost, which delays a verdict and never makes a false one: each look that counts was
 * really made.
 */
#include "spool/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "spool/beat.h"
#include "spool/fault.h"
#include "spool/fields.h"
#include "spool/nfs.h"

#define LOOK_MS	   (WORKER_LOOK_S * 1000ull)
#define REBOOT_MS  (WORKER_REBOOT_S * 1000ull)
#define CHANGED_MS (2 * LOOK_MS)     /* a counter that changed within is one of a living worker */
#define KEPT_MS	   (24 * 3600000ull) /* looks at workers that others have forgotten */

struct look {
	uint64_t beat, looks, at_ms;
	uint64_t changed_ms; /* when the counter was last seen to change; 0: never */
};

static const struct field look_fields[] = {
	FIELD(struct look, beat, FIELD_U64),
	FIELD(struct look, looks, FIELD_U64),
	FIELD(struct look, at_ms, FIELD_U64),
	FIELD(struct look, changed_ms, FIELD_U64),
	{0},
};

static uint64_t boottime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static char *looks_path(const struct spool *spool, const struct beat *self, char *out)
{
	return spool_path(spool, out, "state/looks/%s.json", self->boot_id);
}

/* An unreadable file is begun anew: it holds nothing but patience. */
static json_t *read_looks(const struct spool *spool, const struct beat *self)
{
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *looks = json_read_file(looks_path(spool, self, path), why);

	return looks ? looks : json_object();
}

static bool get_look(const json_t *looks, const char *name, uint64_t now_ms, struct look *look)
{
	const json_t *object = json_object_get(looks, name);
	char why[FIELD_WHY];

	memset(look, 0, sizeof(*look));
	return object && fields_get(object, look_fields, look, why) && look->at_ms <= now_ms;
}

static void drop_old(json_t *looks, uint64_t now_ms)
{
	const char *name;
	json_t *object;
	void *next;
	struct look look;

	json_object_foreach_safe(looks, next, name, object)
		if (!get_look(looks, name, now_ms, &look) || now_ms - look.at_ms > KEPT_MS)
			json_object_del(looks, name);
}

/* Takes LOOKS over. */
static int write_looks(const struct spool *spool, const struct beat *self, json_t *looks)
{
	char path[PATH_MAX];

	drop_old(looks, boottime_ms());
	return json_write_file(looks, looks_path(spool, self, path));
}

static int put_look(const struct spool *spool, const struct beat *self, json_t *looks,
	const char *name, const struct look *look)
{
	json_t *object = json_object();

	fields_put(object, look_fields, look);
	json_object_set_new(looks, name, object);
	return write_looks(spool, self, json_incref(looks));
}

/* Compares BEAT with what was seen before; true when the look is to be kept. */
static bool compare(struct look *look, bool seen, uint64_t beat, uint64_t now_ms)
{
	/* a beat that is gone or cannot be read, 0, is no sign of life */
	bool changed = seen && beat > look->beat;

	if (seen && !changed) {
		if (now_ms - look->at_ms < LOOK_MS)
			return false;
		look->looks++;
		look->at_ms = now_ms;
		return true;
	}
	/* kept once in a while only: comparing with an older counter tells as much */
	if (changed && look->changed_ms && now_ms - look->changed_ms < LOOK_MS) {
		look->changed_ms = now_ms;
		look->looks = 0;
		return false;
	}
	*look = (struct look){beat, 0, now_ms, changed ? now_ms : 0};
	return true;
}

/* 1 here and alive, 0 here and gone, -1 elsewhere. */
static int process_stands(const struct beat *self, const struct beat *beat)
{
	if (!beat->boot_id[0] || strcmp(self->boot_id, beat->boot_id) != 0 ||
		strcmp(self->pidns, beat->pidns) != 0)
		return -1;
	return process_start_time(beat->pid) == beat->start_time && beat->start_time != 0;
}

/* Of this machine before it was booted again? */
static bool is_before_reboot(const struct beat *self, const struct beat *beat)
{
	return beat->machine[0] && strcmp(self->machine, beat->machine) == 0 &&
	       strcmp(self->boot_id, beat->boot_id) != 0;
}

static int judge(const struct look *look, uint64_t now_ms, const struct beat *self,
	const struct beat *beat)
{
	int stands = process_stands(self, beat);
	bool silent =
		look->beat == beat->beat && (look->looks || now_ms - look->at_ms >= REBOOT_MS);

	if (look->looks >= WORKER_LOOKS || (silent && is_before_reboot(self, beat)))
		return WORKER_DEAD;
	if (stands == 1 || (look->changed_ms && now_ms - look->changed_ms < CHANGED_MS))
		return WORKER_ALIVE;
	return WORKER_UNKNOWN;
}

static int look_at(const struct spool *spool, const struct beat *self, const char *name,
	const struct beat *beat, uint64_t began_ms)
{
	json_t *looks = read_looks(spool, self);
	uint64_t now_ms = boottime_ms();
	struct look look;
	bool seen = get_look(looks, name, now_ms, &look);
	int result = 0;

	/* a look that was held up says how the server fared, not how the worker does */
	if (now_ms - began_ms > WORKER_DELAY_MS)
		look.at_ms = now_ms;
	else if (compare(&look, seen, beat->beat, now_ms))
		result = put_look(spool, self, looks, name, &look);
	json_decref(looks);
	return result < 0 ? -1 : judge(&look, now_ms, self, beat);
}

int worker_state(const struct spool *spool, const char *name)
{
	uint64_t began_ms = boottime_ms();
	struct beat self = {0}, beat;

	if (beat_read(spool, name, &beat) < 0)
		return -1;
	beat_self(&self);
	if (process_stands(&self, &beat) == 0)
		return WORKER_DEAD;
	return look_at(spool, &self, name, &beat, began_ms);
}

int worker_dead(const struct spool *spool, const char *name)
{
	int state = worker_state(spool, name);

	return state < 0 ? -1 : state == WORKER_DEAD;
}

void worker_forget(const struct spool *spool, const char *name)
{
	char path[PATH_MAX];
	struct beat self = {0};
	json_t *looks;

	FAULT("forget");
	nfs_unlink(spool_path(spool, path, "workers/%s", name));
	FAULT("forgotten");
	beat_self(&self);
	looks = read_looks(spool, &self);
	if (json_object_del(looks, name) == 0)
		write_looks(spool, &self, looks);
	else
		json_decref(looks);
}

int worker_list_dead(const struct spool *spool, const char *stage, struct namelist *dead)
{
	char path[PATH_MAX];
	struct namelist names;
	size_t length = strlen(stage);

	*dead = (struct namelist){0};
	if (nfs_list(spool_path(spool, path, "workers"), &names) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (strncmp(names.names[i], stage, length) == 0 && names.names[i][length] == '.' &&
			worker_dead(spool, names.names[i]) == 1)
			namelist_add(dead, names.names[i]);
	namelist_free(&names);
	return 0;
}
