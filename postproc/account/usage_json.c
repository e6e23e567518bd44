/*
 * usage_json.c: what the sums of usage.c come to: extrapolation with its interval, hosts as if all had
 * been sampled alike, busiest hours, classes and top hosts. The second half of mira-usage.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postproc/account/usage_private.h"
#include "postproc/privacy/groups.h"
#include "postproc/report/report_query.h"
#include "spool/intern.h"
#include "spool/log.h"

#define HOURS  24
#define WIDEST 0.2 /* part of the value on each side, in an interval that is compared */

/* A host of a row that is among those with most octets. */
struct busy {
	uint32_t host;
	uint64_t sent, received;
};

/* What is known of a row beyond its sums. */
struct found {
	uint64_t hosts, users;
	bool hidden; /* too few */
	double equal_hosts;
	struct busy *top; /* those with most octets first */
	size_t top_count;
};

/* Entries FIRST up to END of a sorted map whose first word is KEY. */
static void range_of(const struct store_map *map, size_t count, uint64_t key, size_t *first,
	size_t *end)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map_entry(map, middle)[0] < key)
			low = middle + 1;
		else
			high = middle;
	}
	*first = *end = low;
	while (*end < count && map_entry(map, *end)[0] == key)
		++*end;
}

/* ---- what there was ---- */

/* Packets of all rows say what was analysed of the time, octets of this one what it took of that. */
static void estimate_row(const struct usage *usage, size_t windows, uint32_t row,
	struct estimate_figure *octets)
{
	static const double largest[] = {ESTIMATE_OCTETS};
	const struct usage_row *sums = &usage->rows[row];
	struct estimate_span span = {usage->period.from_ms, usage->period.to_ms};
	double sampling =
		sums->expanded_packets ? (double)sums->packets / (double)sums->expanded_packets : 1;
	struct estimate *estimate =
		estimate_new(span, (int64_t)usage->config->window_s * 1000, 1, largest, sampling);

	for (size_t i = 0; i < usage->batch_count; i++) {
		estimate_batch(estimate, &usage->batches[i].batch);
		if (usage->batches[i].ends_run)
			estimate_run(estimate);
	}
	for (size_t i = 0; i < windows; i++) {
		const uint64_t *entry = map_entry(&usage->windows, i);

		if (entry[0] == USAGE_ALL)
			estimate_packets(estimate, (int64_t)entry[1], (double)entry[2]);
		if (entry[0] == row)
			estimate_add(estimate, (int64_t)entry[1], 0, (double)entry[4] * sampling);
	}
	estimate_settle(estimate);
	estimate_total(estimate, span, 0, octets);
	estimate_free(estimate);
}

static bool comparable(const struct estimate_figure *octets)
{
	double side = fmax(octets->high - octets->value, octets->value - octets->low);

	return !octets->refused[0] && side <= WIDEST * octets->value;
}

/* ---- hours ---- */

/* The local hour in which MS lies: its first millisecond, and its number in the day. */
static int64_t hour_of(int64_t ms, int *number)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	*number = tm.tm_hour;
	return ms - (tm.tm_min * 60 + tm.tm_sec) * 1000ll - ms % 1000;
}

static json_t *json_of_peak(int64_t ms, uint64_t octets)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	return json_pack("{sI ss sI}", "from_ms", (json_int_t)ms, "text", text, "octets",
		(json_int_t)octets);
}

/* Windows are in their order: an hour ends where the next one begins. */
static void add_hours(const struct usage *usage, size_t windows, uint32_t row, json_t *object)
{
	uint64_t by_number[HOURS] = {0}, octets = 0, peak_octets = 0;
	int64_t hour = INT64_MIN, peak = 0, begins;
	json_t *hours = json_array();
	size_t first, end;
	int number;

	range_of(&usage->windows, windows, row, &first, &end);
	for (size_t i = first; i < end; i++) {
		const uint64_t *entry = map_entry(&usage->windows, i);

		begins = hour_of((int64_t)entry[1], &number);
		octets = begins == hour ? octets + entry[4] : entry[4];
		hour = begins;
		by_number[number] += entry[4];
		if (octets > peak_octets) {
			peak_octets = octets;
			peak = hour;
		}
	}
	for (int i = 0; i < HOURS; i++)
		json_array_append_new(hours, json_integer((json_int_t)by_number[i]));
	json_object_set_new(object, "hours", hours);
	json_object_set_new(object, "peak",
		first < end ? json_of_peak(peak, peak_octets) : json_null());
}

/* ---- classes ---- */

static int by_octets(const void *left, const void *right)
{
	const uint64_t *a = *(const uint64_t *const *)left, *b = *(const uint64_t *const *)right;

	if (a[4] != b[4])
		return a[4] > b[4] ? -1 : 1;
	return strcmp(intern_text((uint32_t)a[1]), intern_text((uint32_t)b[1]));
}

static json_t *json_of_classes(const struct usage *usage, size_t count, uint32_t row)
{
	const struct usage_row *sums = &usage->rows[row];
	json_t *all = json_array();
	const uint64_t **order;
	size_t first, end;

	range_of(&usage->classed, count, row, &first, &end);
	order = x_calloc(end - first, sizeof(*order));
	for (size_t i = first; i < end; i++)
		order[i - first] = map_entry(&usage->classed, i);
	qsort(order, end - first, sizeof(*order), by_octets);
	for (size_t i = 0; i < end - first; i++)
		json_array_append_new(all,
			json_pack("{so sI sI sI sf}", "class",
				json_text(intern_text((uint32_t)order[i][1])), "packets",
				(json_int_t)order[i][2], "octets", (json_int_t)order[i][3],
				"expanded_octets", (json_int_t)order[i][4], "share_octets",
				(double)order[i][4] / (double)sums->expanded_octets));
	free(order);
	return all;
}

/* ---- hosts ---- */

/* Puts HOST in its place among the TOP ones of a row, when it has one. */
static void rank(struct found *found, const struct busy *host, size_t top)
{
	size_t at = found->top_count;

	while (at &&
		found->top[at - 1].sent + found->top[at - 1].received < host->sent + host->received)
		at--;
	if (at == top)
		return;
	if (found->top_count < top)
		found->top_count++;
	memmove(&found->top[at + 1], &found->top[at],
		(found->top_count - at - 1) * sizeof(*found->top));
	found->top[at] = *host;
}

/* With which probability a host would have been seen, had all been sampled with the lowest one. */
static double seen(const struct usage *usage, size_t first, size_t end)
{
	double unseen = 0; /* its logarithm */

	for (size_t i = first; i < end; i++) {
		const uint64_t *entry = map_entry(&usage->hosts, i);
		double sampling;

		memcpy(&sampling, &entry[1], sizeof(sampling));
		if (sampling <= usage->lowest)
			return 1;
		unseen += (double)entry[2] * log1p(-usage->lowest / sampling);
	}
	return 1 - exp(unseen);
}

static void count_user(struct usage *usage, struct found *found, uint32_t row, uint32_t host)
{
	uint32_t user = usage->owners ? usage->users.names[host] : 0;

	if (user && ++*map_at(&usage->used, (uint64_t[]){row, user}) == 1)
		found->users++;
}

static void add_host(struct usage *usage, struct found *found, size_t first, size_t end, size_t top)
{
	struct busy host = {.host = (uint32_t)map_entry(&usage->hosts, first)[0]};
	const struct usage_set *set = usage_set(usage, usage->traffic.names[host.host]);
	double probability = seen(usage, first, end);

	for (size_t i = first; i < end; i++) {
		host.sent += map_entry(&usage->hosts, i)[3];
		host.received += map_entry(&usage->hosts, i)[4];
	}
	for (size_t i = 0; i < set->count; i++) {
		found[set->rows[i]].hosts++;
		found[set->rows[i]].equal_hosts += probability;
		rank(&found[set->rows[i]], &host, top);
		count_user(usage, &found[set->rows[i]], set->rows[i], host.host);
	}
}

static struct found *find_hosts(struct usage *usage, size_t top)
{
	struct found *found = x_calloc(usage->row_count, sizeof(*found));
	size_t count = map_sort(&usage->hosts), end;

	for (size_t row = 0; row < usage->row_count; row++)
		found[row].top = x_calloc(top + 1, sizeof(*found->top));
	for (size_t first = 0; first < count; first = end) {
		for (end = first + 1; end < count && map_entry(&usage->hosts, end)[0] ==
							     map_entry(&usage->hosts, first)[0];)
			end++;
		add_host(usage, found, first, end, top);
	}
	return found;
}

static json_t *json_of_top(const struct usage *usage, const struct found *found,
	struct privacy *privacy)
{
	struct query query = {.db = usage->traffic.db};
	json_t *all = json_array(), *row;
	char shown[PRIVACY_TEXT];

	for (size_t i = 0; i < found->top_count; i++) {
		row = query_row(&query, "SELECT address FROM host WHERE id = ?1",
			(int)found->top[i].host);
		json_array_append_new(all,
			json_pack("{ss sI sI}", "host",
				privacy_host(privacy, json_string_at(row, "address"), shown),
				"sent_octets", (json_int_t)found->top[i].sent, "received_octets",
				(json_int_t)found->top[i].received));
		json_decref(row);
	}
	return all;
}

/* The rows of aggregates follow those two that are none. */
static void hide_rows(const struct usage *usage, struct found *found, const struct privacy *privacy)
{
	size_t first = USAGE_OUTSIDE + 1, count = usage->row_count - first;
	uint64_t *hosts = x_calloc(count, sizeof(*hosts));
	bool *hidden = x_calloc(count, sizeof(*hidden));

	for (size_t i = 0; i < count; i++)
		hosts[i] = found[first + i].hosts;
	groups_hide(privacy, hosts, count, hidden);
	for (size_t i = 0; i < count; i++)
		found[first + i].hidden = hidden[i];
	free(hidden);
	free(hosts);
}

/* ---- rows ---- */

static json_t *real_or_null(bool known, double value)
{
	return known ? json_real(value) : json_null();
}

static json_t *count_or_null(bool known, double value)
{
	return known ? json_integer((json_int_t)llround(value)) : json_null();
}

static void add_counts(json_t *object, const struct usage *usage, const struct usage_row *sums,
	const struct found *found)
{
	json_object_set_new(object, "biflows", json_integer((json_int_t)sums->biflows));
	json_object_set_new(object, "packets", json_integer((json_int_t)sums->packets));
	json_object_set_new(object, "octets", json_integer((json_int_t)sums->octets));
	json_object_set_new(object, "sent_octets", count_or_null(sums->sided, (double)sums->sent));
	json_object_set_new(object, "received_octets",
		count_or_null(sums->sided, (double)sums->received));
	json_object_set_new(object, "sampling",
		real_or_null(sums->expanded_packets > 0,
			(double)sums->packets / (double)sums->expanded_packets));
	json_object_set_new(object, "hosts", count_or_null(sums->sided, (double)found->hosts));
	json_object_set_new(object, "users",
		count_or_null(sums->sided && usage->owners, (double)found->users));
}

/* WHOLE: octets of all rows, as estimated. */
static void add_estimates(json_t *object, const struct usage_row *sums,
	const struct estimate_figure *octets, double whole, double hosts)
{
	bool compare = comparable(octets), each = compare && sums->sided && hosts > 0;

	json_object_set_new(object, "expanded_octets", count_or_null(true, octets->value));
	json_object_set_new(object, "low", count_or_null(!octets->refused[0], octets->low));
	json_object_set_new(object, "high", count_or_null(!octets->refused[0], octets->high));
	json_object_set_new(object, "refused",
		octets->refused[0] ? json_string(octets->refused)
		: compare	   ? json_null()
				   : json_string("not compared: the interval is too wide"));
	json_object_set_new(object, "share_octets",
		real_or_null(compare && whole > 0, octets->value / whole));
	json_object_set_new(object, "equal_hosts", real_or_null(sums->sided, hosts));
	json_object_set_new(object, "octets_per_host",
		count_or_null(each, each ? octets->value / hosts : 0));
}

struct sizes {
	size_t windows, classed;
	double whole; /* 0: not comparable */
};

static json_t *json_of_row(const struct usage *usage, const struct sizes *sizes, uint32_t row,
	const struct found *found, struct privacy *privacy)
{
	json_t *object =
		json_pack("{so}", "aggregate", json_text(intern_text(usage->rows[row].name)));
	struct estimate_figure octets;

	json_object_set_new(object, "withheld", json_boolean(found->hidden));
	if (found->hidden)
		return object;
	estimate_row(usage, sizes->windows, row, &octets);
	add_counts(object, usage, &usage->rows[row], found);
	add_estimates(object, &usage->rows[row], &octets, sizes->whole, found->equal_hosts);
	add_hours(usage, sizes->windows, row, object);
	json_object_set_new(object, "classes", json_of_classes(usage, sizes->classed, row));
	json_object_set_new(object, "top_hosts",
		privacy_level(privacy) == PRIVACY_GROUP ? json_array()
							: json_of_top(usage, found, privacy));
	return object;
}

/* Rows with most octets first, what is outside behind them. */
static int compare_rows(const void *left, const void *right, void *own)
{
	const struct usage_row *rows = own, *a = &rows[*(const uint32_t *)left],
			       *b = &rows[*(const uint32_t *)right];
	bool last = a == &rows[USAGE_OUTSIDE];

	if (last || b == &rows[USAGE_OUTSIDE])
		return last ? 1 : -1;
	if (a->expanded_octets != b->expanded_octets)
		return a->expanded_octets > b->expanded_octets ? -1 : 1;
	return strcmp(intern_text(a->name), intern_text(b->name));
}

static json_t *json_of_rows(const struct usage *usage, const struct sizes *sizes,
	const struct found *found, struct privacy *privacy)
{
	uint32_t *order = x_calloc(usage->row_count, sizeof(*order));
	json_t *all = json_array();

	for (uint32_t row = 0; row < usage->row_count; row++)
		order[row] = row;
	/* all of them stand before them */
	qsort_r(order + USAGE_OUTSIDE, usage->row_count - USAGE_OUTSIDE, sizeof(*order),
		compare_rows, usage->rows);
	for (size_t i = USAGE_OUTSIDE; i < usage->row_count; i++)
		json_array_append_new(all,
			json_of_row(usage, sizes, order[i], &found[order[i]], privacy));
	free(order);
	return all;
}

json_t *usage_json(struct usage *usage, struct privacy *privacy, size_t top)
{
	struct sizes sizes = {map_sort(&usage->windows), map_sort(&usage->classed), 0};
	struct found *found = find_hosts(usage, top);
	struct estimate_figure whole;
	json_t *object;

	hide_rows(usage, found, privacy);
	estimate_row(usage, sizes.windows, USAGE_ALL, &whole);
	sizes.whole = comparable(&whole) ? whole.value : 0;
	object = json_pack("{sf so so}", "lowest_sampling", usage->lowest, "all",
		json_of_row(usage, &sizes, USAGE_ALL, &found[USAGE_ALL], privacy), "aggregates",
		json_of_rows(usage, &sizes, found, privacy));
	for (size_t row = 0; row < usage->row_count; row++)
		free(found[row].top);
	free(found);
	return object;
}
