/*
 * host.c: asks the parsers (dns.c, tls.c, quic.c, http.c) for the names in a packet, and keeps what
 * they need of earlier packets. Between decode and the symptoms, which match names against
 * suffixes.
 */
#include "preprocess/host.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "preprocess/cursor.h"
#include "preprocess/dns.h"
#include "preprocess/hello.h"
#include "preprocess/http.h"
#include "preprocess/quic.h"
#include "preprocess/resolve.h"
#include "preprocess/tls.h"
#include "spool/log.h"

#define DNS_PORT 53

struct hosts {
	struct hello_pool *hellos;
	struct resolve *memory;
	bool fingerprints;
};

struct hosts *hosts_new(void)
{
	struct hosts *hosts = x_calloc(1, sizeof(*hosts));

	hosts->hellos = hello_new();
	hosts->memory = resolve_new();
	return hosts;
}

void hosts_free(struct hosts *hosts)
{
	hello_free(hosts->hellos);
	resolve_free(hosts->memory);
	free(hosts);
}

void hosts_begin(struct hosts *hosts, bool fingerprints)
{
	hello_clear(hosts->hellos);
	resolve_clear(hosts->memory);
	hosts->fingerprints = fingerprints;
}

void hosts_forget_flows(struct hosts *hosts)
{
	hello_clear(hosts->hellos);
}

/* ---- DNS ---- */

/* message_of(): PACKET's DNS message. Over TCP one that fills a segment of its own is found. */
static struct cursor message_of(const struct packet *packet)
{
	struct cursor cursor = {.at = packet->payload, .end = packet->payload};

	if (packet->payload)
		cursor.end += packet->payload_size;
	if (packet->key.proto == IPPROTO_TCP && !cursor_take(&cursor, 2))
		cursor.end = cursor.at;
	return cursor;
}

void hosts_learn(struct hosts *hosts, const struct packet *packet, uint64_t now_ms)
{
	struct dns_answer answer;
	struct cursor message;

	if (packet->key.sport != DNS_PORT || !packet->payload ||
		(packet->key.proto != IPPROTO_UDP && packet->key.proto != IPPROTO_TCP))
		return;
	message = message_of(packet);
	if (dns_answer(message.at, cursor_left(&message), &answer))
		resolve_learn(hosts->memory, packet->key.dst, &answer, now_ms);
}

const char *hosts_resolved(const struct hosts *hosts, const struct flowkey *key, uint64_t now_ms)
{
	const char *name = resolve_name(hosts->memory, key->src, key->dst, key->version, now_ms);

	return name ? name : resolve_name(hosts->memory, key->dst, key->src, key->version, now_ms);
}

static bool is_dns(const struct flowkey *key)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
	} places[] = {{IPPROTO_UDP, DNS_PORT}, {IPPROTO_UDP, 5353}, {IPPROTO_UDP, 5355},
		{IPPROTO_TCP, DNS_PORT}};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (key->proto == places[i].proto &&
			(key->sport == places[i].port || key->dport == places[i].port))
			return true;
	return false;
}

/* ---- TLS ---- */

/* take_hello(): what is known of a ClientHello of which NAMED was told before. True when there is
 * no use in more bytes of it. */
static bool take_hello(const struct hosts *hosts, enum tls_found found,
	const struct client_hello *hello, char transport, bool named, struct told *told)
{
	if (found == TLS_NONE)
		return true;
	if (!named)
		memcpy(told->name, hello->name, sizeof(told->name));
	if (found == TLS_HELLO && hosts->fingerprints)
		ja4_of(hello->body, hello->size, transport, told->ja4);
	return found == TLS_HELLO || (!hosts->fingerprints && (named || hello->name[0]));
}

/* go_on(): HELLO got more bytes. False when they turn out to be none of a ClientHello. */
static bool go_on(struct hosts *hosts, struct entry *entry, struct hello *hello, char transport,
	struct told *told)
{
	struct client_hello found;
	enum tls_found result = transport == 'q' ? tls_handshake(hello->bytes, hello->ready, &found)
						 : tls_records(hello->bytes, hello->ready, &found);

	if (take_hello(hosts, result, &found, transport, hello->named, told) ||
		hello->ready == HELLO_BYTES)
		hello_end(hosts->hellos, entry);
	else
		hello->named |= found.name[0] != 0;
	return result != TLS_NONE;
}

static uint32_t begin_of(const struct packet *packet)
{
	return packet->tcp_seq + (packet->tcp_flags & TCP_SYN ? 1 : 0);
}

void hosts_opened(struct entry *entry, const struct packet *packet)
{
	if (packet->key.proto != IPPROTO_TCP || !(packet->tcp_flags & TCP_SYN))
		return;
	entry->first_seq = begin_of(packet);
	entry->awaited = true;
}

static void put_segment(struct hello *hello, const struct packet *packet)
{
	hello_put(hello, begin_of(packet) - hello->begin, packet->payload, packet->payload_size);
}

/* came_early(): the connection's first bytes are still to come, and this lies close behind them. */
static bool came_early(const struct entry *entry, const struct packet *packet)
{
	return entry->awaited && begin_of(packet) - entry->first_seq < HELLO_BYTES;
}

/* begin_tls(): false when the segment has nothing of a ClientHello. */
static bool begin_tls(struct hosts *hosts, struct entry *entry, const struct packet *packet,
	struct told *told)
{
	struct client_hello found;
	enum tls_found result = tls_records(packet->payload, packet->payload_size, &found);
	bool early = result == TLS_NONE && came_early(entry, packet);
	struct hello *hello;

	if (result == TLS_NONE && !early)
		return false;
	if (!early && take_hello(hosts, result, &found, 't', false, told))
		return true;
	hello = hello_begin(hosts->hellos, entry);
	hello->begin = early ? entry->first_seq : begin_of(packet);
	hello->named = told->name[0] != 0;
	put_segment(hello, packet);
	return !early;
}

static void look_tcp(struct hosts *hosts, struct entry *entry, const struct packet *packet,
	struct told *told)
{
	struct hello *hello = hello_find(hosts->hellos, entry);

	bool telling = false;

	entry->awaited &= begin_of(packet) != entry->first_seq;
	if (hello) {
		put_segment(hello, packet);
		telling = go_on(hosts, entry, hello, 't', told);
	} else {
		telling = begin_tls(hosts, entry, packet, told);
	}
	if (!telling)
		http_host(packet->payload, packet->payload_size, told->name);
}

/* ---- QUIC ---- */

struct opening {
	struct hosts *hosts;
	struct entry *entry;
	struct hello *hello; /* NULL until there are bytes for it */
};

static void take_crypto(void *own, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct opening *opening = own;

	if (!opening->hello)
		opening->hello = hello_begin(opening->hosts->hellos, opening->entry);
	hello_put(opening->hello, offset, bytes, size);
}

/*
 * A client goes on with an id that the server chose; its keys stay those of its first one. What goes to
 * a client has an id of the client's choice, most often none: that is seen without making its keys.
 */
static unsigned open_initials(struct opening *opening, const struct packet *packet,
	const struct quic_cid *cid)
{
	unsigned opened = 0;

	if (cid->size >= QUIC_CID_FIRST)
		opened =
			quic_open(packet->payload, packet->payload_size, cid, take_crypto, opening);
	if (opened && opening->hello)
		opening->hello->cid = *cid;
	if (opened || !opening->hello)
		return opened;
	return quic_open(packet->payload, packet->payload_size, &opening->hello->cid, take_crypto,
		opening);
}

static void look_quic(struct hosts *hosts, struct entry *entry, uint32_t nth,
	const struct packet *packet, struct told *told)
{
	struct opening opening = {hosts, entry, hello_find(hosts->hellos, entry)};
	bool named = entry->host_name && !(entry->flags & FLOW_RESOLVED);
	struct quic_cid cid;

	if ((named && !opening.hello) || nth > HOSTS_QUIC_PACKETS ||
		!quic_initial(packet->payload, packet->payload_size, &cid))
		return;
	if (open_initials(&opening, packet, &cid) && opening.hello)
		go_on(hosts, entry, opening.hello, 'q', told);
}

void hosts_look(struct hosts *hosts, struct entry *entry, uint32_t nth, const struct packet *packet,
	struct told *told)
{
	told->name[0] = told->ja4[0] = 0;
	if (packet->payload_size == 0)
		return;
	if (is_dns(&packet->key)) {
		struct cursor message = message_of(packet);

		if (dns_question(message.at, cursor_left(&message), told->name))
			return;
	}
	if (packet->key.proto == IPPROTO_TCP)
		look_tcp(hosts, entry, packet, told);
	else if (packet->key.proto == IPPROTO_UDP)
		look_quic(hosts, entry, nth, packet, told);
}
