/*
 * mira-inputs.h: what an audit is of: each FILE, known by its content, or an interface.
 *
 * A JSON array of { "file": "a.pcap", "stream": "a.pcap", "run": "<id>" }; "interface" instead of
 * "file"; "unreadable": true instead of "run". A run that cannot be had again (standard input, a
 * pipe, an interface) has "once": true.
 */
#ifndef SPOOL_MIRA_INPUTS_H
#define SPOOL_MIRA_INPUTS_H

#include <jansson.h>
#include <stdbool.h>

#include "spool/config.h"
#include "spool/mira-options.h"

struct inputs {
	json_t *list; /* owned */
	char **files; /* those to read, of argv; owned */
	int file_count;
	int code;  /* MIRA_PERSON when a FILE cannot be read, which has been said; the others can */
	bool once; /* none of them can be had again */
};

/* inputs_describe(): of COUNT FILES, or of INTERFACE. 0 or an exit code after a message: a capture
 * is named twice, or none can be read. */
int inputs_describe(struct inputs *inputs, char **files, int count, const char *interface);
/* inputs_have(): is RUN the id of one of them? */
bool inputs_have(const struct inputs *inputs, const char *run);
/* inputs_key(): hashes everything that decides the answer: the inputs, the rules, how packets are cut
 * into batches. 0 or an exit code after a message. */
int inputs_key(const struct inputs *inputs, const struct config *config,
	const struct run_options *options, char key[33]);
void inputs_free(struct inputs *inputs);

#endif
