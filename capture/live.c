/* live.c: from an interface to the slicers of its streams. This thread never waits for the
 * spool. */
#include "capture/live.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "capture/others.h"
#include "capture/recover.h"
#include "capture/renewal.h"
#include "capture/settle.h"
#include "capture/slicer.h"
#include "spool/fault.h"
#include "spool/linktype.h"
#include "spool/notify.h"
#include "spool/traceid.h"

#define SECOND_NS 1000000000ull
#define RETIRE_MS 100  /* the kernel hands a block over that is not full after so long */
#define DRAIN_MS  5000 /* at the end: what lies in the ring is taken for so long at most */
#define STATS_MS  1000

struct live {
	struct capture *capture;
	pcap_t *pcap;
	uint32_t linktype;
	bool divided;	      /* the kernel gives us the packets of our share only */
	int others;	      /* counts the rest, -1 */
	unsigned fraction_ns; /* of a packet's tv_usec */
	struct slicer *slicers;
	uint64_t *slots; /* of each stream: the period its batch belongs to */
	uint64_t captured, shown;
	uint32_t drops, ifdrops; /* the kernel's counters when last looked at; they wrap */
	uint64_t stats_ms;
	uint64_t random;
	uint64_t sample_below; /* a packet is taken when its random number is below */
};

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- opening ---- */

static int refuse(struct live *live, const char *what)
{
	log_err("interface %s: %s; see \"ip link\", and run as root or with the capability "
		"CAP_NET_RAW",
		live->capture->interface, what);
	return MIRA_PERSON;
}

static int set_options(struct live *live)
{
	const struct config *config = &live->capture->config;
	uint32_t snaplen = 0;

	for (size_t i = 0; i < config->stream_count; i++)
		if (config->streams[i].snaplen > snaplen)
			snaplen = config->streams[i].snaplen;
	return pcap_set_snaplen(live->pcap, (int)snaplen) || pcap_set_promisc(live->pcap, 1) ||
	       pcap_set_timeout(live->pcap, RETIRE_MS) || pcap_set_immediate_mode(live->pcap, 0) ||
	       pcap_set_buffer_size(live->pcap, (int)config->ring_bytes);
}

static int activate(struct live *live)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	const struct linktype *type;
	int status;

	pcap_set_tstamp_precision(live->pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(live->pcap);
	if (status < 0)
		return refuse(live, *pcap_geterr(live->pcap) ? pcap_geterr(live->pcap)
							     : pcap_statustostr(status));
	if (status > 0)
		log_warn("interface %s: %s", live->capture->interface, pcap_geterr(live->pcap));
	live->fraction_ns =
		pcap_get_tstamp_precision(live->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	type = linktype_from_dlt(pcap_datalink(live->pcap));
	if (!type) {
		log_err("interface %s has link type %s, which is not known to MIRA",
			live->capture->interface,
			pcap_datalink_val_to_name(pcap_datalink(live->pcap)));
		return MIRA_PERSON;
	}
	live->linktype = type->number;
	return pcap_setnonblock(live->pcap, 1, why) ? refuse(live, why) : MIRA_OK;
}

/* On "any" libpcap rewrites programs for packets without a link header, which ours is not made for:
 * there, and where the kernel takes no program, the share is told here. */
static int divide(struct live *live)
{
	const struct share *part = &live->capture->config.part;
	struct bpf_program ours, rest;
	bool known;

	if (part->count <= 1 || pcap_datalink(live->pcap) == DLT_LINUX_SLL ||
		pcap_datalink(live->pcap) == DLT_LINUX_SLL2)
		return MIRA_OK;
	known = sharefilter_program(part, false, live->linktype, &ours);
	sharefilter_program(part, true, live->linktype, &rest);
	if (known)
		live->others = others_open(live->capture->interface, &rest);
	if (known && live->others < 0)
		log_warn("interface %s: the kernel does not take the program that divides it (%m); "
			 "all packets are looked at here",
			live->capture->interface);
	live->divided = live->others >= 0 && pcap_setfilter(live->pcap, &ours) == 0;
	free(ours.bf_insns);
	free(rest.bf_insns);
	if (live->others < 0 || live->divided)
		return MIRA_OK;
	return refuse(live, pcap_geterr(live->pcap));
}

struct live *live_open(struct capture *capture, int *code)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct live *live = x_calloc(1, sizeof(*live));

	live->capture = capture;
	live->others = -1;
	live->sample_below = capture->config.sampling >= 1
				     ? UINT64_MAX
				     : (uint64_t)(capture->config.sampling * 0x1p64);
	if (getrandom(&live->random, sizeof(live->random), 0) != sizeof(live->random))
		live->random = clock_us(CLOCK_REALTIME);
	live->random |= 1;
	live->pcap = pcap_create(capture->interface, why);
	*code = live->pcap ? MIRA_OK : refuse(live, why);
	if (live->pcap)
		*code = set_options(live) ? refuse(live, "its options cannot be set")
					  : activate(live);
	if (!*code)
		*code = divide(live);
	if (!*code)
		return live;
	live_close(live);
	return NULL;
}

void live_close(struct live *live)
{
	if (live->pcap)
		pcap_close(live->pcap);
	others_close(live->others);
	free(live->slicers);
	free(live->slots);
	free(live);
}

/* ---- this run ---- */

/* A run may begin where none goes on. */
static int take_stream(struct capture *capture, const struct capstate *ours)
{
	struct capstate before = {0};
	int code;

	memcpy(before.probe, ours->probe, sizeof(before.probe));
	memcpy(before.stream, ours->stream, sizeof(before.stream));
	code = recover_stream(capture, &before);
	if (code || before.ended || !before.run[0])
		return code;
	log_err("another instance (%s) began to capture stream %s meanwhile; wait for it or stop it",
		before.worker, before.stream);
	return MIRA_AGAIN;
}

static int open_streams(struct live *live)
{
	struct capture *capture = live->capture;
	size_t count = capture->config.stream_count;
	struct capstate state = {.live = true};
	int code;

	live->slicers = x_calloc(count, sizeof(*live->slicers));
	live->slots = x_calloc(count, sizeof(*live->slots));
	trace_id_random(state.run);
	snprintf(state.probe, sizeof(state.probe), "%s", capture->probe);
	snprintf(state.worker, sizeof(state.worker), "%s", worker_name(capture->worker));
	for (size_t i = 0; i < count; i++) {
		struct slicer *slicer = &live->slicers[i];

		share_stream(&capture->config.part, capture->config.streams[i].name, state.stream);
		code = take_stream(capture, &state);
		if (code)
			return code;
		slicer_open(slicer, capture, &capture->config.streams[i], &state,
			capture->interface);
		slicer->sampling = capture->config.sampling;
		slicer->linktype = live->linktype;
		if (!capstate_write(&capture->spool, &state))
			continue;
		log_err("cannot write the state of stream %s in %s: %m; free space there and start "
			"again",
			state.stream, capture->spool.root);
		return MIRA_AGAIN;
	}
	FAULT("begun");
	return MIRA_OK;
}

/* ---- packets ---- */

/* xorshift64: fast, and good enough to choose packets by. */
static bool sampled(struct live *live)
{
	if (live->sample_below == UINT64_MAX)
		return true;
	live->random ^= live->random << 13;
	live->random ^= live->random >> 7;
	live->random ^= live->random << 17;
	return live->random < live->sample_below;
}

static void take(struct live *live, struct slicer *slicer, const struct packet *packet)
{
	if (!sampled(live))
		slicer_filtered(slicer, 1);
	else if (publisher_pressed(live->capture->publisher) || !slicer_add(slicer, packet, 0))
		slicer_shed(slicer);
	else
		live->captured++;
}

static void on_packet(u_char *context, const struct pcap_pkthdr *header, const u_char *data)
{
	struct live *live = (struct live *)context;
	const struct capture *capture = live->capture;
	struct packet packet = {.caplen = header->caplen,
		.origlen = header->len,
		.linktype = live->linktype,
		.data = data};

	if (!live->divided && !sharefilter_takes(capture->share, &packet)) {
		slicer_filtered(&live->slicers[0], 1);
		return;
	}
	packet.time_ns = (uint64_t)header->ts.tv_sec * SECOND_NS +
			 (uint64_t)header->ts.tv_usec * live->fraction_ns;
	for (size_t i = 0; i < capture->config.stream_count; i++) {
		if (!filter_passes(capture->filters[i], &packet))
			continue;
		take(live, &live->slicers[i], &packet);
		if (capture->packet_limit && live->captured >= capture->packet_limit)
			pcap_breakloop(live->pcap);
		return;
	}
	slicer_filtered(&live->slicers[0], 1);
}

/* ---- counters and clocks ---- */

static void look_at_drops(struct live *live)
{
	struct pcap_stat stats;

	live->stats_ms = clock_us(CLOCK_MONOTONIC) / 1000;
	slicer_filtered(&live->slicers[0], others_take(live->others));
	if (pcap_stats(live->pcap, &stats))
		return;
	/* unsigned differences: right also when a counter has wrapped */
	slicer_dropped(&live->slicers[0], stats.ps_drop - live->drops,
		stats.ps_ifdrop - live->ifdrops);
	live->drops = stats.ps_drop;
	live->ifdrops = stats.ps_ifdrop;
}

static void show_progress(struct live *live)
{
	struct progress *progress = &live->capture->progress;

	progress->packets = live->captured;
	progress->batches = publisher_batches(live->capture->publisher);
	snprintf(progress->doing, sizeof(progress->doing), "capturing %.80s",
		live->capture->interface);
	worker_progress(live->capture->worker, progress);
	notify_progress(progress, NULL);
}

/* Begins the batches of a new period. A stream that finds no buffer goes on with the old one and
 * tries again. */
static void turn(struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_REALTIME);
	uint64_t period_us = (uint64_t)(live->capture->config.period_s * 1e6);
	uint64_t slot = now_us / period_us;

	for (size_t i = 0; i < live->capture->config.stream_count; i++) {
		if (live->slots[i] == slot)
			continue;
		if (i == 0)
			look_at_drops(live);
		if (slicer_turn(&live->slicers[i], live->slots[i] ? slot * period_us : now_us))
			live->slots[i] = slot;
		show_progress(live);
	}
}

static bool over(const struct live *live, uint64_t until_us)
{
	const struct capture *capture = live->capture;

	return capture_stopping() || publisher_failed(capture->publisher) ||
	       (until_us && clock_us(CLOCK_MONOTONIC) >= until_us) ||
	       (capture->packet_limit && live->captured >= capture->packet_limit);
}

/* Waits for packets and takes what there is. Negative: the interface failed. */
static int take_some(struct live *live)
{
	struct pollfd wait = {.fd = pcap_get_selectable_fd(live->pcap), .events = POLLIN};
	int result;

	if (poll(&wait, 1, RETIRE_MS) < 0 && errno != EINTR)
		return PCAP_ERROR;
	result = pcap_dispatch(live->pcap, -1, on_packet, (u_char *)live);
	return result == PCAP_ERROR_BREAK ? 0 : result;
}

/* From now on the interface gives nothing more. libpcap is not asked: it would apply the filter to
 * what it holds already. */
static void shut(struct live *live)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &none};

	setsockopt(pcap_fileno(live->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof(program));
	look_at_drops(live);
	others_close(live->others);
	live->others = -1;
}

/* What the kernel had taken before the end belongs to the run, to the last block, which it hands over
 * only after RETIRE_MS. */
static void drain(struct live *live)
{
	uint64_t now_us = clock_us(CLOCK_MONOTONIC), quiet_us = now_us;
	uint64_t until_us = now_us + DRAIN_MS * 1000;

	if (live->capture->packet_limit)
		return;
	shut(live);
	for (; now_us < until_us && now_us < quiet_us + 3 * RETIRE_MS * 1000;
		now_us = clock_us(CLOCK_MONOTONIC))
		if (take_some(live) > 0)
			quiet_us = now_us;
}

static int end_all(struct live *live, int result)
{
	char why[FEED_WHY];

	if (result < 0)
		snprintf(why, sizeof(why), "interface %.40s: %.80s", live->capture->interface,
			pcap_geterr(live->pcap));
	else
		drain(live);
	look_at_drops(live);
	for (size_t i = 0; i < live->capture->config.stream_count; i++)
		slicer_end(&live->slicers[i], 0, result < 0 ? why : NULL, clock_us(CLOCK_REALTIME));
	show_progress(live);
	if (result < 0)
		log_err("%s; the run has been ended, start the capture again when the interface is "
			"back",
			why);
	else
		log_info("captured %" PRIu64 " packets of interface %s", live->captured,
			live->capture->interface);
	return result < 0 ? MIRA_AGAIN : MIRA_OK;
}

int live_capture(struct live *live)
{
	uint64_t until_us = 0;
	int code = settle_all(live->capture), result = 0;

	if (!code)
		code = open_streams(live);
	if (code)
		return code;
	if (live->capture->duration_s > 0)
		until_us = clock_us(CLOCK_MONOTONIC) + (uint64_t)(live->capture->duration_s * 1e6);
	log_info("capturing %s, link type %u", live->capture->interface, live->linktype);
	while (!over(live, until_us) && result >= 0) {
		turn(live);
		notify_alive();
		renewal_look(live->capture->renewal);
		result = take_some(live);
		if (clock_us(CLOCK_MONOTONIC) / 1000 - live->stats_ms >= STATS_MS)
			look_at_drops(live);
	}
	return end_all(live, result);
}
