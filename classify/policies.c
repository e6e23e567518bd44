/*
 * policies.c: keeps the configured policy and the stamped one at hand, compiled. Between the batch that the loop claimed and
 * verdicts.c, which decides by what is chosen here.
 */
#include "classify/policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spool/hash.h"
#include "spool/log.h"
#include "spool/rules.h"

struct compiled {
	char hash[33]; /* of the rules it is of, "" for none */
	struct ruleset *ruleset;
};

struct policies {
	const struct spool *spool;
	struct compiled configured;
	struct compiled stamped; /* the last one that was another; without ruleset: of no use */
	struct compiled *chosen;
};

static struct ruleset *compile(const char *path, const char *symptoms, int *code)
{
	struct policy policy;
	struct namelist symbols;
	struct ruleset *ruleset = ruleset_load(&policy, &symbols, path, symptoms, code);

	namelist_free(&symbols);
	policy_free(&policy);
	return ruleset;
}

static void drop(struct compiled *compiled)
{
	ruleset_free(compiled->ruleset);
	*compiled = (struct compiled){0};
}

/* Only what compiles is stamped: a stamped mistake could not be mended. */
static int enforce(const struct spool *spool, const struct config *config, char hash[33])
{
	int result = rules_publish(spool, config, hash);

	if (result == 0)
		result = rules_enforce(spool, hash);
	if (result < 0) {
		bool person =
			errno == EINVAL || errno == ENOENT || errno == EACCES || errno == EROFS;

		log_err("cannot put the policy %s in force in %s: %m", config->policy, spool->root);
		return person ? MIRA_PERSON : MIRA_AGAIN;
	}
	if (result == 1)
		log_info("policy %s decides from the next window on that is closed, as rules %s",
			config->policy, hash);
	return MIRA_OK;
}

int policies_renew(struct policies *policies, const struct config *config)
{
	struct compiled fresh = {.ruleset = NULL};
	int code = MIRA_OK;

	fresh.ruleset = compile(config->policy, config->symptoms, &code);
	if (!code)
		code = enforce(policies->spool, config, fresh.hash);
	if (code) {
		drop(&fresh);
		return code;
	}
	drop(&policies->configured);
	policies->configured = fresh;
	return MIRA_OK;
}

struct policies *policies_open(const struct spool *spool, const struct config *config, int *code)
{
	struct policies *policies = x_calloc(1, sizeof(*policies));

	policies->spool = spool;
	*code = policies_renew(policies, config);
	if (!*code)
		return policies;
	policies_free(policies);
	return NULL;
}

void policies_free(struct policies *policies)
{
	if (!policies)
		return;
	drop(&policies->configured);
	drop(&policies->stamped);
	free(policies);
}

/* Of the spool's rules. Of no use: an exit code, after a message. */
static int load(struct policies *policies, const char *hash, struct compiled *compiled)
{
	struct config config;
	int code = rules_load(policies->spool, hash, &config);

	if (code)
		return code;
	compiled->ruleset = compile(config.policy, config.symptoms, &code);
	config_free(&config);
	return code;
}

static int take_stamped(struct policies *policies, const char *hash)
{
	struct compiled *stamped = &policies->stamped;
	int code;

	if (strcmp(stamped->hash, hash) == 0)
		return MIRA_OK;
	drop(stamped);
	code = load(policies, hash, stamped);
	if (code == MIRA_AGAIN)
		return code;
	memcpy(stamped->hash, hash, sizeof(stamped->hash));
	if (code)
		log_warn(
			"the policy of rules %s in %s cannot be used, for the reason above; windows stamped with it are decided by"
			" the configured one",
			hash, policies->spool->root);
	return MIRA_OK;
}

struct ruleset *policies_choose(struct policies *policies, const char *rules, const char **hash)
{
	policies->chosen = &policies->configured;
	if (hash_is_hex(rules) && strcmp(rules, policies->configured.hash) != 0) {
		if (take_stamped(policies, rules) == MIRA_AGAIN) {
			errno = EAGAIN;
			return NULL;
		}
		if (policies->stamped.ruleset)
			policies->chosen = &policies->stamped;
	}
	*hash = policies->chosen->hash;
	return policies->chosen->ruleset;
}

struct ruleset *policies_give_up(struct policies *policies, const char **hash)
{
	if (policies->chosen == &policies->configured)
		return NULL;
	log_warn(
		"the windows of this batch, stamped with rules %s, are decided by the configured policy instead",
		policies->stamped.hash);
	ruleset_free(policies->stamped.ruleset);
	policies->stamped.ruleset = NULL;
	policies->chosen = &policies->configured;
	*hash = policies->chosen->hash;
	return policies->chosen->ruleset;
}
