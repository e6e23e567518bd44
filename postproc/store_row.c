/*
 * store_row.c: how a ledger row and a biflow of the verdicts' files become rows of mira.db.
 */
#include "postproc/store_row.h"

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

/* Binds one parameter after the other. */
struct binder {
	sqlite3_stmt *statement;
	int last;
};

static void number(struct binder *to, uint64_t value)
{
	sqlite3_bind_int64(to->statement, ++to->last, (sqlite3_int64)value);
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

/* ---- biflows ---- */

static void id_or_nothing(struct store_feed *to, sqlite3_int64 id)
{
	if (id)
		feed_number(to, (uint64_t)id);
	else
		feed_null(to);
}

static void feed_key(struct store_feed *to, const struct biflow *biflow,
	const struct store_ids *ids)
{
	feed_number(to, biflow->window_ms);
	feed_number(to, (uint64_t)ids->src);
	feed_number(to, (uint64_t)ids->dst);
	feed_number(to, biflow->key.proto);
	feed_number(to, biflow->key.sport);
	feed_number(to, biflow->key.dport);
}

static void feed_sums(struct store_feed *to, const struct biflow *biflow)
{
	feed_number(to, biflow->start_ms - biflow->window_ms); /* wraps to a negative: a late one */
	feed_number(to, biflow->end_ms - biflow->start_ms);
	feed_number(to, biflow->forward.packets);
	feed_number(to, biflow->forward.octets);
	if (biflow->reverse.packets) {
		feed_number(to, biflow->reverse.packets);
		feed_number(to, biflow->reverse.octets);
	} else {
		feed_null(to);
		feed_null(to);
	}
}

static void feed_qualities(struct store_feed *to, const struct biflow *biflow)
{
	bool reverse = biflow->reverse.packets != 0;

	feed_real(to, biflow->forward.sampling);
	if (reverse)
		feed_real(to, biflow->reverse.sampling);
	else
		feed_null(to);
	feed_number(to, biflow->forward.tcp_flags);
	if (reverse)
		feed_number(to, biflow->reverse.tcp_flags);
	else
		feed_null(to);
	feed_number(to, (biflow->flags & FLOW_LATE ? 1u : 0u) |
				(biflow->flags & FLOW_INCOMPLETE ? 2u : 0u));
}

void store_row_feed(struct store_feed *feed, const struct biflow *biflow,
	const struct store_ids *ids, const struct store_symptom *symptoms, size_t symptom_count)
{
	feed_key(feed, biflow, ids);
	feed_sums(feed, biflow);
	feed_number(feed, (uint64_t)ids->decision);
	id_or_nothing(feed, ids->aggregate);
	id_or_nothing(feed, ids->name);
	feed_number(feed, (uint64_t)ids->path);
	feed_number(feed, ids->direction);
	feed_text(feed, store_symptoms_seen(symptoms, symptom_count));
	feed_text(feed, store_symptoms_carried(symptoms, symptom_count));
	feed_qualities(feed, biflow);
}
