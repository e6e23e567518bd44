/*
 * charge_page.h: invoices for people: a page (HTML, a sheet of paper for each customer and one for the
 * balance), a table for a terminal and one as CSV. All show what charge_json() made, with the cover of
 * job.h.
 */
#ifndef POSTPROC_CHARGE_PAGE_H
#define POSTPROC_CHARGE_PAGE_H

#include <jansson.h>
#include <stdio.h>

void charge_page(const json_t *found, FILE *out);
void charge_text(const json_t *found, FILE *out);
void charge_csv(const json_t *found, FILE *out);

#endif
