/*
 * reload.c: what of a changed mira.conf a running process may take over, and what has to wait. Of
 * every stage; what a stage makes of the new configuration is its own (stage.h, capture/renewal.h).
 */
#include "spool/reload.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "spool/log.h"

static volatile sig_atomic_t asked;

static void ask(int number)
{
	asked = 1;
}

void reload_catch(void)
{
	struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART}, before;

	if (isatty(STDIN_FILENO) || sigaction(SIGHUP, NULL, &before) < 0 ||
		before.sa_handler == SIG_IGN)
		return;
	sigemptyset(&action.sa_mask);
	sigaction(SIGHUP, &action, NULL);
}

bool reload_asked(void)
{
	bool was = asked;

	asked = 0;
	return was;
}

/* ---- what is looked at only once ---- */

enum kind { BYTES, TEXT, POINTER, STREAMS };

static const struct fixed {
	const char *stage, *setting; /* stage "": all */
	enum kind kind;
	size_t offset, size;
} fixed[] = {
#define FIXED(stage, member, kind)                                                                 \
	{                                                                                          \
		stage, #member, kind, offsetof(struct config, member),                             \
			sizeof(((struct config *)NULL)->member)                                    \
	}
	FIXED("capture", probe, POINTER),
	FIXED("capture", streams, STREAMS),
	FIXED("capture", snaplen, BYTES),
	FIXED("capture", sampling, BYTES),
	FIXED("capture", share, POINTER),
	FIXED("capture", ring_bytes, BYTES),
	FIXED("capture", user, POINTER),
	FIXED("capture", period_s, BYTES),
	FIXED("capture", segment_bytes, BYTES),
	FIXED("capture", batch_segments, BYTES),
	FIXED("capture", max_batches, BYTES),
	FIXED("capture", min_free, BYTES),
	FIXED("preprocess", max_flows, BYTES),
	FIXED("store", store, TEXT),
	FIXED("packetlog", packet_log, POINTER),
	FIXED("", sandbox, POINTER),
	FIXED("", memory_limit, BYTES),
};

static bool same_streams(const struct config *a, const struct config *b)
{
	bool same = a->stream_count == b->stream_count;

	for (size_t i = 0; i < a->stream_count && same; i++)
		same = strcmp(a->streams[i].name, b->streams[i].name) == 0 &&
		       strcmp(a->streams[i].filter, b->streams[i].filter) == 0 &&
		       a->streams[i].snaplen == b->streams[i].snaplen;
	return same;
}

static bool same(const struct fixed *row, const struct config *a, const struct config *b)
{
	const char *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;

	switch (row->kind) {
	case TEXT: return strcmp(x, y) == 0;
	case POINTER:
		return strcmp(*(char *const *)(const void *)x, *(char *const *)(const void *)y) ==
		       0;
	case STREAMS: return same_streams(a, b);
	default: return memcmp(x, y, row->size) == 0;
	}
}

static void name_what_waits(const struct config *fresh, const struct config *current,
	const char *stage)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		if ((!*fixed[i].stage || strcmp(fixed[i].stage, stage) == 0) &&
			!same(&fixed[i], fresh, current))
			log_warn("%s: \"%s\" has changed, which takes effect when mira-%s is "
				 "started again",
				fresh->file, fixed[i].setting, stage);
}

int reload_config(struct config *fresh, const struct config *current, const struct spool *spool,
	const char *path, const char *stage)
{
	int code = config_load(fresh, path);

	if (code)
		return code;
	code = spool_compare(spool, fresh);
	if (code)
		config_free(fresh);
	else
		name_what_waits(fresh, current, stage);
	return code;
}
