/* names.c: names of batches print and parse back, sort by time, and nothing else is accepted. */
#include "tests/unit/tmp.h"

#include "spool/names.h"

#define RUN  "5e1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b"
#define NAME "20261121T104300.123456Z-probe1-all-" RUN "-0000000042"

static struct batchname parsed(const char *text)
{
	struct batchname name;

	assert_true(batchname_parse(text, &name));
	return name;
}

static void a_name_parses_and_prints_back(void **state)
{
	struct batchname name = parsed(NAME);
	char out[256];

	assert_int_equal(name.start_us, 1795257780123456ull);
	assert_string_equal(name.probe, "probe1");
	assert_string_equal(name.stream, "all");
	assert_string_equal(name.run, RUN);
	assert_int_equal(name.seq, 42);
	assert_int_equal(name.requeued, 0);
	batchname_format(&name, out, sizeof(out));
	assert_string_equal(out, NAME);
	name.requeued = 3;
	batchname_format(&name, out, sizeof(out));
	assert_string_equal(out, NAME "+3");
	assert_int_equal(parsed(NAME "+3").requeued, 3);
}

static void other_texts_are_no_names(void **state)
{
	static const char *const wrong[] = {
		"",
		"-",
		"manifest.json",
		NAME "~w.1",
		NAME "+",
		NAME "+0",
		NAME "+x",
		NAME " ",
		NAME "-1",
		"20261321T104300.123456Z-probe1-all-" RUN "-0000000042", /* month 13 */
		"2026112 T104300.123456Z-probe1-all-" RUN "-0000000042",
		"20261121T104300.123456-probe1-all-" RUN "-0000000042", /* no Z */
		"20261121T104300.12345Z-probe1-all-" RUN "-0000000042",
		"20261121T104300.123456Z-.robe1-all-" RUN "-0000000042",
		"20261121T104300.123456Z--all-" RUN "-0000000042",
		"20261121T104300.123456Z-p/1-all-" RUN "-0000000042",
		"20261121T104300.123456Z-probe1-all-5E1f0c9a7b3d2e4f5a6b7c8d9e0f1a2b-0000000042",
		"20261121T104300.123456Z-probe1-all-5e1f-0000000042",
		"20261121T104300.123456Z-probe1-all-" RUN "-42",
		"20261121T104300.123456Z-probe1-all-" RUN "-00000000042",
		"20261121T104300.123456Z-probe1-all-" RUN "--000000042",
	};
	struct batchname name;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (batchname_parse(wrong[i], &name))
			fail_msg("accepted: %s", wrong[i]);
}

static void every_truncation_is_refused(void **state)
{
	struct batchname name;
	char text[256] = NAME;

	for (size_t length = strlen(NAME); length-- > 0;) {
		text[length] = '\0';
		assert_false(batchname_parse(text, &name));
	}
}

static void longest_parts_fit(void **state)
{
	struct batchname name = {.start_us = UINT64_MAX, .seq = UINT64_MAX, .requeued = UINT32_MAX},
			 back;
	char out[256];

	memset(name.probe, 'p', NAME_PART_MAX);
	memset(name.stream, 's', NAME_PART_MAX);
	strcpy(name.run, RUN);
	batchname_format(&name, out, sizeof(out));
	assert_memory_equal(out, "99991231T235959.", 16);
	assert_true(batchname_parse(out, &back));
	assert_int_equal(back.seq, UINT64_MAX);
	assert_int_equal(back.requeued, UINT32_MAX);
}

static void names_sort_by_time(void **state)
{
	struct batchname early = {.start_us = 999999,
		.probe = "z",
		.stream = "z",
		.run = RUN,
		.seq = 9};
	struct batchname late = {.start_us = 1000000,
		.probe = "a",
		.stream = "a",
		.run = RUN,
		.seq = 1};
	char first[256], second[256];

	batchname_format(&early, first, sizeof(first));
	batchname_format(&late, second, sizeof(second));
	assert_true(strcmp(first, second) < 0);
}

static void parts_are_made_from_any_text(void **state)
{
	char part[NAME_PART_MAX + 1], text[100];

	name_part_from("a b-c/d.pcap", part);
	assert_string_equal(part, "a_b_c_d.pcap");
	name_part_from(".hidden", part);
	assert_string_equal(part, "_hidden");
	name_part_from("", part);
	assert_string_equal(part, "_");
	name_part_from("\xc3\xa4", part);
	assert_string_equal(part, "__");
	memset(text, 'x', sizeof(text));
	text[99] = '\0';
	name_part_from(text, part);
	assert_int_equal(strlen(part), NAME_PART_MAX);
	assert_true(name_part_ok(part));
	assert_false(name_part_ok(text));
	assert_false(name_part_ok(""));
	assert_false(name_part_ok(".a"));
	assert_false(name_part_ok("a-b"));
}

static void a_list_holds_sorts_and_finds(void **state)
{
	struct namelist list = {0};
	char name[16];

	for (int i = 99; i >= 0; i--) {
		snprintf(name, sizeof(name), "n%02d", i);
		namelist_add(&list, name);
	}
	assert_true(namelist_has(&list, "n07"));
	assert_false(namelist_has(&list, "n0"));
	namelist_sort(&list);
	assert_string_equal(list.names[0], "n00");
	assert_string_equal(list.names[99], "n99");
	namelist_free(&list);
	assert_int_equal(list.count, 0);
	namelist_sort(&list);
	namelist_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_parses_and_prints_back),
		cmocka_unit_test(other_texts_are_no_names),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(longest_parts_fit),
		cmocka_unit_test(names_sort_by_time),
		cmocka_unit_test(parts_are_made_from_any_text),
		cmocka_unit_test(a_list_holds_sorts_and_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
