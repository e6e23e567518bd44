/* money.c: prices, amounts and their rounding, for mira-charge. */
#include "postproc/account/money.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* 10 to the power of DIGITS. */
static int64_t power(unsigned digits)
{
	int64_t value = 1;

	while (digits--)
		value *= 10;
	return value;
}

bool money_parse(const char *text, int64_t *micros)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	int64_t value = 0;

	if (text[whole] == '.')
		part = strspn(text + whole + 1, "0123456789");
	if (!whole || whole > 10 || part > MONEY_DIGITS ||
		text[whole + part + (text[whole] == '.')] || (text[whole] == '.' && !part))
		return false;
	for (; *text; text++)
		if (isdigit((unsigned char)*text))
			value = value * 10 + (*text - '0');
	*micros = value * power(MONEY_DIGITS - (unsigned)part);
	return *micros <= MONEY_MOST * MONEY_ONE;
}

/* A price has at most 50 bits, and what is counted 64: the product fits into 128. */
bool money_times(int64_t price, uint64_t quantity, uint64_t per, unsigned digits, int64_t *amount)
{
	unsigned __int128 smallest = (unsigned __int128)power(MONEY_DIGITS - digits);
	unsigned __int128 exact = (unsigned __int128)price * quantity, unit = smallest * per;
	unsigned __int128 rounded = (exact + unit / 2) / unit * smallest;

	*amount = (int64_t)rounded;
	return rounded <= INT64_MAX;
}

char *money_text(int64_t amount, unsigned digits, char out[MONEY_TEXT])
{
	int length = snprintf(out, MONEY_TEXT, "%lld.%06lld", (long long)(amount / MONEY_ONE),
		(long long)(amount % MONEY_ONE));

	/* without the point when nothing stands behind it */
	out[length - (int)(MONEY_DIGITS - digits) - !digits] = '\0';
	return out;
}
