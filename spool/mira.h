/*
 * mira.h: the commands of the front end. Each takes the arguments after its name and returns an exit code of
 * enum mira_exit. Manual page: mira(1).
 */
#ifndef SPOOL_MIRA_H
#define SPOOL_MIRA_H

#include <stdbool.h>
#include <stddef.h>

int mira_run(int argc, char **argv);
int mira_balance(int argc, char **argv);
int mira_dump(int argc, char **argv);
int mira_check(int argc, char **argv);
int mira_requeue(int argc, char **argv);
int mira_status(int argc, char **argv);
int mira_plan(int argc, char **argv);

/* mira_balance_spool(): of what is on the way through the spool at ROOT. */
int mira_balance_spool(const char *root);
/* mira_check_rules(): has the stages check the policy and symptoms of the configuration at PATH; THOROUGH tells of slow
 * patterns, too, otherwise the compiled symptoms are left in $MIRA_CACHE. */
int mira_check_rules(const char *config_path, bool thorough);

/* mira_sibling(): the path of executable mira-NAME: beside this one, or found in $PATH. OUT holds PATH_MAX. */
void mira_sibling(const char *name, char *out);

#endif
