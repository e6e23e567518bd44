/*
 * host.c: finds host names in single packets. Between decode and the symptoms, which match the
 * names against suffixes.
 *
 * The bytes come from anybody. Each parser takes them from a cursor that checks lengths, and
 * what a sender claims is cut to what is there, so a truncated packet gives its name when the
 * name was captured and none otherwise.
 */
#include "preprocess/host.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "preprocess/cursor.h"

#define NAME_LONGEST 253

static bool legal(uint8_t byte)
{
	return isalnum(byte) || byte == '-' || byte == '_';
}

/* keep(): checks NAME, whose bytes are not ours, and copies it. */
static size_t keep(const uint8_t *name, size_t size, char *out)
{
	if (size && name[size - 1] == '.')
		size--;
	if (!size || size > NAME_LONGEST || name[0] == '.')
		return 0;
	for (size_t i = 0; i < size; i++) {
		bool dot = name[i] == '.' && i + 1 < size && name[i - 1] != '.';
		if (!dot && (name[i] >= 0x80 || !legal(name[i])))
			return 0;
	}
	for (size_t i = 0; i < size; i++)
		out[i] = (char)tolower(name[i]);
	out[size] = 0;
	return size;
}

/* step(): over a field with a length of WIDTH bytes before it; false when it is not all there. */
static bool step(struct cursor *cursor, size_t width)
{
	const uint8_t *length = cursor_take(cursor, width);

	return length && cursor_take(cursor, width == 1 ? length[0] : get16(length));
}

/* ---- DNS ---- */

/* question(): RFC 1035, 4.1.2: labels up to an empty one. A first name has nothing before it to
 * point to. */
static size_t question(struct cursor *cursor, char *out)
{
	uint8_t name[NAME_LONGEST + 2];
	size_t size = 0;

	for (;;) {
		const uint8_t *length = cursor_take(cursor, 1), *label;
		if (!length || *length > 63)
			return 0;
		if (!*length)
			return keep(name, size, out);
		label = cursor_take(cursor, *length);
		if (!label || memchr(label, '.', *length) || size + *length + 1 > sizeof(name))
			return 0;
		memcpy(name + size, label, *length);
		size += *length;
		name[size++] = '.';
	}
}

static size_t dns(struct cursor cursor, char *out)
{
	const uint8_t *header = cursor_take(&cursor, 12);

	/* Opcodes end at 6 (RFC 8490), a packet has few questions: other things run on port 53,
	 * too. */
	if (!header || (header[2] >> 3 & 15) > 6 || !get16(header + 4) || get16(header + 4) > 64)
		return 0;
	return question(&cursor, out);
}

static size_t dns_over_tcp(struct cursor cursor, char *out)
{
	return cursor_take(&cursor, 2) ? dns(cursor, out) : 0;
}

/* ---- TLS ---- */

/* server_name(): RFC 6066, section 3: a list of typed names; type 0 is a host name. */
static size_t server_name(struct cursor list, char *out)
{
	const uint8_t *head = cursor_take(&list, 5), *name;
	size_t size;

	if (!head || head[2] != 0)
		return 0;
	size = get16(head + 3);
	name = cursor_take(&list, size);
	return name ? keep(name, size, out) : 0;
}

static size_t extensions(struct cursor cursor, char *out)
{
	const uint8_t *head = cursor_take(&cursor, 2);

	if (!head)
		return 0;
	cursor_limit(&cursor, get16(head));
	while ((head = cursor_take(&cursor, 4))) {
		struct cursor body = cursor;
		cursor_limit(&body, get16(head + 2));
		if (get16(head) == 0)
			return server_name(body, out);
		if (!cursor_take(&cursor, get16(head + 2)))
			return 0;
	}
	return 0;
}

/* client_hello(): RFC 8446, 4.1.2; the cursor stands at legacy_version. */
static size_t client_hello(struct cursor cursor, char *out)
{
	if (!cursor_take(&cursor, 2 + 32) || !step(&cursor, 1) || !step(&cursor, 2) ||
		!step(&cursor, 1))
		return 0;
	return extensions(cursor, out);
}

/* tls(): record type 22, version 3.x (RFC 8446, 5.1), holding the start of a handshake message
 * of type 1. */
static size_t tls(struct cursor cursor, char *out)
{
	const uint8_t *record = cursor_take(&cursor, 5), *handshake;

	if (!record || record[0] != 22 || record[1] != 3 || record[2] > 4)
		return 0;
	cursor_limit(&cursor, get16(record + 3));
	handshake = cursor_take(&cursor, 4);
	if (!handshake || handshake[0] != 1)
		return 0;
	cursor_limit(&cursor, (size_t)handshake[1] << 16 | get16(handshake + 2));
	return client_hello(cursor, out);
}

/* ---- HTTP/1 ---- */

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
	return keep(text, (size_t)(end - text), out);
}

static size_t http(struct cursor cursor, char *out)
{
	struct cursor line;

	if (!take_line(&cursor, &line) || !is_request(&line))
		return 0;
	if (cursor_left(&line) > 8 && !memcmp(line.at, "CONNECT ", 8))
		return authority(line.at + 8, line.end - 9, out);
	while (take_line(&cursor, &line) && cursor_left(&line))
		if (cursor_left(&line) > 5 && !strncasecmp((const char *)line.at, "host:", 5))
			return authority(line.at + 5, line.end, out);
	return 0;
}

/* ---- which of them ---- */

struct finder {
	uint8_t proto;
	uint16_t port; /* 0: any */
	size_t (*find)(struct cursor cursor, char *out);
};

static const struct finder finders[] = {
	{IPPROTO_UDP, 53, dns},
	{IPPROTO_UDP, 5353, dns},
	{IPPROTO_UDP, 5355, dns},
	{IPPROTO_TCP, 53, dns_over_tcp},
	{IPPROTO_TCP, 0, tls},
	{IPPROTO_TCP, 0, http},
};

size_t host_name(const uint8_t *payload, size_t size, uint8_t proto, uint16_t sport, uint16_t dport,
	char out[HOST_NAME_SIZE])
{
	struct cursor cursor = {.at = payload, .end = payload + size};

	out[0] = 0;
	for (size_t i = 0; i < sizeof(finders) / sizeof(*finders) && size; i++) {
		const struct finder *finder = &finders[i];
		size_t found;
		if (finder->proto != proto ||
			(finder->port && finder->port != sport && finder->port != dport))
			continue;
		found = finder->find(cursor, out);
		if (found)
			return found;
	}
	return 0;
}
