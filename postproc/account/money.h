/*
 * money.h: amounts of money as whole millionths of a currency's unit, so that sums are exact.
 *
 * The rounding rule: each amount (of a line, of a tax) is worked out exactly and then rounded once, to
 * the currency's smallest unit, halves away from zero; a total is the sum of such amounts and is
 * not rounded again.
 */
#ifndef POSTPROC_MONEY_H
#define POSTPROC_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#define MONEY_ONE    1000000ll	  /* a unit of the currency */
#define MONEY_MOST   1000000000ll /* units of a price, at most */
#define MONEY_DIGITS 6
#define MONEY_TEXT   32

/* money_parse(): "12", "0.85": up to six digits behind the point, not negative, at most MONEY_MOST. */
bool money_parse(const char *text, int64_t *micros);

/*
 * money_times(): PRICE for each PER of QUANTITY, rounded to DIGITS (0 … 6) behind the point. False: it
 * is more than can be counted (9 million million units).
 */
bool money_times(int64_t price, uint64_t quantity, uint64_t per, unsigned digits, int64_t *amount);

/* money_text(): with DIGITS behind the point; what is behind them must be 0. Returns OUT. */
char *money_text(int64_t amount, unsigned digits, char out[MONEY_TEXT]);

#endif
