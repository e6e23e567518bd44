/*
 * policy.h: policy.conf as text: fast lists (used by preprocess) and ordered classes (used by
 * classify). Manual page: policy.conf(5).
 *
 *	version = "2026-03";
 *	fast = ( { name = "campus_dns"; class = "DNS"; verdict = "acceptable"; say = "…";
 *	           prefixes = [ "10.1.2.3/32" ]; ports = [ "udp/53", "tcp/53" ]; } );
 *	classes = ( { name = "bittorrent"; class = "P2P"; verdict = "unacceptable"; say = "…";
 *	              when = "bittorrent > 0"; } );
 *
 * A fast list matches a packet when one of its addresses lies in a prefix (no prefixes: any) and
 * one of its ports is listed (no ports: any); it has at least one of both. The first list that
 * matches counts as a symptom of the list's name, and the payload is not scanned. Names match
 * [a-z][a-z0-9_]* and are unique over lists and classes, classes match [A-Z][A-Z0-9/-]*. Verdicts:
 * acceptable, unacceptable, review. "say" may be left out.
 */
#ifndef SPOOL_POLICY_H
#define SPOOL_POLICY_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/config.h"

struct policy_port {
	uint8_t proto; /* IP protocol number, 0 for TCP and UDP both */
	uint16_t first, last;
};

struct policy_fast {
	char *name, *class, *verdict, *say;
	struct prefix *prefixes;
	size_t prefix_count;
	struct policy_port *ports;
	size_t port_count;
	int line;
};

struct policy_class {
	char *name, *class, *verdict, *say, *when;
	int line; /* of the setting "when" */
};

struct policy {
	char file[PATH_MAX];
	char *version; /* what its author calls this state of it, for reports; or NULL */
	struct policy_fast *fast;
	size_t fast_count;
	struct policy_class *classes;
	size_t class_count;
};

/* policy_load(): 0, or an exit code after having logged file, line and reason (nothing to free
 * then). Conditions are not looked into here. */
int policy_load(struct policy *policy, const char *path);
void policy_free(struct policy *policy);

#endif
