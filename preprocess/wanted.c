/*
 * wanted.c: from batches of verdicts to a table of the biflows whose packets are kept (wanted.h).
 */
#include "preprocess/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/flowkey.h"
#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/manifest.h"

#define SLOTS_MIN 1024

struct held {
	char *name; /* NULL: dropped */
	uint64_t window_ms;
};

struct wanted {
	char *words;
	struct wanted_biflow *biflows;
	size_t count, room;
	uint32_t *
		slots; /* index of a biflow plus one; a power of two of them, half of them empty at least */
	size_t slot_count;
	struct held *held;
	size_t held_count;
	char **labels; /* classes, verdicts and rules met: few, and for good */
	size_t label_count;
};

/* ---- words ---- */

/* The next word of *TEXT, "A, B": its length; 0 at the end. */
static size_t next_word(const char **text)
{
	*text += strspn(*text, ", ");
	return strcspn(*text, ", ");
}

static bool has_word(const char *words, const char *word)
{
	size_t length;

	for (; (length = next_word(&words)); words += length)
		if (strlen(word) == length && !strncmp(words, word, length))
			return true;
	return false;
}

static bool is_of_policy(const struct policy *policy, const char *word)
{
	bool found = has_word("acceptable, unacceptable, review, UNKNOWN, blind", word);

	for (size_t i = 0; i < policy->class_count && !found; i++)
		found = !strcmp(policy->classes[i].class, word) ||
			!strcmp(policy->classes[i].name, word);
	for (size_t i = 0; i < policy->fast_count && !found; i++)
		found = !strcmp(policy->fast[i].class, word) || !strcmp(policy->fast[i].name, word);
	return found;
}

int wanted_check(const char *words, const struct policy *policy)
{
	size_t length, count = 0;
	int code = MIRA_OK;

	for (; (length = next_word(&words)) && !code; words += length) {
		char *word = x_sprintf("%.*s", (int)length, words);

		count++;
		if (!is_of_policy(policy, word)) {
			log_err("packet_log in mira.conf names \"%s\", which is no class, rule or verdict of %s",
				word, policy->file);
			code = MIRA_PERSON;
		}
		free(word);
	}
	return count ? code : -1;
}

struct wanted *wanted_new(const char *words)
{
	struct wanted *wanted = x_calloc(1, sizeof(*wanted));

	wanted->words = x_strdup(words);
	wanted->slot_count = SLOTS_MIN;
	wanted->slots = x_calloc(wanted->slot_count, sizeof(*wanted->slots));
	return wanted;
}

void wanted_free(struct wanted *wanted)
{
	if (!wanted)
		return;
	for (size_t i = 0; i < wanted->held_count; i++)
		free(wanted->held[i].name);
	for (size_t i = 0; i < wanted->label_count; i++)
		free(wanted->labels[i]);
	free(wanted->held);
	free(wanted->labels);
	free(wanted->slots);
	free(wanted->biflows);
	free(wanted->words);
	free(wanted);
}

/* ---- the table ---- */

static size_t slot_of(const struct wanted *wanted, uint64_t window_ms, const struct flowkey *key)
{
	uint64_t hash = XXH3_64bits_withSeed(key, sizeof(*key), window_ms);

	return (size_t)hash & (wanted->slot_count - 1);
}

static void place(struct wanted *wanted, size_t index)
{
	const struct wanted_biflow *biflow = &wanted->biflows[index];
	size_t slot = slot_of(wanted, biflow->window_ms, &biflow->canonical);

	while (wanted->slots[slot])
		slot = (slot + 1) & (wanted->slot_count - 1);
	wanted->slots[slot] = (uint32_t)index + 1;
}

static void place_all(struct wanted *wanted)
{
	while (wanted->slot_count < 2 * wanted->count + 2)
		wanted->slot_count *= 2;
	free(wanted->slots);
	wanted->slots = x_calloc(wanted->slot_count, sizeof(*wanted->slots));
	for (size_t i = 0; i < wanted->count; i++)
		place(wanted, i);
}

struct wanted_biflow *wanted_find(struct wanted *wanted, uint64_t window_ms,
	const struct flowkey *key)
{
	struct flowkey canonical;
	size_t slot;

	if (!wanted->count)
		return NULL;
	flowkey_canonical(key, &canonical);
	slot = slot_of(wanted, window_ms, &canonical);
	for (; wanted->slots[slot]; slot = (slot + 1) & (wanted->slot_count - 1)) {
		struct wanted_biflow *biflow = &wanted->biflows[wanted->slots[slot] - 1];

		if (biflow->window_ms == window_ms &&
			!memcmp(&biflow->canonical, &canonical, sizeof(canonical)))
			return biflow;
	}
	return NULL;
}

size_t wanted_count(const struct wanted *wanted)
{
	return wanted->count;
}

struct wanted_biflow *wanted_at(struct wanted *wanted, size_t index)
{
	return &wanted->biflows[index];
}

/* ---- batches ---- */

static const struct held *find_held(const struct wanted *wanted, const char *name)
{
	for (size_t i = 0; i < wanted->held_count; i++)
		if (wanted->held[i].name && !strcmp(wanted->held[i].name, name))
			return &wanted->held[i];
	return NULL;
}

bool wanted_has(const struct wanted *wanted, const char *name)
{
	return find_held(wanted, name) != NULL;
}

uint64_t wanted_window(const struct wanted *wanted, const char *name)
{
	return find_held(wanted, name)->window_ms;
}

size_t wanted_held(const struct wanted *wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < wanted->held_count; i++)
		count += wanted->held[i].name != NULL;
	return count;
}

static const char *label(struct wanted *wanted, uint32_t id)
{
	const char *text = intern_text(id);

	for (size_t i = 0; i < wanted->label_count; i++)
		if (!strcmp(wanted->labels[i], text))
			return wanted->labels[i];
	wanted->labels =
		x_realloc(wanted->labels, (wanted->label_count + 1) * sizeof(*wanted->labels));
	return wanted->labels[wanted->label_count++] = x_strdup(text);
}

static void add(struct wanted *wanted, const struct biflow *biflow, size_t batch)
{
	struct wanted_biflow *added;

	if (!has_word(wanted->words, intern_text(biflow->class)) &&
		!has_word(wanted->words, intern_text(biflow->verdict)) &&
		!has_word(wanted->words, intern_text(biflow->rule)))
		return;
	if (wanted->count == wanted->room) {
		wanted->room = wanted->room ? 2 * wanted->room : SLOTS_MIN;
		wanted->biflows =
			x_realloc(wanted->biflows, wanted->room * sizeof(*wanted->biflows));
	}
	added = &wanted->biflows[wanted->count++];
	*added = (struct wanted_biflow){.key = biflow->key,
		.window_ms = biflow->window_ms,
		.class = label(wanted, biflow->class),
		.verdict = label(wanted, biflow->verdict),
		.rule = label(wanted, biflow->rule),
		.batch = batch};
	flowkey_canonical(&biflow->key, &added->canonical);
}

static int read_file(struct wanted *wanted, const char *folder, const struct segment *segment,
	size_t batch, char *why)
{
	struct record_reader *reader = record_open_segment(folder, segment);
	union record record;
	int got, error;

	if (!reader)
		return -1;
	while ((got = record_next(reader, &record)) > 0) {
		if (got != RECORD_BIFLOW)
			continue;
		add(wanted, &record.biflow, batch);
		if (record.biflow.window_ms > wanted->held[batch].window_ms)
			wanted->held[batch].window_ms = record.biflow.window_ms;
	}
	if (got == -2)
		snprintf(why, 256, "%s", record_why());
	error = errno;
	record_close(reader);
	errno = error;
	return got;
}

static size_t hold(struct wanted *wanted, const char *name)
{
	size_t batch = 0;

	while (batch < wanted->held_count && wanted->held[batch].name)
		batch++;
	if (batch == wanted->held_count)
		wanted->held =
			x_realloc(wanted->held, ++wanted->held_count * sizeof(*wanted->held));
	wanted->held[batch] = (struct held){.name = x_strdup(name)};
	return batch;
}

int wanted_load(struct wanted *wanted, const char *folder, const char *name, char *why)
{
	struct manifest manifest;
	uint32_t texts = intern_count();
	int result = manifest_read(&manifest, folder, why), error;
	size_t batch;

	if (result < 0)
		return result;
	batch = hold(wanted, name);
	for (size_t i = 0; i < manifest.segment_count && result == 0; i++)
		result = read_file(wanted, folder, &manifest.segments[i], batch, why);
	error = errno;
	manifest_free(&manifest);
	intern_forget(texts);
	if (result < 0)
		wanted_drop(wanted, name);
	else
		place_all(wanted);
	errno = error;
	return result;
}

void wanted_drop(struct wanted *wanted, const char *name)
{
	size_t batch = (size_t)(find_held(wanted, name) - wanted->held), kept = 0;

	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->biflows[i].batch != batch)
			wanted->biflows[kept++] = wanted->biflows[i];
	wanted->count = kept;
	free(wanted->held[batch].name);
	wanted->held[batch].name = NULL;
	place_all(wanted);
}
