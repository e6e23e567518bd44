/*
 * fields.h: a structure as a JSON object and back, by a table of its fields; for the small files
 *that stages agree on (manifest.json, spool.json, state/capture).
 *
 *	static const struct field fields[] = {
 *		FIELD(struct manifest, seq, FIELD_U64), … {0}
 *	};
 *	json_t *object = json_object();
 *	fields_put(object, fields, &manifest);
 *	if (!fields_get(object, fields, &manifest, why)) …
 *
 * Every field of a table is required when reading; keys that no table names are ignored, so that a
 *later minor version may add some. Texts that do not fit, numbers that are negative or too large
 *are refused: WHY (FIELD_WHY bytes) then says which.
 */
#ifndef SPOOL_FIELDS_H
#define SPOOL_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define FIELD_WHY 256

enum field_type {
	FIELD_END,
	FIELD_TEXT, /* char array */
	FIELD_U64,
	FIELD_U32,
	FIELD_BOOL,
	FIELD_REAL,   /* double */
	FIELD_COUNTS, /* struct counts */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
};

#define FIELD(structure, member, type)                                                             \
	{                                                                                          \
#member, type, offsetof(structure, member), sizeof(((structure *)0)->member)       \
	}

/* fields_put(): adds the fields to OBJECT. */
void fields_put(json_t *object, const struct field *fields, const void *structure);
bool fields_get(const json_t *object, const struct field *fields, void *structure, char *why);

/* json_text(): TEXT as a JSON string; bytes that are not UTF-8 (names of files) become '?'. */
json_t *json_text(const char *text);

/* json_write_file(): OBJECT (which it releases) to PATH by nfs_write_file(), indented. */
int json_write_file(json_t *object, const char *path);
/* json_read_file(): an object. NULL with errno; EBADMSG: not one, WHY says where. */
json_t *json_read_file(const char *path, char *why);

#endif
