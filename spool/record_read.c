/*
 * record_read.c: reads the IPFIX files that stand between preprocess, consolidate, classify and store.
 *
 * The files are written with libfixbuf but not read with it: libfixbuf 2.4.1 trusts what it reads. A template whose
 * elements have length 0 makes it divide by zero or read for ever, a list may point past its buffer, and a set without
 * a template, a cut message or a gap in the sequence numbers is skipped with a warning at most, so records would be lost
 * in silence. Here every length is checked, records are counted against the sequence numbers (RFC 7011, 3.1) and
 * against the closing record, and whatever does not fit refuses the file.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/hash.h"
#include "spool/intern.h"
#include "spool/log.h"
#include "spool/names.h"
#include "spool/nfs.h"
#include "spool/notify.h"
#include "spool/record.h"
#include "spool/record_template.h"

#define HEADER_BYTES	16
#define MESSAGE_MAX	65535
#define SYMPTOM_IDS_MAX (1u << 20)
#define NOTHING_YET	(-3) /* go on with the next record, set or message */

struct record_reader {
	FILE *file;
	uint64_t left;		   /* bytes of it not yet read */
	XXH3_state_t *hash;	   /* of those that were; NULL: no checksum is known */
	char wanted[HASH_HEX + 1]; /* the checksum */
	uint64_t at;		   /* where the message begins */
	uint64_t next;		   /* where the next one begins */
	struct cursor message, set;
	struct template *template; /* of the set */
	struct template *
		*templates[256]; /* by upper and lower octet of the id; a file has a dozen */
	uint32_t records;	 /* data records so far, modulo 2^32 */
	uint64_t flows;
	bool ended; /* the closing record was read */
	int failed; /* what was returned for an error, which is final */
	struct record_end end;
	struct symptom_name name;
	uint32_t *names; /* intern ids + 1, by number in the file */
	uint32_t name_room;
	struct symptom_count *symptoms; /* of the record at hand */
	size_t symptom_count, symptom_room;
	uint8_t bytes[MESSAGE_MAX];
};

static _Thread_local char why[256];

const char *record_why(void)
{
	return why;
}

static int __attribute__((format(printf, 2, 3)))
bad(const struct record_reader *reader, const char *format, ...)
{
	int used = snprintf(why, sizeof(why),
		"IPFIX message at byte %llu: ", (unsigned long long)reader->at);
	va_list values;

	va_start(values, format);
	vsnprintf(why + used, sizeof(why) - (size_t)used, format, values);
	va_end(values);
	return -2;
}

struct record_reader *record_open(const char *path)
{
	int fd = nfs_open_file(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct record_reader *reader;

	if (!file)
		return NULL;
	reader = x_calloc(1, sizeof(*reader));
	reader->file = file;
	reader->left = UINT64_MAX;
	return reader;
}

struct record_reader *record_open_segment(const char *folder, const struct segment *segment)
{
	struct record_reader *reader;
	char path[PATH_MAX];

	if (nfs_join(path, folder, segment->name) < 0)
		return NULL;
	reader = record_open(path);
	if (!reader)
		return NULL;
	reader->left = segment->bytes;
	snprintf(reader->wanted, sizeof(reader->wanted), "%s", segment->xxh128);
	reader->hash = XXH3_createState();
	if (!reader->hash)
		die(MIRA_AGAIN, "out of memory for a checksum");
	XXH3_128bits_reset(reader->hash);
	return reader;
}

static struct template *find_template(const struct record_reader *reader, uint32_t id)
{
	struct template **page = reader->templates[id >> 8];

	return page ? page[id & 255] : NULL;
}

static void set_template(struct record_reader *reader, uint32_t id, struct template *template)
{
	struct template ***page = &reader->templates[id >> 8];

	if (!*page)
		*page = x_calloc(256, sizeof(**page));
	free((*page)[id & 255]);
	(*page)[id & 255] = template;
}

static void free_templates(struct record_reader *reader)
{
	for (unsigned high = 0; high < 256; high++) {
		for (unsigned low = 0; reader->templates[high] && low < 256; low++)
			free(reader->templates[high][low]);
		free(reader->templates[high]);
	}
}

void record_close(struct record_reader *reader)
{
	free_templates(reader);
	free(reader->names);
	free(reader->symptoms);
	XXH3_freeState(reader->hash);
	fclose(reader->file);
	free(reader);
}

/* Reads SIZE bytes: 1; 0 at the end of the file, -1 error, -2 cut off. */
static int read_bytes(struct record_reader *reader, uint8_t *to, size_t size)
{
	size_t got;

	errno = 0;
	got = fread(to, 1, size < reader->left ? size : (size_t)reader->left, reader->file);
	reader->left -= got;
	if (reader->hash)
		XXH3_128bits_update(reader->hash, to, got);
	if (got == size)
		return 1;
	if (ferror(reader->file)) {
		errno = errno ? errno : EIO;
		return -1;
	}
	return got == 0 ? 0 : bad(reader, "cut off: %zu of %zu bytes", got, size);
}

/* Was it still what the manifest says when it was read? */
static int check_sum(struct record_reader *reader)
{
	char hex[HASH_HEX + 1];

	hash_hex(XXH3_128bits_digest(reader->hash), hex);
	if (reader->left == 0 && strcmp(hex, reader->wanted) == 0)
		return RECORD_END;
	return bad(reader,
		"changed after it was published: its checksum is %s, the manifest says %s", hex,
		reader->wanted);
}

static int check_end(struct record_reader *reader)
{
	if (reader->at == 0)
		return bad(reader, "the file is empty");
	if (!reader->ended)
		return bad(reader, "cut off: the closing record is missing");
	return reader->hash ? check_sum(reader) : RECORD_END;
}

static int check_header(struct record_reader *reader, uint32_t *length)
{
	struct cursor header = {reader->bytes, reader->bytes + HEADER_BYTES};
	uint32_t version, time, sequence, domain;

	if (!get(&header, 2, &version) || !get(&header, 2, length) || !get(&header, 4, &time) ||
		!get(&header, 4, &sequence) || !get(&header, 4, &domain))
		return bad(reader, "short header");
	if (version != 10)
		return bad(reader, "not an IPFIX file: version %u instead of 10", version);
	if (*length < HEADER_BYTES)
		return bad(reader, "length %u in the header", *length);
	if (domain != RECORD_DOMAIN)
		return bad(reader, "observation domain %u instead of %u", domain, RECORD_DOMAIN);
	if (sequence != reader->records)
		return bad(reader, "sequence number %u after %u records", sequence,
			reader->records);
	return 0;
}

static int next_message(struct record_reader *reader)
{
	uint32_t length = 0;
	int result;

	notify_alive();
	reader->at = reader->next;
	result = read_bytes(reader, reader->bytes, HEADER_BYTES);
	if (result <= 0)
		return result == 0 ? check_end(reader) : result;
	result = check_header(reader, &length);
	if (result < 0)
		return result;
	if (length > HEADER_BYTES) {
		result = read_bytes(reader, reader->bytes + HEADER_BYTES, length - HEADER_BYTES);
		if (result <= 0)
			return result == 0 ? bad(reader, "cut off after its header") : result;
	}
	reader->next += length;
	reader->message = (struct cursor){reader->bytes + HEADER_BYTES, reader->bytes + length};
	return NOTHING_YET;
}

static int read_templates(struct record_reader *reader, bool options)
{
	while (left(&reader->set) >= 4) { /* less is padding */
		char reason[128];
		uint32_t id;
		struct template *template =
			template_read(&reader->set, options, &id, reason, sizeof(reason));

		if (!template)
			return bad(reader, "%s", reason);
		set_template(reader, id, template);
	}
	reader->set.at = reader->set.end;
	return NOTHING_YET;
}

static int next_set(struct record_reader *reader)
{
	uint32_t id, length;

	if (left(&reader->message) == 0)
		return next_message(reader);
	if (!get(&reader->message, 2, &id) || !get(&reader->message, 2, &length) || length < 4 ||
		!take(&reader->message, length - 4, &reader->set))
		return bad(reader, "a set does not fit its message");
	if (id == 2 || id == 3)
		return read_templates(reader, id == 3);
	reader->template = find_template(reader, id);
	if (!reader->template)
		return bad(reader, "set %u without a template", id);
	return NOTHING_YET;
}

static int decode_uint(const struct field *field, const struct cursor *part, uint8_t *to)
{
	uint64_t value = number_of(part);

	switch (field->size) {
	case 1: memcpy(to, &(uint8_t){(uint8_t)value}, 1); break;
	case 2: memcpy(to, &(uint16_t){(uint16_t)value}, 2); break;
	case 4: memcpy(to, &(uint32_t){(uint32_t)value}, 4); break;
	case 8: memcpy(to, &value, 8); break;
	}
	return 0;
}

static int decode_float(const struct cursor *part, uint8_t *to)
{
	uint64_t bits = number_of(part);
	uint32_t short_bits = (uint32_t)bits;
	double value;
	float short_value;

	memcpy(&value, &bits, sizeof(value));
	memcpy(&short_value, &short_bits, sizeof(short_value));
	if (left(part) == sizeof(short_value))
		value = (double)short_value;
	memcpy(to, &value, sizeof(value));
	return 0;
}

static int decode_label(struct step *step, const struct cursor *part, uint8_t *to)
{
	size_t size = left(part);

	if (size != step->label_size || (size && memcmp(step->label_text, part->at, size) != 0)) {
		step->label = intern_bytes((const char *)part->at, size);
		step->label_text = intern_text(step->label);
		step->label_size = strlen(step->label_text);
	}
	memcpy(to, &step->label, sizeof(step->label));
	return 0;
}

static int decode_text(const struct record_reader *reader, const struct field *field,
	const struct cursor *part, uint8_t *to)
{
	size_t size = left(part);

	if (size >= field->size)
		return bad(reader, "%s has %zu octets, more than %u", field->name, size,
			field->size - 1u);
	memcpy(to, part->at, size); /* the member was zeroed */
	return 0;
}

static int decode_symptoms(struct record_reader *reader, struct cursor *list);

static inline int decode_field(struct record_reader *reader, struct step *step, struct cursor *part,
	uint8_t *to)
{
	switch ((enum field_kind)step->field->kind) {
	case FIELD_UINT: return decode_uint(step->field, part, to);
	case FIELD_BOOL: *to = *part->at == 1; return 0;
	case FIELD_FLOAT: return decode_float(part, to);
	case FIELD_ADDRESS: memcpy(to, part->at, left(part)); return 0;
	case FIELD_LABEL: return decode_label(step, part, to);
	case FIELD_TEXT: return decode_text(reader, step->field, part, to);
	case FIELD_SYMPTOMS: return decode_symptoms(reader, part);
	}
	return 0;
}

static inline void take_octets(const struct step *step, const uint8_t *from, uint8_t *to)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	switch ((enum how)step->how) {
	case TURN_8:
		memcpy(&eight, from, 8);
		eight = be64toh(eight);
		memcpy(to, &eight, 8);
		break;
	case TURN_4:
		memcpy(&four, from, 4);
		four = be32toh(four);
		memcpy(to, &four, 4);
		break;
	case TURN_2:
		memcpy(&two, from, 2);
		two = be16toh(two);
		memcpy(to, &two, 2);
		break;
	case COPY_1: *to = *from; break;
	case COPY_4: memcpy(to, from, 4); break;
	case COPY_16: memcpy(to, from, 16); break;
	case SKIP:
	case LOOK: break;
	}
}

/* Most elements: numbers and addresses, that are all there when the last of them is. Returns the step after them. */
static inline struct step *decode_run(struct step *step, struct cursor *cursor, uint8_t *to)
{
	const uint8_t *end = cursor->at + step->run;

	for (; cursor->at < end; step++) {
		take_octets(step, cursor->at, to + step->offset);
		cursor->at += step->length;
	}
	return step;
}

static int decode_one(struct record_reader *reader, struct step *step, struct cursor *cursor,
	uint8_t *to)
{
	struct cursor part;

	if (!(step->length == VARIABLE ? take_variable(cursor, &part)
				       : take(cursor, step->length, &part)))
		return bad(reader, "a record goes past the end of its set or list");
	return step->field ? decode_field(reader, step, &part, to + step->offset) : 0;
}

/* decode(): one record from CURSOR into TO, which is zeroed. */
static int decode(struct record_reader *reader, struct template *template, struct cursor *cursor,
	void *to)
{
	struct step *step = template->steps, *end = step + template->count;

	while (step < end) {
		int result = 0;

		if (left(cursor) < step->run)
			return bad(reader, "a record goes past the end of its set or list");
		if (step->run)
			step = decode_run(step, cursor, to);
		else
			result = decode_one(reader, step++, cursor, to);
		if (result < 0)
			return result;
	}
	return 0;
}

static struct symptom_count *next_symptom(struct record_reader *reader)
{
	struct symptom_count *symptom;

	if (reader->symptom_count == reader->symptom_room) {
		reader->symptom_room = reader->symptom_room ? reader->symptom_room * 2 : 64;
		reader->symptoms =
			x_realloc(reader->symptoms, reader->symptom_room * sizeof(*symptom));
	}
	symptom = &reader->symptoms[reader->symptom_count++];
	memset(symptom, 0, sizeof(*symptom));
	return symptom;
}

/* A list (RFC 6313): semantic, template, records. A message bounds it: 32767 symptoms of two octets at most. */
static int decode_symptoms(struct record_reader *reader, struct cursor *list)
{
	struct template *template;
	uint32_t semantic, id;

	if (!get(list, 1, &semantic) || !get(list, 2, &id))
		return bad(reader, "a symptom list of %zu octets", left(list));
	template = find_template(reader, id);
	if (!template || !template->schema || template->schema->role != ROLE_SYMPTOM)
		return bad(reader, "a symptom list of template %u", id);
	while (left(list)) {
		struct symptom_count *symptom = next_symptom(reader);
		int result = decode(reader, template, list, symptom);

		if (result < 0)
			return result;
		if (symptom->name >= reader->name_room || !reader->names[symptom->name])
			return bad(reader, "symptom %u has no name yet", symptom->name);
		symptom->name = reader->names[symptom->name] - 1;
	}
	return 0;
}

/* A division by this extrapolates: it has to be a probability; NaN is none. */
static bool probability_ok(uint64_t packets, double probability)
{
	return packets == 0 || (probability > 0 && probability <= 1);
}

static int finish_flow(struct record_reader *reader, void *record)
{
	struct flow *flow = record;

	flow->key.version = reader->template->schema->mask & ONLY_IP6 ? 6 : 4;
	flow->symptoms = reader->symptoms;
	flow->symptom_count = reader->symptom_count;
	reader->flows++;
	return probability_ok(flow->packets, flow->sampling)
		       ? RECORD_FLOW
		       : bad(reader, "samplingProbability is none");
}

static int finish_biflow(struct record_reader *reader, void *record)
{
	struct biflow *biflow = record;

	biflow->key.version = reader->template->schema->mask & ONLY_IP6 ? 6 : 4;
	biflow->symptoms = reader->symptoms;
	biflow->symptom_count = reader->symptom_count;
	reader->flows++;
	if (!probability_ok(biflow->forward.packets, biflow->forward.sampling) ||
		!probability_ok(biflow->reverse.packets, biflow->reverse.sampling))
		return bad(reader, "samplingProbability is none");
	return RECORD_BIFLOW;
}

/* Probe, stream and run become names of files. */
static int finish_ledger(struct record_reader *reader, void *record)
{
	struct ledger *row = record;

	if ((unsigned)row->status > LEDGER_MISSING)
		return bad(reader, "miraBatchStatus %u", (unsigned)row->status);
	if (!name_part_ok(row->probe) || !name_part_ok(row->stream) || !name_part_ok(row->run))
		return bad(reader, "a ledger row without a legal probe, stream or run");
	return RECORD_LEDGER;
}

static int finish_name(struct record_reader *reader, void *record)
{
	const struct symptom_name *name = record;
	uint32_t room = (name->id / 1024 + 1) * 1024;

	if (name->id >= SYMPTOM_IDS_MAX)
		return bad(reader, "miraSymptomId %u", name->id);
	if (room > reader->name_room) {
		reader->names = x_realloc(reader->names, room * sizeof(*reader->names));
		memset(reader->names + reader->name_room, 0,
			(room - reader->name_room) * sizeof(*reader->names));
		reader->name_room = room;
	}
	reader->names[name->id] = name->name + 1;
	return NOTHING_YET;
}

static int finish_end(struct record_reader *reader, void *record)
{
	const struct record_end *end = record;

	if (end->flows != reader->flows)
		return bad(reader, "%llu flows instead of %llu", (unsigned long long)reader->flows,
			(unsigned long long)end->flows);
	reader->ended = true;
	return NOTHING_YET;
}

static int finish_symptom(struct record_reader *reader, void *record)
{
	return bad(reader, "a symptom outside of a list");
}

static const struct {
	size_t size;
	int (*finish)(struct record_reader *reader, void *record);
} roles[] = {
	[ROLE_FLOW] = {sizeof(struct flow), finish_flow},
	[ROLE_BIFLOW] = {sizeof(struct biflow), finish_biflow},
	[ROLE_LEDGER] = {sizeof(struct ledger), finish_ledger},
	[ROLE_NAME] = {sizeof(struct symptom_name), finish_name},
	[ROLE_END] = {sizeof(struct record_end), finish_end},
	[ROLE_SYMPTOM] = {sizeof(struct symptom_count), finish_symptom},
};

/* Where a record of ROLE goes; what a file may leave out is zero, but nothing sampled means a probability of 1. */
static void *prepare(struct record_reader *reader, enum schema_role role, union record *record)
{
	void *to = record;

	if (role == ROLE_NAME)
		to = &reader->name;
	else if (role == ROLE_END)
		to = &reader->end;
	memset(to, 0, roles[role].size);
	if (role == ROLE_FLOW)
		record->flow.sampling = 1;
	else if (role == ROLE_BIFLOW)
		record->biflow.forward.sampling = record->biflow.reverse.sampling = 1;
	reader->symptom_count = 0;
	return to;
}

static int next_record(struct record_reader *reader, union record *record)
{
	struct template *template = reader->template;
	void *to;
	int result;

	if (left(&reader->set) < template->minimum) { /* padding */
		reader->set.at = reader->set.end;
		return NOTHING_YET;
	}
	if (reader->ended)
		return bad(reader, "records after the closing one");
	reader->records++;
	/* of a record of no concern nothing is kept */
	to = template->schema ? prepare(reader, template->schema->role, record) : record;
	result = decode(reader, template, &reader->set, to);
	if (result < 0)
		return result;
	return template->schema ? roles[template->schema->role].finish(reader, to) : NOTHING_YET;
}

int record_next(struct record_reader *reader, union record *record)
{
	int result = reader->failed;

	if (result < 0)
		return result;
	do
		result = left(&reader->set) ? next_record(reader, record) : next_set(reader);
	while (result == NOTHING_YET);
	reader->failed = result < 0 ? result : 0;
	return result;
}
