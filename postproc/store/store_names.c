/*
 * store_names.c: from intern ids and addresses to ids of the database. A biflow holds about eight of them, and nearly
 * all were met before, so this decides how fast the store loads.
 */
#include "postproc/store/store_names.h"

#include <stdlib.h>
#include <string.h>

#include "postproc/store/store_hosts.h"
#include "postproc/store/store_map.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/text.h"

#define REMEMBERED_MAX (1u << 21) /* of a map; then begun anew */
#define TEXTS	       2	  /* dictionaries of one text each */

/* A dictionary: how to find an entry and how to add it; the same parameters. */
struct dictionary {
	sqlite3_stmt *find, *add;
};

enum table { TEXT, NAME, DECISION, PATH, TABLES };

static const struct {
	const char *find, *add;
} kinds[TABLES] = {
	[TEXT] = {"SELECT id FROM text WHERE text = ?1", "INSERT INTO text(text) VALUES(?1)"},
	[NAME] = {"SELECT id FROM name WHERE name = ?1", "INSERT INTO name(name) VALUES(?1)"},
	[DECISION] = {"SELECT id FROM decision WHERE class = ?1 AND verdict = ?2 AND rule = ?3",
		"INSERT INTO decision(class, verdict, rule) VALUES(?1, ?2, ?3)"},
	[PATH] = {"SELECT id FROM path WHERE probe = ?1 AND vlan = ?2 AND tunnel = ?3 AND tunnel_endpoint = ?4",
		"INSERT INTO path(probe, vlan, tunnel, tunnel_endpoint) VALUES(?1, ?2, ?3, ?4)"},
};

/* Ids by intern id; 0: not known. */
struct text_ids {
	uint64_t *ids;
	uint32_t count;
};

struct store_names {
	sqlite3 *db;
	struct store_hosts *hosts;
	struct dictionary dictionaries[TABLES];
	struct text_ids texts[TEXTS];
	struct store_map decisions, paths;
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
	for (enum table table = 0; table < TABLES; table++)
		ready = ready && prepare(names, table);
	map_init(&names->decisions, 2, 1);
	map_init(&names->paths, 2, 1);
	names->hosts = store_hosts_new(db);
	if (ready && names->hosts)
		return names;
	store_names_free(names);
	return NULL;
}

static void forget_texts(struct store_names *names)
{
	for (int i = 0; i < TEXTS; i++) {
		free(names->texts[i].ids);
		names->texts[i] = (struct text_ids){NULL, 0};
	}
}

void store_names_free(struct store_names *names)
{
	if (!names)
		return;
	for (enum table table = 0; table < TABLES; table++) {
		sqlite3_finalize(names->dictionaries[table].find);
		sqlite3_finalize(names->dictionaries[table].add);
	}
	forget_texts(names);
	map_free(&names->decisions);
	map_free(&names->paths);
	store_hosts_free(names->hosts);
	free(names);
}

void store_names_forget(struct store_names *names)
{
	forget_texts(names);
	map_clear(&names->decisions);
	map_clear(&names->paths);
	store_hosts_forget(names->hosts);
}

void store_names_inside(struct store_names *names, const struct store_inside *inside)
{
	store_hosts_inside(names->hosts, inside);
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

/* Valid until the next one is asked for. */
static uint64_t *text_id(struct text_ids *texts, uint32_t intern_id)
{
	uint32_t count = texts->count;

	if (intern_id >= count) {
		texts->count = intern_count() * 2;
		texts->ids = x_realloc(texts->ids, texts->count * sizeof(*texts->ids));
		memset(texts->ids + count, 0, (texts->count - count) * sizeof(*texts->ids));
	}
	return &texts->ids[intern_id];
}

static bool text(struct store_names *names, enum table table, uint32_t intern_id, uint64_t *id)
{
	uint64_t *known = text_id(&names->texts[table], intern_id);

	if (!*known) {
		const char *texts[] = {intern_text(intern_id), NULL};

		if (*texts[0] && !look_up(names, table, texts, known))
			return false;
	}
	*id = *known;
	return true;
}

bool store_names_text(struct store_names *names, uint32_t intern_id, uint64_t *id)
{
	return text(names, TEXT, intern_id, id);
}

bool store_names_settle(struct store_names *names, struct store_feed *rows)
{
	return store_hosts_settle(names->hosts, rows) == 0;
}

static uint64_t *remembered(struct store_map *map, const uint64_t *key)
{
	if (map->count >= REMEMBERED_MAX)
		map_clear(map);
	return map_at(map, key);
}

/* Of two intern ids; a word of a key. */
static uint64_t pair(uint32_t a, uint32_t b)
{
	return (uint64_t)a << 32 | b;
}

static bool decision(struct store_names *names, const struct biflow *biflow, uint64_t *id)
{
	uint64_t *known = remembered(&names->decisions,
		(uint64_t[]){pair(biflow->class, biflow->verdict), biflow->rule});

	if (!*known) {
		const char *texts[] = {intern_text(biflow->class), intern_text(biflow->verdict),
			intern_text(biflow->rule), NULL};

		if (!look_up(names, DECISION, texts, known))
			return false;
	}
	*id = *known;
	return true;
}

static bool path(struct store_names *names, const struct biflow *biflow, uint64_t *id)
{
	uint32_t tunnel = text_tunnel(biflow->tunnel);
	uint64_t *known = remembered(&names->paths,
		(uint64_t[]){pair(biflow->probe, biflow->vlan), pair(tunnel, biflow->endpoint)});

	if (!*known) {
		const char *texts[] = {intern_text(biflow->probe), intern_text(biflow->vlan),
			intern_text(tunnel), intern_text(biflow->endpoint), NULL};

		if (!look_up(names, PATH, texts, known))
			return false;
	}
	*id = *known;
	return true;
}

bool store_names_biflow(struct store_names *names, const struct biflow *biflow,
	struct store_ids *ids)
{
	store_hosts_add(names->hosts, &biflow->key);
	return decision(names, biflow, &ids->decision) && path(names, biflow, &ids->path) &&
	       text(names, TEXT, biflow->aggregate, &ids->aggregate) &&
	       text(names, NAME, biflow->host_name, &ids->name);
}
