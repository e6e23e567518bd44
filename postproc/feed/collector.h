/*
 * collector.h: where messages of IPFIX go: to a Collecting Process over TCP or UDP, or into files (RFC 5655).
 *
 *	collector = collector_parse("tcp:flows.example.net:4739", &code);
 *	for each batch:
 *		collector_begin(collector, batch->name);
 *		collector_send(collector, message, size); …
 *		collector_end(collector);		or collector_abandon(collector)
 *	collector_free(collector);
 *
 * TCP: a connection for each batch, which the collector closes once it has read to the end; what it did not take, because it
 * or the network died, is sent again with the batch. UDP: one socket; nobody knows what arrives, but a host that answers
 * that nobody listens there is an error. Files: FOLDER/<batch>.ipfix, which appears whole; made again, it is the same file.
 *
 * Names are looked up by collector_parse(), before the sandbox is entered. Errors: -1 with errno.
 */
#ifndef POSTPROC_COLLECTOR_H
#define POSTPROC_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collector;

/* collector_parse(): NULL after a message, *CODE an exit code. */
struct collector *collector_parse(const char *text, int *code);
void collector_free(struct collector *collector);
/* collector_rate(): UDP: messages a second, at most. */
void collector_rate(struct collector *collector, uint64_t messages);
/* collector_is_udp(): templates are to be sent again and again, and messages must be short. */
bool collector_is_udp(const struct collector *collector);
/* collector_folder(): of files; NULL for the others. */
const char *collector_folder(const struct collector *collector);

int collector_begin(struct collector *collector, const char *batch);
int collector_send(struct collector *collector, const uint8_t *message, size_t size);
int collector_end(struct collector *collector);
void collector_abandon(struct collector *collector);

#endif
