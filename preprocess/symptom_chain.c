/*
 * symptom_chain.c: several patterns in one payload, and what only PCRE2 understands. Between
 * Hyperscan, which has seen a part of it, and the count of the symptom.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "preprocess/symptom_chain.h"

#include <hs.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "spool/log.h"

struct chain {
	struct symptom_part *parts;
	pcre2_code **codes;
	bool *awaited; /* a later part is counted from its end */
	size_t count;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct search {
	const struct chain *chain;
	const uint8_t *payload;
	size_t size;
	unsigned tries;
};

struct chain *chain_new(void)
{
	return x_calloc(1, sizeof(struct chain));
}

void chain_free(struct chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->count; i++) {
		free(chain->parts[i].expression);
		pcre2_code_free(chain->codes[i]);
	}
	free(chain->parts);
	free(chain->codes);
	free(chain->awaited);
	pcre2_match_data_free(chain->data);
	pcre2_match_context_free(chain->context);
	free(chain);
}

int chain_add(struct chain *chain, const struct symptom_part *part)
{
	if (chain->count == CHAIN_PARTS) {
		free(part->expression);
		return -1;
	}
	chain->parts = x_realloc(chain->parts, (chain->count + 1) * sizeof(*chain->parts));
	chain->codes = x_realloc(chain->codes, (chain->count + 1) * sizeof(*chain->codes));
	chain->awaited = x_realloc(chain->awaited, chain->count + 1);
	chain->codes[chain->count] = NULL;
	chain->parts[chain->count++] = *part;
	return 0;
}

/* ---- the prefilter ---- */

static bool better(const struct symptom_part *part, const struct symptom_part *best)
{
	if (part->negated)
		return false;
	if (!best || part->first || best->first)
		return !best || !best->first;
	return part->fixed > best->fixed;
}

void chain_prefilter(const struct chain *chain, char **expression, unsigned *flags)
{
	const struct symptom_part *best = NULL;
	bool start;

	for (size_t i = 0; i < chain->count; i++)
		if (better(&chain->parts[i], best))
			best = &chain->parts[i];
	start = best->fixed && !best->relative && best->to == 0;
	*expression = x_sprintf(start ? "^(?:%s)" : "%s", best->expression);
	*flags = best->flags | (best->fixed ? 0 : HS_FLAG_PREFILTER);
}

/* ---- compiling ---- */

static uint32_t pcre_options(const struct symptom_part *part)
{
	return (part->flags & HS_FLAG_CASELESS ? PCRE2_CASELESS : 0u) |
	       (part->flags & HS_FLAG_DOTALL ? PCRE2_DOTALL : 0u) |
	       (part->flags & HS_FLAG_MULTILINE ? PCRE2_MULTILINE : 0u);
}

/* The parts up to the next one that is counted from the payload's first byte decide. */
static bool is_awaited(const struct chain *chain, size_t index)
{
	for (size_t i = index + 1; i < chain->count; i++) {
		const struct symptom_part *part = &chain->parts[i];
		if (part->relative)
			return true;
		if (!part->negated)
			return false;
	}
	return false;
}

static void prepare(struct chain *chain)
{
	if (!chain->data)
		chain->data = pcre2_match_data_create(1, NULL);
	if (!chain->context)
		chain->context = pcre2_match_context_create(NULL);
	if (!chain->data || !chain->context)
		die(MIRA_AGAIN, "no memory to look for symptoms with PCRE2");
	pcre2_set_match_limit(chain->context, CHAIN_STEPS);
}

int chain_compile(struct chain *chain, char *why, size_t size)
{
	prepare(chain);
	for (size_t i = 0; i < chain->count; i++) {
		const struct symptom_part *part = &chain->parts[i];
		PCRE2_SIZE at = 0;
		int error = 0;

		chain->awaited[i] = is_awaited(chain, i);
		if (chain->codes[i])
			continue;
		chain->codes[i] = pcre2_compile((PCRE2_SPTR)part->expression, PCRE2_ZERO_TERMINATED,
			pcre_options(part) | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at,
			NULL);
		if (!chain->codes[i]) {
			char text[160];
			pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
			snprintf(why, size, "%s, at byte %zu of the expression", text, (size_t)at);
			return -1;
		}
	}
	return 0;
}

/* ---- finding ---- */

/* A piece of the payload that a part is looked for in, and where the next look begins. */
struct view {
	const uint8_t *bytes;
	size_t size, next;
};

/* view_of(): false when the part cannot stand in the payload. */
static bool view_of(const struct search *search, const struct symptom_part *part, size_t cursor,
	struct view *view)
{
	int64_t origin = part->relative ? (int64_t)cursor : 0;
	int64_t from = origin + part->from, end = (int64_t)search->size;

	if (from < 0)
		from = 0;
	if (part->fixed && part->to != CHAIN_OPEN && origin + part->to + part->fixed < end)
		end = origin + part->to + part->fixed;
	if (from > end)
		return false;
	*view = (struct view){search->payload + from, (size_t)(end - from), 0};
	return true;
}

/* find(): the next place of part INDEX in VIEW; its end, counted in the payload, or -1. After an
 * error, which is a limit, nothing more is tried. */
static int64_t find(struct search *search, size_t index, struct view *view)
{
	const struct chain *chain = search->chain;
	const PCRE2_SIZE *found;
	int result;

	if (view->next > view->size || ++search->tries > CHAIN_TRIES)
		return -1;
	result = pcre2_match(chain->codes[index], view->bytes, view->size, view->next, 0,
		chain->data, chain->context);
	if (result < 0) {
		if (result != PCRE2_ERROR_NOMATCH)
			search->tries = CHAIN_TRIES + 1;
		return -1;
	}
	found = pcre2_get_ovector_pointer(chain->data);
	view->next = found[0] + 1;
	return (view->bytes - search->payload) + (int64_t)found[1];
}

static bool all_from(struct search *search, size_t index, size_t cursor)
{
	const struct chain *chain = search->chain;
	const struct symptom_part *part = &chain->parts[index];
	struct view view;
	int64_t end;

	if (index == chain->count)
		return search->tries <= CHAIN_TRIES;
	if (!view_of(search, part, cursor, &view))
		return part->negated && all_from(search, index + 1, cursor);
	if (part->negated)
		return find(search, index, &view) < 0 && all_from(search, index + 1, cursor);
	while ((end = find(search, index, &view)) >= 0) {
		if (all_from(search, index + 1, (size_t)end))
			return true;
		if (!chain->awaited[index])
			return false;
	}
	return false;
}

bool chain_found(const struct chain *chain, const uint8_t *payload, size_t size)
{
	struct search search = {chain, payload, size, 0};

	return all_from(&search, 0, 0);
}
