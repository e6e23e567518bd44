/*
 * report.h: the Acceptable Use Policy audit: gathered from mira.db into one JSON object, and shown
 * from that object only, so page, terminal and report.json cannot disagree. Manual page:
 * mira-report(8), which lists every member.
 *
 * Calling sequence: report_gather(), then what is wanted of it: report_print(), report_page(), …; then
 * json_decref().
 *
 * Octets are IP total lengths, as observed, both directions; times are milliseconds since
 * 1970-01-01 UTC. The octets of verdicts, classes, rules, aggregates and hours each add up to the
 * total of the audit. Those of hosts add up to twice the total: a biflow has two.
 */
#ifndef POSTPROC_REPORT_H
#define POSTPROC_REPORT_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include "postproc/as.h"
#include "postproc/period.h"
#include "postproc/privacy/privacy.h"
#include "spool/config.h"
#include "spool/policy.h"

/* What a report is made with. */
struct report_sources {
	const struct config *config;
	const struct policy
		*policy; /* sentences and conditions of its rules; NULL: not to be had */
	const struct period
		*period; /* period_parse(), which sets the zone of hours and weekdays, too */
	struct privacy *privacy;	   /* what is shown of hosts */
	const struct as_database *systems; /* who announces which address; NULL: nobody knows */
	json_t *contested;		   /* contested_load(); NULL: nothing is */
};

/*
 * report_gather(): what stands in DB of the period, at one instant; once a connection. Returns NULL
 * after having logged why, with the exit code in *CODE. The caller owns the object.
 */
json_t *report_gather(sqlite3 *db, const struct report_sources *sources, int *code);
/*
 * report_print(): the short text for a terminal, at most about 60 lines; bars and marks where the
 * locale is UTF-8.
 */
void report_print(const json_t *report, FILE *out);
/* report_page(): the page, complete in itself, malloc'ed; its length is in *SIZE. */
char *report_page(const json_t *report, size_t *size);

/* report_csv(): FOLDER/csv with a file for each table of REPORT; made anew, or left as it was: -1 with errno. */
int report_csv(json_t *report, const char *folder);
/* report_pdf(): FOLDER/report.pdf of FOLDER/index.html. 0, or -1 with errno: ENOENT: there is no
 * Chromium. */
int report_pdf(const char *folder);
/*
 * report_mail(): the short text to the recipients of CONFIG (report_mail) by sendmail, with the page
 * of FOLDER as attachment, or a link where CONFIG says where people find it (report_url). 0, or an
 * exit code after a message; without recipients 0.
 */
int report_mail(const json_t *report, const char *folder, const struct config *config);
/*
 * report_summary(): what an index tells of REPORT, for FOLDER/summary.json; the caller owns it.
 * report_index(): the page of ARCHIVE over the reports in it (folders that have such a file), newest
 * first, malloc'ed; its length is in *SIZE. NULL with errno.
 */
json_t *report_summary(const json_t *report);
char *report_index(const char *archive, size_t *size);

/*
 * report_size(): "1.2 MB" of OCTETS; report_count(): "1,234,567"; report_share(): "12.3 %", of a
 * share 0 … 1, never rounded to 0 % or 100 %. OUT holds 32 bytes; return OUT.
 */
char *report_size(double octets, char *out);
char *report_count(json_int_t count, char *out);
char *report_share(double share, char *out);
/*
 * report_put(): TEXT in WIDTH columns (0: as long as it is), on the left, cut with "~"; what could
 * steer a terminal is shown as '?'.
 */
void report_put(const char *text, int width, FILE *out);

#endif
