/*
 * symptom.h: the symptom database: etc/symptoms.d/\*.sym, compiled with Hyperscan. Manual page:
 * mira-symptoms(5).
 *
 * A symptom groups patterns under a name ([a-z][a-z0-9_]*, unique over all files). Format, line
 * by line:
 *
 *	# comment                    to the end of the line
 *	symptom http_request tcp     name; then, optional, transports (tcp udp sctp icmp any),
 *	symptom dns udp port 53,5353 "port LIST" (numbers, ranges): either port of the packet is in
 *	symptom wg udp size 148      it, and "size LIST": the payload has one of these lengths
 *	symptom a tcp to server dst 192.0.2.0/24 dport 80    restrictions of symptom_where.h
 *	    text  "GET /"            literal bytes; escapes \r \n \t \\ \" \xHH
 *	    text  "host:" nocase
 *	    hex   13 42 ?? 74        bytes; "??" is any byte
 *	    regex /^(GET|POST) [^ ]+ HTTP\/1/i    PCRE as Hyperscan takes it; flags i s m; on bytes
 *	    text  "SSH-2.0-" start   options: start = at the first payload byte, nocase
 *	    pcre  /(?<=a)b/          PCRE with look-around and back-references, confirmed by PCRE2
 *	    text  "GET /" at 0..10   begins at one of these bytes of the payload
 *	    and text "b" after 0..4  belongs to the pattern above: both must stand in the payload
 *	    and not text "c"         and this must not
 *	    host  youtube.com        a name (DNS, TLS SNI, HTTP Host) that is youtube.com or ends in
 *	                             .youtube.com
 *	    ja4   t13d1516h2_8daaf6152771_e5627efa2ab1    the program that sent a TLS ClientHello
 *
 * A symptom's count is the number of packets of one direction in which at least one of its
 * patterns ends (host: in which the name stands). Transports, ports and sizes restrict the
 * payload patterns, not host names and fingerprints.
 */
#ifndef PREPROCESS_SYMPTOM_H
#define PREPROCESS_SYMPTOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "preprocess/symptom_border.h"
#include "preprocess/symptom_where.h"

struct sample;
struct symptoms;

/* symptoms_load(): reads FOLDER/\*.sym in name order and compiles them; the compiled database
 * is kept in CACHE (a folder, may be NULL) under a name made of content, flags, Hyperscan's
 * version and CPU. NULL after having logged file, line and reason. */
struct symptoms *symptoms_load(const char *folder, const char *cache);
void symptoms_free(struct symptoms *symptoms);

size_t symptoms_count(const struct symptoms *symptoms);
/* symptoms_name(): intern id of symptom INDEX (0 … count-1). */
uint32_t symptoms_name(const struct symptoms *symptoms, size_t index);

/* One packet's hits: indices of symptoms, each once, in no order. */
struct symptom_hits {
	uint16_t index[64];
	unsigned count; /* hits beyond 64 are dropped and counted in overflow */
	unsigned overflow;
	bool hides; /* one of several lengths is among what was found: stitch.c */
};

/* symptoms_scan(): adds the hits of PAYLOAD, of a packet with transport PROTO and ports (0 when
 * none). */
void symptoms_scan(struct symptoms *symptoms, const uint8_t *payload, size_t size, uint8_t proto,
	uint16_t sport, uint16_t dport, struct symptom_hits *hits);
/* symptoms_keep(): takes from HITS those of symptoms that ask for other addresses, ends or another
 * direction than the packet's, and adds the groups of the others. What is left counts. */
void symptoms_keep(const struct symptoms *symptoms, struct symptom_hits *hits,
	const struct flowkey *key, uint16_t tcp_flags, enum symptom_side side);
/* symptoms_look_ahead(): SIZE bytes at BYTES are packets, of which symptoms_scan() gets the payloads before BYTES change:
 * it will know which show nothing. */
void symptoms_look_ahead(struct symptoms *symptoms, const uint8_t *bytes, size_t size);
/* Patterns and where they end: of a stretch of a stream that was scanned before. */
struct symptom_ends {
	struct {
		uint32_t pattern, end;
	} list[64];
	unsigned count; /* those beyond 64 are not known */
};

/*
 * Bytes of a TCP stream in which patterns may lie that began in an earlier packet. What ends in the
 * first SKIP of them was found before; what ends behind the first LIMIT is not decided here: they
 * are there to see that the payload goes on.
 */
struct symptom_stretch {
	const uint8_t *bytes;
	uint32_t size, skip, limit;
	bool start; /* the payload of a packet begins with BYTES; else patterns that may begin
		     * anywhere are looked for, as far as symptom_across.h says */
	uint16_t sport, dport;
	uint32_t payload_size;		  /* of the packet that this is scanned for */
	const struct symptom_ends *known; /* ends, counted from SKIP, that are not new; or NULL */
};

/* symptoms_scan_stretch(): adds the hits of STRETCH. */
void symptoms_scan_stretch(struct symptoms *symptoms, const struct symptom_stretch *stretch,
	struct symptom_hits *hits);
/* symptoms_note_stretch(): writes to ENDS what stands in STRETCH. */
void symptoms_note_stretch(struct symptoms *symptoms, const struct symptom_stretch *stretch,
	struct symptom_ends *ends);
/* symptoms_reach(): what may begin anywhere and lies over a border has at most so many bytes on
 * either side of it. */
uint32_t symptoms_reach(const struct symptoms *symptoms);
/* symptoms_opening(), symptoms_cross(): which of the SIZE bytes at TAIL are enough to find those that begin in them and end
 * behind them, and whether one may where LAST and NEXT meet: symptom_border.h. */
struct symptom_opening symptoms_opening(const struct symptoms *symptoms, const uint8_t *tail,
	uint32_t size);
bool symptoms_cross(const struct symptoms *symptoms, uint8_t last, uint8_t next);
/* symptoms_start_reach(): so many bytes has what is found only from the start of a payload whose first
 * byte is FIRST; more than SYMPTOM_REACH: it has no such limit. */
uint32_t symptoms_start_reach(const struct symptoms *symptoms, uint8_t first);
/* symptoms_host(): adds the hits of a host NAME (lower case, no final dot). */
void symptoms_host(struct symptoms *symptoms, const char *name, struct symptom_hits *hits);
/* symptoms_ja4(): the same of a fingerprint (ja4.h). symptoms_ask_ja4(): does any line have one? */
void symptoms_ja4(struct symptoms *symptoms, const char *ja4, struct symptom_hits *hits);
bool symptoms_ask_ja4(const struct symptoms *symptoms);

/* symptoms_check(): for --check: reads and compiles all of FOLDER and writes to OUT what the COSTS
 * most expensive symptoms cost over SAMPLE (cost.h; NULL: none), a line for each pattern that Hyperscan refuses or that is slow, and a last line with the totals. 0 when
 * all can be used (slow ones can), else MIRA_PERSON. */
int symptoms_check(const char *folder, const struct sample *sample, size_t costs, FILE *out);

#endif
