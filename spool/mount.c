/*
 * mount.c: is the mount that a spool stands on one on which the hand-over holds? Part of nfs.h;
 * asked once, when a stage opens the spool.
 */
#include "spool/nfs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mount {
	char point[PATH_MAX], type[64], options[1024], super_options[1024];
};

/* mountinfo writes blank, tab, newline and backslash as \ooo (proc(5)). */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		unsigned byte;

		if (*text == '\\' && sscanf(text + 1, "%3o", &byte) == 1) {
			*out++ = (char)byte;
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /point options optional… - type source super-options" */
static bool parse_line(const char *line, size_t length, struct mount *mount)
{
	char text[2 * PATH_MAX], *rest;

	if (length >= sizeof(text))
		return false;
	memcpy(text, line, length);
	text[length] = '\0';
	rest = strstr(text, " - ");
	if (!rest ||
		sscanf(text, "%*s %*s %*s %*s %4095s %1023s", mount->point, mount->options) != 2 ||
		sscanf(rest, " - %63s %*s %1023s", mount->type, mount->super_options) != 2)
		return false;
	unescape(mount->point);
	return true;
}

static bool below(const char *path, const char *point)
{
	size_t length = strlen(point);

	if (strcmp(point, "/") == 0)
		return true;
	return strncmp(path, point, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The longest mount point above PATH; of equal ones the last, which covers the others. */
static bool find(const char *mountinfo, const char *path, struct mount *found)
{
	struct mount mount;
	bool any = false;

	for (size_t length; *mountinfo; mountinfo += length + (mountinfo[length] == '\n')) {
		length = strcspn(mountinfo, "\n");
		if (!parse_line(mountinfo, length, &mount) || !below(path, mount.point))
			continue;
		if (any && strlen(mount.point) < strlen(found->point))
			continue;
		*found = mount;
		any = true;
	}
	return any;
}

static bool has_option(const struct mount *mount, const char *option)
{
	const char *const lists[] = {mount->options, mount->super_options};
	size_t length = strlen(option);

	for (size_t i = 0; i < 2; i++)
		for (const char *at = lists[i]; at;
			at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
			if (strncmp(at, option, length) == 0 && strchr(",=", at[length]))
				return true;
	return false;
}

static bool is_nfs(const char *type)
{
	return strcmp(type, "nfs") == 0 || strcmp(type, "nfs4") == 0;
}

static bool is_other_network(const char *type)
{
	static const char *const types[] = {"cifs", "smb3", "9p", "afs", "ceph", "fuse.sshfs",
		"fuse.glusterfs", "ocfs2", "gfs2"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

int nfs_judge_mount(const char *mountinfo, const char *path, char *why, size_t size)
{
	struct mount mount;

	if (!find(mountinfo, path, &mount))
		return 0;
	if (is_nfs(mount.type) && (has_option(&mount, "soft") || has_option(&mount, "softerr"))) {
		snprintf(why, size,
			"%s is mounted \"soft\": a server that answers late would lose packets in "
			"silence; mount it \"hard\"",
			mount.point);
		return -1;
	}
	if (is_nfs(mount.type) && has_option(&mount, "nocto")) {
		snprintf(why, size,
			"%s is mounted \"nocto\": listings may be stale, so batches may be found "
			"late; mount it without",
			mount.point);
		return 1;
	}
	if (is_other_network(mount.type)) {
		snprintf(why, size,
			"%s is of type %s, on which the hand-over was not proven; use NFS "
			"or a local disk",
			mount.point, mount.type);
		return 1;
	}
	return 0;
}

/* The spool may not stand there yet: what counts is where it would stand. */
static bool nearest_existing(const char *path, char *real)
{
	char at[PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(at))
		return false;
	strcpy(at, path);
	while (!realpath(at, real)) {
		slash = strrchr(at, '/');
		if (!slash || slash == at)
			return realpath(slash ? "/" : ".", real) != NULL;
		*slash = '\0';
	}
	return true;
}

int nfs_check_mount(const char *path, char *why, size_t size)
{
	char real[PATH_MAX];
	char *mountinfo;
	int result;

	if (!nearest_existing(path, real))
		return 0;
	mountinfo = nfs_read_file("/proc/self/mountinfo", NULL);
	if (!mountinfo)
		return 0;
	result = nfs_judge_mount(mountinfo, real, why, size);
	free(mountinfo);
	return result;
}
