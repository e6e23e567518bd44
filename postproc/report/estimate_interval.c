/*
 * estimate_interval.c: how far an interval reaches, and what becomes of figures that are compared or put
 * together.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "postproc/report/estimate.h"

#define NORMAL_975 1.959963984540054

/* Hill, Algorithm 396, Communications of the ACM 13 (1970) 619. */
static double student(double n)
{
	double a = 1 / (n - 0.5), b = 48 / (a * a);
	double c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
	double d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * M_PI_2) * n;
	double x = d * 0.05, y = pow(x, 2 / n);

	if (y > 0.05 + a) {
		x = -NORMAL_975;
		y = x * x;
		if (n < 5)
			c += 0.3 * (n - 4.5) * (x + 0.6);
		c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
		y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
		y = expm1(a * y * y);
	} else {
		y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) *
				    y -
			    1) *
			    (n + 1) / (n + 2) +
		    1 / y;
	}
	return sqrt(n * y);
}

double estimate_student(double freedom)
{
	return isfinite(freedom) ? student(freedom) : NORMAL_975;
}

/* From the limits of both, which keeps their skew: Zou and Donner, Statistics in Medicine 27 (2008) 1693. */
void estimate_change(const struct estimate_figure *now, const struct estimate_figure *before,
	struct estimate_figure *change)
{
	const char *refused = now->refused[0] ? now->refused : before->refused;

	*change = (struct estimate_figure){.value = now->value - before->value,
		.error = hypot(now->error, before->error)};
	snprintf(change->refused, sizeof(change->refused), "%s", refused);
	change->low = change->high = change->value;
	if (refused[0])
		return;
	change->low -= hypot(now->value - now->low, before->high - before->value);
	change->high += hypot(now->high - now->value, before->value - before->low);
}

void estimate_mean(const struct estimate_figure *figures, size_t count,
	struct estimate_figure *mean)
{
	double variance = 0, squares = 0, n = (double)count, half;

	assert(count > 0);
	*mean = (struct estimate_figure){0};
	for (size_t i = 0; i < count; i++) {
		double part = figures[i].error * figures[i].error / (n * n);

		if (figures[i].refused[0] && !mean->refused[0])
			memcpy(mean->refused, figures[i].refused, sizeof(mean->refused));
		mean->value += figures[i].value / n;
		variance += part;
		squares += part > 0 ? part * part / figures[i].freedom : 0;
	}
	mean->low = mean->high = mean->value;
	if (mean->refused[0])
		return;
	mean->error = sqrt(variance);
	mean->freedom = squares > 0 ? variance * variance / squares : INFINITY;
	half = variance > 0 ? estimate_student(mean->freedom) * mean->error : 0;
	mean->low -= half;
	mean->high += half;
}
