/* groups.c: the least size of a group, for post-processors that show aggregates and networks. */
#include "postproc/privacy/groups.h"

/* The smallest one that is not hidden, or COUNT. */
static size_t smallest(const uint64_t *hosts, size_t count, const bool *hidden)
{
	size_t found = count;

	for (size_t i = 0; i < count; i++)
		if (!hidden[i] && (found == count || hosts[i] < hosts[found]))
			found = i;
	return found;
}

void groups_hide(const struct privacy *privacy, const uint64_t *hosts, size_t count, bool *hidden)
{
	uint64_t together = 0;
	size_t next, hides = 0;

	for (size_t i = 0; i < count; i++) {
		hidden[i] = !privacy_group(privacy, hosts[i]);
		hides += hidden[i];
		together += hidden[i] ? hosts[i] : 0;
	}
	while (hides && !privacy_group(privacy, together) &&
		(next = smallest(hosts, count, hidden)) < count) {
		hidden[next] = true;
		together += hosts[next];
	}
}
