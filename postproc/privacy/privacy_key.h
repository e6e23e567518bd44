/*
 * privacy_key.h: the master key of pseudonyms: a file of 64 hexadecimal digits for its owner alone.
 * Who has it can tell whose pseudonym is whose; who lost it cannot any more, nor can what was sealed
 * be opened.
 */
#ifndef POSTPROC_PRIVACY_KEY_H
#define POSTPROC_PRIVACY_KEY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "postproc/privacy/pseudonym.h"
#include "spool/config.h"

/* privacy_key_path(): the file that SETTINGS name, or mira.key beside the store DB. */
const char *privacy_key_path(const struct config_privacy *settings, const char *db,
	char out[PATH_MAX]);
/*
 * privacy_key_read(): MAKE: it is made, mode 0600, when there is none. -1 after having logged why:
 * it cannot be read or made, others than its owner may read it, it is no key.
 */
int privacy_key_read(const char *path, bool make, uint8_t master[PSEUDONYM_MASTER]);

#endif
