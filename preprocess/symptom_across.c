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

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * One of a fixed length is reported wherever it ends. One of several lengths ends where it ends
 * first: what could be added to it in the next packet is not found once more.
 */
static void cross(struct symptom_crossing *crossing, bool anchor, const hs_expr_info_t *info)
{
	crossing->anywhere = info->min_width <= 2 * SYMPTOM_REACH &&
			     (!anchor || info->max_width <= SYMPTOM_REACH);
	if (!crossing->anywhere)
		return;
	if (info->min_width != info->max_width)
		crossing->flags |= HS_FLAG_SINGLEMATCH;
	crossing->reach = least(info->max_width, SYMPTOM_REACH);
}

/*
 * What is found anywhere is found at the start of a payload, too: but for what asks for that start,
 * and what has several lengths and ended once before it.
 */
static uint32_t start_reach(const struct symptom_crossing *crossing, bool anchor,
	const hs_expr_info_t *info)
{
	bool fixed = info->min_width == info->max_width;

	if (info->min_width > SYMPTOM_ROOM || (crossing->anywhere && fixed && !anchor))
		return 0;
	return least(info->max_width, SYMPTOM_REACH + 1);
}

static struct symptom_crossing crossing_of(const struct symptom_pattern *pattern)
{
	struct symptom_crossing crossing = {.flags = pattern->flags};
	struct shape shape = shape_of(pattern->expression);
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;

	if (hs_expression_info(pattern->expression, pattern->flags, &info, &error)) {
		hs_free_compile_error(error); /* it is refused where all patterns are compiled */
		return crossing;
	}
	if (!shape.start || pattern->flags & HS_FLAG_MULTILINE)
		cross(&crossing, shape.anchor, info);
	crossing.start_reach = start_reach(&crossing, shape.anchor, info);
	free(info);
	return crossing;
}

void symptom_cross(struct symptom_source *source)
{
	for (size_t i = 0; i < source->pattern_count; i++) {
		struct symptom_pattern *pattern = &source->patterns[i];
		uint8_t transports = source->rules[pattern->rule].transports;

		if (!pattern->chain && (!transports || transports & SYMPTOM_TCP))
			pattern->crossing = crossing_of(pattern);
	}
}
