/*
 * record.c: writes flows, biflows and verdicts as IPFIX files through libfixbuf: preprocess, consolidate and classify
 * end here, and any IPFIX tool can go on from here.
 *
 * Nothing in a file depends on clock, process or order of interning: the export time is the latest time of a record so
 * far, a symptom is numbered at its first use in the file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fixbuf/public.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/record.h"
#include "spool/record_layout.h"

/* The ids libfixbuf would choose clash in silence with ours: 0x100 and 0x101. */
#define ELEMENT_TEMPLATE  0xFF00
#define TEMPLATE_TEMPLATE 0xFF01

#define LIST_MAX    60000 /* bytes of a symptom list: it has to fit a message with its record */
#define LIST_ALL_OF 3	  /* semantic of a list, RFC 6313 */

struct record_writer {
	FILE *file;
	enum record_kind kind;
	fbSession_t *session;
	fBuf_t *buffer;
	bool begun;	   /* templates are written */
	uint32_t latest_s; /* of all records so far */
	uint64_t flows;
	uint32_t *symptom_ids; /* by intern id; 0: not named in this file yet */
	uint32_t symptom_room, symptom_count;
	struct parts parts;
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

static void add_template(struct record_writer *writer, enum schema_index index)
{
	const struct schema *schema = &schemas[index];
	const struct layout *layout = layout_of(index);
	GError *error = NULL;

	if (!fbSessionAddTemplate(writer->session, TRUE, layout_internal(index), layout->internal,
		    &error) ||
		!fbSessionAddTemplateWithMetadata(writer->session, FALSE, schema->template_id,
			layout->external, (char *)schema->name, NULL, &error))
		die(MIRA_PERSON, "libfixbuf refuses template %s: %s", schema->name, error->message);
}

static const enum schema_index plainest[] = {
	[RECORD_FLOWS] = SCHEMA_PLAIN_FLOW4,
	[RECORD_BIFLOWS] = SCHEMA_PLAIN_BIFLOW4,
	[RECORD_VERDICTS] = SCHEMA_PLAIN_VERDICT4,
};

static void add_templates(struct record_writer *writer)
{
	static const enum schema_index of_all[] = {SCHEMA_LEDGER, SCHEMA_NAME, SCHEMA_END};
	enum schema_index first = plainest[writer->kind];

	for (enum schema_index index = first; index < first + SCHEMA_SHAPES; index++)
		add_template(writer, index);
	add_template(writer,
		writer->kind == RECORD_FLOWS ? SCHEMA_FLOW_SYMPTOM : SCHEMA_BIFLOW_SYMPTOM);
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
	writer->session = fbSessionAlloc(layout_elements());
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
	const struct layout *layout = layout_of(index);
	uint16_t id = schemas[index].template_id;
	uint64_t wire[LAYOUT_BYTES / 8];
	GError *error = NULL;

	if (begin(writer) < 0)
		return -1;
	layout_pack(layout, record, &writer->parts, (uint8_t *)wire);
	errno = 0;
	if (!fBufSetInternalTemplate(writer->buffer, layout_internal(index), &error) ||
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
	const struct layout *layout = layout_of(index);

	if (count == 0)
		return 0;
	if (count > LIST_MAX / layout->size) {
		errno = EMSGSIZE;
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct symptom_count symptom = symptoms[i];

		symptom.name = symptom_id(writer, symptom.name);
		if (!symptom.name)
			return -1;
		layout_pack(layout, &symptom, &writer->parts,
			writer->list_bytes + i * layout->size);
	}
	fbSubTemplateListInitWithOwnBuffer(&writer->parts.list, LIST_ALL_OF,
		schemas[index].template_id, layout->external, (uint16_t)count,
		(uint16_t)(count * layout->size), writer->list_bytes);
	return 0;
}

int record_add_ledger(struct record_writer *writer, const struct ledger *row)
{
	assert(row->status <= LEDGER_MISSING);
	note_time(writer, row->last_ms);
	return append(writer, SCHEMA_LEDGER, row);
}

/* The shape with the fewest elements that has all of a record: libfixbuf takes long for each, longest for a list. */
static enum schema_index shape_of(const struct record_writer *writer, const struct flowkey *key,
	uint32_t name, bool labelled, size_t symptoms)
{
	unsigned shape = labelled ? (symptoms ? 4 : 3) : symptoms ? 2 : name ? 1 : 0;

	return plainest[writer->kind] + 2 * shape + (key->version == 6);
}

int record_add_flow(struct record_writer *writer, const struct flow *flow)
{
	bool labelled =
		flow->vlan | flow->tunnel | flow->endpoint | flow->aggregate || flow->sampling != 1;

	assert(writer->kind == RECORD_FLOWS);
	assert(flow->packets == 0 || (flow->sampling > 0 && flow->sampling <= 1));
	note_time(writer, flow->end_ms);
	if (set_symptoms(writer, SCHEMA_FLOW_SYMPTOM, flow->symptoms, flow->symptom_count) < 0 ||
		append(writer,
			shape_of(writer, &flow->key, flow->host_name, labelled,
				flow->symptom_count),
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
	bool labelled = biflow->vlan | biflow->tunnel | biflow->endpoint | biflow->aggregate ||
			biflow->forward.sampling != 1 || biflow->reverse.sampling != 1;

	assert(writer->kind != RECORD_FLOWS && plausible(&biflow->forward) &&
		plausible(&biflow->reverse));
	note_time(writer, biflow->end_ms);
	if (set_symptoms(writer, SCHEMA_BIFLOW_SYMPTOM, biflow->symptoms, biflow->symptom_count) <
			0 ||
		append(writer,
			shape_of(writer, &biflow->key, biflow->host_name, labelled,
				biflow->symptom_count),
			biflow) < 0)
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
