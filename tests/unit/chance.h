/*
 * chance.h: numbers for tests that make their input by chance (xorshift64, Marsaglia 2003): the same in each run, so that a
 * failure comes again.
 */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

static uint64_t chance_state = 0x9e3779b97f4a7c15;

/* chance(): 0 … BELOW - 1. */
static uint32_t chance(uint32_t below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (uint32_t)(chance_state >> 32) % below;
}

#endif
