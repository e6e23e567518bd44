/* naming.c: gives each trace the name under which all later stages account for it. */
#include "capture/naming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int naming_begin(struct naming *naming, const struct capture *capture)
{
	ssize_t count;

	memset(naming, 0, sizeof(*naming));
	naming->capture = capture;
	count = capstate_list(&capture->spool, &naming->states);
	naming->state_count = count > 0 ? (size_t)count : 0;
	return count < 0 ? -1 : 0;
}

void naming_end(struct naming *naming)
{
	free(naming->states);
	namelist_free(&naming->chosen);
}

const struct capstate *naming_find(const struct naming *naming, const char *stream)
{
	for (size_t i = 0; i < naming->state_count; i++)
		if (strcmp(naming->states[i].probe, naming->capture->probe) == 0 &&
			strcmp(naming->states[i].stream, stream) == 0)
			return &naming->states[i];
	return NULL;
}

/* The one stream of a configuration that names none. */
static bool only_default(const struct config *config)
{
	return config->stream_count == 1 && strcmp(config->streams[0].name, "all") == 0;
}

/* How much of a stream's name may stand before ".<stream>" and the share. */
static size_t part_room(const struct config *config)
{
	size_t all = config->part.count > 1 ? SHARE_STREAM_MAX : NAME_PART_MAX, longest = 0;

	if (only_default(config))
		return all;
	for (size_t i = 0; i < config->stream_count; i++) {
		size_t length = strlen(config->streams[i].name);

		longest = length > longest ? length : longest;
	}
	return longest + 9 < all ? all - 1 - longest : 8;
}

static void stream_name(const struct config *config, const char *part, size_t index, char *out)
{
	char text[2 * NAME_PART_MAX + 2], name[NAME_PART_MAX + 1];

	if (only_default(config))
		snprintf(text, sizeof(text), "%s", part);
	else
		snprintf(text, sizeof(text), "%s.%s", part, config->streams[index].name);
	name_part_from(text, name);
	share_stream(&config->part, name, out);
}

/* The Nth try: "name", "name_2", … */
static void candidate(const struct config *config, const char *base, unsigned n, char *out)
{
	char suffix[16] = "", part[NAME_PART_MAX + 1];
	size_t room = part_room(config);

	if (n > 1)
		snprintf(suffix, sizeof(suffix), "_%u", n);
	name_part_from(base, part);
	snprintf(out, NAME_PART_MAX + 1, "%.*s%s", (int)(room - strlen(suffix)), part, suffix);
}

static bool is_free(const struct naming *naming, const char *part)
{
	const struct config *config = &naming->capture->config;
	char name[NAME_PART_MAX + 1];

	for (size_t i = 0; i < config->stream_count; i++) {
		stream_name(config, part, i, name);
		if (namelist_has(&naming->chosen, name) || naming_find(naming, name))
			return false;
	}
	return true;
}

/* Was this stream called <part>.<stream> before? */
static bool part_of(const struct config *config, const char *stream, char *part)
{
	char name[NAME_PART_MAX + 1];
	struct share share;
	size_t length = share_from(stream, &share);

	for (size_t i = 0; i < config->stream_count; i++) {
		size_t tail = only_default(config) ? 0 : 1 + strlen(config->streams[i].name);

		if (length <= tail)
			continue;
		snprintf(part, NAME_PART_MAX + 1, "%.*s", (int)(length - tail), stream);
		stream_name(config, part, i, name);
		if (strcmp(name, stream) == 0)
			return true;
	}
	return false;
}

static bool known_as(const struct naming *naming, const char *run, char *part)
{
	for (size_t i = 0; i < naming->state_count; i++) {
		const struct capstate *state = &naming->states[i];

		if (strcmp(state->run, run) == 0 &&
			strcmp(state->probe, naming->capture->probe) == 0 &&
			part_of(&naming->capture->config, state->stream, part))
			return true;
	}
	return false;
}

const struct capstate *naming_divided(const struct naming *naming, const struct trace *trace)
{
	for (size_t i = 0; i < naming->state_count; i++) {
		const struct capstate *state = &naming->states[i];
		struct share share;

		share_from(state->stream, &share);
		if (share.count != naming->capture->config.part.count &&
			strcmp(state->run, trace->run) == 0 &&
			strcmp(state->probe, naming->capture->probe) == 0)
			return state;
	}
	return NULL;
}

static void fill_state(const struct naming *naming, const struct trace *trace, const char *stream,
	struct capstate *state)
{
	const struct capstate *known = naming_find(naming, stream);

	memset(state, 0, sizeof(*state));
	if (known && strcmp(known->run, trace->run) == 0)
		*state = *known;
	snprintf(state->probe, sizeof(state->probe), "%s", naming->capture->probe);
	snprintf(state->stream, sizeof(state->stream), "%s", stream);
	snprintf(state->run, sizeof(state->run), "%s", trace->run);
}

void naming_choose(struct naming *naming, const struct trace *trace, struct capstate *states)
{
	const struct config *config = &naming->capture->config;
	char part[NAME_PART_MAX + 1], name[NAME_PART_MAX + 1];
	unsigned n = 1;

	if (!known_as(naming, trace->run, part))
		for (candidate(config, trace->base, n, part); !is_free(naming, part); n++)
			candidate(config, trace->base, n + 1, part);
	for (size_t i = 0; i < config->stream_count; i++) {
		stream_name(config, part, i, name);
		namelist_add(&naming->chosen, name);
		fill_state(naming, trace, name, &states[i]);
	}
}
