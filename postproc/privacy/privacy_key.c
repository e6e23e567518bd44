/*
 * privacy_key.c: reads the master key and makes it on first use. Two programs that need it at once
 * agree: the file appears whole, and only once.
 */
#include "postproc/privacy/privacy_key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <nettle/base16.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

#define DIGITS BASE16_ENCODE_LENGTH(PSEUDONYM_MASTER)

const char *privacy_key_path(const struct config_privacy *settings, const char *db,
	char out[PATH_MAX])
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", db);
	if (settings->key[0])
		snprintf(out, PATH_MAX, "%s", settings->key);
	else if (nfs_join(out, dirname(folder), "mira.key"))
		out[0] = '\0';
	return out;
}

static int make_key(const char *path)
{
	uint8_t bytes[PSEUDONYM_MASTER];
	char digits[DIGITS + 1];
	mode_t mask;
	int result;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -1;
	base16_encode_update(digits, sizeof(bytes), bytes);
	digits[DIGITS] = '\n';
	mask = umask(077);
	result = nfs_create_file(path, digits, sizeof(digits));
	umask(mask);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(digits, sizeof(digits));
	return result && errno != EEXIST ? -1 : 0;
}

/* The first DIGITS bytes of FD; longer or shorter is none. */
static bool parse(int fd, uint8_t master[PSEUDONYM_MASTER])
{
	char digits[DIGITS + 2];
	struct base16_decode_ctx decode;
	size_t size = PSEUDONYM_MASTER;
	ssize_t got = read(fd, digits, sizeof(digits));
	bool good;

	base16_decode_init(&decode);
	good = (got == DIGITS || (got == DIGITS + 1 && digits[DIGITS] == '\n')) &&
	       base16_decode_update(&decode, &size, master, DIGITS, digits) &&
	       base16_decode_final(&decode) && size == PSEUDONYM_MASTER;
	explicit_bzero(digits, sizeof(digits));
	return good;
}

static int read_key(int fd, const char *path, uint8_t master[PSEUDONYM_MASTER])
{
	struct stat status;

	if (fstat(fd, &status)) {
		log_err("cannot read the key %s: %m", path);
		return -1;
	}
	if (!S_ISREG(status.st_mode) || status.st_mode & 077) {
		log_err("the key %s may be read by others than its owner (mode %03o): chmod 600 it, or name"
			" another with privacy = { key = …; } in mira.conf",
			path, status.st_mode & 0777);
		return -1;
	}
	if (parse(fd, master))
		return 0;
	log_err("%s is no key of %d hexadecimal digits: bring back the one that was there, or move it"
		" away to have a new one made (what was sealed then stays sealed)",
		path, DIGITS);
	return -1;
}

int privacy_key_read(const char *path, bool make, uint8_t master[PSEUDONYM_MASTER])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0 && errno == ENOENT && make && make_key(path) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		log_err("cannot %s the key %s: %m; run this as the user who owns it, or name another"
			" with privacy = { key = …; } in mira.conf",
			make ? "make or read" : "read", path);
		return -1;
	}
	result = read_key(fd, path, master);
	close(fd);
	return result;
}
