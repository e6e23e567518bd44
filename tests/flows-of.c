/*
 * flows-of.c: prints the flows of flows batches, a line each, for tests: proto, src, sport, dst,
 * dport, packets, octets, window, tunnel, vlan, host name, symptoms, tunnel's endpoints; separated
 * by tabs.
 *
 *	flows-of FLOWS.ipfix…
 *	flows-of --ledger FLOWS.ipfix…	packets: captured, IP, not IP, malformed, and what is damaged
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"
#include "spool/record.h"

static void print_address(const struct flowkey *key, const uint8_t *address, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(key->version == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	printf("\t%s\t%u", text, port);
}

static void print_flow(const struct flow *flow)
{
	printf("%u", flow->key.proto);
	print_address(&flow->key, flow->key.src, flow->key.sport);
	print_address(&flow->key, flow->key.dst, flow->key.dport);
	printf("\t%llu\t%llu\t%llu", (unsigned long long)flow->packets,
		(unsigned long long)flow->octets, (unsigned long long)flow->window_ms);
	printf("\t%s\t%s\t%s\t", intern_text(flow->tunnel), intern_text(flow->vlan),
		intern_text(flow->host_name));
	for (size_t i = 0; i < flow->symptom_count; i++)
		printf("%s%s=%llu", i ? "," : "", intern_text(flow->symptoms[i].name),
			(unsigned long long)flow->symptoms[i].packets);
	printf("\t%s\n", intern_text(flow->endpoint));
}

static void print_ledger(const struct ledger *ledger)
{
	printf("%llu\t%llu\t%llu\t%llu\t%s\n", (unsigned long long)ledger->counts.captured,
		(unsigned long long)ledger->ip, (unsigned long long)ledger->not_ip,
		(unsigned long long)ledger->malformed, ledger->damaged);
}

static void print_file(const char *path, bool ledger)
{
	struct record_reader *reader = record_open(path);
	union record record;
	int type;

	if (!reader)
		die(MIRA_PERSON, "cannot open %s", path);
	while ((type = record_next(reader, &record)) > RECORD_END)
		if (ledger && type == RECORD_LEDGER)
			print_ledger(&record.ledger);
		else if (!ledger && type == RECORD_FLOW)
			print_flow(&record.flow);
	if (type < 0)
		die(MIRA_PERSON, "%s: %s", path, record_why());
	record_close(reader);
}

int main(int argc, char **argv)
{
	bool ledger = argc > 1 && strcmp(argv[1], "--ledger") == 0;

	log_open("flows-of");
	for (int i = 1 + ledger; i < argc; i++)
		print_file(argv[i], ledger);
	return MIRA_OK;
}
