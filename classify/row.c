/*
 * row.c: the biflow that passes, as a row for SQLite. This is where a record between two stages meets the words an
 * administrator writes in policy.conf.
 */
#include "classify/row.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spool/intern.h"
#include "spool/log.h"

#define DAY_MS 86400000ull

static void give_u64(sqlite3_context *out, uint64_t value)
{
	sqlite3_result_int64(out, (sqlite3_int64)value);
}

/* The empty text is NULL: an attribute that is not known is neither equal nor unequal to anything. */
static void give_text(sqlite3_context *out, uint32_t id)
{
	if (id)
		sqlite3_result_text(out, intern_text(id), -1, SQLITE_STATIC);
}

static void give_address(sqlite3_context *out, const struct biflow *biflow, const uint8_t *address,
	char *text)
{
	if (!*text)
		text_address(biflow->key.version, address, text);
	sqlite3_result_text(out, text, -1, SQLITE_STATIC);
}

/* GETTER(column, expression of b): a column that is a number. */
#define GETTER(name, value)                                                                        \
	static void get_##name(sqlite3_context *out, struct row *row)                              \
	{                                                                                          \
		const struct biflow *b = row->biflow;                                              \
		give_u64(out, value);                                                              \
	}
GETTER(proto, b->key.proto)
GETTER(sport, b->key.sport)
GETTER(dport, b->key.dport)
GETTER(packets, b->forward.packets)
GETTER(octets, b->forward.octets)
GETTER(total_packets, b->forward.packets + b->reverse.packets)
GETTER(total_octets, b->forward.octets + b->reverse.octets)
GETTER(window_ms, b->window_ms)
GETTER(start_ms, b->start_ms)
GETTER(end_ms, b->end_ms)
GETTER(hour, b->start_ms % DAY_MS / 3600000)
GETTER(weekday, (b->start_ms / DAY_MS + 4) % 7) /* 1970-01-01 was a Thursday */
GETTER(tcp_flags, b->forward.tcp_flags | b->reverse.tcp_flags)

static void get_src(sqlite3_context *out, struct row *row)
{
	give_address(out, row->biflow, row->biflow->key.src, row->src);
}

static void get_dst(sqlite3_context *out, struct row *row)
{
	give_address(out, row->biflow, row->biflow->key.dst, row->dst);
}

/* "Reverse not observed" is not zero. */
static void get_reverse_packets(sqlite3_context *out, struct row *row)
{
	if (row->biflow->reverse.packets)
		give_u64(out, row->biflow->reverse.packets);
}

static void get_reverse_octets(sqlite3_context *out, struct row *row)
{
	if (row->biflow->reverse.packets)
		give_u64(out, row->biflow->reverse.octets);
}

static void get_duration_s(sqlite3_context *out, struct row *row)
{
	const struct biflow *b = row->biflow;

	sqlite3_result_double(out,
		b->end_ms > b->start_ms ? (double)(b->end_ms - b->start_ms) / 1000 : 0);
}

static void get_aggregate(sqlite3_context *out, struct row *row)
{
	give_text(out, row->biflow->aggregate);
}

static void get_host_name(sqlite3_context *out, struct row *row)
{
	give_text(out, row->biflow->host_name);
}

static void get_tunnel(sqlite3_context *out, struct row *row)
{
	give_text(out, text_tunnel(row->biflow->tunnel));
}

static void get_tunnel_endpoint(sqlite3_context *out, struct row *row)
{
	give_text(out, row->biflow->endpoint);
}

static void get_probe(sqlite3_context *out, struct row *row)
{
	give_text(out, row->biflow->probe);
}

static void get_vlan(sqlite3_context *out, struct row *row)
{
	give_text(out, row->biflow->vlan);
}

static void get_user(sqlite3_context *out, struct row *row)
{
	sqlite3_result_null(out); /* no identities reach this stage */
}

static void get_fast(sqlite3_context *out, struct row *row)
{
	if (row->fast >= 0)
		sqlite3_result_int(out, row->fast);
}

/* Where a column comes from: members of struct biflow, which decide its value. */
struct member {
	uint16_t offset, size;
};
#define OF(member)                                                                                 \
	{                                                                                          \
		offsetof(struct biflow, member), sizeof(((struct biflow *)NULL)->member)           \
	}

static const struct {
	const char *name, *type;
	void (*get)(sqlite3_context *out, struct row *row);
	struct member from[2];
} columns[] = {
	{"proto", "INTEGER", get_proto, {OF(key.proto)}},
	{"src", "TEXT", get_src, {OF(key.src), OF(key.version)}},
	{"sport", "INTEGER", get_sport, {OF(key.sport)}},
	{"dst", "TEXT", get_dst, {OF(key.dst), OF(key.version)}},
	{"dport", "INTEGER", get_dport, {OF(key.dport)}},
	{"packets", "INTEGER", get_packets, {OF(forward.packets)}},
	{"octets", "INTEGER", get_octets, {OF(forward.octets)}},
	{"reverse_packets", "INTEGER", get_reverse_packets, {OF(reverse.packets)}},
	{"reverse_octets", "INTEGER", get_reverse_octets,
		{OF(reverse.packets), OF(reverse.octets)}},
	{"total_packets", "INTEGER", get_total_packets, {OF(forward.packets), OF(reverse.packets)}},
	{"total_octets", "INTEGER", get_total_octets, {OF(forward.octets), OF(reverse.octets)}},
	{"window_ms", "INTEGER", get_window_ms, {OF(window_ms)}},
	{"start_ms", "INTEGER", get_start_ms, {OF(start_ms)}},
	{"end_ms", "INTEGER", get_end_ms, {OF(end_ms)}},
	{"duration_s", "REAL", get_duration_s, {OF(start_ms), OF(end_ms)}},
	{"hour", "INTEGER", get_hour, {OF(start_ms)}},
	{"weekday", "INTEGER", get_weekday, {OF(start_ms)}},
	{"tcp_flags", "INTEGER", get_tcp_flags, {OF(forward.tcp_flags), OF(reverse.tcp_flags)}},
	{"aggregate", "TEXT", get_aggregate, {OF(aggregate)}},
	{"host_name", "TEXT", get_host_name, {OF(host_name)}},
	{"tunnel", "TEXT", get_tunnel, {OF(tunnel)}},
	{"tunnel_endpoint", "TEXT", get_tunnel_endpoint, {OF(endpoint)}},
	{"probe", "TEXT", get_probe, {OF(probe)}}, {"vlan", "TEXT", get_vlan, {OF(vlan)}},
	{"user", "TEXT", get_user, {{0, 0}}},
	{"fast list", "INTEGER", get_fast, {{0, 0}}}, /* of symptoms alone */
};
#define COLUMNS ((int)(sizeof(columns) / sizeof(columns[0])))

int row_property(const char *name)
{
	static_assert(COLUMNS <= 64, "a bit each in row.reads");
	for (int i = 0; i < COLUMNS; i++)
		if (strcasecmp(name, columns[i].name) == 0)
			return i;
	return -1;
}

/* ---- symptoms ---- */

static void symptom_known(struct row *row, const char *name, uint32_t index)
{
	uint32_t id = intern(name);

	if (id >= row->symptom_room) {
		row->symptom_of = x_realloc(row->symptom_of, (id + 64) * sizeof(*row->symptom_of));
		memset(row->symptom_of + row->symptom_room, 0,
			(id + 64 - row->symptom_room) * sizeof(*row->symptom_of));
		row->symptom_room = id + 64;
	}
	row->symptom_of[id] = index + 1;
}

static int fast_of(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->fast_count; i++)
		if (strcmp(policy->fast[i].name, name) == 0)
			return (int)i;
	return -1;
}

void row_init(struct row *row, const struct namelist *names, const struct policy *policy)
{
	*row = (struct row){.fast = -1,
		.symptom_count = (uint32_t)names->count,
		.gate_count = policy->class_count};
	row->gate_words = row->gate_count / 64 + 1;
	row->open = x_calloc(row->gate_words, sizeof(*row->open));
	row->reads = x_calloc(row->gate_count + 1, sizeof(*row->reads));
	row->symptoms = x_calloc(names->count + 1, sizeof(*row->symptoms));
	row->touched = x_calloc(names->count + 1, sizeof(*row->touched));
	for (uint32_t i = 0; i < row->symptom_count; i++) {
		row->symptoms[i] = (struct row_symptom){.name = names->names[i],
			.fast = fast_of(policy, names->names[i]),
			.gates = x_calloc(row->gate_words, sizeof(*row->open))};
		symptom_known(row, names->names[i], i);
	}
}

void row_free(struct row *row)
{
	for (uint32_t i = 0; i < row->symptom_count; i++)
		free(row->symptoms[i].gates);
	free(row->open);
	free(row->reads);
	free(row->symptoms);
	free(row->touched);
	free(row->symptom_of);
}

void row_gate(struct row *row, size_t class, size_t symptom)
{
	row->symptoms[symptom].gates[class / 64] |= 1ull << class % 64;
}

void row_reads(struct row *row, size_t class, uint64_t properties, bool gated)
{
	row->reads[class] = properties & UINT64_MAX >> (64 - COLUMNS);
	if (!gated)
		row->asked |= row->reads[class];
}

static void forget_symptoms(struct row *row)
{
	if (row->touched_count)
		memset(row->open, 0, row->gate_words * sizeof(*row->open));
	while (row->touched_count)
		row->symptoms[row->touched[--row->touched_count]].packets = 0;
	row->fast = -1;
}

static void add_symptom(struct row *row, const struct symptom_count *count)
{
	uint64_t packets = count->packets + count->reverse_packets + count->carried_packets;
	uint32_t index = count->name < row->symptom_room ? row->symptom_of[count->name] : 0;
	struct row_symptom *symptom;

	if (!index || !packets)
		return;
	symptom = &row->symptoms[--index];
	if (!symptom->packets) {
		row->touched[row->touched_count++] = index;
		for (size_t i = 0; i < row->gate_words; i++)
			row->open[i] |= symptom->gates[i];
	}
	symptom->packets += packets;
	if (symptom->fast >= 0 && (row->fast < 0 || symptom->fast < row->fast))
		row->fast = symptom->fast;
}

void row_show(struct row *row, const struct biflow *biflow)
{
	row->biflow = biflow;
	row->fresh = biflow != NULL;
	row->src[0] = row->dst[0] = '\0';
	forget_symptoms(row);
	for (size_t i = 0; biflow && i < biflow->symptom_count; i++)
		add_symptom(row, &biflow->symptoms[i]);
}

/* ---- what decides ---- */

/* Once a part does not fit, none does. */
static void add_part(struct memo_key *key, bool *fits, const void *part, size_t size)
{
	*fits = *fits && size <= sizeof(key->bytes) - key->size;
	if (!*fits)
		return;
	memcpy(key->bytes + key->size, part, size);
	key->size += size;
}

/* The properties that may matter: which they are depends on the symptoms alone. */
static uint64_t asked_now(const struct row *row)
{
	uint64_t asked = row->asked;

	for (size_t i = 0; row->touched_count && i < row->gate_words; i++)
		for (uint64_t open = row->open[i]; open; open &= open - 1)
			asked |= row->reads[i * 64 + (size_t)__builtin_ctzll(open)];
	return asked;
}

/* First the symptoms, for they say what follows. */
void row_key(const struct row *row, struct memo_key *key)
{
	bool fits = true;

	key->size = 0;
	add_part(key, &fits, &row->touched_count, sizeof(row->touched_count));
	for (uint32_t i = 0; i < row->touched_count; i++) {
		uint32_t index = row->touched[i];

		add_part(key, &fits, &index, sizeof(index));
		add_part(key, &fits, &row->symptoms[index].packets, sizeof(uint64_t));
	}
	for (uint64_t asked = asked_now(row); asked; asked &= asked - 1) {
		const struct member *from = columns[__builtin_ctzll(asked)].from;

		for (int i = 0; i < 2; i++)
			add_part(key, &fits, (const uint8_t *)row->biflow + from[i].offset,
				from[i].size);
	}
	if (!fits)
		key->size = 0;
}

/* ---- the virtual table ---- */

struct table {
	sqlite3_vtab base;
	struct row *row;
};

static char *declaration(const struct row *row)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendall(text, "CREATE TABLE biflow(");
	for (int i = 0; i < COLUMNS; i++)
		sqlite3_str_appendf(text, "%s\"%w\" %s", i ? ", " : "", columns[i].name,
			columns[i].type);
	for (uint32_t i = 0; i < row->symptom_count; i++)
		sqlite3_str_appendf(text, ", \"%w\" INTEGER", row->symptoms[i].name);
	for (size_t i = 0; i < row->gate_count; i++)
		sqlite3_str_appendf(text, ", " ROW_GATE_COLUMN " INTEGER", (int)i);
	sqlite3_str_appendall(text, ")");
	return sqlite3_str_finish(text);
}

static int table_connect(sqlite3 *db, void *own, int argc, const char *const *argv,
	sqlite3_vtab **out, char **why)
{
	struct table *table = x_calloc(1, sizeof(*table));
	char *sql = declaration(own);
	int code = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (code != SQLITE_OK) {
		*why = sqlite3_mprintf("%s", sqlite3_errmsg(db));
		free(table);
		return code;
	}
	table->row = own;
	*out = &table->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int table_plan(sqlite3_vtab *table, sqlite3_index_info *plan)
{
	plan->estimatedCost = 1e6;
	return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
	*cursor = x_calloc(1, sizeof(**cursor));
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

static struct row *row_of(sqlite3_vtab_cursor *cursor)
{
	return ((struct table *)cursor->pVtab)->row;
}

/* The next row is a biflow that was shown since. */
static int cursor_next(sqlite3_vtab_cursor *cursor)
{
	struct row *row = row_of(cursor);

	row->ended = !row->fresh;
	row->fresh = false;
	return SQLITE_OK;
}

static int cursor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *text, int argc,
	sqlite3_value **argv)
{
	return cursor_next(cursor);
}

static int cursor_eof(sqlite3_vtab_cursor *cursor)
{
	return row_of(cursor)->ended;
}

static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column)
{
	struct row *row = row_of(cursor);
	uint32_t gate = (uint32_t)column - COLUMNS - row->symptom_count;

	if (column < COLUMNS) {
		if (!row->unknown)
			columns[column].get(out, row);
	} else if ((uint32_t)column - COLUMNS < row->symptom_count) {
		give_u64(out, row->symptoms[column - COLUMNS].packets);
	} else {
		sqlite3_result_int(out, (int)(row->open[gate / 64] >> gate % 64 & 1));
	}
	return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
	*rowid = 0;
	return SQLITE_OK;
}

/* No xCreate: the table is there without CREATE VIRTUAL TABLE, under the module's name. */
static const sqlite3_module module = {
	.xConnect = table_connect,
	.xBestIndex = table_plan,
	.xDisconnect = table_disconnect,
	.xOpen = cursor_open,
	.xClose = cursor_close,
	.xFilter = cursor_filter,
	.xNext = cursor_next,
	.xEof = cursor_eof,
	.xColumn = cursor_column,
	.xRowid = cursor_rowid,
};

int row_register(struct row *row, sqlite3 *db)
{
	return sqlite3_create_module(db, "biflow", &module, row);
}
