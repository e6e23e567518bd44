/*
 * tls.c: reads a ClientHello. Behind decode; hello.c keeps what came in several segments, and
 * quic.c takes it out of encrypted packets.
 */
#include "preprocess/tls.h"

#include <stdbool.h>
#include <string.h>
#include "preprocess/cursor.h"

enum { HANDSHAKE = 22, CLIENT_HELLO = 1, RECORD_HEAD = 5, HANDSHAKE_HEAD = 4, SERVER_NAME = 0 };

/* step(): over a field with a length of WIDTH bytes before it; false when it is not all there. */
static bool step(struct cursor *cursor, size_t width)
{
	const uint8_t *length = cursor_take(cursor, width);

	return length && cursor_take(cursor, width == 1 ? length[0] : get16(length));
}

/* server_name(): RFC 6066, section 3: a list of typed names; type 0 is a host name. */
static void server_name(struct cursor list, char *out)
{
	const uint8_t *head = cursor_take(&list, 5), *name;
	size_t size;

	if (!head || head[2] != 0)
		return;
	size = get16(head + 3);
	name = cursor_take(&list, size);
	if (name)
		hostname_keep(name, size, out);
}

static void extensions(struct cursor cursor, char *out)
{
	const uint8_t *head = cursor_take(&cursor, 2);

	if (!head)
		return;
	cursor_limit(&cursor, get16(head));
	while ((head = cursor_take(&cursor, 4))) {
		struct cursor body = cursor;
		cursor_limit(&body, get16(head + 2));
		if (get16(head) == SERVER_NAME) {
			server_name(body, out);
			return;
		}
		if (!cursor_take(&cursor, get16(head + 2)))
			return;
	}
}

enum tls_found tls_handshake(const uint8_t *message, size_t size, struct client_hello *hello)
{
	struct cursor cursor = {.at = message, .end = message + size};
	const uint8_t *head = cursor_take(&cursor, HANDSHAKE_HEAD);
	size_t length;

	hello->name[0] = 0;
	if (size && message[0] != CLIENT_HELLO)
		return TLS_NONE;
	if (!head)
		return TLS_SHORT;
	length = (size_t)head[1] << 16 | get16(head + 2);
	cursor_limit(&cursor, length);
	hello->body = cursor.at;
	hello->size = cursor_left(&cursor);
	/* Version, random, session id, cipher suites, compression methods. */
	if (cursor_take(&cursor, 2 + 32) && step(&cursor, 1) && step(&cursor, 2) &&
		step(&cursor, 1))
		extensions(cursor, hello->name);
	return hello->size == length ? TLS_HELLO : TLS_SHORT;
}

/* is_record(): of the handshake, version 3.x (RFC 8446, 5.1), as far as its head is there. */
static bool is_record(const uint8_t *head, size_t size)
{
	return (size < 1 || head[0] == HANDSHAKE) && (size < 2 || head[1] == 3) &&
	       (size < 3 || head[2] <= 4);
}

/* join(): the handshake bytes of all records. */
static size_t join(struct cursor stream, uint8_t out[TLS_HELLO_MAX])
{
	const uint8_t *head;
	size_t used = 0;

	while ((head = cursor_take(&stream, RECORD_HEAD)) && is_record(head, RECORD_HEAD)) {
		struct cursor record = stream;
		size_t size;
		cursor_limit(&record, get16(head + 3));
		size = cursor_left(&record);
		size = size < TLS_HELLO_MAX - used ? size : TLS_HELLO_MAX - used;
		memcpy(out + used, record.at, size);
		used += size;
		stream.at = record.end;
	}
	return used;
}

enum tls_found tls_records(const uint8_t *stream, size_t size, struct client_hello *hello)
{
	struct cursor cursor = {.at = stream, .end = stream + size};

	hello->name[0] = 0;
	if (!is_record(stream, size) || (size > RECORD_HEAD && stream[RECORD_HEAD] != CLIENT_HELLO))
		return TLS_NONE;
	return tls_handshake(hello->joined, join(cursor, hello->joined), hello);
}
