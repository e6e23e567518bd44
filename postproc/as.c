/*
 * as.c: autonomous systems of addresses, from MaxMind's format and from pfx2as. Between the hosts of
 * the store and those who show traffic by network.
 */
#include "postproc/as.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "postproc/lpm.h"
#include "spool/log.h"

struct as_database {
	MMDB_s *mmdbs;
	size_t mmdb_count;
	struct lpm *prefixes;
};

/* ---- pfx2as ---- */

/* "192.0.2.0 24 64496_64497" */
static bool parse_line(const char *line, struct prefix *prefix, uint32_t *number)
{
	char address[48], text[64], origin[64], *end;
	unsigned long value;
	int bits;

	if (sscanf(line, "%47s %3d %63s", address, &bits, origin) != 3)
		return false;
	snprintf(text, sizeof(text), "%s/%d", address, bits);
	errno = 0;
	value = strtoul(origin, &end, 10);
	*number = (uint32_t)value;
	return origin[0] >= '0' && origin[0] <= '9' && !errno && value <= UINT32_MAX &&
	       strchr("_,", *end) && prefix_parse(text, prefix);
}

static int read_line(struct lpm *prefixes, const char *path, unsigned number, const char *line)
{
	struct prefix prefix;
	uint32_t as;

	line += strspn(line, " \t\r\n");
	if (!*line || *line == '#')
		return MIRA_OK;
	if (!parse_line(line, &prefix, &as)) {
		log_err("%s:%u: not of the form ADDRESS LENGTH AS, such as \"192.0.2.0 24 64496\"; is it"
			" a pfx2as file? (a database of MaxMind's has a name that ends in .mmdb)",
			path, number);
		return MIRA_PERSON;
	}
	lpm_add(prefixes, &prefix, as);
	return MIRA_OK;
}

/* gzgets() reads plain files as they are. */
static int read_pfx2as(struct as_database *database, const char *path)
{
	gzFile file = gzopen(path, "r");
	int code = MIRA_OK, error = 0;
	char line[4096];

	if (!file) {
		log_err("cannot read %s: %m; name a pfx2as file or a .mmdb database", path);
		return MIRA_PERSON;
	}
	for (unsigned number = 1; !code && gzgets(file, line, sizeof(line)); number++)
		code = read_line(database->prefixes, path, number, line);
	if (!code && (gzerror(file, &error), error < 0)) {
		log_err("cannot read %s to its end: %s; fetch it anew", path,
			gzerror(file, &error));
		code = MIRA_PERSON;
	}
	gzclose(file);
	return code;
}

/* ---- MaxMind's format ---- */

static int open_mmdb(struct as_database *database, const char *path)
{
	int error = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdbs[database->mmdb_count]);

	if (error != MMDB_SUCCESS) {
		log_err("cannot read %s: %s; name a database of autonomous systems such as"
			" GeoLite2-ASN.mmdb, or a pfx2as file",
			path, MMDB_strerror(error));
		return MIRA_PERSON;
	}
	database->mmdb_count++;
	return MIRA_OK;
}

static uint32_t number_of(const MMDB_entry_data_s *data)
{
	if (!data->has_data)
		return 0;
	switch (data->type) {
	case MMDB_DATA_TYPE_UINT16: return data->uint16;
	case MMDB_DATA_TYPE_UINT32: return data->uint32;
	default: return 0;
	}
}

static bool find_mmdb(const MMDB_s *mmdb, const char *address, struct as *as)
{
	int no_address, error;
	MMDB_lookup_result_s found = MMDB_lookup_string(mmdb, address, &no_address, &error);
	MMDB_entry_data_s data;

	if (no_address || error != MMDB_SUCCESS || !found.found_entry ||
		MMDB_get_value(&found.entry, &data, "autonomous_system_number", NULL) !=
			MMDB_SUCCESS)
		return false;
	as->number = number_of(&data);
	if (MMDB_get_value(&found.entry, &data, "autonomous_system_organization", NULL) ==
			MMDB_SUCCESS &&
		data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING)
		snprintf(as->name, AS_NAME, "%.*s", (int)data.data_size, data.utf8_string);
	return as->number != 0;
}

/* ---- both ---- */

static bool is_mmdb(const char *path)
{
	size_t length = strlen(path);

	return length >= 5 && !strcasecmp(path + length - 5, ".mmdb");
}

struct as_database *as_open(const char *const *paths, size_t count, int *code)
{
	struct as_database *database = x_calloc(1, sizeof(*database));

	database->prefixes = lpm_new();
	database->mmdbs = x_calloc(count, sizeof(*database->mmdbs));
	*code = MIRA_OK;
	for (size_t i = 0; i < count && !*code; i++)
		*code = is_mmdb(paths[i]) ? open_mmdb(database, paths[i])
					  : read_pfx2as(database, paths[i]);
	lpm_build(database->prefixes);
	if (!*code)
		return database;
	as_close(database);
	return NULL;
}

void as_close(struct as_database *database)
{
	if (!database)
		return;
	for (size_t i = 0; i < database->mmdb_count; i++)
		MMDB_close(&database->mmdbs[i]);
	free(database->mmdbs);
	lpm_free(database->prefixes);
	free(database);
}

bool as_find(const struct as_database *database, const char *address, struct as *as)
{
	struct prefix host;

	*as = (struct as){0};
	if (!prefix_parse(address, &host) || strchr(address, '/'))
		return false;
	for (size_t i = 0; i < database->mmdb_count; i++)
		if (find_mmdb(&database->mmdbs[i], address, as))
			return true;
	as->number = lpm_find(database->prefixes, host.address, host.version);
	return as->number != 0;
}
