/* report_time.c: the times of the report: its zone, its period, and the sums of the period before. */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "postproc/report/report_parts.h"

#define ZONE_STEP_MS 3600000 /* clocks change at the hour */
#define ZONES_MOST   100

/* SQL is laid out as SQL. */
/* clang-format off */

#define BEFORE                                                                                     \
	"coalesce(sum(biflows), 0) AS biflows, coalesce(sum(packets), 0) AS packets,"              \
	" coalesce(sum(octets), 0) AS octets FROM rollup_window LEFT JOIN decision d ON d.id = decision"                              \
	" WHERE window_ms >= :from AND window_ms < :to"

static const char total_sql[] = "SELECT " BEFORE;
static const char verdicts_sql[] = "SELECT verdict, " BEFORE " GROUP BY verdict ORDER BY verdict";
static const char classes_sql[] = "SELECT class, " BEFORE " GROUP BY class ORDER BY octets DESC, class";
/* Each shard tells what a batch was, and the part of it that was its own. */
static const char covered_sql[] =
	"SELECT sum(iif(shard = (SELECT min(shard) FROM ledger_part), packets_seen - packets_filtered, 0))"
	"  AS seen, sum(packets_ip + packets_not_ip + packets_malformed) AS analysed"
	" FROM ledger_part WHERE first_ms >= :from AND first_ms < :to";

/* clang-format on */

static json_t *zone(int64_t ms, const struct tm *tm)
{
	return json_pack("{sIsIss}", "from_ms", (json_int_t)ms, "offset_ms",
		(json_int_t)tm->tm_gmtoff * 1000, "name", tm->tm_zone);
}

/* How local time runs from FROM to TO: an entry for the beginning, and for each change of the clock. */
static void add_zones(json_t *all, int64_t from_ms, int64_t to_ms)
{
	long offset = LONG_MAX;

	for (int64_t ms = from_ms - from_ms % ZONE_STEP_MS;
		ms <= to_ms && json_array_size(all) < ZONES_MOST; ms += ZONE_STEP_MS) {
		time_t seconds = (time_t)(ms / 1000);
		struct tm tm;

		if (!localtime_r(&seconds, &tm))
			return;
		if (tm.tm_gmtoff != offset)
			json_array_append_new(all, zone(ms, &tm));
		offset = tm.tm_gmtoff;
	}
}

/* "2026-11-21", "2026-W47", "2026-11", or both ends: also a folder's name. */
static void name_period(const struct period *period, char out[64])
{
	static const char *const formats[] =
		{[PERIOD_DAY] = "%Y-%m-%d", [PERIOD_WEEK] = "%G-W%V", [PERIOD_MONTH] = "%Y-%m"};
	time_t from = (time_t)(period->from_ms / 1000), to = (time_t)(period->to_ms / 1000);
	struct tm tm;

	localtime_r(&from, &tm);
	if (period->kind != PERIOD_SPAN) {
		strftime(out, 64, formats[period->kind], &tm);
		return;
	}
	strftime(out, 32, "%Y%m%dT%H%M%S", &tm);
	localtime_r(&to, &tm);
	strftime(out + strlen(out), 32, "-%Y%m%dT%H%M%S", &tm);
}

static json_t *describe(const struct period *period)
{
	static const char *const kinds[] = {[PERIOD_DAY] = "day",
		[PERIOD_WEEK] = "week",
		[PERIOD_MONTH] = "month",
		[PERIOD_SPAN] = "span"};
	char name[64], text[PERIOD_TEXT];

	if (period->kind == PERIOD_ALL)
		return json_null();
	name_period(period, name);
	return json_pack("{sssssssIsI}", "kind", kinds[period->kind], "name", name, "text",
		period_text(period, text), "from_ms", (json_int_t)period->from_ms, "to_ms",
		(json_int_t)period->to_ms);
}

void report_time(json_t *report, const struct period *period)
{
	int64_t from = (int64_t)json_number(report, "from_ms"),
		to = (int64_t)json_number(report, "to_ms"),
		made = (int64_t)json_number(report, "generated_ms");
	json_t *zones = json_array();
	struct period before;

	if (period_before(period, &before)) {
		from = before.from_ms;
		to = period->to_ms < made ? period->to_ms : made;
	}
	if (from)
		add_zones(zones, from, to);
	add_zones(zones, made, made);
	json_object_set_new(report, "timezone", json_text(period_zone()));
	json_object_set_new(report, "zones", zones);
	json_object_set_new(report, "period", describe(period));
}

json_t *report_previous(struct query *query, const struct period *period)
{
	struct query before = {.db = query->db};
	json_t *covered, *previous;
	double seen;

	if (!period_before(period, &before.period))
		return json_null();
	covered = query_row(&before, covered_sql, 0);
	seen = json_number(covered, "seen");
	previous = json_pack("{sososososo}", "period", describe(&before.period), "share_analysed",
		seen > 0 ? json_real(json_number(covered, "analysed") / seen) : json_null(),
		"total", query_row(&before, total_sql, 0), "verdicts",
		query_rows(&before, verdicts_sql, 0), "classes",
		query_rows(&before, classes_sql, 0));
	query_join(query, &before);
	json_decref(covered);
	return previous;
}
