/*
 * import_rule.c: a rule as a symptom: its header and parts as lines of a symptom file, and whether
 * Hyperscan and PCRE2 take them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "preprocess/symptom_chain.h"
#include "preprocess/symptom_compile.h"
#include "spool/log.h"

/* ---- where a part stands ---- */

struct place {
	bool relative;
	int64_t from, to; /* CHAIN_OPEN: without an end */
};

static int place_of(struct import_rule *rule, const struct import_part *part, bool first,
	struct place *place)
{
	bool counted = part->has_distance || part->has_within;
	int64_t size = (int64_t)part->size;

	if (part->regex) {
		*place = (struct place){part->relative && !first, 0, CHAIN_OPEN};
		return 0;
	}
	if (counted && (part->has_offset || part->has_depth))
		return import_refuse(rule,
			"a content with offset or depth and with distance or within");
	*place = (struct place){counted && !first, counted ? part->distance : part->offset,
		CHAIN_OPEN};
	if (part->has_within || part->has_depth)
		place->to = place->from + (counted ? part->within : part->depth) - size;
	if (!place->relative && place->from < 0)
		place->from = 0;
	if (place->to > CHAIN_FAR) /* farther than a payload reaches */
		place->to = CHAIN_OPEN;
	return place->to < place->from ? import_refuse(rule,
						 "%s is less than its content has bytes, "
						 "so that it is never found",
						 counted ? "within" : "depth")
				       : 0;
}

static void put_place(FILE *out, const struct import_part *part, const struct place *place)
{
	if (!place->relative && place->from == 0 && place->to == CHAIN_OPEN)
		return;
	fprintf(out, " %s %lld", place->relative ? "after" : "at", (long long)place->from);
	if (place->to == CHAIN_OPEN)
		fprintf(out, "..");
	else if (place->to > place->from)
		fprintf(out, "..%lld", (long long)place->to);
}

/* ---- the lines ---- */

static void put_bytes(FILE *out, const struct import_part *part)
{
	fputc('"', out);
	for (size_t i = 0; i < part->size; i++) {
		uint8_t byte = part->bytes[i];
		if (byte < ' ' || byte > 126)
			fprintf(out, "\\x%02x", byte);
		else
			fprintf(out, byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
	}
	fputc('"', out);
}

static int put_part(struct import_rule *rule, FILE *out, const struct import_part *part, bool head,
	bool first, const char *word)
{
	struct place place = {0};

	if (place_of(rule, part, first, &place))
		return -1;
	fprintf(out, "\t%s%s", head ? "" : "and ", part->negated ? "not " : "");
	if (part->regex) {
		fprintf(out, "%s /%s/%s", word, part->text, part->flags);
	} else {
		fputs("text ", out);
		put_bytes(out, part);
		fputs(part->nocase ? " nocase" : "", out);
	}
	put_place(out, part, &place);
	fputs(part->first ? " first\n" : "\n", out);
	return 0;
}

/*
 * put_parts(): the first line is that of a part that must be there; what stands before it in the
 * rule must not be there and is counted from the payload's start, so it may follow.
 */
static int put_parts(struct import_rule *rule, FILE *out, const char *word)
{
	size_t head = 0;

	while (head < rule->part_count && rule->parts[head].negated)
		head++;
	if (head == rule->part_count)
		return import_refuse(rule, rule->part_count
						   ? "all that it asks for is what must not be "
						     "there"
						   : "no content: ports and addresses alone "
						     "are for the fast lists of policy.conf");
	if (put_part(rule, out, &rule->parts[head], true, true, word))
		return -1;
	for (size_t i = 0; i < rule->part_count; i++)
		if (i != head && put_part(rule, out, &rule->parts[i], false, i < head, word))
			return -1;
	return 0;
}

static int put_ends(struct import_rule *rule, FILE *out)
{
	static const struct {
		const char *word;
		unsigned head;
		int (*read)(struct import_rule *rule, const char *text, char **list);
	} ends[] = {{"src", 2, import_addresses}, {"sport", 3, import_ports},
		{"dst", 5, import_addresses}, {"dport", 6, import_ports}};
	bool restricted = false;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		char *list = NULL;
		if (ends[i].read(rule, rule->head[ends[i].head], &list))
			return -1;
		if (list)
			fprintf(out, " %s %s", ends[i].word, list);
		restricted |= list != NULL;
		free(list);
	}
	fputs(restricted && !strcmp(rule->head[4], "<>") ? " twoway" : "", out);
	return 0;
}

static int put_header(struct import_rule *rule, FILE *out)
{
	fprintf(out, "symptom sid_%llu %s", (unsigned long long)rule->result->sid, rule->head[1]);
	fputs(rule->established ? " established" : "", out);
	fputs(rule->to_server ? " to server" : rule->to_client ? " to client" : "", out);
	if (put_ends(rule, out))
		return -1;
	if (rule->sizes)
		fprintf(out, " size %s", rule->sizes);
	fprintf(out, " in %s", rule->result->group);
	fputc('\n', out);
	return 0;
}

/* text_of(): the symptom's lines, malloc'ed; NULL after a refusal. */
static char *text_of(struct import_rule *rule, const char *word)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	if (!out)
		die(MIRA_AGAIN, "no memory to import rules");
	result = put_header(rule, out) || put_parts(rule, out, word);
	fclose(out);
	if (result) {
		free(text);
		text = NULL;
	}
	return text;
}

/* ---- is it understood? ---- */

/* judge(): what Hyperscan and PCRE2 say; NULL when they take it, else a reason, malloc'ed. */
static char *judge(const char *text, const char *group)
{
	static const char before[] = "refused: symptom ";
	struct symptom_source source = {0};
	char *said = NULL, *reason;
	size_t size = 0;
	FILE *out = open_memstream(&said, &size);
	struct symptom_verdict verdict = {0};

	if (!out)
		die(MIRA_AGAIN, "no memory to import rules");
	if (symptom_source_text(&source, "group", group, strlen(group)) ||
		symptom_source_text(&source, "rule", text, strlen(text)))
		fprintf(out, "its symptom is not understood");
	else
		verdict = symptom_judge(&source, out);
	fclose(out);
	reason = strstr(said, before);
	reason = reason ? strstr(reason + sizeof(before) - 1, ": ") : NULL;
	reason = reason ? reason + 2 : said;
	reason = verdict.refused || !source.pattern_count ? x_sprintf("%s", reason) : NULL;
	symptom_source_free(&source);
	free(said);
	return reason;
}

/* set_group(): imported_CLASSTYPE: letters in lower case and digits, '_' for all else. */
static void set_group(struct imported *result)
{
	const char *from = result->classtype ? result->classtype : "unclassified";

	snprintf(result->group, sizeof(result->group) - 8, "imported_%s", from);
	for (char *c = result->group; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
}

/* A single expression may do without PCRE2; where others stand beside it, it is a part of a chain
 * either way. */
int import_symptom(struct import_rule *rule)
{
	const char *words[] = {"regex", "pcre"};
	char *text = NULL, *reason = NULL, group[96];

	set_group(rule->result);
	snprintf(group, sizeof(group), IMPORT_GROUP, rule->result->group);

	for (size_t i = rule->part_count == 1 ? 0 : 1; i < 2; i++) {
		free(text);
		free(reason);
		text = text_of(rule, words[i]);
		if (!text)
			return -1;
		reason = judge(text, group);
		if (!reason)
			break;
	}
	if (reason) {
		reason[strcspn(reason, "\n")] = 0;
		import_refuse(rule, "%s", reason);
		free(reason);
		free(text);
		return -1;
	}
	rule->result->symptom = text;
	return 0;
}
