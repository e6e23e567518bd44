/*
 * sharefilter.c: writes the program that says whose a packet is; first thing behind the interface or
 * reader.c.
 *
 * The program's X register holds where the next header begins, and never lies behind the packet's
 * end. Classic BPF jumps forward only, so the layers stand in the order in which they may follow one
 * another, and what may repeat is written out as often.
 */
#include "capture/sharefilter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "spool/linktype.h"
#include "spool/log.h"

#define INSNS_MAX  512
#define LABELS_MAX 48
#define JUMPS_MAX  128
#define MIXER	   0x9e3779b1u
#define TAKE	   0x40000u /* bytes; libpcap puts in its own */

/* Scratch memory. */
enum { TYPE = 0, WORD = 1 };

/* Where the program may go, and then names for places within a layer. */
enum { OTHER, TAKEN, REFUSED, HASH, IPV4, IPV6, VERSION, MPLS, PPP, PPPOE, TYPES, LLC, FREE_LABEL };

struct code {
	struct bpf_insn insns[INSNS_MAX];
	size_t count;
	int places[LABELS_MAX]; /* of labels, -1 while not known */
	int labels;
	struct {
		size_t at;
		int label;
	} jumps[JUMPS_MAX];
	size_t jump_count;
};

/* ---- an assembler ---- */

static void emit(struct code *code, unsigned op, uint32_t k)
{
	assert(code->count < INSNS_MAX);
	code->insns[code->count++] = (struct bpf_insn){.code = (u_short)op, .k = k};
}

static void jump(struct code *code, int label)
{
	assert(code->jump_count < JUMPS_MAX);
	code->jumps[code->jump_count].at = code->count;
	code->jumps[code->jump_count++].label = label;
	emit(code, BPF_JMP | BPF_JA, 0);
}

/* A conditional jump reaches 255 instructions only; one over a plain jump reaches all. */
static void jump_if(struct code *code, unsigned test, uint32_t k, int label)
{
	emit(code, BPF_JMP | test | BPF_K, k);
	code->insns[code->count - 1].jf = 1;
	jump(code, label);
}

static void jump_unless(struct code *code, unsigned test, uint32_t k, int label)
{
	emit(code, BPF_JMP | test | BPF_K, k);
	code->insns[code->count - 1].jt = 1;
	jump(code, label);
}

static int new_label(struct code *code)
{
	assert(code->labels < LABELS_MAX);
	code->places[code->labels] = -1;
	return code->labels++;
}

static void place(struct code *code, int label)
{
	code->places[label] = (int)code->count;
}

static void resolve(struct code *code)
{
	for (size_t i = 0; i < code->jump_count; i++) {
		size_t at = code->jumps[i].at;
		int to = code->places[code->jumps[i].label];

		assert(to > (int)at);
		code->insns[at].k = (uint32_t)to - (uint32_t)at - 1;
	}
}

/* ---- its words ---- */

/* A load behind the end would end the program with "refused", for every share. */
static void need(struct code *code, uint32_t bytes)
{
	emit(code, BPF_LD | BPF_W | BPF_LEN, 0);
	emit(code, BPF_ALU | BPF_SUB | BPF_X, 0);
	jump_unless(code, BPF_JGE, bytes, OTHER);
}

static void load(struct code *code, unsigned size, uint32_t offset)
{
	emit(code, BPF_LD | size | BPF_IND, offset);
}

/* Goes on BYTES further; A is lost. */
static void skip(struct code *code, uint32_t bytes)
{
	emit(code, BPF_MISC | BPF_TXA, 0);
	emit(code, BPF_ALU | BPF_ADD | BPF_K, bytes);
	emit(code, BPF_MISC | BPF_TAX, 0);
}

/* What stands at OFFSET of a header of BYTES stays in A behind the header. */
static void take(struct code *code, unsigned size, uint32_t offset, uint32_t bytes)
{
	need(code, bytes);
	load(code, size, offset);
	emit(code, BPF_ST, TYPE);
	skip(code, bytes);
	emit(code, BPF_LD | BPF_MEM, TYPE);
}

/* ---- layers, in the order in which they stand in the program ---- */

/* IEEE 802.2 with SNAP, or the code of IP. */
static void llc(struct code *code)
{
	int snap = new_label(code);

	place(code, LLC);
	need(code, 4);
	load(code, BPF_W, 0);
	jump_if(code, BPF_JEQ, 0xaaaa0300, snap);
	emit(code, BPF_ALU | BPF_RSH | BPF_K, 8);
	jump_unless(code, BPF_JEQ, 0x060603, OTHER);
	skip(code, 3);
	jump(code, IPV4);
	place(code, snap);
	take(code, BPF_H, 6, 8);
}

/* An ethertype in A, and what it announces at X; tags hold the next one. */
static void ethertypes(struct code *code)
{
	static const struct {
		uint32_t type;
		int label;
	} rows[] = {{0x0800, IPV4}, {0x86dd, IPV6}, {0x8864, PPPOE}, {0x8847, MPLS}, {0x8848, MPLS},
		{0x880b, PPP}};
	static const uint32_t tags[] = {0x8100, 0x88a8, 0x9100, 0x9200};

	place(code, TYPES);
	for (int depth = 0; depth <= SHAREFILTER_TAGS; depth++) {
		int tag = depth < SHAREFILTER_TAGS ? new_label(code) : OTHER;

		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			jump_if(code, BPF_JEQ, rows[i].type, rows[i].label);
		for (size_t i = 0; i < sizeof(tags) / sizeof(*tags) && tag != OTHER; i++)
			jump_if(code, BPF_JEQ, tags[i], tag);
		jump(code, OTHER);
		if (tag == OTHER)
			break;
		place(code, tag);
		take(code, BPF_H, 2, 4);
	}
}

/* RFC 2516, RFC 1661; address and control, and half of the protocol, may be left out. */
static void ppp(struct code *code)
{
	int both = new_label(code), whole = new_label(code), known = new_label(code);

	place(code, PPPOE);
	need(code, 6);
	skip(code, 6);
	place(code, PPP);
	need(code, 2);
	load(code, BPF_H, 0);
	jump_unless(code, BPF_JEQ, 0xff03, both);
	skip(code, 2);
	place(code, both);
	need(code, 2);
	load(code, BPF_B, 0);
	jump_unless(code, BPF_JSET, 1, whole);
	take(code, BPF_B, 0, 1);
	jump(code, known);
	place(code, whole);
	take(code, BPF_H, 0, 2);
	place(code, known);
	jump_if(code, BPF_JEQ, 0x0021, IPV4);
	jump_if(code, BPF_JEQ, 0x0057, IPV6);
	jump_if(code, BPF_JEQ, 0x0281, MPLS);
	jump_unless(code, BPF_JEQ, 0x0283, OTHER);
}

/* RFC 3032: the label's last bit but eight says that none follows. */
static void mpls(struct code *code)
{
	place(code, MPLS);
	for (int depth = 0; depth < SHAREFILTER_LABELS; depth++) {
		take(code, BPF_B, 2, 4);
		jump_if(code, BPF_JSET, 1, VERSION);
	}
	jump(code, OTHER);
}

static void version(struct code *code)
{
	place(code, VERSION);
	need(code, 1);
	load(code, BPF_B, 0);
	emit(code, BPF_ALU | BPF_RSH | BPF_K, 4);
	jump_if(code, BPF_JEQ, 4, IPV4);
	jump_if(code, BPF_JEQ, 6, IPV6);
	jump(code, OTHER);
}

/* XORs COUNT words from OFFSET on; the header has BYTES. */
static void addresses(struct code *code, uint32_t bytes, uint32_t offset, uint32_t count)
{
	need(code, bytes);
	for (uint32_t i = 0; i < count; i++) {
		load(code, BPF_W, offset + 4 * i);
		emit(code, BPF_ST, WORD + i);
	}
	for (uint32_t i = 1; i < count; i++) {
		emit(code, BPF_LD | BPF_MEM, WORD);
		emit(code, BPF_LDX | BPF_MEM, WORD + i);
		emit(code, BPF_ALU | BPF_XOR | BPF_X, 0);
		emit(code, BPF_ST, WORD);
	}
	jump(code, HASH);
}

static void network(struct code *code)
{
	place(code, IPV4);
	addresses(code, 20, 12, 2);
	place(code, IPV6);
	addresses(code, 40, 8, 8);
}

static void verdict(struct code *code, const struct share *share, bool others)
{
	place(code, HASH);
	emit(code, BPF_LD | BPF_MEM, WORD);
	emit(code, BPF_ALU | BPF_MUL | BPF_K, MIXER);
	emit(code, BPF_ALU | BPF_RSH | BPF_K, 16);
	emit(code, BPF_ALU | BPF_MOD | BPF_K, share->count);
	jump_if(code, BPF_JEQ, share->number - 1, TAKEN);
	jump(code, REFUSED);
	place(code, OTHER);
	jump(code, share->number == 1 ? TAKEN : REFUSED);
	place(code, TAKEN);
	emit(code, BPF_RET | BPF_K, others ? 0 : TAKE);
	place(code, REFUSED);
	emit(code, BPF_RET | BPF_K, others ? TAKE : 0);
}

/* ---- how the packets of a link type begin ---- */

static void ethernet(struct code *code)
{
	take(code, BPF_H, 12, 14);
	jump_unless(code, BPF_JGT, 1500, LLC);
	jump(code, TYPES);
}

/* Linux cooked: below 0x600 the protocol is one of Linux's own, of which 4 is LLC. */
static void cooked(struct code *code, uint32_t offset, uint32_t bytes)
{
	take(code, BPF_H, offset, bytes);
	jump_if(code, BPF_JEQ, 4, LLC);
	jump(code, TYPES);
}

static void sll(struct code *code)
{
	cooked(code, 14, 16);
}

static void sll2(struct code *code)
{
	cooked(code, 0, 20);
}

static void raw(struct code *code)
{
	jump(code, VERSION);
}

static void loopback(struct code *code)
{
	need(code, 4);
	skip(code, 4);
	jump(code, VERSION);
}

static void slip(struct code *code)
{
	need(code, 16);
	skip(code, 16);
	jump(code, VERSION);
}

static void cisco_hdlc(struct code *code)
{
	take(code, BPF_H, 2, 4);
	jump(code, TYPES);
}

/* Cisco's framing in place of RFC 1662's: 0f unicast, 8f broadcast. */
static void ppp_hdlc(struct code *code)
{
	int cisco = new_label(code);

	need(code, 4);
	load(code, BPF_H, 0);
	jump_if(code, BPF_JEQ, 0x0f00, cisco);
	jump_if(code, BPF_JEQ, 0x8f00, cisco);
	jump(code, PPP);
	place(code, cisco);
	cisco_hdlc(code);
}

static void pppoe(struct code *code)
{
	jump(code, PPPOE);
}

static void atm(struct code *code)
{
	jump(code, LLC);
}

/* The low bits of the first byte: 1 LAN emulation, 2 LLC. */
static void sunatm(struct code *code)
{
	int frame = new_label(code);

	take(code, BPF_B, 0, 4);
	emit(code, BPF_ALU | BPF_AND | BPF_K, 15);
	jump_if(code, BPF_JEQ, 2, LLC);
	jump_if(code, BPF_JEQ, 1, frame);
	jump(code, OTHER);
	place(code, frame);
	need(code, 2);
	skip(code, 2);
	ethernet(code);
}

/* RFC 2427, or Cisco's encapsulation with an ethertype. */
static void frame_relay(struct code *code)
{
	int nlpid = new_label(code);

	take(code, BPF_H, 0, 2);
	emit(code, BPF_ALU | BPF_AND | BPF_K,
		0x0101); /* the last bit of an address byte: none follows */
	jump_unless(code, BPF_JEQ, 0x0001, OTHER);
	take(code, BPF_H, 0, 2);
	jump_if(code, BPF_JEQ, 0x03cc, IPV4);
	jump_if(code, BPF_JEQ, 0x038e, IPV6);
	jump_if(code, BPF_JEQ, 0x0300, nlpid);
	jump(code, TYPES);
	place(code, nlpid); /* SNAP behind a padding byte */
	take(code, BPF_H, 4, 6);
	jump(code, TYPES);
}

static const struct start {
	uint32_t linktype;
	void (*emit)(struct code *code);
} starts[] = {
	{1, ethernet},
	{0, loopback},
	{8, slip},
	{9, ppp_hdlc},
	{12, raw},
	{14, raw},
	{50, ppp_hdlc},
	{51, pppoe},
	{100, atm},
	{101, raw},
	{104, cisco_hdlc},
	{107, frame_relay},
	{108, loopback},
	{113, sll},
	{123, sunatm},
	{228, raw},
	{229, raw},
	{276, sll2},
};

static const struct start *find_start(uint32_t linktype)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (starts[i].linktype == linktype)
			return &starts[i];
	return NULL;
}

/* ---- programs ---- */

static void write_program(struct code *code, const struct start *start, const struct share *share,
	bool others)
{
	code->labels = FREE_LABEL;
	emit(code, BPF_LDX | BPF_IMM, 0);
	if (start) {
		start->emit(code);
		llc(code);
		ethertypes(code);
		ppp(code);
		mpls(code);
		version(code);
		network(code);
	} else {
		jump(code, OTHER);
	}
	verdict(code, share, others);
	resolve(code);
}

bool sharefilter_program(const struct share *share, bool others, uint32_t linktype,
	struct bpf_program *program)
{
	struct code *code = x_calloc(1, sizeof(*code));
	const struct start *start = find_start(linktype);

	write_program(code, start, share, others);
	program->bf_len = (u_int)code->count;
	program->bf_insns = x_calloc(code->count, sizeof(*code->insns));
	memcpy(program->bf_insns, code->insns, code->count * sizeof(*code->insns));
	free(code);
	return start != NULL;
}

struct sharefilter {
	struct share share;
	struct {
		uint32_t linktype;
		struct bpf_program code;
	} * programs;
	size_t count, last; /* last: of the packet before, which is nearly always this one's */
};

struct sharefilter *sharefilter_new(const struct share *share)
{
	struct sharefilter *filter;

	if (share->count <= 1)
		return NULL;
	filter = x_calloc(1, sizeof(*filter));
	filter->share = *share;
	return filter;
}

void sharefilter_free(struct sharefilter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		free(filter->programs[i].code.bf_insns);
	free(filter->programs);
	free(filter);
}

static void add_program(struct sharefilter *filter, uint32_t linktype)
{
	const struct linktype *type = linktype_find(linktype);

	filter->programs =
		x_realloc(filter->programs, (filter->count + 1) * sizeof(*filter->programs));
	filter->programs[filter->count].linktype = linktype;
	if (!sharefilter_program(&filter->share, false, linktype,
		    &filter->programs[filter->count].code))
		log_warn("packets of link type %u (%s) cannot be divided: all of them are of share "
			 "1",
			linktype, type ? type->name : "unknown");
	filter->last = filter->count++;
}

static const struct bpf_program *program_for(struct sharefilter *filter, uint32_t linktype)
{
	if (filter->count && filter->programs[filter->last].linktype == linktype)
		return &filter->programs[filter->last].code;
	for (filter->last = 0; filter->last < filter->count; filter->last++)
		if (filter->programs[filter->last].linktype == linktype)
			return &filter->programs[filter->last].code;
	add_program(filter, linktype);
	return &filter->programs[filter->last].code;
}

/* The packet's length is that of what was captured: what was cut off cannot be looked at. */
bool sharefilter_takes(struct sharefilter *filter, const struct packet *packet)
{
	const struct bpf_program *program;

	if (!filter)
		return true;
	program = program_for(filter, packet->linktype);
	return bpf_filter(program->bf_insns, packet->data, packet->caplen, packet->caplen) != 0;
}
