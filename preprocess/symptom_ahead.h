/*
 * symptom_ahead.h: which payloads in a buffer full of packets need to be scanned? Most show nothing, and each scan has a
 * price of its own beside that of its bytes. So the buffer is scanned once, headers and all, for what may begin anywhere, or
 * for the text that it begins with; what asks for the start of a payload is told by the first bytes there. A payload in which
 * something may be is scanned as ever, so that nothing is found in another way.
 *
 *	ahead_add(&ahead, &pattern, &bytes);	for each pattern of any port, once
 *	if (ahead_pays(&ahead)) …		compile SYMPTOM_SET_AHEAD
 *	ahead_look(&ahead, database, scratch, buffer, size);
 *	if (ahead_shows(&ahead, payload, size))
 *		something may be in PAYLOAD, which lies in BUFFER: scan it
 *
 * A payload that lies elsewhere is to be scanned. Where every second one is to be, a look does not pay, and
 * some buffers are not looked at: one, three, up to AHEAD_REST.
 */
#ifndef PREPROCESS_SYMPTOM_AHEAD_H
#define PREPROCESS_SYMPTOM_AHEAD_H

#include <hs.h>
#include "preprocess/symptom_first.h"

#define AHEAD_MAX    (1u << 20) /* bytes of a buffer; a larger one is not looked at */
#define AHEAD_LINE   64		/* bytes; it is remembered in which of them a match ends */
#define AHEAD_REST   255
#define AHEAD_GROUPS 32

struct symptom_ahead {
	bool off; /* there is a pattern with which it does not pay */
	/*
	 * Patterns that ask for a start are in groups. Of one, groups[…][i] are the bytes that may stand at i; the other
	 * way round, leads[i][byte] has a bit for each group in which BYTE may.
	 */
	struct byteset groups[AHEAD_GROUPS][SYMPTOM_LEAD];
	uint32_t leads[SYMPTOM_LEAD][256];
	const uint8_t *bytes; /* the buffer; NULL: none was looked at */
	size_t size;
	uint32_t asked, shown;	/* payloads in it */
	uint32_t marked, most;	/* lines; with more than MOST it does not pay */
	uint32_t rest, resting; /* buffers: after the last look that did not pay; of them to come */
	uint64_t lines[AHEAD_MAX / AHEAD_LINE / 64];
};

/* ahead_add(): BYTES is of PATTERN, which gets what is to be looked for (`ahead`) unless its start tells. */
void ahead_add(struct symptom_ahead *ahead, struct symptom_pattern *pattern,
	const struct symptom_bytes *bytes);
/* ahead_pays(): not where a pattern takes long to be looked for, or many payloads begin as some patterns do. */
bool ahead_pays(const struct symptom_ahead *ahead);
/* ahead_look(): DATABASE may be NULL: nothing may begin anywhere. */
void ahead_look(struct symptom_ahead *ahead, const hs_database_t *database, hs_scratch_t *scratch,
	const uint8_t *bytes, size_t size);
bool ahead_shows(struct symptom_ahead *ahead, const uint8_t *payload, size_t size);

#endif
