/*
 * http.c: finds the host of an HTTP/1 request. Behind decode.
 */
#include "preprocess/http.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "preprocess/cursor.h"

/* take_line(): up to the next line feed; the line's end is not part of it. A line that is cut
 * off is none. */
static bool take_line(struct cursor *cursor, struct cursor *line)
{
	const uint8_t *feed = memchr(cursor->at, '\n', cursor_left(cursor));

	if (!feed)
		return false;
	*line = (struct cursor){.at = cursor->at, .end = feed};
	if (line->end > line->at && line->end[-1] == '\r')
		line->end--;
	cursor->at = feed + 1;
	return true;
}

/* is_request(): RFC 9112, section 3: a method, a target and HTTP/1.x. */
static bool is_request(const struct cursor *line)
{
	const uint8_t *at = line->at;

	while (at < line->end && (isupper(*at) || *at == '-'))
		at++;
	return at > line->at && line->end - at > 10 && *at == ' ' &&
	       !memcmp(line->end - 9, " HTTP/1.", 8);
}

/* authority(): host, maybe with ":port" behind it and blanks around it. */
static size_t authority(const uint8_t *text, const uint8_t *end, char *out)
{
	const uint8_t *port;

	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (port = end; port > text && isdigit(port[-1]); port--)
		;
	if (port > text && port[-1] == ':')
		end = port - 1;
	return hostname_keep(text, (size_t)(end - text), out);
}

size_t http_host(const uint8_t *payload, size_t size, char out[HOST_NAME_SIZE])
{
	struct cursor cursor = {.at = payload, .end = payload + size}, line;

	/* Most payloads are told from a request by their first byte. */
	if (!size || payload[0] < 'A' || payload[0] > 'Z' || !take_line(&cursor, &line) ||
		!is_request(&line))
		return 0;
	if (cursor_left(&line) > 8 && !memcmp(line.at, "CONNECT ", 8))
		return authority(line.at + 8, line.end - 9, out);
	while (take_line(&cursor, &line) && cursor_left(&line))
		if (cursor_left(&line) > 5 && !strncasecmp((const char *)line.at, "host:", 5))
			return authority(line.at + 5, line.end, out);
	return 0;
}
