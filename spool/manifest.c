/*
 * manifest.c: manifest.json, the last file written into a batch and the first one read from it.
 * What it lists is what the batch holds; a folder without one, or with another content than it
 * says, is rejected by whoever claims it.
 */
#include "spool/manifest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/fields.h"
#include "spool/hash.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/spool.h"

static const struct field all_fields[] = {
	FIELD(struct manifest, kind, FIELD_TEXT),
	FIELD(struct manifest, name, FIELD_TEXT),
	{0},
};

static const struct field packets_fields[] = {
	FIELD(struct manifest, probe, FIELD_TEXT),
	FIELD(struct manifest, stream, FIELD_TEXT),
	FIELD(struct manifest, run, FIELD_TEXT),
	FIELD(struct manifest, seq, FIELD_U64),
	FIELD(struct manifest, end, FIELD_BOOL),
	FIELD(struct manifest, live, FIELD_BOOL),
	FIELD(struct manifest, rules, FIELD_TEXT),
	FIELD(struct manifest, first_ms, FIELD_U64),
	FIELD(struct manifest, last_ms, FIELD_U64),
	FIELD(struct manifest, packet_index, FIELD_U64),
	FIELD(struct manifest, sampling, FIELD_REAL),
	FIELD(struct manifest, counts, FIELD_COUNTS),
	FIELD(struct manifest, cumulative, FIELD_COUNTS),
	{0},
};

static const struct field number_fields[] = {
	FIELD(struct manifest, number, FIELD_U64),
	{0},
};

static const struct field segment_fields[] = {
	FIELD(struct segment, name, FIELD_TEXT),
	FIELD(struct segment, bytes, FIELD_U64),
	FIELD(struct segment, xxh128, FIELD_TEXT),
	{0},
};

static const struct field no_fields[] = {{0}};

/* What a manifest of a kind carries beside kind, name and files. */
static const struct kind {
	const char *name;
	const struct field *fields;
} kinds[] = {
	{"packets", packets_fields},
	{"flows", no_fields},
	{"biflows", number_fields},
	{"verdicts", number_fields},
	{"state", number_fields},
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

void manifest_init(struct manifest *manifest, const char *kind, const char *name)
{
	memset(manifest, 0, sizeof(*manifest));
	snprintf(manifest->kind, sizeof(manifest->kind), "%s", kind);
	snprintf(manifest->name, sizeof(manifest->name), "%s", name);
	manifest->sampling = 1.0;
}

void manifest_free(struct manifest *manifest)
{
	free(manifest->damaged);
	free(manifest->segments);
	manifest->damaged = NULL;
	manifest->segments = NULL;
	manifest->segment_count = 0;
}

static void add_segment(struct manifest *manifest, const struct segment *segment)
{
	size_t size = (manifest->segment_count + 1) * sizeof(*segment);

	manifest->segments = x_realloc(manifest->segments, size);
	manifest->segments[manifest->segment_count++] = *segment;
}

int manifest_add_file(struct manifest *manifest, const char *folder, const char *name)
{
	char path[PATH_MAX], hex[HASH_HEX + 1];
	uint64_t bytes;

	if (nfs_join(path, folder, name) < 0 || hash_file(path, UINT64_MAX, &bytes, hex) < 0)
		return -1;
	manifest_add_segment(manifest, name, bytes, hex);
	return 0;
}

void manifest_add_segment(struct manifest *manifest, const char *name, uint64_t bytes,
	const char *xxh128)
{
	struct segment segment = {.bytes = bytes};

	snprintf(segment.name, sizeof(segment.name), "%s", name);
	snprintf(segment.xxh128, sizeof(segment.xxh128), "%s", xxh128);
	add_segment(manifest, &segment);
}

static json_t *files_json(const struct manifest *manifest)
{
	json_t *files = json_array();

	for (size_t i = 0; i < manifest->segment_count; i++) {
		json_t *file = json_object();

		fields_put(file, segment_fields, &manifest->segments[i]);
		json_array_append_new(files, file);
	}
	return files;
}

int manifest_write(const struct manifest *manifest, const char *folder)
{
	const struct kind *kind = kind_of(manifest->kind);
	char path[PATH_MAX];
	json_t *object;

	if (!kind) {
		errno = EINVAL;
		return -1;
	}
	if (nfs_join(path, folder, "manifest.json") < 0)
		return -1;
	object = json_object();
	json_object_set_new(object, "format", json_integer(SPOOL_FORMAT));
	fields_put(object, all_fields, manifest);
	fields_put(object, kind->fields, manifest);
	json_object_set_new(object, "files", files_json(manifest));
	if (kind->fields == number_fields && manifest->rules[0])
		json_object_set_new(object, "rules", json_string(manifest->rules));
	if (manifest->damaged)
		json_object_set_new(object, "damaged", json_text(manifest->damaged));
	return json_write_file(object, path);
}

/* A name from a file becomes part of a path: it must not lead out of the folder. */
static bool is_entry(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') &&
	       strcmp(name, "manifest.json") != 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct segment *)a)->name, ((const struct segment *)b)->name);
}

/* A file listed twice would be counted twice. */
static bool names_differ(const struct manifest *manifest, char *why)
{
	size_t count = manifest->segment_count, i;
	struct segment *sorted;

	if (count < 2)
		return true;
	sorted = x_calloc(count, sizeof(*sorted));
	memcpy(sorted, manifest->segments, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (i = 1; i < count && strcmp(sorted[i - 1].name, sorted[i].name) != 0; i++)
		;
	if (i < count)
		snprintf(why, FIELD_WHY, "file %s is listed twice", sorted[i].name);
	free(sorted);
	return i == count;
}

static bool get_files(const json_t *files, struct manifest *manifest, char *why)
{
	const json_t *file;
	size_t i;

	if (!json_is_array(files)) {
		snprintf(why, FIELD_WHY, "\"files\" is no list");
		return false;
	}
	json_array_foreach(files, i, file) {
		struct segment segment;

		if (!fields_get(file, segment_fields, &segment, why))
			return false;
		if (!is_entry(segment.name) || !hash_is_hex(segment.xxh128)) {
			snprintf(why, FIELD_WHY, "file %zu: name or checksum is not legal", i);
			return false;
		}
		add_segment(manifest, &segment);
	}
	return names_differ(manifest, why);
}

/* Every packet that was seen had one of four fates. */
static bool adds_up(const struct counts *counts)
{
	return (unsigned __int128)counts->captured + counts->filtered + counts->dropped +
		       counts->shed ==
	       counts->seen;
}

static bool within(const struct counts *part, const struct counts *all)
{
	return part->seen <= all->seen && part->captured <= all->captured &&
	       part->filtered <= all->filtered && part->dropped <= all->dropped &&
	       part->shed <= all->shed;
}

static bool packets_ok(const struct manifest *manifest, char *why)
{
	const char *wrong = NULL;

	if (!name_part_ok(manifest->probe) || !name_part_ok(manifest->stream))
		wrong = "probe or stream";
	else if (!hash_is_hex(manifest->run))
		wrong = "run";
	else if (manifest->rules[0] && !hash_is_hex(manifest->rules))
		wrong = "rules";
	else if (!(manifest->sampling > 0 && manifest->sampling <= 1))
		wrong = "sampling";
	else if (manifest->first_ms > manifest->last_ms)
		wrong = "first_ms";
	else if (!adds_up(&manifest->counts))
		wrong = "counts";
	else if (!adds_up(&manifest->cumulative) ||
		 !within(&manifest->counts, &manifest->cumulative))
		wrong = "cumulative";
	if (wrong)
		snprintf(why, FIELD_WHY, "\"%s\" is not legal", wrong);
	return !wrong;
}

/* Behind consolidation the rules are those whose policy decides; there may be none. */
static bool get_rules(const json_t *object, struct manifest *manifest, char *why)
{
	const char *rules = json_string_value(json_object_get(object, "rules"));

	if (!rules)
		return true;
	if (!hash_is_hex(rules)) {
		snprintf(why, FIELD_WHY, "\"rules\" is not legal");
		return false;
	}
	memcpy(manifest->rules, rules, sizeof(manifest->rules));
	return true;
}

static bool get_format(const json_t *object, char *why)
{
	json_int_t format = json_integer_value(json_object_get(object, "format"));

	if (format == SPOOL_FORMAT)
		return true;
	snprintf(why, FIELD_WHY, "\"format\" is %lld, this program reads %d", (long long)format,
		SPOOL_FORMAT);
	return false;
}

static bool from_json(const json_t *object, struct manifest *manifest, char *why)
{
	const char *damaged = json_string_value(json_object_get(object, "damaged"));
	const struct kind *kind;

	if (!get_format(object, why) || !fields_get(object, all_fields, manifest, why))
		return false;
	kind = kind_of(manifest->kind);
	if (!kind || !is_entry(manifest->name)) {
		snprintf(why, FIELD_WHY, "\"%s\" is not legal", kind ? "name" : "kind");
		return false;
	}
	if (!fields_get(object, kind->fields, manifest, why) ||
		!get_files(json_object_get(object, "files"), manifest, why))
		return false;
	if (kind->fields == number_fields && !get_rules(object, manifest, why))
		return false;
	manifest->damaged = damaged ? x_strdup(damaged) : NULL;
	return kind->fields != packets_fields || packets_ok(manifest, why);
}

int manifest_read(struct manifest *manifest, const char *folder, char *why)
{
	char path[PATH_MAX], detail[FIELD_WHY];
	json_t *object;
	bool good = false;

	manifest_init(manifest, "", "");
	if (nfs_join(path, folder, "manifest.json") < 0)
		return -1;
	object = json_read_file(path, detail);
	if (!object && errno != EBADMSG)
		return -1;
	if (object)
		good = from_json(object, manifest, detail);
	json_decref(object);
	if (good)
		return 0;
	manifest_free(manifest);
	snprintf(why, FIELD_WHY, "manifest.json: %.230s", detail);
	return -2;
}

static bool same_part(const struct manifest *manifest, const struct batchname *name)
{
	return strcmp(manifest->probe, name->probe) == 0 &&
	       strcmp(manifest->stream, name->stream) == 0 &&
	       strcmp(manifest->run, name->run) == 0 && manifest->seq == name->seq;
}

bool manifest_agrees(const struct manifest *manifest, const char *kind, const char *name, char *why)
{
	size_t length = strcspn(name, "+");
	struct batchname parts;

	if (strcmp(manifest->kind, kind) != 0) {
		snprintf(why, FIELD_WHY, "manifest.json: it is of kind \"%s\", not \"%s\"",
			manifest->kind, kind);
		return false;
	}
	if (strcspn(manifest->name, "+") != length || strncmp(manifest->name, name, length) != 0) {
		snprintf(why, FIELD_WHY, "manifest.json: it is that of another batch, %.150s",
			manifest->name);
		return false;
	}
	if (strcmp(kind, "packets") != 0 ||
		(batchname_parse(name, &parts) && same_part(manifest, &parts)))
		return true;
	snprintf(why, FIELD_WHY,
		"manifest.json: probe, stream, run or seq is not that of its name");
	return false;
}

static int check_segment(const struct segment *segment, const char *folder, char *why)
{
	char path[PATH_MAX], hex[HASH_HEX + 1];
	uint64_t bytes;

	if (nfs_join(path, folder, segment->name) < 0)
		return -1;
	if (hash_file(path, segment->bytes, &bytes, hex) < 0) {
		snprintf(why, FIELD_WHY, "%s is no regular file", segment->name);
		return nfs_no_file(errno) ? -2 : -1;
	}
	if (bytes == segment->bytes && strcmp(hex, segment->xxh128) == 0)
		return 0;
	if (bytes < segment->bytes)
		snprintf(why, FIELD_WHY, "%s has %llu bytes, the manifest says %llu", segment->name,
			(unsigned long long)bytes, (unsigned long long)segment->bytes);
	else
		snprintf(why, FIELD_WHY, "%s: checksum is %s, the manifest says %s", segment->name,
			hex, segment->xxh128);
	return -2;
}

int manifest_stand(const struct manifest *manifest, const char *folder, char *why)
{
	struct namelist list;
	int result = 0;

	if (nfs_list(folder, &list) < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < manifest->segment_count; i++)
		if (!namelist_has(&list, manifest->segments[i].name)) {
			snprintf(why, FIELD_WHY, "%s is missing", manifest->segments[i].name);
			result = -2;
		}
	namelist_free(&list);
	return result;
}

/* Readers read to the manifest's length: what stands behind it was never handed over, and is not
 * looked at. */
int manifest_check(const struct manifest *manifest, const char *folder, char *why)
{
	int result = manifest_stand(manifest, folder, why);

	for (size_t i = 0; result == 0 && i < manifest->segment_count; i++)
		result = check_segment(&manifest->segments[i], folder, why);
	return result;
}
