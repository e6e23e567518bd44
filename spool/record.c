/*
 * record.c: writes flows, biflows and verdicts as IPFIX files through libfixbuf: preprocess, consolidate and classify
 * end here, and any IPFIX tool can go on from here.
 *
 * libfixbuf copies from an internal template (our memory) to an external one (the file). Both are built from the rows of
 * a schema; the internal one gets paddingOctets before its pointers, which libfixbuf reads as aligned structs. Nothing
 * in a file depends on clock, process or order of interning: the export time is the latest time of a record so far, a
 * symptom is numbered at its first use in the file.
 */
#include <errno.h>
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <fixbuf/public.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/record_schema.h"

/* The ids libfixbuf would choose clash in silence with ours: 0x100 and 0x101. */
#define ELEMENT_TEMPLATE  0xFF00
#define TEMPLATE_TEMPLATE 0xFF01

/* An internal template needs an id of its own: after a list libfixbuf takes the external one for both when they agree. */
#define INTERNAL(id) ((uint16_t)((id) + 0x1000))

#define WIRE_MAX      512   /* bytes of the longest internal record */
#define LIST_MAX      60000 /* bytes of a symptom list: it has to fit a message with its record */
#define SYMPTOM_BYTES 28
#define LIST_ALL_OF   3 /* semantic of a list, RFC 6313 */

/* Where the rows of a schema stand in the memory that libfixbuf reads. */
struct layout {
	const struct field *fields[SCHEMA_FIELDS_MAX];
	uint16_t at[SCHEMA_FIELDS_MAX];
	unsigned count;
	uint16_t size;
	fbTemplate_t *external;
};

struct record_writer {
	FILE *file;
	enum record_kind kind;
	fbSession_t *session;
	fBuf_t *buffer;
	struct layout layouts[SCHEMA_COUNT];
	bool begun;	   /* templates are written */
	uint32_t latest_s; /* of all records so far */
	uint64_t flows;
	uint32_t *symptom_ids; /* by intern id; 0: not named in this file yet */
	uint32_t symptom_room, symptom_count;
	fbSubTemplateList_t list;
	uint8_t list_bytes[LIST_MAX];
};

const char *ledger_status_text(enum ledger_status status)
{
	static const char *const texts[] = {"analysed", "quarantined", "missing"};

	assert(status <= LEDGER_MISSING);
	return texts[status];
}

/* Errors of the machine only: everything else libfixbuf might object to is our mistake, but for a record too long. */
static int failed(GError **error)
{
	int reason = errno;

	if (g_error_matches(*error, FB_ERROR_DOMAIN, FB_ERROR_EOM))
		reason = EMSGSIZE;
	else if (!g_error_matches(*error, FB_ERROR_DOMAIN, FB_ERROR_IO) || reason == 0)
		reason = EIO;
	g_clear_error(error);
	errno = reason;
	return -1;
}

static uint16_t memory_length(const struct field *field)
{
	if (field->length)
		return field->length;
	return field->kind == FIELD_SYMPTOMS ? sizeof(fbSubTemplateList_t) : sizeof(fbVarfield_t);
}

static void append_element(fbTemplate_t *template, const char *name, uint16_t length)
{
	fbInfoElementSpec_t spec = {(char *)name, length, 0};
	GError *error = NULL;

	if (!fbTemplateAppendSpec(template, &spec, 0, &error))
		die(MIRA_PERSON, "libfixbuf does not know %s: %s", name, error->message);
}

static void append_row(struct layout *layout, fbTemplate_t *internal, const struct field *field)
{
	uint16_t padding = field->length ? 0 : -layout->size & 7;

	if (padding)
		append_element(internal, "paddingOctets", padding);
	append_element(internal, field->name, field->length);
	append_element(layout->external, field->name, field->length);
	layout->fields[layout->count] = field;
	layout->at[layout->count++] = layout->size + padding;
	layout->size += padding + memory_length(field);
}

/* The elements are the same for all files. To describe them costs more than a small batch. */
static fbInfoModel_t *elements(void)
{
	static fbInfoModel_t *model;

	if (!model) {
		model = fbInfoModelAlloc();
		schema_describe(model);
	}
	return model;
}

/* libfixbuf takes over the templates. */
static void add_template(struct record_writer *writer, enum schema_index index)
{
	const struct schema *schema = &schemas[index];
	struct layout *layout = &writer->layouts[index];
	fbTemplate_t *internal = fbTemplateAlloc(elements());
	GError *error = NULL;

	layout->external = fbTemplateAlloc(elements());
	for (size_t i = 0; i < schema->field_count; i++)
		if (schema_has(schema, &schema->fields[i]))
			append_row(layout, internal, &schema->fields[i]);
	assert(layout->size == fbTemplateGetIELenOfMemBuffer(internal) && layout->size <= WIRE_MAX);
	if (schema->scope) {
		fbTemplateSetOptionsScope(internal, schema->scope);
		fbTemplateSetOptionsScope(layout->external, schema->scope);
	}
	if (!fbSessionAddTemplate(writer->session, TRUE, INTERNAL(schema->template_id), internal,
		    &error) ||
		!fbSessionAddTemplateWithMetadata(writer->session, FALSE, schema->template_id,
			layout->external, (char *)schema->name, NULL, &error))
		die(MIRA_PERSON, "libfixbuf refuses template %s: %s", schema->name, error->message);
}

static void add_templates(struct record_writer *writer)
{
	static const enum schema_index of_kind[][3] = {
		[RECORD_FLOWS] = {SCHEMA_FLOW4, SCHEMA_FLOW6, SCHEMA_FLOW_SYMPTOM},
		[RECORD_BIFLOWS] = {SCHEMA_BIFLOW4, SCHEMA_BIFLOW6, SCHEMA_BIFLOW_SYMPTOM},
		[RECORD_VERDICTS] = {SCHEMA_VERDICT4, SCHEMA_VERDICT6, SCHEMA_BIFLOW_SYMPTOM},
	};
	static const enum schema_index of_all[] = {SCHEMA_LEDGER, SCHEMA_NAME, SCHEMA_END};

	if (writer->kind == RECORD_FLOWS) {
		add_template(writer, SCHEMA_PLAIN4);
		add_template(writer, SCHEMA_PLAIN6);
	}
	for (int i = 0; i < 3; i++)
		add_template(writer, of_kind[writer->kind][i]);
	for (int i = 0; i < 3; i++)
		add_template(writer, of_all[i]);
}

static FILE *create_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file)
		setvbuf(file, NULL, _IONBF,
			0); /* libfixbuf writes whole messages of up to 64 KiB */
	else if (fd >= 0)
		close(fd);
	return file;
}

struct record_writer *record_create(const char *path, enum record_kind kind)
{
	FILE *file = create_file(path);
	struct record_writer *writer;
	GError *error = NULL;

	if (!file)
		return NULL;
	writer = x_calloc(1, sizeof(*writer));
	writer->file = file;
	writer->kind = kind;
	writer->session = fbSessionAlloc(elements());
	fbSessionSetDomain(writer->session,
		RECORD_DOMAIN); /* later it would forget the templates */
	if (!fbSessionSetMetadataExportElements(writer->session, TRUE, ELEMENT_TEMPLATE, &error) ||
		!fbSessionSetMetadataExportTemplates(writer->session, TRUE, TEMPLATE_TEMPLATE,
			&error))
		die(MIRA_PERSON, "libfixbuf cannot describe elements: %s", error->message);
	add_templates(writer);
	writer->buffer = fBufAllocForExport(writer->session, fbExporterAllocFP(file));
	return writer;
}

static inline void pack_uint(const struct field *field, const uint8_t *from, uint8_t *to)
{
	unsigned status;

	switch (field->size) {
	case 1: *to = *from; break;
	case 2: memcpy(to, from, 2); break;
	case 8: memcpy(to, from, 8); break;
	case 4:
		memcpy(&status, from, sizeof(status));
		if (field->length == 1) /* an enum */
			*to = (uint8_t)status;
		else
			memcpy(to, &status, sizeof(status));
	}
}

static void pack_address(const struct field *field, const uint8_t *from, uint8_t *to)
{
	uint32_t address;

	memcpy(to, from, field->length);
	if (field->length != sizeof(address))
		return;
	memcpy(&address, from, sizeof(address)); /* libfixbuf has IPv4 addresses in host order */
	address = ntohl(address);
	memcpy(to, &address, sizeof(address));
}

static inline void pack_label(const uint8_t *from, uint8_t *to)
{
	fbVarfield_t text = {0, NULL};
	uint32_t id;

	memcpy(&id, from, sizeof(id));
	if (id) {
		text.buf = (uint8_t *)intern_text(id);
		text.len = strlen((const char *)text.buf);
	}
	memcpy(to, &text, sizeof(text));
}

static void pack_text(const struct field *field, const uint8_t *from, uint8_t *to)
{
	fbVarfield_t text = {strnlen((const char *)from, field->size), (uint8_t *)from};

	memcpy(to, &text, sizeof(text));
}

static void pack(const struct record_writer *writer, const struct layout *layout,
	const void *record, uint8_t *wire)
{
	for (unsigned i = 0; i < layout->count; i++) {
		const struct field *field = layout->fields[i];
		const uint8_t *from = (const uint8_t *)record + field->offset;
		uint8_t *to = wire + layout->at[i];

		switch ((enum field_kind)field->kind) {
		case FIELD_UINT: pack_uint(field, from, to); break;
		case FIELD_BOOL: *to = *from ? 1 : 2; break;
		case FIELD_FLOAT: memcpy(to, from, sizeof(double)); break;
		case FIELD_ADDRESS: pack_address(field, from, to); break;
		case FIELD_LABEL: pack_label(from, to); break;
		case FIELD_TEXT: pack_text(field, from, to); break;
		case FIELD_SYMPTOMS: memcpy(to, &writer->list, sizeof(writer->list)); break;
		}
	}
}

/* The templates wait for the first record, so that they carry an export time near it. */
static int begin(struct record_writer *writer)
{
	GError *error = NULL;

	/* libfixbuf takes 0 for "now" */
	fBufSetExportTime(writer->buffer, writer->latest_s ? writer->latest_s : 1);
	if (writer->begun)
		return 0;
	writer->begun = true;
	errno = 0;
	return fbSessionExportTemplates(writer->session, &error) ? 0 : failed(&error);
}

static int append(struct record_writer *writer, enum schema_index index, const void *record)
{
	const struct layout *layout = &writer->layouts[index];
	uint16_t id = schemas[index].template_id;
	uint64_t wire[WIRE_MAX / 8];
	GError *error = NULL;

	if (begin(writer) < 0)
		return -1;
	pack(writer, layout, record, (uint8_t *)wire);
	errno = 0;
	if (!fBufSetInternalTemplate(writer->buffer, INTERNAL(id), &error) ||
		!fBufSetExportTemplate(writer->buffer, id, &error) ||
		!fBufAppend(writer->buffer, (uint8_t *)wire, layout->size, &error))
		return failed(&error);
	return 0;
}

static void note_time(struct record_writer *writer, uint64_t time_ms)
{
	uint64_t time_s = time_ms / 1000;

	if (time_s > UINT32_MAX)
		time_s = UINT32_MAX;
	if (time_s > writer->latest_s)
		writer->latest_s = (uint32_t)time_s;
}

static void grow_symptom_ids(struct record_writer *writer, uint32_t name)
{
	uint32_t room = (name / 1024 + 1) * 1024;

	if (name < writer->symptom_room)
		return;
	writer->symptom_ids = x_realloc(writer->symptom_ids, room * sizeof(*writer->symptom_ids));
	memset(writer->symptom_ids + writer->symptom_room, 0,
		(room - writer->symptom_room) * sizeof(uint32_t));
	writer->symptom_room = room;
}

/* A symptom's name goes before the first record that counts it, so that a reader knows it in time. Returns 0 on error. */
static uint32_t symptom_id(struct record_writer *writer, uint32_t name)
{
	struct symptom_name row = {0, name};

	grow_symptom_ids(writer, name);
	if (writer->symptom_ids[name])
		return writer->symptom_ids[name];
	row.id = writer->symptom_count + 1;
	if (append(writer, SCHEMA_NAME, &row) < 0)
		return 0;
	writer->symptom_count = row.id;
	return writer->symptom_ids[name] = row.id;
}

static int set_symptoms(struct record_writer *writer, enum schema_index index,
	const struct symptom_count *symptoms, size_t count)
{
	const struct layout *layout = &writer->layouts[index];

	if (count > LIST_MAX / layout->size) {
		errno = EMSGSIZE;
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct symptom_count symptom = symptoms[i];

		symptom.name = symptom_id(writer, symptom.name);
		if (!symptom.name)
			return -1;
		pack(writer, layout, &symptom, writer->list_bytes + i * layout->size);
	}
	fbSubTemplateListInitWithOwnBuffer(&writer->list, LIST_ALL_OF, schemas[index].template_id,
		layout->external, (uint16_t)count, (uint16_t)(count * layout->size),
		writer->list_bytes);
	return 0;
}

int record_add_ledger(struct record_writer *writer, const struct ledger *row)
{
	assert(row->status <= LEDGER_MISSING);
	note_time(writer, row->last_ms);
	return append(writer, SCHEMA_LEDGER, row);
}

/* Without labels and symptoms a record costs half: libfixbuf takes long for what may be of any length. */
static bool is_plain(const struct flow *flow)
{
	return !(flow->vlan | flow->tunnel | flow->endpoint | flow->aggregate | flow->host_name) &&
	       flow->symptom_count == 0;
}

int record_add_flow(struct record_writer *writer, const struct flow *flow)
{
	bool plain = is_plain(flow);

	assert(writer->kind == RECORD_FLOWS);
	assert(flow->packets == 0 || (flow->sampling > 0 && flow->sampling <= 1));
	note_time(writer, flow->end_ms);
	if (!plain &&
		set_symptoms(writer, SCHEMA_FLOW_SYMPTOM, flow->symptoms, flow->symptom_count) < 0)
		return -1;
	if (append(writer, (plain ? SCHEMA_PLAIN4 : SCHEMA_FLOW4) + (flow->key.version == 6),
		    flow) < 0)
		return -1;
	writer->flows++;
	return 0;
}

static bool plausible(const struct direction *direction)
{
	return direction->packets == 0 || (direction->sampling > 0 && direction->sampling <= 1);
}

int record_add_biflow(struct record_writer *writer, const struct biflow *biflow)
{
	enum schema_index first = writer->kind == RECORD_BIFLOWS ? SCHEMA_BIFLOW4 : SCHEMA_VERDICT4;

	assert(writer->kind != RECORD_FLOWS && plausible(&biflow->forward) &&
		plausible(&biflow->reverse));
	note_time(writer, biflow->end_ms);
	if (set_symptoms(writer, SCHEMA_BIFLOW_SYMPTOM, biflow->symptoms, biflow->symptom_count) <
			0 ||
		append(writer, biflow->key.version == 6 ? first + 1 : first, biflow) < 0)
		return -1;
	writer->flows++;
	return 0;
}

/* Frees all but the file. */
static void release(struct record_writer *writer)
{
	fBufFree(writer->buffer); /* and with it session and exporter */
	free(writer->symptom_ids);
	free(writer);
}

static int write_end(struct record_writer *writer)
{
	struct record_end end = {RECORD_DOMAIN, writer->flows};
	GError *error = NULL;

	if (append(writer, SCHEMA_END, &end) < 0)
		return -1;
	errno = 0;
	return fBufEmit(writer->buffer, &error) ? 0 : failed(&error);
}

int record_finish(struct record_writer *writer)
{
	FILE *file = writer->file;
	int result = write_end(writer), reason = errno;

	release(writer);
	if (result == 0 && (fflush(file) != 0 || nfs_sync_file(fileno(file)) < 0)) {
		reason = errno;
		result = -1;
	}
	if (fclose(file) != 0 && result == 0) /* NFS tells of a full disk here */
		return -1;
	errno = reason;
	return result;
}

void record_abandon(struct record_writer *writer)
{
	FILE *file = writer->file;

	release(writer);
	fclose(file);
}
