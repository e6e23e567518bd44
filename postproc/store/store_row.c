/*
 * store_row.c: how a ledger row and a biflow of the verdicts' files become rows of mira.db.
 */
#include "postproc/store/store_row.h"

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

#define NUMBER                                                                                     \
	{                                                                                          \
		FEED_NUMBER, FEED_ALWAYS                                                           \
	}
#define IF_SEEN(type)                                                                              \
	{                                                                                          \
		type, ROW_BACK_PACKETS                                                             \
	}

static const struct feed_column columns[ROW_COLUMNS] = {
	[ROW_WINDOW] = NUMBER,
	[ROW_SRC] = NUMBER,
	[ROW_DST] = NUMBER,
	[ROW_PROTO] = NUMBER,
	[ROW_SPORT] = NUMBER,
	[ROW_DPORT] = NUMBER,
	[ROW_START] = NUMBER,
	[ROW_DURATION] = NUMBER,
	[ROW_PACKETS] = NUMBER,
	[ROW_OCTETS] = NUMBER,
	[ROW_BACK_PACKETS] = IF_SEEN(FEED_NUMBER),
	[ROW_BACK_OCTETS] = IF_SEEN(FEED_NUMBER),
	[ROW_DECISION] = NUMBER,
	[ROW_AGGREGATE] = {FEED_NUMBER, ROW_AGGREGATE},
	[ROW_NAME] = {FEED_NUMBER, ROW_NAME},
	[ROW_PATH] = NUMBER,
	[ROW_SYMPTOMS] = {FEED_TEXT, ROW_SYMPTOMS},
	[ROW_CARRIED] = {FEED_TEXT, ROW_CARRIED},
	[ROW_SAMPLING] = {FEED_REAL, FEED_ALWAYS},
	[ROW_BACK_SAMPLING] = IF_SEEN(FEED_REAL),
	[ROW_FLAGS] = NUMBER,
};

struct store_feed *store_row_feed_new(sqlite3 *db)
{
	return store_feed_new(db, "new_biflow", columns, ROW_COLUMNS, ROW_KEYS);
}

static void put_key(uint64_t *row, const struct biflow *biflow)
{
	row[ROW_WINDOW] = biflow->window_ms;
	row[ROW_PROTO] = biflow->key.proto;
	row[ROW_SPORT] = biflow->key.sport;
	row[ROW_DPORT] = biflow->key.dport;
}

static void put_sums(uint64_t *row, const struct biflow *biflow)
{
	const struct direction *to = &biflow->forward, *back = &biflow->reverse;

	row[ROW_START] = biflow->start_ms - biflow->window_ms; /* wraps to a negative: a late one */
	row[ROW_DURATION] = biflow->end_ms - biflow->start_ms;
	row[ROW_PACKETS] = to->packets;
	row[ROW_OCTETS] = to->octets;
	row[ROW_SAMPLING] = feed_real(to->sampling);
	if (!back->packets)
		return;
	row[ROW_BACK_PACKETS] = back->packets;
	row[ROW_BACK_OCTETS] = back->octets;
	row[ROW_BACK_SAMPLING] = feed_real(back->sampling);
}

static uint64_t flags_of(const struct biflow *biflow)
{
	return (biflow->flags & FLOW_LATE ? ROW_LATE : 0u) |
	       (biflow->flags & FLOW_INCOMPLETE ? ROW_INCOMPLETE : 0u) |
	       (uint64_t)biflow->forward.tcp_flags << ROW_TCP_AT |
	       (uint64_t)biflow->reverse.tcp_flags << ROW_BACK_TCP_AT;
}

const uint64_t *store_row_add(struct store_feed *feed, const struct biflow *biflow,
	const struct store_ids *ids, const struct store_symptom *symptoms, size_t symptom_count)
{
	uint64_t *row = feed_row(feed);

	put_key(row, biflow);
	put_sums(row, biflow);
	row[ROW_DECISION] = ids->decision;
	row[ROW_AGGREGATE] = ids->aggregate;
	row[ROW_NAME] = ids->name;
	row[ROW_PATH] = ids->path;
	row[ROW_SYMPTOMS] = feed_text(feed, store_symptoms_seen(symptoms, symptom_count));
	row[ROW_CARRIED] = feed_text(feed, store_symptoms_carried(symptoms, symptom_count));
	row[ROW_FLAGS] = flags_of(biflow);
	return row;
}
