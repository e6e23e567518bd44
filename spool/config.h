/*
 * config.h: mira.conf, read with libconfig. Manual page: mira.conf(5). Every setting has a default;
 * an unknown key or a bad value is refused with file, line and what is allowed.
 */
#ifndef SPOOL_CONFIG_H
#define SPOOL_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/share.h"

/* streams = ( { name = "web"; filter = "tcp port 80"; snaplen = 262144; } ) */
struct config_stream {
	char *name, *filter;
	uint32_t snaplen;
	bool headers; /* what lies behind the transport header is not stored (capture/headers.h) */
};

/* A prefix: the first BITS of ADDRESS; version 4 (first 4 bytes used) or 6. */
struct prefix {
	uint8_t address[16];
	uint8_t version, bits;
};
/* prefix_parse(): "10.0.0.0/8", "2001:db8::/32", or an address alone. Host bits set: false. */
bool prefix_parse(const char *text, struct prefix *prefix);
/* prefix_holds(): does ADDRESS (4 or 16 bytes, of VERSION) lie in PREFIX? */
bool prefix_holds(const struct prefix *prefix, const uint8_t *address, uint8_t version);

/* A virtual circuit of ATM, "VPI/VCI" */
struct circuit {
	uint16_t vpi, vci;
};

/*
 * aggregates = ( { name = "campus"; prefixes = [ "10.0.0.0/8" ]; vlans = [ 10 ];
 *                  circuits = [ "0/100" ]; } )
 */
struct config_aggregate {
	char *name;
	struct prefix *prefixes;
	size_t prefix_count;
	uint32_t *vlans;
	size_t vlan_count;
	struct circuit *circuits;
	size_t circuit_count;
};

/* What is shown of hosts (postproc/privacy/privacy.h), least first; how long a pseudonym stays the same. */
enum privacy_level { PRIVACY_GROUP, PRIVACY_PSEUDONYM, PRIVACY_ADDRESS };
enum privacy_names { PRIVACY_NAMES_WITHHOLD, PRIVACY_NAMES_SERVICES };
enum privacy_rotate { ROTATE_NONE, ROTATE_DAY, ROTATE_WEEK, ROTATE_MONTH, ROTATE_YEAR };

/* privacy = { level = "pseudonym"; … }: config_privacy.c */
struct config_privacy {
	enum privacy_level level;   /* PRIVACY_PSEUDONYM */
	enum privacy_rotate rotate; /* ROTATE_MONTH */
	enum privacy_names names;   /* PRIVACY_NAMES_SERVICES */
	uint32_t group_min;	    /* hosts of the smallest group that is shown, 10 */
	char key[PATH_MAX];	    /* file of the master key; "": mira.key beside mira.db */
	char **domains;		    /* whose names are machines of the network itself */
	size_t domain_count;
	/* Retention in days, 0 for ever; none is longer than the next. */
	uint32_t keep_biflows_days, keep_addresses_days; /* 90, 90 */
	uint32_t keep_hosts_days, keep_totals_days;	 /* 400, 0 */
};

struct conf;
struct config_setting_t;
/* config_privacy_read(): the group SETTING of CONF into the privacy of a struct config. */
bool config_privacy_read(struct conf *conf, struct config_setting_t *setting, void *config);
void config_privacy_defaults(struct config_privacy *privacy);
void config_privacy_free(struct config_privacy *privacy);

enum sandbox_mode { SANDBOX_OFF, SANDBOX_BEST_EFFORT, SANDBOX_REQUIRED };

struct config {
	char file[PATH_MAX];	       /* where it was read from, "" for the defaults */
	char *network;		       /* name of the network, for the report; "" */
	char *probe;		       /* name of this capture; default the host's name */
	bool probe_named;	       /* it was set; else traces have probe "trace" */
	struct config_stream *streams; /* default: one, "all", filter "" */
	size_t stream_count;
	uint64_t segment_bytes;	 /* 67108864 */
	double period_s;	 /* aggregation period of a batch, 5 */
	uint32_t batch_segments; /* 8 */
	uint32_t snaplen;	 /* 262144 */
	uint32_t ring_bytes;	 /* capture buffer of a live interface, 67108864 */
	char *user;		 /* to become after opening an interface, "nobody" */
	double sampling;	 /* share of packets of a live interface that is written, 1.0 */
	char *share;		 /* "k/n": which part of a divided link is captured; "" for all */
	struct share part;	 /* the same */
	uint32_t window_s, lateness_s, max_delay_s; /* 300, 60, 600 */
	uint32_t shards;			    /* 1 */
	uint64_t max_batches; /* pressure: batches a reader may be behind, 1000 */
	double min_free;      /* pressure: share of the file system the capture leaves free, 0.10 */
	uint32_t max_skew_s;  /* 60 */
	uint32_t max_flows;   /* of a batch in preprocess, 4194304 */
	char *host_names;     /* "keep", or "withhold": they are not stored in flows */
	bool withhold_names;  /* the latter */
	char *sandbox;	      /* "best-effort", "required" or "off" (sandbox.h) */
	enum sandbox_mode sandbox_mode; /* the same */
	uint64_t memory_limit;		/* bytes of a stage; 0: sandbox.c chooses */
	uint32_t segment_cpu_s;		/* of a stage, for each 64 MiB of a segment, 120 */
	uint32_t bad_days;		/* retention of bad/, 30 */
	uint32_t bad_batches;		/* and the most it keeps, 1000 */
	struct config_aggregate *aggregates;
	size_t aggregate_count;
	char policy[PATH_MAX], symptoms[PATH_MAX]; /* resolved against the file's folder:
						      policy.conf, symptoms.d */
	char store[PATH_MAX];			   /* mira.db of mira-store, "" until named */
	uint32_t top_hosts;			   /* rows of the top tables in the report, 20 */
	char *packet_log; /* classes, verdicts and rules whose packets mira-packetlog keeps, "" */
	uint32_t packet_log_days, packet_log_snaplen; /* 30, 262144 */
	char *timezone;				      /* of reports, "" for that of the system */
	char *report_purpose, *report_legal_basis, *report_recipients; /* its cover; "" */
	char report_contested[PATH_MAX]; /* what is contested; "" for no such file */
	char *report_mail; /* addresses with commas between, "" for none */
	char *report_url;  /* where readers find the archive of reports; "" */
	struct config_privacy privacy;
};

/* config_find(): the file to read: NAMED when not NULL, $MIRA_CONFIG, etc/mira.conf beside the
 * build the executable runs from, then MIRA_ETC/mira.conf. OUT holds PATH_MAX; "" when there is
 * none (defaults then). */
void config_find(const char *named, char *out);
/* config_load(): defaults, then PATH ("" for defaults alone: policy and symptoms are then those of
 * MIRA_ETC). CONFIG may be uninitialised. 0, or an exit code after having logged file, line and
 * reason (nothing to free then). */
int config_load(struct config *config, const char *path);
void config_free(struct config *config);

#endif
