/*
 * program.h: another program, run to its end: a browser, sendmail. No shell is between.
 *
 *	const char *const argv[] = {"sendmail", "-i", "--", "a@example.org", NULL};
 *
 *	if (program_run(argv, input, false)) …	errno: ENOENT: there is none; EIO: it failed
 */
#ifndef POSTPROC_PROGRAM_H
#define POSTPROC_PROGRAM_H

#include <stdbool.h>

/*
 * program_run(): ARGV[0] is looked for in $PATH, /usr/sbin and /usr/lib. INPUT becomes its standard
 * input, -1: none. Its standard output is dropped; QUIET: its messages too. 0 when it exits with 0.
 */
int program_run(const char *const *argv, int input, bool quiet);

#endif
