/*
 * try.c: a policy tried on stored symptoms, without any payload: mira.db is read, decided anew and left as it is.
 */
#include "classify/try.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "classify/symbols.h"
#include "spool/intern.h"
#include "spool/log.h"

enum column {
	WINDOW,
	START,
	END,
	PROTO,
	SRC,
	SPORT,
	DST,
	DPORT,
	PACKETS,
	OCTETS,
	REVERSE_PACKETS,
	REVERSE_OCTETS,
	TCP_FLAGS,
	REVERSE_TCP_FLAGS,
	SYMPTOMS,
	CARRIED,
	AGGREGATE,
	HOST_NAME,
	TUNNEL,
	PROBE,
	VLAN,
	CLASS,
	VERDICT,
	RULE,
	TUNNEL_ENDPOINT
};

static const char stored_sql[] =
	"SELECT window_ms, start_ms, end_ms, proto, src, sport, dst, dport, packets, octets, reverse_packets,"
	" reverse_octets, tcp_flags, reverse_tcp_flags, symptoms, carried_symptoms, aggregate, host_name, tunnel, probe,"
	" vlan, class, verdict, rule, tunnel_endpoint FROM biflow_text";

struct sums {
	uint64_t biflows, packets, octets;
};

/* A line of the table. */
struct change {
	struct decision now, then;
	struct sums sums;
};

struct trial {
	const struct policy *policy;
	const struct namelist *symbols;
	sqlite3 *db;
	sqlite3_stmt *rows;
	struct biflow biflow;
	struct decision now;
	struct symptom_count *symptoms;
	size_t symptom_count, symptom_room;
	struct change *changes;
	size_t change_count;
	struct sums all, same, unscanned;
	bool was_fast; /* the biflow at hand: a fast list took it when it was stored, none does now */
};

static uint64_t number(const struct trial *trial, enum column column)
{
	return (uint64_t)sqlite3_column_int64(trial->rows, column);
}

static const char *text(const struct trial *trial, enum column column)
{
	const char *value = (const char *)sqlite3_column_text(trial->rows, column);

	return value ? value : "";
}

/* ---- symptoms ---- */

static void add_symptom(struct trial *trial, const char *name, uint64_t packets)
{
	if (trial->symptom_count == trial->symptom_room) {
		trial->symptom_room = trial->symptom_room * 2 + 16;
		trial->symptoms =
			x_realloc(trial->symptoms, trial->symptom_room * sizeof(*trial->symptoms));
	}
	trial->symptoms[trial->symptom_count++] =
		(struct symptom_count){.name = intern(name), .packets = packets};
}

static bool is_fast(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->fast_count; i++)
		if (strcmp(policy->fast[i].name, name) == 0)
			return true;
	return false;
}

/* A rule of a symptom's name: that of a fast list, unless the symptom set has such a symptom. */
static bool was_fast(const struct trial *trial, const char *name)
{
	return is_fast(trial->policy, name) ||
	       (strcmp(intern_text(trial->now.rule), name) == 0 &&
		       symbols_find(trial->symbols, name, strlen(name)) < 0);
}

static void take_symptoms(struct trial *trial, enum column column)
{
	json_t *object, *value;
	const char *name;

	if (strcmp(text(trial, column), "{}") == 0)
		return;
	object = json_loads(text(trial, column), 0, NULL);
	json_object_foreach(object, name, value) {
		if (was_fast(trial, name))
			trial->was_fast = true;
		else
			add_symptom(trial, name, (uint64_t)json_integer_value(value));
	}
	json_decref(object);
}

/* ---- fast lists, as preprocess matches them ---- */

static bool in_prefix(const struct prefix *prefix, uint8_t version, const uint8_t *address)
{
	size_t whole = prefix->bits / 8;
	unsigned rest = prefix->bits % 8;

	if (version != prefix->version || memcmp(address, prefix->address, whole) != 0)
		return false;
	return !rest || (address[whole] ^ prefix->address[whole]) >> (8 - rest) == 0;
}

static bool has_address(const struct policy_fast *fast, const struct flowkey *key)
{
	for (size_t i = 0; i < fast->prefix_count; i++)
		if (in_prefix(&fast->prefixes[i], key->version, key->src) ||
			in_prefix(&fast->prefixes[i], key->version, key->dst))
			return true;
	return !fast->prefix_count;
}

static bool is_listed(const struct policy_port *listed, uint8_t proto, uint16_t port)
{
	bool same = listed->proto ? listed->proto == proto
				  : proto == IPPROTO_TCP || proto == IPPROTO_UDP;

	return same && port >= listed->first && port <= listed->last;
}

static bool has_port(const struct policy_fast *fast, const struct flowkey *key)
{
	for (size_t i = 0; i < fast->port_count; i++)
		if (is_listed(&fast->ports[i], key->proto, key->sport) ||
			is_listed(&fast->ports[i], key->proto, key->dport))
			return true;
	return !fast->port_count;
}

static bool match_fast(struct trial *trial)
{
	for (size_t i = 0; i < trial->policy->fast_count; i++) {
		const struct policy_fast *fast = &trial->policy->fast[i];

		if (!has_address(fast, &trial->biflow.key) || !has_port(fast, &trial->biflow.key))
			continue;
		add_symptom(trial, fast->name,
			trial->biflow.forward.packets + trial->biflow.reverse.packets);
		return true;
	}
	return false;
}

/* ---- stored biflows ---- */

static void take_key(struct trial *trial)
{
	struct flowkey *key = &trial->biflow.key;
	const char *src = text(trial, SRC), *dst = text(trial, DST);
	int family = strchr(src, ':') ? AF_INET6 : AF_INET;

	*key = (struct flowkey){.proto = (uint8_t)number(trial, PROTO),
		.sport = (uint16_t)number(trial, SPORT),
		.dport = (uint16_t)number(trial, DPORT),
		.version = family == AF_INET6 ? 6 : 4};
	inet_pton(family, src, key->src);
	inet_pton(family, dst, key->dst);
}

static void take_labels(struct trial *trial)
{
	struct biflow *biflow = &trial->biflow;

	biflow->aggregate = intern(text(trial, AGGREGATE));
	biflow->host_name = intern(text(trial, HOST_NAME));
	biflow->tunnel = intern(text(trial, TUNNEL));
	biflow->endpoint = intern(text(trial, TUNNEL_ENDPOINT));
	biflow->probe = intern(text(trial, PROBE));
	biflow->vlan = intern(text(trial, VLAN));
	trial->now = (struct decision){intern(text(trial, CLASS)), intern(text(trial, VERDICT)),
		intern(text(trial, RULE))};
}

static void take_row(struct trial *trial)
{
	struct biflow *biflow = &trial->biflow;

	*biflow = (struct biflow){.window_ms = number(trial, WINDOW),
		.start_ms = number(trial, START),
		.end_ms = number(trial, END)};
	biflow->forward = (struct direction){number(trial, PACKETS), number(trial, OCTETS),
		(uint16_t)number(trial, TCP_FLAGS), 1};
	biflow->reverse = (struct direction){number(trial, REVERSE_PACKETS),
		number(trial, REVERSE_OCTETS), (uint16_t)number(trial, REVERSE_TCP_FLAGS), 1};
	take_key(trial);
	take_labels(trial);
	trial->symptom_count = 0;
	trial->was_fast = false;
	take_symptoms(trial, SYMPTOMS);
	take_symptoms(trial, CARRIED);
	trial->was_fast = !match_fast(trial) && trial->was_fast;
	biflow->symptoms = trial->symptoms;
	biflow->symptom_count = trial->symptom_count;
}

/* ---- the table ---- */

static void add_sums(struct sums *sums, const struct biflow *biflow)
{
	sums->biflows++;
	sums->packets += biflow->forward.packets + biflow->reverse.packets;
	sums->octets += biflow->forward.octets + biflow->reverse.octets;
}

static struct change *change_of(struct trial *trial, const struct decision *then)
{
	struct change *change;

	for (size_t i = 0; i < trial->change_count; i++)
		if (memcmp(&trial->changes[i].now, &trial->now, sizeof(trial->now)) == 0 &&
			memcmp(&trial->changes[i].then, then, sizeof(*then)) == 0)
			return &trial->changes[i];
	trial->changes =
		x_realloc(trial->changes, (trial->change_count + 1) * sizeof(*trial->changes));
	change = &trial->changes[trial->change_count++];
	*change = (struct change){trial->now, *then, {0}};
	return change;
}

static void compare(struct trial *trial, const struct decision *then)
{
	bool same = memcmp(then, &trial->now, sizeof(*then)) == 0;

	add_sums(&trial->all, &trial->biflow);
	if (trial->was_fast)
		add_sums(&trial->unscanned, &trial->biflow);
	add_sums(same ? &trial->same : &change_of(trial, then)->sums, &trial->biflow);
}

/* An exit code. */
static int decide_all(struct trial *trial, struct ruleset *ruleset, const char *store)
{
	struct decision then;
	int code;

	while ((code = sqlite3_step(trial->rows)) == SQLITE_ROW) {
		take_row(trial);
		if (ruleset_decide(ruleset, &trial->biflow, &then))
			return MIRA_PERSON;
		compare(trial, &then);
	}
	if (code == SQLITE_DONE)
		return MIRA_OK;
	log_err("cannot read biflows from %s: %s", store, sqlite3_errmsg(trial->db));
	return MIRA_AGAIN;
}

static char *decision_text(const struct decision *decision)
{
	return x_sprintf("%s/%s/%s", intern_text(decision->class), intern_text(decision->verdict),
		intern_text(decision->rule));
}

/* Largest first; then by name, so that the same store and policy print the same. */
static int by_octets(const void *left, const void *right)
{
	const struct change *a = left, *b = right;
	int order;

	if (a->sums.octets != b->sums.octets)
		return a->sums.octets < b->sums.octets ? 1 : -1;
	order = strcmp(intern_text(a->now.rule), intern_text(b->now.rule));
	return order ? order : strcmp(intern_text(a->then.rule), intern_text(b->then.rule));
}

static void print_sums(const struct sums *sums, const char *what)
{
	printf("%12" PRIu64 " %14" PRIu64 " %18" PRIu64 "  %s\n", sums->biflows, sums->packets,
		sums->octets, what);
}

static void print_table(struct trial *trial)
{
	printf("%12s %14s %18s  %s\n", "biflows", "packets", "octets",
		"class/verdict/rule now → then");
	if (trial->change_count)
		qsort(trial->changes, trial->change_count, sizeof(*trial->changes), by_octets);
	for (size_t i = 0; i < trial->change_count; i++) {
		char *now = decision_text(&trial->changes[i].now),
		     *then = decision_text(&trial->changes[i].then);
		char *what = x_sprintf("%s → %s", now, then);

		print_sums(&trial->changes[i].sums, what);
		free(now);
		free(then);
		free(what);
	}
	print_sums(&trial->same, "unchanged");
	print_sums(&trial->all, "total");
	if (trial->unscanned.biflows)
		print_sums(&trial->unscanned,
			"of these: taken by a fast list then and by none now; their payload was never"
			" scanned, so what they are is not known");
}

/* ---- the store ---- */

static int open_stored(struct trial *trial, const char *store)
{
	char path[PATH_MAX];
	struct stat info;
	bool folder = stat(store, &info) == 0 && S_ISDIR(info.st_mode);

	snprintf(path, sizeof(path), "%s%s", store, folder ? "/mira.db" : "");
	if (access(path, R_OK)) {
		log_err("cannot read the store %s: %m; name the folder that mira run wrote, or the database",
			path);
		return MIRA_PERSON;
	}
	if (sqlite3_open_v2(path, &trial->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		sqlite3_busy_timeout(trial->db, 10000) == SQLITE_OK &&
		sqlite3_prepare_v2(trial->db, stored_sql, -1, &trial->rows, NULL) == SQLITE_OK)
		return MIRA_OK;
	log_err("cannot read biflows from %s: %s; is it a store that this version of MIRA made?",
		path, sqlite3_errmsg(trial->db));
	return sqlite3_errcode(trial->db) == SQLITE_BUSY ? MIRA_AGAIN : MIRA_PERSON;
}

int try_policy(struct ruleset *ruleset, const struct policy *policy, const struct namelist *symbols,
	const char *store)
{
	struct trial trial = {.policy = policy, .symbols = symbols};
	int code = open_stored(&trial, store);

	if (!code)
		code = decide_all(&trial, ruleset, store);
	if (!code)
		print_table(&trial);
	sqlite3_finalize(trial.rows);
	sqlite3_close(trial.db);
	free(trial.symptoms);
	free(trial.changes);
	return code;
}
