/*
 * mira-usage: what each aggregate used of the network: volumes, classes, hosts, busiest hours, and what
 * of that may be compared where different shares were analysed. Reads mira.db; beside mira-report, at
 * the end of the line.
 */
#include <stdlib.h>
#include <string.h>

#include "postproc/account/job.h"
#include "postproc/account/owners.h"
#include "postproc/account/usage.h"
#include "postproc/privacy/privacy.h"
#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/table.h"
#include "spool/log.h"
#include "spool/value.h"

#define MOST_TOP     10000
#define MOST_CLASSES 4 /* of an aggregate, on a terminal */

static const char usage_text[] =
	"usage: mira-usage [--db FILE] [--users FILE] [--top N] [--period PERIOD]"
	" [--format FORMAT]\n\n"
	"What each aggregate of mira.conf used of the network: volumes, classes, hosts, busiest hours;"
	" compared only\n"
	"where what was analysed allows it.\n\n"
	"  --users FILE         prefixes and users, to count these too\n"
	"  --top N              hosts of each aggregate that are listed (3; 0: none)\n"
	"  --format FORMAT      text (default), csv or json\n" JOB_HELP;

static const char *users_file;
static uint64_t top = 3;

static const struct option options[] = {{"users", required_argument, NULL, 'u'},
	{"top", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};

static int take_option(int value, const char *argument)
{
	if (value == 'u') {
		users_file = argument;
		return MIRA_OK;
	}
	top = 0;
	if (!strcmp(argument, "0") || value_count(argument, MOST_TOP, &top))
		return MIRA_OK;
	log_err("--top %s: a number from 0 to %d", argument, MOST_TOP);
	return MIRA_PERSON;
}

static json_t *describe(struct usage *usage, const struct job_run *run, int *code)
{
	struct privacy *privacy = privacy_new(&run->config, run->db_path);
	json_t *found = job_cover(run, code), *used;

	privacy_at(privacy, run->period.from_ms);
	used = usage_json(usage, privacy, (size_t)top);
	json_object_set_new(found, "privacy", privacy_describe(privacy));
	json_object_update(found, used);
	json_decref(used);
	privacy_free(privacy);
	return found;
}

static json_t *read_usage(struct job_run *run, const struct lpm *users, int *code)
{
	struct usage *usage = usage_new(&run->config, users);
	json_t *found = NULL;

	*code = usage_read(usage, run->db, &run->period);
	if (!*code)
		found = describe(usage, run, code);
	usage_free(usage);
	return found;
}

static json_t *gather(struct job_run *run, int *code)
{
	struct lpm *users = users_file ? owners_users(users_file) : NULL;
	json_t *found;

	*code = MIRA_PERSON;
	if (users_file && !users)
		return NULL;
	found = read_usage(run, users, code);
	lpm_free(users);
	return found;
}

/* ---- the formats ---- */

/* "1.1 GB to 1.3 GB", "counted", or why there is none. */
static json_t *interval(const json_t *row)
{
	const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
	char from[32], to[32];

	if (!json_is_integer(low))
		return json_incref(json_object_get(row, "refused"));
	if (json_equal(low, high))
		return json_string("counted");
	return json_sprintf("%s to %s", report_size(json_number_value(low), from),
		report_size(json_number_value(high), to));
}

static json_t *flat_row(const json_t *row)
{
	json_t *flat = json_copy((json_t *)row);
	bool withheld = json_is_true(json_object_get(row, "withheld"));

	json_object_set_new(flat, "interval", withheld ? json_string("withheld") : interval(row));
	json_object_set(flat, "peak", json_object_get(json_object_get(row, "peak"), "text"));
	return flat;
}

/* Rows without what is in a row of its own, that of all before them. */
static json_t *flat_rows(const json_t *found)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_append_new(rows, flat_row(json_object_get(found, "all")));
	json_array_foreach(json_object_get(found, "aggregates"), i, row)
		json_array_append_new(rows, flat_row(row));
	return rows;
}

static void print_csv(const json_t *found, FILE *out)
{
	static const struct table_column columns[] = {{"aggregate", "", TABLE_TEXT},
		{"biflows", "", TABLE_COUNT}, {"packets", "", TABLE_COUNT},
		{"octets", "", TABLE_COUNT}, {"sent_octets", "", TABLE_COUNT},
		{"received_octets", "", TABLE_COUNT}, {"sampling", "", TABLE_SHARE},
		{"expanded_octets", "", TABLE_COUNT}, {"low", "", TABLE_COUNT},
		{"high", "", TABLE_COUNT}, {"interval", "", TABLE_TEXT},
		{"share_octets", "", TABLE_SHARE}, {"users", "", TABLE_COUNT},
		{"hosts", "", TABLE_COUNT}, {"equal_hosts", "", TABLE_COUNT},
		{"octets_per_host", "", TABLE_COUNT}, {"peak", "", TABLE_TEXT}, {0}};
	json_t *rows = flat_rows(found);

	table_csv(rows, columns, out);
	json_decref(rows);
}

static void print_volumes(const json_t *found, FILE *out)
{
	static const struct table_column columns[] = {{"aggregate", "Aggregate", TABLE_TEXT},
		{"octets", "observed", TABLE_SIZE}, {"sampling", "sampled", TABLE_SHARE},
		{"expanded_octets", "expanded", TABLE_SIZE}, {"interval", "interval", TABLE_FINAL},
		{"share_octets", "share", TABLE_SHARE}, {"hosts", "hosts", TABLE_COUNT},
		{"octets_per_host", "a host", TABLE_SIZE}, {"peak", "busiest hour", TABLE_FINAL},
		{0}};
	json_t *rows = flat_rows(found);

	table_text(rows, columns, out);
	json_decref(rows);
}

/* The first MOST of list KEY of each aggregate, each with the aggregate's name. */
static void print_lists(const json_t *found, const char *key, size_t most,
	const struct table_column *columns, FILE *out)
{
	json_t *rows = json_array(), *row, *entry;
	size_t i, place;

	json_array_foreach(json_object_get(found, "aggregates"), i, row) {
		json_array_foreach(json_object_get(row, key), place, entry) {
			if (place == most)
				break;
			entry = json_copy(entry);
			json_object_set(entry, "aggregate", json_object_get(row, "aggregate"));
			json_array_append_new(rows, entry);
		}
	}
	if (json_array_size(rows)) {
		fputc('\n', out);
		table_text(rows, columns, out);
	}
	json_decref(rows);
}

static void print_text(const json_t *found, FILE *out)
{
	static const struct table_column classes[] = {{"aggregate", "Main classes", TABLE_TEXT},
		{"class", "", TABLE_TEXT}, {"expanded_octets", "expanded", TABLE_SIZE},
		{"share_octets", "share", TABLE_SHARE}, {0}};
	static const struct table_column hosts[] = {{"aggregate", "Top hosts", TABLE_TEXT},
		{"host", "", TABLE_TEXT}, {"sent_octets", "sent", TABLE_SIZE},
		{"received_octets", "received", TABLE_SIZE}, {0}};

	job_print_cover(found, "Use of the network", out);
	print_volumes(found, out);
	print_lists(found, "classes", MOST_CLASSES, classes, out);
	print_lists(found, "top_hosts", MOST_TOP, hosts, out);
	fputs("\nObserved is what was analysed; expanded, what there was as far as can be told."
	      " An address is not a person.\n",
		out);
}

static const struct job job = {
	.name = "mira-usage",
	.usage = usage_text,
	.options = options,
	.option = take_option,
	.gather = gather,
	.formats = {{"text", print_text}, {"csv", print_csv}, {"json", job_json}, {0}},
};

int main(int argc, char **argv)
{
	return job_main(&job, argc, argv);
}
