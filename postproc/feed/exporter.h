/*
 * exporter.h: biflows as messages of IPFIX (RFC 7011), made of standard elements as far as they go, for collectors of
 * others. One exporter is one Transport Session: sequence numbers count on, templates hold.
 *
 *	exporter = exporter_new(&setting, send, own);
 *	exporter_templates(exporter);			at first, and again now and then over UDP
 *	exporter_add(exporter, biflow); …
 *	exporter_flush(exporter);			the last message
 *	exporter_free(exporter);
 *
 * A biflow whose reverse direction was observed is one record as in RFC 5103 (reverse elements, PEN 29305), another one
 * has no reverse elements. With UNIFLOWS each direction is a record of its own, for collectors that know no biflows. Counts
 * are those of what was analysed, samplingProbability says of which share. Class, verdict, rule and aggregates stand
 * under PEN 32473 and are described by type records (RFC 5610). Host names are not exported.
 *
 * What was done to addresses and times is told by Anonymization Records (RFC 6235, section 6), one for each template and
 * element.
 *
 * Errors: -1 with errno, that of SEND or EMSGSIZE.
 */
#ifndef POSTPROC_EXPORTER_H
#define POSTPROC_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "postproc/privacy/privacy.h"
#include "spool/record.h"

/* anonymizationTechnique (IANA) of addresses */
enum anonymize { ANONYMIZE_NONE = 1, ANONYMIZE_TRUNCATE = 2, ANONYMIZE_PREFIX = 6 };

struct exporter_setting {
	uint32_t domain;	/* observationDomainId */
	uint16_t message_bytes; /* at most */
	bool uniflows;
	enum anonymize anonymize;
	uint8_t bits4, bits6;	 /* ANONYMIZE_TRUNCATE: bits of an address that stay */
	bool stable;		 /* ANONYMIZE_PREFIX: the key stays for ever */
	uint32_t precision_ms;	 /* times are cut down to multiples of it; 0: as they are */
	struct privacy *privacy; /* ANONYMIZE_PREFIX */
};

typedef int (*exporter_send)(void *own, const uint8_t *message, size_t size);

struct exporter;

/* exporter_new(): SETTING must outlive it. */
struct exporter *exporter_new(const struct exporter_setting *setting, exporter_send send,
	void *own);
void exporter_free(struct exporter *exporter);
int exporter_templates(struct exporter *exporter);
int exporter_add(struct exporter *exporter, const struct biflow *biflow);
int exporter_flush(struct exporter *exporter);

#endif
