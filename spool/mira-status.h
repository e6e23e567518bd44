/*
 * mira-status.h: `mira status`: one look at a spool as one JSON object, which is then shown as a table, as itself or as Prometheus
 * text, and judged. mira-status(1) documents the object.
 *
 * A look only reads: no claims, no looks at beats kept, nothing made. It runs in a process of its own (status_ask()), because a
 * file server that is away hangs whoever reads from it.
 *
 * Ages are those of the file server's clock: what stands on the spool was stamped by it (ctime of a batch is when it was moved
 * where it stands), and the server's present time is that of this host when the file system is local, otherwise the
 * stamp of the newest beat. So with everybody dead ages stand still, and the object says so ("clock").
 */
#ifndef SPOOL_MIRA_STATUS_H
#define SPOOL_MIRA_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "spool/config.h"
#include "spool/fields.h"
#include "spool/spool.h"

#define STATUS_FORMAT 1

/* What one look has at hand. */
struct status_look {
	struct spool spool;
	struct config config;
	json_t *status; /* what is being gathered */
	double now_s;	/* the file server's, seconds since 1970; 0 not known */
	json_t *before; /* what an earlier look kept of each queue's listing, or NULL */
	json_t *wanted; /* [ { "tail": "-<run>-<seq>", "where": … } ]: batches that windows wait for */
};

/* Each adds its part to look->status; -1 with errno: the spool cannot be read. */
int status_clock(struct status_look *look);   /* "clock", "workers" */
int status_streams(struct status_look *look); /* "streams" */
int status_windows(
	struct status_look *look); /* "windows", and what they wait for to look->wanted */
int status_queues(
	struct status_look *look); /* "queues", "bad"; finds what is wanted; who holds what */
int status_disk(struct status_look *look); /* "disk" */

/* status_lately(): rates and growth by what earlier looks of this host saw (kept in the user's cache folder, never on the
 * spool), into STATUS; remembers this look. */
void status_lately(json_t *status);

/* status_before(): "kept" of the last look of this host at the spool at ROOT; NULL when there is none. */
json_t *status_before(const char *root);

/* status_judge(): "attention": what a person should see, and "level": 0 all right, 1 soon, 2 a person is needed. */
void status_judge(json_t *status);

/* status_ask(): a look at ROOT by a process of its own: the object; NULL with *CODE: an exit code, said on standard error; -1
 * when the spool did not answer within TIMEOUT_S. A process that hangs is asked again by the next call. */
json_t *status_ask(const char *root, const char *config, double timeout_s, int *code);

/* status_said(): what that process logged. */
const char *status_said(void);

/* status_colour(): is standard output a terminal, and does nobody object to colour? */
bool status_colour(void);
void status_table(const json_t *status, FILE *out, int columns, bool colour);
/* status_prometheus(): 0, or an exit code, said. */
int status_prometheus(const json_t *status, const char *path);
/* status_watch(): until q or a signal. An exit code. */
int status_watch(const char *root, const char *config, double every_s);

/* status_get(): number NAME of OBJECT, 0 when absent; status_text(): "" when absent. */
static inline double status_get(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}
static inline const char *status_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

#endif
