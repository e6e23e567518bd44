/*
 * mira-plan-measure.c: what the stages cost on this machine, with its own symptoms and policy: each capture goes through the line, one
 * stage after the other, on a spool of its own. Processor time is counted, not time passed, so a busy machine measures nearly the
 * same; the start of each stage, measured on a spool with nothing to do, is taken off. Part of `mira plan`.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool/capstate.h"
#include "spool/log.h"
#include "spool/mira-plan.h"
#include "spool/mira.h"
#include "spool/nfs.h"

/* What a stage fills. */
static const char *const outputs[PLAN_STAGES] = {"packets", "flows", "biflows", "verdicts", NULL};

struct run {
	char folder[PATH_MAX - 64], spool[PATH_MAX], db[PATH_MAX];
	const char *config;
};

static double seconds(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static int execute(const char *stage, char **argv, struct rusage *usage)
{
	char path[PATH_MAX];
	int status, null;
	pid_t child;

	mira_sibling(stage, path);
	child = fork();
	if (child == 0) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		setenv("MIRA_LOG", "warn", 0);
		execvp(path, argv);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, usage) < 0)
		return MIRA_AGAIN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : MIRA_AGAIN;
}

/* Stage NUMBER on the spool of RUN; FILE is what the capture reads. */
static int run_stage(const struct run *run, int number, const char *file, struct rusage *usage)
{
	char *argv[16], name[64];
	int count = 0, code;

	snprintf(name, sizeof(name), "mira-%s", plan_stages[number]);
	argv[count++] = name;
	argv[count++] = "--spool";
	argv[count++] = (char *)run->spool;
	if (run->config) {
		argv[count++] = "--config";
		argv[count++] = (char *)run->config;
	}
	argv[count++] = number ? "--drain" : "--read";
	if (!number)
		argv[count++] = (char *)file;
	if (!outputs[number]) {
		argv[count++] = "--db";
		argv[count++] = (char *)run->db;
	}
	argv[count] = NULL;
	code = execute(plan_stages[number], argv, usage);
	if (code)
		log_err("%s ended with exit code %d while %s was measured", name, code, file);
	return code;
}

static double bytes_found;

static int add_bytes(const char *path, const struct stat *status, int type, struct FTW *where)
{
	const char *name = path + where->base;

	if (type == FTW_F && (strstr(name, ".pcapng") || strstr(name, ".ipfix")))
		bytes_found += (double)status->st_size;
	return 0;
}

static double bytes_in(const char *folder)
{
	bytes_found = 0;
	nftw(folder, add_bytes, 16, FTW_PHYS);
	return bytes_found;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	return remove(path);
}

/* The counters of a stage that has ended. */
static double records_of(const struct run *run, const char *stage)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct namelist names;
	double records = 0;

	snprintf(folder, sizeof(folder), "%s/spool/metrics", run->folder);
	if (nfs_list(folder, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		char *text = nfs_join(path, folder, names.names[i]) < 0 ? NULL
									: nfs_read_file(path, NULL);
		const char *value = text ? strstr(text, "\nmira_records_total{") : NULL;

		if (value && !strncmp(names.names[i], stage, strlen(stage)))
			records += strtod(strchr(value, '}') + 1, NULL);
		free(text);
	}
	namelist_free(&names);
	return records;
}

static json_t *stage_cost(const struct run *run, int number, const struct rusage *usage,
	double start_s)
{
	double cpu_s = seconds(usage) - start_s;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/spool/%s", run->folder,
		outputs[number] ? outputs[number] : "none");
	return json_pack("{s:f, s:I, s:I, s:I}", "cpu_s", cpu_s > 0 ? cpu_s : 0, "memory_bytes",
		(json_int_t)usage->ru_maxrss * 1024, "written_bytes", (json_int_t)bytes_in(path),
		"records", (json_int_t)records_of(run, plan_stages[number]));
}

/* Stages after the capture start on a spool where nothing waits; the second time, because the first compiles the symptoms. */
static double start_of(const struct run *run, int number, const char *file)
{
	struct rusage usage;

	if (number == 0 || run_stage(run, number, file, &usage) ||
		run_stage(run, number, file, &usage))
		return 0;
	return seconds(&usage);
}

static double captured(const struct run *run)
{
	struct capstate *states;
	struct spool spool;
	double packets = 0;
	ssize_t count;

	if (spool_attach(&spool, run->spool))
		return 0;
	count = capstate_list(&spool, &states);
	for (ssize_t i = 0; i < count; i++)
		packets += (double)states[i].cumulative.captured;
	if (count >= 0)
		free(states);
	return packets;
}

static json_t *measure_one(const struct run *run, const char *file, int *code)
{
	const char *slash = strrchr(file, '/');
	json_t *stages = json_object(),
	       *capture = json_pack("{s:o, s:o}", "name", json_string(slash ? slash + 1 : file),
		       "stages", stages);
	double starts[PLAN_STAGES] = {0};
	struct rusage usage;

	for (int i = 1; i < PLAN_STAGES; i++)
		starts[i] = start_of(run, i, file);
	for (int i = 0; i < PLAN_STAGES && !*code; i++) {
		*code = run_stage(run, i, file, &usage);
		json_object_set_new(stages, plan_stages[i], stage_cost(run, i, &usage, starts[i]));
	}
	json_object_set_new(capture, "packets", json_integer((json_int_t)captured(run)));
	json_object_set(capture, "bytes",
		json_object_get(json_object_get(stages, "capture"), "written_bytes"));
	return capture;
}

static json_t *measure_file(const char *file, const char *config, int *code)
{
	const char *place = getenv("TMPDIR");
	struct run run = {.config = config};
	json_t *capture;

	snprintf(run.folder, sizeof(run.folder), "%s/mira-plan.XXXXXX", place ? place : "/tmp");
	if (!mkdtemp(run.folder)) {
		log_err("cannot make %s: %s; set TMPDIR to a folder with room for the captures",
			run.folder, strerror(errno));
		*code = MIRA_AGAIN;
		return NULL;
	}
	snprintf(run.spool, sizeof(run.spool), "%s/spool", run.folder);
	snprintf(run.db, sizeof(run.db), "%s/mira.db", run.folder);
	capture = measure_one(&run, file, code);
	nftw(run.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return capture;
}

/* "AMD EPYC, 2 processors" */
static json_t *machine(void)
{
	char *text = nfs_read_file("/proc/cpuinfo", NULL),
	     *model = text ? strstr(text, "model name\t: ") : NULL;
	json_t *name;

	if (model)
		model += strlen("model name\t: ");
	name = json_sprintf("%.*s, %ld processors", model ? (int)strcspn(model, "\n") : 7,
		model ? model : "unknown", sysconf(_SC_NPROCESSORS_ONLN));
	free(text);
	return name;
}

static json_t *measure_files(char **files, int count, const char *config, int *code)
{
	json_t *captures = json_array();

	for (int i = 0; i < count && !*code; i++) {
		json_t *capture = measure_file(files[i], config, code);

		if (capture)
			json_array_append_new(captures, capture);
	}
	return captures;
}

/* Compiling the symptoms takes longer than most measurements; it is done once, before. */
static int compile(const char *config, char *cache)
{
	const char *place = getenv("TMPDIR");
	char path[PATH_MAX];

	config_find(config, path);
	snprintf(cache, PATH_MAX, "%s/mira-plan.XXXXXX", place ? place : "/tmp");
	if (!mkdtemp(cache)) {
		log_err("cannot make %s: %s; set TMPDIR to a folder with room for the captures",
			cache, strerror(errno));
		return MIRA_AGAIN;
	}
	setenv("MIRA_CACHE", cache, 1);
	return mira_check_rules(path, false);
}

json_t *plan_measure(char **files, int count, const char *config, int *code)
{
	json_t *captures, *costs;
	char cache[PATH_MAX];
	time_t now = time(NULL);
	char date[16];

	*code = compile(config, cache);
	captures = measure_files(files, count, config, code);
	nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&now));
	costs = json_pack("{s:i, s:o, s:s, s:s, s:s, s:o}", "format", 1, "machine", machine(),
		"date", date, "version", MIRA_VERSION, "command", "mira plan --measure", "captures",
		captures);
	if (!*code)
		return costs;
	json_decref(costs);
	return NULL;
}
