/*
 * verdicts.c: the work of the stage on one batch: consolidation wrote the input, the store reads the output. Records stream
 * from the reader through the ruleset to the writer, one in memory at a time.
 */
#include "classify/verdicts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/nfs.h"

struct stream {
	struct record_reader *reader;
	struct record_writer *writer;
	union record record;
	struct progress *progress;
	enum verdicts_result result;
	int error; /* errno */
	char *why;
	size_t why_size;
};

static int fail(struct stream *stream, enum verdicts_result result, const char *why)
{
	stream->error = errno;
	stream->result = result;
	snprintf(stream->why, stream->why_size, "%s", why);
	return -1;
}

static int decide(struct stream *stream, struct ruleset *ruleset)
{
	struct biflow *biflow = &stream->record.biflow;
	struct decision decision;

	if (ruleset_decide(ruleset, biflow, &decision))
		return fail(stream, VERDICTS_POLICY, "");
	biflow->class = decision.class;
	biflow->verdict = decision.verdict;
	biflow->rule = decision.rule;
	return record_add_biflow(stream->writer, biflow) ? fail(stream, VERDICTS_MACHINE, "") : 0;
}

/* Ledger rows pass on their way. */
static int put_record(struct stream *stream, struct ruleset *ruleset, enum record_type type)
{
	if (type == RECORD_FLOW)
		return fail(stream, VERDICTS_BAD, "it holds flows where biflows should be");
	stream->progress->records++;
	if (type == RECORD_BIFLOW)
		return decide(stream, ruleset);
	return record_add_ledger(stream->writer, &stream->record.ledger)
		       ? fail(stream, VERDICTS_MACHINE, "")
		       : 0;
}

static void pump(struct stream *stream, struct ruleset *ruleset)
{
	int got;

	do
		got = record_next(stream->reader, &stream->record);
	while (got > RECORD_END && !put_record(stream, ruleset, (enum record_type)got));
	if (got < 0)
		fail(stream, got == -1 ? VERDICTS_MACHINE : VERDICTS_BAD, record_why());
}

static void write_file(struct stream *stream, struct ruleset *ruleset, const struct batch *batch,
	const struct segment *segment, const char *to)
{
	stream->reader = record_open_segment(batch->path, segment);
	if (!stream->reader) {
		fail(stream, VERDICTS_MACHINE, "");
		return;
	}
	stream->writer = record_create(to, RECORD_VERDICTS);
	if (!stream->writer)
		fail(stream, VERDICTS_MACHINE, "");
	else
		pump(stream, ruleset);
	record_close(stream->reader);
	if (stream->result != VERDICTS_DONE && stream->writer)
		record_abandon(stream->writer);
	else if (stream->writer && record_finish(stream->writer))
		fail(stream, VERDICTS_MACHINE, "");
}

static void write_files(struct stream *stream, struct ruleset *ruleset, const struct batch *batch,
	const char *folder)
{
	for (size_t i = 0; i < batch->manifest.segment_count && stream->result == VERDICTS_DONE;
		i++) {
		const struct segment *segment = &batch->manifest.segments[i];
		char to[PATH_MAX], name[32];

		snprintf(name, sizeof(name), i ? "verdicts-%zu.ipfix" : "verdicts.ipfix", i);
		if (nfs_join(to, folder, name))
			fail(stream, VERDICTS_MACHINE, "");
		else
			write_file(stream, ruleset, batch, segment, to);
		stream->progress->bytes += segment->bytes;
	}
}

/* For the output: kind verdicts, the input's name and number, the rules that decided. An unreadable input has the number in its name. */
static void describe(struct manifest *manifest, const struct batch *batch, const char *rules)
{
	manifest_init(manifest, "verdicts", batch->name);
	manifest->number =
		batch->manifest.number ? batch->manifest.number : strtoull(batch->name, NULL, 10);
	snprintf(manifest->rules, sizeof(manifest->rules), "%s", rules);
}

static int end_output(struct batch *batch, const char *folder, const char *rules)
{
	struct manifest manifest;
	int result;

	describe(&manifest, batch, rules);
	result = batch_end_output(batch, "verdicts", NULL, &manifest, folder);
	manifest_free(&manifest);
	return result;
}

enum verdicts_result verdicts_write(struct batch *batch, struct ruleset *ruleset, const char *rules,
	struct progress *progress, char *why, size_t size)
{
	struct stream stream = {.progress = progress, .why = why, .why_size = size};
	char folder[PATH_MAX];

	if (batch_begin_output(batch, "verdicts", NULL, batch->name, folder))
		return VERDICTS_MACHINE;
	write_files(&stream, ruleset, batch, folder);
	if (stream.result == VERDICTS_DONE && end_output(batch, folder, rules))
		return VERDICTS_MACHINE;
	errno = stream.error;
	return stream.result;
}

int verdicts_write_empty(struct batch *batch)
{
	char folder[PATH_MAX];

	if (batch_begin_output(batch, "verdicts", NULL, batch->name, folder))
		return -1;
	return end_output(batch, folder, "");
}
