/*
 * fields.c: structures as JSON objects. The files it reads were written by another stage, maybe on
 * another host and of another version, so nothing in them is believed before its type and size were
 * checked.
 */
#include "spool/fields.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/manifest.h"
#include "spool/nfs.h"

static const struct field counts_fields[] = {
	FIELD(struct counts, seen, FIELD_U64),
	FIELD(struct counts, captured, FIELD_U64),
	FIELD(struct counts, filtered, FIELD_U64),
	FIELD(struct counts, dropped, FIELD_U64),
	FIELD(struct counts, shed, FIELD_U64),
	{0},
};

static json_t *from_counts(const void *counts)
{
	json_t *object = json_object();

	fields_put(object, counts_fields, counts);
	return object;
}

/* JSON is UTF-8; a text that is not (a file name) still has to say something. */
json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *ascii;

	if (value)
		return value;
	ascii = x_strdup(text);
	for (char *at = ascii; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	value = json_string(ascii);
	free(ascii);
	return value;
}

static json_t *from_field(enum field_type type, const void *value)
{
	switch (type) {
	case FIELD_TEXT: return json_text(value);
	case FIELD_U64: return json_integer((json_int_t)(*(const uint64_t *)value));
	case FIELD_U32: return json_integer(*(const uint32_t *)value);
	case FIELD_BOOL: return json_boolean(*(const bool *)value);
	case FIELD_REAL: return json_real(*(const double *)value);
	case FIELD_COUNTS: return from_counts(value);
	case FIELD_END: break;
	}
	return json_null();
}

void fields_put(json_t *object, const struct field *fields, const void *structure)
{
	for (const struct field *field = fields; field->name; field++)
		if (json_object_set_new(object, field->name,
			    from_field(field->type, (const char *)structure + field->offset)) < 0)
			die(MIRA_AGAIN, "out of memory for \"%s\"", field->name);
}

static bool to_text(const json_t *value, char *text, size_t size)
{
	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	memset(text, 0, size);
	memcpy(text, json_string_value(value), json_string_length(value));
	return strlen(text) == json_string_length(value);
}

static bool to_number(const json_t *value, uint64_t *number, uint64_t limit)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*number = (uint64_t)json_integer_value(value);
	return *number <= limit;
}

static bool to_u32(const json_t *value, uint32_t *number)
{
	uint64_t wide;

	if (!to_number(value, &wide, UINT32_MAX))
		return false;
	*number = (uint32_t)wide;
	return true;
}

static bool to_real(const json_t *value, double *number)
{
	*number = json_number_value(value);
	return json_is_number(value);
}

static bool to_bool(const json_t *value, bool *truth)
{
	*truth = json_is_true(value);
	return json_is_boolean(value);
}

static bool to_counts(const json_t *value, void *counts)
{
	char why[FIELD_WHY];

	return json_is_object(value) && fields_get(value, counts_fields, counts, why);
}

static bool to_field(const json_t *value, const struct field *field, void *out)
{
	switch (field->type) {
	case FIELD_TEXT: return to_text(value, out, field->size);
	case FIELD_U64: return to_number(value, out, INT64_MAX);
	case FIELD_U32: return to_u32(value, out);
	case FIELD_BOOL: return to_bool(value, out);
	case FIELD_REAL: return to_real(value, out);
	case FIELD_COUNTS: return to_counts(value, out);
	case FIELD_END: break;
	}
	return false;
}

bool fields_get(const json_t *object, const struct field *fields, void *structure, char *why)
{
	for (const struct field *field = fields; field->name; field++) {
		const json_t *value = json_object_get(object, field->name);

		if (to_field(value, field, (char *)structure + field->offset))
			continue;
		snprintf(why, FIELD_WHY, "\"%s\" is %s", field->name,
			value ? "not legal" : "missing");
		return false;
	}
	return true;
}

int json_write_file(json_t *object, const char *path)
{
	char *text = json_dumps(object, JSON_INDENT(2));
	int result, error;

	if (!text)
		die(MIRA_AGAIN, "out of memory for %s", path);
	result = nfs_write_file(path, text, strlen(text));
	error = errno;
	free(text);
	json_decref(object);
	errno = error;
	return result;
}

json_t *json_read_file(const char *path, char *why)
{
	json_error_t error;
	size_t size;
	char *text = nfs_read_file(path, &size);
	json_t *object;

	if (!text && nfs_no_file(errno)) {
		snprintf(why, FIELD_WHY, "it is no regular file");
		errno = EBADMSG;
	}
	if (!text)
		return NULL;
	object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (object && json_is_object(object))
		return object;
	snprintf(why, FIELD_WHY, "not a JSON object (line %d: %.160s)", object ? 1 : error.line,
		object ? "another type" : error.text);
	json_decref(object);
	errno = EBADMSG;
	return NULL;
}
