/*
 * record.h: what stands in the files of the queues flows, biflows and verdicts: IPFIX files (RFC 5655), written with
 * libfixbuf. Manual page: mira-ipfix(5).
 *
 * Three kinds of record go into every such file, in the order they are added: ledger rows and symptom names as options
 * records, flow (kind flows) or biflow records (biflows, verdicts; RFC 5103). A symptom's name stands before its first use, a
 * closing record at the end. Equal records in equal order give equal bytes. Standard elements where they exist; ours
 * under PEN 32473 with RFC 5610 type records. Times are milliseconds since 1970-01-01 UTC, octets are IP total lengths (octetDeltaCount).
 *
 * All multi-valued attributes are ids of intern.h. Symptom lists in records given to a writer are the caller's; those of records
 * from a reader are views, valid until the next record_next(). No id may be forgotten while a file is open.
 *
 * Errors: -1 with errno (machine; EMSGSIZE: a record longer than a message of 64 KiB, which is left out), -2 with
 * record_why() (a bad file: cut anywhere, not IPFIX, another template, records missing). A reader's error is final.
 */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/manifest.h"

/* The innermost packet's 5-tuple. IPv4 addresses fill the first 4 bytes, the rest is zero; network byte order. Without
 * ports sport = dport = 0. 40 bytes, no padding: compared and hashed as bytes. */
struct flowkey {
	uint8_t src[16], dst[16];
	uint16_t sport, dport; /* host byte order */
	uint8_t proto;
	uint8_t version; /* 4 or 6 */
	uint8_t zero[2];
};

/* How often a symptom was seen. packets: with a pattern that ends in that packet, in this window. */
struct symptom_count {
	uint32_t name; /* intern() */
	uint64_t packets;
	uint64_t reverse_packets; /* biflows only */
	uint64_t carried_packets; /* biflows only: from earlier windows of the same biflow */
};

enum flow_flag {
	FLOW_SYN = 1,	     /* a TCP SYN without ACK was seen in this direction */
	FLOW_LATE = 2,	     /* its packets belong to a window that had closed */
	FLOW_INCOMPLETE = 4, /* the window closed without all its batches */
	FLOW_REVERSED = 8,   /* biflow: orientation was carried over from an earlier window */
	FLOW_RESOLVED = 16, /* host_name is what a client had resolved; the flow told none itself */
};

/* A partial flow: one direction, one window, one packets batch. */
struct flow {
	struct flowkey key;
	uint64_t window_ms, start_ms, end_ms;
	uint64_t packets, octets;
	uint64_t first_index; /* index in the run of its first packet: breaks ties of start_ms */
	uint64_t syn_ms, syn_index; /* of the first SYN without ACK; only with FLOW_SYN */
	double sampling; /* probability that a packet of it was analysed, (0, 1] (samplingProbability 311) */
	uint16_t tcp_flags;
	uint16_t flags; /* enum flow_flag */
	/* Intern ids; tunnel: "+"-joined stack, innermost first; endpoint: between whom the tunnels
	 * run, a "-"-joined pair of addresses for each IP header around, "+"-joined like the stack. */
	uint32_t vlan, tunnel, endpoint, aggregate, host_name;
	const struct symptom_count *symptoms;
	size_t symptom_count;
};

struct direction {
	uint64_t packets, octets;
	uint16_t tcp_flags;
	double sampling;
};

/* A biflow of one window, and its verdict once there is one. reverse.packets == 0 means: reverse not observed. */
struct biflow {
	struct flowkey key; /* src is the initiator */
	uint64_t window_ms, start_ms, end_ms;
	struct direction forward, reverse;
	uint16_t flags;
	uint32_t vlan, tunnel, endpoint, aggregate, host_name, probe; /* intern ids */
	uint32_t class, verdict, rule; /* intern ids; 0 before classification */
	const struct symptom_count *symptoms;
	size_t symptom_count;
};

enum ledger_status { LEDGER_ANALYSED, LEDGER_QUARANTINED, LEDGER_MISSING };
const char *ledger_status_text(enum ledger_status status);

/* One packets batch in the books. Analysed: captured = ip + not_ip + malformed. */
struct ledger {
	char probe[NAME_PART_MAX + 1], stream[NAME_PART_MAX + 1], run[RUN_HEX + 1];
	uint64_t seq;
	enum ledger_status status;
	bool late, end, live;
	struct counts counts, cumulative;	   /* cumulative: of the run, this batch included */
	uint64_t ip, not_ip, malformed, octets_ip; /* packets, octets */
	uint64_t first_ms, last_ms;
	char damaged[160]; /* what ended the input early, "" for nothing */
};

enum record_kind { RECORD_FLOWS, RECORD_BIFLOWS, RECORD_VERDICTS };

struct record_writer;
/* record_create(): a new file at PATH (must not exist). */
struct record_writer *record_create(const char *path, enum record_kind kind);
int record_add_ledger(struct record_writer *writer, const struct ledger *row);
int record_add_flow(struct record_writer *writer, const struct flow *flow);
int record_add_biflow(struct record_writer *writer, const struct biflow *biflow);
/* record_finish(): closing record, flush, fsync (unless the spool is not durable), close; frees the writer also on error. */
int record_finish(struct record_writer *writer);
/* record_abandon(): closes and frees; what was written stays, and no reader takes it for whole. */
void record_abandon(struct record_writer *writer);

enum record_type { RECORD_END, RECORD_LEDGER, RECORD_FLOW, RECORD_BIFLOW };
union record {
	struct ledger ledger;
	struct flow flow;
	struct biflow biflow;
};

struct record_reader;
/* record_open(): NULL with errno; what stands in the file is judged by record_next(). */
struct record_reader *record_open(const char *path);
/* record_open_segment(): SEGMENT of a manifest in FOLDER: its first bytes, as many as the manifest
 * says. What is read is summed up as well, so that RECORD_END says that it was what the manifest
 * says, also when somebody wrote to it meanwhile. */
struct record_reader *record_open_segment(const char *folder, const struct segment *segment);
/* record_next(): enum record_type, or -1, -2. Elements the file leaves out are zero, a sampling left out is 1. */
int record_next(struct record_reader *reader, union record *record);
void record_close(struct record_reader *reader);
/* record_why(): what was wrong with the last file, of this thread. */
const char *record_why(void);

#endif
