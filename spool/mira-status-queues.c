/*
 * mira-status-queues.c: what stands where: counts by one listing a folder, bytes from the manifests, ages from the server's
 * stamps. Part of `mira status`.
 *
 * A queue may hold 100,000 batches. Its listing is one pass that copies no name; bytes come from the manifests of all when
 * they are few, else of an even sample, with the uncertainty beside the figure.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/finish.h"
#include "spool/log.h"
#include "spool/manifest.h"
#include "spool/mira-status.h"
#include "spool/nfs.h"

#define SAMPLE                                                                                     \
	1000 /* names kept of one queue; that many manifests are read: the default of max_batches */
#define FEWER                                                                                      \
	4 /* of longer queues one in so many of them: a sum has to be extrapolated then anyhow */
#define RUNS	  64 /* runs whose oldest batch is looked at */
#define BAD_MOST  1000
#define SETTLED_S 3 /* after which a folder's stamp tells every change */

static const char *const queues[] = {"packets", "flows", "biflows", "verdicts", "state"};

/* One listing of ready/. */
struct backlog {
	struct status_look *look;
	const char *place; /* "packets/preprocess" */
	size_t count, foreign, runs;
	char sample[SAMPLE][ENTRY_MAX + 1];
	size_t sampled, stride;
	struct oldest {
		char name[ENTRY_MAX + 1];
		const char *run; /* in the name */
		size_t length;
	} oldest[RUNS]; /* of each run */
};

/* The name without its start and its seq: what is the same for a run; LENGTH of it. */
static const char *run_of(const char *name, size_t *length)
{
	const char *from = strchr(name, '-'), *to = strrchr(name, '-');

	*length = from && to > from ? (size_t)(to - from) : 0;
	return from ? from : name;
}

static void set_oldest(struct oldest *oldest, const char *name)
{
	snprintf(oldest->name, sizeof(oldest->name), "%s", name);
	oldest->run = run_of(oldest->name, &oldest->length);
}

/* Of one run the names sort as they were published. Runs of different captures do not. */
static void keep_oldest(struct backlog *backlog, const char *name)
{
	size_t length, i;
	const char *run = run_of(name, &length);

	for (i = 0; i < backlog->runs; i++)
		if (length == backlog->oldest[i].length &&
			!memcmp(run, backlog->oldest[i].run, length))
			break;
	if (i < backlog->runs && strcmp(name, backlog->oldest[i].name) < 0)
		set_oldest(&backlog->oldest[i], name);
	if (i == backlog->runs && i < RUNS)
		set_oldest(&backlog->oldest[backlog->runs++], name);
}

/* Every STRIDE-th name; when there is no room left every second one is dropped and the stride doubled. */
static void keep_sample(struct backlog *backlog, const char *name)
{
	if (backlog->count % backlog->stride)
		return;
	if (backlog->sampled == SAMPLE) {
		backlog->sampled = SAMPLE / 2;
		backlog->stride *= 2;
		for (size_t i = 1; i < SAMPLE / 2; i++)
			memcpy(backlog->sample[i], backlog->sample[2 * i],
				sizeof(backlog->sample[i]));
		if (backlog->count % backlog->stride)
			return;
	}
	snprintf(backlog->sample[backlog->sampled++], sizeof(backlog->sample[0]), "%s", name);
}

/* Is NAME a batch that a window waits for? */
static void find_wanted(struct status_look *look, const char *name, const char *place,
	const char *folder)
{
	json_t *wanted;
	size_t i, length;

	if (!json_array_size(look->wanted))
		return;
	length = strcspn(name, "~+");
	json_array_foreach(look->wanted, i, wanted) {
		const char *tail = status_text(wanted, "tail");
		size_t tail_length = strlen(tail);

		if (length > tail_length &&
			!strncmp(name + length - tail_length, tail, tail_length))
			json_object_set_new(wanted, "where", json_sprintf("%s/%s", place, folder));
	}
}

static void see_waiting(const char *name, void *own)
{
	struct backlog *backlog = own;

	if (!finish_name_ok(name)) {
		backlog->foreign++;
		return;
	}
	keep_oldest(backlog, name);
	keep_sample(backlog, name);
	find_wanted(backlog->look, name, backlog->place, "ready");
	backlog->count++;
}

static double bytes_of(const char *folder, double *bytes)
{
	struct manifest manifest;
	char why[256];

	*bytes = 0;
	if (manifest_read(&manifest, folder, why))
		return 0;
	for (size_t i = 0; i < manifest.segment_count; i++)
		*bytes += (double)manifest.segments[i].bytes;
	manifest_free(&manifest);
	return 1;
}

/* The sum over all, and half the width of its 95 % interval, from the sample; a batch that was taken meanwhile is not in it. */
static void put_bytes(json_t *row, const struct backlog *backlog, const char *ready)
{
	double sum = 0, squares = 0, read = 0, bytes, all = (double)backlog->count, mean, deviation,
	       missed;
	size_t step = backlog->stride > 1 ? FEWER : 1;
	char path[PATH_MAX];

	for (size_t i = 0; i < backlog->sampled; i += step) {
		if (nfs_join(path, ready, backlog->sample[i]) < 0 || !bytes_of(path, &bytes))
			continue;
		sum += bytes;
		squares += bytes * bytes;
		read++;
	}
	mean = read ? sum / read : 0;
	deviation = read > 1 ? sqrt(fmax(0, squares - sum * mean) / (read - 1)) : 0;
	missed = all > read ? 1 - read / all : 0;
	json_object_set_new(row, "bytes", json_integer((json_int_t)(mean * all)));
	json_object_set_new(row, "bytes_uncertain",
		json_integer(
			read ? (json_int_t)(1.96 * all * deviation * sqrt(missed / read)) : 0));
	json_object_set_new(row, "sampled", json_integer((json_int_t)read));
}

static double seconds(const struct timespec *time)
{
	return (double)time->tv_sec + (double)time->tv_nsec / 1e9;
}

/* When was it moved here, by the server's clock? */
static double age_of(const struct status_look *look, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -1;
	return fmax(0,
		look->now_s - (double)status.st_ctim.tv_sec - (double)status.st_ctim.tv_nsec / 1e9);
}

static json_t *age_json(double age)
{
	return age < 0 ? json_null() : json_real(age);
}

/* When the oldest was moved here; 0 when nothing is. */
static double oldest_stamp(const struct backlog *backlog, const char *ready)
{
	char path[PATH_MAX];
	struct stat status;
	double stamp = 0;

	for (size_t i = 0; i < backlog->runs; i++)
		if (nfs_join(path, ready, backlog->oldest[i].name) == 0 &&
			stat(path, &status) == 0 &&
			(stamp == 0 || seconds(&status.st_ctim) < stamp))
			stamp = seconds(&status.st_ctim);
	return stamp;
}

/*
 * What READY was when it was opened, which on NFS asks the server; and what is looked for in it. While that is the same, so is
 * what a listing would say. NULL when it changed so lately that it may change again within one tick of its stamp.
 */
static char *mark_of(const struct status_look *look, const char *ready)
{
	int fd = open(ready, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status = {0};
	char *mark, *more;
	json_t *wanted;
	size_t i;

	if (fd < 0)
		return NULL;
	fstat(fd, &status);
	close(fd);
	if (!status.st_ino || look->now_s - seconds(&status.st_mtim) < SETTLED_S)
		return NULL;
	mark = x_sprintf("%lu %.9f %.9f", (unsigned long)status.st_ino, seconds(&status.st_mtim),
		seconds(&status.st_ctim));
	json_array_foreach(look->wanted, i, wanted) {
		more = x_sprintf("%s %s", mark, status_text(wanted, "tail"));
		free(mark);
		mark = more;
	}
	return mark;
}

/* Which of the wanted stand in PLACE/ready; and, from an earlier look, the other way round. */
static json_t *found_in(const struct status_look *look, const char *where)
{
	json_t *found = json_object(), *wanted;
	size_t i;

	json_array_foreach(look->wanted, i, wanted)
		if (!strcmp(status_text(wanted, "where"), where))
			json_object_set_new(found, status_text(wanted, "tail"), json_string(where));
	return found;
}

static void find_again(struct status_look *look, const json_t *found)
{
	json_t *wanted;
	size_t i;

	json_array_foreach(look->wanted, i, wanted) {
		json_t *where = json_object_get(found, status_text(wanted, "tail"));

		if (where)
			json_object_set(wanted, "where", where);
	}
}

static json_t *list_ready(struct status_look *look, const char *place, const char *ready)
{
	static struct backlog backlog;
	json_t *row = json_object();

	memset(&backlog, 0, sizeof(backlog));
	backlog.look = look;
	backlog.place = place;
	backlog.stride = 1;
	if (nfs_each(ready, see_waiting, &backlog) < 0 && errno != ENOENT) {
		json_decref(row);
		return NULL;
	}
	json_object_set_new(row, "waiting", json_integer((json_int_t)backlog.count));
	json_object_set_new(row, "foreign", json_integer((json_int_t)backlog.foreign));
	put_bytes(row, &backlog, ready);
	json_object_set_new(row, "oldest_at_s", json_real(oldest_stamp(&backlog, ready)));
	return row;
}

/* A listing of 100,000 is worth remembering, and its server worth sparing: an earlier look's, when nothing changed since. */
static json_t *see_ready(struct status_look *look, const char *place)
{
	char ready[PATH_MAX], where[2 * NAME_PART_MAX + 16], *mark;
	json_t *row = json_object_get(look->before, place);

	mark = mark_of(look, spool_path(&look->spool, ready, "%s/ready", place));
	if (mark && !strcmp(status_text(row, "mark"), mark)) {
		find_again(look, json_object_get(row, "found"));
		json_incref(row);
	} else {
		snprintf(where, sizeof(where), "%s/ready", place);
		row = list_ready(look, place, ready);
		if (row)
			json_object_set_new(row, "found", found_in(look, where));
		if (row && mark)
			json_object_set_new(row, "mark", json_string(mark));
	}
	free(mark);
	return row;
}

/* An entry of work/<W>: W holds it. */
static void add_holding(struct status_look *look, const char *worker, const char *place,
	const char *name)
{
	json_t *workers = json_object_get(look->status, "workers"), *one = NULL;
	size_t i;

	json_array_foreach(workers, i, one)
		if (!strcmp(status_text(one, "name"), worker))
			break;
	if (i == json_array_size(workers)) {
		/* its beat is gone: it ended, or was forgotten, and left this */
		one = json_pack("{s:s, s:s%, s:s, s:s, s:n, s:[]}", "name", worker, "stage", worker,
			strcspn(worker, "."), "host", "", "state", "dead", "beat_age_s", "holding");
		json_array_append_new(workers, one);
	}
	json_array_append_new(json_object_get(one, "holding"), json_sprintf("%s/%s", place, name));
}

static size_t count_claimed(struct status_look *look, const char *place)
{
	struct namelist workers, names;
	char work[PATH_MAX], path[PATH_MAX];
	size_t count = 0;

	if (nfs_list(spool_path(&look->spool, work, "%s/work", place), &workers) < 0)
		return 0;
	for (size_t i = 0; i < workers.count; i++) {
		if (nfs_join(path, work, workers.names[i]) < 0 || nfs_list(path, &names) < 0)
			continue;
		for (size_t n = 0; n < names.count; n++) {
			add_holding(look, workers.names[i], place, names.names[n]);
			find_wanted(look, names.names[n], place, "work");
		}
		count += names.count;
		namelist_free(&names);
	}
	namelist_free(&workers);
	return count;
}

static size_t count_committed(struct status_look *look, const char *place)
{
	struct namelist names;
	char path[PATH_MAX];
	size_t count;

	if (nfs_list(spool_path(&look->spool, path, "%s/done", place), &names) < 0)
		return 0;
	count = names.count;
	for (size_t i = 0; i < count; i++)
		find_wanted(look, names.names[i], place, "done");
	namelist_free(&names);
	return count;
}

static json_t *bad_json(const struct status_look *look, const char *queue, const char *reader,
	const char *bad, const char *name)
{
	char path[PATH_MAX], file[NAME_MAX + 8], *reason = NULL;
	json_t *one;

	snprintf(file, sizeof(file), "%s.reason", name);
	if (nfs_join(path, bad, file) == 0)
		reason = nfs_read_file(path, NULL);
	if (reason)
		reason[strcspn(reason, "\n")] = '\0';
	one = json_pack("{s:s, s:s, s:s}", "queue", queue, "reader", reader, "batch", name);
	json_object_set_new(one, "reason", json_text(reason ? reason : "no reason recorded"));
	json_object_set_new(one, "age_s",
		age_json(nfs_join(path, bad, name) == 0 ? age_of(look, path) : -1));
	free(reason);
	return one;
}

static size_t add_bad(struct status_look *look, const char *queue, const char *reader)
{
	json_t *all = json_object_get(look->status, "bad");
	struct namelist names;
	char bad[PATH_MAX];
	size_t count = 0;

	if (nfs_list(spool_path(&look->spool, bad, "%s/%s/bad", queue, reader), &names) < 0)
		return 0;
	namelist_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		size_t length = strlen(names.names[i]);

		if (length > 7 && !strcmp(names.names[i] + length - 7, ".reason"))
			continue;
		if (json_array_size(all) < BAD_MOST)
			json_array_append_new(all,
				bad_json(look, queue, reader, bad, names.names[i]));
		count++;
	}
	namelist_free(&names);
	return count;
}

static json_int_t read_held(const struct status_look *look, const char *place)
{
	char path[PATH_MAX],
		*text = nfs_read_file(spool_path(&look->spool, path, "%s/held", place), NULL);
	json_int_t held = text ? strtoll(text, NULL, 10) : 0;

	free(text);
	return held;
}

static void put_waiting(json_t *queue, const struct status_look *look, const json_t *row)
{
	static const char *const members[] = {"waiting", "foreign", "bytes", "bytes_uncertain",
		"sampled"};
	double oldest = status_get(row, "oldest_at_s");

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		json_object_set(queue, members[i], json_object_get(row, members[i]));
	json_object_set_new(queue, "oldest_s",
		age_json(oldest > 0 ? fmax(0, look->now_s - oldest) : -1));
}

static int add_queue(struct status_look *look, const char *name, const char *reader)
{
	char place[2 * NAME_PART_MAX + 2];
	json_t *queue, *row;

	snprintf(place, sizeof(place), "%.*s/%.*s", NAME_PART_MAX, name, NAME_PART_MAX, reader);
	row = see_ready(look, place);
	if (!row)
		return -1;
	queue = json_pack("{s:s, s:s}", "queue", name, "reader", reader);
	put_waiting(queue, look, row);
	json_object_set_new(json_object_get(look->status, "kept"), place, row);
	json_object_set_new(queue, "claimed", json_integer((json_int_t)count_claimed(look, place)));
	json_object_set_new(queue, "committed",
		json_integer((json_int_t)count_committed(look, place)));
	json_object_set_new(queue, "held", json_integer(read_held(look, place)));
	json_object_set_new(queue, "bad", json_integer((json_int_t)add_bad(look, name, reader)));
	json_array_append_new(json_object_get(look->status, "queues"), queue);
	return 0;
}

int status_queues(struct status_look *look)
{
	int result = 0;

	json_object_set_new(look->status, "queues", json_array());
	json_object_set_new(look->status, "bad", json_array());
	json_object_set_new(look->status, "kept", json_object());
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues) && result == 0; i++) {
		struct namelist readers;

		if (spool_readers(&look->spool, queues[i], &readers) < 0)
			return -1;
		for (size_t r = 0; r < readers.count && result == 0; r++)
			result = add_queue(look, queues[i], readers.names[r]);
		namelist_free(&readers);
	}
	return result;
}
