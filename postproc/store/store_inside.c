/*
 * store_inside.c: the aggregates of mira.conf, as the sides of a biflow are told by them while it is loaded.
 */
#include "postproc/store/store_inside.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/text.h"

struct store_inside {
	struct prefix *prefixes;
	size_t count;
};

static void add(struct store_inside *inside, const struct config_aggregate *aggregate)
{
	size_t count = inside->count + aggregate->prefix_count;

	if (!aggregate->prefix_count)
		return;
	inside->prefixes = x_realloc(inside->prefixes, count * sizeof(struct prefix));
	memcpy(inside->prefixes + inside->count, aggregate->prefixes,
		aggregate->prefix_count * sizeof(struct prefix));
	inside->count = count;
}

struct store_inside *store_inside_new(const struct config *config)
{
	struct store_inside *inside = x_calloc(1, sizeof(*inside));

	for (size_t i = 0; i < config->aggregate_count; i++)
		add(inside, &config->aggregates[i]);
	if (inside->count)
		return inside;
	store_inside_free(inside);
	return NULL;
}

void store_inside_free(struct store_inside *inside)
{
	if (!inside)
		return;
	free(inside->prefixes);
	free(inside);
}

bool store_inside_holds(const struct store_inside *inside, uint8_t version,
	const uint8_t address[16])
{
	for (size_t i = 0; i < inside->count; i++)
		if (prefix_holds(&inside->prefixes[i], address, version))
			return true;
	return false;
}

/* ---- hosts that are in the store already ---- */

/* mira_inside(address): 1, 0, or NULL when nobody knows; what is no address (a sealed one) stays as it is. */
static void inside_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct store_inside *inside = sqlite3_user_data(context);
	const char *text = (const char *)sqlite3_value_text(values[0]);
	struct prefix host;

	if (!text || !prefix_parse(text, &host))
		sqlite3_result_value(context, values[1]);
	else if (inside)
		sqlite3_result_int(context, store_inside_holds(inside, host.version, host.address));
}

static char *text_of(const struct store_inside *inside)
{
	char *text, address[TEXT_ADDRESS];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die(MIRA_AGAIN, "out of memory");
	for (size_t i = 0; inside && i < inside->count; i++) {
		text_address(inside->prefixes[i].version, inside->prefixes[i].address, address);
		fprintf(out, "%s%s/%u", i ? " " : "", address, inside->prefixes[i].bits);
	}
	fclose(out);
	return text;
}

/* 1: the hosts were written with these prefixes, 0: with others, -1: the database failed. */
static int is_known(sqlite3 *db, const char *text)
{
	static const char sql[] =
		"SELECT coalesce((SELECT value FROM meta WHERE key = 'inside'), '') = ?1";
	sqlite3_stmt *row;
	int known = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_text(row, 1, text, -1, SQLITE_STATIC);
	if (sqlite3_step(row) == SQLITE_ROW)
		known = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	return known;
}

static int rewrite(sqlite3 *db, const char *text)
{
	char *sql = sqlite3_mprintf("BEGIN IMMEDIATE;"
				    "UPDATE host SET inside = mira_inside(address, inside)"
				    " WHERE inside IS NOT mira_inside(address, inside);"
				    "INSERT OR REPLACE INTO meta VALUES('inside', %Q); COMMIT",
		text);
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	sqlite3_free(sql);
	return code == SQLITE_OK ? 0 : -1;
}

int store_inside_apply(const struct store_inside *inside, sqlite3 *db)
{
	char *text = text_of(inside);
	int known = is_known(db, text), error = known < 0 ? -1 : 0;

	if (!known)
		error = sqlite3_create_function_v2(db, "mira_inside", 2, SQLITE_UTF8,
				(void *)inside, inside_function, NULL, NULL, NULL) != SQLITE_OK ||
					rewrite(db, text)
				? -1
				: 0;
	free(text);
	return error;
}
