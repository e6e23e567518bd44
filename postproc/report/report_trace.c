/*
 * report_trace.c: what the verdicts that are not acceptable rest on: the symptoms that were counted,
 * which of them the rule names, what else they speak for, and single biflows to look at. These come
 * from the windows in which a rule decided most octets, so the work is bounded however long the period
 * was.
 */
#include <ctype.h>
#include <string.h>

#include "postproc/report/report_parts.h"
#include "spool/log.h"

#define WINDOWS_LOOKED_AT "4"
#define EXAMPLES	  "5"

/* SQL is laid out as SQL. */
/* clang-format off */

static const char looked_at_sql[] =
	"CREATE TEMP TABLE span_looked_at AS"
	" SELECT decision, window_ms FROM (SELECT decision, window_ms, row_number() OVER"
	"   (PARTITION BY decision ORDER BY octets DESC, window_ms) AS place"
	"  FROM rollup_window WHERE window_ms >= :from AND window_ms < :to AND decision IN"
	"   (SELECT id FROM decision WHERE verdict <> 'acceptable'))"
	" WHERE place <= " WINDOWS_LOOKED_AT;

#define RULE(d) d ".class || ' ' || " d ".verdict || ' ' || " d ".rule AS rule"

static const char symptoms_sql[] =
	"SELECT " RULE("s") ", symptom, biflows, packets FROM span_symptom s"
	" ORDER BY biflows DESC, symptom";

/* The order of what is equally large. */
#define KEY(b) b ".window_ms, " b ".proto, " b ".src, " b ".sport, " b ".dst, " b ".dport"

static const char examples_sql[] =
	"SELECT " RULE("d") ", b.window_ms + b.start_after_ms AS start_ms, b.duration_ms, b.proto,"
	"  (SELECT address FROM host WHERE id = b.src) AS src, b.sport,"
	"  (SELECT address FROM host WHERE id = b.dst) AS dst, b.dport,"
	"  b.octets + coalesce(b.reverse_octets, 0) AS octets,"
	"  (SELECT name FROM name WHERE id = b.host_name) AS host_name,"
	"  coalesce(b.symptoms, '{}') AS symptoms, coalesce(b.carried, '{}') AS carried_symptoms"
	" FROM (SELECT DISTINCT decision FROM span_looked_at) k JOIN decision d ON d.id = k.decision"
	/* each time the LIMIT keeps the sorting short */
	" CROSS JOIN biflow b ON (b.window_ms, b.src, b.dst, b.proto, b.sport, b.dport) IN"
	"  (SELECT x.window_ms, src, dst, proto, sport, dport FROM span_looked_at l CROSS JOIN biflow x"
	"   ON x.window_ms = l.window_ms AND x.decision = l.decision WHERE l.decision = k.decision"
	"   ORDER BY octets + coalesce(reverse_octets, 0) DESC, " KEY("x") " LIMIT " EXAMPLES ")"
	" ORDER BY b.octets + coalesce(b.reverse_octets, 0) DESC, " KEY("b");

/* clang-format on */

/* Does the condition WHEN name the symptom? Names are whole words of [a-z0-9_]. */
static bool names(const char *when, const char *symptom)
{
	size_t length = strlen(symptom);

	for (const char *at = when; (at = strstr(at, symptom)); at += length) {
		char before = at == when ? ' ' : at[-1], after = at[length];

		if (!isalnum((unsigned char)before) && before != '_' &&
			!isalnum((unsigned char)after) && after != '_')
			return true;
	}
	return false;
}

static bool named_by(const json_t *rule, const char *symptom)
{
	return !strcmp(json_string_at(rule, "rule"), symptom) ||
	       names(json_string_at(rule, "when"), symptom);
}

/* The other rules of the policy that name SYMPTOM of COUNT biflows: what these could have been as well. */
static void add_alternatives(json_t *rule, json_t *alternatives, const struct policy *policy,
	const char *symptom, json_int_t count)
{
	for (size_t i = 0; policy && i < policy->class_count; i++) {
		const struct policy_class *class = &policy->classes[i];

		if (strcmp(class->name, json_string_at(rule, "rule")) &&
			names(class->when, symptom))
			json_array_append_new(alternatives,
				json_pack("{sssssssssI}", "rule", class->name, "class",
					class->class, "verdict", class->verdict, "symptom", symptom,
					"biflows", count));
	}
}

/* The rows of ROWS that are about RULE, without saying so again. */
static json_t *rows_of(const json_t *rows, const json_t *rule)
{
	char *key = x_sprintf("%s %s %s", json_string_at(rule, "class"),
		json_string_at(rule, "verdict"), json_string_at(rule, "rule"));
	json_t *own = json_array(), *row;

	for (size_t i = 0; (row = json_array_get(rows, i)); i++)
		if (!strcmp(json_string_at(row, "rule"), key)) {
			json_array_append(own, row);
			json_object_del(row, "rule");
		}
	free(key);
	return own;
}

static json_t *trace_of(json_t *rule, const json_t *symptoms, const json_t *examples,
	const struct policy *policy)
{
	json_t *seen = rows_of(symptoms, rule), *alternatives = json_array(), *symptom;
	size_t i;

	json_array_foreach(seen, i, symptom) {
		const char *name = json_string_at(symptom, "symptom");
		bool named = named_by(rule, name);

		json_object_set_new(symptom, "named", json_boolean(named));
		if (!named)
			add_alternatives(rule, alternatives, policy, name,
				(json_int_t)json_number(symptom, "biflows"));
	}
	return json_pack("{sososo}", "symptoms", seen, "alternatives", alternatives, "examples",
		rows_of(examples, rule));
}

/* Symptoms are stored as text of JSON. */
static void parse_symptoms(json_t *examples, const char *key)
{
	json_t *row;
	size_t i;

	json_array_foreach(examples, i, row) {
		json_t *all = json_loads(json_string_at(row, key), 0, NULL);

		json_object_set_new(row, key, all ? all : json_object());
	}
}

void report_trace(json_t *rules, struct query *query, const struct policy *policy)
{
	json_t *symptoms, *examples, *rule;
	size_t i;

	query_run(query, looked_at_sql);
	symptoms = query_rows(query, symptoms_sql, 0);
	examples = query_rows(query, examples_sql, 0);
	parse_symptoms(examples, "symptoms");
	parse_symptoms(examples, "carried_symptoms");
	json_array_foreach(rules, i, rule)
		if (strcmp(json_string_at(rule, "verdict"), "acceptable"))
			json_object_set_new(rule, "trace",
				trace_of(rule, symptoms, examples, policy));
	json_decref(symptoms);
	json_decref(examples);
}
