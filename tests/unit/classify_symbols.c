/* The names a condition may use, out of symptom files and fast lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "classify/symbols.h"
#include "spool/log.h"

static char folder[] = "/tmp/classify_symbols.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static int make(void **state)
{
	setenv("MIRA_LOG", "err", 1);
	if (!mkdtemp(folder))
		return -1;
	put("10-web.sym",
		"# symptom comment\nsymptom http_request tcp\n    text \"symptom fake\" start\n"
		"\tsymptom\ttls\r\nsymptom dns# c\nsymptomatic x\nsymptom\n");
	put("20-more.sym", "symptom tls\nsymptom bittorrent udp,tcp port 6881-6889");
	put("README", "symptom readme\n");
	put(".hidden.sym", "symptom hidden\n");
	return 0;
}

static int clear(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void names(void **state)
{
	struct policy_fast fast[] = {{.name = "campus_dns"}, {.name = "dns"}};
	struct policy policy = {.fast = fast, .fast_count = 2};
	static const char *const want[] = {"bittorrent", "campus_dns", "dns", "http_request",
		"tls"};
	struct namelist symbols = {0};

	assert_int_equal(symbols_load(&symbols, folder, &policy), MIRA_OK);
	assert_int_equal(symbols.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(symbols.names[i], want[i]);
	assert_int_equal(symbols_find(&symbols, "dns", 3), 2);
	assert_int_equal(symbols_find(&symbols, "DNS > 0", 3), 2);
	assert_int_equal(symbols_find(&symbols, "tls", 3), 4);
	assert_int_equal(symbols_find(&symbols, "tlsx", 4), -1);
	assert_int_equal(symbols_find(&symbols, "tl", 2), -1);
	assert_int_equal(symbols_find(&symbols, "aa", 2), -1);
	assert_int_equal(symbols_find(&symbols, "zz", 2), -1);
	namelist_free(&symbols);
}

static void no_folder(void **state)
{
	struct policy policy = {0};
	struct namelist symbols = {0};

	assert_int_equal(symbols_load(&symbols, "/nonexistent/symptoms.d", &policy), MIRA_PERSON);
	namelist_free(&symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(no_folder)};

	return cmocka_run_group_tests(tests, make, clear);
}
