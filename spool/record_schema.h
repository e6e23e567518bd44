/*
 * record_schema.h: the layout of each record as a table, shared by the writer (record.c) and the reader
 * (record_read.c) and by nobody else. Manual page: mira-ipfix(5).
 *
 * A row ties one IPFIX information element to one member of a struct of record.h. A schema is a table of rows and a
 * mask; a row belongs to the schema when all bits of its ONLY are in the mask. Rows stand in the order of the file.
 * An element is identified by private enterprise number (0: IANA's) and number; RFC 5103 gives IANA's elements a
 * reverse under PEN 29305, ours have it at number | 0x4000 under our own PEN.
 */
#ifndef SPOOL_RECORD_SCHEMA_H
#define SPOOL_RECORD_SCHEMA_H

#include "spool/record.h"

#define PEN_MIRA      32473 /* reserved for documentation, RFC 5612 */
#define PEN_REVERSE   29305
#define REVERSE_BIT   0x4000
#define RECORD_DOMAIN 1

enum field_kind {
	FIELD_UINT,	/* unsigned integer of any size */
	FIELD_BOOL,	/* RFC 7011: 1 is true, 2 is false */
	FIELD_FLOAT,	/* double */
	FIELD_ADDRESS,	/* bytes in network order */
	FIELD_LABEL,	/* text in the file, intern id in the struct */
	FIELD_TEXT,	/* text in the file, char array in the struct */
	FIELD_SYMPTOMS, /* subTemplateList (RFC 6313) of symptom records */
};

enum only {
	ONLY_IP4 = 1,
	ONLY_IP6 = 2,
	ONLY_BIFLOW = 4,
	ONLY_VERDICT = 8,
	ONLY_NAMED = 16,  /* the host name */
	ONLY_LISTED = 32, /* the list of symptoms */
	ONLY_LABELLED =
		64, /* what most records can do without: the other labels, version, sampling */
};

struct field {
	const char *name;
	uint32_t pen;
	uint16_t number;
	uint8_t kind;	       /* enum field_kind */
	uint8_t length;	       /* octets in the file, 0: variable */
	uint8_t only;	       /* enum only */
	bool needed;	       /* a template without it is not of this schema */
	uint16_t offset, size; /* of the member */
};

/* A symptom's number in one file: counts from 1 in order of first use. */
struct symptom_name {
	uint32_t id;
	uint32_t name; /* intern id */
};

/* The last record of every file: without it the file was cut off. */
struct record_end {
	uint32_t domain;
	uint64_t flows; /* flow or biflow records in the file */
};

enum schema_role { ROLE_FLOW, ROLE_BIFLOW, ROLE_LEDGER, ROLE_NAME, ROLE_END, ROLE_SYMPTOM };

/*
 * Of each kind of record there are five shapes, each for IPv4 and IPv6: plain, with the host name, with that and symptoms, with all
 * labels, with everything.
 */
#define SCHEMA_SHAPES 10
enum schema_index {
	SCHEMA_PLAIN_FLOW4,
	SCHEMA_PLAIN_FLOW6,
	SCHEMA_NAMED_FLOW4,
	SCHEMA_NAMED_FLOW6,
	SCHEMA_LISTED_FLOW4,
	SCHEMA_LISTED_FLOW6,
	SCHEMA_LABELLED_FLOW4,
	SCHEMA_LABELLED_FLOW6,
	SCHEMA_FLOW4,
	SCHEMA_FLOW6,
	SCHEMA_PLAIN_BIFLOW4,
	SCHEMA_PLAIN_BIFLOW6,
	SCHEMA_NAMED_BIFLOW4,
	SCHEMA_NAMED_BIFLOW6,
	SCHEMA_LISTED_BIFLOW4,
	SCHEMA_LISTED_BIFLOW6,
	SCHEMA_LABELLED_BIFLOW4,
	SCHEMA_LABELLED_BIFLOW6,
	SCHEMA_BIFLOW4,
	SCHEMA_BIFLOW6,
	SCHEMA_PLAIN_VERDICT4,
	SCHEMA_PLAIN_VERDICT6,
	SCHEMA_NAMED_VERDICT4,
	SCHEMA_NAMED_VERDICT6,
	SCHEMA_LISTED_VERDICT4,
	SCHEMA_LISTED_VERDICT6,
	SCHEMA_LABELLED_VERDICT4,
	SCHEMA_LABELLED_VERDICT6,
	SCHEMA_VERDICT4,
	SCHEMA_VERDICT6,
	SCHEMA_LEDGER,
	SCHEMA_NAME,
	SCHEMA_END,
	SCHEMA_FLOW_SYMPTOM,
	SCHEMA_BIFLOW_SYMPTOM,
	SCHEMA_COUNT
};

struct schema {
	const char *name;
	uint16_t template_id;
	uint16_t scope; /* scope fields of an options template, 0: a data template */
	uint8_t mask;	/* enum only */
	enum schema_role role;
	const struct field *fields;
	size_t field_count;
};
extern const struct schema schemas[SCHEMA_COUNT];

#define SCHEMA_FIELDS_MAX 40 /* rows of the longest schema, and some */

/* schema_has(): does row FIELD belong to SCHEMA? */
static inline bool schema_has(const struct schema *schema, const struct field *field)
{
	return (field->only & ~schema->mask) == 0;
}

/* schema_describe(): adds our own elements, as RFC 5610 describes them, to libfixbuf's MODEL. */
struct fbInfoModel_st;
void schema_describe(struct fbInfoModel_st *model);
/* schema_in_network_order(): MODEL takes it that all numbers of the schemas stand in network order already: libfixbuf copies,
 * where it would turn them byte by byte. Only for a writer that turns them itself. */
void schema_in_network_order(struct fbInfoModel_st *model);

#endif
