/*
 * ruleset.c: loads the rules of a batch before its first packet is looked at. A worker never uses
 * rules of its own host: whoever works on a batch comes to the same answer.
 */
#include "preprocess/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/flowtab.h"
#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"

static struct ruleset kept[RULESET_KEPT];
static uint64_t clock_of_use;
static uint32_t texts_of_rules; /* intern_count() when the last were loaded */

static void drop(struct ruleset *rules)
{
	free(rules->names);
	aggregates_free(rules->aggregates);
	fast_free(rules->fast);
	if (rules->symptoms)
		symptoms_free(rules->symptoms);
	policy_free(&rules->policy);
	config_free(&rules->config);
	memset(rules, 0, sizeof(*rules));
}

void ruleset_drop_all(void)
{
	for (size_t i = 0; i < RULESET_KEPT; i++)
		if (kept[i].hash[0])
			drop(&kept[i]);
}

static int number_labels(struct ruleset *rules)
{
	size_t symptoms = symptoms_count(rules->symptoms), lists = rules->policy.fast_count;

	if (symptoms + lists >= FLOWTAB_NO_FAST) {
		log_err("%zu symptoms and %zu fast lists are more than the %u that can be told "
			"apart",
			symptoms, lists, FLOWTAB_NO_FAST);
		return MIRA_PERSON;
	}
	rules->symptom_count = symptoms;
	rules->names = x_calloc(symptoms + lists + 1, sizeof(*rules->names));
	for (size_t i = 0; i < symptoms; i++)
		rules->names[i] = symptoms_name(rules->symptoms, i);
	for (size_t i = 0; i < lists; i++)
		rules->names[symptoms + i] = intern(rules->policy.fast[i].name);
	return MIRA_OK;
}

/*
 * Compiled symptoms are shared by all who work on the spool; $MIRA_CACHE keeps them where a
 * temporary spool would not.
 */
static const char *cache_folder(const struct spool *spool, char *out)
{
	const char *named = getenv("MIRA_CACHE");

	return named && *named ? named : spool_path(spool, out, "state/cache");
}

static int load(const struct spool *spool, const char *hash, struct ruleset *rules)
{
	char cache[PATH_MAX];
	int result = rules_load(spool, hash, &rules->config);

	if (result != MIRA_OK)
		return result;
	memcpy(rules->hash, hash, sizeof(rules->hash));
	result = policy_load(&rules->policy, rules->config.policy);
	if (result != MIRA_OK)
		return result;
	errno = 0;
	rules->symptoms = symptoms_load(rules->config.symptoms, cache_folder(spool, cache));
	if (!rules->symptoms) { /* without an errno it is the text that is wrong */
		nfs_remedy(errno, &result);
		return errno ? result : MIRA_PERSON;
	}
	rules->fast = fast_new(&rules->policy);
	rules->aggregates = aggregates_new(&rules->config);
	return number_labels(rules);
}

int ruleset_get(const struct spool *spool, const char *hash, struct ruleset **rules)
{
	struct ruleset *oldest = kept;
	int result;

	if (texts_of_rules)
		intern_forget(texts_of_rules);
	for (size_t i = 0; i < RULESET_KEPT; i++) {
		if (strcmp(kept[i].hash, hash) == 0) {
			kept[i].used = ++clock_of_use;
			*rules = &kept[i];
			aggregates_begin(kept[i].aggregates);
			return MIRA_OK;
		}
		if (kept[i].used < oldest->used)
			oldest = &kept[i];
	}
	/* it comes from a file of the spool and becomes part of a path */
	if (!hash_is_hex(hash)) {
		log_err("\"%s\" is no hash of rules: 32 hex digits are expected", hash);
		return MIRA_PERSON;
	}
	if (oldest->hash[0])
		drop(oldest);
	result = load(spool, hash, oldest);
	if (result != MIRA_OK && oldest->hash[0])
		drop(oldest);
	texts_of_rules = intern_count();
	oldest->used = ++clock_of_use;
	*rules = oldest;
	return result;
}
