/*
 * charge.c: volumes and 95th percentiles by customer, and the invoices that follow from them. Between
 * the biflows of the store and mira-charge, which prints.
 */
#include "postproc/account/charge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "postproc/account/money.h"
#include "postproc/report/report_query.h"
#include "postproc/store/store_map.h"
#include "spool/intern.h"
#include "spool/log.h"

struct charge {
	const struct tariffs *tariffs;
	const struct period *period;
	struct store_map customers; /* name: 1, internal octets */
	struct store_map samples;   /* name, number of 5 minutes: octets in + out, octets in */
	uint64_t total;		    /* octets */
};

/* An entry of the map of samples, in words. */
enum { SAMPLE_NAME, SAMPLE_NUMBER, SAMPLE_BOTH, SAMPLE_IN, SAMPLE_WORDS };

struct customer {
	uint32_t name;
	const struct tariff *tariff;
	const uint64_t *samples; /* those that are not empty */
	size_t sample_count;
	uint64_t in, out, internal;
};

struct charge *charge_new(const struct tariffs *tariffs, const struct period *period)
{
	struct charge *charge = x_calloc(1, sizeof(*charge));

	charge->tariffs = tariffs;
	charge->period = period;
	map_init(&charge->customers, 1, 2);
	map_init(&charge->samples, 2, 2);
	return charge;
}

void charge_free(struct charge *charge)
{
	map_free(&charge->customers);
	map_free(&charge->samples);
	free(charge);
}

static uint64_t *customer_at(struct charge *charge, uint32_t name)
{
	uint64_t *values = map_at(&charge->customers, (uint64_t[]){name});

	values[0] = 1;
	return values;
}

void charge_customer(struct charge *charge, uint32_t name)
{
	customer_at(charge, name);
}

static void add_sample(struct charge *charge, int64_t window_ms, uint32_t name, uint64_t out,
	uint64_t in)
{
	uint64_t number = (uint64_t)(window_ms - charge->period->from_ms) / TARIFF_SLOT_MS;
	uint64_t *values = map_at(&charge->samples, (uint64_t[]){name, number});

	customer_at(charge, name);
	values[0] += out + in;
	values[1] += in;
}

void charge_add(struct charge *charge, int64_t window_ms, uint32_t from, uint32_t to,
	uint64_t octets)
{
	if (!octets)
		return;
	charge->total += octets;
	if (from == to) {
		if (from)
			customer_at(charge, from)[1] += octets;
		return;
	}
	if (from)
		add_sample(charge, window_ms, from, octets, 0);
	if (to)
		add_sample(charge, window_ms, to, 0, octets);
}

/* ---- what is charged ---- */

static uint64_t by_direction(const struct tariff *tariff, uint64_t in, uint64_t out)
{
	switch (tariff->direction) {
	case TARIFF_IN: return in;
	case TARIFF_OUT: return out;
	case TARIFF_HIGHER: return in > out ? in : out;
	case TARIFF_BOTH: break;
	}
	return in + out;
}

static int descending(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a > *b ? -1 : *a < *b;
}

static uint64_t samples_in(const struct period *period)
{
	return (uint64_t)(period->to_ms - period->from_ms + TARIFF_SLOT_MS - 1) / TARIFF_SLOT_MS;
}

/* Of a customer's samples, with IN or OUT or both counted, where all that are missing are 0. */
static uint64_t percentile(const struct charge *charge, const struct customer *customer, bool in,
	bool out)
{
	uint64_t *values = x_calloc(customer->sample_count, sizeof(*values));
	uint64_t aside = samples_in(charge->period) / 20, value;

	for (size_t i = 0; i < customer->sample_count; i++) {
		const uint64_t *sample = customer->samples + i * SAMPLE_WORDS;

		values[i] = (in ? sample[SAMPLE_IN] : 0) +
			    (out ? sample[SAMPLE_BOTH] - sample[SAMPLE_IN] : 0);
	}
	qsort(values, customer->sample_count, sizeof(*values), descending);
	value = aside < customer->sample_count ? values[aside] : 0;
	free(values);
	return value;
}

static uint64_t quantity_of(const struct charge *charge, const struct customer *customer)
{
	const struct tariff *tariff = customer->tariff;

	if (tariff->measure == TARIFF_VOLUME)
		return by_direction(tariff, customer->in, customer->out);
	if (tariff->direction == TARIFF_BOTH)
		return percentile(charge, customer, true, true);
	return by_direction(tariff, percentile(charge, customer, true, false),
		percentile(charge, customer, false, true));
}

/* ---- an invoice ---- */

struct amounts {
	int64_t net, vat, total;
};

/* False: it is more than can be counted. */
static bool amounts_add(struct amounts *sum, int64_t net, int64_t vat)
{
	return !__builtin_add_overflow(sum->net, net, &sum->net) &&
	       !__builtin_add_overflow(sum->vat, vat, &sum->vat) &&
	       !__builtin_add_overflow(sum->net, sum->vat, &sum->total);
}

static void put_amounts(json_t *object, const struct tariffs *tariffs,
	const struct amounts *amounts)
{
	unsigned digits = tariffs->digits;
	char net[MONEY_TEXT], vat[MONEY_TEXT], total[MONEY_TEXT];

	json_object_set_new(object, "net", json_string(money_text(amounts->net, digits, net)));
	json_object_set_new(object, "vat",
		tariffs->vat < 0 ? json_null()
				 : json_string(money_text(amounts->vat, digits, vat)));
	json_object_set_new(object, "total",
		json_string(money_text(amounts->total, digits, total)));
}

struct bill {
	const struct tariffs *tariffs;
	json_t *lines;
	struct amounts amounts;
	bool too_large;
};

/* A price as it was written: without zeros behind those that an amount has. */
static char *price_text(int64_t price, unsigned digits, char out[MONEY_TEXT])
{
	unsigned shown = MONEY_DIGITS;
	int64_t unit = 1;

	for (; shown > digits && price % (unit * 10) == 0; shown--)
		unit *= 10;
	return money_text(price, shown, out);
}

/* A line of QUANTITY octets, or of one piece where UNIT is "". */
static void add_line(struct bill *bill, const char *item, const char *unit, int64_t price,
	uint64_t quantity, uint64_t per)
{
	unsigned digits = bill->tariffs->digits;
	char amount_text[MONEY_TEXT], each_text[MONEY_TEXT], count_text[MONEY_TEXT];
	int64_t amount = 0, count = 0;

	bill->too_large |= !money_times(MONEY_ONE, quantity, per, MONEY_DIGITS, &count) ||
			   !money_times(price, quantity, per, digits, &amount) ||
			   !amounts_add(&bill->amounts, amount, 0);
	json_array_append_new(bill->lines,
		json_pack("{ss ss ss ss ss}", "item", item, "quantity",
			money_text(count, *unit ? MONEY_DIGITS : 0, count_text), "unit", unit,
			"price", price_text(price, digits, each_text), "amount",
			money_text(amount, digits, amount_text)));
}

static const char *const direction_texts[] = {[TARIFF_BOTH] = "in and out",
	[TARIFF_IN] = "in",
	[TARIFF_OUT] = "out",
	[TARIFF_HIGHER] = "the higher of in and out"};

/* "95th percentile, in and out, above 1 Mbit/s"; what costs nothing is included. */
static void describe_step(const struct tariff *tariff, uint64_t above, int64_t price, char out[128])
{
	bool volume = tariff->measure == TARIFF_VOLUME;
	int length = snprintf(out, 128, "%s, %s", volume ? "Volume" : "95th percentile",
		direction_texts[tariff->direction]);

	if (!above && !price)
		strcpy(out + length, ", included");
	if (above)
		snprintf(out + length, 128 - (size_t)length, ", above %.10g %s",
			(double)above / (double)tariff_per(tariff), volume ? "GB" : "Mbit/s");
}

static void add_lines(struct bill *bill, const struct tariff *tariff, uint64_t quantity)
{
	const char *unit = tariff->measure == TARIFF_VOLUME ? "GB" : "Mbit/s";
	uint64_t above = 0;
	char item[128];

	if (tariff->flat)
		add_line(bill, "Fee of the period", "", tariff->flat, 1, 1);
	for (size_t i = 0; i < tariff->step_count && (!i || above < quantity); i++) {
		uint64_t up_to = tariff->steps[i].up_to;

		describe_step(tariff, above, tariff->steps[i].price, item);
		add_line(bill, item, unit, tariff->steps[i].price,
			(up_to < quantity ? up_to : quantity) - above, tariff_per(tariff));
		above = up_to;
	}
}

/* Of all invoices. */
struct sums {
	struct amounts amounts;
	uint64_t out, in, internal;
	bool too_large;
};

static void add_vat(struct bill *bill)
{
	int64_t vat = 0;

	if (bill->tariffs->vat > 0)
		bill->too_large |= !money_times(bill->tariffs->vat, (uint64_t)bill->amounts.net,
					   100 * MONEY_ONE, bill->tariffs->digits, &vat) ||
				   !amounts_add(&bill->amounts, 0, vat);
}

static void add_sums(struct sums *sums, const struct customer *customer, const struct bill *bill)
{
	sums->too_large |= bill->too_large ||
			   !amounts_add(&sums->amounts, bill->amounts.net, bill->amounts.vat);
	sums->out += customer->out;
	sums->in += customer->in;
	sums->internal += customer->internal;
}

static json_t *invoice(const struct charge *charge, const struct customer *customer,
	struct sums *sums)
{
	const struct tariff *tariff = customer->tariff;
	struct bill bill = {.tariffs = charge->tariffs, .lines = json_array()};
	json_t *found;

	add_lines(&bill, tariff, quantity_of(charge, customer));
	add_vat(&bill);
	add_sums(sums, customer, &bill);
	found = json_pack("{so so ss ss sI sI sI so}", "customer",
		json_text(intern_text(customer->name)), "tariff", json_text(tariff->name),
		"measure", tariff_measure_word(tariff->measure), "direction",
		tariff_direction_word(tariff->direction), "sent_octets", (json_int_t)customer->out,
		"received_octets", (json_int_t)customer->in, "internal_octets",
		(json_int_t)customer->internal, "lines", bill.lines);
	put_amounts(found, charge->tariffs, &bill.amounts);
	return found;
}

/* ---- all of them ---- */

static int by_text(const void *left, const void *right)
{
	const struct customer *a = left, *b = right;

	return strcmp(intern_text(a->name), intern_text(b->name));
}

/* Both maps are sorted by name: each customer's samples follow those of the one before. */
static size_t list_customers(struct charge *charge, struct customer **list)
{
	size_t count = map_sort(&charge->customers), samples = map_sort(&charge->samples), at = 0;

	*list = x_calloc(count, sizeof(**list));
	for (size_t i = 0; i < count; i++) {
		const uint64_t *entry = map_entry(&charge->customers, i), *sample;
		struct customer *customer = &(*list)[i];

		*customer = (struct customer){.name = (uint32_t)entry[0], .internal = entry[2]};
		customer->tariff = tariff_of(charge->tariffs, intern_text(customer->name));
		customer->samples = map_entry(&charge->samples, at);
		for (; at < samples; at++, customer->sample_count++) {
			sample = map_entry(&charge->samples, at);
			if (sample[SAMPLE_NAME] != entry[0])
				break;
			customer->in += sample[SAMPLE_IN];
			customer->out += sample[SAMPLE_BOTH] - sample[SAMPLE_IN];
		}
	}
	qsort(*list, count, sizeof(**list), by_text);
	return count;
}

/* A row of the balance; a class has no side, so that nothing is received by it. */
static void add_row(const struct charge *charge, json_t *rows, const char *what, uint64_t sent,
	uint64_t received)
{
	bool sides = charge->tariffs->by != TARIFF_BY_CLASS;

	json_array_append_new(rows,
		json_pack("{ss sI so}", "what", what, "sent_octets", (json_int_t)sent,
			"received_octets",
			sides ? json_integer((json_int_t)received) : json_null()));
}

static json_t *balance(const struct charge *charge, const struct sums *sums)
{
	json_t *rows = json_array();

	add_row(charge, rows, "charged", sums->out, sums->in);
	add_row(charge, rows, "internal", sums->internal, sums->internal);
	add_row(charge, rows, "not charged", charge->total - sums->out - sums->internal,
		charge->total - sums->in - sums->internal);
	add_row(charge, rows, "total", charge->total, charge->total);
	return rows;
}

static json_t *invoices(struct charge *charge, struct sums *sums)
{
	struct customer *customers;
	size_t count = list_customers(charge, &customers);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (customers[i].tariff)
			json_array_append_new(list, invoice(charge, &customers[i], sums));
	free(customers);
	return list;
}

json_t *charge_json(struct charge *charge, int *code)
{
	const struct tariffs *tariffs = charge->tariffs;
	struct sums sums = {0};
	json_t *list = invoices(charge, &sums), *found;
	char vat[MONEY_TEXT];

	found = json_pack("{so so ss so sI so so}", "currency", json_text(tariffs->currency),
		"issuer", json_text(tariffs->issuer), "by", tariff_by_word(tariffs->by),
		"vat_percent",
		tariffs->vat < 0 ? json_null() : json_string(price_text(tariffs->vat, 0, vat)),
		"samples", (json_int_t)samples_in(charge->period), "invoices", list, "balance",
		balance(charge, &sums));
	put_amounts(found, tariffs, &sums.amounts);
	if (!sums.too_large)
		return found;
	log_err("an amount is larger than can be counted: look at the prices");
	*code = MIRA_PERSON;
	json_decref(found);
	return NULL;
}
