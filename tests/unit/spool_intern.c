/* intern.c: one text one id; unions do not depend on order. */
#include "tests/unit/tmp.h"

#include "spool/intern.h"

static const char *united(const char *a, const char *b)
{
	return intern_text(intern_union(intern(a), intern(b)));
}

static void the_empty_text_is_zero(void **state)
{
	assert_int_equal(intern_union(0, 0), 0);
	assert_int_equal(intern(""), 0);
	assert_int_equal(intern_bytes("x", 0), 0);
	assert_string_equal(intern_text(0), "");
	assert_string_equal(intern_text(UINT32_MAX), "");
}

static void texts_keep_their_ids(void **state)
{
	static uint32_t ids[100000];
	uint32_t before = intern_count();
	const char *first = NULL;
	char text[16];

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "t%u", i);
		ids[i] = intern(text);
		first = i ? first : intern_text(ids[0]);
	}
	assert_int_equal(intern_count(), before + 100000);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "t%u", i);
		assert_int_equal(intern(text), ids[i]);
		assert_string_equal(intern_text(ids[i]), text);
	}
	assert_ptr_equal(first, intern_text(ids[0]));
	assert_int_equal(intern_count(), before + 100000);
}

static void bytes_end_at_a_nul(void **state)
{
	assert_int_equal(intern_bytes("abc\0def", 7), intern("abc"));
	assert_int_equal(intern_bytes("abcdef", 3), intern("abc"));
	assert_int_not_equal(intern("abcd"), intern("abc"));
}

static void members_are_sorted_and_stand_once(void **state)
{
	assert_string_equal(united("b", "a"), "a,b");
	assert_string_equal(united("a,c", "b,c"), "a,b,c");
	assert_string_equal(united("100", "7"), "7,100");
	assert_string_equal(united("7,100", "20,x"), "7,20,100,x");
	assert_string_equal(united("7", "07"), "07,7");
	assert_string_equal(united("0", "00"), "0,00");
	assert_string_equal(united("18446744073709551617", "18446744073709551616"),
		"18446744073709551616,18446744073709551617");
	assert_string_equal(united("ab", "a"), "a,ab");
	assert_string_equal(united("a", ""), "a");
	assert_string_equal(united("b,a,b,", ""), "a,b");
	assert_string_equal(united("4in4+gre", "4in4"), "4in4,4in4+gre");
}

static void order_of_unions_does_not_matter(void **state)
{
	static const char *const members[] = {"9", "10", "probe", "a.b", "100", "", "A", "7,9"};
	uint32_t all = 0, again = 0, halves[2] = {0, 0};

	for (size_t i = 0; i < 8; i++) {
		all = intern_union(all, intern(members[i]));
		again = intern_union(intern(members[7 - i]), again);
		halves[i % 2] = intern_union(halves[i % 2], intern(members[i]));
	}
	assert_string_equal(intern_text(all), "7,9,10,100,A,a.b,probe");
	assert_int_equal(all, again);
	assert_int_equal(all, intern_union(halves[0], halves[1]));
	assert_int_equal(all, intern_union(all, all));
	assert_int_equal(all, intern_union(all, intern("9")));
}

/* Whatever was left out on the way, the same members stay. */
static void the_first_of_a_set(void **state)
{
	uint32_t one = 0, other = 0, again;
	char text[16];

	assert_string_equal(intern_text(intern_most(intern("a,b,c"), 3)), "a,b,c");
	assert_string_equal(intern_text(intern_most(intern("a,b,c,d"), 3)), "a,b,c,~more");
	assert_string_equal(intern_text(intern_most(intern("a,b,c,~more"), 3)), "a,b,c,~more");
	assert_string_equal(intern_text(intern_most(intern("a,~more"), 3)), "a,~more");
	assert_int_equal(intern_most(0, 3), 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i * 7 % 100);
		one = intern_most(intern_union(one, intern(text)), 3);
		snprintf(text, sizeof(text), "10.0.0.%u", 99 - i);
		other = intern_most(intern_union(intern(text), other), 3);
	}
	assert_string_equal(intern_text(one), "10.0.0.0,10.0.0.1,10.0.0.10,~more");
	assert_int_equal(one, other);
	again = intern_most(intern_union(one, other), 3);
	assert_int_equal(one, again);
}

static void many_pairs_are_remembered(void **state)
{
	char text[16];
	uint32_t set = 0, count;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			snprintf(text, sizeof(text), "%u", i % 500);
			set = intern_union(set, intern(text));
		}
		count = round ? count : intern_count();
	}
	assert_int_equal(count, intern_count());
	assert_int_equal(strncmp(intern_text(set), "0,1,2,3,", 8), 0);
}

static void later_texts_are_forgotten(void **state)
{
	uint32_t kept = intern("kept"), count, first, set;
	char text[32];

	for (unsigned round = 0; round < 3; round++) {
		count = intern_count();
		first = intern("later");
		set = intern_union(first, kept);
		assert_string_equal(intern_text(set), "kept,later");
		for (unsigned i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "name%u", i);
			assert_string_equal(intern_text(intern(text)), text);
		}
		intern_forget(count);
		assert_int_equal(intern_count(), count);
		assert_int_equal(intern("kept"), kept);
		assert_string_equal(intern_text(first), "");
		assert_int_equal(intern("other"),
			first); /* the id is given anew, and its unions with it */
		assert_string_equal(intern_text(intern_union(first, kept)), "kept,other");
		intern_forget(count);
	}
	intern_forget(intern_count() + 1);
	intern_forget(0);
	assert_int_equal(intern("kept"), kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_empty_text_is_zero),
		cmocka_unit_test(texts_keep_their_ids),
		cmocka_unit_test(bytes_end_at_a_nul),
		cmocka_unit_test(members_are_sorted_and_stand_once),
		cmocka_unit_test(order_of_unions_does_not_matter),
		cmocka_unit_test(the_first_of_a_set),
		cmocka_unit_test(many_pairs_are_remembered),
		cmocka_unit_test(later_texts_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
