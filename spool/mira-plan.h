/*
 * mira-plan.h: `mira plan`: what a site needs, from what the stages were measured to cost.
 *
 * Costs are a JSON object, in a file: { "format": 1, "machine", "date", "version", "command", "captures": [ { "name", "packets",
 * "bytes", "stages": { "<stage>": { "cpu_s", "memory_bytes", "written_bytes", "records" } } } ] }. cpu_s is user and system time,
 * the start of the program taken off; bytes are those of the segments.
 *
 * Model: what a stage costs grows with packets and with bytes, by how much of each is not known. So each measured capture gives
 * an interval: scaled by packets alone, and by bytes alone. Where the intervals of several captures meet, the cost
 * lies; where they do not, anywhere from the least to the most.
 */
#ifndef SPOOL_MIRA_PLAN_H
#define SPOOL_MIRA_PLAN_H

#include <jansson.h>

#define PLAN_STAGES 5
extern const char *const plan_stages[PLAN_STAGES];

struct range {
	double low, high;
};

/* plan_costs(): the file at PATH; NULL: costs.json beside mira.conf. NULL after having said why. */
json_t *plan_costs(const char *path);
/* plan_range(): MEMBER of STAGE a second, at so many packets and bytes a second. */
struct range plan_range(const json_t *costs, const char *stage, const char *member, double packets,
	double bytes);
/* plan_measure(): runs the stages on each of FILES; the object, or NULL with *CODE after having said why. */
json_t *plan_measure(char **files, int count, const char *config, int *code);

#endif
