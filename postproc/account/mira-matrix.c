/*
 * mira-matrix: how much went from whom to whom: between the aggregates of mira.conf, or between
 * autonomous systems. Reads mira.db; beside mira-report, at the end of the line.
 */
#include <stdlib.h>
#include <string.h>

#include "postproc/account/job.h"
#include "postproc/account/matrix.h"
#include "postproc/account/owners.h"
#include "postproc/account/traffic.h"
#include "postproc/as.h"
#include "postproc/privacy/groups.h"
#include "postproc/report/report.h"
#include "postproc/report/report_query.h"
#include "postproc/table.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/value.h"

#define MOST_TOP  1000000
#define MOST_GRID 100 /* names that are shown as a grid */
#define AS_FILES  16

static const char usage_text[] =
	"usage: mira-matrix [--db FILE] [--as FILE]... [--top N] [--period PERIOD]"
	" [--format FORMAT]\n\n"
	"How many packets and octets went from whom to whom: between the aggregates of mira.conf that"
	" have prefixes\n"
	"or, with --as, between autonomous systems.\n\n"
	"  --as FILE            a database of autonomous systems: NAME.mmdb, or pfx2as text; may be"
	" repeated\n"
	"  --top N              rows and columns; the rest is summed up as others (10; 0: all)\n"
	"  --format FORMAT      text (default), csv or json\n" JOB_HELP;

static const char *as_files[AS_FILES];
static size_t as_count;
static uint64_t top = 10;

static const struct option options[] = {{"as", required_argument, NULL, 'a'},
	{"top", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};

static int take_as(const char *path)
{
	if (as_count == AS_FILES) {
		log_err("--as %s: more than %d files", path, AS_FILES);
		return MIRA_PERSON;
	}
	as_files[as_count++] = path;
	return MIRA_OK;
}

static int take_top(const char *text)
{
	top = 0;
	if (!strcmp(text, "0") || value_count(text, MOST_TOP, &top))
		return MIRA_OK;
	log_err("--top %s: a number from 0 to %d", text, MOST_TOP);
	return MIRA_PERSON;
}

static int take_option(int value, const char *argument)
{
	return value == 'a' ? take_as(argument) : take_top(argument);
}

/* ---- who is who ---- */

struct namer {
	struct lpm *aggregates;
	struct as_database *systems;
	uint32_t *organizations; /* of each name: also an id of intern.h, or 0 */
	uint32_t name_count, outside, unknown;
};

/* What traffic_each() is given. */
struct sums {
	struct namer namer;
	struct traffic traffic;
	struct matrix *matrix;
	bool *met;	  /* of each host: it has traffic */
	uint64_t sampled; /* octets that stand for more */
};

static uint32_t name_aggregate(const char *address, void *own)
{
	const struct namer *namer = &((const struct sums *)own)->namer;

	return owner_of(namer->aggregates, address, namer->outside, namer->unknown);
}

static void note_organization(struct namer *namer, uint32_t name, const char *organization)
{
	if (name >= namer->name_count) {
		uint32_t count = name + 1024;

		namer->organizations =
			x_realloc(namer->organizations, count * sizeof(*namer->organizations));
		memset(namer->organizations + namer->name_count, 0,
			(count - namer->name_count) * sizeof(*namer->organizations));
		namer->name_count = count;
	}
	namer->organizations[name] = intern(organization);
}

static uint32_t name_system(const char *address, void *own)
{
	struct namer *namer = &((struct sums *)own)->namer;
	char text[16];
	struct as as;
	uint32_t name;

	if (!as_find(namer->systems, address, &as))
		return namer->unknown;
	snprintf(text, sizeof(text), "AS%u", as.number);
	name = intern(text);
	note_organization(namer, name, as.name);
	return name;
}

static int open_names(struct namer *namer, const struct config *config)
{
	int code;

	namer->outside = intern("(outside)");
	namer->unknown = intern("(unknown)");
	if (!as_count) {
		namer->aggregates = owners_aggregates(config);
		return namer->aggregates ? MIRA_OK : MIRA_PERSON;
	}
	namer->systems = as_open(as_files, as_count, &code);
	return code;
}

static void close_names(struct namer *namer)
{
	free(namer->organizations);
	lpm_free(namer->aggregates);
	as_close(namer->systems);
}

/* ---- the sums ---- */

static void add_side(struct sums *sums, uint32_t from, uint32_t to, const struct traffic_side *side)
{
	matrix_add(sums->matrix, sums->traffic.names[from], sums->traffic.names[to], side->packets,
		side->octets);
	sums->met[from] = sums->met[to] = true;
	if (side->sampling < 1)
		sums->sampled += side->octets;
}

static void add(const struct traffic_biflow *biflow, void *own)
{
	add_side(own, biflow->src, biflow->dst, &biflow->there);
	add_side(own, biflow->dst, biflow->src, &biflow->back);
}

/* Names what KEY of OBJECT names, where the database knew it. */
static void add_organization(json_t *object, const char *key, const char *member,
	const struct namer *namer)
{
	uint32_t name = intern(json_string_at(object, key));

	if (name < namer->name_count && namer->organizations[name])
		json_object_set_new(object, member,
			json_text(intern_text(namer->organizations[name])));
}

static void add_organizations(json_t *found, const struct namer *namer)
{
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(found, "names"), i, object)
		add_organization(object, "name", "organization", namer);
	json_array_foreach(json_object_get(found, "cells"), i, object) {
		add_organization(object, "from", "from_organization", namer);
		add_organization(object, "to", "to_organization", namer);
	}
}

/* ---- what may be shown ---- */

/* Names that are groups, each with its hosts: ids and counts, the number is returned. */
static size_t count_hosts(const struct sums *sums, uint32_t *ids, uint64_t *hosts)
{
	uint32_t names = intern_count();
	uint64_t *all = x_calloc(names, sizeof(*all));
	size_t count = 0;

	for (uint32_t host = 0; host < sums->traffic.host_count; host++)
		if (sums->met[host])
			all[sums->traffic.names[host]]++;
	for (uint32_t name = 0; name < names; name++) {
		if (!all[name] || name == sums->namer.outside || name == sums->namer.unknown)
			continue;
		ids[count] = name;
		hosts[count++] = all[name];
	}
	free(all);
	return count;
}

/* Of each name, may it not stand by itself? */
static bool *hide_groups(const struct sums *sums, const struct job_run *run)
{
	struct privacy *privacy = privacy_new(&run->config, run->db_path);
	uint32_t names = intern_count();
	uint32_t *ids = x_calloc(names, sizeof(*ids));
	uint64_t *hosts = x_calloc(names, sizeof(*hosts));
	bool *hidden = x_calloc(names, sizeof(*hidden)),
	     *of_name = x_calloc(names, sizeof(*of_name));
	size_t count = count_hosts(sums, ids, hosts);

	groups_hide(privacy, hosts, count, hidden);
	for (size_t i = 0; i < count; i++)
		of_name[ids[i]] = hidden[i];
	free(ids);
	free(hosts);
	free(hidden);
	privacy_free(privacy);
	return of_name;
}

static json_t *describe(struct sums *sums, const struct job_run *run, int *code)
{
	json_t *found = job_cover(run, code), *matrix;
	bool *hidden = hide_groups(sums, run);

	matrix = matrix_json(sums->matrix, (size_t)top,
		as_count ? sums->namer.unknown : sums->namer.outside, hidden);
	json_object_set_new(found, "by", json_string(as_count ? "as" : "aggregate"));
	json_object_update(found, matrix);
	json_object_set_new(found, "sampled_octets", json_integer((json_int_t)sums->sampled));
	add_organizations(found, &sums->namer);
	json_decref(matrix);
	free(hidden);
	return found;
}

static int read_traffic(struct sums *sums, const struct job_run *run)
{
	int code = traffic_hosts(&sums->traffic);

	if (code)
		return code;
	if (as_count && !sums->namer.name_count)
		log_warn(
			"no address of the store is in %s: is it a database of autonomous systems?",
			as_files[0]);
	sums->met = x_calloc(sums->traffic.host_count, sizeof(*sums->met));
	return traffic_each(&sums->traffic, &run->period, add);
}

static json_t *gather(struct job_run *run, int *code)
{
	struct sums sums = {.matrix = matrix_new()};
	json_t *found = NULL;

	sums.traffic = (struct traffic){.db = run->db,
		.name = as_count ? name_system : name_aggregate,
		.own = &sums};
	*code = open_names(&sums.namer, &run->config);
	if (!*code)
		*code = read_traffic(&sums, run);
	if (!*code)
		found = describe(&sums, run, code);
	traffic_free(&sums.traffic);
	free(sums.met);
	close_names(&sums.namer);
	matrix_free(sums.matrix);
	return found;
}

/* ---- the formats ---- */

/* Octets from each name to each; a row and a column more for the sums. */
struct grid {
	const json_t *names;
	size_t count;
	double *octets;
};

static size_t place_of(const struct grid *grid, const char *name)
{
	size_t i = 0;

	while (i < grid->count &&
		strcmp(json_string_at(json_array_get(grid->names, i), "name"), name) != 0)
		i++;
	return i;
}

static double *cell_at(const struct grid *grid, size_t from, size_t to)
{
	return &grid->octets[from * (grid->count + 1) + to];
}

static void fill_grid(struct grid *grid, const json_t *found)
{
	const json_t *cells = json_object_get(found, "cells"), *cell;

	grid->names = json_object_get(found, "names");
	grid->count = json_array_size(grid->names);
	grid->octets = x_calloc((grid->count + 1) * (grid->count + 1), sizeof(*grid->octets));
	for (size_t i = 0; (cell = json_array_get(cells, i)); i++) {
		size_t from = place_of(grid, json_string_at(cell, "from"));
		size_t to = place_of(grid, json_string_at(cell, "to"));
		double octets = json_number(cell, "octets");

		*cell_at(grid, from, to) += octets;
		*cell_at(grid, from, grid->count) += octets;
		*cell_at(grid, grid->count, to) += octets;
		*cell_at(grid, grid->count, grid->count) += octets;
	}
}

static void print_row(const struct grid *grid, size_t from, FILE *out)
{
	const json_t *name = json_array_get(grid->names, from);
	char label[AS_NAME + 64], text[32];

	snprintf(label, sizeof(label), "%s %s", name ? json_string_at(name, "name") : "all",
		json_string_at(name, "organization"));
	if (name)
		fprintf(out, "%3zu ", from + 1);
	else
		fputs("    ", out);
	report_put(label, 24, out);
	for (size_t to = 0; to <= grid->count; to++) {
		double octets = *cell_at(grid, from, to);

		fprintf(out, " %8s", octets > 0 ? report_size(octets, text) : ".");
	}
	fputc('\n', out);
}

static void print_grid(const json_t *found, FILE *out)
{
	struct grid grid;

	fill_grid(&grid, found);
	fprintf(out, "%-28s", "octets from \\ to");
	for (size_t to = 1; to <= grid.count; to++)
		fprintf(out, " %8zu", to);
	fprintf(out, " %8s\n", "all");
	for (size_t from = 0; from <= grid.count; from++)
		print_row(&grid, from, out);
	free(grid.octets);
}

static void print_text(const json_t *found, FILE *out)
{
	char text[32];

	job_print_cover(found,
		strcmp(json_string_at(found, "by"), "as") ? "Traffic between aggregates"
							  : "Traffic between autonomous systems",
		out);
	if (json_array_size(json_object_get(found, "names")) <= MOST_GRID)
		print_grid(found, out);
	else
		fprintf(out,
			"Too many names for a grid: take fewer with --top, or --format csv.\n");
	if (json_number(found, "sampled_octets") > 0)
		fprintf(out,
			"\n%s of it are a sample and stand for more; nothing is extrapolated.\n",
			report_size(json_number(found, "sampled_octets"), text));
}

#define CELL_COLUMNS                                                                               \
	{"from", "", TABLE_TEXT}, {"to", "", TABLE_TEXT}, {"packets", "", TABLE_COUNT},            \
		{"octets", "", TABLE_SIZE},                                                        \
	{                                                                                          \
		"share_octets", "", TABLE_SHARE                                                    \
	}

static void print_csv(const json_t *found, FILE *out)
{
	static const struct table_column of_aggregates[] = {CELL_COLUMNS, {0}};
	static const struct table_column of_systems[] = {CELL_COLUMNS,
		{"from_organization", "", TABLE_TEXT}, {"to_organization", "", TABLE_TEXT}, {0}};
	bool systems = !strcmp(json_string_at(found, "by"), "as");

	table_csv(json_object_get(found, "cells"), systems ? of_systems : of_aggregates, out);
}

static const struct job job = {
	.name = "mira-matrix",
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
