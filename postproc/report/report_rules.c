/*
 * report_rules.c: what the audit was made with: the policy's sentences and conditions, and hashes
 * of the policy and the symptoms that are configured now.
 */
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postproc/report/report_parts.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"

/* How a verdict was reached; source tells where the rule comes from. */
static void set(json_t *rule, const char *source, const char *say, const char *when)
{
	json_object_set_new(rule, "source", json_string(source));
	json_object_set_new(rule, "say", json_text(say ? say : ""));
	json_object_set_new(rule, "when", json_text(when));
}

static bool explain_by_class(json_t *rule, const char *name, const struct policy *policy)
{
	for (size_t i = 0; i < policy->class_count; i++) {
		const struct policy_class *class = &policy->classes[i];

		if (strcmp(class->name, name))
			continue;
		set(rule, "condition", class->say, class->when);
		return true;
	}
	return false;
}

static bool explain_by_list(json_t *rule, const char *name, const struct policy *policy)
{
	for (size_t i = 0; i < policy->fast_count; i++) {
		if (strcmp(policy->fast[i].name, name))
			continue;
		set(rule, "fast list", policy->fast[i].say,
			"address or port on this list; the payload was not scanned");
		return true;
	}
	return false;
}

void report_explain(json_t *rules, const struct policy *policy)
{
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		const char *name = json_string_at(rule, "rule");

		if (policy && (explain_by_class(rule, name, policy) ||
				      explain_by_list(rule, name, policy)))
			continue;
		if (!strcmp(name, "blind"))
			set(rule, "built in", "Nothing in these packets says what they were for.",
				"no condition of the policy holds");
		else
			set(rule, "unknown", "", "");
	}
}

json_t *report_policy(const struct config *config, const struct policy *policy)
{
	char hex[HASH_HEX + 1] = "";
	uint64_t bytes;

	if (hash_file(config->policy, UINT64_MAX, &bytes, hex))
		hex[0] = '\0';
	return json_pack("{sosssoso}", "file", json_text(config->policy), "xxh128", hex, "loaded",
		json_boolean(policy != NULL), "version",
		json_text(policy && policy->version ? policy->version : ""));
}

static bool is_symptom_file(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && !strcmp(name + length - 4, ".sym");
}

/* One hash over the files' hashes, in name order. */
json_t *report_symptoms(const struct config *config)
{
	struct namelist names = {0};
	XXH3_state_t *hash = XXH3_createState();
	char hex[HASH_HEX + 1], path[PATH_MAX];
	uint64_t bytes;
	json_int_t files = 0;

	XXH3_128bits_reset(hash);
	nfs_list_linked(config->symptoms, &names);
	namelist_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		if (!is_symptom_file(names.names[i]) ||
			nfs_join(path, config->symptoms, names.names[i]) ||
			hash_file(path, UINT64_MAX, &bytes, hex))
			continue;
		XXH3_128bits_update(hash, hex, HASH_HEX);
		files++;
	}
	namelist_free(&names);
	hash_hex(XXH3_128bits_digest(hash), hex);
	XXH3_freeState(hash);
	return json_pack("{sosssI}", "folder", json_text(config->symptoms), "xxh128",
		files ? hex : "", "files", files);
}

json_t *report_maker(void)
{
	const struct passwd *user = getpwuid(getuid());
	char host[256] = "";
	json_t *maker;
	char *text;

	gethostname(host, sizeof(host) - 1);
	text = x_sprintf("%s on %s", user ? user->pw_name : "an unknown user", host);
	maker = json_text(text);
	free(text);
	return maker;
}
