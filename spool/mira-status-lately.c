/*
 * mira-status-lately.c: rates. One look has totals only; what they were at earlier looks of this host is kept in the user's cache
 * folder: $CACHE_DIRECTORY (systemd), $XDG_CACHE_HOME/mira or $HOME/.cache/mira. Part of `mira status`.
 *
 *	status-<checksum of the spool's path>.json: { "boot": "<boot id>", "looks": [ { "at_s": seconds since boot,
 *	  "free": bytes, "streams": { "<probe>-<stream>-<run>": counts }, "workers": { "<name>": { "packets", "bytes" } } } ],
 *	  "kept": { "<queue>/<reader>": what its listing said, and "mark", which tells whether that still holds } }
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool/beat.h"
#include "spool/fields.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/mira-status.h"
#include "spool/nfs.h"

#define KEEP_S	 3600 /* looks */
#define APART_S	 30   /* between two that are kept */
#define LATELY_S 60   /* rates are those of the last minute or more, where there was a look */
#define LEAST_S	 2    /* shorter ones would be rates of nothing */
#define GROWTH_S 60   /* free space says nothing over less */

static double boot_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool cache_folder(char *out)
{
	const char *systemd = getenv("CACHE_DIRECTORY"), *cache = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	int length;

	if (systemd && *systemd)
		length = snprintf(out, PATH_MAX, "%.*s", (int)strcspn(systemd, ":"), systemd);
	else if (cache && *cache)
		length = snprintf(out, PATH_MAX, "%s/mira", cache);
	else
		length = home && *home ? snprintf(out, PATH_MAX, "%s/.cache/mira", home) : -1;
	return length > 0 && length < PATH_MAX - 64;
}

static bool file_of(const char *root, char *out)
{
	char hex[HASH_HEX + 1];

	if (!cache_folder(out))
		return false;
	hash_bytes(root, strlen(root), hex);
	sprintf(out + strlen(out), "/status-%.16s.json", hex);
	return true;
}

json_t *status_before(const char *root)
{
	char path[PATH_MAX], why[FIELD_WHY];
	json_t *file = file_of(root, path) ? json_read_file(path, why) : NULL;
	json_t *kept = json_incref(json_object_get(file, "kept"));

	json_decref(file);
	return kept;
}

static json_t *read_looks(const char *path, const char *boot)
{
	char why[FIELD_WHY];
	json_t *file = json_read_file(path, why), *looks = json_object_get(file, "looks");

	looks = json_is_array(looks) && !strcmp(status_text(file, "boot"), boot)
			? json_incref(looks)
			: json_array();
	json_decref(file);
	return looks;
}

/* Not by nfs_write_file(), whose fsync a cache is not worth; in its manner. */
static void write_looks(const char *path, const char *boot, json_t *looks, json_t *kept)
{
	json_t *file = json_pack("{s:s, s:O, s:O}", "boot", boot, "looks", looks, "kept", kept);
	char folder[PATH_MAX], temporary[PATH_MAX + 16];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	if (nfs_mkdir(folder) == 0 && json_dump_file(file, temporary, JSON_COMPACT) == 0 &&
		rename(temporary, path) < 0)
		unlink(temporary);
	json_decref(file);
}

static void stream_key(const json_t *stream, char *key, size_t size)
{
	snprintf(key, size, "%s-%s-%s", status_text(stream, "probe"), status_text(stream, "stream"),
		status_text(stream, "run"));
}

static json_t *look_of(const json_t *status, double now)
{
	json_t *look = json_pack("{s:f, s:f, s:{}, s:{}}", "at_s", now, "free",
		       status_get(json_object_get(status, "disk"), "free_bytes"), "streams",
		       "workers"),
	       *one;
	char key[256];
	size_t i;

	json_array_foreach(json_object_get(status, "streams"), i, one) {
		stream_key(one, key, sizeof(key));
		json_object_set(json_object_get(look, "streams"), key,
			json_object_get(one, "counts"));
	}
	json_array_foreach(json_object_get(status, "workers"), i, one)
		json_object_set_new(json_object_get(look, "workers"), status_text(one, "name"),
			json_pack("{s:f, s:f}", "packets", status_get(one, "packets"), "bytes",
				status_get(one, "bytes")));
	return look;
}

/* The youngest look that is LEAST old; NULL when there is none. */
static const json_t *look_before(const json_t *looks, double now, double least)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < json_array_size(looks); i++)
		if (now - status_get(json_array_get(looks, i), "at_s") >= least)
			found = json_array_get(looks, i);
	return found;
}

/* MEMBER of ONE against what it was. */
static void put_rate(json_t *one, const json_t *then, double seconds, const char *member,
	const char *name)
{
	double difference = status_get(one, member) - status_get(then, member);

	if (then && difference >= 0)
		json_object_set_new(one, name, json_real(difference / seconds));
}

static void put_stream(json_t *stream, const json_t *then, double seconds)
{
	static const char *const members[] = {"seen", "captured", "filtered", "dropped", "shed"};
	json_t *counts = json_object_get(stream, "counts"), *lately = json_object();

	for (size_t i = 0; then && i < sizeof(members) / sizeof(*members); i++)
		json_object_set_new(lately, members[i],
			json_integer((json_int_t)(status_get(counts, members[i]) -
						  status_get(then, members[i]))));
	json_object_set_new(lately, "seconds", json_real(seconds));
	json_object_set_new(stream, "lately", then ? lately : json_null());
	if (!then)
		json_decref(lately);
}

static void put_rates(json_t *status, const json_t *then, double now)
{
	double seconds = now - status_get(then, "at_s");
	json_t *one;
	char key[256];
	size_t i;

	json_object_set_new(status, "lately_s", json_real(seconds));
	json_array_foreach(json_object_get(status, "streams"), i, one) {
		stream_key(one, key, sizeof(key));
		put_stream(one, json_object_get(json_object_get(then, "streams"), key), seconds);
	}
	json_array_foreach(json_object_get(status, "workers"), i, one) {
		const json_t *was =
			json_object_get(json_object_get(then, "workers"), status_text(one, "name"));

		put_rate(one, was, seconds, "packets", "packets_per_second");
		put_rate(one, was, seconds, "bytes", "bytes_per_second");
	}
}

/* A disk that does not grow will not be full: full_in_s stays null then, and growth says so. */
static void put_growth(json_t *disk, const json_t *then, double now)
{
	double seconds = now - status_get(then, "at_s");
	double growth = (status_get(then, "free") - status_get(disk, "free_bytes")) / seconds;

	json_object_set_new(disk, "growth_bytes_per_second", json_real(growth));
	json_object_set_new(disk, "growth_over_s", json_real(seconds));
	if (growth >= 1)
		json_object_set_new(disk, "full_in_s",
			json_real(status_get(disk, "free_bytes") / growth));
}

static void keep(json_t *looks, const json_t *status, double now)
{
	size_t count = json_array_size(looks);

	while (json_array_size(looks) &&
		now - status_get(json_array_get(looks, 0), "at_s") > KEEP_S)
		json_array_remove(looks, 0);
	if (count && now - status_get(json_array_get(looks, json_array_size(looks) - 1), "at_s") <
			     APART_S)
		return;
	json_array_append_new(looks, look_of(status, now));
}

void status_lately(json_t *status)
{
	struct beat self = {0};
	char path[PATH_MAX];
	double now = boot_s();
	json_t *looks, *disk = json_object_get(status, "disk");
	const json_t *then, *first;

	beat_self(&self);
	json_object_set_new(status, "lately_s", json_null());
	if (!file_of(status_text(status, "spool"), path))
		return;
	looks = read_looks(path, self.boot_id);
	then = look_before(looks, now, LATELY_S);
	first = json_array_get(looks, 0);
	if (!then)
		then = first && now - status_get(first, "at_s") >= LEAST_S ? first : NULL;
	if (then)
		put_rates(status, then, now);
	if (first && now - status_get(first, "at_s") >= GROWTH_S)
		put_growth(disk, first, now);
	keep(looks, status, now);
	write_looks(path, self.boot_id, looks, json_object_get(status, "kept"));
	json_decref(looks);
}
