/*
 * evidence.h: packets that the packet log keeps, as archives that a person can read and check. For mira-packetlog only.
 *
 *	OUT/log.jsonl				a line of JSON for what was kept, given up and expired
 *	OUT/until-2026-12-21/<batch>.zip	goes after that day
 *		packets.pcapng
 *		manifest.json			{ "format": 1, "batch", "probe", "stream", "run", "seq", "rules", "kept_ms", "until",
 *						"snaplen", "packets", "files": [ { "name", "bytes", "sha256" } ],
 *						"biflows": [ { "window_ms", "src", "sport", "dst", "dport", "proto", "class",
 *						"verdict", "rule", "packets" } ] }
 *
 * An archive is a function of its batch, and one whose name stands in any of the folders is not made again.
 */
#ifndef PREPROCESS_EVIDENCE_H
#define PREPROCESS_EVIDENCE_H

#include "preprocess/wanted.h"
#include "spool/manifest.h"

/* evidence_stands(): is there an archive of BATCH? 1, 0, or -1 with errno. */
int evidence_stands(const char *out, const char *batch);
/* evidence_draft(): where the packets of BATCH are to be put before evidence_keep(); PATH holds PATH_MAX. */
char *evidence_draft(const char *out, const char *batch, char *path);
/* evidence_keep(): packs the draft of the batch that MANIFEST describes, with the biflows of WANTED that have packets in it,
 * for DAYS; removes the draft. 0, or -1 with errno. */
int evidence_keep(const char *out, const struct manifest *manifest, struct wanted *wanted,
	uint32_t days, uint32_t snaplen);
/* evidence_note(): a line in the log: WHAT became of NAME, and COUNT of what. 0, or -1 with errno. */
int evidence_note(const char *out, const char *what, const char *name, const char *counted,
	uint64_t count);
/* evidence_expire(): removes the folders whose day is over, and drafts of a day ago, whose process died. 0, or -1 with errno. */
int evidence_expire(const char *out);

#endif
