/*
 * record_layout.c: from the members of a record to the memory that libfixbuf copies into a file; see record_layout.h.
 */
#include "spool/record_layout.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"

/* What a member becomes in the memory that libfixbuf reads. */
enum how {
	COPY_1,
	COPY_4,
	COPY_16,
	TURN_2,
	TURN_4,
	TURN_8,
	PUT_ENUM,
	PUT_BOOL,
	PUT_LABEL,
	PUT_TEXT,
	PUT_LIST
};

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

static enum how how_number(const struct field *field)
{
	switch (field->size) {
	case 1: return COPY_1;
	case 2: return TURN_2;
	case 8: return TURN_8;
	default: return field->length == 1 ? PUT_ENUM : TURN_4;
	}
}

static enum how how_of(const struct field *field)
{
	switch ((enum field_kind)field->kind) {
	case FIELD_UINT: return how_number(field);
	case FIELD_BOOL: return PUT_BOOL;
	case FIELD_FLOAT: return TURN_8;
	case FIELD_ADDRESS: return field->length == 4 ? COPY_4 : COPY_16;
	case FIELD_LABEL: return PUT_LABEL;
	case FIELD_TEXT: return PUT_TEXT;
	case FIELD_SYMPTOMS: break;
	}
	return PUT_LIST;
}

static void append_row(struct layout *layout, const struct field *field)
{
	uint16_t padding = field->length ? 0 : -layout->size & 7;

	assert(field->kind != FIELD_LABEL || field->number < LAYOUT_LABELS);
	if (padding)
		append_element(layout->internal, "paddingOctets", padding);
	append_element(layout->internal, field->name, field->length);
	append_element(layout->external, field->name, field->length);
	layout->places[layout->count++] = (struct place){.from = field->offset,
		.to = layout->size + padding,
		.how = how_of(field),
		.label = (uint8_t)field->number,
		.size = field->size};
	layout->size += padding + memory_length(field);
}

/* The elements are the same for all files. To describe them costs more than a small batch. */
fbInfoModel_t *layout_elements(void)
{
	static fbInfoModel_t *model;

	if (!model) {
		model = fbInfoModelAlloc();
		schema_describe(model);
		schema_in_network_order(model);
	}
	return model;
}

static void describe(struct layout *layout, const struct schema *schema)
{
	layout->internal = fbTemplateAlloc(layout_elements());
	layout->external = fbTemplateAlloc(layout_elements());
	for (size_t i = 0; i < schema->field_count; i++)
		if (schema_has(schema, &schema->fields[i]))
			append_row(layout, &schema->fields[i]);
	assert(layout->size == fbTemplateGetIELenOfMemBuffer(layout->internal) &&
		layout->size <= LAYOUT_BYTES);
	if (schema->scope) {
		fbTemplateSetOptionsScope(layout->internal, schema->scope);
		fbTemplateSetOptionsScope(layout->external, schema->scope);
	}
}

uint16_t layout_internal(enum schema_index index)
{
	return schemas[index].template_id + 0x1000;
}

/* The same for all files, as the elements are. libfixbuf frees a template with the last session that has it: KEEPER is one. */
const struct layout *layout_of(enum schema_index index)
{
	static struct layout layouts[SCHEMA_COUNT];
	static fbSession_t *keeper;
	struct layout *layout = &layouts[index];
	uint16_t id = schemas[index].template_id;
	GError *error = NULL;

	if (layout->external)
		return layout;
	if (!keeper)
		keeper = fbSessionAlloc(layout_elements());
	describe(layout, &schemas[index]);
	if (!fbSessionAddTemplate(keeper, TRUE, layout_internal(index), layout->internal, &error) ||
		!fbSessionAddTemplate(keeper, TRUE, id, layout->external, &error))
		die(MIRA_PERSON, "libfixbuf refuses template %s: %s", schemas[index].name,
			error->message);
	return layout;
}

static inline void turn_2(const uint8_t *from, uint8_t *to)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
}

static inline void turn_4(const uint8_t *from, uint8_t *to)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void turn_8(const uint8_t *from, uint8_t *to)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

static void put_enum(const uint8_t *from, uint8_t *to)
{
	unsigned value;

	memcpy(&value, from, sizeof(value));
	*to = (uint8_t)value;
}

static inline void put_label(struct label *last, const uint8_t *from, uint8_t *to)
{
	uint32_t id;

	memcpy(&id, from, sizeof(id));
	if (id != last->id) {
		const char *text = intern_text(id);

		*last = (struct label){id, {strlen(text), (uint8_t *)text}};
	}
	memcpy(to, &last->text, sizeof(last->text));
}

static void put_text(const struct place *place, const uint8_t *from, uint8_t *to)
{
	fbVarfield_t text = {strnlen((const char *)from, place->size), (uint8_t *)from};

	memcpy(to, &text, sizeof(text));
}

void layout_pack(const struct layout *layout, const void *record, struct parts *parts,
	uint8_t *wire)
{
	const struct place *end = layout->places + layout->count;

	for (const struct place *place = layout->places; place < end; place++) {
		const uint8_t *from = (const uint8_t *)record + place->from;
		uint8_t *to = wire + place->to;

		switch ((enum how)place->how) {
		case COPY_1: *to = *from; break;
		case COPY_4: memcpy(to, from, 4); break;
		case COPY_16: memcpy(to, from, 16); break;
		case TURN_2: turn_2(from, to); break;
		case TURN_4: turn_4(from, to); break;
		case TURN_8: turn_8(from, to); break;
		case PUT_ENUM: put_enum(from, to); break;
		case PUT_BOOL: *to = *from ? 1 : 2; break;
		case PUT_LABEL: put_label(&parts->labels[place->label], from, to); break;
		case PUT_TEXT: put_text(place, from, to); break;
		case PUT_LIST: memcpy(to, &parts->list, sizeof(parts->list)); break;
		}
	}
}
