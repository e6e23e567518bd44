/*
 * store_symptoms.c: from the list of a record to what a row of biflow says of it, and to what is summed up.
 */
#include "postproc/store/store_symptoms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"

static int by_name(const void *left, const void *right)
{
	const struct store_symptom *a = left, *b = right;

	return strcmp(intern_text(a->name), intern_text(b->name));
}

/* A name that a list holds twice is summed. */
static size_t unite(struct store_symptom *list, size_t count)
{
	size_t used = 0;

	qsort(list, count, sizeof(*list), by_name);
	for (size_t i = 1; i < count; i++) {
		if (list[i].name != list[used].name) {
			list[++used] = list[i];
			continue;
		}
		list[used].packets += list[i].packets;
		list[used].carried += list[i].carried;
	}
	return used + 1;
}

size_t store_symptoms(const struct biflow *biflow, const struct store_symptom **list)
{
	static struct store_symptom *kept;
	static size_t room;
	size_t count = biflow->symptom_count;

	if (count > room) {
		room = count * 2;
		kept = x_realloc(kept, room * sizeof(*kept));
	}
	for (size_t i = 0; i < count; i++) {
		const struct symptom_count *seen = &biflow->symptoms[i];

		kept[i] = (struct store_symptom){seen->name, seen->packets + seen->reverse_packets,
			seen->carried_packets};
	}
	*list = kept;
	return count > 1 ? unite(kept, count) : count;
}

/* A text that grows; kept from call to call. */
struct json {
	char *text;
	size_t used, room;
};

static void append(struct json *json, const char *bytes, size_t size)
{
	if (json->used + size + 1 > json->room) {
		json->room = (json->used + size + 1) * 2;
		json->text = x_realloc(json->text, json->room);
	}
	memcpy(json->text + json->used, bytes, size);
	json->used += size;
	json->text[json->used] = '\0';
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Names are [a-z][a-z0-9_]*; a file may say otherwise, and the view must stay JSON. */
static void append_name(struct json *json, const char *name)
{
	char code[8];

	append(json, "\"", 1);
	while (*name) {
		size_t plain = 0;

		while (is_plain((unsigned char)name[plain]))
			plain++;
		append(json, name, plain);
		name += plain;
		if (*name)
			append(json, code,
				(size_t)snprintf(code, sizeof(code), "\\u%04x",
					(unsigned char)*name++));
	}
	append(json, "\":", 2);
}

static void append_number(struct json *json, uint64_t value)
{
	char digits[24];
	char *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	append(json, at, (size_t)(digits + sizeof(digits) - at));
}

static void append_count(struct json *json, uint32_t name, uint64_t packets)
{
	if (!packets)
		return;
	append(json, json->used ? "," : "{", 1);
	append_name(json, intern_text(name));
	append_number(json, packets);
}

static const char *end(struct json *json)
{
	if (!json->used)
		return "";
	append(json, "}", 1);
	return json->text;
}

const char *store_symptoms_seen(const struct store_symptom *list, size_t count)
{
	static struct json json;

	json.used = 0;
	for (size_t i = 0; i < count; i++)
		append_count(&json, list[i].name, list[i].packets);
	return end(&json);
}

const char *store_symptoms_carried(const struct store_symptom *list, size_t count)
{
	static struct json json;

	json.used = 0;
	for (size_t i = 0; i < count; i++)
		append_count(&json, list[i].name, list[i].carried);
	return end(&json);
}
