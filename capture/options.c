/* options.c: what the administrator asks of a capture, on the command line and in mira.conf. */
#include "capture/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/value.h"

static const char usage_text[] =
	"usage: mira-capture --spool DIR [OPTION...] [--read] FILE...\n"
	"       mira-capture --spool DIR [OPTION...] -i INTERFACE\n\n"
	"Captures packets into the spool, from trace files (pcap, pcapng; also inside .gz .xz .zst "
	".bz2 .zip .tar; - is\n"
	"standard input) or from a live interface.\n\n"
	"  --spool DIR          the spool; made when absent\n"
	"  --config FILE        mira.conf\n"
	"  --read FILE          a trace; may be repeated, each becomes a stream\n"
	"  -i, --interface NAME capture live\n"
	"  --duration SECONDS   end a live capture after so long\n"
	"  --packets N          end a live capture after so many captured packets\n"
	"  --filter EXPRESSION  take only what matches (pcap-filter); the rest is counted as "
	"filtered\n"
	"  --probe NAME         name of this capture (configuration; else the host's, for traces "
	"\"trace\")\n"
	"  --share K/N          take the K-th of N parts of the link, divided by addresses\n"
	"  --segment-size BYTES size of a segment; k, M, G may follow (64M)\n"
	"  --period SECONDS     time that a batch spans (5)\n"
	"  --help, --version\n\n"
	"Exit code: 0 done, 1 trying again may help, 2 a person is needed. Manual page: "
	"mira-capture(8).\n";

/* As given, before the configuration is read. */
struct given {
	const char *config, *probe, *share, *segment_size, *period, *duration, *packets;
};

static int usage_error(const char *text, const char *what)
{
	log_err(text, what);
	fputs("try mira-capture --help\n", stderr);
	return MIRA_PERSON;
}

static void add_file(struct capture *capture, char *file)
{
	capture->files =
		x_realloc(capture->files, (capture->file_count + 1) * sizeof(*capture->files));
	capture->files[capture->file_count++] = file;
}

static int take_option(struct capture *capture, struct given *given, int option)
{
	switch (option) {
	case 's': capture->spool_path = optarg; break;
	case 'c': given->config = optarg; break;
	case 'r': add_file(capture, optarg); break;
	case 'i': capture->interface = optarg; break;
	case 'd': given->duration = optarg; break;
	case 'n': given->packets = optarg; break;
	case 'f': capture->extra_filter = optarg; break;
	case 'p': given->probe = optarg; break;
	case 'k': given->share = optarg; break;
	case 'b': given->segment_size = optarg; break;
	case 't': given->period = optarg; break;
	case 'h': fputs(usage_text, stdout); return -1;
	case 'V': puts("mira-capture " MIRA_VERSION); return -1;
	default: fputs("try mira-capture --help\n", stderr); return MIRA_PERSON;
	}
	return MIRA_OK;
}

static int take_all(struct capture *capture, struct given *given, int argc, char **argv)
{
	static const struct option options[] = {{"spool", required_argument, NULL, 's'},
		{"config", required_argument, NULL, 'c'}, {"read", required_argument, NULL, 'r'},
		{"interface", required_argument, NULL, 'i'},
		{"duration", required_argument, NULL, 'd'},
		{"packets", required_argument, NULL, 'n'}, {"filter", required_argument, NULL, 'f'},
		{"probe", required_argument, NULL, 'p'}, {"share", required_argument, NULL, 'k'},
		{"segment-size", required_argument, NULL, 'b'},
		{"period", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {0}};
	int option, code = MIRA_OK;

	while (!code && (option = getopt_long(argc, argv, "i:h", options, NULL)) != -1)
		code = take_option(capture, given, option);
	while (!code && optind < argc)
		add_file(capture, argv[optind++]);
	return code;
}

/* ---- values ---- */

static int set_values(struct capture *capture, const struct given *given)
{
	struct config *config = &capture->config;

	if (given->segment_size &&
		!value_size(given->segment_size, 17179869184, &config->segment_bytes))
		return usage_error("--segment-size %s: give 1 to 16G bytes; k, M or G may follow",
			given->segment_size);
	if (given->period && !value_seconds(given->period, 0.001, 86400, &config->period_s))
		return usage_error("--period %s: give 0.001 to 86400 seconds", given->period);
	if (given->duration && !value_seconds(given->duration, 0.001, 1e9, &capture->duration_s))
		return usage_error("--duration %s: give seconds, at least 0.001", given->duration);
	if (given->packets && !value_size(given->packets, UINT64_MAX, &capture->packet_limit))
		return usage_error("--packets %s: give a number of packets, at least 1",
			given->packets);
	return MIRA_OK;
}

/* What an audit of files says must not depend on the host that made it. */
static int set_probe(struct capture *capture, const char *given)
{
	const struct config *config = &capture->config;
	const char *probe = given					? given
			    : config->probe_named || capture->interface ? config->probe
									: "trace";

	if (!name_part_ok(probe))
		return usage_error("--probe %s: give 1 to 48 letters, digits, \"_\" or \".\", not "
				   "beginning with \".\"",
			probe);
	snprintf(capture->probe, sizeof(capture->probe), "%s", probe);
	return MIRA_OK;
}

static int set_share(struct capture *capture, const char *given)
{
	struct config *config = &capture->config;

	if (given && (!*given || !share_parse(given, &config->part)))
		return usage_error("--share %s: give K/N, the K-th of N parts, N at most 99",
			given);
	for (size_t i = 0; config->part.count > 1 && i < config->stream_count; i++)
		if (strlen(config->streams[i].name) > SHARE_STREAM_MAX)
			return usage_error("stream %s: the name of a stream that is shared has at "
					   "most 41 letters",
				config->streams[i].name);
	capture->share = sharefilter_new(&config->part);
	return MIRA_OK;
}

/* --filter narrows every stream. */
static void narrow(struct config_stream *stream, const char *expression)
{
	char *both = *stream->filter ? x_sprintf("(%s) and (%s)", expression, stream->filter)
				     : x_strdup(expression);

	free(stream->filter);
	stream->filter = both;
}

static int set_filters(struct capture *capture)
{
	struct config *config = &capture->config;

	capture->filters = x_calloc(config->stream_count, sizeof(*capture->filters));
	for (size_t i = 0; i < config->stream_count; i++) {
		struct config_stream *stream = &config->streams[i];

		if (capture->extra_filter && *capture->extra_filter)
			narrow(stream, capture->extra_filter);
		capture->filters[i] = filter_new(stream->name, stream->filter);
		if (!capture->filters[i])
			return MIRA_PERSON;
	}
	return MIRA_OK;
}

static int check(const struct capture *capture, const struct given *given)
{
	if (!capture->spool_path)
		return usage_error("name the spool with --spool%s", "");
	if (!capture->interface && !capture->file_count)
		return usage_error("name trace files, or an interface with -i%s", "");
	if (capture->interface && capture->file_count)
		return usage_error("%s and an interface: capture one or the other",
			capture->files[0]);
	if (!capture->interface && (given->duration || given->packets))
		return usage_error("--duration and --packets are for an interface (-i)%s", "");
	return MIRA_OK;
}

int options_parse(struct capture *capture, int argc, char **argv)
{
	struct given given = {0};
	int code = take_all(capture, &given, argc, argv);

	if (!code)
		code = check(capture, &given);
	if (code)
		return code;
	config_find(given.config && *given.config ? given.config : NULL, capture->config_path);
	code = config_load(&capture->config, capture->config_path);
	if (!code)
		code = set_values(capture, &given);
	if (!code)
		code = set_probe(capture, given.probe);
	if (!code)
		code = set_share(capture, given.share);
	return code ? code : set_filters(capture);
}

void options_free(struct capture *capture)
{
	for (size_t i = 0; capture->filters && i < capture->config.stream_count; i++)
		filter_free(capture->filters[i]);
	free(capture->filters);
	sharefilter_free(capture->share);
	free(capture->files);
	config_free(&capture->config);
}
