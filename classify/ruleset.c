/*
 * ruleset.c: compiles a policy into one SQL statement and steps it for each biflow that is unlike all before. The heart of the stage: what goes in are
 * symptoms, what comes out is a verdict and the rule that reached it.
 */
#include "classify/ruleset.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "classify/condition.h"
#include "classify/position.h"
#include "classify/symbols.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"

struct ruleset {
	struct row row;
	struct namelist used; /* symptoms that the policy names */
	sqlite3 *db;
	sqlite3_stmt *statement;
	struct memo *memo;
	struct decision *decisions; /* fast lists, classes, blind */
	size_t decision_count;
	char *file;
};

/* ---- the columns ---- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/*
 * Only symptoms whose name stands somewhere in a condition become columns: a table has 2,000 at most, and a symptom set may
 * grow beyond. A word inside a text costs a column that nobody reads.
 */
static ssize_t next_symptom(const struct namelist *symbols, const char **text)
{
	ssize_t found = -1;

	while (**text && found < 0) {
		size_t size = 0;

		while (is_word((*text)[size]))
			size++;
		found = size ? symbols_find(symbols, *text, size) : -1;
		*text += size ? size : 1;
	}
	return found;
}

static void use_words(struct ruleset *ruleset, const struct namelist *symbols, const char *text)
{
	ssize_t found;

	while ((found = next_symptom(symbols, &text)) >= 0)
		if (!namelist_has(&ruleset->used, symbols->names[found]))
			namelist_add(&ruleset->used, symbols->names[found]);
}

static void link_gate(struct ruleset *ruleset, size_t class, const char *text)
{
	ssize_t found;

	while ((found = next_symptom(&ruleset->used, &text)) >= 0)
		row_gate(&ruleset->row, class, (size_t)found);
}

static int choose_columns(struct ruleset *ruleset, const struct policy *policy,
	const struct namelist *symbols)
{
	for (size_t i = 0; i < policy->fast_count; i++)
		namelist_add(&ruleset->used, policy->fast[i].name);
	for (size_t i = 0; i < policy->class_count; i++)
		use_words(ruleset, symbols, policy->classes[i].when);
	for (size_t i = 0; i < ruleset->used.count; i++) {
		if (row_property(ruleset->used.names[i]) < 0)
			continue;
		log_err("%s: the symptom or fast list '%s' has the name of a column of every biflow (mira-classify(8));"
			" give it another name",
			policy->file, ruleset->used.names[i]);
		return MIRA_PERSON;
	}
	namelist_sort(&ruleset->used);
	row_init(&ruleset->row, &ruleset->used, policy);
	for (size_t i = 0; i < policy->class_count; i++)
		link_gate(ruleset, i, policy->classes[i].when);
	return MIRA_OK;
}

/* ---- the decisions ---- */

static struct decision decision_of(const char *class, const char *verdict, const char *rule)
{
	return (struct decision){intern(class), intern(verdict), intern(rule)};
}

static void list_decisions(struct ruleset *ruleset, const struct policy *policy)
{
	struct decision *next;

	ruleset->decision_count = policy->fast_count + policy->class_count + 1;
	next = ruleset->decisions = x_calloc(ruleset->decision_count, sizeof(*next));
	for (size_t i = 0; i < policy->fast_count; i++)
		*next++ = decision_of(policy->fast[i].class, policy->fast[i].verdict,
			policy->fast[i].name);
	for (size_t i = 0; i < policy->class_count; i++)
		*next++ = decision_of(policy->classes[i].class, policy->classes[i].verdict,
			policy->classes[i].name);
	*next = decision_of("UNKNOWN", "review", "blind");
}

/* ---- the conditions ---- */

static void refuse(const struct policy *policy, const struct policy_class *class, const char *why,
	size_t offset)
{
	char *text = nfs_read_file(policy->file, NULL);
	struct position at = {class->line, 1};

	if (text)
		position_find(text, class->line, "when", class->when, offset, &at);
	log_err("%s:%d:%d: condition of class '%s': %s", policy->file, at.line, at.column,
		class->name, why);
	free(text);
}

static int check_conditions(struct ruleset *ruleset, const struct policy *policy)
{
	int code = MIRA_OK;

	for (size_t i = 0; i < policy->class_count; i++) {
		char why[256];
		size_t offset;

		if (condition_check(ruleset->db, &ruleset->row, policy->classes[i].when, why,
			    sizeof(why), &offset))
			continue;
		refuse(policy, &policy->classes[i], why, offset);
		code = MIRA_PERSON;
	}
	return code;
}

static void append_class(struct ruleset *ruleset, const struct policy *policy, size_t class,
	sqlite3_str *text)
{
	const char *when = policy->classes[class].when;
	bool gated = condition_needs_symptom(ruleset->db, &ruleset->row, when);

	row_reads(&ruleset->row, class, condition_reads(ruleset->db, when), gated);
	sqlite3_str_appendall(text, "\nWHEN ");
	if (gated)
		sqlite3_str_appendf(text, ROW_GATE_COLUMN " AND ", (int)class);
	sqlite3_str_appendf(text, "(%s\n) THEN %d", when, (int)(policy->fast_count + class));
}

static char *statement_text(struct ruleset *ruleset, const struct policy *policy)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendall(text,
		"SELECT CASE WHEN " ROW_FAST_COLUMN " IS NOT NULL THEN " ROW_FAST_COLUMN);
	for (size_t i = 0; i < policy->class_count; i++)
		append_class(ruleset, policy, i, text);
	sqlite3_str_appendf(text, "\nELSE %d END FROM biflow",
		(int)(policy->fast_count + policy->class_count));
	return sqlite3_str_finish(text);
}

static int join_conditions(struct ruleset *ruleset, const struct policy *policy)
{
	char *sql = statement_text(ruleset, policy);
	int code = MIRA_OK;

	if (!sql ||
		sqlite3_prepare_v3(ruleset->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			&ruleset->statement, NULL) != SQLITE_OK ||
		sqlite3_column_count(ruleset->statement) != 1) {
		log_err("%s: each condition is an expression, but together they are none (a parenthesis or comment that"
			" reaches beyond its condition?): %s",
			policy->file, sqlite3_errmsg(ruleset->db));
		code = MIRA_PERSON;
	}
	sqlite3_free(sql);
	return code;
}

static int compile(struct ruleset *ruleset, const struct policy *policy,
	const struct namelist *symbols)
{
	int code = choose_columns(ruleset, policy, symbols);

	if (code)
		return code;
	ruleset->db = condition_open(&ruleset->row);
	if (!ruleset->db)
		return MIRA_AGAIN;
	list_decisions(ruleset, policy);
	code = check_conditions(ruleset, policy);
	return code ? code : join_conditions(ruleset, policy);
}

struct ruleset *ruleset_compile(const struct policy *policy, const struct namelist *symbols,
	int *code)
{
	struct ruleset *ruleset = x_calloc(1, sizeof(*ruleset));

	ruleset->file = x_strdup(policy->file);
	ruleset->memo = memo_new();
	*code = compile(ruleset, policy, symbols);
	if (!*code)
		return ruleset;
	ruleset_free(ruleset);
	return NULL;
}

struct ruleset *ruleset_load(struct policy *policy, struct namelist *symbols, const char *path,
	const char *symptoms, int *code)
{
	*policy = (struct policy){0};
	*symbols = (struct namelist){0};
	*code = policy_load(policy, path);
	if (!*code)
		*code = symbols_load(symbols, symptoms, policy);
	return *code ? NULL : ruleset_compile(policy, symbols, code);
}

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	sqlite3_finalize(ruleset->statement);
	sqlite3_close(ruleset->db);
	row_free(&ruleset->row);
	memo_free(ruleset->memo);
	namelist_free(&ruleset->used);
	free(ruleset->decisions);
	free(ruleset->file);
	free(ruleset);
}

/* ---- running ---- */

/* Index of the decision, or -1. The statement does not end: each step is on the row that was shown before. */
static int evaluate(struct ruleset *ruleset)
{
	int index;

	if (sqlite3_step(ruleset->statement) != SQLITE_ROW) {
		log_err("%s: a condition cannot be evaluated: %s", ruleset->file,
			sqlite3_errmsg(ruleset->db));
		sqlite3_reset(ruleset->statement);
		return -1;
	}
	index = sqlite3_column_int(ruleset->statement, 0);
	assert(index >= 0 && (size_t)index < ruleset->decision_count);
	return index;
}

int ruleset_decide(struct ruleset *ruleset, const struct biflow *biflow, struct decision *decision)
{
	struct memo_key key;
	int index;

	row_show(&ruleset->row, biflow);
	row_key(&ruleset->row, &key);
	index = memo_find(ruleset->memo, &key);
	if (index < 0) {
		index = evaluate(ruleset);
		if (index < 0)
			return -1;
		memo_put(ruleset->memo, &key, index);
	}
	*decision = ruleset->decisions[index];
	return 0;
}
