/*
 * biflow.h: an entry of the merge table becomes a biflow (RFC 5103): oriented, with what earlier windows knew of it.
 *
 * src is the sender of the earliest SYN without ACK, else of the earliest packet; a tie falls to the lower end. A
 * key that was seen in one of the last windows keeps the orientation it had (FLOW_REVERSED). Symptoms of earlier windows
 * come as carried_packets, and are not counted in packets.
 */
#ifndef CONSOLIDATE_BIFLOW_H
#define CONSOLIDATE_BIFLOW_H

#include "consolidate/carry.h"
#include "consolidate/window.h"

/* The symptoms of the biflow made last; zero at first, free(list) at the end. */
struct symptom_list {
	struct symptom_count *list;
	size_t count, room;
};

/* biflow_make(): call in the order of window_sort(). OUT is valid until the next one is made. */
void biflow_make(const struct window_table *table, const struct entry *entry, struct carry *carry,
	struct symptom_list *symptoms, struct biflow *out);

#endif
