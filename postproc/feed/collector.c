/*
 * collector.c: carries IPFIX messages away (collector.h). Between exporter.c and the programs of others.
 */
#include "postproc/feed/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/nfs.h"

#define TIMEOUT_S 20 /* of a connection, of sending, and of the collector's reading to the end */

enum kind { KIND_TCP, KIND_UDP, KIND_FILE };

struct collector {
	enum kind kind;
	char *text, *folder;
	struct addrinfo *addresses;
	int fd;
	uint64_t rate;
	char batch[NAME_MAX + 1];
};

/* ---- what was asked for ---- */

/* "HOST:PORT", "[2001:db8::1]:PORT" in place: both ends of it, or false. */
static bool split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');
	size_t length;

	if (!colon || colon == text || !colon[1])
		return false;
	*colon = '\0';
	*port = colon + 1;
	length = strlen(text);
	if (text[0] == '[' && text[length - 1] == ']') {
		text[length - 1] = '\0';
		text++;
	}
	*host = text;
	return *text != '\0';
}

static int look_up(struct collector *collector, const char *text)
{
	const struct addrinfo hints = {
		.ai_socktype = collector->kind == KIND_TCP ? SOCK_STREAM : SOCK_DGRAM};
	char *copy = x_strdup(text), *host, *port;
	int result = MIRA_OK, error;

	if (!split(copy, &host, &port)) {
		log_err("--to %s: HOST:PORT is expected, such as flows.example.net:4739",
			collector->text);
		result = MIRA_PERSON;
	} else if ((error = getaddrinfo(host, port, &hints, &collector->addresses))) {
		log_err("--to %s: %s: %s; is the name right, is the name server up?",
			collector->text, host, gai_strerror(error));
		result = error == EAI_AGAIN ? MIRA_AGAIN : MIRA_PERSON;
	}
	free(copy);
	return result;
}

struct collector *collector_parse(const char *text, int *code)
{
	static const struct {
		const char *word;
		enum kind kind;
	} kinds[] = {{"tcp:", KIND_TCP}, {"udp:", KIND_UDP}, {"file:", KIND_FILE}};
	struct collector *collector = x_calloc(1, sizeof(*collector));
	const char *rest = NULL;

	collector->fd = -1;
	collector->text = x_strdup(text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strncmp(text, kinds[i].word, strlen(kinds[i].word))) {
			collector->kind = kinds[i].kind;
			rest = text + strlen(kinds[i].word);
		}
	*code = rest && *rest ? MIRA_OK : MIRA_PERSON;
	if (*code)
		log_err("--to \"%s\": give tcp:HOST:PORT, udp:HOST:PORT or file:FOLDER", text);
	else if (collector->kind == KIND_FILE)
		collector->folder = x_strdup(rest);
	else
		*code = look_up(collector, rest);
	if (!*code)
		return collector;
	collector_free(collector);
	return NULL;
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	if (collector->fd >= 0)
		close(collector->fd);
	if (collector->addresses)
		freeaddrinfo(collector->addresses);
	free(collector->folder);
	free(collector->text);
	free(collector);
}

void collector_rate(struct collector *collector, uint64_t messages)
{
	collector->rate = messages;
}

bool collector_is_udp(const struct collector *collector)
{
	return collector->kind == KIND_UDP;
}

const char *collector_folder(const struct collector *collector)
{
	return collector->folder;
}

/* ---- sockets ---- */

static int connect_to(const struct addrinfo *address)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S}; /* of connect(2), too */
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
		    address->ai_protocol),
	    error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = error;
	return -1;
}

static int open_socket(struct collector *collector)
{
	for (const struct addrinfo *at = collector->addresses; at && collector->fd < 0;
		at = at->ai_next)
		collector->fd = connect_to(at);
	return collector->fd < 0 ? -1 : 0;
}

static void close_fd(struct collector *collector)
{
	int error = errno;

	if (collector->fd >= 0)
		close(collector->fd);
	collector->fd = -1;
	errno = error;
}

/* The collector closes when it has read all. One that leaves the connection open has had the time to. */
static int wait_for_end(struct collector *collector)
{
	struct pollfd wait = {.fd = collector->fd, .events = POLLIN};
	char byte[64];
	ssize_t got = 1;

	if (shutdown(collector->fd, SHUT_WR) < 0)
		return -1;
	while (got > 0) {
		int ready = poll(&wait, 1, TIMEOUT_S * 1000);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			log_once(
				"%s leaves the connection open when it was told all: what it was sent is taken for read",
				collector->text);
		if (ready <= 0)
			return ready;
		got = recv(collector->fd, byte, sizeof(byte), 0);
	}
	return (int)got;
}

/* ---- files ---- */

static char *hidden(const struct collector *collector, char out[PATH_MAX])
{
	if (snprintf(out, PATH_MAX, "%s/.%s.ipfix", collector->folder, collector->batch) >=
		PATH_MAX)
		die(MIRA_PERSON, "%s: the path is too long", collector->folder);
	return out;
}

static int open_file(struct collector *collector)
{
	char path[PATH_MAX];

	collector->fd =
		open(hidden(collector, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	return collector->fd < 0 ? -1 : 0;
}

static int publish(struct collector *collector)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(to, sizeof(to), "%s/%s.ipfix", collector->folder, collector->batch);
	if (nfs_sync_file(collector->fd) < 0 || rename(hidden(collector, from), to) < 0)
		return -1;
	return nfs_sync_folder(collector->folder);
}

/* ---- a batch ---- */

int collector_begin(struct collector *collector, const char *batch)
{
	snprintf(collector->batch, sizeof(collector->batch), "%s", batch);
	if (collector->kind == KIND_FILE)
		return open_file(collector);
	return collector->fd < 0 ? open_socket(collector) : 0;
}

static void pace(const struct collector *collector)
{
	struct timespec rest = {0, collector->rate ? (long)(1000000000 / collector->rate) : 0};

	if (collector->kind != KIND_UDP || !collector->rate)
		return;
	rest.tv_sec = rest.tv_nsec / 1000000000;
	rest.tv_nsec %= 1000000000;
	nanosleep(&rest, NULL);
}

int collector_send(struct collector *collector, const uint8_t *message, size_t size)
{
	while (size > 0) {
		ssize_t sent = collector->kind == KIND_FILE
				       ? write(collector->fd, message, size)
				       : send(collector->fd, message, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -1;
		message += sent;
		size -= (size_t)sent;
	}
	pace(collector);
	return 0;
}

int collector_end(struct collector *collector)
{
	int result = 0;

	if (collector->kind == KIND_TCP)
		result = wait_for_end(collector);
	else if (collector->kind == KIND_FILE)
		result = publish(collector);
	if (collector->kind != KIND_UDP)
		close_fd(collector);
	return result;
}

void collector_abandon(struct collector *collector)
{
	char path[PATH_MAX];

	if (collector->kind == KIND_FILE)
		unlink(hidden(collector, path));
	close_fd(collector);
}
