/*
 * mira-options.h: the command line of `mira run`. All of it is checked before anything is made, so
 * that a mistake leaves no trace.
 */
#ifndef SPOOL_MIRA_OPTIONS_H
#define SPOOL_MIRA_OPTIONS_H

#include <stdint.h>

#define MAX_PREPROCESSORS 64

/* Texts are those of argv, NULL where not given. */
struct run_options {
	const char *out, *spool, *config, *interface, *duration, *segment_size, *period;
	uint64_t preprocessors;
	uint64_t segment_bytes; /* 0: as configured */
	double period_s;	/* 0: as configured */
	char **files;
	int file_count;
};

/* run_options_parse(): 0; -1: --help was answered; or an exit code after a message. */
int run_options_parse(struct run_options *options, int argc, char **argv);

#endif
