/*
 * record_layout.h: what a record becomes in the memory that libfixbuf reads, and the templates that tell libfixbuf of it.
 * Private to the writer (record.c).
 *
 * libfixbuf copies from an internal template (our memory) to an external one (the file). Both are built from the rows of
 * a schema; the internal one gets paddingOctets before its pointers, which libfixbuf reads as aligned structs. Numbers stand
 * in network order in both, so that there is nothing to turn (record_schema.h).
 *
 * Calling sequence: layout_of(), both templates into a session, layout_pack() for each record.
 */
#ifndef SPOOL_RECORD_LAYOUT_H
#define SPOOL_RECORD_LAYOUT_H

#include <fixbuf/public.h>
#include "spool/record_schema.h"

#define LAYOUT_BYTES  512 /* of the longest record in memory */
#define LAYOUT_LABELS 32  /* elements that are labels have lower numbers */

struct place {
	uint16_t from, to;
	uint8_t how;   /* enum how */
	uint8_t label; /* number of a label's element */
	uint16_t size; /* of a text's member */
};

/* Where the rows of a schema stand in that memory, and the templates that say so. */
struct layout {
	struct place places[SCHEMA_FIELDS_MAX];
	unsigned count;
	uint16_t size;
	fbTemplate_t *internal, *external;
};

/* The text of a label, which is often that of the record before. */
struct label {
	uint32_t id;
	fbVarfield_t text;
};

/* What varies in length in the record at hand. */
struct parts {
	struct label labels[LAYOUT_LABELS]; /* by number of the element */
	fbSubTemplateList_t list;
};

/* layout_elements(): all there are; the same for all files. */
fbInfoModel_t *layout_elements(void);
/* layout_of(): the same for all files, too; its templates are libfixbuf's, and stay until the process ends. */
const struct layout *layout_of(enum schema_index index);
/* layout_internal(): an internal template needs an id of its own: after a list libfixbuf takes the external one for both when
 * they agree. */
uint16_t layout_internal(enum schema_index index);
/* layout_pack(): RECORD with the list of PARTS becomes LAYOUT->size bytes at WIRE, valid as long as both. No label may be
 * forgotten (intern.h) while PARTS are in use. */
void layout_pack(const struct layout *layout, const void *record, struct parts *parts,
	uint8_t *wire);

#endif
