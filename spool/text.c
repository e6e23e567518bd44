/*
 * text.c: addresses and tunnels of records as texts, for classification and the store.
 */
#include "spool/text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "spool/intern.h"
#include "spool/log.h"

/* Three times as fast as inet_ntop(), which prints by snprintf(); a verdict may need two a biflow. */
static size_t dotted_quad(const uint8_t *address, char *out)
{
	char *at = out;

	for (int i = 0; i < 4; i++) {
		unsigned byte = address[i];

		if (byte >= 100)
			*at++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*at++ = (char)('0' + byte / 10 % 10);
		*at++ = (char)('0' + byte % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return (size_t)(at - out) - 1;
}

size_t text_address(uint8_t version, const uint8_t address[16], char out[TEXT_ADDRESS])
{
	if (version == 4)
		return dotted_quad(address, out);
	inet_ntop(AF_INET6, address, out, TEXT_ADDRESS);
	return strlen(out);
}

uint32_t text_tunnel(uint32_t tunnel)
{
	static uint32_t last, last_text;
	char *text, *plus;

	if (tunnel == last)
		return last_text;
	text = x_strdup(intern_text(tunnel));
	for (plus = text; (plus = strchr(plus, '+')); plus++)
		*plus = ',';
	last = tunnel;
	last_text = intern(text);
	free(text);
	return last_text;
}
