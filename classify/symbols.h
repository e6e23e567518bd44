/*
 * symbols.h: the symptom names that a condition may use: those of the symptom set and those of the fast lists.
 *
 * Of a file *.sym only lines "symptom NAME …" matter here (mira-symptoms(5)); preprocess compiles and checks the rest.
 */
#ifndef CLASSIFY_SYMBOLS_H
#define CLASSIFY_SYMBOLS_H

#include <sys/types.h>
#include "spool/names.h"
#include "spool/policy.h"

/* symbols_load(): the names of FOLDER/\*.sym and of the fast lists of POLICY, sorted, each once. 0, or an exit code after a message. */
int symbols_load(struct namelist *symbols, const char *folder, const struct policy *policy);
/* symbols_find(): index in the sorted list of the name of SIZE bytes, in any case of letters; -1 for none. */
ssize_t symbols_find(const struct namelist *symbols, const char *name, size_t size);

#endif
