/*
 * import_write.c: what was imported, as a symptom file and as classes of a policy; what was not, as
 * a list.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "spool/log.h"

#define NAMES_A_CALL 50 /* SQLite takes up to 100 arguments */
#define NO_CLASSTYPE "imported"

static const char *text_or(const char *text, const char *other)
{
	return text && *text ? text : other;
}

void import_write_symptoms(const struct import *import, FILE *out)
{
	fprintf(out,
		"# Imported by mira-import-rules from rules of Snort or Suricata: %zu of %zu. It "
		"is written anew by each import.\n",
		import->kept, import->count);
	for (size_t i = 0; i < import->count; i++) {
		const struct imported *rule = &import->rules[i];
		if (rule->symptom)
			fprintf(out, "\n# sid %llu rev %llu classtype %s msg %s\n# from %s:%d\n%s",
				(unsigned long long)rule->sid, (unsigned long long)rule->rev,
				text_or(rule->classtype, "-"), text_or(rule->msg, "-"), rule->file,
				rule->line, rule->symptom);
	}
}

/* ---- policy ---- */

static const char *class_of(const struct imported *rule)
{
	return text_or(rule->classtype, NO_CLASSTYPE);
}

/* put_name(): TEXT with letters in the case of CHANGE and OTHER for what is neither letter nor
 * digit. */
static void put_name(FILE *out, const char *text, int (*change)(int), char other)
{
	for (; *text; text++)
		fputc(isalnum((unsigned char)*text) ? change((unsigned char)*text) : other, out);
}

static void put_condition(FILE *out, const struct import *import, size_t first)
{
	const char *class = class_of(&import->rules[first]);
	size_t count = 0;

	for (size_t i = first; i < import->count; i++) {
		const struct imported *rule = &import->rules[i];
		if (!rule->symptom || strcmp(class_of(rule), class) != 0)
			continue;
		if (count % NAMES_A_CALL == 0)
			fputs(count ? ") OR \"\n         \"total(" : "total(", out);
		else
			fputs(", ", out);
		fprintf(out, "sid_%llu", (unsigned long long)rule->sid);
		count++;
	}
	fputs(")", out);
}

static void put_class(FILE *out, const struct import *import, size_t first)
{
	const char *class = class_of(&import->rules[first]);

	fputs("{ name = \"imported_", out);
	put_name(out, class, tolower, '_');
	fputs("\"; class = \"", out);
	put_name(out, isalpha((unsigned char)*class) ? "" : "X-", toupper, '-');
	put_name(out, class, toupper, '-');
	fputs("\"; verdict = \"review\";\n  say = \"Rules of class ", out);
	put_name(out, class, tolower, '-');
	fputs(" were met, imported from Snort or Suricata; the symptoms tell their sids.\";\n"
	      "  when = \"",
		out);
	put_condition(out, import, first);
	fputs("\"; },\n", out);
}

static bool stands_before(const struct import *import, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (import->rules[i].symptom &&
			!strcmp(class_of(&import->rules[i]), class_of(&import->rules[index])))
			return true;
	return false;
}

void import_write_policy(const struct import *import, FILE *out)
{
	fputs("# Entries for the list `classes` of policy.conf, written by mira-import-rules: put them "
	      "where they are to decide.\n",
		out);
	for (size_t i = 0; i < import->count; i++)
		if (import->rules[i].symptom && !stands_before(import, i))
			put_class(out, import, i);
}

/* ---- what was left out ---- */

void import_list(const struct import *import, FILE *out)
{
	for (size_t i = 0; i < import->count; i++) {
		const struct imported *rule = &import->rules[i];
		if (!rule->symptom)
			fprintf(out, "%s:%d: sid %llu left out: %s\n", rule->file, rule->line,
				(unsigned long long)rule->sid, rule->why);
	}
}
