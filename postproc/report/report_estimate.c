/*
 * report_estimate.c: the part of the report that extrapolates: from the ledger and the windows of mira.db
 * to estimate.h, and from its figures to report.json.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/report/estimate.h"
#include "postproc/report/report.h"
#include "postproc/report/report_parts.h"
#include "postproc/store/store.h"
#include "postproc/store/store_map.h"
#include "spool/log.h"

#define WINDOWS_SPAN_MS (3 * STORE_HOUR_MS) /* what spans less is shown by windows, not by hours */
#define DAYS_MOST	400		    /* of which means and charts are made */
#define SAMPLED_MOST	0.97		    /* what looks like more is rounding, and drops */

/* SQL is laid out as SQL. */
/* clang-format off */

/* In the order of a run, so that what was lost can be placed between what was not. */
static const char ledger_sql[] =
	"SELECT probe || '/' || stream || '/' || run, first_ms, last_ms,"
	"  packets_ip + packets_not_ip + packets_malformed, packets_ip, packets_captured,"
	"  packets_dropped + packets_shed"
	" FROM ledger ORDER BY probe, stream, run, seq";

/* Of most stores nothing is lost: that is told sooner than what each batch was. */
static const char lost_sql[] =
	"SELECT 1 AS lost FROM ledger_part"
	" WHERE packets_dropped + packets_shed > 0 OR status <> 'analysed' LIMIT 1";

/* In the order of its key: a window's rows stand together. */
static const char windows_sql[] =
	"SELECT window_ms, decision, packets, octets FROM rollup_window"
	" WHERE window_ms >= :from AND window_ms < :to AND expanded_packets > 0 ORDER BY window_ms";

static const char bounds_sql[] =
	"SELECT min(window_ms) AS from_ms, max(window_ms) AS to_ms, max(packets / expanded_packets) AS sampled"
	" FROM rollup_window WHERE window_ms >= :from AND window_ms < :to AND expanded_packets > 0";

static const char kept_sql[] =
	"SELECT max(1.0 * packets_captured / (packets_captured + packets_dropped + packets_shed)) AS kept"
	" FROM ledger_part WHERE first_ms >= :from AND first_ms < :to AND packets_captured > 0";

/* clang-format on */

/* What figures are asked of: item 0 is all octets, the others are of a verdict or class each. */
struct item {
	const char *kind; /* column of the row: "class" or "verdict" */
	char *name;
};

struct items {
	struct item *list;
	size_t count;
	struct store_map of_decision; /* id: item of its class, of its verdict */
};

/* One of the two periods. */
struct side {
	struct query query;
	struct estimate *estimate;
	struct estimate_span span; /* of what was observed */
	double sampling;
};

struct sides {
	struct side now, before;
	struct items items;
	char run[256]; /* at hand */
};

/* ---- what is asked of ---- */

static size_t item_of(const struct items *items, const char *kind, const char *name)
{
	size_t i = 1;

	while (i < items->count &&
		(strcmp(items->list[i].kind, kind) || strcmp(items->list[i].name, name)))
		i++;
	return i;
}

static size_t add_item(struct items *items, const char *kind, const char *name)
{
	size_t i = item_of(items, kind, name);

	if (i < items->count)
		return i;
	items->list = x_realloc(items->list, (items->count + 1) * sizeof(*items->list));
	items->list[items->count++] = (struct item){kind, x_strdup(name)};
	return i;
}

static void find_items(struct sides *sides)
{
	json_t *rows = query_rows(&sides->now.query,
		"SELECT id, class, verdict FROM decision ORDER BY class, verdict", 0);
	struct items *items = &sides->items;
	const json_t *row;

	items->list = x_calloc(1, sizeof(*items->list));
	items->count = 1;
	map_init(&items->of_decision, 1, 2);
	for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
		uint64_t *of =
			map_at(&items->of_decision, (uint64_t[]){(uint64_t)json_number(row, "id")});

		of[0] = add_item(items, "class", json_string_at(row, "class"));
		of[1] = add_item(items, "verdict", json_string_at(row, "verdict"));
	}
	json_decref(rows);
}

static void free_items(struct items *items)
{
	for (size_t i = 1; i < items->count; i++)
		free(items->list[i].name);
	free(items->list);
	map_free(&items->of_decision);
}

/* ---- what is known ---- */

static void take_batch(struct side *side, const struct estimate_batch *batch, bool of_next_run)
{
	if (!side->estimate)
		return;
	if (of_next_run)
		estimate_run(side->estimate);
	estimate_batch(side->estimate, batch);
}

static void take_ledger(void *own, sqlite3_stmt *row)
{
	struct sides *sides = own;
	const char *run = (const char *)sqlite3_column_text(row, 0);
	struct estimate_batch batch = {.timed = sqlite3_column_type(row, 1) != SQLITE_NULL,
		.first_ms = sqlite3_column_int64(row, 1),
		.last_ms = sqlite3_column_int64(row, 2),
		.analysed = sqlite3_column_double(row, 3),
		.ip = sqlite3_column_double(row, 4),
		.lost = sqlite3_column_double(row, 6)};
	bool next;

	batch.unread = fmax(sqlite3_column_double(row, 5) - batch.analysed, 0);
	next = strncmp(run, sides->run, sizeof(sides->run) - 1);
	if (next)
		snprintf(sides->run, sizeof(sides->run), "%s", run);
	take_batch(&sides->now, &batch, next);
	take_batch(&sides->before, &batch, next);
}

static void take_lost(struct query *query, struct sides *sides)
{
	json_t *row = query_row(query, lost_sql, 0);

	if (json_object_get(row, "lost"))
		query_each(query, ledger_sql, take_ledger, sides);
	json_decref(row);
}

/* The window at hand: octets of each item. */
struct window {
	struct side *side;
	struct items *items;
	int64_t start_ms;
	double *octets;
};

static void end_window(struct window *window)
{
	for (size_t i = 0; i <= window->items->count; i++) {
		if (window->octets[i] > 0)
			estimate_add(window->side->estimate, window->start_ms, i,
				window->octets[i]);
		window->octets[i] = 0;
	}
}

static void take_window(void *own, sqlite3_stmt *row)
{
	struct window *window = own;
	int64_t start_ms = sqlite3_column_int64(row, 0);
	const uint64_t *of = map_at(&window->items->of_decision,
		(uint64_t[]){(uint64_t)sqlite3_column_int64(row, 1)});
	size_t none = window->items->count; /* a damaged store may not know the decision */
	double octets = sqlite3_column_double(row, 3);

	if (start_ms != window->start_ms)
		end_window(window);
	window->start_ms = start_ms;
	estimate_packets(window->side->estimate, start_ms, sqlite3_column_double(row, 2));
	window->octets[0] += octets;
	for (int i = 0; i < 2; i++)
		window->octets[of[i] ? of[i] : none] += octets;
}

static void take_windows(struct side *side, struct items *items)
{
	struct window window = {.side = side,
		.items = items,
		.octets = x_calloc(items->count + 1, sizeof(double))};

	query_each(&side->query, windows_sql, take_window, &window);
	end_window(&window);
	free(window.octets);
}

/*
 * The share of packets that was taken on purpose: sampling of biflows is that times the share of their
 * batches' packets that was not lost, so it shows where least was lost.
 */
static double sampling_of(struct side *side, const json_t *bounds)
{
	double most = json_real_value(json_object_get(bounds, "sampled")), kept;
	json_t *row;

	if (most <= 0 || most > SAMPLED_MOST)
		return 1;
	row = query_row(&side->query, kept_sql, 0);
	kept = json_real_value(json_object_get(row, "kept"));
	json_decref(row);
	return kept > 0 && most / kept < SAMPLED_MOST ? most / kept : 1;
}

static struct estimate *new_estimate(const struct side *side, const struct sides *sides,
	int64_t slot_ms)
{
	size_t count = sides->items.count + 1; /* the last one: of no decision */
	double *largest = x_calloc(count, sizeof(*largest));
	struct estimate *estimate;

	for (size_t i = 0; i < count; i++)
		largest[i] = ESTIMATE_OCTETS;
	estimate = estimate_new((struct estimate_span){side->query.period.from_ms,
					side->query.period.to_ms},
		slot_ms, count, largest, side->sampling);
	free(largest);
	return estimate;
}

/* False: nothing is stored of that period. */
static bool begin_side(struct side *side, struct sides *sides, int64_t slot_ms, json_t *bounds)
{
	if (!json_is_integer(json_object_get(bounds, "from_ms")))
		return false;
	side->span.from_ms = json_integer_value(json_object_get(bounds, "from_ms"));
	side->span.to_ms = json_integer_value(json_object_get(bounds, "to_ms")) + slot_ms;
	side->sampling = sampling_of(side, bounds);
	side->estimate = new_estimate(side, sides, slot_ms);
	take_windows(side, &sides->items);
	return true;
}

/* ---- figures ---- */

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* Octets are whole ones. */
static void put_total(json_t *row, const struct estimate_figure *figure)
{
	json_object_set_new(row, "octets", json_integer(llround(figure->value)));
	json_object_set_new(row, "low", json_integer(llround(figure->low)));
	json_object_set_new(row, "high", json_integer(llround(figure->high)));
	json_object_set_new(row, "refused", text_or_null(figure->refused));
}

static void put_share(json_t *row, const char *name, const struct estimate_figure *figure)
{
	json_t *share = json_pack("{sfsfsfso}", "value", figure->value, "low", figure->low, "high",
		figure->high, "refused", text_or_null(figure->refused));

	json_object_set_new(row, name, share);
}

/* Of the shares in both periods. */
static void put_change(json_t *row, const struct sides *sides, size_t item,
	const struct estimate_figure *share)
{
	struct estimate_figure before, change;

	if (!sides->before.estimate)
		return;
	estimate_share(sides->before.estimate, ESTIMATE_ALL, item, 0, &before);
	estimate_change(share, &before, &change);
	put_share(row, "change", &change);
	json_object_set_new(json_object_get(row, "change"), "significant",
		json_boolean(!change.refused[0] && (change.low > 0 || change.high < 0)));
}

/* The mean of the shares of each day, where there are several. */
static void put_daily(json_t *row, const struct side *side, size_t item)
{
	static struct estimate_figure days[DAYS_MOST];
	struct estimate_figure mean;
	int64_t day_ms = side->span.from_ms -
			 (side->span.from_ms - side->query.period.from_ms) % STORE_DAY_MS;
	size_t count = 0;

	for (; day_ms < side->span.to_ms && count < DAYS_MOST; day_ms += STORE_DAY_MS)
		estimate_share(side->estimate,
			(struct estimate_span){day_ms, day_ms + STORE_DAY_MS}, item, 0,
			&days[count++]);
	if (count < 2 || day_ms < side->span.to_ms)
		return;
	estimate_mean(days, count, &mean);
	put_share(row, "mean_daily_share", &mean);
}

static json_t *figures_of(const struct sides *sides, const char *kind)
{
	json_t *rows = json_array();

	for (size_t i = 1; i < sides->items.count; i++) {
		const struct item *item = &sides->items.list[i];
		struct estimate_figure total, share;
		json_t *row;

		if (strcmp(item->kind, kind))
			continue;
		estimate_total(sides->now.estimate, ESTIMATE_ALL, i, &total);
		estimate_share(sides->now.estimate, ESTIMATE_ALL, i, 0, &share);
		row = json_object();
		json_object_set_new(row, kind, json_text(item->name));
		put_total(row, &total);
		put_share(row, "share", &share);
		put_change(row, sides, i, &share);
		put_daily(row, &sides->now, i);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* A class in the slots of charts; those of which nothing was lost are counted, and stand in hours and
 * windows of the report. */
static void add_series(json_t *series, const struct side *side, const char *class, size_t item,
	int64_t step_ms)
{
	int64_t at = side->span.from_ms - side->span.from_ms % step_ms;

	for (; at < side->span.to_ms; at += step_ms) {
		struct estimate_span span = {at, at + step_ms};
		struct estimate_figure figure;
		json_t *row;

		estimate_total(side->estimate, span, item, &figure);
		if (figure.low == figure.high && !figure.refused[0])
			continue;
		row = json_pack("{sIso}", "t", (json_int_t)at, "class", json_text(class));
		put_total(row, &figure);
		json_array_append_new(series, row);
	}
}

static json_t *series_of(const struct sides *sides, int64_t slot_ms)
{
	const struct side *side = &sides->now;
	int64_t length_ms = side->span.to_ms - side->span.from_ms;
	json_t *series = json_array();

	if (estimate_lost(side->estimate) <= 0 || length_ms > DAYS_MOST * STORE_DAY_MS)
		return series;
	for (size_t i = 1; i < sides->items.count; i++)
		if (!strcmp(sides->items.list[i].kind, "class"))
			add_series(series, side, sides->items.list[i].name, i,
				length_ms < WINDOWS_SPAN_MS ? slot_ms : STORE_HOUR_MS);
	return series;
}

/* ---- the part of the report ---- */

static json_t *statement(const struct side *side)
{
	size_t clusters = estimate_clusters(side->estimate);
	double lost = estimate_lost(side->estimate);
	struct estimate_figure all;
	char text[400], share[32], sampled[32];

	estimate_total(side->estimate, ESTIMATE_ALL, 0, &all);
	if (lost <= 0 && side->sampling >= 1)
		snprintf(text, sizeof(text),
			"Every packet was analysed: each figure is a count, and its interval has no width.");
	else if (all.refused[0])
		snprintf(text, sizeof(text),
			"%s of the IP packets were not analysed. What they were is %s. The figures are what was observed.",
			report_share(lost, share), all.refused);
	else
		snprintf(text, sizeof(text),
			"%s of the IP packets were not analysed%s%s%s. What they were is estimated from %zu stretches"
			" of time that were; the truth lies between low and high in 95 of 100 such audits.",
			report_share(lost, share), side->sampling < 1 ? ", and of the others " : "",
			side->sampling < 1 ? report_share(side->sampling, sampled) : "",
			side->sampling < 1 ? " were sampled" : "", clusters);
	return json_string(text);
}

static json_t *estimates_of(const struct sides *sides, int64_t slot_ms)
{
	const struct side *side = &sides->now;
	struct estimate_figure all;
	json_t *total = json_object();

	estimate_total(side->estimate, ESTIMATE_ALL, 0, &all);
	put_total(total, &all);
	return json_pack("{sssisisfsfsososososo}", "method",
		"separate ratio estimator: stretches of windows as clusters, hours as strata, packets seen as known totals;"
		" 95 % intervals",
		"clusters", (int)estimate_clusters(side->estimate), "strata",
		(int)estimate_strata(side->estimate), "share_lost", estimate_lost(side->estimate),
		"sampling", side->sampling, "statement", statement(side), "total", total,
		"verdicts", figures_of(sides, "verdict"), "classes", figures_of(sides, "class"),
		"series", series_of(sides, slot_ms));
}

json_t *report_estimate(struct query *query, const struct config *config,
	const struct period *period)
{
	int64_t slot_ms = (int64_t)config->window_s * 1000;
	struct sides sides = {.now.query = *query, .before.query = *query};
	bool before = period_before(period, &sides.before.query.period);
	json_t *bounds[] = {query_row(&sides.now.query, bounds_sql, 0),
		query_row(&sides.before.query, bounds_sql, 0)};
	json_t *estimates = NULL;

	find_items(&sides);
	if (begin_side(&sides.now, &sides, slot_ms, bounds[0])) {
		if (before)
			begin_side(&sides.before, &sides, slot_ms, bounds[1]);
		take_lost(query, &sides);
		estimate_settle(sides.now.estimate);
		if (sides.before.estimate)
			estimate_settle(sides.before.estimate);
		estimates = estimates_of(&sides, slot_ms);
	}
	query_join(query, &sides.now.query);
	query_join(query, &sides.before.query);
	estimate_free(sides.now.estimate);
	estimate_free(sides.before.estimate);
	json_decref(bounds[0]);
	json_decref(bounds[1]);
	free_items(&sides.items);
	return estimates ? estimates : json_null();
}
