/* manifest.c: what is written is read back; whatever else stands in a manifest.json is refused with
 * a reason. */
#include "tests/unit/tmp.h"

#include <errno.h>

#include "spool/manifest.h"

#define RUN  "5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b"
#define NAME "20261121T104300.123456Z-probe1-all-" RUN "-0000000042"

static char why[256];

static void fill(struct manifest *manifest)
{
	manifest_init(manifest, "packets", NAME);
	strcpy(manifest->probe, "probe1");
	strcpy(manifest->stream, "all");
	strcpy(manifest->run, RUN);
	strcpy(manifest->rules, "000102030405060708090a0b0c0d0e0f");
	manifest->seq = 42;
	manifest->end = manifest->live = true;
	manifest->first_ms = 1795257780123ull;
	manifest->last_ms = manifest->first_ms + 5000;
	manifest->packet_index = 1ull << 40;
	manifest->sampling = 0.25;
	manifest->counts = (struct counts){10, 4, 3, 2, 1};
	manifest->cumulative = (struct counts){INT64_MAX, INT64_MAX - 60, 30, 20, 10};
}

static void what_is_written_is_read(void **state)
{
	struct manifest out, in;

	fill(&out);
	out.damaged = strdup("cut short \"here\"\n");
	tmp_write("000000.pcapng", "some bytes");
	assert_int_equal(manifest_add_file(&out, tmp_folder, "000000.pcapng"), 0);
	manifest_add_segment(&out, "000001.pcapng", 7, "ffeeddccbbaa99887766554433221100");
	assert_int_equal(manifest_write(&out, tmp_folder), 0);
	assert_int_equal(manifest_read(&in, tmp_folder, why), 0);
	assert_string_equal(in.kind, "packets");
	assert_string_equal(in.name, NAME);
	assert_string_equal(in.probe, "probe1");
	assert_string_equal(in.stream, "all");
	assert_string_equal(in.run, RUN);
	assert_string_equal(in.rules, out.rules);
	assert_true(in.end && in.live);
	assert_int_equal(in.seq, 42);
	assert_int_equal(in.first_ms, out.first_ms);
	assert_int_equal(in.last_ms, out.last_ms);
	assert_int_equal(in.packet_index, out.packet_index);
	assert_true(in.sampling == 0.25);
	assert_memory_equal(&in.counts, &out.counts, sizeof(in.counts));
	assert_memory_equal(&in.cumulative, &out.cumulative, sizeof(in.cumulative));
	assert_string_equal(in.damaged, out.damaged);
	assert_int_equal(in.segment_count, 2);
	assert_string_equal(in.segments[0].name, "000000.pcapng");
	assert_int_equal(in.segments[0].bytes, 10);
	assert_string_equal(in.segments[0].xxh128, out.segments[0].xxh128);
	assert_int_equal(in.segments[1].bytes, 7);
	manifest_free(&in);
	manifest_free(&out);
}

static void other_kinds_carry_a_number(void **state)
{
	static const char *const kinds[] = {"flows", "biflows", "verdicts", "state"};
	struct manifest out, in;

	for (size_t i = 0; i < 4; i++) {
		manifest_init(&out, kinds[i], "window-1");
		out.number = 7;
		assert_int_equal(manifest_write(&out, tmp_folder), 0);
		assert_int_equal(manifest_read(&in, tmp_folder, why), 0);
		assert_string_equal(in.kind, kinds[i]);
		assert_int_equal(in.number, i ? 7 : 0);
		assert_int_equal(in.segment_count, 0);
		assert_null(in.damaged);
		assert_true(in.sampling == 1.0);
		manifest_free(&in);
	}
	manifest_init(&out, "nonsense", "x");
	assert_int_equal(manifest_write(&out, tmp_folder), -1);
	assert_int_equal(errno, EINVAL);
}

static void bytes_that_are_no_utf8_do_not_stop_it(void **state)
{
	struct manifest out, in;

	fill(&out);
	out.damaged = strdup("caf\xe9.pcap is cut");
	assert_int_equal(manifest_write(&out, tmp_folder), 0);
	assert_int_equal(manifest_read(&in, tmp_folder, why), 0);
	assert_string_equal(in.damaged, "caf?.pcap is cut");
	manifest_free(&in);
	manifest_free(&out);
}

/* The manifest that fill() makes, with FROM replaced by TO. */
static const char *refused(const char *from, const char *to)
{
	struct manifest manifest;
	char *text, *at, *changed;
	size_t size;
	FILE *file;

	fill(&manifest);
	manifest_add_segment(&manifest, "000001.pcapng", 7, "ffeeddccbbaa99887766554433221100");
	assert_int_equal(manifest_write(&manifest, tmp_folder), 0);
	manifest_free(&manifest);
	file = fopen(tmp_path("manifest.json"), "r");
	text = calloc(1, 65536);
	size = fread(text, 1, 65535, file);
	assert_true(size > 0);
	fclose(file);
	at = strstr(text, from);
	if (!at)
		fail_msg("no %s in %s", from, text);
	size += strlen(to) + 1;
	changed = calloc(1, size);
	assert_non_null(changed);
	snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	tmp_write("manifest.json", changed);
	free(text);
	free(changed);
	strcpy(why, "");
	if (manifest_read(&manifest, tmp_folder, why) != -2)
		fail_msg("accepted %s for %s", to, from);
	return why;
}

static void illegal_values_are_named(void **state)
{
	assert_says(refused("\"format\": 1", "\"format\": 2"),
		"\"format\" is 2, this program reads 1");
	assert_says(refused("\"format\": 1,", ""), "\"format\"");
	assert_says(refused("\"kind\": \"packets\"", "\"kind\": \"pakets\""), "\"kind\"");
	assert_says(refused("\"kind\": \"packets\"", "\"kind\": \"0123456789abcdef\""), "\"kind\"");
	assert_says(refused("\"seq\": 42", "\"seq\": -1"), "\"seq\" is not legal");
	assert_says(refused("\"seq\": 42", "\"seq\": 4.5"), "\"seq\" is not legal");
	assert_says(refused("\"seq\": 42,", ""), "\"seq\" is missing");
	assert_says(refused("\"seq\": 42", "\"seq\": 99999999999999999999"), "manifest.json");
	assert_says(refused("\"end\": true", "\"end\": 1"), "\"end\"");
	assert_says(refused("\"probe\": \"probe1\"", "\"probe\": \"../x\""), "probe");
	assert_says(refused("\"stream\": \"all\"", "\"stream\": \"a b\""), "stream");
	assert_says(refused("\"run\": \"5e", "\"run\": \"5E"), "\"run\"");
	assert_says(refused("\"rules\": \"00", "\"rules\": \"/."), "\"rules\"");
	assert_says(refused("\"sampling\": 0.25", "\"sampling\": 0"), "\"sampling\"");
	assert_says(refused("\"sampling\": 0.25", "\"sampling\": 1.5"), "\"sampling\"");
	assert_says(refused("\"shed\": 1", "\"shed\": \"1\""), "\"counts\"");
	assert_says(refused("\"captured\": 4", "\"captured\": 5"), "\"counts\" is not legal");
	assert_says(refused("\"captured\": 4", "\"captured\": 9223372036854775807"), "\"counts\"");
	assert_says(refused("\"dropped\": 20", "\"dropped\": 21"), "\"cumulative\" is not legal");
	assert_says(refused("\"filtered\": 30,\n    \"dropped\": 20",
			    "\"filtered\": 49,\n    \"dropped\": 1"),
		"\"cumulative\"");
	assert_says(refused("\"last_ms\": 1795257785123", "\"last_ms\": 7"), "\"first_ms\"");
	assert_says(refused("\"name\": \"2026", "\"name\": \"/2026"), "\"name\"");
}

static void a_file_outside_the_folder_is_refused(void **state)
{
	assert_says(refused("000001.pcapng", "../x"), "file 0");
	assert_says(refused("000001.pcapng", "a/b"), "file 0");
	assert_says(refused("000001.pcapng", ""), "file 0");
	assert_says(refused("000001.pcapng", "manifest.json"), "file 0");
	assert_says(refused("ffeedd", "FFEEDD"), "file 0");
	assert_says(refused("\"files\": [",
			    "\"files\": [ {\"name\": \"000001.pcapng\", \"bytes\": 0, "
			    "\"xxh128\": \"ffeeddccbbaa99887766554433221100\"},"),
		"file 000001.pcapng is listed twice");
	assert_says(refused("\"files\": [", "\"files\": [ 7, "), "\"name\" is missing");
	assert_says(refused("\"files\"", "\"fils\""), "\"files\" is no list");
}

static void every_truncation_is_refused(void **state)
{
	struct manifest manifest;
	static char text[8192];
	size_t size;
	FILE *file;

	fill(&manifest);
	assert_int_equal(manifest_write(&manifest, tmp_folder), 0);
	file = fopen(tmp_path("manifest.json"), "r");
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	while (size-- > 0) {
		tmp_write_bytes("manifest.json", text, size);
		assert_int_equal(manifest_read(&manifest, tmp_folder, why), -2);
	}
	tmp_write("manifest.json", "[1]");
	assert_int_equal(manifest_read(&manifest, tmp_folder, why), -2);
	assert_says(why, "not a JSON object");
	assert_int_equal(manifest_read(&manifest, tmp_path("none"), why), -1);
	assert_int_equal(errno, ENOENT);
}

static void files_are_checked(void **state)
{
	struct manifest manifest;

	manifest_init(&manifest, "flows", "x");
	tmp_write("one", "0123456789");
	assert_int_equal(manifest_add_file(&manifest, tmp_folder, "none"), -1);
	assert_int_equal(manifest_add_file(&manifest, tmp_folder, "one"), 0);
	assert_int_equal(manifest_check(&manifest, tmp_folder, why), 0);
	tmp_write("one", "0123456789 and what was never handed over");
	assert_int_equal(manifest_check(&manifest, tmp_folder, why), 0);
	tmp_write("one", "012345678x");
	assert_int_equal(manifest_check(&manifest, tmp_folder, why), -2);
	assert_says(why, "one: checksum is");
	tmp_write("one", "012345678");
	assert_int_equal(manifest_check(&manifest, tmp_folder, why), -2);
	assert_says(why, "one has 9 bytes, the manifest says 10");
	unlink(tmp_path("one"));
	assert_int_equal(manifest_check(&manifest, tmp_folder, why), -2);
	assert_says(why, "one is missing");
	assert_int_equal(manifest_check(&manifest, tmp_path("none"), why), -1);
	manifest_free(&manifest);
}

/* What stands where a file should must not stop who reads it, a FIFO least of all. */
static void what_is_no_file_is_refused(void **state)
{
	struct manifest manifest, read;

	manifest_init(&manifest, "flows", "x");
	manifest_add_segment(&manifest, "data", 1, "ffeeddccbbaa99887766554433221100");
	unlink(tmp_path("manifest.json"));
	for (int i = 0; i < 4; i++) {
		const char *names[] = {"data", "manifest.json"};

		for (int name = 0; name < 2; name++) {
			const char *path = tmp_path(names[name]);

			assert_int_equal(i == 0	  ? mkfifo(path, 0600)
					 : i == 1 ? mkdir(path, 0700)
					 : i == 2 ? symlink("nowhere", path)
						  : symlink(names[name], path),
				0);
		}
		assert_int_equal(manifest_check(&manifest, tmp_folder, why), -2);
		assert_says(why, "data is no regular file");
		assert_int_equal(manifest_read(&read, tmp_folder, why), -2);
		assert_says(why, "manifest.json: it is no regular file");
		remove(tmp_path("data"));
		remove(tmp_path("manifest.json"));
	}
	manifest_free(&manifest);
}

static bool agrees(const struct manifest *manifest, const char *kind, const char *name)
{
	strcpy(why, "");
	return manifest_agrees(manifest, kind, name, why);
}

static void a_manifest_is_of_its_batch(void **state)
{
	struct manifest manifest;

	fill(&manifest);
	assert_true(agrees(&manifest, "packets", NAME));
	assert_true(agrees(&manifest, "packets", NAME "+1"));
	assert_false(agrees(&manifest, "flows", NAME));
	assert_says(why, "of kind \"packets\", not \"flows\"");
	assert_false(agrees(&manifest, "packets",
		"20261121T104300.123456Z-probe1-all-" RUN "-0000000043"));
	assert_says(why, "another batch");
	manifest.seq = 43;
	assert_false(agrees(&manifest, "packets", NAME));
	assert_says(why, "not that of its name");
	manifest.seq = 42;
	strcpy(manifest.stream, "web");
	assert_false(agrees(&manifest, "packets", NAME));
	manifest_free(&manifest);
	manifest_init(&manifest, "packets", "x");
	assert_false(agrees(&manifest, "packets", "x"));
	manifest_init(&manifest, "flows", "x+1");
	assert_true(agrees(&manifest, "flows", "x+2"));
	assert_true(agrees(&manifest, "flows", "x"));
	assert_false(agrees(&manifest, "flows", "x1"));
	assert_false(agrees(&manifest, "flows", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(other_kinds_carry_a_number),
		cmocka_unit_test(bytes_that_are_no_utf8_do_not_stop_it),
		cmocka_unit_test(illegal_values_are_named),
		cmocka_unit_test(a_file_outside_the_folder_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(files_are_checked),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_manifest_is_of_its_batch),
	};

	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
