/*
 * check.h: mira-preprocess without a spool: are the symptoms fine?
 *
 *	mira-preprocess --check [--cost FILE] [--config FILE]	says what symptoms cost, over a sample or the capture FILE, and
 *							which pattern is refused or slow; exit code 2 for a refused one
 *	mira-preprocess --warm [--config FILE]		compiles them into $MIRA_CACHE, so that preprocessors start at once
 */
#ifndef PREPROCESS_CHECK_H
#define PREPROCESS_CHECK_H

/* The lines about both for --help. */
extern const char check_help[];
/* check_main(): argv[1] is --check or --warm. Returns an exit code. */
int check_main(int argc, char **argv);

#endif
