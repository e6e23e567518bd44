/*
 * symptom_across.c: looks at patterns before symptom_compile.c puts them into the database that
 * scans the borders between packets.
 *
 * What is remembered of a stream begins anywhere, which Hyperscan takes for the start of a payload.
 * A pattern with an anchor must not be deceived by that: it takes part when it cannot reach from
 * there over the border.
 */
#include "preprocess/symptom_across.h"

#include <hs.h>
#include <stdlib.h>
#include <string.h>

struct shape {
	bool anchor; /* somewhere in it is one: ^ \A \b \B */
	bool start;  /* ^ stands first, and behind each | outside of all groups */
};

/* end_of_class(): a ] that comes first is a member. */
static const char *end_of_class(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	for (at += *at == ']'; *at && *at != ']'; at++)
		at += *at == '\\' && at[1];
	return *at ? at : at - 1;
}

static struct shape shape_of(const char *at)
{
	struct shape shape = {.start = *at == '^'};
	int depth = 0;

	for (; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			shape.anchor |= strchr("AbBG", *at) != NULL;
			continue;
		}
		if (*at == '[')
			at = end_of_class(at);
		depth += (*at == '(') - (*at == ')');
		shape.anchor |= *at == '^';
		shape.start &= *at != '|' || depth > 0 || at[1] == '^';
	}
	return shape;
}

static bool starts(const struct symptom_pattern *pattern, struct shape shape)
{
	return shape.start && !(pattern->flags & HS_FLAG_MULTILINE);
}

bool symptom_starts(const struct symptom_pattern *pattern)
{
	return starts(pattern, shape_of(pattern->expression));
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How long a match is. Hyperscan takes long to tell, and is asked where symptom_first.c does not know. */
struct widths {
	uint32_t least, most;
};

static bool measure(const struct symptom_pattern *pattern, const struct symptom_bytes *bytes,
	struct widths *widths)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;

	if (bytes->measured) {
		*widths = (struct widths){bytes->least, bytes->most};
		return true;
	}
	if (hs_expression_info(pattern->expression, pattern->flags, &info, &error)) {
		hs_free_compile_error(error); /* it is refused where all patterns are compiled */
		return false;
	}
	*widths = (struct widths){info->min_width, info->max_width};
	free(info);
	return true;
}

/*
 * One of a fixed length is reported wherever it ends. One of several lengths ends where it ends
 * first: what could be added to it in the next packet is not found once more.
 */
static void cross(struct symptom_crossing *crossing, bool anchor, const struct widths *widths)
{
	crossing->anywhere =
		widths->least <= 2 * SYMPTOM_REACH && (!anchor || widths->most <= SYMPTOM_REACH);
	if (!crossing->anywhere)
		return;
	if (widths->least != widths->most)
		crossing->flags |= HS_FLAG_SINGLEMATCH;
	crossing->reach = least(widths->most, SYMPTOM_REACH);
}

/*
 * What is found anywhere is found at the start of a payload, too: but for what asks for that start,
 * and what has several lengths and ended once before it.
 */
static uint32_t start_reach(const struct symptom_crossing *crossing, bool anchor,
	const struct widths *widths)
{
	bool fixed = widths->least == widths->most;

	if (widths->least > SYMPTOM_ROOM || (crossing->anywhere && fixed && !anchor))
		return 0;
	return least(widths->most, SYMPTOM_REACH + 1);
}

void symptom_cross(struct symptom_pattern *pattern, const struct symptom_bytes *bytes)
{
	struct symptom_crossing *crossing = &pattern->crossing;
	struct shape shape = shape_of(pattern->expression);
	struct widths widths;

	*crossing = (struct symptom_crossing){.flags = pattern->flags};
	if (!measure(pattern, bytes, &widths))
		return;
	if (!starts(pattern, shape))
		cross(crossing, shape.anchor, &widths);
	crossing->start_reach = start_reach(crossing, shape.anchor, &widths);
}
