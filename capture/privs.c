/* privs.c: between opening the interface and the first hostile byte. */
#include "capture/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

/* Where a capture makes, moves or replaces entries, and what lies above; "%s" stands for each
 * reader of its queue. */
static const struct folder {
	const char *path;
	bool write; /* else it is only gone through */
} folders[] = {
	{".", false},
	{"capture", false},
	{"state", false},
	{"state/strikes", false},
	{"packets", false},
	{"packets/%s", false},
	{"packets/%s/work", false},
	{"capture/tmp", true},
	{"capture/done", true},
	{"capture/writer", true},
	{"state/capture", true},
	{"state/looks", true},
	{"state/rules", true},
	{"workers", true},
	{"metrics", true},
	{"packets/%s/ready", true},
	{"packets/%s/done", true},
};

/* Tried on a folder; -1 with errno. */
typedef int (*try_folder)(const char *path, bool write, const struct passwd *user);

/* Folders of others than root are left as the administrator made them. */
static int give(const char *path, bool write, const struct passwd *user)
{
	struct stat status;

	if (stat(path, &status))
		return errno == ENOENT ? 0 : -1;
	if (status.st_uid != 0)
		return 0;
	return write ? chown(path, user->pw_uid, (gid_t)-1) : chown(path, (uid_t)-1, user->pw_gid);
}

static int usable(const char *path, bool write, const struct passwd *user)
{
	return access(path, write ? R_OK | W_OK | X_OK : X_OK) && errno != ENOENT ? -1 : 0;
}

/* The first folder that fails is left in PATH. */
static int each_folder(const struct spool *spool, const struct passwd *user, char *path,
	try_folder try)
{
	struct namelist readers;
	int result = 0;

	if (spool_readers(spool, "packets", &readers))
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && !result; i++) {
		const struct folder *folder = &folders[i];
		size_t count = strchr(folder->path, '%') ? readers.count : 1;

		for (size_t r = 0; r < count && !result; r++) {
			char name[2 * NAME_PART_MAX];

			snprintf(name, sizeof(name), folder->path,
				readers.count ? readers.names[r] : "");
			result = try(spool_path(spool, path, "%s", name), folder->write, user);
		}
	}
	namelist_free(&readers);
	return result;
}

/* A spool below a folder of root's own is reached from within: the working folder needs no way
 * that leads to it. */
static int go_inside(struct spool *spool)
{
	char root[PATH_MAX];

	if (!realpath(spool->root, root) || chdir(root))
		return -1;
	strcpy(spool->root, root);
	return 0;
}

static void stay_inside(struct spool *spool)
{
	if (access(spool->root, X_OK) && errno == EACCES)
		strcpy(spool->root, ".");
}

/* Who changes identity does not die with its parent any more, if that was wished. */
static void stay_mortal(int number, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, number, 0, 0, 0);
	if (number && getppid() != parent)
		raise(number);
}

static int become(const struct passwd *user)
{
	pid_t parent = getppid();
	int result, number = 0;

	prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0);
	capng_clear(CAPNG_SELECT_BOTH);
	result = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
		CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (result) {
		log_err("cannot become user %s (libcap-ng: %d); name another one with \"user\" in "
			"mira.conf",
			user->pw_name, result);
		return MIRA_PERSON;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	stay_mortal(number, parent);
	return MIRA_OK;
}

/* A service manager may have given the capability that opens an interface to a user of its own. */
static int drop_capabilities(void)
{
	capng_get_caps_process();
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return MIRA_OK;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) == 0)
		return MIRA_OK;
	log_err("cannot give up the capabilities that opening the interface needed: %m; start it "
		"without them, as root");
	return MIRA_PERSON;
}

int privs_drop(struct spool *spool, const struct config *config)
{
	char path[PATH_MAX] = "";
	const struct passwd *user;

	if (geteuid() != 0)
		return drop_capabilities();
	user = getpwnam(config->user);
	if (!user) {
		log_err("there is no user %s to become; make one, or name another with \"user\" in "
			"mira.conf",
			config->user);
		return MIRA_PERSON;
	}
	if (each_folder(spool, user, path, give)) {
		log_err("cannot give %s to user %s: %m; give it to that user by hand", path,
			user->pw_name);
		return MIRA_PERSON;
	}
	if (go_inside(spool)) {
		log_err("cannot enter %s: %m", spool->root);
		return MIRA_AGAIN;
	}
	if (become(user))
		return MIRA_PERSON;
	stay_inside(spool);
	if (!each_folder(spool, user, path, usable))
		return MIRA_OK;
	log_err("user %s, whom the capture becomes, cannot work in %s: %m; give it to that user, "
		"or name another one with "
		"\"user\" in mira.conf",
		user->pw_name, path);
	return MIRA_PERSON;
}
