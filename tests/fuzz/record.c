/*
 * Fuzz target of spool/record_read.c: whatever the bytes are, reading them ends, with records or a reason.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined … tests/fuzz/record.c spool/record*.c …
 *	./record -max_len=65536 CORPUS      a corpus: files that the unit tests write
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spool/intern.h"
#include "spool/record.h"

/* Touches what a stage would touch: texts by id, symptoms by index. */
static void use(const union record *record, int type)
{
	const struct symptom_count *symptoms =
		type == RECORD_FLOW ? record->flow.symptoms : record->biflow.symptoms;
	size_t count =
		type == RECORD_FLOW ? record->flow.symptom_count : record->biflow.symptom_count;

	if (type == RECORD_LEDGER)
		return;
	for (size_t i = 0; i < count; i++)
		if (symptoms[i].name >= intern_count())
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("record", MFD_CLOEXEC), type;
	struct record_reader *reader;
	union record record;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || !(reader = record_open(path)))
		abort();
	while ((type = record_next(reader, &record)) > 0)
		use(&record, type);
	if (type == -2 && !*record_why())
		abort();
	record_close(reader);
	close(fd);
	return 0;
}
