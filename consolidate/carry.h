/*
 * carry.h: what later windows must know of biflows that live on: who began, and which symptoms were seen.
 *
 * A symptom often shows in the first packets of a connection only, which may last for hours; and who began is known from its
 * first packet. So each closed window leaves for every key: the orientation, the host name, symptom counts so far. Entries idle
 * for more than CARRY_WINDOWS are no longer valid; beyond LIMIT entries those of the oldest windows are shed, and counted.
 * Both depend on the windows alone, never on how commits were cut.
 *
 * carry.bin, version 1; numbers little-endian, texts as indices into the names:
 *
 *   0   "MIRACARY"
 *   8   u32 version   u32 names   u64 entries
 *   24  names times:    u16 length, bytes            (index 0 is the empty text and not listed)
 *       entries times:  u8 IP version (4, 6)   u8 proto   u8 turned   u8 zero
 *                       u16 sport   u16 dport   u64 last_ms   u32 host name   u32 symptoms
 *                       src, dst (4 or 16 bytes each)
 *                       symptoms times: u32 name, u64 packets
 */
#ifndef CONSOLIDATE_CARRY_H
#define CONSOLIDATE_CARRY_H

#include "spool/record.h"

#define CARRY_WINDOWS 12
#define CARRY_LIMIT   1000000

struct carried {
	struct flowkey key; /* canonical (window.h) */
	uint64_t last_ms;   /* latest window with it */
	uint32_t host_name; /* intern id */
	uint32_t symptoms;  /* first node, 0: none */
	bool turned;	    /* src of the biflow is the higher end */
};

struct carried_symptom {
	uint64_t packets; /* both directions, all windows so far */
	uint32_t name, next;
};

struct carry;
struct carry_slot;

struct carry *carry_new(uint64_t window_ms, size_t limit);
void carry_free(struct carry *carry);
size_t carry_count(const struct carry *carry);
uint64_t carry_shed(const struct carry *carry); /* entries shed since carry_new() */

/* carry_begin_window(): COUNT entries of one window come now, each once, by key. Of more than the limit the first are those that would be shed at its
 * end: carry_put() skips them. */
void carry_begin_window(struct carry *carry, size_t count);
/* carry_fetch(): KEY will be looked for: its slot is fetched from memory. */
void carry_fetch(const struct carry *carry, const struct flowkey *key);
/* carry_slot(): the place of KEY, or the free one where it would go. Valid until carry_put(). */
struct carry_slot *carry_slot(const struct carry *carry, const struct flowkey *key);
/* carry_find(): what window WINDOW_MS knows of the key of SLOT; NULL: nothing. Valid as the slot is. */
struct carried *carry_find(const struct carry *carry, const struct carry_slot *slot,
	uint64_t window_ms);
/* carry_put(): the same, made of KEY when absent; NULL: skipped. */
struct carried *carry_put(struct carry *carry, struct carry_slot *slot, const struct flowkey *key,
	uint64_t window_ms);
const struct carried_symptom *carry_symptom(const struct carry *carry, uint32_t index);
void carry_add_symptom(struct carry *carry, struct carried *carried, uint32_t name,
	uint64_t packets);
/* carry_end_window(): all entries of WINDOW_MS are in; keeps the limit. */
void carry_end_window(struct carry *carry, uint64_t window_ms);

/* carry_write(): FOLDER/carry.bin with what is valid for windows from BELOW_MS on. -1 with errno. */
int carry_write(struct carry *carry, const char *folder, uint64_t below_ms);
/* carry_read(): into an empty CARRY. 0, -1 with errno, -2 with WHY (256 bytes). */
int carry_read(struct carry *carry, const char *folder, char *why);

#endif
