/*
 * dns.c: reads DNS messages. Behind decode; what is learned here names other flows (resolve.c).
 *
 * The bytes come from anybody: names are read through pointers that must lead backwards, so
 * reading ends, and of one message only so many records are looked at.
 */
#include "preprocess/dns.h"

#include <string.h>
#include "preprocess/cursor.h"

#define RECORDS		    64 /* looked at in one message */
#define CHAIN		    8  /* CNAME records that are followed */
#define NAME		    255
#define POINTER_TO_QUESTION 0xc00c /* which stands behind the header of 12 bytes */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, CLASS_IN = 1 };

/* A name in lower case with a dot behind each label. */
struct name {
	uint8_t text[NAME];
	size_t size;
};

/* A resource record; DATA is a cursor, for names in it point into the message. */
struct record {
	const struct name *owner; /* the question's, or OWN */
	struct name own;
	uint16_t type, class;
	uint32_t ttl_s;
	struct cursor data;
};

struct message {
	const uint8_t *start;
	struct cursor cursor;
	unsigned questions, answers;
	struct name question; /* the first one's */
};

static bool add_label(struct name *name, const uint8_t *label, size_t size)
{
	if (!label || name->size + size + 1 > NAME)
		return false;
	memcpy(name->text + name->size, label, size);
	name->size += size;
	name->text[name->size++] = '.';
	return true;
}

/* Makes its letters small; false when there are other dots in it than those behind its LABELS. */
static bool spell(struct name *name, unsigned labels)
{
	uint8_t dots = 0; /* it has no room for more */

	for (size_t i = 0; i < name->size; i++) {
		uint8_t byte = name->text[i];

		dots = (uint8_t)(dots + (byte == '.'));
		name->text[i] = (uint8_t)(byte - 'A') < 26 ? byte | 0x20 : byte;
	}
	return dots == labels;
}

/*
 * follow(): RFC 1035, 4.1.4: HIGH and the next byte are a pointer. It must lead to before *LOWEST,
 * which is where the name began, or where the pointer before it led.
 */
static bool follow(const uint8_t *start, struct cursor *at, uint8_t high, const uint8_t **lowest,
	struct cursor *behind)
{
	const uint8_t *low = cursor_take(at, 1), *target;

	if (!low)
		return false;
	if (!behind->at)
		*behind = *at;
	target = start + ((high & 63) << 8 | *low);
	if (target >= *lowest)
		return false;
	at->at = *lowest = target;
	return true;
}

/* read_name(): steps CURSOR behind the name. */
static bool read_name(const uint8_t *start, struct cursor *cursor, struct name *name)
{
	const uint8_t *lowest = cursor->at, *length;
	struct cursor at = *cursor, behind = {.at = NULL};
	unsigned labels = 0;

	for (name->size = 0; (length = cursor_take(&at, 1)) && *length;) {
		bool read = *length >= 0xc0 ? follow(start, &at, *length, &lowest, &behind)
			    : *length <= 63 ? add_label(name, cursor_take(&at, *length), *length)
					    : false;
		if (!read)
			return false;
		labels += *length <= 63;
	}
	*cursor = behind.at ? behind : at;
	return length && spell(name, labels);
}

/* Opcodes end at 6 (RFC 8490), a packet has few questions: other things run on port 53, too. */
static bool open_message(struct message *message, const uint8_t *bytes, size_t size)
{
	const uint8_t *header;

	message->start = bytes;
	message->cursor = (struct cursor){.at = bytes, .end = bytes + size};
	header = cursor_take(&message->cursor, 12);
	if (!header || (header[2] >> 3 & 15) > 6)
		return false;
	message->questions = get16(header + 4);
	message->answers = get16(header + 6);
	return message->questions && message->questions <= 64;
}

static bool read_question(struct message *message)
{
	return read_name(message->start, &message->cursor, &message->question);
}

size_t dns_question(const uint8_t *bytes, size_t size, char out[HOST_NAME_SIZE])
{
	struct message message;

	if (!open_message(&message, bytes, size) || !read_question(&message))
		return 0;
	return hostname_keep(message.question.text, message.question.size, out);
}

/* Most records point to the name of the question, which has been read. */
static bool read_owner(const struct message *message, struct cursor *cursor, struct record *record)
{
	const uint8_t *pointer = cursor_peek(cursor, 2);

	if (pointer && get16(pointer) == POINTER_TO_QUESTION) {
		cursor_take(cursor, 2);
		record->owner = &message->question;
		return true;
	}
	record->owner = &record->own;
	return read_name(message->start, cursor, &record->own);
}

static bool read_record(const struct message *message, struct cursor *cursor, struct record *record)
{
	const uint8_t *fixed;
	size_t size;

	if (!read_owner(message, cursor, record) || !(fixed = cursor_take(cursor, 10)))
		return false;
	record->type = get16(fixed);
	record->class = get16(fixed + 2);
	record->ttl_s = get32(fixed + 4);
	size = get16(fixed + 8);
	record->data = *cursor;
	if (!cursor_take(cursor, size))
		return false;
	record->data.end = record->data.at + size;
	return true;
}

static bool same(const struct name *a, const struct name *b)
{
	return a->size == b->size && !memcmp(a->text, b->text, a->size);
}

/* each(): calls TAKE for the records of class IN that NAME owns, until it returns true. */
static bool each(const struct message *message, const struct name *name,
	bool (*take)(const struct message *message, const struct record *record, void *own),
	void *own)
{
	struct cursor cursor = message->cursor;
	struct record record;

	for (unsigned i = 0; i < message->answers && i < RECORDS; i++) {
		if (!read_record(message, &cursor, &record))
			return false;
		if (record.class == CLASS_IN && same(record.owner, name) &&
			take(message, &record, own))
			return true;
	}
	return false;
}

static bool take_alias(const struct message *message, const struct record *record, void *own)
{
	struct cursor data = record->data;
	struct name target;

	if (record->type != TYPE_CNAME || !read_name(message->start, &data, &target))
		return false;
	*(struct name *)own = target;
	return true;
}

static bool take_address(const struct message *message, const struct record *record, void *own)
{
	struct dns_answer *answer = own;
	size_t size = record->type == TYPE_A ? 4 : record->type == TYPE_AAAA ? 16 : 0;
	struct dns_address *address = &answer->addresses[answer->count];

	if (!size || cursor_left(&record->data) != size)
		return false;
	*address = (struct dns_address){
		.version = size == 4 ? 4 : 6,
		.ttl_s = record->ttl_s,
	};
	memcpy(address->bytes, record->data.at, size);
	return ++answer->count == DNS_ADDRESSES;
}

bool dns_answer(const uint8_t *bytes, size_t size, struct dns_answer *answer)
{
	struct message message;
	struct name name;

	answer->count = 0;
	if (!open_message(&message, bytes, size) || message.questions != 1 || !(bytes[2] & 0x80) ||
		(bytes[3] & 15) != 0 || !read_question(&message) ||
		!hostname_keep(message.question.text, message.question.size, answer->name) ||
		!cursor_take(&message.cursor, 4))
		return false;
	name = message.question;
	for (int i = 0; i < CHAIN && each(&message, &name, take_alias, &name); i++)
		;
	each(&message, &name, take_address, answer);
	return answer->count > 0;
}
