/* world.c: a day on a link, slot by slot, made of stretches of captures. */
#include "tests/bench/coverage/world.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log.h"

#define PAUSE_S 30
#define LONGEST 120 /* slots of a stretch */
#define REPEATS 3   /* times that a stretch is repeated, on average */

/* What one class had in one slot of a stretch. */
struct row {
	int64_t slot;
	size_t class;
	double packets, octets;
};

struct stretch {
	size_t first, end; /* of its rows */
	double hour;	   /* at which it is most frequent */
};

struct run {
	size_t stretch, row;
	int64_t slot;  /* of the stretch */
	unsigned left; /* times that it is repeated */
};

struct world {
	const struct pool *pool;
	double begins;
	double day, next_day; /* how busy the day at hand is when it begins, and the next one */
	uint64_t state, slot;
	struct run *runs;
	size_t count, room;
};

/* ---- the captures ---- */

static size_t class_of(struct pool *pool, const char *name)
{
	size_t i = 0;

	while (i < pool->classes && strcmp(pool->names[i], name))
		i++;
	if (i == CLASSES)
		die(MIRA_PERSON, "more than %d classes", CLASSES);
	if (i == pool->classes)
		snprintf(pool->names[pool->classes++], NAME, "%s", name);
	return i;
}

static void add_row(struct pool *pool, int64_t second, size_t class, double packets, double octets)
{
	int64_t slot = second / SLOT_S;
	struct row *before;
	struct stretch *stretch = pool->stretches ? &pool->list[pool->stretches - 1] : NULL;

	pool->row = x_realloc(pool->row, (pool->rows + 1) * sizeof(*pool->row));
	before = pool->rows ? &pool->row[pool->rows - 1] : NULL;
	if (!before || slot - before->slot > PAUSE_S / SLOT_S ||
		slot - pool->row[stretch->first].slot >= LONGEST) {
		pool->list = x_realloc(pool->list, (pool->stretches + 1) * sizeof(*pool->list));
		stretch = &pool->list[pool->stretches++];
		stretch->first = pool->rows;
		/* any hour, the same for the same capture */
		stretch->hour = fmod((double)stretch->first * 0.6180339887, 1) * 24;
	}
	pool->row[pool->rows++] = (struct row){slot, class, packets, octets};
	stretch->end = pool->rows;
}

struct pool *pool_read(const char *path)
{
	struct pool *pool = x_calloc(1, sizeof(*pool));
	FILE *file = fopen(path, "r");
	long long second;
	char name[NAME];
	double packets, octets;

	if (!file)
		die(MIRA_PERSON, "cannot read %s: %m", path);
	while (fscanf(file, "%lld %31s %lf %lf", &second, name, &packets, &octets) == 4)
		add_row(pool, second, class_of(pool, name), packets, octets);
	fclose(file);
	if (!pool->stretches)
		die(MIRA_PERSON, "%s has no lines of captures", path);
	return pool;
}

/* ---- the link ---- */

/* xorshift64* */
static uint64_t next(struct world *world)
{
	world->state ^= world->state >> 12;
	world->state ^= world->state << 25;
	world->state ^= world->state >> 27;
	return world->state * 0x2545f4914f6cdd1dull;
}

double world_random(struct world *world)
{
	return (double)(next(world) >> 11) * 0x1p-53;
}

static double normal(struct world *world)
{
	return sqrt(-2 * log(1 - world_random(world))) * cos(2 * M_PI * world_random(world));
}

struct world *world_new(const struct pool *pool, double begins, uint64_t seed)
{
	struct world *world = x_calloc(1, sizeof(*world));

	world->pool = pool;
	world->begins = begins;
	world->state = seed;
	for (int i = 0; i < 16; i++)
		next(world);
	return world;
}

static double hour_of(const struct world *world)
{
	return (double)(world->slot % DAY_SLOTS) * 24 / DAY_SLOTS;
}

/* 1 at HOUR, LEAST twelve hours away. */
static double wave(double hour, double at, double least)
{
	return least + (1 - least) * (1 + cos(2 * M_PI * (hour - at) / 24)) / 2;
}

static void start(struct world *world, size_t stretch, unsigned repeats)
{
	size_t row = world->pool->list[stretch].first;

	if (world->count == world->room) {
		world->room = world->room ? 2 * world->room : 256;
		world->runs = x_realloc(world->runs, world->room * sizeof(*world->runs));
	}
	world->runs[world->count++] =
		(struct run){stretch, row, world->pool->row[row].slot, repeats};
}

/* One of those that are frequent at this hour. */
static void begin(struct world *world)
{
	double hour = hour_of(world);
	size_t stretch;

	do
		stretch = next(world) % world->pool->stretches;
	while (world_random(world) > wave(hour, world->pool->list[stretch].hour, 1.0 / 3));
	start(world, stretch, (unsigned)(-REPEATS * log(1 - world_random(world))));
}

/* Poisson, by the product of uniform numbers. */
static unsigned how_many(struct world *world, double mean)
{
	double limit = exp(-mean), product = 1;
	unsigned count = 0;

	while ((product *= 1 - world_random(world)) > limit)
		count++;
	return count;
}

/* What the run has in this slot; false when that was its last one. */
static bool go_on(const struct pool *pool, struct run *run, struct mix *mix)
{
	const struct stretch *stretch = &pool->list[run->stretch];

	for (; run->row < stretch->end && pool->row[run->row].slot == run->slot; run->row++) {
		const struct row *row = &pool->row[run->row];

		mix->packets[row->class] += row->packets;
		mix->octets[row->class] += row->octets;
	}
	run->slot++;
	if (run->row < stretch->end)
		return true;
	run->row = stretch->first;
	run->slot = pool->row[run->row].slot;
	return run->left-- > 0;
}

void world_slot(struct world *world, struct mix *mix)
{
	double hour = hour_of(world), busy;

	if (world->slot % DAY_SLOTS == 0) {
		world->day = world->slot ? world->next_day : 1;
		world->next_day = exp(0.2 * normal(world));
	}
	busy = world->day + (world->next_day - world->day) * hour / 24;
	busy *= world->begins * SLOT_S * wave(hour, 15, 1.0 / 6);
	for (unsigned i = how_many(world, busy); i > 0; i--)
		begin(world);
	memset(mix, 0, sizeof(*mix));
	for (size_t i = 0; i < world->count;) {
		if (go_on(world->pool, &world->runs[i], mix))
			i++;
		else
			world->runs[i] = world->runs[--world->count];
	}
	world->slot++;
}
