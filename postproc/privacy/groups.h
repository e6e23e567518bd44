/*
 * groups.h: which groups of hosts may be shown by themselves at the level of privacy in force. Those of
 * too few hosts may not; and so that nobody learns theirs as what is missing from a total, all that
 * are hidden have together as many hosts as a group must have: the next smallest ones are hidden too.
 */
#ifndef POSTPROC_GROUPS_H
#define POSTPROC_GROUPS_H

#include <stddef.h>

#include "postproc/privacy/privacy.h"

/* groups_hide(): COUNT groups of so many HOSTS each; sets HIDDEN of those that may not be shown. */
void groups_hide(const struct privacy *privacy, const uint64_t *hosts, size_t count, bool *hidden);

#endif
