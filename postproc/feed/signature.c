/*
 * signature.c: from symptoms and rules to what an alert says of them (signature.h). Between the files of symptoms and
 * policy and the alerts.
 */
#include "postproc/feed/signature.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/policy.h"
#include "spool/rules.h"

#define CLASSTYPE_MAX 64
#define MSG_MAX	      512

struct signatures {
	struct policy policy;
	struct signature *by_symptom; /* by intern id; sid 0: not imported */
	size_t room;
};

/* classification.config of Snort 2.9 and Suricata 7. */
static const struct classification {
	const char *classtype, *category;
	uint32_t severity;
} classifications[] = {
	{"attempted-admin", "Attempted Administrator Privilege Gain", 1},
	{"attempted-dos", "Attempted Denial of Service", 2},
	{"attempted-recon", "Attempted Information Leak", 2},
	{"attempted-user", "Attempted User Privilege Gain", 1},
	{"bad-unknown", "Potentially Bad Traffic", 2},
	{"coin-mining", "Crypto Currency Mining Activity Detected", 2},
	{"command-and-control", "Malware Command and Control Activity Detected", 1},
	{"credential-theft", "Successful Credential Theft Detected", 1},
	{"default-login-attempt", "Attempt to login by a default username and password", 2},
	{"denial-of-service", "Detection of a Denial of Service Attack", 2},
	{"domain-c2", "Domain Observed Used for C2 Detected", 1},
	{"exploit-kit", "Exploit Kit Activity Detected", 1},
	{"external-ip-check", "Device Retrieving External IP Address Detected", 2},
	{"icmp-event", "Generic ICMP event", 3},
	{"inappropriate-content", "Inappropriate Content was Detected", 1},
	{"misc-activity", "Misc activity", 3},
	{"misc-attack", "Misc Attack", 2},
	{"network-scan", "Detection of a Network Scan", 3},
	{"non-standard-protocol", "Detection of a non-standard protocol or event", 2},
	{"not-suspicious", "Not Suspicious Traffic", 3},
	{"policy-violation", "Potential Corporate Privacy Violation", 1},
	{"protocol-command-decode", "Generic Protocol Command Decode", 3},
	{"pup-activity", "Possibly Unwanted Program Detected", 2},
	{"rpc-portmap-decode", "Decode of an RPC Query", 2},
	{"shellcode-detect", "Executable code was detected", 1},
	{"social-engineering", "Possible Social Engineering Attempted", 2},
	{"string-detect", "A suspicious string was detected", 3},
	{"successful-admin", "Successful Administrator Privilege Gain", 1},
	{"successful-dos", "Denial of Service", 2},
	{"successful-recon-largescale", "Large Scale Information Leak", 2},
	{"successful-recon-limited", "Information Leak", 2},
	{"successful-user", "Successful User Privilege Gain", 1},
	{"suspicious-filename-detect", "A suspicious filename was detected", 2},
	{"suspicious-login", "An attempted login using a suspicious username was detected", 2},
	{"system-call-detect", "A system call was detected", 2},
	{"targeted-activity", "Targeted Malicious Activity was Detected", 1},
	{"tcp-connection", "A TCP connection was detected", 4},
	{"trojan-activity", "A Network Trojan was detected", 1},
	{"unknown", "Unknown Traffic", 3},
	{"unsuccessful-user", "Unsuccessful User Privilege Gain", 1},
	{"unusual-client-port-connection", "A client was using an unusual port", 2},
	{"web-application-activity", "access to a potentially vulnerable web application", 2},
	{"web-application-attack", "Web Application Attack", 1},
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct classification *)row)->classtype);
}

/* A classtype of somebody's own is its own category. */
static void classify(struct signature *signature, const char *classtype)
{
	const struct classification *found = bsearch(classtype, classifications,
		sizeof(classifications) / sizeof(*classifications), sizeof(*classifications),
		compare);

	signature->category = found ? found->category
				    : intern_text(intern(strcmp(classtype, "-") ? classtype : ""));
	signature->severity = found ? found->severity : 3;
}

/* ---- imported rules ---- */

static void add(struct signatures *signatures, uint32_t name, const struct signature *signature)
{
	if (name >= signatures->room) {
		size_t room = name + 1024;

		signatures->by_symptom =
			x_realloc(signatures->by_symptom, room * sizeof(*signatures->by_symptom));
		memset(signatures->by_symptom + signatures->room, 0,
			(room - signatures->room) * sizeof(*signatures->by_symptom));
		signatures->room = room;
	}
	signatures->by_symptom[name] = *signature;
}

/* A line as mira-import-rules writes it above a symptom; all others are passed over. */
static void read_line(struct signatures *signatures, const char *line)
{
	struct signature signature = {.gid = SIGNATURE_IMPORTED};
	char classtype[CLASSTYPE_MAX + 1], msg[MSG_MAX + 1], name[32];

	if (sscanf(line, "# sid %u rev %u classtype %64s msg %512[^\n]", &signature.sid,
		    &signature.rev, classtype, msg) != 4 ||
		!signature.sid)
		return;
	classify(&signature, classtype);
	signature.msg = intern_text(intern(msg));
	snprintf(name, sizeof(name), "sid_%u", signature.sid);
	add(signatures, intern(name), &signature);
}

static int read_file(struct signatures *signatures, const char *folder, const char *name)
{
	char path[PATH_MAX], *text;

	if (nfs_join(path, folder, name) < 0)
		return -1;
	text = nfs_read_file(path, NULL);
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_line(signatures, line);
	}
	free(text);
	return text ? 0 : -1;
}

static int read_symptoms(struct signatures *signatures, const char *folder)
{
	struct namelist names = {0};
	int result = rules_symptoms(folder, &names), code;

	for (size_t i = 0; i < names.count && result == 0; i++)
		result = read_file(signatures, folder, names.names[i]);
	if (result < 0)
		log_err("cannot read the symptoms in %s: %m; %s", folder, nfs_remedy(errno, &code));
	namelist_free(&names);
	return result < 0 ? code : MIRA_OK;
}

struct signatures *signatures_load(const struct config *config, int *code)
{
	struct signatures *signatures = x_calloc(1, sizeof(*signatures));

	*code = policy_load(&signatures->policy, config->policy);
	if (*code) {
		free(signatures);
		return NULL;
	}
	*code = read_symptoms(signatures, config->symptoms);
	if (!*code)
		return signatures;
	signatures_free(signatures);
	return NULL;
}

void signatures_free(struct signatures *signatures)
{
	if (!signatures)
		return;
	policy_free(&signatures->policy);
	free(signatures->by_symptom);
	free(signatures);
}

const struct signature *signature_of_symptom(const struct signatures *signatures, uint32_t name)
{
	return name < signatures->room && signatures->by_symptom[name].sid
		       ? &signatures->by_symptom[name]
		       : NULL;
}

/* ---- rules of the policy ---- */

/* A policy of another day may have decided: then the name has to do. */
static const char *sentence(const struct policy *policy, const char *rule)
{
	const char *say = NULL;

	for (size_t i = 0; i < policy->class_count && !say; i++)
		if (!strcmp(policy->classes[i].name, rule))
			say = policy->classes[i].say;
	for (size_t i = 0; i < policy->fast_count && !say; i++)
		if (!strcmp(policy->fast[i].name, rule))
			say = policy->fast[i].say;
	return say && *say ? say : rule;
}

struct signature signature_of_rule(const struct signatures *signatures, const struct biflow *biflow)
{
	const char *rule = intern_text(biflow->rule), *verdict = intern_text(biflow->verdict);

	return (struct signature){
		.gid = SIGNATURE_POLICY,
		.sid = (uint32_t)(XXH3_64bits(rule, strlen(rule)) & INT32_MAX) | 1,
		.rev = 1,
		.severity = !strcmp(verdict, "unacceptable") ? 2
			    : !strcmp(verdict, "review")     ? 3
							     : 4,
		.msg = sentence(&signatures->policy, rule),
		.category = intern_text(biflow->class),
	};
}
