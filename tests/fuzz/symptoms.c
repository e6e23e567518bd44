/*
 * Fuzz target of preprocess/symptom_parse.c, symptom_pattern.c and symptom_rule.c: whatever a file of symptoms holds,
 * reading it ends, with a message or with tables that agree with one another.
 */
#include <stdlib.h>
#include <string.h>

#include "preprocess/symptom_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symptom_source source = {0};
	char *text = calloc(size + 1, 1);

	memcpy(text, data, size);
	if (symptom_source_text(&source, "fuzz.sym", text, size) == 0)
		for (size_t i = 0; i < source.pattern_count; i++)
			if (source.patterns[i].rule >= source.rule_count ||
				!source.patterns[i].expression)
				abort();
	symptom_source_free(&source);
	free(text);
	return 0;
}
