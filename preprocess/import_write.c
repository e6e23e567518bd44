/*
 * import_write.c: what was imported, as a symptom file and as classes of a policy; what was not, as
 * a list.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/import.h"
#include "spool/log.h"

static const char *text_or(const char *text, const char *other)
{
	return text && *text ? text : other;
}

/* stands_before(): is there an earlier symptom of the same group? */
static bool stands_before(const struct import *import, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (import->rules[i].symptom &&
			!strcmp(import->rules[i].group, import->rules[index].group))
			return true;
	return false;
}

void import_write_symptoms(const struct import *import, FILE *out)
{
	fprintf(out,
		"# Imported by mira-import-rules from rules of Snort or Suricata: %zu of %zu. It "
		"is written anew by each import.\n",
		import->kept, import->count);
	for (size_t i = 0; i < import->count; i++) {
		const struct imported *rule = &import->rules[i];
		if (!rule->symptom)
			continue;
		if (!stands_before(import, i))
			fprintf(out, "\n# all of classtype %s\n" IMPORT_GROUP,
				text_or(rule->classtype, "-"), rule->group);
		fprintf(out, "\n# sid %llu rev %llu classtype %s msg %s\n# from %s:%d\n%s",
			(unsigned long long)rule->sid, (unsigned long long)rule->rev,
			text_or(rule->classtype, "-"), text_or(rule->msg, "-"), rule->file,
			rule->line, rule->symptom);
	}
}

/* ---- policy ---- */

/* The classtype as a class: letters in upper case and digits, '-' for all else. */
static void put_class_name(FILE *out, const char *group)
{
	group += strlen("imported_");
	fputs(isalpha((unsigned char)*group) ? "" : "X-", out);
	for (; *group; group++)
		fputc(*group == '_' ? '-' : toupper((unsigned char)*group), out);
}

static void put_class(FILE *out, const char *group)
{
	fprintf(out, "{ name = \"%s\"; class = \"", group);
	put_class_name(out, group);
	fputs("\"; verdict = \"review\";\n  say = \"Rules of class ", out);
	put_class_name(out, group);
	fprintf(out,
		" were met, imported from Snort or Suricata; the symptoms tell their sids.\";\n"
		"  when = \"%s\"; },\n",
		group);
}

void import_write_policy(const struct import *import, FILE *out)
{
	fputs("# Entries for the list `classes` of policy.conf, written by mira-import-rules: put them "
	      "where they are to decide.\n",
		out);
	for (size_t i = 0; i < import->count; i++)
		if (import->rules[i].symptom && !stands_before(import, i))
			put_class(out, import->rules[i].group);
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
