/*
 * period.c: the calendar between a person's words and the milliseconds of the store. Used by every
 * post-processor that looks at a stretch of time.
 */
#include "postproc/period.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"

/* No time zone of today is off UTC by anything but a multiple of this. */
#define STEP_S 900

enum { WORD_PERIOD, WORD_DATE, WORD_FROM, WORD_TO, WORD_ZONE };

static const char *const kinds[] =
	{[PERIOD_DAY] = "day", [PERIOD_WEEK] = "week", [PERIOD_MONTH] = "month"};

bool period_option(struct period_words *words, int option, const char *argument)
{
	if (option < PERIOD_OPTION_FIRST || option >= PERIOD_OPTION_FIRST + PERIOD_OPTION_COUNT)
		return false;
	words->word[option - PERIOD_OPTION_FIRST] = argument;
	return true;
}

/* ---- the zone ---- */

/* glibc takes the name of a zone that it does not know for UTC, in silence. */
static bool zone_known(const char *name)
{
	const char *folder = getenv("TZDIR");
	char path[PATH_MAX];

	if (!strcmp(name, "UTC"))
		return true;
	if (!*name || *name == '/' || strstr(name, ".."))
		return false;
	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
	return access(path, R_OK) == 0;
}

static int set_zone(const char *name)
{
	if (name && !zone_known(name)) {
		log_err("--timezone %s: no such zone; allowed are UTC and the names below"
			" /usr/share/zoneinfo (package tzdata), such as Europe/Prague",
			name);
		return MIRA_PERSON;
	}
	if (name)
		setenv("TZ", name, 1);
	tzset();
	return MIRA_OK;
}

const char *period_zone(void)
{
	const char *name = getenv("TZ");
	time_t now = time(NULL);
	struct tm tm;

	if (name && *name && *name != ':')
		return name;
	return localtime_r(&now, &tm) ? tm.tm_zone : "UTC";
}

/* ---- the calendar ---- */

static bool same_date(time_t t, const struct tm *date)
{
	struct tm tm;

	return localtime_r(&t, &tm) && tm.tm_mday == date->tm_mday && tm.tm_mon == date->tm_mon &&
	       tm.tm_year == date->tm_year;
}

/*
 * The first instant of a date, whose day and month may run over. Midnight may not exist, or twice, so
 * it is looked for from noon, which exists once.
 */
static time_t day_begin(struct tm date)
{
	struct tm noon = {.tm_year = date.tm_year,
		.tm_mon = date.tm_mon,
		.tm_mday = date.tm_mday,
		.tm_hour = 12,
		.tm_isdst = -1};
	time_t t = mktime(&noon);

	while (same_date(t - STEP_S, &noon))
		t -= STEP_S;
	return t;
}

/* The period of KIND that holds T, moved by STEPS periods. */
static void set_calendar(struct period *period, enum period_kind kind, time_t t, int steps)
{
	struct tm from, to;
	int days = kind == PERIOD_WEEK ? 7 : kind == PERIOD_DAY, months = kind == PERIOD_MONTH;

	localtime_r(&t, &from);
	if (kind == PERIOD_WEEK)
		from.tm_mday -= (from.tm_wday + 6) % 7;
	if (kind == PERIOD_MONTH)
		from.tm_mday = 1;
	from.tm_mday += days * steps;
	from.tm_mon += months * steps;
	to = from;
	to.tm_mday += days;
	to.tm_mon += months;
	*period = (struct period){kind, (int64_t)day_begin(from) * 1000,
		(int64_t)day_begin(to) * 1000};
}

bool period_before(const struct period *period, struct period *before)
{
	int64_t length = period->to_ms - period->from_ms;

	if (period->kind == PERIOD_ALL)
		return false;
	if (period->kind == PERIOD_SPAN)
		*before = (struct period){PERIOD_SPAN, period->from_ms - length, period->from_ms};
	else
		set_calendar(before, period->kind, (time_t)(period->from_ms / 1000), -1);
	return true;
}

/* ---- words ---- */

/* "2026-03-01", then, unless DATE_ONLY, perhaps "T08:30" or "T08:30:15": the local time. */
static bool parse_time(const char *text, bool date_only, time_t *t)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};
	size_t count = date_only ? 1 : sizeof(forms) / sizeof(forms[0]);

	for (size_t i = 0; i < count; i++) {
		struct tm tm = {0}, asked;
		const char *end = strptime(text, forms[i], &tm);

		if (!end || *end)
			continue;
		asked = tm;
		tm.tm_isdst = -1;
		*t = i ? mktime(&tm) : day_begin(tm);
		/* strptime() takes 31 February, and mktime() makes 3 March of it */
		return localtime_r(t, &tm) && tm.tm_mday == asked.tm_mday &&
		       tm.tm_mon == asked.tm_mon;
	}
	return false;
}

bool period_day(const char *date, struct period *day)
{
	time_t t;

	if (!parse_time(date, true, &t))
		return false;
	set_calendar(day, PERIOD_DAY, t, 0);
	return true;
}

static int complain(const char *option, const char *given, const char *allowed)
{
	log_err("%s %s: %s", option, given, allowed);
	return MIRA_PERSON;
}

static int parse_span(const struct period_words *words, struct period *period)
{
	static const char form[] = "a time is YYYY-MM-DD, YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS";
	const char *from = words->word[WORD_FROM], *to = words->word[WORD_TO];
	time_t t;

	period->kind = PERIOD_SPAN;
	if (!from || !to)
		return complain(from ? "--from" : "--to", from ? from : to,
			"--from and --to are given together");
	if (!parse_time(from, false, &t))
		return complain("--from", from, form);
	period->from_ms = (int64_t)t * 1000;
	if (!parse_time(to, false, &t))
		return complain("--to", to, form);
	period->to_ms = (int64_t)t * 1000;
	if (period->from_ms >= period->to_ms)
		return complain("--to", to, "the period ends before it begins");
	return MIRA_OK;
}

static int parse_kind(const struct period_words *words, time_t now, struct period *period)
{
	const char *date = words->word[WORD_DATE];
	time_t t = now;

	for (enum period_kind kind = PERIOD_DAY; kind <= PERIOD_MONTH; kind++) {
		if (strcmp(words->word[WORD_PERIOD], kinds[kind]) != 0)
			continue;
		if (date && !parse_time(date, true, &t))
			return complain("--date", date, "a date is YYYY-MM-DD");
		set_calendar(period, kind, t, date ? 0 : -1);
		return MIRA_OK;
	}
	return complain("--period", words->word[WORD_PERIOD], "allowed are day, week and month");
}

int period_parse(const struct period_words *words, time_t now, struct period *period)
{
	const char *const *word = words->word;
	int code = set_zone(word[WORD_ZONE]);

	*period = (struct period){PERIOD_ALL, INT64_MIN, INT64_MAX};
	if (code)
		return code;
	if (word[WORD_PERIOD] && (word[WORD_FROM] || word[WORD_TO]))
		return complain("--period", word[WORD_PERIOD], "give this, or --from and --to");
	if (word[WORD_PERIOD])
		return parse_kind(words, now, period);
	if (word[WORD_DATE])
		return complain("--date", word[WORD_DATE], "give --period day, week or month too");
	return word[WORD_FROM] || word[WORD_TO] ? parse_span(words, period) : MIRA_OK;
}

/* ---- for people ---- */

static void moment(int64_t ms, char out[32])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
		!strftime(out, 32, tm.tm_sec ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M", &tm))
		strcpy(out, "?");
}

char *period_text(const struct period *period, char out[PERIOD_TEXT])
{
	char from[32], to[32];

	if (period->kind == PERIOD_ALL) {
		strcpy(out, "all that is stored");
		return out;
	}
	moment(period->from_ms, from);
	moment(period->to_ms, to);
	snprintf(out, PERIOD_TEXT, "%s to %s (%s)", from, to, period_zone());
	return out;
}
