/*
 * record_template.c: finds out which record a template of a file describes. Between the stages files come from other
 * versions of the writer and from other programs: elements may stand in any order, be shorter (RFC 7011, 6.2), be
 * missing when they are not needed, or be unknown here, and are then skipped.
 */
#include "spool/record_template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "spool/log.h"

#define TEMPLATE_FIELDS_MAX 128

struct element {
	uint32_t pen;
	uint16_t number, length;
};

/* A template record as it stands in the file. */
struct definition {
	uint32_t id, count, scope;
	struct element elements[TEMPLATE_FIELDS_MAX];
};

static bool __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t size, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(why, size, format, values);
	va_end(values);
	return false;
}

static bool get_element(struct cursor *set, struct element *element)
{
	uint32_t number, length, pen = 0;

	if (!get(set, 2, &number) || !get(set, 2, &length) ||
		((number & 0x8000) && !get(set, 4, &pen)))
		return false;
	*element = (struct element){pen, number & 0x7fff, (uint16_t)length};
	return true;
}

static bool read_definition(struct cursor *set, bool options, struct definition *out, char *why,
	size_t size)
{
	out->id = out->count = out->scope = 0;
	if (!get(set, 2, &out->id) || !get(set, 2, &out->count) ||
		(options && !get(set, 2, &out->scope)))
		return refuse(why, size, "a template is cut");
	if (out->id < 256 || out->count < 1 || out->count > TEMPLATE_FIELDS_MAX ||
		out->scope > out->count || (options && !out->scope))
		return refuse(why, size, "template %u with %u elements, %u of scope", out->id,
			out->count, out->scope);
	for (uint32_t i = 0; i < out->count; i++)
		if (!get_element(set, &out->elements[i]))
			return refuse(why, size, "template %u is cut", out->id);
	return true;
}

static bool same(const struct field *field, const struct element *element)
{
	return field->pen == element->pen && field->number == element->number;
}

static bool holds(const struct definition *definition, const struct field *field)
{
	for (uint32_t i = 0; i < definition->count; i++)
		if (same(field, &definition->elements[i]))
			return true;
	return false;
}

static bool matches(const struct definition *definition, const struct schema *schema)
{
	if ((schema->scope > 0) != (definition->scope > 0))
		return false;
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct field *field = &schema->fields[i];

		if (field->needed && schema_has(schema, field) && !holds(definition, field))
			return false;
	}
	return true;
}

static const struct schema *find_schema(const struct definition *definition)
{
	for (int index = SCHEMA_COUNT - 1; index >= 0; index--)
		if (matches(definition, &schemas[index]))
			return &schemas[index];
	return NULL;
}

static const struct field *find_field(const struct schema *schema, const struct element *element)
{
	for (size_t i = 0; schema && i < schema->field_count; i++)
		if (schema_has(schema, &schema->fields[i]) && same(&schema->fields[i], element))
			return &schema->fields[i];
	return NULL;
}

static bool length_fits(const struct field *field, unsigned length)
{
	switch ((enum field_kind)field->kind) {
	case FIELD_UINT: return length >= 1 && length <= field->length;
	case FIELD_BOOL: return length == 1;
	case FIELD_FLOAT: return length == 4 || length == 8;
	case FIELD_ADDRESS: return length == field->length;
	default: return true;
	}
}

static enum how how_number(const struct step *step)
{
	if (step->field->size != step->length)
		return LOOK;
	switch (step->length) {
	case 8: return TURN_8;
	case 4: return TURN_4;
	case 2: return TURN_2;
	case 1: return COPY_1;
	default: return LOOK;
	}
}

static enum how how_of(const struct step *step)
{
	if (step->length == VARIABLE)
		return LOOK;
	if (!step->field)
		return SKIP;
	switch ((enum field_kind)step->field->kind) {
	case FIELD_UINT:
	case FIELD_FLOAT: return how_number(step);
	case FIELD_ADDRESS: return step->length == 4 ? COPY_4 : COPY_16;
	default: return LOOK;
	}
}

/* From the last one back: a run ends where somebody has to look. */
static void measure_runs(struct template *template)
{
	uint32_t run = 0;

	for (unsigned i = template->count; i-- > 0;) {
		struct step *step = &template->steps[i];

		run = step->how == LOOK ? 0 : run + step->length;
		step->run = run;
	}
}

static bool plan(struct template *template, const struct definition *definition, char *why,
	size_t size)
{
	for (uint32_t i = 0; i < definition->count; i++) {
		struct step *step = &template->steps[i];

		step->field = find_field(template->schema, &definition->elements[i]);
		step->length = definition->elements[i].length;
		step->offset = step->field ? step->field->offset : 0;
		step->how = how_of(step);
		template->minimum += step->length == VARIABLE ? 1 : step->length;
		if (step->field && !length_fits(step->field, step->length))
			return refuse(why, size, "template %u: %s of %u octets", definition->id,
				step->field->name, step->length);
	}
	measure_runs(template);
	if (!template->schema && !definition->scope)
		return refuse(why, size, "template %u is of no record known here", definition->id);
	return template->minimum
		       ? true
		       : refuse(why, size, "template %u: records without a byte", definition->id);
}

struct template *template_read(struct cursor *set, bool options, uint32_t *id, char *why,
	size_t size)
{
	struct definition definition;
	struct template *template;

	if (!read_definition(set, options, &definition, why, size))
		return NULL;
	template = x_calloc(1, sizeof(*template) + definition.count * sizeof(template->steps[0]));
	template->schema = find_schema(&definition);
	template->count = definition.count;
	*id = definition.id;
	if (plan(template, &definition, why, size))
		return template;
	free(template);
	return NULL;
}
