/*
 * period.h: the stretch of time that a post-processor looks at, from the words of its command line:
 * a day, a week (from Monday) or a month of the calendar, any two times, or all that there is.
 *
 *	static const struct option options[] = {…, PERIOD_OPTIONS, {0}};
 *	struct period_words words = {0};
 *	… while ((option = getopt_long(…)) != -1)
 *		if (period_option(&words, option, optarg)) continue; …
 *	code = period_parse(&words, time(NULL), &period);
 *
 * Days begin and end where the calendar of the time zone says so: a day of a change of the clocks
 * has 23 or 25 hours, and one whose midnight does not exist begins at its first instant. The zone is
 * that of --timezone, else of $TZ, else of the system; period_parse() makes it that of the process,
 * so localtime() and strftime() agree with it.
 *
 * SQL selects with "window_ms >= ?1 AND window_ms < ?2", from_ms and to_ms; this holds for
 * PERIOD_ALL too.
 */
#ifndef POSTPROC_PERIOD_H
#define POSTPROC_PERIOD_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum period_kind { PERIOD_ALL, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_SPAN };

struct period {
	enum period_kind kind;
	int64_t from_ms, to_ms; /* from_ms <= t < to_ms */
};

/* Values of long options that collide with no letter. */
enum { PERIOD_OPTION_FIRST = 0x100, PERIOD_OPTION_COUNT = 5 };
#define PERIOD_OPTIONS                                                                             \
	{"period", required_argument, NULL, PERIOD_OPTION_FIRST},                                  \
		{"date", required_argument, NULL, PERIOD_OPTION_FIRST + 1},                        \
		{"from", required_argument, NULL, PERIOD_OPTION_FIRST + 2},                        \
		{"to", required_argument, NULL, PERIOD_OPTION_FIRST + 3},                          \
	{                                                                                          \
		"timezone", required_argument, NULL, PERIOD_OPTION_FIRST + 4                       \
	}
/* For --help. */
#define PERIOD_HELP                                                                                \
	"  --period PERIOD      day, week or month: the last whole one, or that of --date\n"       \
	"  --date YYYY-MM-DD    a date in the period\n"                                            \
	"  --from, --to TIME    YYYY-MM-DD[THH:MM[:SS]]; --to is not part of the period\n"         \
	"  --timezone ZONE      such as Europe/Prague; default: $TZ, or the system's\n"

struct period_words {
	const char *word[PERIOD_OPTION_COUNT]; /* in the order of PERIOD_OPTIONS; NULL: not given */
};
/* period_option(): takes OPTION when it is one of PERIOD_OPTIONS; ARGUMENT is kept, not copied. */
bool period_option(struct period_words *words, int option, const char *argument);

/*
 * period_parse(): WORDS at the time NOW. Without a word: PERIOD_ALL. 0, or MIRA_PERSON after a
 * message that says what is allowed.
 */
int period_parse(const struct period_words *words, time_t now, struct period *period);

/*
 * period_before(): the period before this one: the day, week or month of the calendar before; of a
 * span, as much time again. False: there is none (PERIOD_ALL).
 */
bool period_before(const struct period *period, struct period *before);

/* period_day(): DAY is that of DATE, "2026-03-01", in the zone of the process. False: it is no date. */
bool period_day(const char *date, struct period *day);

/* period_zone(): the name of the zone: as given, or the abbreviation in force now. */
const char *period_zone(void);

/*
 * period_text(): the period for people, such as "2026-03-01 00:00 to 2026-04-01 00:00
 * (Europe/Prague)"; "all that is stored" for PERIOD_ALL.
 */
#define PERIOD_TEXT 160
char *period_text(const struct period *period, char out[PERIOD_TEXT]);

#endif
