/*
 * store_names.c: from intern ids and addresses to ids of the database. A biflow holds about eight of them, and nearly
 * all were met before, so this decides how fast the store loads.
 */
#include "postproc/store_names.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/text.h"

#define HOSTS_MAX (1u << 22) /* remembered at most, 128 MB; then begun anew */

struct host {
	uint8_t address[16];
	sqlite3_int64 id; /* 0: free */
	uint8_t version;
};

struct decision {
	uint32_t class, verdict, rule;
	sqlite3_int64 id;
};

/* A dictionary: how to find an entry and how to add it; the same parameters. */
struct dictionary {
	sqlite3_stmt *find, *add;
};

struct store_names {
	sqlite3 *db;
	struct dictionary text, host, decision;
	sqlite3_int64 *texts; /* by intern id */
	uint32_t text_room;
	struct host *hosts; /* open addressing, at most half full */
	uint32_t host_count, host_mask;
	struct decision *decisions; /* some dozens: a list */
	size_t decision_count;
};

static bool prepare(sqlite3 *db, struct dictionary *dictionary, const char *find, const char *add)
{
	return sqlite3_prepare_v3(db, find, -1, SQLITE_PREPARE_PERSISTENT, &dictionary->find,
		       NULL) == SQLITE_OK &&
	       sqlite3_prepare_v3(db, add, -1, SQLITE_PREPARE_PERSISTENT, &dictionary->add, NULL) ==
		       SQLITE_OK;
}

static void finalize(struct dictionary *dictionary)
{
	sqlite3_finalize(dictionary->find);
	sqlite3_finalize(dictionary->add);
}

struct store_names *store_names_new(sqlite3 *db)
{
	struct store_names *names = x_calloc(1, sizeof(*names));

	names->db = db;
	store_names_forget(names);
	if (prepare(db, &names->text, "SELECT id FROM text WHERE text = ?1",
		    "INSERT INTO text(text) VALUES(?1)") &&
		prepare(db, &names->host, "SELECT id FROM host WHERE address = ?1",
			"INSERT INTO host(address) VALUES(?1)") &&
		prepare(db, &names->decision,
			"SELECT id FROM decision WHERE class = ?1 AND verdict = ?2 AND rule = ?3",
			"INSERT INTO decision(class, verdict, rule) VALUES(?1, ?2, ?3)"))
		return names;
	store_names_free(names);
	return NULL;
}

void store_names_free(struct store_names *names)
{
	if (!names)
		return;
	finalize(&names->text);
	finalize(&names->host);
	finalize(&names->decision);
	free(names->texts);
	free(names->hosts);
	free(names->decisions);
	free(names);
}

void store_names_forget(struct store_names *names)
{
	if (names->texts)
		memset(names->texts, 0, names->text_room * sizeof(*names->texts));
	names->decision_count = 0;
	free(names->hosts);
	names->host_mask = 4095;
	names->host_count = 0;
	names->hosts = x_calloc(names->host_mask + 1, sizeof(*names->hosts));
}

/* TEXTS, ended by NULL, are the parameters of both statements. */
static bool look_up(sqlite3 *db, struct dictionary *dictionary, const char *const *texts,
	sqlite3_int64 *id)
{
	int code;

	for (int i = 0; texts[i]; i++) {
		sqlite3_bind_text(dictionary->find, i + 1, texts[i], -1, SQLITE_STATIC);
		sqlite3_bind_text(dictionary->add, i + 1, texts[i], -1, SQLITE_STATIC);
	}
	code = sqlite3_step(dictionary->find);
	if (code == SQLITE_ROW)
		*id = sqlite3_column_int64(dictionary->find, 0);
	sqlite3_reset(dictionary->find);
	if (code == SQLITE_DONE) {
		code = sqlite3_step(dictionary->add);
		if (code == SQLITE_DONE)
			*id = sqlite3_last_insert_rowid(db);
		sqlite3_reset(dictionary->add);
	}
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool store_names_text(struct store_names *names, uint32_t intern_id, sqlite3_int64 *id)
{
	const char *texts[] = {intern_text(intern_id), NULL};

	*id = 0;
	if (!*texts[0])
		return true;
	if (intern_id >= names->text_room) {
		uint32_t room = intern_count() + 1024;

		names->texts = x_realloc(names->texts, room * sizeof(*names->texts));
		memset(names->texts + names->text_room, 0,
			(room - names->text_room) * sizeof(*names->texts));
		names->text_room = room;
	}
	if (!names->texts[intern_id] &&
		!look_up(names->db, &names->text, texts, &names->texts[intern_id]))
		return false;
	*id = names->texts[intern_id];
	return true;
}

static struct host *slot_of(struct store_names *names, uint8_t version, const uint8_t *address)
{
	uint32_t at = (uint32_t)XXH3_64bits(address, 16) & names->host_mask;
	struct host *host = &names->hosts[at];

	while (host->id && (host->version != version || memcmp(host->address, address, 16) != 0)) {
		at = (at + 1) & names->host_mask;
		host = &names->hosts[at];
	}
	return host;
}

static void grow_hosts(struct store_names *names)
{
	struct host *old = names->hosts;
	uint32_t old_mask = names->host_mask;

	names->host_mask = old_mask * 2 + 1;
	names->hosts = x_calloc((size_t)names->host_mask + 1, sizeof(*names->hosts));
	for (uint32_t i = 0; i <= old_mask; i++)
		if (old[i].id)
			*slot_of(names, old[i].version, old[i].address) = old[i];
	free(old);
}

static void make_room(struct store_names *names)
{
	if (names->host_count * 2 < names->host_mask)
		return;
	if (names->host_count < HOSTS_MAX / 2) {
		grow_hosts(names);
		return;
	}
	memset(names->hosts, 0, ((size_t)names->host_mask + 1) * sizeof(*names->hosts));
	names->host_count = 0;
}

bool store_names_host(struct store_names *names, uint8_t version, const uint8_t address[16],
	sqlite3_int64 *id)
{
	struct host *host;
	char text[TEXT_ADDRESS];
	const char *texts[] = {text, NULL};

	make_room(names);
	host = slot_of(names, version, address);
	if (!host->id) {
		text_address(version, address, text);
		if (!look_up(names->db, &names->host, texts, &host->id))
			return false;
		host->version = version;
		memcpy(host->address, address, 16);
		names->host_count++;
	}
	*id = host->id;
	return true;
}

bool store_names_decision(struct store_names *names, const struct biflow *biflow, sqlite3_int64 *id)
{
	const char *texts[] = {intern_text(biflow->class), intern_text(biflow->verdict),
		intern_text(biflow->rule), NULL};
	struct decision *known;

	for (size_t i = 0; i < names->decision_count; i++) {
		known = &names->decisions[i];
		if (known->rule == biflow->rule && known->class == biflow->class &&
			known->verdict == biflow->verdict) {
			*id = known->id;
			return true;
		}
	}
	if (!look_up(names->db, &names->decision, texts, id))
		return false;
	names->decisions = x_realloc(names->decisions,
		(names->decision_count + 1) * sizeof(*names->decisions));
	names->decisions[names->decision_count++] =
		(struct decision){biflow->class, biflow->verdict, biflow->rule, *id};
	return true;
}
