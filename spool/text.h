/*
 * text.h: fields of a record as people and SQL read them. Classification, the store and whoever prints records must agree
 * on these to the byte.
 */
#ifndef SPOOL_TEXT_H
#define SPOOL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_ADDRESS 46 /* as INET6_ADDRSTRLEN */

/* text_address(): dotted quads, or RFC 5952 for VERSION 6; the length is returned. */
size_t text_address(uint8_t version, const uint8_t address[16], char out[TEXT_ADDRESS]);

/* text_tunnel(): intern id of a record's tunnel ("+" between the layers of a stack) to the intern id of its text ("," between). */
uint32_t text_tunnel(uint32_t tunnel);

#endif
