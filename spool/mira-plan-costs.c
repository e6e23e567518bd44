/* mira-plan-costs.c: the table of measured costs, and what follows from it for other traffic. Part of `mira plan`. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "spool/config.h"
#include "spool/fields.h"
#include "spool/log.h"
#include "spool/mira-plan.h"

const char *const plan_stages[PLAN_STAGES] = {"capture", "preprocess", "consolidate", "classify",
	"store"};

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static bool is_legal(const json_t *costs)
{
	const json_t *captures = json_object_get(costs, "captures");
	json_t *capture;
	size_t i;

	json_array_foreach(captures, i, capture)
		if (number(capture, "packets") <= 0 || number(capture, "bytes") <= 0)
			return false;
	return number(costs, "format") == 1 && json_array_size(captures) > 0;
}

json_t *plan_costs(const char *named)
{
	char path[PATH_MAX], why[FIELD_WHY] = "not a table of costs";
	json_t *costs;

	if (named) {
		snprintf(path, sizeof(path), "%s", named);
	} else {
		config_find(NULL, path);
		char *slash = strrchr(path, '/');

		snprintf(slash ? slash + 1 : path, 16, "costs.json");
	}
	costs = json_read_file(path, why);
	if (costs && is_legal(costs))
		return costs;
	if (!costs && errno != EBADMSG)
		snprintf(why, sizeof(why), "%s", strerror(errno));
	log_err("cannot read the costs %s: %s; measure your own with mira plan --measure", path,
		why);
	json_decref(costs);
	return NULL;
}

struct range plan_range(const json_t *costs, const char *stage, const char *member, double packets,
	double bytes)
{
	struct range meet = {0, INFINITY}, all = {INFINITY, 0};
	json_t *capture;
	size_t i;

	json_array_foreach(json_object_get(costs, "captures"), i, capture) {
		double value =
			number(json_object_get(json_object_get(capture, "stages"), stage), member);
		double by_packets = value / number(capture, "packets") * packets;
		double by_bytes = value / number(capture, "bytes") * bytes;
		struct range one = {fmin(by_packets, by_bytes), fmax(by_packets, by_bytes)};

		meet = (struct range){fmax(meet.low, one.low), fmin(meet.high, one.high)};
		all = (struct range){fmin(all.low, one.low), fmax(all.high, one.high)};
	}
	return meet.low <= meet.high ? meet : all;
}
