/*
 * symptom_parse.h: the text of etc/symptoms.d/\*.sym as tables. Format: symptom.h and mira-
 * symptoms(5).
 *
 * Calling sequence: symptom_source_load(), read the tables, symptom_source_free(). Every
 * payload pattern has become a regular expression for Hyperscan: text and hex bytes are written
 * as \xHH, `start` as ^(?:...). The tables own their texts.
 */
#ifndef PREPROCESS_SYMPTOM_PARSE_H
#define PREPROCESS_SYMPTOM_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Transports as bits; 0 stands for any. */
enum symptom_transport {
	SYMPTOM_TCP = 1,
	SYMPTOM_UDP = 2,
	SYMPTOM_SCTP = 4,
	SYMPTOM_ICMP = 8, /* ICMP and ICMPv6 */
};

struct chain;	      /* symptom_chain.h */
struct symptom_where; /* symptom_where.h */

struct symptom_range {
	uint32_t first, last;
};

/* A list of numbers and ranges; empty: no restriction. */
struct symptom_list {
	struct symptom_range *ranges;
	size_t count;
};
/* symptom_list_has(): is VALUE in LIST? An empty list holds nothing. */
bool symptom_list_has(const struct symptom_list *list, uint32_t value);

struct symptom_place {
	uint32_t file; /* index into files */
	int line;
};

struct symptom_rule {
	char *name;
	uint8_t transports;
	struct symptom_list ports, sizes;
	struct symptom_where *where; /* addresses, ends, direction; NULL: any */
	struct symptom_place place;
	size_t patterns, hosts; /* how many it has */
	bool is_group;
	uint32_t group; /* 1 + index of the one it belongs to; 0: none */
};

/* How a pattern takes part where the bytes of several packets are looked at: symptom_across.h. */
struct symptom_crossing {
	bool anywhere;	      /* it is looked for wherever it begins */
	unsigned flags;	      /* HS_FLAG_..., for that */
	uint32_t reach;	      /* bytes that it can have on one side of a border, for that */
	uint32_t start_reach; /* bytes that it can have when only where a payload begins finds it */
};

struct symptom_pattern {
	char *expression;
	unsigned flags; /* HS_FLAG_... */
	uint32_t rule;	/* index into rules */
	struct symptom_place place;
	uint32_t fixed; /* its bytes; 0: a regular expression */
	bool start, first;
	struct chain *chain; /* not NULL: the expression is its prefilter only */
	struct symptom_crossing crossing;
	char *ahead; /* what is looked for ahead (symptom_ahead.h), or NULL */
};

/* A fingerprint of a ClientHello is kept as a host, too, behind what no host name begins with. */
#define SYMPTOM_JA4 "ja4 "

struct symptom_host {
	char *suffix; /* lower case, no dot at either end; or SYMPTOM_JA4 and a fingerprint */
	uint32_t rule;
	struct symptom_place place;
};

struct symptom_source {
	char **files;
	struct symptom_rule *rules;
	struct symptom_pattern *patterns;
	struct symptom_host *hosts;
	size_t file_count, rule_count, pattern_count, host_count;
	size_t ja4_count; /* of the hosts */
	size_t file_room, rule_room, pattern_room, host_room;
};

/* symptom_source_load(): reads FOLDER/\*.sym in name order. -1 after having logged
 * file:line:column, what is wrong and what is allowed; or, for a folder or file that cannot be
 * read, the reason. The source is empty then. */
int symptom_source_load(struct symptom_source *source, const char *folder);
/* symptom_source_text(): the same from TEXT, which messages call FILE. Adds to SOURCE; 0 or -1. */
int symptom_source_text(struct symptom_source *source, const char *file, const char *text,
	size_t size);
void symptom_source_free(struct symptom_source *source);

#endif
