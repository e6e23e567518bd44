/*
 * matrix.h: who sent how much to whom, by names: a traffic matrix with few enough rows to be read.
 *
 *	matrix = matrix_new();
 *	matrix_add(matrix, from, to, packets, octets); …	names are ids of intern.h
 *	json_t *found = matrix_json(matrix, 10, intern("(unknown)"), hidden);
 *	matrix_free(matrix);
 */
#ifndef POSTPROC_MATRIX_H
#define POSTPROC_MATRIX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name of all that are left out; in parentheses, as no name of the network is. */
#define MATRIX_OTHERS "(others)"

struct matrix;

struct matrix *matrix_new(void);
void matrix_free(struct matrix *matrix);
void matrix_add(struct matrix *matrix, uint32_t from, uint32_t to, uint64_t packets,
	uint64_t octets);

/*
 * matrix_json(): { names: [ { name, sent_octets, received_octets } ], cells: [ { from, to, packets,
 * octets, share_octets } ], total: { packets, octets } }. The MOST names with most octets (0: all)
 * in this order, then the name KEPT, however little it has, then the rest as others. Cells are those
 * that are not empty, with most octets first; they add up to the total. HIDDEN, by id of a name: what is
 * always one of the others. What MATRIX holds is used up.
 */
json_t *matrix_json(struct matrix *matrix, size_t most, uint32_t kept, const bool *hidden);

#endif
