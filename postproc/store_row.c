/*
 * store_row.c: how a ledger row and a biflow of the verdicts' files become rows of mira.db.
 */
#include "postproc/store_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/text.h"

/*
 * The row of the shard's latest commit counts: a batch that came after all, one that was requeued, one that turned out to be bad.
 * Batches may be loaded in any order, so an earlier commit never replaces a later one.
 */
const char store_row_ledger_sql[] =
	"INSERT INTO ledger_part VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
	" ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)"
	" ON CONFLICT DO UPDATE SET status = excluded.status, packets_seen = excluded.packets_seen,"
	" packets_captured = excluded.packets_captured, packets_filtered = excluded.packets_filtered,"
	" packets_dropped = excluded.packets_dropped, packets_shed = excluded.packets_shed,"
	" packets_ip = excluded.packets_ip, packets_not_ip = excluded.packets_not_ip,"
	" packets_malformed = excluded.packets_malformed, octets_ip = excluded.octets_ip, late = excluded.late,"
	" end_of_run = excluded.end_of_run, live = excluded.live, first_ms = excluded.first_ms,"
	" last_ms = excluded.last_ms, damaged = excluded.damaged, cumulative_seen = excluded.cumulative_seen,"
	" cumulative_captured = excluded.cumulative_captured, cumulative_filtered = excluded.cumulative_filtered,"
	" cumulative_dropped = excluded.cumulative_dropped, cumulative_shed = excluded.cumulative_shed,"
	" shards = excluded.shards, number = excluded.number WHERE excluded.number >= ledger_part.number";

const char store_row_biflow_sql[] =
	"INSERT INTO biflow VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
	" ?20, ?21, ?22, ?23, ?24, ?25, ?26)";

/* Binds one parameter after the other. */
struct binder {
	sqlite3_stmt *statement;
	int last;
};

static void number(struct binder *to, uint64_t value)
{
	sqlite3_bind_int64(to->statement, ++to->last, (sqlite3_int64)value);
}

static void real(struct binder *to, double value)
{
	sqlite3_bind_double(to->statement, ++to->last, value);
}

static void null(struct binder *to)
{
	sqlite3_bind_null(to->statement, ++to->last);
}

/* The empty text is NULL. */
static void text(struct binder *to, const char *value)
{
	if (*value)
		sqlite3_bind_text(to->statement, ++to->last, value, -1, SQLITE_STATIC);
	else
		null(to);
}

static void id_or_null(struct binder *to, sqlite3_int64 id)
{
	if (id)
		sqlite3_bind_int64(to->statement, ++to->last, id);
	else
		null(to);
}

static void counts(struct binder *to, const struct counts *values)
{
	number(to, values->seen);
	number(to, values->captured);
	number(to, values->filtered);
	number(to, values->dropped);
	number(to, values->shed);
}

void store_row_bind_ledger(sqlite3_stmt *statement, const struct ledger *row,
	const struct store_origin *origin)
{
	struct binder to = {statement, 0};
	bool timed = row->first_ms || row->last_ms;

	sqlite3_bind_text(statement, ++to.last, row->probe, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, ++to.last, row->stream, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, ++to.last, row->run, -1, SQLITE_STATIC);
	number(&to, row->seq);
	text(&to, ledger_status_text(row->status));
	counts(&to, &row->counts);
	number(&to, row->ip);
	number(&to, row->not_ip);
	number(&to, row->malformed);
	number(&to, row->octets_ip);
	number(&to, row->late);
	number(&to, row->end);
	number(&to, row->live);
	id_or_null(&to, timed ? (sqlite3_int64)row->first_ms : 0);
	id_or_null(&to, timed ? (sqlite3_int64)row->last_ms : 0);
	text(&to, row->damaged);
	counts(&to, &row->cumulative);
	text(&to, origin->shard);
	number(&to, origin->shards);
	number(&to, origin->number);
}

/* ---- symptoms as JSON ---- */

struct named_count {
	const char *name;
	uint64_t packets;
};

/* A text that grows; kept from call to call. */
struct json {
	char *text;
	size_t used, room;
};

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct named_count *)left)->name,
		((const struct named_count *)right)->name);
}

static void append(struct json *json, const char *bytes, size_t size)
{
	if (json->used + size + 1 > json->room) {
		json->room = (json->used + size + 1) * 2;
		json->text = x_realloc(json->text, json->room);
	}
	memcpy(json->text + json->used, bytes, size);
	json->used += size;
	json->text[json->used] = '\0';
}

/* Names are [a-z][a-z0-9_]*; a file may say otherwise, and the view must stay JSON. */
static void append_name(struct json *json, const char *name)
{
	char code[8];

	append(json, "\"", 1);
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			append(json, name, 1);
		else
			append(json, code, (size_t)snprintf(code, sizeof(code), "\\u%04x", c));
	}
	append(json, "\":", 2);
}

static void append_number(struct json *json, uint64_t value)
{
	char digits[24];
	char *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	append(json, at, (size_t)(digits + sizeof(digits) - at));
}

/* Sorted by name; a name that a list holds twice is summed. */
static const char *json_of(struct json *json, struct named_count *list, size_t count)
{
	json->used = 0;
	if (!count)
		return "";
	if (count > 1)
		qsort(list, count, sizeof(*list), by_name);
	for (size_t i = 0; i < count; i++) {
		uint64_t packets = list[i].packets;

		while (i + 1 < count && strcmp(list[i].name, list[i + 1].name) == 0)
			packets += list[++i].packets;
		append(json, json->used ? "," : "{", 1);
		append_name(json, list[i].name);
		append_number(json, packets);
	}
	append(json, "}", 1);
	return json->text;
}

static void symptoms(struct binder *to, const struct biflow *biflow)
{
	static struct json seen_text, carried_text;
	static struct named_count *lists; /* seen, carried */
	static size_t room;
	size_t seen = 0, carried = 0;

	if (biflow->symptom_count > room) {
		room = biflow->symptom_count * 2;
		lists = x_realloc(lists, 2 * room * sizeof(*lists));
	}
	for (size_t i = 0; i < biflow->symptom_count; i++) {
		const struct symptom_count *count = &biflow->symptoms[i];
		const char *name = intern_text(count->name);

		if (count->packets + count->reverse_packets)
			lists[seen++] =
				(struct named_count){name, count->packets + count->reverse_packets};
		if (count->carried_packets)
			lists[room + carried++] =
				(struct named_count){name, count->carried_packets};
	}
	text(to, json_of(&seen_text, lists, seen));
	text(to, json_of(&carried_text, lists ? lists + room : NULL, carried));
}

/* ---- biflows ---- */

static bool label(struct binder *to, struct store_names *names, uint32_t intern_id)
{
	sqlite3_int64 id;
	bool found = store_names_text(names, intern_id, &id);

	id_or_null(to, id);
	return found;
}

static bool labels(struct binder *to, struct store_names *names, const struct biflow *biflow,
	struct store_ids *ids)
{
	bool found = store_names_text(names, biflow->aggregate, &ids->aggregate);

	id_or_null(to, ids->aggregate);
	return found && label(to, names, biflow->host_name) &&
	       label(to, names, text_tunnel(biflow->tunnel)) && label(to, names, biflow->probe) &&
	       label(to, names, biflow->vlan);
}

static void sums(struct binder *to, const struct biflow *biflow)
{
	number(to, biflow->start_ms - biflow->window_ms); /* wraps to a negative for a late one */
	number(to, biflow->end_ms - biflow->start_ms);
	number(to, biflow->forward.packets);
	number(to, biflow->forward.octets);
	if (biflow->reverse.packets) {
		number(to, biflow->reverse.packets);
		number(to, biflow->reverse.octets);
	} else {
		null(to);
		null(to);
	}
}

static void qualities(struct binder *to, const struct biflow *biflow)
{
	bool reverse = biflow->reverse.packets != 0;

	real(to, biflow->forward.sampling);
	if (reverse)
		real(to, biflow->reverse.sampling);
	else
		null(to);
	number(to, biflow->forward.tcp_flags);
	if (reverse)
		number(to, biflow->reverse.tcp_flags);
	else
		null(to);
	number(to, (biflow->flags & FLOW_LATE ? 1u : 0u) |
			   (biflow->flags & FLOW_INCOMPLETE ? 2u : 0u));
}

bool store_row_bind_biflow(sqlite3_stmt *statement, struct store_names *names,
	const struct biflow *biflow, struct store_ids *ids)
{
	struct binder to = {statement, 0};

	if (!store_names_host(names, biflow->key.version, biflow->key.src, &ids->src) ||
		!store_names_host(names, biflow->key.version, biflow->key.dst, &ids->dst) ||
		!store_names_decision(names, biflow, &ids->decision))
		return false;
	number(&to, biflow->window_ms);
	number(&to, biflow->key.proto);
	id_or_null(&to, ids->src);
	number(&to, biflow->key.sport);
	id_or_null(&to, ids->dst);
	number(&to, biflow->key.dport);
	sums(&to, biflow);
	id_or_null(&to, ids->decision);
	symptoms(&to, biflow);
	if (!labels(&to, names, biflow, ids))
		return false;
	qualities(&to, biflow);
	return label(&to, names, biflow->endpoint);
}
