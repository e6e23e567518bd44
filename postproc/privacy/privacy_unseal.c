/*
 * privacy_unseal.c: looks for pseudonyms among all that the store knows. A pseudonym cannot be
 * computed back, but it can be made again; a million hosts take some seconds a period.
 */
#include "postproc/privacy/privacy_unseal.h"

#include <nettle/base16.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/privacy/privacy.h"
#include "postproc/store/store.h"
#include "spool/log.h"
#include "spool/text.h"

struct search {
	sqlite3 *db;
	const uint8_t *master;
	struct unseal *asked;
	size_t count;
	unseal_tell tell;
	char period[PSEUDONYM_PERIOD];
	struct pseudonym_keys keys; /* of the period */
};

static void compare(struct search *search, const char *hidden, const char *plain)
{
	for (size_t i = 0; i < search->count; i++)
		if (!strcmp(search->asked[i].asked, hidden)) {
			search->asked[i].found++;
			search->tell(hidden, search->period, plain);
		}
}

/* ---- what is stored in the clear ---- */

static void try_host(struct search *search, const char *address)
{
	char hidden[PSEUDONYM_TEXT], text[TEXT_ADDRESS];
	uint8_t bytes[16], out[16], version = privacy_parse(address, bytes);

	if (!version)
		return;
	pseudonym_host(&search->keys, version, bytes, hidden);
	compare(search, hidden, address);
	pseudonym_prefix(&search->keys, version, bytes, out);
	text_address(version, out, text);
	compare(search, text, address);
}

static void try_names(struct search *search, const char *names)
{
	char *list = x_strdup(names), *rest = list, *name, hidden[PSEUDONYM_TEXT];

	while ((name = strsep(&rest, ","))) {
		pseudonym_name(&search->keys, name, hidden);
		compare(search, hidden, name);
	}
	free(list);
}

/* Each row of SQL, a text, is given to TRY. */
static int each(struct search *search, const char *sql,
	void (*try)(struct search *search, const char *text))
{
	sqlite3_stmt *rows;
	int code = sqlite3_prepare_v2(search->db, sql, -1, &rows, NULL);

	while (code == SQLITE_OK && sqlite3_step(rows) == SQLITE_ROW)
		try(search, (const char *)sqlite3_column_text(rows, 0));
	return code == SQLITE_OK && sqlite3_finalize(rows) == SQLITE_OK ? 0 : -1;
}

/* ---- what is sealed ---- */

/* "4 2026-11 <32 hexadecimal digits>", as retain.c writes it. */
static void try_sealed(struct search *search, const char *sealed)
{
	struct pseudonym_keys keys;
	struct base16_decode_ctx decode;
	char period[PSEUDONYM_PERIOD], digits[2 * PSEUDONYM_SEALED + 1], text[TEXT_ADDRESS];
	uint8_t block[PSEUDONYM_SEALED], bytes[16];
	size_t size = sizeof(block);
	unsigned version;

	base16_decode_init(&decode);
	if (sscanf(sealed, "%u %15s %32s", &version, period, digits) != 3 ||
		!base16_decode_update(&decode, &size, block, strlen(digits), digits) ||
		size != sizeof(block))
		return;
	pseudonym_keys(&keys, search->master, period);
	pseudonym_open(&keys, block, bytes);
	text_address((uint8_t)version, bytes, text);
	strcpy(search->period, period);
	search->keys = keys;
	try_host(search, text);
}

/* ---- periods ---- */

static int days(sqlite3 *db, int64_t *first, int64_t *last)
{
	sqlite3_stmt *row;
	int code = sqlite3_prepare_v2(db,
		"SELECT coalesce(min(day_ms), 0), coalesce(max(day_ms), -1) FROM rollup_host", -1,
		&row, NULL);

	if (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
		*first = sqlite3_column_int64(row, 0);
		*last = sqlite3_column_int64(row, 1);
	}
	return code == SQLITE_OK && sqlite3_finalize(row) == SQLITE_OK ? 0 : -1;
}

static int try_period(struct search *search)
{
	return each(search, "SELECT address FROM host WHERE sealed IS NULL", try_host) ||
			       each(search, "SELECT name FROM name", try_names)
		       ? -1
		       : 0;
}

int privacy_unseal(sqlite3 *db, enum privacy_rotate rotate, const uint8_t master[PSEUDONYM_MASTER],
	struct unseal *asked, size_t count, unseal_tell tell)
{
	struct search search = {.db = db,
		.master = master,
		.asked = asked,
		.count = count,
		.tell = tell};
	int64_t day = 0, last = -1;
	int failed = days(db, &day, &last);

	for (; !failed && day <= last; day += STORE_DAY_MS) {
		char period[PSEUDONYM_PERIOD];

		pseudonym_period(rotate, day, period);
		if (!strcmp(period, search.period))
			continue;
		strcpy(search.period, period);
		pseudonym_keys(&search.keys, master, period);
		failed = try_period(&search);
	}
	if (!failed)
		failed = each(&search, "SELECT sealed FROM host WHERE sealed IS NOT NULL",
			try_sealed);
	explicit_bzero(&search, sizeof(search));
	return failed ? -1 : 0;
}
