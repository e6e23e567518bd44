/*
 * usage.c: sums by aggregate, class, window and host over the biflows of a period. Between the store
 * and usage_json.c.
 */
#include "postproc/account/usage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/account/job.h"
#include "postproc/account/owners.h"
#include "postproc/account/usage_private.h"
#include "postproc/report/report_query.h"
#include "spool/intern.h"
#include "spool/log.h"

/* SQL is laid out as SQL. */
/* clang-format off */

static const char labels_sql[] =
	"SELECT id, text AS label FROM text WHERE id IN (SELECT aggregate FROM rollup_hour) ORDER BY id DESC";
static const char classes_sql[] = "SELECT id, class AS label FROM decision ORDER BY id DESC";
static const char batches_sql[] =
	"SELECT first_ms, last_ms, packets_ip + packets_not_ip + packets_malformed, packets_ip,"
	" packets_captured - packets_ip - packets_not_ip - packets_malformed, packets_dropped + packets_shed,"
	" seq = max(seq) OVER (PARTITION BY probe, stream, run) FROM ledger ORDER BY probe, stream, run, seq";

/* clang-format on */

struct usage *usage_new(const struct config *config, const struct lpm *users)
{
	struct usage *usage = x_calloc(1, sizeof(*usage));

	usage->config = config;
	usage->owners = users;
	usage->lowest = 1;
	map_init(&usage->classed, 2, 3);
	map_init(&usage->windows, 2, 3);
	map_init(&usage->hosts, 2, 3);
	map_init(&usage->used, 2, 1);
	return usage;
}

void usage_free(struct usage *usage)
{
	for (size_t i = 0; i < usage->set_count; i++)
		free(usage->sets[i].rows);
	free(usage->sets);
	free(usage->rows);
	free(usage->labels);
	free(usage->classes);
	free(usage->batches);
	map_free(&usage->classed);
	map_free(&usage->windows);
	map_free(&usage->hosts);
	map_free(&usage->used);
	traffic_free(&usage->traffic);
	traffic_free(&usage->users);
	free(usage);
}

/* ---- rows, and the sets of them that names stand for ---- */

static uint32_t row_of(struct usage *usage, uint32_t name)
{
	size_t i = 0;

	while (i < usage->row_count && usage->rows[i].name != name)
		i++;
	if (i < usage->row_count)
		return (uint32_t)i;
	usage->rows = x_realloc(usage->rows, ++usage->row_count * sizeof(*usage->rows));
	usage->rows[i] = (struct usage_row){.name = name};
	return (uint32_t)i;
}

static void make_rows(struct usage *usage)
{
	row_of(usage, intern("(all)"));
	row_of(usage, intern("(outside)"));
	for (size_t i = 0; i < usage->config->aggregate_count; i++) {
		const struct config_aggregate *aggregate = &usage->config->aggregates[i];
		uint32_t row = row_of(usage, intern(aggregate->name));

		usage->rows[row].sided = aggregate->prefix_count > 0;
	}
}

static void fill_set(struct usage *usage, struct usage_set *set, const char *joined)
{
	size_t length;

	for (; *joined; joined += length + (joined[length] == ',')) {
		length = strcspn(joined, ",");
		set->rows = x_realloc(set->rows, (set->count + 1) * sizeof(*set->rows));
		set->rows[set->count++] = row_of(usage, intern_bytes(joined, length));
	}
	set->known = true;
}

const struct usage_set *usage_set(struct usage *usage, uint32_t joined)
{
	if (joined >= usage->set_count) {
		size_t count = joined + 256;

		usage->sets = x_realloc(usage->sets, count * sizeof(*usage->sets));
		memset(usage->sets + usage->set_count, 0,
			(count - usage->set_count) * sizeof(*usage->sets));
		usage->set_count = count;
	}
	if (!usage->sets[joined].known)
		fill_set(usage, &usage->sets[joined], intern_text(joined));
	return &usage->sets[joined];
}

static bool in_set(struct usage *usage, uint32_t joined, uint32_t row)
{
	const struct usage_set *set = usage_set(usage, joined);

	for (size_t i = 0; i < set->count; i++)
		if (set->rows[i] == row)
			return true;
	return false;
}

/* All aggregates that hold ADDRESS, as consolidation joins their names. */
static uint32_t name_host(const char *address, void *own)
{
	const struct usage *usage = own;
	struct prefix host;
	uint32_t joined = 0;

	if (!prefix_parse(address, &host))
		return 0;
	for (size_t i = 0; i < usage->config->aggregate_count; i++) {
		const struct config_aggregate *aggregate = &usage->config->aggregates[i];

		for (size_t p = 0; p < aggregate->prefix_count; p++)
			if (prefix_holds(&aggregate->prefixes[p], host.address, host.version))
				joined = intern_union(joined, intern(aggregate->name));
	}
	return joined;
}

static uint32_t name_user(const char *address, void *own)
{
	const struct usage *usage = own;

	return owner_of(usage->owners, address, 0, 0);
}

/* ---- a biflow ---- */

static uint64_t expand(uint64_t count, double sampling)
{
	return sampling < 1 ? (uint64_t)llround((double)count / sampling) : count;
}

static void add_sums(struct store_map *map, uint64_t first, uint64_t second, const uint64_t sums[3])
{
	uint64_t *values = map_at(map, (uint64_t[]){first, second});

	for (int i = 0; i < 3; i++)
		values[i] += sums[i];
}

/* Who sent or received what of a biflow, when ROW has one of its ends. */
static void add_ends(struct usage *usage, uint32_t row, const struct traffic_biflow *biflow)
{
	struct usage_row *sums = &usage->rows[row];
	uint32_t src = usage->traffic.names[biflow->src], dst = usage->traffic.names[biflow->dst];

	if (in_set(usage, src, row)) {
		sums->sent += biflow->there.octets;
		sums->received += biflow->back.octets;
	}
	if (in_set(usage, dst, row)) {
		sums->sent += biflow->back.octets;
		sums->received += biflow->there.octets;
	}
}

static void add_to_row(struct usage *usage, uint32_t row, const struct traffic_biflow *biflow)
{
	const struct traffic_side *there = &biflow->there, *back = &biflow->back;
	struct usage_row *sums = &usage->rows[row];
	uint64_t expanded =
		expand(there->octets, there->sampling) + expand(back->octets, back->sampling);
	uint64_t of[3] = {there->packets + back->packets, there->octets + back->octets, expanded};

	sums->biflows++;
	sums->packets += of[0];
	sums->octets += of[1];
	sums->expanded_octets += expanded;
	sums->expanded_packets +=
		expand(there->packets, there->sampling) + expand(back->packets, back->sampling);
	add_sums(&usage->windows, row, (uint64_t)biflow->window_ms, of);
	if (biflow->decision < usage->class_count)
		add_sums(&usage->classed, row, usage->classes[biflow->decision], of);
	add_ends(usage, row, biflow);
}

/* A host as one side of a biflow: what it sent, at which probability. */
static void add_host(struct usage *usage, uint32_t host, const struct traffic_side *side, bool sent)
{
	uint64_t bits;

	if (!side->packets || !usage->traffic.names[host])
		return;
	memcpy(&bits, &side->sampling, sizeof(bits));
	add_sums(&usage->hosts, host, bits,
		(uint64_t[]){side->packets, sent ? side->octets : 0, sent ? 0 : side->octets});
}

static void add(const struct traffic_biflow *biflow, void *own)
{
	struct usage *usage = own;
	uint32_t label =
		biflow->aggregate < usage->label_count ? usage->labels[biflow->aggregate] : 0;
	const struct usage_set *set = usage_set(usage, label);

	add_to_row(usage, USAGE_ALL, biflow);
	for (size_t i = 0; i < set->count; i++)
		add_to_row(usage, set->rows[i], biflow);
	if (!set->count)
		add_to_row(usage, USAGE_OUTSIDE, biflow);
	add_host(usage, biflow->src, &biflow->there, true);
	add_host(usage, biflow->src, &biflow->back, false);
	if (biflow->src != biflow->dst) {
		add_host(usage, biflow->dst, &biflow->there, false);
		add_host(usage, biflow->dst, &biflow->back, true);
	}
	usage->lowest = fmin(usage->lowest, fmin(biflow->there.sampling, biflow->back.sampling));
}

/* ---- the store ---- */

/* Column label of SQL as ids of intern.h, by column id; the greatest id comes first. */
static void read_labels(struct query *query, const char *sql, uint32_t **labels, size_t *count)
{
	json_t *rows = query_rows(query, sql, 0);
	const json_t *row = json_array_get(rows, 0);

	*count = (size_t)json_number(row, "id") + 1;
	*labels = x_calloc(*count, sizeof(**labels));
	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		(*labels)[(size_t)json_number(row, "id")] = intern(json_string_at(row, "label"));
	json_decref(rows);
}

static double real_at(sqlite3_stmt *row, int column)
{
	return sqlite3_column_double(row, column);
}

static void append_batch(struct usage *usage, sqlite3_stmt *row)
{
	struct usage_batch *batch;

	/* room doubles, as the count passes powers of two */
	if (!(usage->batch_count & (usage->batch_count - 1)))
		usage->batches = x_realloc(usage->batches,
			(usage->batch_count ? usage->batch_count * 2 : 1) *
				sizeof(*usage->batches));
	batch = &usage->batches[usage->batch_count++];
	batch->batch = (struct estimate_batch){.timed = sqlite3_column_type(row, 0) != SQLITE_NULL,
		.first_ms = sqlite3_column_int64(row, 0),
		.last_ms = sqlite3_column_int64(row, 1),
		.analysed = real_at(row, 2),
		.ip = real_at(row, 3),
		.unread = real_at(row, 4),
		.lost = real_at(row, 5)};
	batch->ends_run = sqlite3_column_int(row, 6);
}

/* A month of batches of 5 s is half a million for each stream: no detour by JSON. */
static int read_batches(struct usage *usage, sqlite3 *db)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, batches_sql, -1, &row, NULL);

	while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
		append_batch(usage, row);
		code = SQLITE_OK;
	}
	code = code == SQLITE_DONE ? MIRA_OK : job_failed(db);
	sqlite3_finalize(row);
	return code;
}

int usage_read(struct usage *usage, sqlite3 *db, const struct period *period)
{
	struct query query = {.db = db, .period = *period};
	int code = read_batches(usage, db);

	usage->period = *period;
	usage->traffic = (struct traffic){.db = db, .name = name_host, .own = usage};
	usage->users = (struct traffic){.db = db, .name = name_user, .own = usage};
	make_rows(usage);
	read_labels(&query, labels_sql, &usage->labels, &usage->label_count);
	read_labels(&query, classes_sql, &usage->classes, &usage->class_count);
	if (query.failed)
		code = query.failed;
	if (!code)
		code = traffic_hosts(&usage->traffic);
	if (!code && usage->owners)
		code = traffic_hosts(&usage->users);
	return code ? code : traffic_each(&usage->traffic, period, add);
}
