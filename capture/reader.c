/* reader.c: chooses the format of a trace by its first bytes; the packets then come from pcap.c
 * or pcapng.c. */
#include "capture/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/format.h"
#include "spool/linktype.h"
#include "spool/log.h"

static const struct format *const formats[] = {&format_pcap, &format_pcapng};

static const struct format *format_of(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (formats[i]->knows(head, size))
			return formats[i];
	return NULL;
}

bool reader_knows(const uint8_t *head, size_t size)
{
	return format_of(head, size) != NULL;
}

int reader_damage(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->why, sizeof(reader->why), format, arguments);
	va_end(arguments);
	return -2;
}

int reader_short(struct reader *reader, uint64_t need)
{
	const struct feed *feed = reader->feed;

	if (feed->error == -1)
		return -1;
	if (feed->error == -2)
		return reader_damage(reader, "at byte %" PRIu64 ": %.*s", feed_offset(feed),
			FEED_WHY - 40, feed->why);
	if (feed_left(feed) == 0)
		return 0;
	return reader_damage(reader,
		"cut at byte %" PRIu64 ": the record there takes %" PRIu64 " bytes, %zu are left",
		feed_offset(feed), need, feed_left(feed));
}

void reader_first_linktype(struct reader *reader, uint32_t linktype)
{
	if (reader->has_linktype)
		return;
	reader->has_linktype = true;
	reader->linktype = linktype;
}

uint32_t reader_linktype(const struct reader *reader)
{
	return reader->has_linktype ? reader->linktype : LINKTYPE_EN10MB;
}

static const char *no_format(const struct feed *feed)
{
	if (feed->error == -1)
		return strerror(feed->saved_errno);
	if (feed->error == -2)
		return feed->why;
	return feed_left(feed) ? "it is neither pcap nor pcapng" : "it is empty";
}

struct reader *reader_open(struct feed *feed, char *why)
{
	const uint8_t *head = feed_look(feed, READER_HEAD_BYTES);
	const struct format *format = head ? format_of(head, READER_HEAD_BYTES)
					   : format_of(feed->data + feed->at, feed_left(feed));
	struct reader *reader;
	int result;

	if (!format) {
		snprintf(why, FEED_WHY, "%s", no_format(feed));
		return NULL;
	}
	reader = x_calloc(1, sizeof(*reader));
	reader->format = format;
	reader->feed = feed;
	result = format->open(reader);
	if (!result)
		return reader;
	snprintf(why, FEED_WHY, "%s", result == -1 ? strerror(errno) : reader->why);
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	reader->format->close(reader);
	free(reader);
}

int reader_next(struct reader *reader, struct packet *packet)
{
	return reader->format->next(reader, packet);
}

const char *reader_why(const struct reader *reader)
{
	return reader->why;
}
