/*
 * mira-status-watch.c: the table, again and again. The screen is written over, line by line, never cleared, so it does not
 * flicker; while the file server is away the last look stays, with a line that says so. Part of `mira status`.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "spool/log.h"
#include "spool/mira-status.h"

#define SLICE_S	 0.2 /* how long a key may wait */
#define SILENT_S 3   /* without an answer: said */

static volatile sig_atomic_t stop, resized;

struct screen {
	struct termios before;
	bool terminal, raw;
	json_t *last; /* look */
	double last_s, asked_s;
	char note[512];
};

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		stop = 1;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_screen(struct screen *screen)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	struct termios raw;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	screen->terminal = isatty(STDOUT_FILENO);
	screen->raw = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (screen->raw) {
		raw = screen->before;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	if (screen->terminal)
		fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
}

static void close_screen(struct screen *screen)
{
	if (screen->terminal)
		fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (screen->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
	json_decref(screen->last);
}

/* At most ROWS lines, each to its end; the rest of the screen is wiped. */
static void put_lines(const char *text, int rows)
{
	fputs("\033[H", stdout);
	for (int row = 0; *text && row < rows; row++) {
		size_t length = strcspn(text, "\n");

		printf("%s%.*s\033[K", row ? "\r\n" : "", (int)length, text);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", stdout);
}

static void draw(const struct screen *screen)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (screen->terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (screen->note[0])
		fprintf(out, "%.*s\n", screen->terminal ? size.ws_col : 512, screen->note);
	if (screen->last)
		status_table(screen->last, out, screen->terminal ? size.ws_col : 0,
			status_colour());
	fclose(out);
	if (screen->terminal)
		put_lines(text, size.ws_row);
	else
		printf("%s\n", text);
	fflush(stdout);
	free(text);
}

static void take_key(void)
{
	struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
	char pressed;

	if (poll(&key, 1, 0) > 0 && read(STDIN_FILENO, &pressed, 1) == 1 &&
		(pressed == 'q' || pressed == 'Q' || pressed == 3))
		stop = 1;
}

/* One slice of waiting for a look. True: the screen has to be drawn. */
static bool ask(struct screen *screen, const char *root, const char *config)
{
	int code;
	json_t *status = status_ask(root, config, SLICE_S, &code);
	char before[sizeof(screen->note)];

	memcpy(before, screen->note, sizeof(before));
	if (status) {
		json_decref(screen->last);
		screen->last = status;
		screen->last_s = now_s();
		screen->asked_s = 0;
		screen->note[0] = '\0';
		return true;
	}
	if (code < 0 && now_s() - screen->asked_s > SILENT_S)
		snprintf(screen->note, sizeof(screen->note),
			"%s has not answered for %.0f s: is its file server away?", root,
			now_s() - screen->asked_s);
	if (code > 0) {
		const char *message = strstr(status_said(), "msg=");

		snprintf(screen->note, sizeof(screen->note), "%.500s",
			message ? message + 4 : status_said());
		screen->note[strcspn(screen->note, "\n")] = '\0';
		screen->asked_s = 0;
	}
	return strcmp(before, screen->note) != 0;
}

static void rest(const struct screen *screen, double until_s)
{
	struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
	double left_s = until_s - now_s();

	if (left_s > 0 && !stop && !resized)
		poll(&key, screen->raw, (int)(left_s * 1000) + 1);
}

int status_watch(const char *root, const char *config, double every_s)
{
	struct screen screen = {0};
	double next_s = 0;

	open_screen(&screen);
	while (!stop) {
		bool changed = resized;

		resized = 0;
		if (screen.asked_s == 0 && now_s() >= next_s) {
			screen.asked_s = now_s();
			next_s = screen.asked_s + every_s;
		}
		if (screen.asked_s > 0)
			changed |= ask(&screen, root, config);
		if (changed)
			draw(&screen);
		if (screen.asked_s == 0)
			rest(&screen, next_s);
		if (screen.raw)
			take_key();
	}
	close_screen(&screen);
	return MIRA_OK;
}
