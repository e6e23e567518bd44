/* privs.c: between opening the interface and the first hostile byte. */
#include "capture/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

/* Where a capture makes, moves or replaces entries; "*" stands for each reader of its queue. */
static const char *const folders[] = {
	"capture/tmp", "capture/done", "state/capture", "state/looks", "state/strikes", "workers", "metrics",
	"packets/*/ready",
};

static int give(const char *path, const struct passwd *user)
{
	struct stat status;

	if (stat(path, &status))
		return errno == ENOENT ? 0 : -1;
	return status.st_uid != 0 || status.st_uid == user->pw_uid ? 0 : chown(path, user->pw_uid, (gid_t)-1);
}

/* TRY is done to each folder; the first that fails is left in PATH. */
static int each_folder(const struct spool *spool, const struct passwd *user, char *path,
	int (*try)(const char *path, const struct passwd *user))
{
	struct namelist readers;
	int result = 0;

	if (spool_readers(spool, "packets", &readers))
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && !result; i++) {
		if (!strchr(folders[i], '*'))
			result = try(spool_path(spool, path, "%s", folders[i]), user);
		for (size_t r = 0; strchr(folders[i], '*') && r < readers.count && !result; r++)
			result = try(spool_path(spool, path, "packets/%s/ready", readers.names[r]), user);
	}
	namelist_free(&readers);
	return result;
}

static int writable(const char *path, const struct passwd *user)
{
	return access(path, W_OK | X_OK) && errno != ENOENT ? -1 : 0;
}

static int become(const struct passwd *user)
{
	int result;

	capng_clear(CAPNG_SELECT_BOTH);
	result = capng_change_id((int)user->pw_uid, (int)user->pw_gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (result) {
		log_err("cannot become user %s (libcap-ng: %d); name another one with \"user\" in mira.conf",
			user->pw_name, result);
		return MIRA_PERSON;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return MIRA_OK;
}

int privs_drop(const struct spool *spool, const struct config *config)
{
	char path[PATH_MAX] = "";
	const struct passwd *user;

	if (geteuid() != 0)
		return MIRA_OK;
	user = getpwnam(config->user);
	if (!user) {
		log_err("there is no user %s to become; make one, or name another with \"user\" in mira.conf",
			config->user);
		return MIRA_PERSON;
	}
	if (each_folder(spool, user, path, give)) {
		log_err("cannot give %s to user %s: %m; give it to that user by hand", path, user->pw_name);
		return MIRA_PERSON;
	}
	if (become(user))
		return MIRA_PERSON;
	if (!each_folder(spool, user, path, writable))
		return MIRA_OK;
	log_err("user %s, whom the capture becomes, cannot write %s: %m; give it to that user, or name another one with "
		"\"user\" in mira.conf", user->pw_name, path);
	return MIRA_PERSON;
}
