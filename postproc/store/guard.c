/*
 * guard.c: an authorizer (https://www.sqlite.org/c3ref/set_authorizer.html) between a query and mira.db, and views that show
 * what may be shown.
 *
 * A view of the store, say host_total, is made anew as a temporary view host_total_<secret>, in which host, name and path are not
 * the tables but temporary views that ask privacy.h; a temporary view host_total shows it. SQLite says for each column that is read in which
 * view that happens. A common table expression counts as a view there, which is why the name is a secret.
 */
#include "postproc/store/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "spool/log.h"

#define SECRET 32 /* hex digits */

struct guard {
	struct privacy *privacy;
	enum privacy_level level;
	char secret[SECRET + 2]; /* "_" and the digits: how the names of the secret views end */
	bool making;		 /* they are being made */
	bool bare;		 /* nothing is to be hidden */
};

struct column {
	const char *table, *name; /* NULL: all of them */
};

/* Who, and the ids behind that, which never change: for the secret views alone. */
static const struct column hosts[] = {{"host", NULL}, {"name", NULL}, {"path", "tunnel_endpoint"},
	{"biflow", "src"}, {"biflow", "dst"}, {"biflow", "host_name"}, {"rollup_host", "host"},
	{"rollup_name", "host_name"}, {NULL, NULL}};

/* What tells of less than a group: for nobody where only groups are shown. Whether an aggregate is one cannot be told here. */
static const struct column single[] = {{"host", NULL}, {"name", NULL}, {"path", "tunnel_endpoint"},
	{"biflow", NULL}, {"rollup_host", NULL}, {"rollup_name", NULL},
	{"rollup_hour", "aggregate"}, {NULL, NULL}};

/* What else may be read: what SQLite offers beside (statistics, pages) tells more than it seems to. */
static const struct column known[] = {{"meta", NULL}, {"text", NULL}, {"decision", NULL},
	{"path", NULL}, {"batch", NULL}, {"ledger_part", NULL}, {"biflow", NULL},
	{"rollup_window", NULL}, {"rollup_hour", NULL}, {"rollup_host", NULL},
	{"rollup_name", NULL}, {"rollup_path", NULL}, {"rollup_symptom", NULL},
	{"sqlite_schema", NULL}, {"sqlite_master", NULL}, {"json_each", NULL}, {"json_tree", NULL},
	{NULL, NULL}};

static bool has(const struct column *list, const char *table, const char *column)
{
	for (; list->table; list++)
		if (!strcasecmp(list->table, table) &&
			(!list->name || !strcasecmp(list->name, column)))
			return true;
	return false;
}

/* Does a secret view do that, or is it read? */
static bool is_secret(const struct guard *guard, const char *view)
{
	size_t length = view ? strlen(view) : 0, end = strlen(guard->secret);

	return length > end && !strcmp(view + length - end, guard->secret);
}

static bool may_read(const struct guard *guard, const char *table, const char *column,
	const char *database, const char *view)
{
	if (guard->level == PRIVACY_GROUP && has(single, table, column))
		return false;
	/* No column: only how many rows there are. */
	if (is_secret(guard, view) || !*column)
		return true;
	/* The views that show the secret ones: of a host all but its id. */
	if (!strcmp(database, "temp"))
		return strncasecmp(table, "sqlite_", 7) != 0 &&
		       !(strcasecmp(column, "id") == 0 && has(hosts, table, column));
	return has(known, table, column) && !has(hosts, table, column);
}

/* With shown_host() everybody could try which address a pseudonym belongs to. */
static bool may_call(const struct guard *guard, const char *function, const char *view)
{
	static const char *const secret[] = {"shown_host", "shown_names", "shown_text"};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (!strcasecmp(function, secret[i]))
			return is_secret(guard, view);
	return strcasecmp(function, "load_extension") && strcasecmp(function, "fts3_tokenizer");
}

static int authorize(void *own, int action, const char *first, const char *second,
	const char *database, const char *view)
{
	const struct guard *guard = own;

	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE: return SQLITE_OK;
	case SQLITE_FUNCTION:
		return guard->making || may_call(guard, second, view) ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_READ:
		return guard->making || guard->bare ||
				       may_read(guard, first, second, database ? database : "",
					       view)
			       ? SQLITE_OK
			       : SQLITE_DENY;
	default: return guard->making ? SQLITE_OK : SQLITE_DENY;
	}
}

/* ---- what may be shown ---- */

static int run(sqlite3 *db, char *sql)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	free(sql);
	return code;
}

/* A secret view of a name, and the one that shows it. BODY begins with " AS SELECT". */
static int make_view(const struct guard *guard, sqlite3 *db, const char *name, const char *body)
{
	int code = run(db, x_sprintf("CREATE TEMP VIEW %s%s%s", name, guard->secret, body));

	return code ? code
		    : run(db, x_sprintf("CREATE TEMP VIEW %s AS SELECT * FROM %s%s", name, name,
				      guard->secret));
}

static int make_dictionaries(const struct guard *guard, sqlite3 *db)
{
	static const char *const views[][2] =
		{{"host", " AS SELECT id, shown_host(address) AS address, inside FROM main.host"},
			{"name", " AS SELECT id, shown_names(name) AS name FROM main.name"},
			{"path", " AS SELECT id, probe, vlan, tunnel, shown_text(tunnel_endpoint)"
				 " AS tunnel_endpoint FROM main.path"}};
	int code = SQLITE_OK;

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]) && !code; i++)
		code = make_view(guard, db, views[i][0], views[i][1]);
	return code;
}

/* The views of the store anew: a temporary view finds the temporary host, name and path before those of the store. */
static int make_views(const struct guard *guard, sqlite3 *db)
{
	static const char sql[] = "SELECT name, substr(sql, length('CREATE VIEW ' || name) + 1)"
				  " FROM main.sqlite_schema WHERE type = 'view' ORDER BY rowid";
	sqlite3_stmt *view;
	int code = sqlite3_prepare_v2(db, sql, -1, &view, NULL);

	while (!code && sqlite3_step(view) == SQLITE_ROW)
		code = make_view(guard, db, (const char *)sqlite3_column_text(view, 0),
			(const char *)sqlite3_column_text(view, 1));
	sqlite3_finalize(view);
	return code;
}

static void draw_secret(struct guard *guard)
{
	unsigned char bytes[SECRET / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		die(MIRA_AGAIN, "cannot get random bytes: %m");
	guard->secret[0] = '_';
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(guard->secret + 1 + 2 * i, 3, "%02x", bytes[i]);
}

struct guard *guard_new(sqlite3 *db, struct privacy *privacy, bool names)
{
	struct guard *guard = x_calloc(1, sizeof(*guard));

	guard->level = privacy_level(privacy);
	guard->bare = guard->level == PRIVACY_ADDRESS && names;
	guard->making = !guard->bare;
	draw_secret(guard);
	sqlite3_set_authorizer(db, authorize, guard);
	if (guard->bare)
		return guard;
	if (privacy_sql(privacy, db) || make_dictionaries(guard, db) || make_views(guard, db)) {
		log_err("cannot hide what is not to be seen: %s", sqlite3_errmsg(db));
		guard_free(guard);
		return NULL;
	}
	guard->making = false;
	return guard;
}

void guard_free(struct guard *guard)
{
	free(guard);
}
