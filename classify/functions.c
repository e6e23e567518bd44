/*
 * functions.c: net(), total() and majority() for the conditions of a policy.
 */
#include "classify/functions.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/config.h"
#include "spool/log.h"

/* An address in the shape of struct prefix, all bits. */
static bool address_of(const struct row *row, const char *text, struct prefix *address)
{
	const struct biflow *biflow = row->biflow;
	const uint8_t *own = NULL;

	/* The texts a row gives out are static: the same pointer is the same address. */
	if (biflow && text == row->src)
		own = biflow->key.src;
	else if (biflow && text == row->dst)
		own = biflow->key.dst;
	if (own) {
		address->version = biflow->key.version;
		memcpy(address->address, own, sizeof(address->address));
		return true;
	}
	address->version = inet_pton(AF_INET, text, address->address) == 1 ? 4 : 6;
	return address->version == 4 || inet_pton(AF_INET6, text, address->address) == 1;
}

static bool in_prefix(const struct prefix *address, const struct prefix *prefix)
{
	size_t whole = prefix->bits / 8;
	unsigned rest = prefix->bits % 8;

	if (address->version != prefix->version ||
		memcmp(address->address, prefix->address, whole) != 0)
		return false;
	return !rest || (address->address[whole] ^ prefix->address[whole]) >> (8 - rest) == 0;
}

/* Does an address of TEXT lie in PREFIX? It may have several: tunnel_endpoint. */
static bool any_in_prefix(const struct row *row, const char *text, const struct prefix *prefix)
{
	struct prefix address = {0};
	char one[TEXT_ADDRESS];

	if (address_of(row, text, &address))
		return in_prefix(&address, prefix);
	while (*text) {
		size_t size = strcspn(text, "-+,");

		snprintf(one, sizeof(one), "%.*s", (int)size, text);
		if (address_of(row, one, &address) && in_prefix(&address, prefix))
			return true;
		text += size + (text[size] != '\0');
	}
	return false;
}

/* Parsed once for a statement when the text is a constant, as it nearly always is. */
static const struct prefix *prefix_of(sqlite3_context *out, sqlite3_value *value,
	struct prefix *here)
{
	const struct prefix *kept = sqlite3_get_auxdata(out, 1);
	const char *text;
	struct prefix *copy;

	if (kept)
		return kept;
	text = (const char *)sqlite3_value_text(value);
	if (!text || !prefix_parse(text, here))
		return NULL;
	copy = x_calloc(1, sizeof(*copy));
	*copy = *here;
	sqlite3_set_auxdata(out, 1, copy, free);
	return here;
}

static void net(sqlite3_context *out, int argc, sqlite3_value **argv)
{
	struct prefix here = {0};
	const struct prefix *prefix = prefix_of(out, argv[1], &here);
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	char why[160];

	if (!prefix) {
		sqlite3_snprintf(sizeof(why), why,
			"net(): '%.40s' is no prefix (as 10.0.0.0/8 or 2001:db8::/32, host bits 0)",
			sqlite3_value_text(argv[1]));
		sqlite3_result_error(out, why, -1);
		return;
	}
	if (!text)
		return;
	sqlite3_result_int(out, any_in_prefix(sqlite3_user_data(out), text, prefix));
}

static sqlite3_int64 sum(int argc, sqlite3_value **argv)
{
	sqlite3_int64 total = 0;

	/* Wraps rather than being undefined: packet counts never come near, constants might. */
	for (int i = 0; i < argc; i++)
		total = (sqlite3_int64)((sqlite3_uint64)total +
					(sqlite3_uint64)sqlite3_value_int64(argv[i]));
	return total;
}

/* In a trial NULL means unknown, and so is what comes of it. */
static bool is_unknown(sqlite3_context *out, int argc, sqlite3_value **argv)
{
	const struct row *row = sqlite3_user_data(out);

	for (int i = 0; row->unknown && i < argc; i++)
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			return true;
	return false;
}

static void total(sqlite3_context *out, int argc, sqlite3_value **argv)
{
	if (!is_unknown(out, argc, argv))
		sqlite3_result_int64(out, sum(argc, argv));
}

static void majority(sqlite3_context *out, int argc, sqlite3_value **argv)
{
	if (argc < 2)
		sqlite3_result_error(out,
			"majority() compares its first argument with others: name at least two",
			-1);
	else if (!is_unknown(out, argc, argv))
		sqlite3_result_int(out, sqlite3_value_int64(argv[0]) > sum(argc - 1, argv + 1));
}

int functions_register(sqlite3 *db, struct row *row)
{
	static const struct {
		const char *name;
		int arguments;
		void (*function)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{"net", 2, net},
		{"total", -1, total},
		{"total", 1, total}, /* hides the built-in aggregate of this name */
		{"majority", -1, majority},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && code == SQLITE_OK; i++)
		code = sqlite3_create_function(db, functions[i].name, functions[i].arguments,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC, row, functions[i].function, NULL, NULL);
	return code;
}
