/*
 * Fuzz target of spool/config.c, conf.c and policy.c: whatever stands in mira.conf or policy.conf, reading it ends, with a
 * message or with settings that can be used. The first byte chooses which of the two.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spool/config.h"
#include "spool/policy.h"

static void use_config(const char *path)
{
	struct config config;

	if (config_load(&config, path))
		return;
	if (config.stream_count == 0 || config.window_s == 0 || config.snaplen < 64 ||
		strlen(config.probe) == 0)
		abort();
	config_free(&config);
}

static void use_policy(const char *path)
{
	struct policy policy;

	if (policy_load(&policy, path) == 0)
		policy_free(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = memfd_create("config", MFD_CLOEXEC);
	char path[64];

	if (size == 0)
		return close(file);
	if (file < 0 || write(file, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	(data[0] & 1 ? use_config : use_policy)(path);
	close(file);
	return 0;
}
