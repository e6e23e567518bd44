/*
 * mira-charge: invoices for the use of the network, by a table of tariffs: volume or 95th percentile of
 * each user, aggregate or class. Reads mira.db; beside mira-report, at the end of the line.
 */
#include <stdlib.h>
#include <string.h>

#include "postproc/account/charge.h"
#include "postproc/account/charge_page.h"
#include "postproc/account/job.h"
#include "postproc/account/owners.h"
#include "postproc/account/traffic.h"
#include "postproc/report/report_query.h"
#include "spool/intern.h"
#include "spool/log.h"

static const char usage_text[] =
	"usage: mira-charge --tariffs FILE [--db FILE] [--customer NAME] [--period PERIOD]"
	" [--format FORMAT]\n\n"
	"What each user, aggregate or class used of the network in a period, and what that costs.\n\n"
	"  --tariffs FILE       the tariffs, and to whom they apply\n"
	"  --customer NAME      the invoice of this one only\n"
	"  --format FORMAT      text (default), csv, json, or html: a sheet of paper for each\n" JOB_HELP;

static const char *tariffs_file, *only;

static const struct option options[] = {{"tariffs", required_argument, NULL, 't'},
	{"customer", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};

static int take_option(int value, const char *argument)
{
	*(value == 't' ? &tariffs_file : &only) = argument;
	return MIRA_OK;
}

/* What traffic_each() is given. */
struct sums {
	struct tariffs tariffs;
	struct lpm *owners; /* NULL: by class */
	uint32_t *classes;  /* of each decision of the store: an id of intern.h */
	size_t class_count;
	struct traffic traffic;
	struct charge *charge;
	uint64_t sampled; /* octets that stand for more */
};

/* ---- customers ---- */

/* 0: nobody's, as charge.h has it; intern.h has no text but the empty one under this id. */
static uint32_t name_owner(const char *address, void *own)
{
	const struct sums *sums = own;

	return sums->owners ? owner_of(sums->owners, address, 0, 0) : 0;
}

static void add_customer(uint32_t name, void *own)
{
	struct sums *sums = own;

	charge_customer(sums->charge, name);
}

static int read_classes(struct sums *sums, sqlite3 *db)
{
	struct query query = {.db = db};
	json_t *rows = query_rows(&query, "SELECT id, class FROM decision ORDER BY id DESC", 0);
	const json_t *row = json_array_get(rows, 0);

	sums->class_count = (size_t)json_number(row, "id") + 1;
	sums->classes = x_calloc(sums->class_count, sizeof(*sums->classes));
	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		sums->classes[(size_t)json_number(row, "id")] =
			intern(json_string_at(row, "class"));
	json_decref(rows);
	return query.failed;
}

static int read_customers(struct sums *sums, const struct job_run *run)
{
	if (sums->tariffs.by == TARIFF_BY_CLASS)
		return read_classes(sums, run->db);
	sums->owners = sums->tariffs.by == TARIFF_BY_USER ? owners_users(sums->tariffs.users)
							  : owners_aggregates(&run->config);
	if (!sums->owners)
		return MIRA_PERSON;
	lpm_each(sums->owners, add_customer, sums);
	return MIRA_OK;
}

/* Windows are what traffic is known by: each must lie within 5 minutes. */
static int check_windows(const struct tariffs *tariffs, const struct config *config)
{
	for (size_t i = 0; i < tariffs->count; i++) {
		if (tariffs->list[i].measure != TARIFF_P95 || 300 % config->window_s == 0)
			continue;
		log_err("tariff \"%s\" is by samples of 5 minutes, which windows of %u s do not"
			" divide: measure = \"volume\", or another window_s in mira.conf",
			tariffs->list[i].name, config->window_s);
		return MIRA_PERSON;
	}
	return MIRA_OK;
}

/* ---- the sums ---- */

static void add_side(struct sums *sums, int64_t window_ms, uint32_t from, uint32_t to,
	const struct traffic_side *side)
{
	charge_add(sums->charge, window_ms, from, to, side->octets);
	if (side->sampling < 1)
		sums->sampled += side->octets;
}

static void add(const struct traffic_biflow *biflow, void *own)
{
	struct sums *sums = own;
	uint32_t src = sums->traffic.names[biflow->src], dst = sums->traffic.names[biflow->dst];

	if (sums->classes) {
		src = biflow->decision < sums->class_count ? sums->classes[biflow->decision] : 0;
		dst = 0;
	}
	add_side(sums, biflow->window_ms, src, dst, &biflow->there);
	if (sums->classes)
		add_side(sums, biflow->window_ms, src, dst, &biflow->back);
	else
		add_side(sums, biflow->window_ms, dst, src, &biflow->back);
}

/* One invoice, for one pair of eyes: what others used is no part of it. */
static int keep_only(json_t *found, const char *customer)
{
	json_t *invoices = json_object_get(found, "invoices");
	static const char *const of_all[] = {"balance", "net", "vat", "total", "sampled_octets"};

	for (size_t i = json_array_size(invoices); i-- > 0;)
		if (strcmp(json_string_at(json_array_get(invoices, i), "customer"), customer) != 0)
			json_array_remove(invoices, i);
	for (size_t i = 0; i < sizeof(of_all) / sizeof(of_all[0]); i++)
		json_object_del(found, of_all[i]);
	if (json_array_size(invoices))
		return MIRA_OK;
	log_err("--customer %s: nobody of this name is charged; without --customer all are listed",
		customer);
	return MIRA_PERSON;
}

static json_t *describe(struct sums *sums, const struct job_run *run, int *code)
{
	json_t *found = job_cover(run, code), *charged = charge_json(sums->charge, code);

	json_object_update(found, charged);
	json_decref(charged);
	json_object_set_new(found, "sampled_octets", json_integer((json_int_t)sums->sampled));
	if (!*code && only)
		*code = keep_only(found, only);
	if (!*code)
		return found;
	json_decref(found);
	return NULL;
}

static json_t *charge(struct sums *sums, const struct job_run *run, int *code)
{
	sums->charge = charge_new(&sums->tariffs, &run->period);
	sums->traffic = (struct traffic){.db = run->db, .name = name_owner, .own = sums};
	*code = check_windows(&sums->tariffs, &run->config);
	if (!*code)
		*code = read_customers(sums, run);
	if (!*code)
		*code = traffic_hosts(&sums->traffic);
	if (!*code)
		*code = traffic_each(&sums->traffic, &run->period, add);
	return *code ? NULL : describe(sums, run, code);
}

static json_t *gather(struct job_run *run, int *code)
{
	struct sums sums = {0};
	json_t *found;

	*code = MIRA_PERSON;
	if (!tariffs_file)
		log_err("name the file of tariffs with --tariffs; see mira-charge(8) for one");
	else
		*code = tariffs_load(&sums.tariffs, tariffs_file);
	if (*code)
		return NULL;
	found = charge(&sums, run, code);
	traffic_free(&sums.traffic);
	charge_free(sums.charge);
	lpm_free(sums.owners);
	free(sums.classes);
	tariffs_free(&sums.tariffs);
	return found;
}

static const struct job job = {
	.name = "mira-charge",
	.usage = usage_text,
	.options = options,
	.option = take_option,
	.gather = gather,
	.formats = {{"text", charge_text}, {"csv", charge_csv}, {"json", job_json},
		{"html", charge_page}, {0}},
};

int main(int argc, char **argv)
{
	return job_main(&job, argc, argv);
}
