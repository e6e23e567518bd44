/*
 * import_payload.c: content, pcre, isdataat of a rule and their modifiers.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "preprocess/symptom_chain.h"
#include "spool/log.h"

static struct import_part *new_part(struct import_rule *rule)
{
	if (rule->part_count == IMPORT_PARTS) {
		import_refuse(rule, "more than %d contents and expressions", IMPORT_PARTS);
		return NULL;
	}
	return &rule->parts[rule->part_count++];
}

/* quoted(): VALUE as [!]"…"; cuts the closing quote off, steps over the opening one, and says what
 * stands behind. NULL after a refusal. */
static char *quoted(struct import_rule *rule, char *value, bool *negated, char **behind)
{
	char *at;

	*negated = *value == '!';
	value = import_trim(value + *negated);
	if (*value != '"') {
		import_refuse(rule, "'%.60s' does not stand in quotes", value);
		return NULL;
	}
	for (at = value + 1; *at && *at != '"'; at++)
		at += *at == '\\' && at[1];
	if (!*at) {
		import_refuse(rule, "a quoted text has no end");
		return NULL;
	}
	*at = 0;
	*behind = import_trim(at + 1);
	return value + 1;
}

/* ---- content ---- */

static int hex_value(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0'
					     : tolower((unsigned char)digit) - 'a' + 10;
}

/* hex_bytes(): behind a '|', up to the next; how far it reaches, or NULL. */
static const char *hex_bytes(const char *at, struct import_part *part)
{
	while (*at != '|') {
		if (*at == ' ') {
			at++;
			continue;
		}
		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
			return NULL;
		part->bytes[part->size++] = (uint8_t)(hex_value(at[0]) << 4 | hex_value(at[1]));
		at += 2;
	}
	return at;
}

static int content_bytes(struct import_rule *rule, const char *at, struct import_part *part)
{
	part->bytes = x_calloc(strlen(at) + 1, 1);
	for (; *at; at++) {
		if (*at == '|') {
			at = hex_bytes(at + 1, part);
			if (!at)
				return import_refuse(rule,
					"a content has bytes between | and | that are not pairs of hex "
					"digits");
			continue;
		}
		if (*at == '\\' && !*++at)
			return import_refuse(rule, "a content ends in a backslash");
		part->bytes[part->size++] = (uint8_t)*at;
	}
	return part->size ? 0 : import_refuse(rule, "a content is empty");
}

/* inline_modifiers(): those of Snort 3: behind the quotes, comma-joined. */
static int inline_modifiers(struct import_rule *rule, char *behind)
{
	char *save = NULL;

	if (*behind && *behind != ',')
		return import_refuse(rule, "'%.60s' behind a quoted text", behind);
	for (char *word = strtok_r(behind, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *name = import_trim(word), *value = strpbrk(name, " \t");
		if (value) {
			*value = 0;
			value = import_trim(value + 1);
		}
		if (import_option(rule, name, value))
			return -1;
	}
	return 0;
}

int import_content(struct import_rule *rule, char *value)
{
	struct import_part *part = new_part(rule);
	char *text, *behind;

	text = part ? quoted(rule, value, &part->negated, &behind) : NULL;
	if (!text || content_bytes(rule, text, part))
		return -1;
	rule->content = part;
	return inline_modifiers(rule, behind);
}

/* ---- its modifiers ---- */

static int set_number(struct import_rule *rule, const char *name, const char *value, int64_t min,
	bool *has, int32_t *number)
{
	int64_t read;

	if (*has)
		return import_refuse(rule, "%s stands twice at one content", name);
	if (!value || !import_number(value, min, CHAIN_FAR, &read))
		return import_refuse(rule,
			"%s needs a number from %lld to %d; variables are not known", name,
			(long long)min, CHAIN_FAR);
	*has = true;
	*number = (int32_t)read;
	return 0;
}

/* ends_with(): no byte may follow. */
static int ends_with(struct import_rule *rule)
{
	struct import_part *part = new_part(rule);

	if (!part)
		return -1;
	*part = (struct import_part){.regex = true,
		.negated = true,
		.relative = true,
		.text = x_strdup("\\A."),
		.flags = "s"};
	return 0;
}

static int starts_with(struct import_part *part)
{
	part->has_depth = true;
	part->depth = (int32_t)part->size;
	return 0;
}

int import_modifier(struct import_rule *rule, const char *name, char *value)
{
	struct import_part *part = rule->content;

	if (!part)
		return import_refuse(rule, "%s without a content before it", name);
	if (!strcmp(name, "nocase"))
		return part->nocase = true, 0;
	if (!strcmp(name, "fast_pattern"))
		return part->first = !part->negated, 0;
	if (!strcmp(name, "startswith"))
		return starts_with(part);
	if (!strcmp(name, "endswith"))
		return part->negated
			       ? import_refuse(rule, "endswith of a content that must not be there")
			       : ends_with(rule);
	if (!strcmp(name, "offset"))
		return set_number(rule, name, value, 0, &part->has_offset, &part->offset);
	if (!strcmp(name, "depth"))
		return set_number(rule, name, value, 1, &part->has_depth, &part->depth);
	if (!strcmp(name, "within"))
		return set_number(rule, name, value, 1, &part->has_within, &part->within);
	return set_number(rule, name, value, -CHAIN_FAR, &part->has_distance, &part->distance);
}

/* ---- pcre ---- */

/* expression(): TEXT as it stands between the slashes of a symptom file. NULL after a refusal. */
static char *expression(struct import_rule *rule, const char *text, bool anchored)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	if (!out)
		die(MIRA_AGAIN, "no memory to import rules");
	fputs(anchored ? "\\A(?:" : "", out);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte == '\\' && text[1] >= ' ' && text[1] < 127) {
			fprintf(out, "\\%c", *++text);
		} else if (byte == '\\') {
			continue; /* what is no letter stands for itself, escaped or not */
		} else if (byte < ' ' || byte > 126) {
			fprintf(out, "\\x%02x", byte);
		} else {
			fprintf(out, byte == '/' ? "\\%c" : "%c", byte);
		}
	}
	fputs(anchored ? ")" : "", out);
	fclose(out);
	return result;
}

/* pcre_flag(): 0 or -1. Those that are left name a part of the packet that Snort or Suricata cut
 * out. */
static int pcre_flag(struct import_rule *rule, struct import_part *part, char flag,
	const char *text, bool *anchored)
{
	if (strchr("ism", flag) && !strchr(part->flags, flag)) {
		part->flags[strlen(part->flags)] = flag;
	} else if (flag == 'R') {
		part->relative = true;
	} else if (flag == 'A') {
		*anchored = true;
	} else if (flag == 'E' && strchr(text, '$')) {
		return import_refuse(rule, "pcre's flag E with a $ is not known");
	} else if (!strchr("ismEOB", flag)) {
		return import_refuse(rule,
			"pcre's flag %c looks in a part of the packet that MIRA does not cut out, or "
			"reads the expression in another way",
			flag);
	}
	return 0;
}

/* has_one_digit(): \x with one digit means another byte to one who reads two. */
static bool has_one_digit(const char *text)
{
	for (; *text; text++) {
		if (*text != '\\' || !text[1])
			continue;
		if (*++text == 'x' && text[1] != '{' &&
			(!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2])))
			return true;
	}
	return false;
}

int import_pcre(struct import_rule *rule, char *value)
{
	struct import_part *part = new_part(rule);
	bool anchored = false;
	char *text, *behind, *slash;

	text = part ? quoted(rule, value, &part->negated, &behind) : NULL;
	if (!text)
		return -1;
	slash = strrchr(text, '/');
	if (*text != '/' || slash < text + 2 || *behind)
		return import_refuse(rule, "pcre needs an expression between slashes, in quotes");
	*slash = 0;
	part->regex = true;
	for (const char *flag = slash + 1; *flag; flag++)
		if (pcre_flag(rule, part, *flag, text, &anchored))
			return -1;
	if (has_one_digit(text) || strstr(text, "\\Q"))
		return import_refuse(rule, "pcre with \\Q, or with \\x and one digit");
	part->text = expression(rule, text + 1, anchored);
	return 0;
}

/* ---- isdataat ---- */

/*
 * As what must not be: it moves no cursor then. N, relative: N bytes follow the cursor; else byte N
 * is there, counted from 0.
 */
int import_isdataat(struct import_rule *rule, char *value)
{
	struct import_part *part = new_part(rule);
	bool negated = value && *value == '!';
	char *comma = value ? strchr(value, ',') : NULL;
	int64_t bytes;

	if (!part)
		return -1;
	*part = (struct import_part){.regex = true, .negated = true, .flags = "s"};
	if (comma) {
		*comma = 0;
		comma = import_trim(comma + 1);
		part->relative = !strcmp(comma, "relative");
	}
	if (!value || !import_number(import_trim(value + negated), 0, 30000, &bytes) ||
		(comma && !part->relative && strcmp(comma, "rawbytes") != 0) ||
		(part->relative && !bytes))
		return import_refuse(rule,
			"isdataat needs a number up to 30000 (from 1 with relative), "
			"and relative or rawbytes");
	bytes += !part->relative;
	part->text = negated ? x_sprintf("\\A.{%d}", (int)bytes)
			     : x_sprintf("\\A.{0,%d}\\z", (int)bytes - 1);
	return 0;
}
