/*
 * mira-import-rules.c: rules of Snort and Suricata become symptoms, as far as they can be said in
 * MIRA's terms. Manual page: mira-import-rules(1).
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "preprocess/import.h"
#include "spool/log.h"
#include "spool/nfs.h"

static const char help[] =
	"usage: mira import-rules --out FILE.sym [OPTION…] RULES…\n\n"
	"Writes rules of Snort and Suricata as symptoms, and lists those that are left out, with the "
	"reason.\n\n"
	"  --out FILE         the symptom file to write, in a folder symptoms.d\n"
	"  --policy FILE      write a class of policy.conf for each classtype\n"
	"  --vars FILE        a snort.conf or suricata.yaml with variables such as HOME_NET\n"
	"  --set NAME=VALUE   set a variable; goes before those of files\n"
	"  --help, --version\n";

struct names {
	const char *out, *policy;
};

static char *read_all(const char *path)
{
	size_t size = 0;
	char *text = nfs_read_file(path, &size);

	if (!text)
		die(MIRA_PERSON, "cannot read %s: %s; name a file of rules or variables", path,
			strerror(errno));
	if (strlen(text) != size)
		die(MIRA_PERSON, "%s holds a zero byte at %zu: it is no text file", path,
			strlen(text));
	return text;
}

static void set(struct import *import, const char *text)
{
	const char *equal = strchr(text, '=');
	char *name;

	if (!equal || equal == text)
		die(MIRA_PERSON,
			"--set %s: NAME=VALUE is expected, as in --set HOME_NET=10.0.0.0/8", text);
	name = x_sprintf("%.*s", (int)(equal - text), text);
	import_set(import, name, equal + 1);
	free(name);
}

static void read_vars(struct import *import, const char *path)
{
	char *text = read_all(path);

	import_vars(import, text);
	free(text);
}

/* read_options(): variables that are set on the command line go before those of files, so files
 * are read in a second pass. */
static void read_options(struct import *import, int argc, char **argv, struct names *names)
{
	static const struct option options[] = {{"out", required_argument, NULL, 'o'},
		{"policy", required_argument, NULL, 'p'}, {"vars", required_argument, NULL, 'v'},
		{"set", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	int option;

	for (int pass = 0; pass < 2; pass++) {
		optind = 1;
		while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
			if (option == 'h' || option == 'V') {
				printf(option == 'h' ? "%s" : "mira-import-rules %s\n",
					option == 'h' ? help : MIRA_VERSION);
				exit(MIRA_OK);
			} else if (option == 'o')
				names->out = optarg;
			else if (option == 'p')
				names->policy = optarg;
			else if (option == 's' && !pass)
				set(import, optarg);
			else if (option == 'v' && pass)
				read_vars(import, optarg);
			else if (option == '?')
				exit(MIRA_PERSON);
		}
	}
}

static void write_to(const struct import *import, const char *path,
	void (*write)(const struct import *import, FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die(MIRA_AGAIN, "no memory to import rules");
	write(import, out);
	fclose(out);
	if (nfs_write_file(path, text, size))
		die(MIRA_AGAIN, "cannot write %s: %s", path, strerror(errno));
	free(text);
}

static void read_rules(struct import *import, const char *path)
{
	char *text = read_all(path);

	import_rules(import, path, text);
	free(text);
}

int main(int argc, char **argv)
{
	struct import *import = import_new();
	struct names names = {0};
	size_t kept;

	log_open("mira-import-rules");
	read_options(import, argc, argv, &names);
	if (!names.out || optind == argc)
		die(MIRA_PERSON, "%s; see mira-import-rules --help",
			names.out ? "name at least one file of rules" : "--out FILE is missing");
	for (int i = optind; i < argc; i++)
		read_rules(import, argv[i]);
	import_list(import, stdout);
	kept = import->kept;
	printf("%zu rules: %zu imported, %zu left out\n", import->count, kept,
		import->count - kept);
	if (kept) {
		write_to(import, names.out, import_write_symptoms);
		if (names.policy)
			write_to(import, names.policy, import_write_policy);
	} else {
		log_err("no rule was imported; %s is not written", names.out);
	}
	import_free(import);
	return kept ? MIRA_OK : MIRA_PERSON;
}
