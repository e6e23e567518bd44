/*
 * carry-file.c: carry.bin, as carry.h draws it. Read through a cursor that checks every length.
 */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consolidate/carry-table.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"

#define MAGIC	"MIRACARY"
#define VERSION 1

/* Which texts the file needs, and under which number. */
struct names {
	uint32_t *number; /* by intern id; 0: not used */
	uint32_t *ids;	  /* by number - 1 */
	uint32_t count;
};

static void use(struct names *names, uint32_t id)
{
	if (!id || names->number[id])
		return;
	names->ids[names->count++] = id;
	names->number[id] = names->count;
}

static void names_collect(struct names *names, const struct carry *carry)
{
	names->number = x_calloc(intern_count() + 1, sizeof(*names->number));
	names->ids = x_calloc(intern_count() + 1, sizeof(*names->ids));
	names->count = 0;
	for (size_t i = 0; i < carry->count; i++) {
		use(names, carry->entries[i].host_name);
		for (uint32_t at = carry->entries[i].symptoms; at; at = carry->nodes[at].next)
			use(names, carry->nodes[at].name);
	}
}

/* What is put is written when so much is together: a call of fwrite() for each number took longer than all the rest. */
struct out {
	FILE *file;
	size_t used;
	uint8_t bytes[1 << 16];
};

static void flush(struct out *out)
{
	fwrite(out->bytes, 1, out->used, out->file);
	out->used = 0;
}

/* At most 64 KiB. */
static inline void put_bytes(struct out *out, const void *bytes, size_t size)
{
	if (size > sizeof(out->bytes) - out->used)
		flush(out);
	memcpy(out->bytes + out->used, bytes, size);
	out->used += size;
}

static inline void put(struct out *out, uint64_t value, unsigned size)
{
	value = htole64(value);
	put_bytes(out, &value, size);
}

static void put_names(struct out *out, const struct names *names)
{
	for (uint32_t i = 0; i < names->count; i++) {
		const char *text = intern_text(names->ids[i]);
		size_t length = strlen(text) < UINT16_MAX ? strlen(text) : UINT16_MAX;

		put(out, length, 2);
		put_bytes(out, text, length);
	}
}

static void put_entry(struct out *out, const struct carry *carry, const struct carried *carried,
	const struct names *names)
{
	size_t address = carried->key.version == 4 ? 4 : 16;
	uint32_t count = 0;

	for (uint32_t at = carried->symptoms; at; at = carry->nodes[at].next)
		count++;
	put(out, carried->key.version, 1);
	put(out, carried->key.proto, 1);
	put(out, carried->turned, 2);
	put(out, carried->key.sport, 2);
	put(out, carried->key.dport, 2);
	put(out, carried->last_ms, 8);
	put(out, names->number[carried->host_name], 4);
	put(out, count, 4);
	put_bytes(out, carried->key.src, address);
	put_bytes(out, carried->key.dst, address);
	for (uint32_t at = carried->symptoms; at; at = carry->nodes[at].next) {
		put(out, names->number[carry->nodes[at].name], 4);
		put(out, carry->nodes[at].packets, 8);
	}
}

static void put_all(FILE *file, const struct carry *carry)
{
	struct out out = {.file = file};
	struct names names;

	names_collect(&names, carry);
	put_bytes(&out, MAGIC, 8);
	put(&out, VERSION, 4);
	put(&out, names.count, 4);
	put(&out, carry->count, 8);
	put_names(&out, &names);
	for (size_t i = 0; i < carry->count; i++)
		put_entry(&out, carry, &carry->entries[i], &names);
	flush(&out);
	free(names.number);
	free(names.ids);
}

int carry_write(struct carry *carry, const char *folder, uint64_t below_ms)
{
	char path[PATH_MAX];
	FILE *file;
	int result;

	carry_purge(carry, below_ms);
	if (snprintf(path, sizeof(path), "%s/carry.bin", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	file = fopen(path, "wx");
	if (!file)
		return -1;
	put_all(file, carry);
	result = fflush(file) || ferror(file) || nfs_sync_file(fileno(file)) ? -1 : 0;
	return fclose(file) ? -1 : result;
}

struct cursor {
	const uint8_t *at;
	size_t left;
	bool short_of; /* more was asked for than there is */
};

static const uint8_t *take(struct cursor *cursor, size_t size)
{
	const uint8_t *at = cursor->at;

	if (cursor->short_of || size > cursor->left) {
		cursor->short_of = true;
		return NULL;
	}
	cursor->at += size;
	cursor->left -= size;
	return at;
}

static uint64_t get(struct cursor *cursor, unsigned size)
{
	const uint8_t *at = take(cursor, size);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, size);
	return le64toh(value);
}

static uint32_t *get_names(struct cursor *cursor, uint32_t count)
{
	uint32_t *ids;

	if (count > cursor->left / 2) {
		cursor->short_of = true;
		return NULL;
	}
	ids = x_calloc(count + 1, sizeof(*ids));
	for (uint32_t i = 1; i <= count; i++) {
		size_t length = get(cursor, 2);
		const uint8_t *text = take(cursor, length);

		if (text)
			ids[i] = intern_bytes((const char *)text, length);
	}
	return ids;
}

static uint32_t get_name(struct cursor *cursor, const uint32_t *ids, uint32_t count)
{
	uint32_t number = get(cursor, 4);

	if (number > count) {
		cursor->short_of = true;
		return 0;
	}
	return ids[number];
}

static void get_key(struct cursor *cursor, struct flowkey *key, bool *turned)
{
	memset(key, 0, sizeof(*key));
	key->version = get(cursor, 1);
	key->proto = get(cursor, 1);
	*turned = get(cursor, 2);
	key->sport = get(cursor, 2);
	key->dport = get(cursor, 2);
	if (key->version != 4 && key->version != 6)
		cursor->short_of = true;
}

static void get_addresses(struct cursor *cursor, struct flowkey *key)
{
	size_t address = key->version == 4 ? 4 : 16;
	const uint8_t *src = take(cursor, address), *dst = take(cursor, address);

	if (!src || !dst)
		return;
	memcpy(key->src, src, address);
	memcpy(key->dst, dst, address);
}

static void get_entry(struct carry *carry, struct cursor *cursor, const uint32_t *ids,
	uint32_t id_count)
{
	struct flowkey key;
	struct carried *carried;
	uint64_t last_ms, count;
	uint32_t host_name;
	bool turned;

	get_key(cursor, &key, &turned);
	last_ms = get(cursor, 8);
	host_name = get_name(cursor, ids, id_count);
	count = get(cursor, 4);
	get_addresses(cursor, &key);
	if (cursor->short_of)
		return;
	carried = carry_put(carry, carry_slot(carry, &key), &key, last_ms);
	carried->host_name = host_name;
	carried->turned = turned;
	for (; count && !cursor->short_of; count--) {
		uint32_t name = get_name(cursor, ids, id_count);

		carry_add_symptom(carry, carried, name, get(cursor, 8));
	}
}

static bool get_all(struct carry *carry, struct cursor *cursor)
{
	const uint8_t *magic = take(cursor, 8);
	uint32_t version = get(cursor, 4), name_count = get(cursor, 4), *ids;
	uint64_t count = get(cursor, 8);

	if (!magic || memcmp(magic, MAGIC, 8) || version != VERSION)
		return false;
	ids = get_names(cursor, name_count);
	for (; count && !cursor->short_of; count--)
		get_entry(carry, cursor, ids, name_count);
	free(ids);
	return !cursor->short_of && !cursor->left;
}

int carry_read(struct carry *carry, const char *folder, char *why)
{
	char path[PATH_MAX];
	struct cursor cursor = {0};
	char *data;
	bool good;

	if (snprintf(path, sizeof(path), "%s/carry.bin", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	data = nfs_read_file(path, &cursor.left);
	if (!data)
		return -1;
	cursor.at = (const uint8_t *)data;
	good = get_all(carry, &cursor);
	free(data);
	if (good)
		return 0;
	snprintf(why, 256, "carry.bin is no carry file of version %d, or is cut short", VERSION);
	return -2;
}
