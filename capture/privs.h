/*
 * privs.h: root is needed to open an interface, and for nothing after that.
 */
#ifndef CAPTURE_PRIVS_H
#define CAPTURE_PRIVS_H

#include "spool/config.h"
#include "spool/spool.h"

/*
 * privs_drop(): becomes config->user with no capability left, when this process is root; a process
 * of another user gives up the capabilities it was started with. Before,
 * the folders of the spool in which a capture works are given to that user where they are root's. 0
 * or an exit code after a message: no such user; a folder that the user cannot write. The working
 * folder is then the spool, whose root becomes "." where the user cannot reach it from outside.
 */
int privs_drop(struct spool *spool, const struct config *config);

#endif
