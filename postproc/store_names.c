/*
 * store_names.c: from intern ids and addresses to ids of the database. A biflow holds about eight of them, and nearly
 * all were met before, so this decides how fast the store loads.
 */
#include "postproc/store_names.h"

#include <stdlib.h>
#include <string.h>

#include "postproc/store_map.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/text.h"

#define REMEMBERED_MAX (1u << 21) /* of a map, 80 MB of hosts; then begun anew */

/* A dictionary: how to find an entry and how to add it; the same parameters, and one more to add a host. */
struct dictionary {
	sqlite3_stmt *find, *add;
};

enum table { TEXT, NAME, HOST, DECISION, PATH, TABLES };

static const struct {
	const char *find, *add;
	unsigned keys,
		values; /* words by which an entry is remembered, and of what is: the id first */
} kinds[TABLES] = {
	[TEXT] = {"SELECT id FROM text WHERE text = ?1", "INSERT INTO text(text) VALUES(?1)", 1, 1},
	[NAME] = {"SELECT id FROM name WHERE name = ?1", "INSERT INTO name(name) VALUES(?1)", 1, 1},
	[HOST] = {"SELECT id FROM host WHERE address = ?1",
		"INSERT INTO host(address, inside) VALUES(?1, ?2)", 3, 2},
	[DECISION] = {"SELECT id FROM decision WHERE class = ?1 AND verdict = ?2 AND rule = ?3",
		"INSERT INTO decision(class, verdict, rule) VALUES(?1, ?2, ?3)", 2, 1},
	[PATH] = {"SELECT id FROM path WHERE probe = ?1 AND vlan = ?2 AND tunnel = ?3 AND tunnel_endpoint = ?4",
		"INSERT INTO path(probe, vlan, tunnel, tunnel_endpoint) VALUES(?1, ?2, ?3, ?4)", 2,
		1},
};

struct store_names {
	sqlite3 *db;
	const struct store_inside *inside;
	struct dictionary dictionaries[TABLES];
	struct store_map ids[TABLES]; /* a host's second value: is it inside? */
};

static bool prepare(struct store_names *names, enum table table)
{
	struct dictionary *dictionary = &names->dictionaries[table];

	return sqlite3_prepare_v3(names->db, kinds[table].find, -1, SQLITE_PREPARE_PERSISTENT,
		       &dictionary->find, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v3(names->db, kinds[table].add, -1, SQLITE_PREPARE_PERSISTENT,
		       &dictionary->add, NULL) == SQLITE_OK;
}

struct store_names *store_names_new(sqlite3 *db)
{
	struct store_names *names = x_calloc(1, sizeof(*names));
	bool ready = true;

	names->db = db;
	for (enum table table = 0; table < TABLES; table++) {
		map_init(&names->ids[table], kinds[table].keys, kinds[table].values);
		ready = ready && prepare(names, table);
	}
	if (ready)
		return names;
	store_names_free(names);
	return NULL;
}

void store_names_free(struct store_names *names)
{
	if (!names)
		return;
	for (enum table table = 0; table < TABLES; table++) {
		sqlite3_finalize(names->dictionaries[table].find);
		sqlite3_finalize(names->dictionaries[table].add);
		map_free(&names->ids[table]);
	}
	free(names);
}

void store_names_forget(struct store_names *names)
{
	for (enum table table = 0; table < TABLES; table++)
		map_clear(&names->ids[table]);
}

void store_names_inside(struct store_names *names, const struct store_inside *inside)
{
	names->inside = inside;
	store_names_forget(names);
}

/* ---- in the database ---- */

static bool find(struct dictionary *dictionary, uint64_t *id)
{
	int code = sqlite3_step(dictionary->find);

	if (code == SQLITE_ROW)
		*id = (uint64_t)sqlite3_column_int64(dictionary->find, 0);
	sqlite3_reset(dictionary->find);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* TEXTS, ended by NULL, are the parameters of both statements. */
static bool look_up(struct store_names *names, enum table table, const char *const *texts,
	uint64_t *id)
{
	struct dictionary *dictionary = &names->dictionaries[table];
	int code;

	for (int i = 0; texts[i]; i++) {
		sqlite3_bind_text(dictionary->find, i + 1, texts[i], -1, SQLITE_STATIC);
		sqlite3_bind_text(dictionary->add, i + 1, texts[i], -1, SQLITE_STATIC);
	}
	if (!find(dictionary, id))
		return false;
	if (*id)
		return true;
	code = sqlite3_step(dictionary->add);
	if (code == SQLITE_DONE)
		*id = (uint64_t)sqlite3_last_insert_rowid(names->db);
	sqlite3_reset(dictionary->add);
	return code == SQLITE_DONE;
}

/* ---- remembered ---- */

static uint64_t *remembered(struct store_names *names, enum table table, const uint64_t *key)
{
	if (names->ids[table].count >= REMEMBERED_MAX)
		map_clear(&names->ids[table]);
	return map_at(&names->ids[table], key);
}

static bool intern_known(struct store_names *names, enum table table, uint32_t intern_id,
	sqlite3_int64 *id)
{
	const char *texts[] = {intern_text(intern_id), NULL};
	uint64_t *known;

	*id = 0;
	if (!*texts[0])
		return true;
	known = remembered(names, table, (uint64_t[]){intern_id});
	if (!*known && !look_up(names, table, texts, known))
		return false;
	*id = (sqlite3_int64)*known;
	return true;
}

bool store_names_text(struct store_names *names, uint32_t intern_id, sqlite3_int64 *id)
{
	return intern_known(names, TEXT, intern_id, id);
}

static bool add_host(struct store_names *names, const struct flowkey *key, const uint8_t *address,
	uint64_t *known)
{
	sqlite3_stmt *add = names->dictionaries[HOST].add;
	char text[TEXT_ADDRESS];
	const char *texts[] = {text, NULL};

	text_address(key->version, address, text);
	sqlite3_bind_null(add, 2);
	if (names->inside) {
		known[1] = store_inside_holds(names->inside, key->version, address);
		sqlite3_bind_int(add, 2, (int)known[1]);
	}
	return look_up(names, HOST, texts, known);
}

static bool host(struct store_names *names, const struct flowkey *key, const uint8_t address[16],
	sqlite3_int64 *id, bool *inside)
{
	uint64_t words[3] = {0, 0, key->version}, *known;

	memcpy(words, address, 16);
	known = remembered(names, HOST, words);
	if (!*known && !add_host(names, key, address, known))
		return false;
	*id = (sqlite3_int64)*known;
	*inside = known[1];
	return true;
}

static bool hosts(struct store_names *names, const struct flowkey *key, struct store_ids *ids)
{
	bool from_inside, to_inside;

	if (!host(names, key, key->src, &ids->src, &from_inside) ||
		!host(names, key, key->dst, &ids->dst, &to_inside))
		return false;
	if (!names->inside)
		ids->direction = STORE_UNKNOWN;
	else if (from_inside)
		ids->direction = to_inside ? STORE_INTERNAL : STORE_OUTGOING;
	else
		ids->direction = to_inside ? STORE_INCOMING : STORE_TRANSIT;
	return true;
}

/* Of two intern ids; a word of a key. */
static uint64_t pair(uint32_t a, uint32_t b)
{
	return (uint64_t)a << 32 | b;
}

static bool decision(struct store_names *names, const struct biflow *biflow, sqlite3_int64 *id)
{
	const char *texts[] = {intern_text(biflow->class), intern_text(biflow->verdict),
		intern_text(biflow->rule), NULL};
	uint64_t *known = remembered(names, DECISION,
		(uint64_t[]){pair(biflow->class, biflow->verdict), biflow->rule});

	if (!*known && !look_up(names, DECISION, texts, known))
		return false;
	*id = (sqlite3_int64)*known;
	return true;
}

static bool path(struct store_names *names, const struct biflow *biflow, sqlite3_int64 *id)
{
	uint32_t tunnel = text_tunnel(biflow->tunnel);
	const char *texts[] = {intern_text(biflow->probe), intern_text(biflow->vlan),
		intern_text(tunnel), intern_text(biflow->endpoint), NULL};
	uint64_t *known = remembered(names, PATH,
		(uint64_t[]){pair(biflow->probe, biflow->vlan), pair(tunnel, biflow->endpoint)});

	if (!*known && !look_up(names, PATH, texts, known))
		return false;
	*id = (sqlite3_int64)*known;
	return true;
}

bool store_names_biflow(struct store_names *names, const struct biflow *biflow,
	struct store_ids *ids)
{
	return hosts(names, &biflow->key, ids) && decision(names, biflow, &ids->decision) &&
	       path(names, biflow, &ids->path) &&
	       intern_known(names, TEXT, biflow->aggregate, &ids->aggregate) &&
	       intern_known(names, NAME, biflow->host_name, &ids->name);
}
