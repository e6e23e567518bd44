/*
 * row.h: biflows as the rows of an SQL table that lives only while they pass: virtual table "biflow" (sqlite3_module),
 * one row per biflow that is shown, one column per property, then one per symptom that the policy names.
 *
 * Columns, in the order of row.c's table; mira-classify(8) documents them for those who write conditions. A symptom's column is
 * the number of packets with it: both directions of this window and what was carried from earlier ones; 0 if absent.
 *
 * And one column per class, its gate: 1 when a symptom that the class's condition names is not 0. Most conditions cannot be true
 * without one, and asking the gate is cheaper than asking for each symptom. No symptom's name has a blank, theirs have.
 *
 * The row is the biflow that row_show() was given, in place: nothing is copied, text is made when a condition asks for it.
 */
#ifndef CLASSIFY_ROW_H
#define CLASSIFY_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include "classify/memo.h"
#include "spool/names.h"
#include "spool/policy.h"
#include "spool/record.h"
#include "spool/text.h"

/* A column of which each row shows the packets of one symptom. */
struct row_symptom {
	const char *name; /* not owned */
	uint64_t packets;
	int fast;	 /* index of the fast list of this name, -1 for none */
	uint64_t *gates; /* bits: the classes that name it */
};

struct row {
	bool unknown; /* a trial: every column but the symptoms' is NULL */
	const struct biflow *biflow;
	bool fresh;				   /* it was not a row of the table yet */
	bool ended;				   /* there was none when the table went on */
	char src[TEXT_ADDRESS], dst[TEXT_ADDRESS]; /* "" until asked for */
	int fast;				   /* first fast list that counts, -1 for none */
	struct row_symptom *symptoms;
	uint32_t symptom_count;
	uint32_t *touched, touched_count;   /* symptoms that are not 0 */
	uint32_t *symptom_of, symptom_room; /* by intern id: index + 1 */
	uint64_t *open;			    /* bits: gates */
	size_t gate_count, gate_words;
	uint64_t *reads; /* by class: bits: the properties its condition reads */
	uint64_t asked;	 /* those of the classes that need no symptom */
};

/* row_init(): the columns of the symptoms NAMES (few: those used), and the fast lists of POLICY. NAMES must outlive the row. */
void row_init(struct row *row, const struct namelist *names, const struct policy *policy);
void row_free(struct row *row);
/* row_gate(): class CLASS names symptom SYMPTOM (index in NAMES). */
void row_gate(struct row *row, size_t class, size_t symptom);
/* row_reads(): class CLASS reads PROPERTIES (bits of row_property()); GATED: only when its gate is open. */
void row_reads(struct row *row, size_t class, uint64_t properties, bool gated);

/* row_show(): BIFLOW is the next row, a view; NULL: there is none. */
void row_show(struct row *row, const struct biflow *biflow);
/* row_key(): all that conditions could see of the row: two rows with the same key have the same decision. */
void row_key(const struct row *row, struct memo_key *key);

/* row_register(): makes table "biflow" known to DB. An SQLite code. */
int row_register(struct row *row, sqlite3 *db);
/* row_property(): number of the column NAME of every row, which no symptom may have; -1: there is none. */
int row_property(const char *name);

/* The column that holds row.fast or NULL; and the gate of a class, for printf. */
#define ROW_FAST_COLUMN "\"fast list\""
#define ROW_GATE_COLUMN "\"gate %d\""

#endif
