/*
 * options.h: the command line of mira-capture, as mira-capture(8) says.
 */
#ifndef CAPTURE_OPTIONS_H
#define CAPTURE_OPTIONS_H

#include "capture/capture.h"

/* options_parse(): fills CAPTURE, its configuration included. 0; an exit code after a message;
 * -1: --help or --version was answered. */
int options_parse(struct capture *capture, int argc, char **argv);
void options_free(struct capture *capture);

#endif
