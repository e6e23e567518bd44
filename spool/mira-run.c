/*
 * mira-run.c: `mira run`: one audit from FILEs or an interface to the report.
 *
 * What can be wrong is looked for before anything is made: the command line, the inputs, the
 * configuration, the rules, the folder, the spool. Then the stages work (mira-line.h), and the
 * report is made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira-audit.h"
#include "spool/mira-child.h"
#include "spool/mira-line.h"
#include "spool/mira.h"
#include "spool/nfs.h"

struct run {
	struct run_options options;
	struct config config;
	char config_path[PATH_MAX], db[PATH_MAX];
	struct audit audit;
};

/* ---- before ---- */

/* Compiled symptoms outlive a temporary spool in the user's cache. */
static void use_cache(void)
{
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
	char *path;

	if (getenv("MIRA_CACHE") || (!home && !cache))
		return;
	path = cache && *cache ? x_sprintf("%s/mira", cache) : x_sprintf("%s/.cache/mira", home);
	if (!nfs_mkdir(path) && access(path, W_OK) == 0)
		setenv("MIRA_CACHE", path, 1);
	free(path);
}

static int prepare(struct run *run)
{
	int code;

	config_find(run->options.config, run->config_path);
	code = config_load(&run->config, run->config_path);
	if (!code)
		code = audit_describe(&run->audit, &run->config, &run->options);
	if (code)
		return code;
	use_cache();
	setenv("MIRA_LOG", "warn", 0);
	child_catch_signals();
	code = mira_check_rules(run->config_path, false);
	return code ? code : audit_begin(&run->audit, run->options.out, run->options.spool);
}

/* ---- the report ---- */

/* The last one to write: it leaves a database that is one file, also where a killed store did not. */
static int describe_inputs(const struct run *run)
{
	char *text = json_dumps(run->audit.inputs.list, JSON_COMPACT);
	sqlite3 *db = NULL;
	sqlite3_stmt *put = NULL;
	int code = MIRA_AGAIN;

	if (sqlite3_open_v2(run->db, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(db,
			"INSERT OR REPLACE INTO meta(key, value) VALUES('inputs', ?1)", -1, &put,
			NULL) == SQLITE_OK &&
		sqlite3_bind_text(put, 1, text, -1, SQLITE_STATIC) == SQLITE_OK &&
		sqlite3_step(put) == SQLITE_DONE && sqlite3_reset(put) == SQLITE_OK &&
		sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK)
		code = MIRA_OK;
	else
		log_err("cannot write to %s: %s; free space there and run the same command again",
			run->db, sqlite3_errmsg(db));
	sqlite3_finalize(put);
	sqlite3_close(db);
	free(text);
	return code;
}

static int report(struct run *run)
{
	char *argv[] = {"mira-report", "--db", run->db, "--out", run->audit.dir, "--config",
		run->config_path, NULL};
	struct child child = {.stage = "report", .argv = argv, .restart = true};

	if (child_start(&child))
		return MIRA_AGAIN;
	child_wait(&child, 1, "making the report");
	return child_interrupted() && child.stopping ? MIRA_AGAIN : child.code;
}

/* ---- all of it ---- */

static int finish(struct run *run, int capture_code)
{
	int inputs_code = run->audit.inputs.code, code = describe_inputs(run);

	return code ? code
		    : audit_complete(&run->audit,
			      capture_code > inputs_code ? capture_code : inputs_code);
}

static int audit_all(struct run *run)
{
	struct spool spool;
	struct line line = {.options = &run->options,
		.inputs = &run->audit.inputs,
		.spool = &spool,
		.config_path = run->config_path,
		.db = run->db};
	int code = spool_open(&spool, run->audit.spool, &run->config, !run->audit.temporary);

	if (!code)
		code = audit_take_spool(&run->audit, &spool);
	if (!code)
		code = line_run(&line);
	if (!code && line.captured)
		return finish(run, line.capture_code);
	if (!code)
		code = child_interrupted() ? MIRA_AGAIN : MIRA_PERSON;
	if ((code == MIRA_PERSON || run->audit.inputs.once) && run->audit.fresh && !line.captured)
		audit_discard(&run->audit);
	return code;
}

/* To the report. */
static int audit(struct run *run)
{
	int code = prepare(run);

	if (code)
		return code;
	snprintf(run->db, sizeof(run->db), "%.*s/mira.db", PATH_MAX - 16, run->audit.dir);
	if (run->audit.complete && run->audit.code && !run->audit.inputs.code)
		log_warn("a FILE was refused when this audit was made; the others are in it");
	if (!run->audit.complete)
		code = audit_all(run);
	if (!code)
		code = report(run);
	return code ? code : run->audit.code;
}

int mira_run(int argc, char **argv)
{
	static struct run run = {.audit = {.lock = -1, .spool_lock = -1}};
	int code = run_options_parse(&run.options, argc, argv);

	if (code)
		return code < 0 ? MIRA_OK : code;
	code = audit(&run);
	if (code == MIRA_AGAIN && child_interrupted())
		log_warn("interrupted; %s", run.audit.inputs.once
						    ? "what was captured cannot be captured again"
						    : "the same command goes on from here");
	audit_end(&run.audit);
	return code;
}
