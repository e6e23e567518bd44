/*
 * privacy_log.c: the log of disclosures, written before anything is disclosed and shown by reports.
 */
#include "postproc/privacy/privacy_log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

static char *path_of(const char *db)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", db);
	return x_sprintf("%s/mira.disclosures", dirname(folder));
}

/* ---- who ---- */

static const char *user_name(uid_t uid, char out[64])
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		snprintf(out, 64, "%s", entry->pw_name);
	else
		snprintf(out, 64, "%u", (unsigned)uid);
	return out;
}

/* sudo says it, or the kernel remembers it from the login; 4294967295 is nobody. */
static const char *login_name(char out[64])
{
	const char *sudo = getenv("SUDO_USER");
	char *text = nfs_read_file("/proc/self/loginuid", NULL);
	unsigned long uid = text && *text ? strtoul(text, NULL, 10) : UINT_MAX;

	free(text);
	out[0] = '\0';
	if (uid != UINT_MAX)
		user_name((uid_t)uid, out);
	else if (sudo)
		snprintf(out, 64, "%s", sudo);
	return out;
}

static const char *terminal(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		const char *name = ttyname(fd);

		if (name)
			return name;
	}
	return "";
}

static json_t *entry(const char *reason, char *const *asked, int count)
{
	char when[32], user[64], login[64];
	time_t now = time(NULL);
	struct tm tm;
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_string(asked[i]));
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return json_pack("{ss ss ss ss ss so}", "time", when, "user", user_name(getuid(), user),
		"login", login_name(login), "terminal", terminal(), "reason", reason, "asked",
		list);
}

/* ---- the file ---- */

/* LINE begins with a line end, which is left out where one stands already: a crash may have cut the
 * line before, a full disk this one, which is then taken back. */
static int append(int fd, const char *line)
{
	off_t end = flock(fd, LOCK_EX) ? -1 : lseek(fd, 0, SEEK_END);
	char last = '\n';
	ssize_t size, put;

	if (end < 0 || (end > 0 && pread(fd, &last, 1, end - 1) != 1))
		return -1;
	line += last == '\n';
	size = (ssize_t)strlen(line);
	put = write(fd, line, (size_t)size);
	if (put == size && fsync(fd) == 0)
		return 0;
	if (put >= 0 && put < size) {
		if (ftruncate(fd, end))
			log_warn("the last line of the log of disclosures is cut short: %m");
		errno = ENOSPC;
	}
	return -1;
}

static int add_line(const char *path, const char *line)
{
	char folder[PATH_MAX];
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int failed = fd < 0 || append(fd, line), error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	snprintf(folder, sizeof(folder), "%s", path);
	return failed || nfs_sync_folder(dirname(folder)) ? -1 : 0;
}

int privacy_log_add(const char *db, const char *reason, char *const *asked, int count)
{
	json_t *request = entry(reason, asked, count);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *path = path_of(db), *line;
	int code = MIRA_OK;

	json_decref(request);
	if (!text) {
		log_err("the reason must be text in UTF-8");
		free(path);
		return MIRA_PERSON;
	}
	line = x_sprintf("\n%s\n", text);
	if (add_line(path, line)) {
		const char *remedy = nfs_remedy(errno, &code);

		log_err("cannot write %s: %m; nothing is disclosed that is not logged: %s", path,
			remedy);
	} else {
		log_public(text);
		log_info("this disclosure is logged in %s", path);
	}
	free(line);
	free(text);
	free(path);
	return code;
}

json_t *privacy_log_read(const char *db)
{
	char *path = path_of(db), *text = nfs_read_file(path, NULL), *rest = text, *line;
	json_t *list = json_array(), *request;

	while (rest && (line = strsep(&rest, "\n")))
		if ((request = json_loads(line, 0, NULL)))
			json_array_append_new(list, request);
	free(text);
	free(path);
	return list;
}
