/*
 * ja4.c: fingerprints a ClientHello. Called by host.c for those that are complete, when a symptom
 * asks for it.
 */
#include "preprocess/ja4.h"

#include <ctype.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "preprocess/cursor.h"

#define VALUES 512 /* of one list; the rest does not count */

enum { SERVER_NAME = 0, SIGNATURE_ALGORITHMS = 13, ALPN = 16, SUPPORTED_VERSIONS = 43 };

struct list {
	uint16_t values[VALUES];
	unsigned count;
};

struct fields {
	struct list ciphers, extensions, algorithms;
	uint16_t version;
	char alpn[3];
	bool named;
};

/* is_grease(): RFC 8701: 0x0a0a, 0x1a1a, … 0xfafa. */
static bool is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void add(struct list *list, uint16_t value)
{
	if (!is_grease(value) && list->count < VALUES)
		list->values[list->count++] = value;
}

static void add_all(struct list *list, struct cursor cursor)
{
	const uint8_t *value;

	while ((value = cursor_take(&cursor, 2)))
		add(list, get16(value));
}

/* field(): what follows a length of WIDTH bytes. */
static bool field(struct cursor *cursor, size_t width, struct cursor *content)
{
	const uint8_t *length = cursor_take(cursor, width);
	size_t size = !length ? 0 : width == 1 ? length[0] : get16(length);

	*content = *cursor;
	if (!length || !cursor_take(cursor, size))
		return false;
	content->end = cursor->at;
	return true;
}

/* The first protocol's first and last byte; as hexadecimal digits when one of them is no letter
 * and no digit. */
static void read_alpn(struct cursor body, char out[3])
{
	static const char hex[] = "0123456789abcdef";
	struct cursor list, protocol;
	uint8_t first, last;

	if (!field(&body, 2, &list) || !field(&list, 1, &protocol) || !cursor_left(&protocol))
		return;
	first = protocol.at[0];
	last = protocol.end[-1];
	if (first < 0x80 && last < 0x80 && isalnum(first) && isalnum(last)) {
		out[0] = (char)first;
		out[1] = (char)last;
	} else {
		out[0] = hex[first >> 4];
		out[1] = hex[last & 15];
	}
}

/* The highest one decides, whatever legacy_version says (RFC 8446, 4.2.1). */
static void read_versions(struct cursor body, uint16_t *version)
{
	struct cursor list;
	const uint8_t *value;
	uint16_t highest = 0;

	if (!field(&body, 1, &list))
		return;
	while ((value = cursor_take(&list, 2)))
		if (!is_grease(get16(value)) && get16(value) > highest)
			highest = get16(value);
	if (highest)
		*version = highest;
}

static void read_extension(struct fields *fields, uint16_t type, struct cursor body)
{
	struct cursor list;

	fields->named |= type == SERVER_NAME;
	if (type == ALPN)
		read_alpn(body, fields->alpn);
	else if (type == SUPPORTED_VERSIONS)
		read_versions(body, &fields->version);
	else if (type == SIGNATURE_ALGORITHMS && field(&body, 2, &list))
		add_all(&fields->algorithms, list);
	add(&fields->extensions, type);
}

/* RFC 8446, 4.1.2; a ClientHello of TLS 1.0 may end before the extensions. */
static bool read_hello(struct fields *fields, struct cursor cursor)
{
	struct cursor skipped, ciphers, all, body;
	const uint8_t *head = cursor_take(&cursor, 2 + 32);

	if (!head || !field(&cursor, 1, &skipped) || !field(&cursor, 2, &ciphers) ||
		!field(&cursor, 1, &skipped))
		return false;
	fields->version = get16(head);
	add_all(&fields->ciphers, ciphers);
	if (!cursor_left(&cursor))
		return true;
	if (!field(&cursor, 2, &all))
		return false;
	while ((head = cursor_take(&all, 2))) {
		if (!field(&all, 2, &body))
			return false;
		read_extension(fields, get16(head), body);
	}
	return true;
}

static const char *version_text(uint16_t version)
{
	static const struct {
		uint16_t version;
		const char *text;
	} known[] = {{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
		{0x0002, "s2"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].version == version)
			return known[i].text;
	return "00";
}

static int by_value(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void sort(struct list *list)
{
	qsort(list->values, list->count, sizeof(*list->values), by_value);
}

static void hash_list(struct sha256_ctx *hash, const struct list *list, const char *before)
{
	char text[8];

	for (unsigned i = 0; i < list->count; i++) {
		int size =
			snprintf(text, sizeof(text), "%s%04x", i ? "," : before, list->values[i]);
		sha256_update(hash, (size_t)size, (const uint8_t *)text);
	}
}

/* digits(): SORTED, and behind it ALGORITHMS, if there are any; zeros when SORTED is empty. */
static void digits(const struct list *sorted, const struct list *algorithms, char out[13])
{
	uint8_t digest[6] = {0};
	struct sha256_ctx hash;

	if (sorted->count) {
		sha256_init(&hash);
		hash_list(&hash, sorted, "");
		hash_list(&hash, algorithms, "_");
		sha256_digest(&hash, sizeof(digest), digest);
	}
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* without(): LIST less the two extensions that change with the server asked. */
static void without(const struct list *list, struct list *out)
{
	out->count = 0;
	for (unsigned i = 0; i < list->count; i++)
		if (list->values[i] != SERVER_NAME && list->values[i] != ALPN)
			out->values[out->count++] = list->values[i];
}

static unsigned capped(const struct list *list)
{
	return list->count < 99 ? list->count : 99;
}

void ja4_of(const uint8_t *body, size_t size, char transport, char out[JA4_SIZE])
{
	static const struct list none = {.count = 0};
	struct fields fields = {.alpn = "00"};
	struct list extensions;
	char ciphers[13], rest[13];

	out[0] = 0;
	if (!read_hello(&fields, (struct cursor){.at = body, .end = body + size}))
		return;
	without(&fields.extensions, &extensions);
	sort(&extensions);
	sort(&fields.ciphers);
	digits(&fields.ciphers, &none, ciphers);
	digits(&extensions, &fields.algorithms, rest);
	snprintf(out, JA4_SIZE, "%c%s%c%02u%02u%s_%s_%s", transport, version_text(fields.version),
		fields.named ? 'd' : 'i', capped(&fields.ciphers), capped(&fields.extensions),
		fields.alpn, ciphers, rest);
}
