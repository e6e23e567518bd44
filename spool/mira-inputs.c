/* mira-inputs.c: the FILEs of one audit, before the capture opens them. */
#include "spool/mira-inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "spool/log.h"
#include "spool/rules.h"
#include "spool/traceid.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A file's name is bytes, a JSON string is UTF-8. */
static json_t *name_json(const char *name)
{
	json_t *text = json_string(name);
	char *escaped, *out;

	if (text)
		return text;
	escaped = out = x_calloc(strlen(name) + 1, 4);
	for (; *name; name++)
		out += sprintf(out, *name & 0x80 ? "\\x%02x" : "%c", (unsigned char)*name);
	text = json_string(escaped);
	free(escaped);
	return text;
}

static json_t *add(struct inputs *inputs, const char *kind, const char *name, const char *run)
{
	json_t *input = json_object();

	json_object_set_new(input, kind, name_json(name));
	json_object_set_new(input, "stream", name_json(base_name(name)));
	if (run)
		json_object_set_new(input, "run", json_string(run));
	json_array_append_new(inputs->list, input);
	return input;
}

static void add_once(struct inputs *inputs, const char *kind, const char *name)
{
	char run[RUN_HEX + 1];

	trace_id_random(run);
	json_object_set_new(add(inputs, kind, name, run), "once", json_true());
}

static const json_t *find(const struct inputs *inputs, const char *key, const char *value)
{
	const char *text;
	json_t *input;
	size_t i;

	json_array_foreach(inputs->list, i, input) {
		text = json_string_value(json_object_get(input, key));
		if (text && !strcmp(text, value))
			return input;
	}
	return NULL;
}

bool inputs_have(const struct inputs *inputs, const char *run)
{
	return find(inputs, "run", run);
}

static int twice(const json_t *first, const char *file)
{
	log_err("%s and %s are the same capture; name it once, or its packets would count twice",
		json_string_value(json_object_get(first, "file")), file);
	return MIRA_PERSON;
}

/* The others can still be audited. */
static int unreadable(struct inputs *inputs, const char *file)
{
	log_err("cannot read %s: %m; name a capture file that this user may read", file);
	json_object_set_new(add(inputs, "file", file, NULL), "unreadable", json_true());
	inputs->code = MIRA_PERSON;
	return MIRA_OK;
}

static int add_regular(struct inputs *inputs, char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), error;
	char run[RUN_HEX + 1];
	const json_t *same;
	bool failed = fd < 0 || trace_id(fd, run);

	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (failed)
		return unreadable(inputs, file);
	same = find(inputs, "run", run);
	if (same)
		return twice(same, file);
	add(inputs, "file", file, run);
	inputs->once = false;
	inputs->files[inputs->file_count++] = file;
	return MIRA_OK;
}

/* A pipe is not opened: who writes into it would see us go away. */
static int add_file(struct inputs *inputs, char *file)
{
	struct stat status;
	bool standard_input = !strcmp(file, "-");
	const json_t *same;

	if (!standard_input && stat(file, &status))
		return unreadable(inputs, file);
	if (!standard_input && S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return unreadable(inputs, file);
	}
	if (!standard_input && S_ISREG(status.st_mode))
		return add_regular(inputs, file);
	same = find(inputs, "file", file);
	if (same)
		return twice(same, file);
	add_once(inputs, "file", file);
	inputs->files[inputs->file_count++] = file;
	return MIRA_OK;
}

int inputs_describe(struct inputs *inputs, char **files, int count, const char *interface)
{
	int code = MIRA_OK;

	memset(inputs, 0, sizeof(*inputs));
	inputs->list = json_array();
	inputs->files = x_calloc((size_t)count, sizeof(*files));
	inputs->once = true;
	for (int i = 0; i < count && !code; i++)
		code = add_file(inputs, files[i]);
	if (interface)
		add_once(inputs, "interface", interface);
	return code || interface || inputs->file_count ? code : MIRA_PERSON;
}

/* XXH3 of COUNT texts, each with its end. */
static void hash_texts(const char *const *texts, size_t count, char hex[33])
{
	XXH3_state_t *hash = XXH3_createState();
	XXH128_canonical_t digest;

	XXH3_128bits_reset(hash);
	for (size_t i = 0; i < count; i++)
		XXH3_128bits_update(hash, texts[i], strlen(texts[i]) + 1);
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(hash));
	for (int byte = 0; byte < 16; byte++)
		snprintf(hex + 2 * byte, 3, "%02x", digest.digest[byte]);
	XXH3_freeState(hash);
}

/* The key: everything that decides the answer; of a file its content and what its stream is named
 * after, not its folder. */
int inputs_key(const struct inputs *inputs, const struct config *config,
	const struct run_options *options, char key[33])
{
	char rules[33], cut[64];
	const char **texts;
	json_t *input;
	size_t i, count = 0;

	if (rules_hash(config, rules))
		return MIRA_PERSON;
	snprintf(cut, sizeof(cut), "%llu %.9g",
		(unsigned long long)(options->segment_bytes ? options->segment_bytes
							    : config->segment_bytes),
		options->period_s > 0 ? options->period_s : config->period_s);
	texts = x_calloc(2 * json_array_size(inputs->list) + 2, sizeof(*texts));
	json_array_foreach(inputs->list, i, input) {
		const char *run = json_string_value(json_object_get(input, "run"));

		texts[count++] = run ? run : "";
		texts[count++] = json_string_value(json_object_get(input, "stream"));
	}
	texts[count++] = rules;
	texts[count++] = cut;
	hash_texts(texts, count, key);
	free(texts);
	return MIRA_OK;
}

void inputs_free(struct inputs *inputs)
{
	json_decref(inputs->list);
	free(inputs->files);
}
