/*
 * world.h: a link that carries captures: stretches of real ones begin at random, go on as they did when
 * they were captured, and lie over each other. So bursts, and which class they are of, are real ones.
 *
 * A stretch is what was captured until a pause of half a minute, in slots of 5 s. How many begin follows
 * the hour (most at 15 h, a sixth at 3 h) and the day; each kind of stretch has an hour at which it is
 * three times as frequent as twelve hours later, so the mixture of classes moves with the hour; and who
 * began one repeats it a few times.
 *
 * Calling sequence: pool_read(), world_new(), world_slot() for each slot. World and pool are never freed.
 */
#ifndef COVERAGE_WORLD_H
#define COVERAGE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#define SLOT_S	  5
#define DAY_SLOTS (86400 / SLOT_S)
#define CLASSES	  32
#define NAME	  32

/* Packets and octets of each class. */
struct mix {
	double packets[CLASSES], octets[CLASSES];
};

struct pool {
	size_t classes, stretches, rows;
	char names[CLASSES][NAME];
	struct stretch *list;
	struct row *row;
};

struct world;

/* pool_read(): lines "second class packets octets" of PATH, sorted. Ends the program when it cannot. */
struct pool *pool_read(const char *path);
/* world_new(): with BEGINS stretches a second on average. */
struct world *world_new(const struct pool *pool, double begins, uint64_t seed);
/* world_slot(): what passes in the next slot. */
void world_slot(struct world *world, struct mix *mix);

/* world_random(): 0 … 1, from the same source. */
double world_random(struct world *world);

#endif
