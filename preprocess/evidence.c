/*
 * evidence.c: packs, lists and removes what the packet log keeps (evidence.h).
 */
#include "preprocess/evidence.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool/fields.h"
#include "spool/log.h"
#include "spool/nfs.h"
#include "spool/text.h"

#define FOLDER	   "until-"
#define DAY	   sizeof("2026-12-21")
#define DAY_S	   86400
#define COPY_BYTES 65536
#define SHA256_HEX (2 * SHA256_DIGEST_SIZE)
#define PACKETS	   "packets.pcapng"

static char *path_of(char *path, const char *format, const char *out, const char *a, const char *b)
{
	if (snprintf(path, PATH_MAX, format, out, a, b) >= PATH_MAX)
		die(MIRA_PERSON, "%s: the path is too long", out);
	return path;
}

char *evidence_draft(const char *out, const char *batch, char *path)
{
	return path_of(path, "%s/" NFS_TEMPORARY "%s.pcapng%s", out, batch, "");
}

static char *day_of(time_t time, char day[DAY])
{
	struct tm parts;

	gmtime_r(&time, &parts);
	strftime(day, DAY, "%Y-%m-%d", &parts);
	return day;
}

/* ---- the log ---- */

static int append_line(const char *out, json_t *line)
{
	char path[PATH_MAX], *dump = json_dumps(line, JSON_COMPACT), *text;
	int fd = open(path_of(path, "%s/log.jsonl%s%s", out, "", ""),
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	ssize_t size, wrote = -1;

	text = x_sprintf("%s\n", dump);
	size = (ssize_t)strlen(text);
	if (fd >= 0) {
		wrote = write(fd, text, (size_t)size);
		if (nfs_sync_file(fd) < 0)
			wrote = -1;
		close(fd);
	}
	json_decref(line);
	free(dump);
	free(text);
	return wrote == size ? 0 : -1;
}

static json_t *begin_line(const char *what, const char *name)
{
	json_t *line = json_object();
	time_t now = time(NULL);
	struct tm parts;
	char text[32];

	gmtime_r(&now, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	json_object_set_new(line, "time", json_string(text));
	json_object_set_new(line, "what", json_string(what));
	json_object_set_new(line, "name", json_text(name));
	return line;
}

int evidence_note(const char *out, const char *what, const char *name, const char *counted,
	uint64_t count)
{
	json_t *line = begin_line(what, name);

	json_object_set_new(line, counted, json_integer((json_int_t)count));
	return append_line(out, line);
}

/* ---- the archive ---- */

static int sum_up(const char *path, uint64_t *bytes, char hex[SHA256_HEX + 1])
{
	uint8_t piece[COPY_BYTES], digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx sum;
	FILE *in = fopen(path, "re");
	size_t got;
	int failed;

	if (!in)
		return -1;
	sha256_init(&sum);
	for (*bytes = 0; (got = fread(piece, 1, sizeof(piece), in)) > 0; *bytes += got)
		sha256_update(&sum, got, piece);
	failed = ferror(in);
	fclose(in);
	sha256_digest(&sum, sizeof(digest), digest);
	base16_encode_update(hex, sizeof(digest), digest);
	hex[SHA256_HEX] = '\0';
	errno = failed ? EIO : 0;
	return failed ? -1 : 0;
}

static json_t *describe_biflow(const struct wanted_biflow *biflow)
{
	char src[TEXT_ADDRESS], dst[TEXT_ADDRESS];

	text_address(biflow->key.version, biflow->key.src, src);
	text_address(biflow->key.version, biflow->key.dst, dst);
	return json_pack("{sI ss si ss si si ss ss ss sI}", "window_ms",
		(json_int_t)biflow->window_ms, "src", src, "sport", (int)biflow->key.sport, "dst",
		dst, "dport", (int)biflow->key.dport, "proto", (int)biflow->key.proto, "class",
		biflow->class, "verdict", biflow->verdict, "rule", biflow->rule, "packets",
		(json_int_t)biflow->kept);
}

static json_t *describe_biflows(struct wanted *wanted, uint64_t *packets)
{
	json_t *list = json_array();

	*packets = 0;
	for (size_t i = 0; i < wanted_count(wanted); i++) {
		const struct wanted_biflow *biflow = wanted_at(wanted, i);

		if (biflow->kept)
			json_array_append_new(list, describe_biflow(biflow));
		*packets += biflow->kept;
	}
	return list;
}

/* Without "files", which come when they have been summed up. */
static json_t *describe(const struct manifest *manifest, struct wanted *wanted, const char *until,
	uint32_t snaplen)
{
	uint64_t packets;
	json_t *biflows = describe_biflows(wanted, &packets);

	return json_pack("{si ss ss ss ss sI ss sI ss sI sI so}", "format", 1, "batch",
		manifest->name, "probe", manifest->probe, "stream", manifest->stream, "run",
		manifest->run, "seq", (json_int_t)manifest->seq, "rules", manifest->rules,
		"kept_ms", (json_int_t)time(NULL) * 1000, "until", until, "snaplen",
		(json_int_t)snaplen, "packets", (json_int_t)packets, "biflows", biflows);
}

static int begin_entry(struct archive *archive, const char *name, uint64_t bytes)
{
	struct archive_entry *entry = archive_entry_new();
	int result;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)bytes);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0640);
	archive_entry_set_mtime(entry, time(NULL), 0);
	result = archive_write_header(archive, entry);
	archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : -1;
}

static int add_file(struct archive *archive, const char *name, const char *path, uint64_t bytes)
{
	uint8_t piece[COPY_BYTES];
	FILE *in = fopen(path, "re");
	int result = in ? begin_entry(archive, name, bytes) : -1;
	size_t got;

	while (result == 0 && (got = fread(piece, 1, sizeof(piece), in)) > 0)
		result = archive_write_data(archive, piece, got) == (la_ssize_t)got ? 0 : -1;
	if (in)
		fclose(in);
	return result;
}

static int add_text(struct archive *archive, const char *name, const json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));
	size_t size = strlen(text);
	int result = begin_entry(archive, name, size);

	if (result == 0)
		result = archive_write_data(archive, text, size) == (la_ssize_t)size ? 0 : -1;
	free(text);
	return result;
}

static int pack(const char *path, const char *draft, uint64_t bytes, const json_t *manifest)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), result = -1, error;
	struct archive *archive = archive_write_new();

	if (fd >= 0 && archive_write_set_format_zip(archive) == ARCHIVE_OK &&
		archive_write_open_fd(archive, fd) == ARCHIVE_OK &&
		add_file(archive, PACKETS, draft, bytes) == 0 &&
		add_text(archive, "manifest.json", manifest) == 0 &&
		archive_write_close(archive) == ARCHIVE_OK)
		result = nfs_sync_file(fd);
	error = fd < 0 ? errno : archive_errno(archive);
	archive_write_free(archive);
	if (fd >= 0)
		close(fd);
	errno = error ? error : EIO;
	return result;
}

/* The log comes first: it may name what a crash left out, never leave out what is there. */
static int publish(const char *out, const char *batch, const char *until, const char *from,
	const json_t *manifest, const char *sha256)
{
	char folder[PATH_MAX], to[PATH_MAX];
	json_t *line = begin_line("kept", batch);

	json_object_set_new(line, "until", json_string(until));
	json_object_set(line, "packets", json_object_get(manifest, "packets"));
	json_object_set_new(line, "sha256", json_string(sha256));
	path_of(folder, "%s/" FOLDER "%s%s", out, until, "");
	path_of(to, "%s/%s.zip%s", folder, batch, "");
	if (append_line(out, line) < 0 || nfs_mkdir(folder) < 0 || rename(from, to) < 0)
		return -1;
	return nfs_sync_folder(folder);
}

int evidence_keep(const char *out, const struct manifest *manifest, struct wanted *wanted,
	uint32_t days, uint32_t snaplen)
{
	char draft[PATH_MAX], archive[PATH_MAX], until[DAY], hex[SHA256_HEX + 1];
	uint64_t bytes;
	json_t *description;
	int result;

	evidence_draft(out, manifest->name, draft);
	path_of(archive, "%s/" NFS_TEMPORARY "%s.zip%s", out, manifest->name, "");
	day_of(time(NULL) + (time_t)days * DAY_S, until);
	description = describe(manifest, wanted, until, snaplen);
	result = sum_up(draft, &bytes, hex);
	if (result == 0) {
		json_object_set_new(description, "files",
			json_pack("[{ss sI ss}]", "name", PACKETS, "bytes", (json_int_t)bytes,
				"sha256", hex));
		result = pack(archive, draft, bytes, description);
	}
	if (result == 0)
		result = publish(out, manifest->name, until, archive, description, hex);
	json_decref(description);
	return result == 0 ? nfs_unlink(draft) : -1;
}

/* ---- what stands there ---- */

static bool is_day(const char *name)
{
	return strlen(name) == strlen(FOLDER) + DAY - 1 && !strncmp(name, FOLDER, strlen(FOLDER));
}

int evidence_stands(const char *out, const char *batch)
{
	struct namelist folders = {0};
	char folder[PATH_MAX], *name = x_sprintf("%s.zip", batch);
	int found = nfs_list(out, &folders);

	for (size_t i = 0; i < folders.count && found == 0; i++)
		if (is_day(folders.names[i]) && nfs_join(folder, out, folders.names[i]) == 0)
			found = nfs_has(folder, name);
	namelist_free(&folders);
	free(name);
	return found;
}

static int expire(const char *out, const char *name)
{
	struct namelist archives = {0};
	char folder[PATH_MAX];
	int result;

	if (nfs_join(folder, out, name) < 0 || nfs_list(folder, &archives) < 0)
		return -1;
	result = evidence_note(out, "expired", name, "archives", archives.count);
	namelist_free(&archives);
	return result == 0 ? nfs_remove(folder, 1) : -1;
}

int evidence_expire(const char *out)
{
	struct namelist folders = {0};
	char today[DAY];
	int result = nfs_list(out, &folders);

	nfs_expire(out, time(NULL) - DAY_S);
	day_of(time(NULL), today);
	for (size_t i = 0; i < folders.count && result == 0; i++)
		if (is_day(folders.names[i]) &&
			strcmp(folders.names[i] + strlen(FOLDER), today) < 0)
			result = expire(out, folders.names[i]);
	namelist_free(&folders);
	return result;
}
