/*
 * retain_seal.c: what is past keep_addresses_days: the sums of a day move from an address, a name of
 * a machine, or a tunnel between addresses to what privacy.h shows of it, and dictionaries lose what
 * nothing stands on any more.
 */
#include <stdlib.h>
#include <string.h>

#include "postproc/store/retain.h"
#include "postproc/store/store.h"
#include "spool/log.h"

#define CHUNK 2000 /* entries of a dictionary in one transaction */

enum statement { OF_DAY, ADD, FIND, MOVE, DROP, STATEMENTS };

/* SQL is laid out as SQL. */
/* clang-format off */

#define SUM(column) column " = " column " + excluded." column
#define TRAFFIC "packets, octets"
#define ADD_TRAFFIC SUM("packets") ", " SUM("octets")

/* Days are few and rows are many: one look for each day. */
#define EACH_DAY(dictionary) \
	"WITH RECURSIVE day(day_ms) AS (SELECT min(day_ms) FROM rollup_" dictionary " UNION ALL" \
	" SELECT (SELECT min(day_ms) FROM rollup_" dictionary " WHERE day_ms > day.day_ms) FROM day" \
	" WHERE day_ms IS NOT NULL) "
#define NEXT_GONE "(SELECT id FROM temp.gone ORDER BY id LIMIT ?1)"

/*
 * A dictionary, the column of the sums that stand on it, and their other columns. Parameters of the
 * statements: ?1 day, ?2 id, ?3 the text that is shown, ?4 sealed, ?5 id of that text.
 */
#define KIND(dictionary, column, columns, sums)                                                     \
	.next_day = "SELECT min(day_ms) FROM rollup_" dictionary " WHERE day_ms > ?1",              \
	.sql[OF_DAY] = "SELECT DISTINCT p.id, p.text FROM rollup_" dictionary " r JOIN temp.plain p" \
		" ON p.id = r." column " WHERE r.day_ms = ?1 LIMIT ?2",                             \
	.sql[MOVE] = "INSERT INTO rollup_" dictionary "(day_ms, " column ", decision, biflows, "    \
		columns ") SELECT day_ms, ?5, decision, biflows, " columns " FROM rollup_" dictionary \
		" WHERE day_ms = ?1 AND " column " = ?2 ON CONFLICT DO UPDATE SET "                 \
		SUM("biflows") ", " sums,                                                           \
	.sql[DROP] = "DELETE FROM rollup_" dictionary " WHERE day_ms = ?1 AND " column " = ?2",     \
	.gone = "INSERT INTO temp.gone SELECT id FROM " dictionary " EXCEPT SELECT " column          \
		" FROM rollup_" dictionary,                                                         \
	.mark = "INSERT OR REPLACE INTO meta VALUES('anew_" dictionary "', 1)",                      \
	.forget = EACH_DAY(dictionary) "DELETE FROM " dictionary " WHERE id IN " NEXT_GONE          \
		" AND NOT EXISTS (SELECT 1 FROM day CROSS JOIN rollup_" dictionary " r"             \
		" WHERE r.day_ms = day.day_ms AND r." column " = " dictionary ".id)",               \
	.marked = "SELECT count(*) FROM meta WHERE key = 'anew_" dictionary "'",                     \
	.anew = "BEGIN IMMEDIATE; CREATE TEMP TABLE kept AS SELECT * FROM " dictionary ";"          \
		" DELETE FROM " dictionary "; INSERT INTO " dictionary " SELECT * FROM temp.kept"   \
		" ORDER BY id; DROP TABLE temp.kept;"                                               \
		" DELETE FROM meta WHERE key = 'anew_" dictionary "'; COMMIT"

static char *host_shown(struct privacy *privacy, const char *text);

static const struct kind {
	char *(*shown)(struct privacy *privacy, const char *text);
	const char *list; /* id and text of what may have to be sealed */
	const char *next_day, *sql[STATEMENTS];
	const char *gone, *mark, *forget, *marked, *anew;
} kinds[] = {
	{host_shown, "SELECT id, address FROM host WHERE sealed IS NULL",
	 KIND("host", "host", "sent_packets, sent_octets, received_packets, received_octets",
		SUM("sent_packets") ", " SUM("sent_octets") ", " SUM("received_packets") ", " SUM("received_octets")),
	 .sql[ADD] = "INSERT INTO host(address, inside, sealed) SELECT ?3, inside, ?4 FROM host WHERE id = ?2"
		" ON CONFLICT DO NOTHING",
	 .sql[FIND] = "SELECT id FROM host WHERE address = ?3"},
	{privacy_names, "SELECT id, name FROM name",
	 KIND("name", "host_name", TRAFFIC, ADD_TRAFFIC),
	 .sql[ADD] = "INSERT INTO name(name) VALUES(?3) ON CONFLICT DO NOTHING",
	 .sql[FIND] = "SELECT id FROM name WHERE name = ?3"},
	{privacy_text, "SELECT id, tunnel_endpoint FROM path WHERE tunnel_endpoint <> ''",
	 KIND("path", "path", TRAFFIC, ADD_TRAFFIC),
	 .sql[ADD] = "INSERT INTO path(probe, vlan, tunnel, tunnel_endpoint) SELECT probe, vlan, tunnel, ?3"
		" FROM path WHERE id = ?2 ON CONFLICT DO NOTHING",
	 .sql[FIND] = "SELECT n.id FROM path o JOIN path n USING(probe, vlan, tunnel) WHERE o.id = ?2"
		" AND n.tunnel_endpoint = ?3"},
};
/* clang-format on */

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct entry {
	int64_t id;
	char *text;
};

struct sealing {
	struct retain *retain;
	const struct kind *kind;
	sqlite3_stmt *statements[STATEMENTS];
	int64_t day_ms;
	struct entry entries[CHUNK];
	size_t count;
};

static char *host_shown(struct privacy *privacy, const char *text)
{
	char host[PRIVACY_TEXT];

	return x_strdup(privacy_host(privacy, text, host));
}

/* ---- one entry ---- */

/* Not every statement has every parameter. */
static void bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
	if (parameter <= sqlite3_bind_parameter_count(statement))
		sqlite3_bind_text(statement, parameter, text, -1, SQLITE_TRANSIENT);
}

static void bind_id(sqlite3_stmt *statement, int parameter, int64_t id)
{
	if (parameter <= sqlite3_bind_parameter_count(statement))
		sqlite3_bind_int64(statement, parameter, id);
}

/* Steps WHICH for ENTRY; *ID gets the first column of its row, where there is one. */
static int step(struct sealing *sealing, enum statement which, int64_t *id)
{
	sqlite3_stmt *statement = sealing->statements[which];
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		*id = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

static void bind(struct sealing *sealing, enum statement which, const struct entry *entry,
	const char *shown, int64_t id)
{
	sqlite3_stmt *statement = sealing->statements[which];
	char sealed[PRIVACY_SEALED];

	bind_id(statement, 1, sealing->day_ms);
	bind_id(statement, 2, entry->id);
	bind_text(statement, 3, shown);
	bind_id(statement, 5, id);
	if (which == ADD && sealing->kind == &kinds[0])
		bind_text(statement, 4,
			privacy_seal(sealing->retain->privacy, entry->text, sealed));
}

static int seal(struct sealing *sealing, const struct entry *entry)
{
	static const enum statement order[] = {ADD, FIND, MOVE, DROP};
	char *shown = sealing->kind->shown(sealing->retain->privacy, entry->text);
	int64_t id = 0;
	int failed = 0;

	for (size_t i = 0; !failed && i < sizeof(order) / sizeof(order[0]); i++) {
		bind(sealing, order[i], entry, shown, id);
		failed = step(sealing, order[i], &id);
	}
	sealing->retain->sealed += !failed;
	free(shown);
	return failed;
}

/* ---- a day ---- */

static int read_entries(struct sealing *sealing)
{
	sqlite3_stmt *rows = sealing->statements[OF_DAY];
	int code;

	sealing->count = 0;
	sqlite3_bind_int64(rows, 1, sealing->day_ms);
	sqlite3_bind_int(rows, 2, CHUNK);
	while ((code = sqlite3_step(rows)) == SQLITE_ROW)
		sealing->entries[sealing->count++] = (struct entry){sqlite3_column_int64(rows, 0),
			x_strdup((const char *)sqlite3_column_text(rows, 1))};
	sqlite3_reset(rows);
	return code == SQLITE_DONE ? 0 : -1;
}

/* A biflow of the day, come late, would name what is forgotten. */
static int seal_entries(struct sealing *sealing)
{
	struct retain *retain = sealing->retain;
	int64_t end = sealing->day_ms + STORE_DAY_MS;
	int failed;

	if (retain_exec(retain, "BEGIN IMMEDIATE", 0) ||
		retain_exec(retain, retain_biflows_from_sql, end) ||
		retain_exec(retain, "DELETE FROM biflow WHERE window_ms < ?1", end) ||
		read_entries(sealing))
		return -1;
	failed = 0;
	for (size_t i = 0; i < sealing->count; i++) {
		failed = failed || seal(sealing, &sealing->entries[i]);
		free(sealing->entries[i].text);
	}
	return failed ? -1 : retain_exec(retain, "COMMIT", 0);
}

static int seal_day(struct sealing *sealing)
{
	privacy_at(sealing->retain->privacy, sealing->day_ms);
	do {
		if (seal_entries(sealing))
			return -1;
		retain_pause();
	} while (sealing->count == CHUNK);
	return 0;
}

/* ---- all days ---- */

/* The first day after DAY; INT64_MAX when there is none. */
static int next_day(struct retain *retain, const struct kind *kind, int64_t *day)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(retain->db, kind->next_day, -1, &row, NULL);

	if (code == SQLITE_OK)
		sqlite3_bind_int64(row, 1, *day);
	*day = INT64_MAX;
	if (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW &&
		sqlite3_column_type(row, 0) != SQLITE_NULL)
		*day = sqlite3_column_int64(row, 0);
	return sqlite3_finalize(row) == SQLITE_OK && code == SQLITE_OK ? 0 : -1;
}

/* Which entries show otherwise than they are stored. What comes meanwhile is sealed the next time. */
static int list_plain(struct sealing *sealing)
{
	struct retain *retain = sealing->retain;
	sqlite3_stmt *rows = NULL, *put = NULL;
	int code = SQLITE_ERROR;

	if (retain_exec(retain, "DELETE FROM temp.plain", 0) == 0 &&
		sqlite3_prepare_v2(retain->db, sealing->kind->list, -1, &rows, NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(retain->db, "INSERT INTO temp.plain VALUES(?1, ?2)", -1, &put,
			NULL) == SQLITE_OK)
		while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
			const char *text = (const char *)sqlite3_column_text(rows, 1);
			char *shown = sealing->kind->shown(retain->privacy, text);

			sqlite3_bind_int64(put, 1, sqlite3_column_int64(rows, 0));
			sqlite3_bind_text(put, 2, text, -1, SQLITE_TRANSIENT);
			if (strcmp(shown, text))
				sqlite3_step(put);
			sqlite3_reset(put);
			free(shown);
		}
	sqlite3_finalize(rows);
	sqlite3_finalize(put);
	return code == SQLITE_DONE ? 0 : -1;
}

/* No key, no pseudonyms; and what was not sealed then must not look as if it were. */
static int take_key(struct retain *retain)
{
	if (retain->privacy)
		return 0;
	retain->config.privacy.level = PRIVACY_PSEUDONYM;
	retain->privacy = privacy_new(&retain->config, retain->path);
	if (privacy_level(retain->privacy) == PRIVACY_PSEUDONYM)
		return 0;
	log_err("addresses in %s are past their days and cannot be sealed without the key",
		retain->path);
	return -2;
}

static int seal_days(struct sealing *sealing, int64_t day, int64_t limit)
{
	int failed = list_plain(sealing);

	for (size_t i = 0; !failed && i < STATEMENTS; i++)
		failed = sqlite3_prepare_v2(sealing->retain->db, sealing->kind->sql[i], -1,
			&sealing->statements[i], NULL);
	for (; !failed && day < limit; failed = next_day(sealing->retain, sealing->kind, &day)) {
		sealing->day_ms = day;
		failed = seal_day(sealing);
	}
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(sealing->statements[i]);
	return failed ? -1 : 0;
}

int retain_seal(struct retain *retain)
{
	int64_t limit = retain_limit(retain, retain->settings->keep_addresses_days);
	struct sealing *sealing = x_calloc(1, sizeof(*sealing));
	int result = 0;

	for (size_t i = 0; i < KINDS && !result; i++) {
		int64_t day = INT64_MIN;

		*sealing = (struct sealing){.retain = retain, .kind = &kinds[i]};
		result = next_day(retain, &kinds[i], &day);
		if (!result && day < limit)
			result = take_key(retain);
		if (!result && day < limit)
			result = seal_days(sealing, day, limit);
	}
	free(sealing);
	return result;
}

/* ---- dictionaries ---- */

/* -1: the database failed. */
static int64_t count_of(struct retain *retain, const char *sql)
{
	sqlite3_stmt *row = NULL;
	int64_t count = -1;

	if (sqlite3_prepare_v2(retain->db, sql, -1, &row, NULL) == SQLITE_OK &&
		sqlite3_step(row) == SQLITE_ROW)
		count = sqlite3_column_int64(row, 0);
	return sqlite3_finalize(row) == SQLITE_OK ? count : -1;
}

/* Entries on which no sums stand, as far as that is still so when they go. */
static int forget(struct retain *retain, const struct kind *kind)
{
	static const char left_sql[] = "SELECT count(*) FROM temp.gone",
			  done_sql[] = "DELETE FROM temp.gone WHERE id IN " NEXT_GONE;
	int64_t left = retain_exec(retain, "DELETE FROM temp.gone", 0) ||
				       retain_exec(retain, kind->gone, 0)
			       ? -1
			       : count_of(retain, left_sql);

	if (left > 0 && retain_exec(retain, kind->mark, 0))
		return -1;
	for (; left > 0; left = count_of(retain, left_sql)) {
		if (retain_exec(retain, kind->forget, CHUNK) ||
			retain_exec(retain, done_sql, CHUNK))
			return -1;
		retain_pause();
	}
	return left ? -1 : 0;
}

/*
 * When SQLite divides or joins pages, copies of rows stay behind in their free space, where no later
 * removal finds them: of 24,761 texts 20 were still in the file (seen). So what is kept is written
 * anew, by the next run if this one dies before it.
 */
static int write_anew(struct retain *retain, const struct kind *kind)
{
	int64_t marked = count_of(retain, kind->marked);

	if (marked > 0 && sqlite3_exec(retain->db, kind->anew, NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	return marked < 0 ? -1 : 0;
}

int retain_forget(struct retain *retain)
{
	for (size_t i = 0; i < KINDS; i++)
		if (forget(retain, &kinds[i]) || write_anew(retain, &kinds[i]))
			return -1;
	return 0;
}
