/*
 * Fuzz target of preprocess/import*.c: whatever a file of rules or variables holds, reading it
 * ends; a rule is left out with a reason, or becomes a symptom that is understood, and nothing
 * else.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -isystem /usr/include/hs … \
 *	    tests/fuzz/import.c preprocess/import*.c preprocess/symptom*.c spool/… -lhs -lpcre2-8
 *	./import -max_len=4096 CORPUS	a corpus: rules; what precedes a line "%%" are variables
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/import.h"
#include "preprocess/symptom_parse.h"

/* of_rules(): symptoms that are no groups. */
static size_t of_rules(const struct symptom_source *source)
{
	size_t count = 0;

	for (size_t i = 0; i < source->rule_count; i++)
		count += !source->rules[i].is_group;
	return count;
}

/* What is written must be read back, with as many symptoms as were kept. */
static void read_back(const struct import *import)
{
	struct symptom_source source = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	import_write_symptoms(import, out);
	fclose(out);
	if (strlen(text) != size || symptom_source_text(&source, "imported", text, size) ||
		of_rules(&source) != import->kept)
		abort();
	symptom_source_free(&source);
	free(text);
}

static void write_rest(const struct import *import)
{
	FILE *out = fopen("/dev/null", "w");

	import_write_policy(import, out);
	import_list(import, out);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import *import = import_new();
	char *text = calloc(size + 1, 1), *rules;

	memcpy(text, data, size);
	rules = strstr(text, "\n%%\n");
	if (rules) {
		*rules = 0;
		import_vars(import, text);
	}
	import_rules(import, "fuzz.rules", rules ? rules + 4 : text);
	for (size_t i = 0; i < import->count; i++)
		if (!import->rules[i].symptom == !*import->rules[i].why)
			abort();
	read_back(import);
	write_rest(import);
	import_free(import);
	free(text);
	return 0;
}
