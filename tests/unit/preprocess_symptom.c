/* symptom.c, symptom_parse.c, symptom_compile.c: what is understood, what is refused and where,
 * what is found. */
#include "tests/unit/tmp.h"

#include "preprocess/symptom.h"
#include "preprocess/symptom_compile.h"
#include "preprocess/symptom_parse.h"
#include "spool/intern.h"
#include "spool/log.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

/* folder(): a fresh folder NAME that holds a.sym with TEXT. */
static const char *folder(const char *name, const char *text)
{
	char file[64];
	const char *path = tmp_path(name);

	mkdir(path, 0700);
	snprintf(file, sizeof(file), "%s/a.sym", name);
	tmp_write(file, text);
	return path;
}

static bool shows(struct symptoms *symptoms, const struct symptom_hits *hits, const char *name)
{
	for (unsigned i = 0; i < hits->count; i++)
		if (!strcmp(intern_text(symptoms_name(symptoms, hits->index[i])), name))
			return true;
	return false;
}

/* ---- reading ---- */

static const struct {
	const char *text, *says;
} wrong_texts[] = {
	{"symptom\n", "a.sym:1:8: a name is expected"},
	{"symptom Big\n text \"a\"\n", "a.sym:1:9: 'Big' is no name"},
	{"symptom 1a\n", "a.sym:1:9: '1a' is no name"},
	{"symptom sport\n", "a.sym:1:9: 'sport' is a column"},
	{"symptom a tcp,ipx\n", "a.sym:1:15: 'ipx' is not understood; allowed are transports"},
	{"symptom a port\n", "a.sym:1:15: port must be followed by a list"},
	{"symptom a port 1-\n", "a.sym:1:16: a list of numbers"},
	{"symptom a port 1,\n", "a.sym:1:16: a list of numbers"},
	{"symptom a port 9-1\n", "a.sym:1:16: a list of numbers"},
	{"symptom a port 65536\n", "a.sym:1:16: a list of numbers"},
	{"symptom a size x\n", "a.sym:1:16: a list of numbers"},
	{"symptom a\n\nsymptom b\n text \"x\"\n", "a.sym:1:1: symptom 'a' has no pattern"},
	{"symptom a\n # nothing\n", "a.sym:1:1: symptom 'a' has no pattern"},
	{"text \"a\"\n", "a.sym:1:1: a pattern needs a symptom"},
	{"symptom a\n text \"a\"\n\n  word x\n",
		"a.sym:4:3: 'word' is not understood; a line begins with"},
	{"symptom a\n text abc\n", "a.sym:2:7: a text in double quotes"},
	{"symptom a\n text \"abc\n", "a.sym:2:7: the quoted text has no end"},
	{"symptom a\n text \"\"\n", "a.sym:2:7: the text is empty"},
	{"symptom a\n text \"a\\q\"\n", "a.sym:2:9: unknown escape"},
	{"symptom a\n text \"\\x4\"\n", "a.sym:2:8: unknown escape"},
	{"symptom a\n text \"a\" end\n", "a.sym:2:11: unknown option 'end'"},
	{"symptom a\n hex 1 2\n", "a.sym:2:6: '1' is no byte"},
	{"symptom a\n hex 13 xx\n", "a.sym:2:9: 'xx' is no byte"},
	{"symptom a\n hex ?? ??\n", "at least one byte must be known"},
	{"symptom a\n hex\n", "bytes are expected"},
	{"symptom a\n regex abc\n", "a.sym:2:8: an expression between slashes"},
	{"symptom a\n regex /abc\n", "a.sym:2:8: the expression has no end"},
	{"symptom a\n regex //\n", "a.sym:2:8: the expression is empty"},
	{"symptom a\n regex /a/x\n", "a.sym:2:11: unknown flag 'x'; allowed are i, s and m"},
	{"symptom a\n regex /^\\x0[1-5]/\n", "x with one digit takes the next byte"},
	{"symptom a\n regex /a(/\n", "a.sym:2:1: Hyperscan refuses the pattern"},
	{"symptom a\n text \"ok\"\n regex /(a)\\1/\n", "a.sym:3:1: Hyperscan refuses the pattern"},
	{"symptom a\n regex /a*/\n", "a.sym:2:1: Hyperscan refuses the pattern"},
	{"symptom a\n host .example.org\n", "a.sym:2:7: a host name is expected"},
	{"symptom a\n host a..b\n", "a.sym:2:7: a host name is expected"},
	{"symptom a\n host a b\n", "a.sym:2:9: nothing may follow a host name"},
	{"symptom a\n ja4\n", "a.sym:2:5: a JA4 fingerprint is expected"},
	{"symptom a\n ja4 t13d1516h2_8daaf6152771_e5627efa2ab\n",
		"a.sym:2:6: a JA4 fingerprint is expected"},
	{"symptom a\n ja4 t13d1516h2_8daaf6152771_e5627efa2abX\n",
		"a.sym:2:6: a JA4 fingerprint is expected"},
	{"symptom a\n ja4 t13d1516h2_8daaf6152771_e5627efa2ab1 x\n",
		"a.sym:2:6: a JA4 fingerprint is expected"},
};

static void errors_have_a_place(void **state)
{
	for (size_t i = 0; i < sizeof(wrong_texts) / sizeof(*wrong_texts); i++) {
		const char *path = folder("wrong", wrong_texts[i].text);
		struct symptoms *symptoms;
		tmp_log_begin();
		symptoms = symptoms_load(path, NULL);
		assert_says(tmp_log_end(), wrong_texts[i].says);
		assert_null(symptoms);
	}
}

static void a_zero_byte_is_refused(void **state)
{
	struct symptom_source source = {0};

	tmp_log_begin();
	assert_int_equal(symptom_source_text(&source, "z.sym", "symptom a\n te\0xt\n", 17), -1);
	assert_says(tmp_log_end(), "z.sym:2:4: a zero byte");
	symptom_source_free(&source);
}

static void a_name_in_two_files_names_both(void **state)
{
	const char *path = folder("twice", "symptom a\n text \"x\"\n\nsymptom twin\n text \"y\"\n");
	const char *log;

	tmp_write("twice/b.sym", "# other\nsymptom twin\n text \"z\"\n");
	tmp_log_begin();
	assert_null(symptoms_load(path, NULL));
	log = tmp_log_end();
	assert_says(log, "b.sym:2:9: symptom 'twin' stands already at ");
	assert_says(log, "a.sym:4;");
}

/* A pattern above the first symptom of a file must not fall to the last symptom of the file
 * before. */
static void patterns_stay_in_their_file(void **state)
{
	const char *path = folder("stay", "symptom a\n text \"x\"\n");

	tmp_write("stay/b.sym", " text \"y\"\n");
	tmp_log_begin();
	assert_null(symptoms_load(path, NULL));
	assert_says(tmp_log_end(), "b.sym:1:2: a pattern needs a symptom");
}

static void a_missing_folder_is_told(void **state)
{
	tmp_log_begin();
	assert_null(symptoms_load(tmp_path("nowhere"), NULL));
	assert_says(tmp_log_end(), "nowhere: No such file");
}

static void other_files_are_left_alone(void **state)
{
	const char *path = folder("other", "symptom a\n text \"x\"\n");
	struct symptoms *symptoms;

	tmp_write("other/a.sym~", "rubbish\n");
	tmp_write("other/README", "rubbish\n");
	symptoms = symptoms_load(path, NULL);
	assert_non_null(symptoms);
	assert_int_equal(symptoms_count(symptoms), 1);
	symptoms_free(symptoms);
}

/* ---- finding ---- */

static const char *const rules =
	"# rules of this test\r\n"
	"symptom plain\t# a comment\n\ttext \"needle\" # another\n"
	"symptom case_free\n text \"NeeDLE\" nocase\n"
	"symptom first\n text \"needle\" start\n"
	"symptom escapes\n text \"\\r\\n\\t\\\\\\\"\\x00#.*\"\n"
	"symptom bytes\n hex 00 ?? FF start\n hex 0a ?? 0b\n"
	"symptom expression\n regex /^a\\/b+c/i\n regex /z.z/s\n"
	"symptom either\n regex /one|two/ start\n"
	"symptom lines\n regex /^sun$/m\n"
	"symptom web tcp port 80,8000-8080\n text \"needle\"\n"
	"symptom net icmp,sctp\n text \"needle\"\n"
	"symptom small udp size 6,8-9\n text \"needle\"\n"
	"symptom hosts tcp port 1\n host Example.org\n host net\n text \"needle\"\n"
	"symptom more_hosts\n host www.example.org\n host example.org\n";

static const struct {
	const char *payload;
	size_t size;
	int proto, sport, dport;
	const char *shows; /* blank-separated, in order of the rules */
} packets[] = {
#define PACKET(bytes, proto, sport, dport, shows)                                                  \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, proto, sport, dport, shows                               \
	}
	PACKET("a needle", UDP, 5, 6, "plain case_free small"),
	PACKET("a needle x", UDP, 5, 6, "plain case_free"),
	PACKET("needle", UDP, 5, 6, "plain case_free first small"),
	PACKET("NEEDLE", UDP, 5, 6, "case_free"),
	PACKET("needleneedle", TCP, 5, 80, "plain case_free first web"),
	PACKET("needle", TCP, 8080, 5, "plain case_free first web"),
	PACKET("needle", TCP, 1, 80, "plain case_free first web hosts"),
	PACKET("needle", TCP, 8080, 25, "plain case_free first"),
	PACKET("needle", TCP, 443, 80, "plain case_free first web"),
	PACKET("needle", TCP, 8081, 5, "plain case_free first"),
	PACKET("needle", UDP, 80, 5, "plain case_free first small"),
	PACKET("needle", ICMP, 0, 0, "plain case_free first net"),
	PACKET("needle", ICMP6, 0, 0, "plain case_free first net"),
	PACKET("needle", SCTP, 1, 2, "plain case_free first net"),
	PACKET("needle", 99, 0, 0, "plain case_free first"),
	PACKET("needle", TCP, 1, 2, "plain case_free first hosts"),
	PACKET("xx\r\n\t\\\"\0#.*", TCP, 5, 6, "escapes"),
	PACKET("xx\r\n\t\\\"\0#.a", TCP, 5, 6, ""),
	PACKET("\0\n\xff", TCP, 5, 6, "bytes"),
	PACKET("x\0\n\xff", TCP, 5, 6, ""),
	PACKET("x\n\r\x0b", TCP, 5, 6, "bytes"),
	PACKET("A/BBC", TCP, 5, 6, "expression"),
	PACKET("xa/bc", TCP, 5, 6, ""),
	PACKET("z\nz", TCP, 5, 6, "expression"),
	PACKET("two", TCP, 5, 6, "either"),
	PACKET("a two", TCP, 5, 6, ""),
	PACKET("moon\nsun\nx", TCP, 5, 6, "lines"),
	PACKET("", TCP, 5, 6, ""),
};

static void shown(struct symptoms *symptoms, const struct symptom_hits *hits, char *out)
{
	*out = 0;
	for (size_t i = 0; i < symptoms_count(symptoms); i++) {
		const char *name = intern_text(symptoms_name(symptoms, i));
		if (shows(symptoms, hits, name))
			sprintf(out + strlen(out), "%s%s", *out ? " " : "", name);
	}
}

static void finds_what_rules_say(void **state)
{
	struct symptoms *symptoms = symptoms_load(folder("rules", rules), NULL);
	char text[512];

	assert_non_null(symptoms);
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		struct symptom_hits hits = {.count = 0};
		symptoms_scan(symptoms, (const uint8_t *)packets[i].payload, packets[i].size,
			(uint8_t)packets[i].proto, (uint16_t)packets[i].sport,
			(uint16_t)packets[i].dport, &hits);
		shown(symptoms, &hits, text);
		if (strcmp(text, packets[i].shows))
			fail_msg("packet %zu shows \"%s\" instead of \"%s\"", i, text,
				packets[i].shows);
	}
	symptoms_free(symptoms);
}

static void finds_hosts_by_suffix(void **state)
{
	static const char *const names[][2] = {
		{"example.org", "hosts more_hosts"},
		{"www.example.org", "hosts more_hosts"},
		{"a.b.example.org", "hosts more_hosts"},
		{"anexample.org", ""},
		{"example.org.uk", ""},
		{"org", ""},
		{"x.net", "hosts"},
		{"net", "hosts"},
		{"", ""},
	};
	struct symptoms *symptoms = symptoms_load(folder("rules", rules), NULL);
	char text[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct symptom_hits hits = {.count = 0};
		symptoms_host(symptoms, names[i][0], &hits);
		shown(symptoms, &hits, text);
		assert_string_equal(text, names[i][1]);
	}
	symptoms_free(symptoms);
}

/* A fingerprint is no host name, not even one that is spelt like it. */
static void finds_fingerprints(void **state)
{
	static const char fingerprint[] = "t13d1516h2_8daaf6152771_e5627efa2ab1";
	struct symptoms *symptoms =
		symptoms_load(folder("ja4",
				      "symptom a\n ja4 t13d1516h2_8daaf6152771_e5627efa2ab1\n"
				      "symptom b\n host t13d1516h2_8daaf6152771_e5627efa2ab1\n"
				      "symptom c\n ja4 q13d1516h2_8daaf6152771_e5627efa2ab1\n"),
			NULL);
	struct symptom_hits hits = {.count = 0}, none = {.count = 0};
	char text[512];

	assert_true(symptoms_ask_ja4(symptoms));
	symptoms_ja4(symptoms, fingerprint, &hits);
	shown(symptoms, &hits, text);
	assert_string_equal(text, "a");
	hits.count = 0;
	symptoms_host(symptoms, fingerprint, &hits);
	shown(symptoms, &hits, text);
	assert_string_equal(text, "b");
	symptoms_ja4(symptoms, "t13d1516h2_8daaf6152771_000000000000", &none);
	assert_int_equal(none.count, 0);
	symptoms_free(symptoms);
	symptoms = symptoms_load(folder("noja4", "symptom a\n host example.org\n"), NULL);
	assert_false(symptoms_ask_ja4(symptoms));
	symptoms_free(symptoms);
}

/* One packet counts once for a symptom: two patterns, many places, payload and host name. */
static void counts_once_a_packet(void **state)
{
	struct symptoms *symptoms = symptoms_load(
		folder("once", "symptom a\n text \"x\"\n text \"yy\"\n regex /x+y/\n host a.b\n"),
		NULL);
	struct symptom_hits hits = {.count = 0};

	symptoms_scan(symptoms, (const uint8_t *)"xxxyyyxxxyyy", 12, TCP, 1, 2, &hits);
	symptoms_host(symptoms, "c.a.b", &hits);
	assert_int_equal(hits.count, 1);
	assert_int_equal(hits.overflow, 0);
	symptoms_free(symptoms);
}

static void too_many_are_counted(void **state)
{
	char text[8192] = "";
	struct symptom_hits hits = {.count = 0};
	struct symptoms *symptoms;

	for (int i = 0; i < 70; i++)
		sprintf(text + strlen(text), "symptom s%d\n text \"x\"\n", i);
	symptoms = symptoms_load(folder("many", text), NULL);
	symptoms_scan(symptoms, (const uint8_t *)"x", 1, TCP, 1, 2, &hits);
	assert_int_equal(hits.count, 64);
	assert_int_equal(hits.overflow, 6);
	symptoms_free(symptoms);
}

static void no_symptoms_is_a_warning(void **state)
{
	struct symptom_hits hits = {.count = 0};
	struct symptoms *symptoms;

	tmp_log_begin();
	symptoms = symptoms_load(folder("none", "# nothing\n"), NULL);
	assert_says(tmp_log_end(), "no symptom in ");
	assert_non_null(symptoms);
	symptoms_scan(symptoms, (const uint8_t *)"x", 1, TCP, 1, 2, &hits);
	symptoms_host(symptoms, "example.org", &hits);
	assert_int_equal(hits.count, 0);
	symptoms_free(symptoms);
}

/* ---- the cache ---- */

/* cached(): the path of the cache file for the symptoms of folder PATH. */
static void cached(const char *path, char *file)
{
	struct symptom_source source;
	char name[64];

	assert_int_equal(symptom_source_load(&source, path), 0);
	assert_int_equal(symptom_cache_name(&source, SYMPTOM_SET_TCP, name), 0);
	symptom_source_free(&source);
	snprintf(file, PATH_MAX, "%s/%s", tmp_path("cache"), name);
}

static ino_t inode(const char *path)
{
	struct stat status;

	return stat(path, &status) ? 0 : status.st_ino;
}

static void loads_and_finds(const char *path)
{
	struct symptom_hits hits = {.count = 0};
	struct symptoms *symptoms = symptoms_load(path, tmp_path("cache"));

	assert_non_null(symptoms);
	symptoms_scan(symptoms, (const uint8_t *)"a needle", 8, TCP, 1, 2, &hits);
	assert_true(shows(symptoms, &hits, "plain"));
	symptoms_free(symptoms);
}

static void the_cache_is_used_and_mended(void **state)
{
	char path[PATH_MAX], file[PATH_MAX], bytes[100] = "no database";
	ino_t first;
	int fd;

	snprintf(path, sizeof(path), "%s", folder("rules", rules));
	cached(path, file);
	mkdir(tmp_path("cache"), 0700);
	loads_and_finds(path);
	first = inode(file);
	assert_true(first != 0);
	loads_and_finds(path); /* a second start does not write it again */
	assert_true(inode(file) == first);

	fd = open(file, O_WRONLY); /* one flipped stretch in the middle */
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 2000), sizeof(bytes));
	close(fd);
	tmp_log_begin();
	loads_and_finds(path);
	assert_says(tmp_log_end(), "are damaged; they are compiled again");
	assert_true(inode(file) != first);

	assert_int_equal(truncate(file, 10), 0);
	tmp_log_begin();
	loads_and_finds(path);
	assert_says(tmp_log_end(), "are damaged");
	tmp_log_begin();
	loads_and_finds(path);
	assert_string_equal(tmp_log_end(), "");
}

static void the_cache_knows_its_symptoms(void **state)
{
	static const char *const texts[] = {"symptom a\n text \"x\"\n text \"y\"\n",
		"symptom a\n text \"y\"\n text \"x\"\n",
		"symptom a\n text \"x\"\n text \"y\" nocase\n",
		"symptom a\n text \"x\"\n text \"yx\"\n"};
	char names[4][64];

	for (int i = 0; i < 4; i++) {
		struct symptom_source source = {0};
		assert_int_equal(symptom_source_text(&source, "a", texts[i], strlen(texts[i])), 0);
		symptom_cache_name(&source, SYMPTOM_SET_TCP, names[i]);
		symptom_source_free(&source);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

static void an_unwritable_cache_is_told(void **state)
{
	const char *path = folder("rules", rules);
	struct symptoms *symptoms;

	tmp_log_begin();
	symptoms = symptoms_load(path, tmp_path("no/such/cache"));
	assert_says(tmp_log_end(), "cannot keep the compiled symptoms");
	assert_non_null(symptoms);
	symptoms_free(symptoms);
}

/* ---- --check ---- */

static void check_names_refused_and_slow(void **state)
{
	const char *path =
		folder("check", "symptom good\n text \"x\"\nsymptom bad\n regex /a(?=b)/\nsymptom "
				"worse\n regex /(a)\\1/\n"
				"symptom lazy\n regex /[a-m]+.{100}[n-z]+x/s\n"
				"symptom anchored\n regex /^[a-m]+.{100}[n-z]+x/s\n"
				"symptom limited\n regex /[a-m]{1,9}.{100}[n-z]{1,9}x/s\n");
	FILE *out = fopen(tmp_path("told"), "w+");
	char text[4096] = "";

	assert_int_equal(symptoms_check(path, NULL, 0, out), MIRA_PERSON);
	rewind(out);
	assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
	fclose(out);
	assert_says(text, "a.sym:4: refused: symptom bad: ");
	assert_says(text, "a.sym:6: refused: symptom worse: ");
	assert_says(text, "a.sym:8: slow: symptom lazy: ");
	assert_says(text,
		"6 symptoms, 6 patterns, 0 host names, 0 fingerprints: 2 refused, 1 slow\n");
}

/* ---- the symptoms that are installed ---- */

#define DEFAULTS "etc/symptoms.d"

static void defaults_can_be_used(void **state)
{
	FILE *out = fopen("/dev/null", "w");

	assert_int_equal(symptoms_check(DEFAULTS, NULL, 0, out), MIRA_OK);
	fclose(out);
}

static void defaults_know_protocols(void **state)
{
	static const struct {
		const char *payload;
		size_t size;
		int proto, sport, dport;
		const char *shows;
	} known[] = {
		PACKET("GET / HTTP/1.1\r\n", TCP, 1, 80, "http_request"),
		PACKET("HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n", TCP, 80, 1, "mp3_http"),
		PACKET("HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n", TCP, 80, 1,
			"http_download"),
		PACKET("ICY 200 OK\r\n", TCP, 8000, 1, "shoutcast"),
		PACKET("ID3\x03\x00\x00\x00\x00\x0f\x76", TCP, 9, 8, "mp3_id3"),
		PACKET("\x13"
		       "BitTorrent protocol\0\0\0\0\0\x10\0\5",
			TCP, 5, 6, "bittorrent"),
		PACKET("d1:ad2:id20:01234567890123456789e1:q4:ping1:t2:aa1:y1:qe", UDP, 5, 6,
			"bittorrent_dht"),
		PACKET("\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0abcd", UDP, 5, 6, "bittorrent_tracker"),
		PACKET("\xe3\x40\0\0\0\x01\x10"
		       "0123456789abcdef",
			TCP, 5, 4662, "edonkey"),
		PACKET("GNUTELLA CONNECT/0.6\r\n", TCP, 5, 6346, "gnutella"),
		PACKET("SSH-2.0-OpenSSH_9.2p1\r\n", TCP, 22, 5, "ssh"),
		PACKET("220 mail.example.org ESMTP Postfix\r\n", TCP, 25, 5, "smtp"),
		PACKET("* OK [CAPABILITY IMAP4rev1] ready\r\n", TCP, 143, 5, "imap"),
		PACKET("+OK Dovecot ready.\r\n", TCP, 110, 5, "pop3_answer"),
		PACKET("220 ProFTPD Server ready\r\n", TCP, 2121, 5, "ftp"),
		PACKET("220 (vsFTPd 3.0.3)\r\n", TCP, 21, 5, "ftp"),
		PACKET("\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1", UDP, 5, 53, "dns"),
		PACKET("INVITE sip:a@b SIP/2.0\r\nVia: x\r\n", UDP, 5060, 5, "sip"),
		PACKET("\0\1\0\0\x21\x12\xa4\x42"
		       "0123456789ab",
			UDP, 1, 2, "stun"),
		PACKET("RFB 003.008\n", TCP, 5900, 1, "vnc"),
		PACKET("\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", TCP, 1, 3389, "rdp"),
		PACKET("\0\0\0\x45\xfeSMB\x40\0\1\0", TCP, 1, 445, "smb2"),
		PACKET("*1\r\n$4\r\nPING\r\n", TCP, 1, 6379, "redis"),
		PACKET("\0\0\0\x29\0\x03\0\0user\0postgres\0", TCP, 1, 5432, "postgresql"),
		PACKET("\x4a\0\0\0\x0a"
		       "8.0.32\0\1\0\0\0",
			TCP, 3306, 1, "mysql"),
		PACKET("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n", TCP, 1, 3333,
			"stratum"),
		PACKET("\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", TCP, 1, 1883, "mqtt"),
		PACKET("\xff\xff\xff\xffTSource Engine Query\0", UDP, 1, 27015, "source_query"),
	};
	struct symptoms *symptoms = symptoms_load(DEFAULTS, NULL);

	assert_non_null(symptoms);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct symptom_hits hits = {.count = 0};
		symptoms_scan(symptoms, (const uint8_t *)known[i].payload, known[i].size,
			(uint8_t)known[i].proto, (uint16_t)known[i].sport, (uint16_t)known[i].dport,
			&hits);
		if (!shows(symptoms, &hits, known[i].shows))
			fail_msg("%s is not found", known[i].shows);
	}
	symptoms_free(symptoms);
}

/* Encrypted payload looks like chance. What it shows must be rare enough for a verdict to ask
 * for more than one packet only where the policy does: the symptoms named here. */
static void defaults_are_seldom_met_by_chance(void **state)
{
	static const char *const weak[] = {"rtp", "edonkey_udp", "emule_kad", "emule_udp",
		"mpeg_audio_frame"};
	struct symptoms *symptoms = symptoms_load(DEFAULTS, NULL);
	uint64_t chance = 0x9e3779b97f4a7c15;
	uint8_t payload[1200];
	unsigned found = 0;

	for (int packet = 0; packet < 100000; packet++) {
		struct symptom_hits hits = {.count = 0};
		for (size_t i = 0; i + 8 <= sizeof(payload); i += 8) { /* xorshift64 */
			chance ^= chance << 13;
			chance ^= chance >> 7;
			chance ^= chance << 17;
			memcpy(payload + i, &chance, 8);
		}
		symptoms_scan(symptoms, payload, packet % 2 ? sizeof(payload) : 100,
			packet % 4 < 2 ? TCP : UDP, 40000, 50000, &hits);
		found += hits.count;
		for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++)
			found -= shows(symptoms, &hits, weak[i]);
	}
	symptoms_free(symptoms);
	if (found > 10)
		fail_msg("%u symptoms in 100,000 packets of chance", found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_a_place),
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(a_name_in_two_files_names_both),
		cmocka_unit_test(patterns_stay_in_their_file),
		cmocka_unit_test(a_missing_folder_is_told),
		cmocka_unit_test(other_files_are_left_alone),
		cmocka_unit_test(finds_what_rules_say),
		cmocka_unit_test(finds_hosts_by_suffix),
		cmocka_unit_test(finds_fingerprints),
		cmocka_unit_test(counts_once_a_packet),
		cmocka_unit_test(too_many_are_counted),
		cmocka_unit_test(no_symptoms_is_a_warning),
		cmocka_unit_test(the_cache_is_used_and_mended),
		cmocka_unit_test(the_cache_knows_its_symptoms),
		cmocka_unit_test(an_unwritable_cache_is_told),
		cmocka_unit_test(check_names_refused_and_slow),
		cmocka_unit_test(defaults_can_be_used),
		cmocka_unit_test(defaults_know_protocols),
		cmocka_unit_test(defaults_are_seldom_met_by_chance),
	};

	log_open("test");
	return cmocka_run_group_tests(tests, tmp_setup, tmp_teardown);
}
