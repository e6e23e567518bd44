/*
 * checker.h: `mira check`, executed at the wish of a capture. A capture that reads traces may not execute anything once
 * its sandbox is entered, so a process that was made before waits for the wish, and knows no other.
 *
 *	checker_new()		before the sandbox and the first thread
 *	    checker_run()	any number of times, from one thread at a time
 *	checker_stop()		from another thread: ends what runs; no further run passes
 *	checker_free()
 */
#ifndef CAPTURE_CHECKER_H
#define CAPTURE_CHECKER_H

#include <stdbool.h>

struct checker;

/* checker_new(): CONFIG: of --config, "" for none. APART: by a process of its own; NULL with errno when there is none. */
struct checker *checker_new(const char *config, bool apart);
/* checker_run(): is the configuration fine? The check has said what is not. */
bool checker_run(struct checker *checker);
void checker_stop(struct checker *checker);
void checker_free(struct checker *checker);

#endif
