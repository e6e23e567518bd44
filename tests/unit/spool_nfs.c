/*
 * nfs.c: existence is decided by listings, not by replies. rename(), link(), unlink() and mkdir()
 * are replaced here by ones that lose replies, as NFS does; rename() also by one that does not know
 * where a folder stands before its name is looked up.
 */
#include "tests/unit/tmp.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>

#include "spool/log.h"
#include "spool/nfs.h"

/* What the next call of rename, link, unlink or mkdir does. */
static enum { HONEST, LOSE_REPLY, FAIL, ELSEWHERE } mode;
static int fail_errno;
static unsigned syncs;

static int answer(long result)
{
	if (mode == LOSE_REPLY && result == 0) {
		errno = fail_errno;
		result = -1;
	}
	mode = HONEST;
	return (int)result;
}

static bool fails(void)
{
	if (mode != FAIL)
		return false;
	mode = HONEST;
	errno = fail_errno;
	return true;
}

int rename(const char *from, const char *to)
{
	if (mode == ELSEWHERE) {
		errno = ESTALE;
		return -1;
	}
	return fails() ? -1 : answer(syscall(SYS_rename, from, to));
}

int lstat(const char *path, struct stat *status)
{
	mode = HONEST;
	return fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

int link(const char *from, const char *to)
{
	return fails() ? -1 : answer(syscall(SYS_link, from, to));
}

int mkdir(const char *path, mode_t bits)
{
	return fails() ? -1 : answer(syscall(SYS_mkdir, path, bits));
}

int unlink(const char *path)
{
	return fails() ? -1 : answer(syscall(SYS_unlink, path));
}

int fsync(int fd)
{
	syncs++;
	return 0;
}

static void next(int how, int error)
{
	mode = how;
	fail_errno = error;
}

static int make_folders(void **state)
{
	int result = tmp_setup(state);

	nfs_mkdir(tmp_path("a"));
	nfs_mkdir(tmp_path("b"));
	return result;
}

static int move(const char *from, const char *to)
{
	static char a[PATH_MAX], b[PATH_MAX];

	strcpy(a, tmp_path("a"));
	strcpy(b, tmp_path("b"));
	return nfs_move(a, from, b, to);
}

static void listing_skips_dot_files(void **state)
{
	struct namelist list;

	tmp_write("a/.nfs000001", "");
	tmp_write("a/.tmp-1", "");
	tmp_write("a/x", "");
	assert_int_equal(nfs_list(tmp_path("a"), &list), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.names[0], "x");
	namelist_free(&list);
	assert_int_equal(nfs_list(tmp_path("none"), &list), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(list.count, 0);
	assert_int_equal(nfs_has(tmp_path("a"), "x"), 1);
	assert_int_equal(nfs_has(tmp_path("a"), "y"), 0);
	assert_int_equal(nfs_has(tmp_path("none"), "y"), 0);
	assert_int_equal(nfs_has(tmp_path("a/x"), "y"), -1);
	assert_int_equal(errno, ENOTDIR);
}

static void a_move_is_done_once(void **state)
{
	tmp_write("a/x", "");
	assert_int_equal(move("x", "y"), 1);
	assert_int_equal(nfs_has(tmp_path("b"), "y"), 1);
	assert_int_equal(move("x", "z"), 0);
	assert_int_equal(errno, ENOENT);
}

static void a_move_whose_reply_is_lost_was_done(void **state)
{
	tmp_write("a/x", "");
	next(LOSE_REPLY, ENOENT);
	assert_int_equal(move("x", "y"), 1);
	tmp_write("a/x", "");
	next(LOSE_REPLY, EIO);
	assert_int_equal(move("x", "y"), 1);
}

/* Another host moved the folder here. */
static void a_folder_known_elsewhere_is_moved(void **state)
{
	nfs_mkdir(tmp_path("a/x"));
	next(ELSEWHERE, 0);
	assert_int_equal(move("x", "x"), 1);
	assert_int_equal(nfs_has(tmp_path("b"), "x"), 1);
	next(ELSEWHERE, 0);
	assert_int_equal(move("x", "y"), 0);
	assert_int_equal(errno, ESTALE);
}

static void a_move_that_failed_says_why(void **state)
{
	tmp_write("a/x", "");
	next(FAIL, EDQUOT);
	assert_int_equal(move("x", "y"), -1);
	assert_int_equal(errno, EDQUOT);
	assert_int_equal(nfs_move(tmp_path("a"), "x", tmp_path("none"), "x"), -1);
	assert_int_equal(errno, ENOENT);
}

/* What many compete for: only the destination is listed, so the loser hears "gone" even of what stands
 * there. */
static void a_take_believes_the_server(void **state)
{
	char a[PATH_MAX], b[PATH_MAX];

	snprintf(a, sizeof(a), "%s", tmp_path("a"));
	snprintf(b, sizeof(b), "%s", tmp_path("b"));
	nfs_mkdir(tmp_path("a/x"));
	next(FAIL, ENOENT);
	assert_int_equal(nfs_take(a, "x", b, "x"), 0);
	assert_int_equal(errno, ENOENT);
	next(FAIL, EIO);
	assert_int_equal(nfs_take(a, "x", b, "x"), -1);
	assert_int_equal(errno, EIO);
	next(LOSE_REPLY, ENOENT);
	assert_int_equal(nfs_take(a, "x", b, "x"), 1);
	assert_int_equal(nfs_has(b, "x"), 1);
}

static void a_full_folder_is_not_replaced(void **state)
{
	nfs_mkdir(tmp_path("a/x"));
	nfs_mkdir(tmp_path("b/x"));
	tmp_write("b/x/manifest.json", "");
	assert_int_equal(move("x", "x"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(nfs_has(tmp_path("a"), "x"), 1);
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
	char name[PATH_MAX];

	memset(name, 'x', sizeof(name));
	name[PATH_MAX - 1] = '\0';
	assert_int_equal(move(name, "x"), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(nfs_write_file(name, "", 0), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void folders_are_made_with_parents(void **state)
{
	struct stat status;

	assert_int_equal(nfs_mkdir(tmp_path("p/q/r")), 0);
	assert_int_equal(nfs_mkdir(tmp_path("p/q/r")), 0);
	assert_int_equal(stat(tmp_path("p/q"), &status), 0);
	assert_int_equal(status.st_mode & 07, 0);
	tmp_write("p/file", "");
	assert_int_equal(nfs_mkdir(tmp_path("p/file")), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(nfs_mkdir(tmp_path("p/file/x")), -1);
	assert_int_equal(errno, ENOTDIR);
}

static void a_link_whose_reply_is_lost_was_made(void **state)
{
	tmp_write("a/x", "x");
	tmp_write("a/other", "y");
	next(LOSE_REPLY, EEXIST);
	assert_int_equal(nfs_link(tmp_path("a/x"), tmp_path("b/x")), 0);
	assert_int_equal(nfs_link(tmp_path("a/x"), tmp_path("b/x")), 0);
	assert_int_equal(nfs_link(tmp_path("a/other"), tmp_path("b/x")), -1);
	assert_int_equal(errno, EEXIST);
}

static void removing_what_is_absent_is_success(void **state)
{
	tmp_write("a/x", "");
	next(LOSE_REPLY, ESTALE);
	assert_int_equal(nfs_unlink(tmp_path("a/x")), 0);
	assert_int_equal(nfs_unlink(tmp_path("a/x")), 0);
	assert_int_equal(nfs_rmdir(tmp_path("a/none")), 0);
	tmp_write("a/x", "");
	next(FAIL, EIO);
	assert_int_equal(nfs_unlink(tmp_path("a/x")), -1);
	assert_int_equal(errno, EIO);
}

static void rmdir_removes_leftovers_only(void **state)
{
	nfs_mkdir(tmp_path("a/d"));
	tmp_write("a/d/.tmp-00ff", "left by a killed writer");
	tmp_write("a/d/.nfs0001", "still read by somebody");
	assert_int_equal(nfs_rmdir(tmp_path("a/d")), -1);
	assert_int_equal(errno, ENOTEMPTY);
	assert_int_equal(access(tmp_path("a/d/.nfs0001"), F_OK), 0);
	nfs_unlink(tmp_path("a/d/.nfs0001"));
	tmp_write("a/d/.tmp-00ff", "");
	assert_int_equal(nfs_rmdir(tmp_path("a/d")), 0);
	assert_int_equal(nfs_has(tmp_path("a"), "d"), 0);
}

static unsigned entries(const char *path)
{
	unsigned count = 0;
	DIR *folder = opendir(path);

	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static void a_file_is_whole_or_absent(void **state)
{
	char *text;
	size_t size;

	assert_int_equal(nfs_write_file(tmp_path("a/f"), "one\0two", 7), 0);
	text = nfs_read_file(tmp_path("a/f"), &size);
	assert_int_equal(size, 7);
	assert_memory_equal(text, "one\0two\0", 8);
	free(text);
	next(LOSE_REPLY, ENOENT);
	assert_int_equal(nfs_write_file(tmp_path("a/f"), "three", 5), 0);
	next(FAIL, ENOSPC);
	assert_int_equal(nfs_write_file(tmp_path("a/f"), "four", 4), -1);
	assert_int_equal(errno, ENOSPC);
	text = nfs_read_file(tmp_path("a/f"), NULL);
	assert_string_equal(text, "three");
	free(text);
	assert_int_equal(entries(tmp_path("a")), 1);
	assert_null(nfs_read_file(tmp_path("a"), NULL));
	assert_int_equal(errno, EISDIR);
	assert_null(nfs_read_file(tmp_path("a/g"), NULL));
	assert_int_equal(errno, ENOENT);
}

static void a_large_file_is_read_whole(void **state)
{
	size_t size, wanted = 3000001;
	char *data = malloc(wanted), *text;

	memset(data, 'y', wanted);
	tmp_write_bytes("a/large", data, wanted);
	text = nfs_read_file(tmp_path("a/large"), &size);
	assert_int_equal(size, wanted);
	assert_memory_equal(text, data, wanted);
	free(text);
	free(data);
}

static void a_file_is_created_once(void **state)
{
	char *text;

	next(LOSE_REPLY, EEXIST);
	assert_int_equal(nfs_create_file(tmp_path("a/f"), "mine", 4), 0);
	assert_int_equal(nfs_create_file(tmp_path("a/f"), "theirs", 6), -1);
	assert_int_equal(errno, EEXIST);
	text = nfs_read_file(tmp_path("a/f"), NULL);
	assert_string_equal(text, "mine");
	free(text);
	assert_int_equal(entries(tmp_path("a")), 1);
}

static void a_spool_that_is_not_durable_is_not_synced(void **state)
{
	syncs = 0;
	assert_int_equal(nfs_write_file(tmp_path("a/f"), "x", 1), 0);
	assert_int_equal(syncs, 2); /* the file and its folder */
	nfs_set_durable(false);
	assert_int_equal(nfs_write_file(tmp_path("a/f"), "x", 1), 0);
	assert_int_equal(nfs_sync_folder(tmp_path("none")), 0);
	assert_int_equal(syncs, 2);
	nfs_set_durable(true);
}

static int clear(void **state)
{
	mode = HONEST;
	tmp_remove(tmp_path("a"));
	tmp_remove(tmp_path("b"));
	return nfs_mkdir(tmp_path("a")) || nfs_mkdir(tmp_path("b"));
}

#define MOUNTS                                                                                     \
	"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"                \
	"30 22 0:40 / /spool rw,relatime shared:9 - nfs4 srv:/x "                                  \
	"rw,vers=4.2,hard,softreval,proto=tcp\n"                                                   \
	"31 22 0:41 / /soft rw - nfs srv:/x rw,vers=3,soft,proto=tcp\n"                            \
	"32 22 0:42 / /err rw - nfs4 srv:/x rw,softerr\n"                                          \
	"33 22 0:43 / /two\\040words rw - nfs4 srv:/x rw,soft\n"                                   \
	"34 22 0:44 / /nocto rw - nfs4 srv:/x rw,hard,nocto\n"                                     \
	"35 22 0:45 / /soft/local rw - ext4 /dev/sdb1 rw\n"                                        \
	"36 22 0:46 / /again rw - nfs4 srv:/x rw,soft\n"                                           \
	"37 36 0:47 / /again rw - ext4 /dev/sdc1 rw\n"                                             \
	"38 22 0:48 / /smb rw - cifs //srv/x rw,soft\n"                                            \
	"garbage\n39 - \n"

static void soft_mounts_are_refused(void **state)
{
	static const struct {
		const char *path;
		int verdict;
	} rows[] = {
		{"/", 0},
		{"/spool", 0},
		{"/spool/x", 0},
		{"/soft", -1},
		{"/soft/x/y", -1},
		{"/softer", 0},
		{"/err/x", -1},
		{"/two words/x", -1},
		{"/nocto/x", 1},
		{"/soft/local/x", 0},
		{"/again/x", 0},
		{"/smb", 1},
	};
	char why[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		strcpy(why, "");
		if (nfs_judge_mount(MOUNTS, rows[i].path, why, sizeof(why)) != rows[i].verdict)
			fail_msg("%s: %s", rows[i].path, why);
		assert_int_equal(why[0] != '\0', rows[i].verdict != 0);
	}
	assert_int_equal(nfs_judge_mount(MOUNTS, "/soft", why, sizeof(why)), -1);
	assert_says(why, "/soft is mounted \"soft\"");
	assert_int_equal(nfs_judge_mount("", "/", why, sizeof(why)), 0);
}

static void this_machine_has_no_soft_mount_here(void **state)
{
	char why[512];

	assert_int_equal(nfs_check_mount(tmp_path("not/yet/there"), why, sizeof(why)), 0);
	assert_int_equal(nfs_check_mount("relative", why, sizeof(why)) < 0, 0);
	assert_true(nfs_free_bytes(tmp_folder) > 0);
	assert_int_equal(nfs_free_bytes(tmp_path("none")), -1);
}

static void remedies_say_who_must_act(void **state)
{
	int code;

	assert_says(nfs_remedy(ENOSPC, &code), "free space");
	assert_int_equal(code, MIRA_AGAIN);
	assert_says(nfs_remedy(EROFS, &code), "mount it for writing");
	assert_int_equal(code, MIRA_PERSON);
	assert_says(nfs_remedy(EINVAL, &code), "see the message before");
	assert_int_equal(code, MIRA_PERSON);
	assert_non_null(nfs_remedy(ELOOP, &code));
	assert_int_equal(code, MIRA_AGAIN);
}

static void a_folder_whose_reply_is_lost_was_made(void **state)
{
	next(LOSE_REPLY, EIO);
	assert_int_equal(nfs_mkdir(tmp_path("a/new/below")), 0);
	next(LOSE_REPLY, ESTALE);
	assert_int_equal(nfs_mkdir_in(tmp_path("a"), "lost"), 0);
	next(FAIL, EDQUOT);
	assert_int_equal(nfs_mkdir_in(tmp_path("a"), "full"), -1);
	assert_int_equal(errno, EDQUOT);
}

/* What a killed writer left is removed when it is old, a folder with what stands in it. */
static void old_litter_is_swept(void **state)
{
	nfs_mkdir(tmp_path("a/.tmp-folder/symptoms.d"));
	tmp_write("a/.tmp-folder/symptoms.d/x", "");
	tmp_write("a/.tmp-file", "");
	tmp_write("a/.nfs0001", "");
	tmp_write("a/name", "");
	nfs_expire(tmp_path("a"), nfs_mtime(tmp_path("a/.tmp-file")));
	assert_int_equal(nfs_has(tmp_path("a"), ".tmp-file"), 1);
	nfs_expire(tmp_path("a"), nfs_mtime(tmp_path("a/.tmp-file")) + 2);
	assert_int_equal(nfs_has(tmp_path("a"), ".tmp-file"), 0);
	assert_int_equal(nfs_has(tmp_path("a"), ".tmp-folder"), 0);
	assert_int_equal(nfs_has(tmp_path("a"), ".nfs0001"), 1);
	assert_int_equal(nfs_has(tmp_path("a"), "name"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(listing_skips_dot_files, clear),
		cmocka_unit_test_setup(a_move_is_done_once, clear),
		cmocka_unit_test_setup(a_move_whose_reply_is_lost_was_done, clear),
		cmocka_unit_test_setup(a_folder_known_elsewhere_is_moved, clear),
		cmocka_unit_test_setup(a_move_that_failed_says_why, clear),
		cmocka_unit_test_setup(a_take_believes_the_server, clear),
		cmocka_unit_test_setup(a_full_folder_is_not_replaced, clear),
		cmocka_unit_test_setup(a_path_that_is_too_long_is_an_error, clear),
		cmocka_unit_test_setup(folders_are_made_with_parents, clear),
		cmocka_unit_test_setup(a_link_whose_reply_is_lost_was_made, clear),
		cmocka_unit_test_setup(removing_what_is_absent_is_success, clear),
		cmocka_unit_test_setup(rmdir_removes_leftovers_only, clear),
		cmocka_unit_test_setup(a_file_is_whole_or_absent, clear),
		cmocka_unit_test_setup(a_large_file_is_read_whole, clear),
		cmocka_unit_test_setup(a_file_is_created_once, clear),
		cmocka_unit_test_setup(a_spool_that_is_not_durable_is_not_synced, clear),
		cmocka_unit_test(soft_mounts_are_refused),
		cmocka_unit_test(this_machine_has_no_soft_mount_here),
		cmocka_unit_test(remedies_say_who_must_act),
		cmocka_unit_test_setup(a_folder_whose_reply_is_lost_was_made, clear),
		cmocka_unit_test_setup(old_litter_is_swept, clear),
	};

	return cmocka_run_group_tests(tests, make_folders, tmp_teardown);
}
