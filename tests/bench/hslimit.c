/*
 * hslimit: how fast the work could be done at all on this machine. One thread, a capture from the page cache, decode, flow
 * table, Hyperscan over every payload byte. What a product needs beside (expiry, output, names, reassembly) is left out, so
 * it is a bound.
 *
 *	hslimit CAPTURE PATTERNS FOLDER MEASURE...	a line of key=value for each MEASURE, in their order:
 *
 *	walk		read() in pieces of 256 KiB, walk the records
 *	decode		... and find the payload
 *	flow		... and a hash table of biflows
 *	block		... and a Hyperscan block scan of all payload
 *	stream		the same, with stream scans instead
 *	libpcap		pcap_next_ex(), walk only
 *	copy		walk, copy, write into files of 64 MiB in FOLDER, each with an fsync of itself and the folder
 *
 * CAPTURE is a pcap file of Ethernet frames, in this machine's byte order, as mkbench writes it. PATTERNS has a line
 * NUMBER:/EXPRESSION/FLAGS for each pattern; what they are compiled to is kept beside it. What is timed is the work alone,
 * neither the start nor the compiling of patterns.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <hs.h>

#include "tests/bench/hslimit.h"

#define FILE_HEADER   24
#define RECORD_HEADER 16
#define READ_BYTES    (256 << 10)
#define RECORD_MAX    (270000)
#define SEGMENT_BYTES (64 << 20)
#define PATTERNS_MAX  4096

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- what is done with a record: HEADER is that of the file format, the frame stands behind ---- */

static hs_database_t *block_database, *stream_database;
static hs_scratch_t *scratch;
static uint64_t packets, scanned, matches, sum;

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *own)
{
	matches++;
	return 0;
}

ALWAYS_INLINE void each_walk(const uint8_t *header, uint32_t captured)
{
	sum += captured;
}

ALWAYS_INLINE void each_decode(const uint8_t *header, uint32_t captured)
{
	struct packet packet;

	if (decode(header + RECORD_HEADER, captured, &packet))
		sum += packet.payload_size + packet.sport;
}

ALWAYS_INLINE struct biflow *count(const uint8_t *header, uint32_t captured, struct packet *packet,
	int *direction)
{
	uint64_t now_us = host32(header) * 1000000ull + host32(header + 4);
	struct biflow *flow;

	if (!decode(header + RECORD_HEADER, captured, packet))
		return NULL;
	flow = flow_of(packet, direction);
	if (!flow->packets[0] && !flow->packets[1])
		flow->first_us = now_us;
	flow->last_us = now_us;
	flow->packets[*direction]++;
	flow->octets[*direction] += host32(header + 12);
	flow->tcp_flags[*direction] |= packet->tcp_flags;
	scanned += packet->payload_size;
	return packet->payload_size ? flow : NULL;
}

ALWAYS_INLINE void each_flow(const uint8_t *header, uint32_t captured)
{
	struct packet packet;
	int direction;

	count(header, captured, &packet, &direction);
}

ALWAYS_INLINE void each_block(const uint8_t *header, uint32_t captured)
{
	struct packet packet;
	int direction;

	if (count(header, captured, &packet, &direction))
		hs_scan(block_database, (const char *)packet.payload, packet.payload_size, 0,
			scratch, on_match, NULL);
}

ALWAYS_INLINE void each_stream(const uint8_t *header, uint32_t captured)
{
	struct packet packet;
	int direction;
	struct biflow *flow = count(header, captured, &packet, &direction);

	if (!flow)
		return;
	if (!flow->streams[direction])
		hs_open_stream(stream_database, 0, &flow->streams[direction]);
	hs_scan_stream(flow->streams[direction], (const char *)packet.payload, packet.payload_size,
		0, scratch, on_match, NULL);
}

static void close_streams(void)
{
	for (uint32_t i = 0; i < FLOWS; i++)
		for (int direction = 0; direction < 2; direction++)
			if (table[i].streams[direction])
				hs_close_stream(table[i].streams[direction], scratch, on_match,
					NULL);
}

/* ---- the walks ---- */

/* A constant EACH becomes part of the loop. A reused buffer stays in the second-level cache; mmap() costs twice as much. */
ALWAYS_INLINE void walk(int file, void (*each)(const uint8_t *header, uint32_t captured))
{
	static uint8_t buffer[READ_BYTES + RECORD_MAX];
	size_t have = 0, at;
	ssize_t got;

	while ((got = read(file, buffer + have, READ_BYTES)) > 0) {
		have += (size_t)got;
		for (at = 0; at + RECORD_HEADER <= have; packets++) {
			uint32_t captured = host32(buffer + at + 8);

			if (at + RECORD_HEADER + captured > have)
				break;
			each(buffer + at, captured);
			at += RECORD_HEADER + captured;
		}
		memmove(buffer, buffer + at, have - at);
		have -= at;
	}
}

static void run_walk(int file, const char *path, const char *folder)
{
	walk(file, each_walk);
}

static void run_decode(int file, const char *path, const char *folder)
{
	walk(file, each_decode);
}

static void run_flow(int file, const char *path, const char *folder)
{
	walk(file, each_flow);
}

static void run_block(int file, const char *path, const char *folder)
{
	walk(file, each_block);
}

static void run_stream(int file, const char *path, const char *folder)
{
	walk(file, each_stream);
	close_streams();
}

static void run_libpcap(int file, const char *path, const char *folder)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, why);
	struct pcap_pkthdr *header;
	const u_char *bytes;

	for (; capture && pcap_next_ex(capture, &header, &bytes) == 1; packets++)
		sum += header->caplen;
	if (capture)
		pcap_close(capture);
}

static struct {
	const char *folder;
	uint8_t bytes[1 << 20];
	size_t used, in_segment;
	int file, folder_file, number;
} out;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "hslimit: %s: ", what);
	perror(NULL);
	exit(1);
}

static void write_out(void)
{
	must(write(out.file, out.bytes, out.used) == (ssize_t)out.used, "write");
	out.in_segment += out.used;
	out.used = 0;
}

static void end_segment(void)
{
	write_out();
	must(fsync(out.file) == 0 && close(out.file) == 0, "fsync of a file");
	must(fsync(out.folder_file) == 0, "fsync of the folder");
}

static void begin_segment(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%06d", out.folder, out.number++);
	out.file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	out.in_segment = 0;
	must(out.file >= 0, path);
}

ALWAYS_INLINE void each_copy(const uint8_t *header, uint32_t captured)
{
	size_t size = RECORD_HEADER + captured;

	if (out.used + size > sizeof(out.bytes)) {
		write_out();
		if (out.in_segment + sizeof(out.bytes) > SEGMENT_BYTES) {
			end_segment();
			begin_segment();
		}
	}
	memcpy(out.bytes + out.used, header, size);
	out.used += size;
}

static void run_copy(int file, const char *path, const char *folder)
{
	out.folder = folder;
	out.number = 0;
	out.folder_file = open(folder, O_RDONLY | O_DIRECTORY);
	must(out.folder_file >= 0, folder);
	begin_segment();
	walk(file, each_copy);
	end_segment();
	close(out.folder_file);
}

static const struct measure {
	const char *name;
	void (*run)(int file, const char *path, const char *folder);
} measures[] = {
	{"walk", run_walk},
	{"decode", run_decode},
	{"flow", run_flow},
	{"block", run_block},
	{"stream", run_stream},
	{"libpcap", run_libpcap},
	{"copy", run_copy},
};

/* ---- before and after ---- */

static struct {
	const char *expressions[PATTERNS_MAX];
	unsigned flags[PATTERNS_MAX], ids[PATTERNS_MAX], count;
} patterns;

static void add_pattern(char *line)
{
	char *begin = strchr(line, '/'), *end = strrchr(line, '/');
	unsigned flags = 0;

	if (!begin || begin == end || patterns.count == PATTERNS_MAX)
		return;
	for (const char *flag = end + 1; *flag; flag++)
		flags |= *flag == 'i' ? HS_FLAG_CASELESS : *flag == 's' ? HS_FLAG_DOTALL : 0;
	*end = 0;
	patterns.expressions[patterns.count] = strdup(begin + 1);
	patterns.flags[patterns.count] = flags;
	patterns.ids[patterns.count++] = (unsigned)atoi(line);
}

static hs_database_t *compile(unsigned mode)
{
	hs_compile_error_t *error;
	hs_database_t *database;

	if (hs_compile_multi(patterns.expressions, patterns.flags, patterns.ids, patterns.count,
		    mode, NULL, &database, &error) != HS_SUCCESS) {
		fprintf(stderr, "hslimit: pattern %d: %s\n", error->expression, error->message);
		exit(2);
	}
	return database;
}

/* Many patterns take long to compile, and this program is called again and again: PATH keeps what came out. */
static hs_database_t *kept(const char *path)
{
	static char bytes[64 << 20];
	hs_database_t *database = NULL;
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return NULL;
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return hs_deserialize_database(bytes, size, &database) == HS_SUCCESS ? database : NULL;
}

static void keep(const char *path, const hs_database_t *database)
{
	FILE *file = fopen(path, "wb");
	char *bytes;
	size_t size;

	must(file && hs_serialize_database(database, &bytes, &size) == HS_SUCCESS, path);
	must(fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path);
	free(bytes);
}

static hs_database_t *database_of(const char *path, const char *kind, unsigned mode)
{
	char name[PATH_MAX];
	hs_database_t *database;

	snprintf(name, sizeof(name), "%s.%s", path, kind);
	database = kept(name);
	if (!database) {
		database = compile(mode);
		keep(name, database);
	}
	must(hs_alloc_scratch(database, &scratch) == HS_SUCCESS, "hs_alloc_scratch");
	return database;
}

static void load_patterns(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	must(file, path);
	while (fgets(line, sizeof(line), file))
		add_pattern(line);
	fclose(file);
	block_database = database_of(path, "block", HS_MODE_BLOCK);
	stream_database = database_of(path, "stream", HS_MODE_STREAM);
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(const char *name, int file, const char *path, const char *folder)
{
	const struct measure *row = measures, *end = row + sizeof(measures) / sizeof(*measures);
	double cpu, wall;

	while (row < end && strcmp(row->name, name))
		row++;
	if (row == end || lseek(file, FILE_HEADER, SEEK_SET) < 0) {
		fprintf(stderr, "hslimit: cannot measure %s\n", name);
		exit(2);
	}
	memset(table, 0, FLOWS * sizeof(*table));
	packets = scanned = matches = flows = 0;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	wall = seconds(CLOCK_MONOTONIC);
	row->run(file, path, folder);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("measure=%s cpu_s=%.6f wall_s=%.6f packets=%" PRIu64 " flows=%" PRIu64
	       " scanned=%" PRIu64 " matches=%" PRIu64 "\n",
		name, cpu, wall, packets, flows, scanned, matches);
}

int main(int argc, char **argv)
{
	int file;

	if (argc < 5) {
		fprintf(stderr, "usage: hslimit CAPTURE PATTERNS FOLDER MEASURE...\n");
		return 2;
	}
	file = open(argv[1], O_RDONLY);
	must(file >= 0, argv[1]);
	load_patterns(argv[2]);
	table = mmap(NULL, FLOWS * sizeof(*table), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(table != MAP_FAILED, "memory for the flow table");
	for (int i = 4; i < argc; i++)
		measure(argv[i], file, argv[1], argv[3]);
	return 0;
}
