/*
 * share.h: which part of a link one capture takes, when several hosts divide it: share k of n.
 *
 * The captures of a link bear the same probe name, for they watch the same place; the stream of each
 * says whose it is: "all.2of3" is what the second of three takes of stream "all". So two captures of
 * one share are two of one stream, and refused as such (capstate.h), while the flows of all shares
 * say the same of themselves as those of one capture would.
 *
 * Each share sees the whole link and counts what belongs to others as filtered. Who adds up what was
 * seen divides it by the number of shares (SHARE_SEEN, SHARE_FILTERED).
 */
#ifndef SPOOL_SHARE_H
#define SPOOL_SHARE_H

#include <stdbool.h>
#include "spool/names.h"

#define SHARE_MAX	 99
#define SHARE_STREAM_MAX 41 /* bytes of a stream's name that leave room for ".99of99" */

struct share {
	unsigned number, count; /* 1 of 1 is all of the link */
};

/* share_parse(): "2/3", or "" for all; false for anything else. */
bool share_parse(const char *text, struct share *share);
/* share_stream(): the name of the stream that SHARE takes of STREAM, in OUT (NAME_PART_MAX + 1); its
 * end is cut where it gets too long. One that is not shared never looks as if it were. */
void share_stream(const struct share *share, const char *stream, char *out);
/* share_from(): the share that a stream's name tells; 1 of 1 where it tells none. Returns the length
 * of the name before it. */
size_t share_from(const char *stream, struct share *share);

/* SQL over columns stream, packets_seen and packets_filtered of the ledger: sums that count the
 * packets of a link once, however many shared it. SHARE_COUNT is n of such a stream, else 1. */
#define SHARE_COUNT                                                                                \
	"iif(stream GLOB '*.[0-9]of[0-9]' OR stream GLOB '*.[0-9]of[0-9][0-9]'"                    \
	" OR stream GLOB '*.[0-9][0-9]of[0-9][0-9]',"                                              \
	" CAST(substr(stream, length(rtrim(stream, '0123456789')) + 1) AS INTEGER), 1)"
#define SHARE_SEEN "CAST(round(coalesce(sum(1.0 * packets_seen / " SHARE_COUNT "), 0)) AS INTEGER)"
/* what is not seen / n is of other shares: taken off both, so seen = captured + filtered + … */
#define SHARE_FILTERED                                                                             \
	"coalesce(sum(packets_filtered), 0) - coalesce(sum(packets_seen), 0) + " SHARE_SEEN

#endif
