/*
 * symptom_where.h: what a symptom asks of a packet beside its payload: addresses, ports of either
 * end, direction. Written behind the symptom's name:
 *
 *	src LIST dst LIST	prefixes, comma-joined; behind '!' such as it must not lie in
 *	sport LIST dport LIST	as `port`, of one end
 *	twoway			those four may also hold with source and destination exchanged
 *	to server|client	the packet goes there
 *	established		a TCP packet with ACK, without SYN and RST
 *
 * They hold for payload patterns and host names.
 */
#ifndef PREPROCESS_SYMPTOM_WHERE_H
#define PREPROCESS_SYMPTOM_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/record.h"

struct symptom_line;

enum symptom_side { SIDE_ANY, SIDE_SERVER, SIDE_CLIENT, SIDE_UNKNOWN };

struct symptom_where;

/* where_parse(): the restriction WORD, the cursor stands behind it; *WHERE is made when NULL. 1
 * when it was read, 0 when WORD is none of them, -1 after line_refuse(). */
int where_parse(struct symptom_line *line, const char *word, size_t size,
	struct symptom_where **where);
void where_free(struct symptom_where *where);
/* where_fits(): SIDE is where the packet goes: SIDE_UNKNOWN fits either. WHERE may be NULL. */
bool where_fits(const struct symptom_where *where, const struct flowkey *key, uint16_t tcp_flags,
	enum symptom_side side);

#endif
