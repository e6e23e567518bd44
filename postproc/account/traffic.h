/*
 * traffic.h: the biflows of a period one by one, with what both their hosts are called; for
 * post-processors that need both ends of a biflow, which no rollup of the store holds.
 *
 *	struct traffic traffic = {.db = db, .name = name_of, .own = …};
 *
 *	if (traffic_hosts(&traffic) || traffic_each(&traffic, &period, add)) …	an exit code, logged
 *	… traffic.names[biflow->src] …
 *	traffic_free(&traffic);
 *
 * Takes about a second for each million biflows of the period. A period of which retention has removed
 * biflows is refused (MIRA_PERSON), however many are left.
 */
#ifndef POSTPROC_TRAFFIC_H
#define POSTPROC_TRAFFIC_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "postproc/period.h"

/* One direction; all 0 where it was not observed. */
struct traffic_side {
	uint64_t packets, octets;
	double sampling; /* probability with which a packet was analysed */
};

struct traffic_biflow {
	int64_t window_ms;
	uint32_t src, dst;		 /* below host_count */
	uint32_t decision, aggregate;	 /* ids of the store; aggregate 0: none */
	struct traffic_side there, back; /* src to dst, dst to src */
};

struct traffic {
	sqlite3 *db;
	/* name(): of ADDRESS, any number, such as one of intern.h. */
	uint32_t (*name)(const char *address, void *own);
	void *own;
	uint32_t *names; /* of each host of the store, by its id */
	uint32_t host_count;
};

int traffic_hosts(struct traffic *traffic);
int traffic_each(const struct traffic *traffic, const struct period *period,
	void (*each)(const struct traffic_biflow *biflow, void *own));
void traffic_free(struct traffic *traffic);

#endif
