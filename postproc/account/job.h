/*
 * job.h: the skeleton of a post-processor that reads the store of a period and prints what it found,
 * in one of several formats. It takes --db, --config, --format, the words of period.h, --help and
 * --version; opens the store for reading, in one transaction, so that all that is read is of one
 * instant; and prints one JSON object, from which every format is made, so that they cannot disagree.
 *
 *	static const struct job job = {.name = "mira-matrix", .usage = …, .options = …, …};
 *	int main(int argc, char **argv) { return job_main(&job, argc, argv); }
 */
#ifndef POSTPROC_JOB_H
#define POSTPROC_JOB_H

#include <getopt.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include "postproc/period.h"
#include "spool/config.h"

struct job_run {
	const char *db_path;
	sqlite3 *db;
	struct config config;
	struct period period; /* PERIOD_ALL is made that of the windows in the store */
};

struct job {
	const char *name;
	const char *usage;	      /* what --help prints */
	const struct option *options; /* its own, with letters as values; {0} at the end */
	int (*option)(int value, const char *argument); /* 0, or an exit code after a message */
	/* The object to print; NULL with *CODE after a message. The caller owns it. */
	json_t *(*gather)(struct job_run *run, int *code);
	struct job_format {
		const char *name;
		void (*print)(const json_t *found, FILE *out);
	} formats[6]; /* the first is the default; NULL at the end */
};

int job_main(const struct job *job, int argc, char **argv);

/* The options that every job has, for its usage. */
#define JOB_HELP                                                                                   \
	"  --db FILE            the database (default: store in mira.conf); it is only read\n"     \
	"  --config FILE        mira.conf\n" PERIOD_HELP "  --help, --version\n"

/* job_json(): the object itself, for formats[]. */
void job_json(const json_t *found, FILE *out);

/*
 * job_cover(): what every such object begins with: format (1), program, network, from_ms, to_ms,
 * period (a text), timezone, and share_analysed of the packets seen (null: none). NULL with *CODE.
 */
json_t *job_cover(const struct job_run *run, int *code);
/* job_print_cover(): the same as the first lines of a text, below TITLE. */
void job_print_cover(const json_t *found, const char *title, FILE *out);

/* job_failed(): logs that the store cannot be read, and why; the exit code. */
int job_failed(sqlite3 *db);

#endif
