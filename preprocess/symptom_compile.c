/*
 * symptom_compile.c: from patterns to a database that scans. Once a start, before any packet is
 * read.
 *
 * All patterns of a transport go into one block-mode database: a packet is scanned once however
 * many symptoms there are. TCP has its own, for half of the patterns costs half of the time. So
 * have the patterns that ask for a port: most packets are of none of these ports. And there is one
 * that tells which packets are to be scanned at all (symptom_ahead.h).
 */
#include "preprocess/symptom_compile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "preprocess/symptom_across.h"
#include "preprocess/symptom_chain.h"
#include "spool/log.h"
#include "spool/nfs.h"

/* What hs_compile_multi() takes. SINGLEMATCH: a symptom counts once a packet, so further
 * matches are of no use. A pattern's id is its index in the source. */
struct arguments {
	const char **expressions;
	unsigned *flags, *ids, count;
	bool optional; /* nobody is told that Hyperscan refuses one of them */
};

static bool is_member(const struct symptom_source *source, const struct symptom_pattern *pattern,
	enum symptom_set set, unsigned *flags)
{
	const struct symptom_rule *rule = &source->rules[pattern->rule];
	bool ports = set == SYMPTOM_SET_TCP_PORTS || set == SYMPTOM_SET_OTHER_PORTS;
	bool other = set == SYMPTOM_SET_OTHER || set == SYMPTOM_SET_OTHER_PORTS;

	*flags = pattern->flags;
	if (set == SYMPTOM_SET_AHEAD)
		return pattern->ahead;
	*flags |= HS_FLAG_SINGLEMATCH;
	if (rule->transports && !(rule->transports & (other ? ~SYMPTOM_TCP : SYMPTOM_TCP)))
		return false;
	if (set != SYMPTOM_SET_ACROSS)
		return ports == (rule->ports.count > 0);
	*flags = pattern->crossing.flags;
	return pattern->crossing.anywhere;
}

static struct arguments arguments_new(const struct symptom_source *source, enum symptom_set set)
{
	size_t count = source->pattern_count;
	struct arguments arguments = {
		x_calloc(count, sizeof(char *)),
		x_calloc(count, sizeof(unsigned)),
		x_calloc(count, sizeof(unsigned)),
		0,
		set == SYMPTOM_SET_AHEAD,
	};

	for (size_t i = 0; i < count; i++) {
		unsigned at = arguments.count;

		if (!is_member(source, &source->patterns[i], set, &arguments.flags[at]))
			continue;
		arguments.expressions[at] = set == SYMPTOM_SET_AHEAD
						    ? source->patterns[i].ahead
						    : source->patterns[i].expression;
		arguments.ids[at] = set == SYMPTOM_SET_AHEAD ? 0 : (unsigned)i;
		arguments.count++;
	}
	return arguments;
}

static void arguments_free(struct arguments *arguments)
{
	free(arguments->expressions);
	free(arguments->flags);
	free(arguments->ids);
}

static const char *pattern_file(const struct symptom_source *source, size_t pattern)
{
	return source->files[source->patterns[pattern].place.file];
}

static void tell_refused(const struct symptom_source *source, const struct arguments *arguments,
	const hs_compile_error_t *error)
{
	size_t pattern;

	if (error->expression < 0) {
		log_err("Hyperscan cannot compile the symptoms: %s", error->message);
		return;
	}
	pattern = arguments->ids[error->expression];
	log_err("%s:%d:1: Hyperscan refuses the pattern: %s; change it (mira-symptoms(5) says what "
		"is understood)",
		pattern_file(source, pattern), source->patterns[pattern].place.line,
		error->message);
}

static int compile_all(const struct symptom_source *source, const struct arguments *arguments,
	hs_database_t **database)
{
	hs_compile_error_t *error = NULL;

	if (!hs_compile_multi(arguments->expressions, arguments->flags, arguments->ids,
		    arguments->count, HS_MODE_BLOCK, NULL, database, &error))
		return 0;
	if (!arguments->optional)
		tell_refused(source, arguments, error);
	hs_free_compile_error(error);
	*database = NULL;
	return -1;
}

int symptom_compile_chains(const struct symptom_source *source)
{
	char why[256];

	for (size_t i = 0; i < source->pattern_count; i++) {
		const struct symptom_pattern *pattern = &source->patterns[i];
		if (!pattern->chain || !chain_compile(pattern->chain, why, sizeof(why)))
			continue;
		log_err("%s:%d:1: PCRE2 refuses the pattern, or one that belongs to it: %s; change it",
			pattern_file(source, i), pattern->place.line, why);
		return -1;
	}
	return 0;
}

/* ---- the cache ---- */

static int cache_name(const struct arguments *arguments, char *out)
{
	XXH3_state_t *state = XXH3_createState();
	hs_platform_info_t platform = {0};
	XXH128_canonical_t digest;
	size_t at;

	if (!state || hs_populate_platform(&platform)) {
		XXH3_freeState(state);
		return -1;
	}
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, hs_version(), strlen(hs_version()));
	XXH3_128bits_update(state, &platform, sizeof(platform));
	for (unsigned i = 0; i < arguments->count; i++) {
		const char *expression = arguments->expressions[i];
		XXH3_128bits_update(state, expression, strlen(expression) + 1);
	}
	XXH3_128bits_update(state, arguments->flags, arguments->count * sizeof(unsigned));
	XXH3_128bits_update(state, arguments->ids, arguments->count * sizeof(unsigned));
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
	XXH3_freeState(state);
	at = (size_t)sprintf(out, "symptoms-");
	for (size_t i = 0; i < sizeof(digest.digest); i++)
		at += (size_t)sprintf(out + at, "%02x", digest.digest[i]);
	strcpy(out + at, ".hsdb");
	return 0;
}

int symptom_cache_name(const struct symptom_source *source, enum symptom_set set, char *out)
{
	struct arguments arguments = arguments_new(source, set);
	int result = cache_name(&arguments, out);

	arguments_free(&arguments);
	return result;
}

static hs_database_t *cache_read(const char *path)
{
	hs_database_t *database = NULL;
	size_t size;
	char *bytes = nfs_read_file(path, &size);

	if (!bytes)
		return NULL; /* most often: not there yet */
	if (hs_deserialize_database(bytes, size, &database)) {
		log_warn("the compiled symptoms %s are damaged; they are compiled again", path);
		database = NULL;
	}
	free(bytes);
	return database;
}

/* cache_write(): without a cache the next start is slower, nothing else; so an error is only
 * told. */
static void cache_write(const char *path, const hs_database_t *database)
{
	char *bytes = NULL;
	size_t size;

	if (hs_serialize_database(database, &bytes, &size) || nfs_write_file(path, bytes, size))
		log_warn("cannot keep the compiled symptoms in %s: %m; the next start compiles "
			 "them again",
			path);
	free(bytes);
}

static int compile(const struct symptom_source *source, const struct arguments *arguments,
	const char *cache, hs_database_t **database)
{
	char name[64], path[PATH_MAX];

	if (cache_name(arguments, name)) {
		log_err("Hyperscan does not run on this processor: it needs SSSE3; use another "
			"machine");
		return -1;
	}
	if (!cache || nfs_join(path, cache, name))
		return compile_all(source, arguments, database);
	*database = cache_read(path);
	if (*database)
		return 0;
	if (compile_all(source, arguments, database))
		return -1;
	cache_write(path, *database);
	return 0;
}

int symptom_compile(const struct symptom_source *source, enum symptom_set set, const char *cache,
	hs_database_t **database)
{
	struct arguments arguments = arguments_new(source, set);
	int result = 0;

	*database = NULL;
	if (arguments.count)
		result = compile(source, &arguments, cache, database);
	arguments_free(&arguments);
	return result;
}

/* ---- what an administrator should know ---- */

/* state_bytes(): what scanning one pattern keeps between two bytes; a stream has to hold
 * exactly that. */
static int state_bytes(const struct symptom_pattern *pattern, size_t *bytes,
	hs_compile_error_t **error)
{
	hs_database_t *database = NULL;

	if (hs_compile(pattern->expression, pattern->flags | HS_FLAG_SINGLEMATCH, HS_MODE_STREAM,
		    NULL, &database, error))
		return -1;
	hs_stream_size(database, bytes);
	hs_free_database(database);
	return 0;
}

static bool is_slow(const struct symptom_pattern *pattern, size_t bytes)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	bool endless;

	if (hs_expression_info(pattern->expression, pattern->flags, &info, &error)) {
		hs_free_compile_error(error);
		return false;
	}
	endless = info->max_width == UINT_MAX;
	free(info);
	return endless && pattern->expression[0] != '^' && bytes > SYMPTOM_SLOW_STATE;
}

/* judge_one(): 0 fine, 1 slow, -1 refused, after a line to OUT. */
static int judge_one(const struct symptom_source *source, size_t index, FILE *out)
{
	const struct symptom_pattern *pattern = &source->patterns[index];
	const char *name = source->rules[pattern->rule].name, *file = pattern_file(source, index);
	hs_compile_error_t *error = NULL;
	size_t bytes = 0;
	char why[256];

	if (state_bytes(pattern, &bytes, &error)) {
		fprintf(out, "%s:%d: refused: symptom %s: %s\n", file, pattern->place.line, name,
			error->message);
		hs_free_compile_error(error);
		return -1;
	}
	if (pattern->chain && chain_compile(pattern->chain, why, sizeof(why))) {
		fprintf(out, "%s:%d: refused: symptom %s: %s\n", file, pattern->place.line, name,
			why);
		return -1;
	}
	if (!is_slow(pattern, bytes))
		return 0;
	fprintf(out,
		"%s:%d: slow: symptom %s: endless, may begin anywhere, %zu bytes of state; add "
		"`start` or a limit such as {0,100}\n",
		file, pattern->place.line, name, bytes);
	return 1;
}

struct symptom_verdict symptom_judge(const struct symptom_source *source, FILE *out)
{
	struct symptom_verdict verdict = {0};

	for (size_t i = 0; i < source->pattern_count; i++) {
		int judged = judge_one(source, i, out);
		verdict.refused += judged < 0;
		verdict.slow += judged > 0;
	}
	return verdict;
}
