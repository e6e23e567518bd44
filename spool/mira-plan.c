/*
 * mira-plan.c: `mira plan`: how many hosts, how much bandwidth and how much space a site needs, and what share of its traffic is
 * analysed if it has fewer. Manual page mira-plan(1).
 */
#include "spool/mira-plan.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"
#include "spool/mira.h"

static const char help[] =
	"usage: mira plan --rate BITS [--packet-size BYTES | --packets-per-second N] [--hosts N] [--cores N]\n"
	"                 [--backlog SECONDS] [--costs FILE]\n"
	"       mira plan --measure FILE... [--config FILE] [--costs FILE]\n\n"
	"Says from measured costs how many hosts, how much NFS bandwidth and how much spool space a site needs.\n\n"
	"  --rate BITS             traffic in bits a second: 800M, 10G\n"
	"  --packet-size BYTES     mean size of a packet (700)\n"
	"  --packets-per-second N  instead of a size\n"
	"  --hosts N               hosts for preprocessing there are: says what share they analyse\n"
	"  --cores N               processors of a host (4)\n"
	"  --backlog SECONDS       for how long the spool takes what is captured while preprocessing stands (3600)\n"
	"  --costs FILE            the costs to use; with --measure: where to write them (standard output)\n"
	"  --measure FILE...       measures the costs on this machine, with captures of your own\n"
	"  --config FILE           mira.conf, whose symptoms and policy are measured\n";

struct plan {
	const char *costs_path, *config;
	double rate, packet_size, packets, hosts, cores, backlog_s;
	bool measure;
};

/* 10G, 1.5M; 0: not one. */
static double number(const char *text)
{
	static const char units[] = "kMGT";
	const char *unit;
	char *end;
	double value = strtod(text, &end);

	unit = *end ? strchr(units, *end) : NULL;
	if (end == text || !(value > 0) || value > 1e15 || (*end && (!unit || end[1])))
		return 0;
	return unit ? value * pow(1000, (double)(unit - units + 1)) : value;
}

static int take_option(struct plan *plan, int option, const char *name)
{
	double *const numbers[] = {['r'] = &plan->rate,
		['s'] = &plan->packet_size,
		['p'] = &plan->packets,
		['n'] = &plan->hosts,
		['o'] = &plan->cores,
		['b'] = &plan->backlog_s};

	switch (option) {
	case 'c': plan->costs_path = optarg; return 0;
	case 'f': plan->config = optarg; return 0;
	case 'm': plan->measure = true; return 0;
	case 'h': fputs(help, stdout); return -1;
	case '?': fputs(help, stderr); return MIRA_PERSON;
	}
	*numbers[option] = number(optarg);
	if (*numbers[option] > 0)
		return 0;
	log_err("--%s %s: not a number above 0, such as 800M or 10G", name, optarg);
	return MIRA_PERSON;
}

static int parse(struct plan *plan, int argc, char **argv)
{
	static const struct option names[] = {{"rate", 1, 0, 'r'}, {"packet-size", 1, 0, 's'},
		{"packets-per-second", 1, 0, 'p'}, {"hosts", 1, 0, 'n'}, {"cores", 1, 0, 'o'},
		{"backlog", 1, 0, 'b'}, {"costs", 1, 0, 'c'}, {"config", 1, 0, 'f'},
		{"measure", 0, 0, 'm'}, {"help", 0, 0, 'h'}, {0}};
	int option, index = 0, code = 0;

	*plan = (struct plan){.packet_size = 700, .cores = 4, .backlog_s = 3600};
	while (code == 0 && (option = getopt_long(argc, argv, "h", names, &index)) != -1)
		code = take_option(plan, option, names[index].name);
	if (code == 0 && (plan->measure ? optind == argc || plan->rate > 0
					: optind < argc || plan->rate == 0)) {
		fputs(help, stderr);
		code = MIRA_PERSON;
	}
	return code;
}

static int measure(const struct plan *plan, char **files, int count)
{
	int code;
	json_t *costs = plan_measure(files, count, plan->config, &code);

	if (!costs)
		return code;
	if (plan->costs_path ? json_dump_file(costs, plan->costs_path, JSON_INDENT(2))
			     : json_dumpf(costs, stdout, JSON_INDENT(2))) {
		log_err("cannot write %s", plan->costs_path ? plan->costs_path : "standard output");
		code = MIRA_AGAIN;
	}
	json_decref(costs);
	return code;
}

/* "3.1 to 4.0", or one figure when both ends read the same. */
static const char *shown(struct range range, double unit, char out[48])
{
	char low[20], high[20];

	snprintf(low, sizeof(low), "%.*f", range.low / unit < 9.95 ? 1 : 0, range.low / unit);
	snprintf(high, sizeof(high), "%.*f", range.high / unit < 9.95 ? 1 : 0, range.high / unit);
	if (strcmp(low, high))
		snprintf(out, 48, "%s to %s", low, high);
	else
		snprintf(out, 48, "%s", low);
	return out;
}

static const char *whole(struct range range, char out[48])
{
	double low = fmax(1, ceil(range.low)), high = fmax(1, ceil(range.high));

	snprintf(out, 48, low < high ? "%.0f to %.0f" : "%.0f", low, high);
	return out;
}

static double memory_of(const json_t *costs, const char *stage)
{
	double most = 0;
	json_t *capture;
	size_t i;

	json_array_foreach(json_object_get(costs, "captures"), i, capture)
		most = fmax(most,
			json_number_value(
				json_object_get(json_object_get(json_object_get(capture, "stages"),
							stage),
					"memory_bytes")));
	return most;
}

/* What the processes of a stage can be divided by. */
static const char *const divided[PLAN_STAGES] = {"shares of a link", "any hosts", "shards",
	"any hosts", "one host, one process"};

static void print_stages(const struct plan *plan, const json_t *costs, double bytes)
{
	printf("%-12s %16s %16s %12s  %s\n", "stage", "processors", "hosts", "memory each",
		"divided among");
	for (int i = 0; i < PLAN_STAGES; i++) {
		struct range cores =
			plan_range(costs, plan_stages[i], "cpu_s", plan->packets, bytes);
		struct range hosts = {cores.low / plan->cores, cores.high / plan->cores};
		char used[48], needed[48];

		printf("%-12s %16s %16s %9.0f MB  %s\n", plan_stages[i], shown(cores, 1, used),
			whole(hosts, needed), memory_of(costs, plan_stages[i]) / 1e6, divided[i]);
	}
}

/* The one stage that cannot be divided. */
static void print_store(const struct plan *plan, const json_t *costs, double bytes)
{
	if (plan_range(costs, "store", "cpu_s", plan->packets, bytes).high > 1)
		puts("\nThe store is one process: where it needs more than 1 processor it falls behind for as long as this rate\n"
		     "lasts, and the line in front of it stands once its queue is full.");
}

static struct range add(struct range a, struct range b)
{
	return (struct range){a.low + b.low, a.high + b.high};
}

static void print_spool(const struct plan *plan, const json_t *costs, double bytes)
{
	struct range packets = plan_range(costs, "capture", "written_bytes", plan->packets, bytes),
		     written = packets, space;
	char text[48];

	for (int i = 1; i < PLAN_STAGES - 1; i++)
		written = add(written,
			plan_range(costs, plan_stages[i], "written_bytes", plan->packets, bytes));
	printf("\nspool        %s MB/s written to it and as much read from it (of which packets %.0f)\n",
		shown(written, 1e6, text), packets.high / 1e6);
	/* captures leave min_free, a tenth unless configured, to the stages behind them */
	space = (struct range){packets.low * plan->backlog_s / 0.9,
		packets.high * plan->backlog_s / 0.9};
	printf("space        %s GB hold the packets of %.0f s, with a tenth left free (min_free)\n",
		shown(space, 1e9, text), plan->backlog_s);
	printf("             max_batches = %.0f in mira.conf, for batches of 5 s or 512 MiB\n",
		ceil(plan->backlog_s / fmin(5, 512 * 1048576.0 / packets.high)));
}

static void print_share(const struct plan *plan, const json_t *costs, double bytes)
{
	struct range cores = plan_range(costs, "preprocess", "cpu_s", plan->packets, bytes);
	double have = plan->hosts * plan->cores;
	struct range share = {fmin(1, have / cores.high) * 100, fmin(1, have / cores.low) * 100};
	char text[48];

	printf("share        %.0f hosts of %.0f processors analyse %s %% of it; the capture sheds the rest, and counts it\n",
		plan->hosts, plan->cores, shown(share, 1, text));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "not told";
}

static int print_plan(struct plan *plan)
{
	json_t *costs = plan_costs(plan->costs_path);
	double octets = plan->rate / 8, bytes;

	if (!costs)
		return MIRA_PERSON;
	if (plan->packets == 0)
		plan->packets = octets / plan->packet_size;
	bytes = octets + 36 * plan->packets; /* a pcapng block's head, tail and padding */
	printf("%.4g Gbit/s, %.4g packets a second of %.0f octets\n", plan->rate / 1e9,
		plan->packets, octets / plan->packets);
	printf("costs of %s, measured on %s\n\n", text_of(costs, "date"),
		text_of(costs, "machine"));
	print_stages(plan, costs, bytes);
	print_store(plan, costs, bytes);
	print_spool(plan, costs, bytes);
	if (plan->hosts > 0)
		print_share(plan, costs, bytes);
	puts("\nRanges are what the measured captures leave open; other traffic, symptoms or machines cost differently:\n"
	     "measure yours with mira plan --measure.");
	json_decref(costs);
	return MIRA_OK;
}

int mira_plan(int argc, char **argv)
{
	struct plan plan;
	int code = parse(&plan, argc, argv);

	if (code)
		return code < 0 ? MIRA_OK : code;
	return plan.measure ? measure(&plan, argv + optind, argc - optind) : print_plan(&plan);
}
