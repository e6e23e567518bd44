/* share.c: the name of a share, from mira.conf through the stream's name to the report. */
#include "spool/share.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX_MAX 32

static bool valid(const struct share *share)
{
	return share->number >= 1 && share->number <= share->count && share->count <= SHARE_MAX;
}

/* Reads "k<BETWEEN>n", which must print back to the same text: no signs, no zeros in front. */
static bool scan(const char *text, const char *between, struct share *share)
{
	char format[16], again[32];

	snprintf(format, sizeof(format), "%%2u%s%%2u", between);
	if (sscanf(text, format, &share->number, &share->count) != 2 || !valid(share))
		return false;
	snprintf(again, sizeof(again), "%u%s%u", share->number, between, share->count);
	return strcmp(again, text) == 0;
}

bool share_parse(const char *text, struct share *share)
{
	*share = (struct share){1, 1};
	return !*text || scan(text, "/", share);
}

size_t share_from(const char *stream, struct share *share)
{
	const char *dot = strrchr(stream, '.');

	if (dot && dot > stream && scan(dot + 1, "of", share) && share->count > 1)
		return (size_t)(dot - stream);
	*share = (struct share){1, 1};
	return strlen(stream);
}

void share_stream(const struct share *share, const char *stream, char *out)
{
	char suffix[SUFFIX_MAX] = "";
	struct share looks;

	share_from(stream, &looks);
	if (share->count > 1)
		snprintf(suffix, sizeof(suffix), ".%uof%u", share->number, share->count);
	else if (looks.count > 1)
		strcpy(suffix, "_");
	snprintf(out, NAME_PART_MAX + 1, "%.*s%s", NAME_PART_MAX - (int)strlen(suffix), stream,
		suffix);
}
