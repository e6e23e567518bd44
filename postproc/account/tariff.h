/*
 * tariff.h: what traffic costs: a file of libconfig's syntax, beside mira.conf. Manual page:
 * mira-charge(8), which explains each setting.
 *
 *	currency = "EUR"; vat = "21"; by = "user"; users = "users.txt";
 *	tariffs = ( { name = "basic"; flat = "5"; included = "1";
 *	              steps = ( { up_to = "10"; price = "0.50"; }, { price = "0.20"; } ); } );
 *
 * Money is in millionths (money.h), quantities in octets: of a volume those of the period, of a 95th
 * percentile those of 5 minutes.
 */
#ifndef POSTPROC_TARIFF_H
#define POSTPROC_TARIFF_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* 5 minutes of 1 Mbit/s are so many octets; the unit of volume is the gigabyte of 10^9. */
#define TARIFF_SLOT_MS	 300000ll
#define TARIFF_PER_MBITS 37500000ull
#define TARIFF_PER_GB	 1000000000ull

enum tariff_by { TARIFF_BY_USER, TARIFF_BY_AGGREGATE, TARIFF_BY_CLASS };
enum tariff_measure { TARIFF_VOLUME, TARIFF_P95 };
enum tariff_direction { TARIFF_BOTH, TARIFF_IN, TARIFF_OUT, TARIFF_HIGHER };

/* What lies above the step before it, up to UP_TO, costs PRICE a unit. */
struct tariff_step {
	uint64_t up_to; /* UINT64_MAX: without end */
	int64_t price;
};

struct tariff {
	char *name;
	char **customers; /* patterns as of a shell; none: everybody */
	size_t customer_count;
	enum tariff_measure measure;
	enum tariff_direction direction;
	int64_t flat;
	struct tariff_step *steps; /* an included quantity is the first one, for nothing */
	size_t step_count;
};

struct tariffs {
	char *currency, *issuer; /* "EUR"; lines for the head of an invoice, or "" */
	uint32_t digits;	 /* behind the point of an amount, 2 */
	int64_t vat;		 /* per cent, in millionths; -1: none is shown */
	enum tariff_by by;
	char users[PATH_MAX]; /* owners.h */
	struct tariff *list;  /* the first one that names a customer counts */
	size_t count;
};

/* tariffs_load(): 0, or an exit code after having logged file, line and reason (nothing to free
 * then). */
int tariffs_load(struct tariffs *tariffs, const char *path);
void tariffs_free(struct tariffs *tariffs);

/* tariff_of(): NULL: nobody charges this customer. */
const struct tariff *tariff_of(const struct tariffs *tariffs, const char *customer);
/* tariff_per(): octets of the unit that has a price. */
uint64_t tariff_per(const struct tariff *tariff);

/* The word of a value, as the file has it. */
const char *tariff_by_word(enum tariff_by by);
const char *tariff_measure_word(enum tariff_measure measure);
const char *tariff_direction_word(enum tariff_direction direction);

#endif
