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
#define AHEAD	128 /* slots that are made ahead: more than LONGEST */
#define REPEATS 3   /* times that a stretch is repeated, on average */

/* What one class had in one slot of a stretch. */
struct row {
	int64_t slot;
	size_t class;
	double packets, octets;
};

struct stretch {
	size_t first, end;   /* of its rows */
	double cosine, sine; /* of the hour at which it is most frequent */
};

struct run {
	size_t stretch;
	unsigned left; /* times that it is repeated */
};

/* A slot to come: what is known of it, and what begins with it. */
struct coming {
	struct mix mix;
	struct run *runs;
	size_t count, room;
};

struct world {
	const struct pool *pool;
	double begins;
	double day, next_day; /* how busy the day at hand is when it begins, and the next one */
	uint64_t state, slot;
	double cosine, sine; /* of the hour */
	struct coming coming[AHEAD];
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
	double turn;
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
		turn = 2 * M_PI * fmod((double)stretch->first * 0.6180339887, 1);
		stretch->cosine = cos(turn);
		stretch->sine = sin(turn);
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

/* 1 where COSINE is, LEAST on the other side of the day. */
static double wave(double cosine, double least)
{
	return least + (1 - least) * (1 + cosine) / 2;
}

static void start(struct world *world, uint64_t slot, struct run run)
{
	struct coming *coming = &world->coming[slot % AHEAD];

	if (coming->count == coming->room) {
		coming->room = coming->room ? 2 * coming->room : 256;
		coming->runs = x_realloc(coming->runs, coming->room * sizeof(*coming->runs));
	}
	coming->runs[coming->count++] = run;
}

/* One of those that are frequent at this hour. */
static void begin(struct world *world)
{
	const struct stretch *stretch;
	size_t i;

	do {
		i = next(world) % world->pool->stretches;
		stretch = &world->pool->list[i];
	} while (world_random(world) >
		 wave(world->cosine * stretch->cosine + world->sine * stretch->sine, 1.0 / 3));
	start(world, world->slot,
		(struct run){i, (unsigned)(-REPEATS * log(1 - world_random(world)))});
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

/* All of a run that begins now. */
static void play(struct world *world, const struct run *run)
{
	const struct stretch *stretch = &world->pool->list[run->stretch];
	const struct row *first = &world->pool->row[stretch->first], *last = NULL;

	for (size_t i = stretch->first; i < stretch->end; i++) {
		struct mix *mix;

		last = &world->pool->row[i];
		mix = &world->coming[(world->slot + (uint64_t)(last->slot - first->slot)) % AHEAD]
			       .mix;
		mix->packets[last->class] += last->packets;
		mix->octets[last->class] += last->octets;
	}
	if (run->left)
		start(world, world->slot + (uint64_t)(last->slot - first->slot) + 1,
			(struct run){run->stretch, run->left - 1});
}

void world_slot(struct world *world, struct mix *mix)
{
	struct coming *now = &world->coming[world->slot % AHEAD];
	double day = (double)(world->slot % DAY_SLOTS) / DAY_SLOTS, turn = 2 * M_PI * day, busy;

	if (world->slot % DAY_SLOTS == 0) {
		world->day = world->slot ? world->next_day : 1;
		world->next_day = exp(0.2 * normal(world));
	}
	world->cosine = cos(turn);
	world->sine = sin(turn);
	busy = world->day + (world->next_day - world->day) * day;
	busy *= world->begins * SLOT_S * wave(cos(turn - 2 * M_PI * 15 / 24), 1.0 / 6);
	for (unsigned i = how_many(world, busy); i > 0; i--)
		begin(world);
	for (size_t i = 0; i < now->count; i++)
		play(world, &now->runs[i]);
	*mix = now->mix;
	now->mix = (struct mix){0};
	now->count = 0;
	world->slot++;
}
