/*
 * position.h: where in policy.conf a byte of a setting's value stands.
 *
 * libconfig gives a value as one decoded string, and the line its setting begins in. In the file the value may be several
 * adjacent literals over several lines, with escapes (\" \\ \n \t \xHH …) and comments between them. position_find() reads
 * the file again from that line, looks for NAME = "…" whose decoded text is VALUE, and follows it to byte OFFSET.
 */
#ifndef CLASSIFY_POSITION_H
#define CLASSIFY_POSITION_H

#include <stdbool.h>
#include <stddef.h>

struct position {
	int line;   /* from 1 */
	int column; /* bytes, from 1; a tab is one */
};

/* position_find(): TEXT is the whole file. false when there is no such setting at or after LINE; AT is then LINE, column 1. */
bool position_find(const char *text, int line, const char *name, const char *value, size_t offset,
	struct position *at);

#endif
