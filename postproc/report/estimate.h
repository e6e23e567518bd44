/*
 * estimate.h: totals and shares of what was seen, from the part of it that was analysed: when packets
 * were shed, dropped, sampled, quarantined or lost, how much of a class was there, and how sure is that?
 *
 * What is known. Of each slot of time (a window, 300 s) the counters say how many packets were seen and
 * how many of them analysed; what was analysed says how much each item (a class, a verdict) took. Of the
 * packets lost as many are taken to be IP as of those analysed. Where a pause is longer than a slot, only
 * all its packets are known; they are spread over it as the rates before and after suggest.
 *
 * What is lost is lost in stretches. A capture whose readers are behind sheds everything until they
 * have caught up (pressure.h), so packets are no sample of independent ones: what stands in for the
 * lost packets are few stretches of time, each with its own mixture. These are the clusters; the number
 * of packets is the auxiliary variable, which is known for all.
 *
 *	cluster   slots that follow each other and of which something was analysed; cut where it is longer
 *	          than a lost stretch, on average over the lost packets, for an error is made of stretches
 *	          as long as the lost or the analysed ones, whichever are shorter
 *	cell	  a cluster, and the slots of which nothing was analysed that are nearest to it
 *	stratum	  the cells whose clusters begin in the same hour; of an hour of which hardly anything was
 *		  analysed, those of the next one too
 *	group	  strata that follow each other, CLUSTERS clusters or more: too few would say little of the
 *		  variance
 *
 * Estimator of a total: in each stratum h the ratio estimator (Cochran, Sampling Techniques, 3rd ed.
 * 1977, 6.10, "separate ratio estimate"), in its form as a prediction of what was lost
 *
 *	Y = sum over h of  y_h + U_h (r_h + b_g(h) / x_h) ,    r_h = y_h / x_h
 *
 * x_h, y_h packets and item analysed, U_h packets lost. Packets of an hour are so represented by those
 * of that hour, and a slot that was lost whole by its neighbours. An r_h of few clusters is too small where
 * an item comes with many packets (Cochran 6.8); b_g is this bias, as in Tin, JASA 60 (1965) 294,
 *
 *	b_g = sum over i of  e_i d_i / x_g ,    d_i = (x_i - x_(i) / n_(i)) / (1 - 1 / n_(i))
 *
 * over clusters i of the group g, which has x_g packets. No total is less than what was seen.
 *
 * Variance: with w_i = U_h / x_h packets lost for each analysed in the stratum of a cluster i, its weight
 * in Y, w'_i = w_i + d_i / x_g sum over h of U_h / x_h, and g_i = w'_i^2 + w_i, between the clusters of a
 * group g
 *
 *	v_g = sum over i of (g_i e_i^2 / (1 - x_i / x_(i)) + B_i) / sum over i of  w_i (1 + w_i) x_i
 *	V   = sum over h of  v_g(h) U_h (1 + U_h / x_h)
 *
 * e_i = y_i - r_i x_i is the residual from the ratio r_i of the cluster and the two before and after it,
 * n_(i) = 5 that have x_(i) packets: from neighbours, so that what moves with the hour, which the strata
 * follow, is not taken for chance (Wolter, Introduction to Variance Estimation, 1985, chapter 7). The
 * factor 1 / (1 - x_i / x_(i)) is n / (n - 1) for clusters of unequal size, as in v_D of Royall and
 * Cumberland, JASA 76 (1981) 66. With g_i = 1 and without B_i this is Cochran's linearised variance (6.13)
 * with its correction for a finite population, 1 - f = U / (U + x), over collapsed strata (5A.12).
 *
 * g_i: a residual counts as it weighs in Y (Särndal, Swensson, Wretman, Model Assisted Survey Sampling,
 * 1992, result 6.6.1). Where few packets were analysed of many, it weighs much, and may be larger or
 * smaller than elsewhere: a class that makes many packets is large where there are many.
 *
 * B_i: what is under way when capture stops goes on in what is lost, so the one is not independent of the
 * other (Cochran, chapter 8, autocorrelated populations). Let K be the covariance of two stretches that
 * follow each other, and s x - 2 K the variance of one of x packets, for it has two ends. Then that of
 * w x packets lost beside it is w times as large and 2 K (w - 1) more, and what is lost less what stands
 * for it varies by 4 w K less: 2 K (1 + w) less in all, half of it for each end. Where a cluster was cut
 * off the next one, the two vary by 2 K w (1 + w) more. K is seen inside of a cluster: k_i, the product of
 * the residuals of its two halves, plus what their own ratio r_i takes from it, x' x'' / (x_i x_(i)) times
 * e_i^2 / (1 - x_i / x_(i)), if they have x' and x'' packets. So
 *
 *	B_i = (1 + w_i) k_i (cuts_i w_i - ends_i min(w_i, 1)) ,    cuts_i + ends_i = 2
 *
 * where less than one packet lost for each analysed is taken as too short for all of K. A group's B_i take
 * at most half of its variance.
 *
 * Degrees of freedom: 3 (n - 1) in a group, n = (sum c_i)^2 / sum c_i^2 , c_i = g_i e_i^2 / (1 - x_i /
 * x_(i)). Squares of m normal residuals have an n of (m + 2) / 3, and fewer where few bursts make the
 * variance; one goes for the ratio. All groups by Satterthwaite's rule, Biometrics Bulletin 2 (1946) 110;
 * at least 4, for so few clusters cannot tell that there were fewer.
 *
 * Share of an item in another, S = Y / Z: the same with y - S z in the place of y, divided by Z
 * (Särndal, Swensson, Wretman, 5.6).
 *
 * Interval: Student's t, 95 %, on the scale of the logarithm for a total and of the logit for a share,
 * so it stays where totals and shares are (Lohr, Sampling: Design and Analysis); what was
 * analysed is certain, and no total is less.
 *
 * Packets that were sampled one by one (setting "sampling") count 1 / p each, and add the variance of
 * Bernoulli sampling, (1 - p) / p^2 sum of s^2 over the packets analysed (Särndal 3.2), with s^2 at
 * most s times the largest amount of a packet.
 *
 * Refused is what cannot be told: what was lost rests on fewer than 8 clusters of equal weight, which
 * are (sum w_i (1 + w_i) x_i)^2 / sum (w_i (1 + w_i) x_i)^2, or nearly all of an item lies in one or two.
 *
 * Calling sequence:
 *
 *	estimate_new()
 *		estimate_batch() …	what was lost: of each run, in its order; estimate_run() after each
 *		estimate_packets(), estimate_add() …	what was analysed
 *	estimate_settle()
 *	estimate_total(), estimate_share() …
 *	estimate_free()
 *
 * Times are milliseconds since 1970-01-01 UTC. The estimate owns all it holds.
 */
#ifndef POSTPROC_ESTIMATE_H
#define POSTPROC_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESTIMATE_CLUSTERS 12   /* that a group has, where there are so many */
#define ESTIMATE_REFUSED  64   /* bytes of a reason */
#define ESTIMATE_OCTETS	  1500 /* most octets of a packet, as a rule */

struct estimate;

/* A batch of packets of one run. */
struct estimate_batch {
	bool timed;		   /* it has packets, and these are of */
	int64_t first_ms, last_ms; /* these times */
	double analysed, ip;	   /* packets analysed; those of them that are IP */
	double unread;		   /* captured and not analysed: quarantined or missing */
	double lost;		   /* shed or dropped: before them, among them, or after them */
};

struct estimate_figure {
	double value, low, high; /* low = value = high: counted, not estimated */
	double error, freedom;	 /* standard error, degrees of freedom */
	char refused
		[ESTIMATE_REFUSED]; /* why there is no interval; value is then what was seen of it */
};

/* What of the time is asked for; slots that begin in it. */
struct estimate_span {
	int64_t from_ms, to_ms; /* to_ms: the first one after it */
};
#define ESTIMATE_ALL ((struct estimate_span){INT64_MIN, INT64_MAX})

/*
 * estimate_new(): of the time SPAN; what lies outside is not looked at. Items are numbered 0 … ITEMS - 1;
 * LARGEST: the most of each that one packet can be, 1 for packets. SAMPLING: the share of packets taken
 * one by one, 1 for all.
 */
struct estimate *estimate_new(struct estimate_span span, int64_t slot_ms, size_t items,
	const double *largest, double sampling);
void estimate_free(struct estimate *estimate);

void estimate_batch(struct estimate *estimate, const struct estimate_batch *batch);
/* estimate_run(): the run ends; the next batch is of another one. */
void estimate_run(struct estimate *estimate);
/* estimate_packets(): so many IP packets were analysed in the slot of TIME_MS. */
void estimate_packets(struct estimate *estimate, int64_t time_ms, double packets);
/* estimate_add(): and AMOUNT of ITEM. */
void estimate_add(struct estimate *estimate, int64_t time_ms, size_t item, double amount);
/* estimate_settle(): makes clusters and strata of what was told. */
void estimate_settle(struct estimate *estimate);

size_t estimate_clusters(const struct estimate *estimate);
size_t estimate_strata(const struct estimate *estimate);
/* estimate_lost(): the share of IP packets that were not analysed, 0 … 1. */
double estimate_lost(const struct estimate *estimate);

/* estimate_total(): of ITEM over SPAN. */
void estimate_total(const struct estimate *estimate, struct estimate_span span, size_t item,
	struct estimate_figure *figure);
/* estimate_share(): of ITEM, which is a part of WHOLE, over SPAN. */
void estimate_share(const struct estimate *estimate, struct estimate_span span, size_t item,
	size_t whole, struct estimate_figure *figure);

/* estimate_change(): NOW less BEFORE, of two independent times. Significant when 0 is not between low
 * and high. */
void estimate_change(const struct estimate_figure *now, const struct estimate_figure *before,
	struct estimate_figure *change);
/* estimate_mean(): of COUNT independent figures, as of the days of a month. */
void estimate_mean(const struct estimate_figure *figures, size_t count,
	struct estimate_figure *mean);

/* estimate_student(): |t| that is exceeded in 5 % of cases with FREEDOM degrees, 4 or more. */
double estimate_student(double freedom);

#endif
