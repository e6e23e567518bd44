/* catalog.c: the first look at what is to be captured from files; trace.c then reads it. */
#include "capture/catalog.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/linktype.h"
#include "spool/traceid.h"

/* A walk over one source. */
struct look {
	struct catalog *catalog;
	struct source *source;
	size_t order, found; /* inputs met; traces among them */
	bool failed;	     /* an input of it may hold packets that cannot be had */
};

static void set_label(struct trace *trace, const struct source *source, const struct input *input)
{
	const char *member = input_name(input), *slash = strrchr(member, '/');
	const char *file = strcmp(source->path, "-") ? strrchr(source->path, '/') : "/stdin";

	snprintf(trace->label, sizeof(trace->label), "%s%s%.250s", source->label,
		*member ? ":" : "", member);
	file = file ? file + 1 : source->path;
	/* A stream's name holds NAME_PART_MAX bytes: the member's path where that fits, else its
	 * last part. */
	if (slash && strlen(member) > NAME_PART_MAX)
		member = slash + 1;
	snprintf(trace->base, sizeof(trace->base), "%.255s", *member ? member : file);
}

static bool run_known(const struct catalog *catalog, const char *run)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (strcmp(catalog->traces[i].run, run) == 0)
			return true;
	return false;
}

static void set_run(const struct look *look, struct trace *trace, const struct input *input)
{
	char order[24];

	snprintf(trace->run, sizeof(trace->run), "%s", look->source->run);
	if (!*input_name(input))
		return;
	trace_id_member(look->source->run, input_name(input), trace->run);
	if (!run_known(look->catalog, trace->run))
		return;
	/* Archives may hold two members of one name. */
	snprintf(order, sizeof(order), "#%zu", look->order);
	trace_id_member(trace->run, order, trace->run);
}

static void add_trace(struct look *look, const struct trace *trace)
{
	struct catalog *catalog = look->catalog;

	catalog->traces = x_realloc(catalog->traces, (catalog->count + 1) * sizeof(*trace));
	catalog->traces[catalog->count++] = *trace;
	look->found++;
}

static bool linktype_ok(const struct trace *trace, uint32_t linktype)
{
	const char *name = pcap_datalink_val_to_description((int)linktype);

	if (linktype_find(linktype))
		return true;
	log_err("%s: link type %u (%s) is not known to MIRA, so its packets cannot be decoded; it "
		"is left out",
		trace->label, linktype, name ? name : "no name");
	return false;
}

/* What has packets shows the link type of the first; an empty trace may be of any. */
static bool usable(const struct trace *trace, struct reader *reader)
{
	struct packet packet;
	int result = reader_next(reader, &packet);

	if (result == 1)
		return linktype_ok(trace, packet.linktype);
	if (result != -1)
		return true;
	log_err("cannot read %s: %m; name a capture file that this user may read", trace->label);
	return false;
}

static bool try_input(const struct trace *trace, struct input *input)
{
	struct feed feed;
	struct reader *reader;
	char why[FEED_WHY];
	bool good;

	feed_init(&feed, input_read, input);
	reader = reader_open(&feed, why);
	good = reader && usable(trace, reader);
	if (!reader)
		log_err("%s cannot be captured: %s", trace->label, why);
	reader_close(reader);
	feed_free(&feed);
	return good;
}

/* A README in an archive is to be expected; a file that was named, or is empty, or cannot be
 * read, is not. */
static void no_trace(struct look *look, const struct trace *trace, struct input *input, size_t size)
{
	char why[FEED_WHY] = "";
	uint8_t rest[READER_HEAD_BYTES * 2];
	ssize_t got = size;

	while (got > 0)
		got = input_read(input, rest, sizeof(rest), why);
	if (!*input_name(input) || got < 0) {
		look->failed = true;
		log_err("%s is no capture: %s; name pcap or pcapng files (also in .gz .xz .zst "
			".bz2 .zip .tar)",
			trace->label,
			got == -2   ? why
			: got == -1 ? strerror(errno)
			: size	    ? "it is neither pcap nor pcapng"
				    : "it is empty");
		return;
	}
	log_warn("%s is no capture: this member is skipped", trace->label);
}

static int look_at(void *context, struct input *input)
{
	struct look *look = context;
	struct trace trace = {.source = look->source, .order = look->order++};
	size_t size;
	const uint8_t *head = input_head(input, &size);

	set_label(&trace, look->source, input);
	set_run(look, &trace, input);
	if (!reader_knows(head, size))
		no_trace(look, &trace, input, size);
	else if (look->source->once || try_input(&trace, input))
		add_trace(look, &trace);
	else
		look->failed = true;
	return 0;
}

/* The archive ends early: the last trace found in it, if any, is the place to remember that. */
static void note_damage(struct look *look, const char *why)
{
	struct catalog *catalog = look->catalog;

	look->failed |= !look->found;
	log_warn("%s is damaged: %s; what stands before is captured", look->source->label, why);
	if (look->found)
		snprintf(catalog->traces[catalog->count - 1].damaged, FEED_WHY, "the archive: %.*s",
			FEED_WHY - 20, why);
}

static void look_into(struct catalog *catalog, struct source *source)
{
	struct look look = {.catalog = catalog, .source = source};
	char why[FEED_WHY] = "";
	int result = source_walk(source, look_at, &look, why);

	if (result == -2)
		note_damage(&look, why);
	if (result == -1)
		log_err("cannot read %s: %m; name a capture file that this user may read",
			source->path);
	if (!result && !look.found && !look.failed)
		log_err("%s holds no capture", source->label);
	if (result == -1 || look.failed || !look.found) {
		catalog->code = MIRA_PERSON;
		catalog->left_out++;
	}
}

/* The same bytes under two names, or one file named twice, would be counted twice. */
static int check_twice(const struct catalog *catalog, const struct source *source)
{
	for (size_t i = 0; i < catalog->source_count; i++) {
		const struct source *other = &catalog->sources[i];
		bool same_file = source->resumable && other->resumable &&
				 source->device == other->device && source->inode == other->inode;

		if (!same_file && strcmp(source->run, other->run) != 0 &&
			strcmp(source->path, other->path) != 0)
			continue;
		log_err("%s and %s are the same capture; name it once, or its packets would count "
			"twice",
			other->path, source->path);
		return MIRA_PERSON;
	}
	return MIRA_OK;
}

static int add_source(struct catalog *catalog, const char *path)
{
	struct source *source = &catalog->sources[catalog->source_count];
	int code = source_open(source, path);

	if (!code && check_twice(catalog, source)) {
		source_close(source);
		return MIRA_PERSON;
	}
	if (code) {
		source_close(source);
		catalog->code = capture_worse(catalog->code, code);
		catalog->left_out++;
		return MIRA_OK;
	}
	catalog->source_count++;
	catalog->bytes += source->bytes;
	return MIRA_OK;
}

int catalog_make(struct catalog *catalog, const struct capture *capture)
{
	int code = MIRA_OK;

	memset(catalog, 0, sizeof(*catalog));
	catalog->sources = x_calloc(capture->file_count, sizeof(*catalog->sources));
	for (size_t i = 0; i < capture->file_count && !code; i++)
		code = add_source(catalog, capture->files[i]);
	for (size_t i = 0; i < catalog->source_count && !code; i++)
		look_into(catalog, &catalog->sources[i]);
	if (catalog->left_out && !code)
		log_warn("%zu of %zu files are left out, or a part of them is: see above",
			catalog->left_out, capture->file_count);
	return code;
}

void catalog_free(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->source_count; i++)
		source_close(&catalog->sources[i]);
	for (size_t i = 0; i < catalog->count; i++)
		free(catalog->traces[i].slicers);
	free(catalog->traces);
	free(catalog->sources);
}

struct trace *catalog_find(const struct catalog *catalog, const struct source *source, size_t order)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (catalog->traces[i].source == source && catalog->traces[i].order == order)
			return &catalog->traces[i];
	return NULL;
}
