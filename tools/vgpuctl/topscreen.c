// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl top on a terminal: the same list over and over, as large as the window, and
 * keys.  One vGPU can be chosen, by its UUID, so it stays chosen wherever it goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/vgpu.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "table.h"
#include "text.h"
#include "top.h"

enum key { KEY_NONE, KEY_UP = 256, KEY_DOWN, KEY_F9 };

/* A vGPU, for as long as a question is open. */
struct chosen {
	char uuid[40];
	uint32_t id;
};

struct screen {
	struct termios saved;
	bool paused;
	bool upside_down;
	size_t sort;
	size_t first;			/* row that is the topmost */
	char chosen[40];		/* UUID, or "" */
	bool asking;
	struct chosen about;
	char message[200];		/* below the title */
};

static const struct {
	const char *key;
	const char *title;
	bool down;
} sorts[] = {
	{ "id", "number", false },
	{ "received_permille", "share received", true },
	{ "wait_avg_ns", "wait", true },
	{ "vram_used", "memory", true },
};

#define SORTS	(sizeof(sorts) / sizeof(sorts[0]))

static volatile sig_atomic_t resized, suspended;
static const struct screen *sorted_for;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void on_suspend(int sig)
{
	(void)sig;
	suspended = 1;
}

/* ---- the list ------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a;
	struct json_object *y = *(struct json_object *const *)b;
	const struct screen *s = sorted_for;
	uint64_t u = json_u64(x, sorts[s->sort].key);
	uint64_t v = json_u64(y, sorts[s->sort].key);

	if (u == v) {	/* what is equal keeps its place */
		u = json_u64(x, "id");
		v = json_u64(y, "id");
		return (u > v) - (u < v);
	}
	return (u < v) != (sorts[s->sort].down != s->upside_down) ? -1 : 1;
}

static struct json_object *vgpus_of(struct screen *s, struct json_object *sample)
{
	struct json_object *vgpus = json_object_object_get(sample, "vgpus");

	sorted_for = s;
	json_object_array_sort(vgpus, compare);
	return vgpus;
}

/* Where the chosen one is, or SIZE_MAX. */
static size_t chosen_row(struct screen *s, struct json_object *vgpus)
{
	size_t i;

	for (i = 0; *s->chosen && i < json_object_array_length(vgpus); i++)
		if (!strcmp(json_str(json_object_array_get_idx(vgpus, i), "uuid"),
			    s->chosen))
			return i;
	return SIZE_MAX;
}

static void choose(struct screen *s, struct json_object *sample, enum key key)
{
	struct json_object *vgpus = vgpus_of(s, sample);
	size_t count = json_object_array_length(vgpus);
	size_t row = chosen_row(s, vgpus);

	if (!count)
		return;
	if (row == SIZE_MAX)
		row = key == KEY_UP ? count - 1 : 0;
	else if (key == KEY_UP && row)
		row--;
	else if (key == KEY_DOWN && row + 1 < count)
		row++;
	snprintf(s->chosen, sizeof(s->chosen), "%s",
		 json_str(json_object_array_get_idx(vgpus, row), "uuid"));
}

/* ---- the window ------------------------------------------------------------------- */

static unsigned int height(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row)
		return 24;
	return ws.ws_row;
}

static void screen_open(struct screen *s)
{
	struct termios raw;

	tcgetattr(STDIN_FILENO, &s->saved);
	raw = s->saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* the other screen, no cursor, lines that are too long are cut */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	fflush(stdout);
}

static void screen_close(struct screen *s)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
}

/* ^Z: the shell gets its terminal as it was. */
static void screen_suspend(struct screen *s)
{
	screen_close(s);
	suspended = 0;
	raise(SIGSTOP);
	screen_open(s);
}

static void write_frame(struct screen *s, FILE *out, struct json_object *sample,
			double delay, unsigned int rows)
{
	struct json_object *vgpus = vgpus_of(s, sample);
	size_t gpus = json_object_array_length(json_object_object_get(sample, "gpus"));
	struct top_window w = { .marked = chosen_row(s, vgpus) };
	char clock[32];
	time_t now = time(NULL);
	struct tm tm;

	/* the title, a message, the GPUs, the heads of the columns */
	w.rows = rows > gpus + 4 ? rows - gpus - 3 : 1;
	if (w.marked != SIZE_MAX && w.marked < s->first)
		s->first = w.marked;
	if (w.marked != SIZE_MAX && w.marked >= s->first + w.rows)
		s->first = w.marked - w.rows + 1;
	if (s->first + w.rows > json_object_array_length(vgpus))
		s->first = json_object_array_length(vgpus) > w.rows ?
			   json_object_array_length(vgpus) - w.rows : 0;
	w.first = s->first;
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(out, "%svgpuctl top%s  %s  every %g s  sorted by %s%s%s  (arrows choose, k stop, s sort, r reverse, p pause, q quit)\n%s%s%s\n",
		color_on(COLOR_BOLD), color_off(), clock, delay,
		sorts[s->sort].title, s->upside_down ? ", reversed" : "",
		s->paused ? "  PAUSED" : "", color_on(COLOR_YELLOW), s->message,
		color_off());
	top_draw(out, sample, &w);
}

/* All at once, so that nothing flickers; of a small window what fits. */
static void screen_draw(struct screen *s, struct json_object *sample,
			double delay)
{
	unsigned int rows = height(), row = 1;
	char *frame = NULL, *line, *end;
	size_t size;
	FILE *out;

	out = open_memstream(&frame, &size);
	if (!out)
		return;
	write_frame(s, out, sample, delay, rows);
	fclose(out);
	fputs("\033[H", stdout);
	for (line = frame; *line && row <= rows; line = end + 1, row++) {
		end = strchr(line, '\n');
		*end = '\0';
		printf("%s%s\033[K", row > 1 ? "\r\n" : "", line);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
	free(frame);
}

/* ---- stopping one ------------------------------------------------------------------- */

static void ask_to_stop(struct screen *s, struct json_object *sample)
{
	struct json_object *vgpus = vgpus_of(s, sample), *v;
	size_t row = chosen_row(s, vgpus);
	char *holder;

	if (row == SIZE_MAX) {
		snprintf(s->message, sizeof(s->message),
			 "choose a vGPU by the arrow keys first");
		return;
	}
	v = json_object_array_get_idx(vgpus, row);
	s->about.id = (uint32_t)json_u64(v, "id");
	snprintf(s->about.uuid, sizeof(s->about.uuid), "%s", json_str(v, "uuid"));
	holder = text_visible(json_str(v, "holder"), NULL);
	snprintf(s->message, sizeof(s->message),
		 "Stop v%" PRIu32 " (%s, %s)? Its work ends, and who has it open loses all of it.  y/N",
		 s->about.id, json_str(v, "type"),
		 *holder ? holder : "nobody has it open");
	free(holder);
	s->asking = true;
}

/* That one: neither another of its number, nor whoever has it by now. */
static void stop(struct screen *s)
{
	struct nl_result result = { 0 };
	uint8_t uuid[16];
	struct nl_msg *msg;

	msg = nl_request(VGPU_NL_CMD_VGPU_VERB, 0);
	parse_uuid(s->about.uuid, uuid);
	nla_put_u32(msg, VGPU_A_VGPU_ID, s->about.id);
	nla_put(msg, VGPU_A_VGPU_UUID, sizeof(uuid), uuid);
	nla_put_u32(msg, VGPU_A_VGPU_VERB, VGPU_VERB_STOP);
	if (nl_talk(msg, &attr_set_vgpu, NULL, &result))
		snprintf(s->message, sizeof(s->message), "cannot stop v%" PRIu32 ": %s",
			 s->about.id, *result.text ? result.text :
			 strerror(result.err));
	else
		snprintf(s->message, sizeof(s->message),
			 "v%" PRIu32 " is stopped; `vgpuctl vgpu start v%" PRIu32 "` lets tenants in again",
			 s->about.id, s->about.id);
}

/* ---- keys ------------------------------------------------------------------------- */

/* The next key of what was read; *@at moves on. */
static enum key next_key(const char *keys, size_t len, size_t *at)
{
	const char *k = keys + *at;
	size_t left = len - *at;

	if (left >= 3 && k[0] == '\033' && (k[1] == '[' || k[1] == 'O')) {
		size_t end = 2;

		/* up to the letter, or ~ */
		while (end < left && (k[end] < '@' || k[end] > '~'))
			end++;
		*at += end + 1;
		if (end == 2 && k[2] == 'A')
			return KEY_UP;
		if (end == 2 && k[2] == 'B')
			return KEY_DOWN;
		return end == 4 && !strncmp(k, "\033[20~", 5) ? KEY_F9 : KEY_NONE;
	}
	(*at)++;
	return (enum key)(unsigned char)k[0];
}

/* True: quit, or take the next sample now. */
static bool on_key(struct screen *s, struct json_object *sample, enum key key,
		   bool *quit)
{
	if (s->asking) {
		s->asking = false;
		s->message[0] = '\0';
		if (key == 'y' || key == 'Y')
			stop(s);
		return false;
	}
	s->message[0] = '\0';
	switch ((int)key) {
	case 'q':
		*quit = true;
		return true;
	case ' ':
		return true;
	case 's':
		s->sort = (s->sort + 1) % SORTS;
		break;
	case 'r':
		s->upside_down = !s->upside_down;
		break;
	case 'p':
		s->paused = !s->paused;
		break;
	case 'k':
	case KEY_F9:
		if (sample)
			ask_to_stop(s, sample);
		break;
	case KEY_UP:
	case KEY_DOWN:
		if (sample)
			choose(s, sample, key);
		break;
	}
	return false;
}

/* What was typed; true: as on_key(). */
static bool on_input(struct screen *s, struct json_object *sample, bool *quit)
{
	char keys[64];
	ssize_t len = read(STDIN_FILENO, keys, sizeof(keys));
	size_t at = 0;

	/* the terminal has gone */
	if (len == 0 || (len < 0 && errno != EINTR && errno != EAGAIN)) {
		*quit = true;
		return true;
	}
	while (len > 0 && at < (size_t)len)
		if (on_key(s, sample, next_key(keys, (size_t)len, &at), quit))
			return true;
	return false;
}

/* Waits for the end of the interval; false: quit. */
static bool screen_wait(struct screen *s, struct json_object *sample,
			double delay)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t end = top_now_ns() + (uint64_t)(delay * 1e9), now;
	bool quit = false;
	int ready;

	while (!top_stopped) {
		now = top_now_ns();
		if (now >= end && !s->paused)
			return true;
		ready = poll(&p, 1, s->paused ? 1000 :
			     (int)((end - now) / 1000000 + 1));
		if (suspended)
			screen_suspend(s);
		else if (ready > 0 && on_input(s, sample, &quit))
			return !quit;
		else if (ready <= 0 && !resized)
			continue;
		resized = 0;
		if (sample)
			screen_draw(s, sample, delay);
	}
	return false;
}

int top_live(double delay, uint64_t count)
{
	const struct sigaction resize = { .sa_handler = on_resize };
	const struct sigaction suspend = { .sa_handler = on_suspend };
	struct json_object *sample = NULL;
	struct reading before, after;
	struct screen s = { 0 };
	uint64_t n = 0;
	int code;

	code = reading_take(&before);
	if (code)
		return code;
	sigaction(SIGWINCH, &resize, NULL);
	sigaction(SIGTSTP, &suspend, NULL);
	screen_open(&s);
	fputs("\033[H\033[2Jvgpuctl top: first interval ...\n", stdout);
	fflush(stdout);
	while (screen_wait(&s, sample, delay)) {
		code = reading_take(&after);
		if (code)
			break;
		json_object_put(sample);
		sample = top_sample(&before, &after);
		screen_draw(&s, sample, delay);
		reading_put(&before);
		before = after;
		if (count && ++n >= count)
			break;
	}
	screen_close(&s);
	json_object_put(sample);
	reading_put(&before);
	return code;
}
