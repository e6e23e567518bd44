/*
 * import.h: rules of Snort and Suricata as symptoms. Between rule files of others and
 * mira-symptoms(5); for mira-import-rules(1) only, no packet comes near here.
 *
 *	import = import_new();
 *	import_set(import, "HOME_NET", "10.0.0.0/8");	what stands first is kept
 *	import_vars(import, text);			variables of a snort.conf or suricata.yaml
 *	import_rules(import, "a.rules", text);
 *	import_write_symptoms(import, file), import_write_policy(import, file), import_list(import, file)
 *	import_free(import);
 *
 * A rule becomes a symptom as a whole or not at all: each thing that it asks for is either said in
 * the symptom language with the same meaning, or the rule is left out, and why.
 *
 * The text is hostile: nothing is believed, and what a rule can make of variables is bounded.
 */
#ifndef PREPROCESS_IMPORT_H
#define PREPROCESS_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IMPORT_WHY   400
#define IMPORT_PARTS 60
#define IMPORT_GROUP "symptom %s\n\tgroup\n"

struct import_variable {
	char *name, *value;
};

/* What became of a rule. */
struct imported {
	char *file;
	int line;
	uint64_t sid, rev;
	char *msg, *classtype; /* NULL: none */
	char group[64];	       /* the classtype as the name of a symptom */
	char *symptom;	       /* its lines of a symptom file; NULL: left out */
	char why[IMPORT_WHY];
};

struct import {
	struct import_variable *variables;
	size_t variable_count;
	struct imported *rules;
	size_t count, room, kept;
};

struct import *import_new(void);
void import_free(struct import *import);
/* import_set(): a variable, unless it is set already. */
void import_set(struct import *import, const char *name, const char *value);
const char *import_variable(const struct import *import, const char *name, size_t size);
/* import_vars(): var, ipvar, portvar of Snort, lines NAME: VALUE of Suricata; all else is passed over. */
void import_vars(struct import *import, const char *text);
/* import_rules(): all rules of TEXT, which messages call FILE. */
void import_rules(struct import *import, const char *file, const char *text);

void import_write_symptoms(const struct import *import, FILE *out);
/* import_write_policy(): an entry of policy.conf for each classtype. */
void import_write_policy(const struct import *import, FILE *out);
/* import_list(): a line for each rule that was left out, with its reason. */
void import_list(const struct import *import, FILE *out);

/* ---- between its parts ---- */

/* One rule on its way. A text is NUL-terminated; PARTS are what stands in the payload, in order. */
struct import_part {
	bool regex, negated, nocase, first, relative;
	uint8_t *bytes; /* of a content */
	char *text;	/* of a regular expression, as between the slashes of a symptom file */
	char flags[4];
	size_t size;
	bool has_offset, has_depth, has_distance, has_within;
	int32_t offset, depth, distance, within;
};

struct import_rule {
	const struct import *import;
	struct imported *result;
	char *head[7]; /* action, protocol, source, its ports, direction, destination, its ports */
	struct import_part parts[IMPORT_PARTS];
	size_t part_count;
	struct import_part *content; /* the last one: modifiers belong to it */
	char *sizes;		     /* "size LIST" */
	bool to_server, to_client, established, pass;
};

/* import_refuse(): keeps the reason, the first one; always -1. */
int import_refuse(struct import_rule *rule, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* import_number(): all of TEXT as a number from MIN to MAX. */
bool import_number(const char *text, int64_t min, int64_t max, int64_t *value);
/* import_trim(): blanks off both ends, in place. */
char *import_trim(char *text);
/* import_option(): what NAME with VALUE (NULL: none) means, in import_option.c. 0 or -1. */
int import_option(struct import_rule *rule, char *name, char *value);
/* import_content(), import_pcre(), import_modifier(), import_isdataat(): import_payload.c. */
int import_content(struct import_rule *rule, char *value);
int import_pcre(struct import_rule *rule, char *value);
int import_modifier(struct import_rule *rule, const char *name, char *value);
int import_isdataat(struct import_rule *rule, char *value);
/* import_addresses(), import_ports(): TEXT of a header as a LIST of a symptom's line, malloc'ed;
 * NULL for any. 0 or -1. import_list.c. */
int import_addresses(struct import_rule *rule, const char *text, char **list);
int import_ports(struct import_rule *rule, const char *text, char **list);
/* import_symptom(): the rule as text of a symptom file, into rule->result->symptom. 0 or -1. */
int import_symptom(struct import_rule *rule);

#endif
