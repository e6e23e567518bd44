/* ja4.c: fingerprints that FoxIO publishes for the fields given, and ClientHellos at their limits. */
#include "tests/unit/tmp.h"

#include "preprocess/ja4.h"
#include "preprocess/tls.h"
#include "tests/unit/initials.h"

/* A ClientHello is built from lists of hexadecimal words. */
struct build {
	uint8_t bytes[2048];
	size_t size;
};

static void put(struct build *build, const char *hex)
{
	build->size += unhex(hex, build->bytes + build->size);
}

static void put16(struct build *build, size_t value)
{
	build->bytes[build->size++] = (uint8_t)(value >> 8);
	build->bytes[build->size++] = (uint8_t)value;
}

/* fields(): legacy_version, random, no session id, CIPHERS, no compression, EXTENSIONS. */
static void fields(struct build *build, const char *version, const char *ciphers,
	const char *extensions)
{
	build->size = 0;
	put(build, version);
	for (int i = 0; i < 16; i++)
		put16(build, 0x5555);
	put(build, "00");
	put16(build, strlen(ciphers) / 2);
	put(build, ciphers);
	put(build, "0100");
	if (!extensions)
		return;
	put16(build, strlen(extensions) / 2);
	put(build, extensions);
}

static const char *fingerprint(const struct build *build, char transport)
{
	static char text[JA4_SIZE];
	uint8_t *copy = malloc(build->size + 1);

	memcpy(copy, build->bytes, build->size);
	ja4_of(copy, build->size, transport, text);
	free(copy);
	return text;
}

#define CHROME_CIPHERS "0a0a130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035"
#define CHROME_COMMON                                                                              \
	"0000000e000c0000096c6f63616c686f7374" /* server_name */                                   \
	"001700000023000000050000000a0000000b0000001b0000003300000012000000"                       \
	"2d0000"                                                                                   \
	"002b000706dada03040303"                                                                   \
	"0010000e000c02683208687474702f312e31"
#define CHROME_ALGORITHMS "04030804040105030805050108060601"

static void published(void **state)
{
	struct build build;

	/* FoxIO's example: Chrome 109; the order of extensions does not matter. */
	fields(&build, "0303", CHROME_CIPHERS,
		"fafa0000" CHROME_COMMON "000d00120010" CHROME_ALGORITHMS "44690000ff010001"
		"00"
		"001500020000");
	assert_string_equal(fingerprint(&build, 't'), "t13d1516h2_8daaf6152771_e5627efa2ab1");
	/* A GREASE value among the signature algorithms. */
	fields(&build, "0303", CHROME_CIPHERS,
		CHROME_COMMON "000d001a0018"
			      "0a0a090409050906" CHROME_ALGORITHMS
			      "44cd0000ca340000fe0d0000ff01000100");
	assert_string_equal(fingerprint(&build, 't'), "t13d1517h2_8daaf6152771_cb7bf5808d99");
}

static void parts(void **state)
{
	static const struct {
		const char *version, *ciphers, *extensions, *begins;
	} hellos[] = {
		{"0303", "1301", NULL, "t12i010000_"},
		{"0301", "1301", "", "t10i010000_"},
		{"0300", "1301", "", "ts3i010000_"},
		{"0200", "1301", "", "t00i010000_"},
		{"0303", "1301", "002b0003020304", "t13i010100_"},
		{"0303", "1301",
			"002b0005040302"
			"7a7a",
			"t11i010100_"},
		{"0303", "1301",
			"0010000500030268"
			"32",
			"t12i0101h2_"},
		{"0303", "1301", "0010000400020179", "t12i0101yy_"},
		{"0303", "1301", "00100006000403ab3132", "t12i0101a2_"}, /* not a letter: hex */
		{"0303", "", "", "t12i000000_000000000000_000000000000"},
		{"0303", "1301", "0000000000100000", "t12d010200_"},
	};
	struct build build;

	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++) {
		fields(&build, hellos[i].version, hellos[i].ciphers, hellos[i].extensions);
		assert_memory_equal(fingerprint(&build, 't'), hellos[i].begins,
			strlen(hellos[i].begins));
	}
}

static void counts_end_at_99(void **state)
{
	char ciphers[4 * 1000 + 1] = "", extensions[8 * 120 + 1] = "";
	struct build build;

	for (unsigned i = 0; i < 120; i++)
		sprintf(extensions + 8 * i, "%04x0000", 0x1000 + i);
	for (unsigned i = 0; i < 600; i++)
		sprintf(ciphers + 4 * i, "%04x", 0x2000 + i);
	fields(&build, "0303", ciphers, extensions);
	assert_memory_equal(fingerprint(&build, 'q'), "q12i999900_", 11);
}

/* RFC 9001, A.2; the fields were hashed by another program. */
static void quic_and_cut_off(void **state)
{
	struct client_hello hello;
	struct build build = {.size = 0};

	put(&build, INITIAL_HELLO);
	assert_int_equal(tls_handshake(build.bytes, build.size, &hello), TLS_HELLO);
	memmove(build.bytes, hello.body, build.size = hello.size);
	assert_string_equal(fingerprint(&build, 'q'), "q13d0211an_62ed6f6ca7ad_4d634acda6c0");
	while (build.size--)
		if (build.size != 2 + 32 + 1 + 6 + 2) /* the end of a ClientHello of TLS 1.0 */
			assert_string_equal(fingerprint(&build, 'q'), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),
		cmocka_unit_test(parts),
		cmocka_unit_test(counts_end_at_99),
		cmocka_unit_test(quic_and_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
