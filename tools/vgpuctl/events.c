// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl events: follows the notifications.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "table.h"

struct follow {
	const struct vgpu_name *only;	/* or NULL */
	uint64_t count, seen;		/* count 0: no end */
	uint64_t last[NL_GROUPS];	/* number of the last one of a group */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static int64_t clock_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void wall_clock(int64_t ns, bool utc, char *buf, size_t size)
{
	time_t s = (time_t)(ns / 1000000000);
	char day[32];
	struct tm tm;

	if (utc) {
		gmtime_r(&s, &tm);
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(buf, size, "%s.%06dZ", day,
			 (int)(ns % 1000000000 / 1000));
	} else {
		localtime_r(&s, &tm);
		strftime(day, sizeof(day), "%H:%M:%S", &tm);
		snprintf(buf, size, "%s.%06d", day,
			 (int)(ns % 1000000000 / 1000));
	}
}

/* Wall clock of a moment of CLOCK_BOOTTIME. */
static void wall_time(uint64_t boot_ns, bool utc, char *buf, size_t size)
{
	wall_clock(clock_now(CLOCK_REALTIME) - clock_now(CLOCK_BOOTTIME) +
		   (int64_t)boot_ns, utc, buf, size);
}

static enum color event_color(struct json_object *ev)
{
	if (!strcmp(json_str(ev, "group"), "health"))
		return COLOR_RED;
	if (!strcmp(json_str(ev, "group"), "quota"))
		return COLOR_YELLOW;
	return COLOR_CYAN;
}

static void print_governor(struct json_object *ev)
{
	char a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE], d[FORMAT_SIZE];

	printf("  %s to %s (%s): busy %s, demand %s, memory %s, %" PRIu64
	       " switches/s take %s", json_str(ev, "from"), json_str(ev, "to"),
	       json_str(ev, "reason"),
	       format_permille(a, json_u64(ev, "busy_permille")),
	       format_permille(b, json_u64(ev, "demand_permille")),
	       format_permille(c, json_u64(ev, "memory_permille")),
	       json_u64(ev, "switches"),
	       format_permille(d, json_u64(ev, "overhead_permille")));
}

static void print_quota(struct json_object *ev)
{
	const char *resource = json_str(ev, "resource");
	char a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE];

	printf("  %s", resource);
	if (json_has(ev, "bytes"))
		printf(": %s asked for", format_bytes(a, json_u64(ev, "bytes")));
	if (json_has(ev, "action"))
		printf(" (%s)", json_str(ev, "action"));
	printf(", %s of %s in use",
	       format_resource(b, resource, json_u64(ev, "used")),
	       format_resource(c, resource, json_u64(ev, "limit")));
}

static void print_alarm(struct json_object *ev)
{
	const char *figure = json_str(ev, "figure");
	char a[FORMAT_SIZE + 8], b[FORMAT_SIZE + 8], c[FORMAT_SIZE + 8];

	printf("  %s %s", figure, format_figure(a, figure, json_u64(ev, "value")));
	if (json_has(ev, "limit"))
		printf(", limit %s",
		       format_figure(b, figure, json_u64(ev, "limit")));
	else
		printf(", usual %s, give or take %s",
		       format_figure(b, figure, json_u64(ev, "mean")),
		       format_figure(c, figure, json_u64(ev, "deviation")));
}

static void print_tune(struct json_object *ev)
{
	const char *figure = json_str(ev, "figure"), *knob = json_str(ev, "knob");
	char a[FORMAT_SIZE + 8], b[FORMAT_SIZE + 8], c[FORMAT_SIZE + 8];

	printf("  %s %s to %s%s: %s is %s", knob,
	       format_knob(a, knob, json_u64(ev, "before")),
	       format_knob(b, knob, json_u64(ev, "after")),
	       strcmp(json_str(ev, "tune"), "on") ? " (dry run)" : "", figure,
	       format_figure(c, figure, json_u64(ev, "value")));
}

static void print_event(struct json_object *ev)
{
	const char *what = json_str(ev, "event");
	char when[64], buf[FORMAT_SIZE];
	int err;

	wall_time(json_u64(ev, "time_ns"), false, when, sizeof(when));
	printf("%s  gpu%" PRIu64, when, json_u64(ev, "gpu"));
	if (json_has(ev, "vgpu"))
		printf("  v%-4" PRIu64, json_u64(ev, "vgpu"));
	else
		printf("  %-5s", "");
	printf("  %s%-15s%s", color_on(event_color(ev)), what, color_off());
	if (!strcmp(what, "state")) {
		printf("  %s", json_str(ev, "state"));
	} else if (!strcmp(what, "created") || !strcmp(what, "destroyed")) {
		printf("  %s", json_str(ev, "uuid"));
	} else if (!strncmp(what, "quota", 5)) {
		print_quota(ev);
	} else if (!strcmp(what, "degrade")) {
		printf("  %s, it was %s (%s)", json_str(ev, "degrade"),
		       json_str(ev, "degrade_from"),
		       json_str(ev, "degrade_reason"));
	} else if (!strcmp(what, "ecc")) {
		printf("  VRAM at 0x%" PRIx64, json_u64(ev, "address"));
	} else if (!strcmp(what, "fault")) {
		printf("  at 0x%" PRIx64, json_u64(ev, "address"));
	} else if (!strcmp(what, "reset")) {
		printf("  engine %" PRIu64, json_u64(ev, "engine"));
	} else if (!strcmp(what, "broken")) {
		err = json_object_get_int(json_object_object_get(ev, "error"));
		printf("  %s", strerror(err < 0 ? -err : err));
	} else if (!strncmp(what, "limit", 5) || !strncmp(what, "anomaly", 7)) {
		print_alarm(ev);
	} else if (!strcmp(what, "tuned")) {
		print_tune(ev);
	} else if (!strcmp(what, "governor")) {
		print_governor(ev);
	} else if (!strcmp(what, "defrag-begin")) {
		printf("  memory %s fragmented",
		       format_permille(buf, json_u64(ev, "frag_permille")));
	} else if (!strcmp(what, "defrag-end")) {
		printf("  %s moved", format_bytes(buf, json_u64(ev, "bytes")));
		printf(", memory %s fragmented",
		       format_permille(buf, json_u64(ev, "frag_permille")));
	}
	putchar('\n');
	fflush(stdout);
}

static void print_event_json(struct json_object *ev)
{
	struct json_object *obj = json_new();
	struct json_object_iter it;
	char when[64];

	wall_time(json_u64(ev, "time_ns"), true, when, sizeof(when));
	json_object_object_add(obj, "time", json_object_new_string(when));
	json_object_object_foreachC(ev, it)
		json_object_object_add(obj, it.key, json_object_get(it.val));
	print_json(obj);
}

/* Tells of notifications that did not reach us. */
static void note_lost(uint64_t lost)
{
	struct json_object *obj;

	if (json_output) {
		obj = json_new();
		json_object_object_add(obj, "event",
				       json_object_new_string("lost"));
		json_object_object_add(obj, "lost",
				       json_object_new_uint64(lost));
		print_json(obj);
	} else {
		note("%" PRIu64 " events were lost: too many at once", lost);
	}
}

static void check_lost(struct follow *f, struct json_object *ev)
{
	uint64_t seq = json_u64(ev, "seq");
	int i;

	for (i = 0; i < NL_GROUPS; i++) {
		if (strcmp(nl_group_names[i], json_str(ev, "group")))
			continue;
		if (f->last[i] && seq > f->last[i] + 1)
			note_lost(seq - f->last[i] - 1);
		f->last[i] = seq;
	}
}

static int on_event(struct json_object *ev, void *arg)
{
	struct follow *f = arg;
	char uuid[37];

	check_lost(f, ev);
	if (f->only) {
		if (!json_has(ev, "vgpu"))
			return 0;
		format_uuid(f->only->uuid, uuid);
		if (f->only->by_uuid ? strcmp(json_str(ev, "uuid"), uuid) != 0 :
				       json_u64(ev, "vgpu") != f->only->id)
			return 0;
	}
	if (json_output)
		print_event_json(ev);
	else
		print_event(ev);
	f->seen++;
	return f->count && f->seen >= f->count;
}

static int read_groups(struct args *args, unsigned int *groups)
{
	const char *list = arg_option(args, "group");
	size_t len;
	int i;

	if (!list) {
		*groups = NL_GROUP_LIFECYCLE;
		if (geteuid())
			note("without root only lifecycle events");
		else
			*groups |= NL_GROUP_QUOTA | NL_GROUP_HEALTH |
				   NL_GROUP_GOVERNOR | NL_GROUP_MEMORY |
				   NL_GROUP_PERFORMANCE;
		return CTL_OK;
	}
	*groups = 0;
	while (*list) {
		len = strcspn(list, ",");
		for (i = 0; i < NL_GROUPS; i++)
			if (strlen(nl_group_names[i]) == len &&
			    !strncmp(nl_group_names[i], list, len))
				break;
		if (i == NL_GROUPS)
			return usage_error(args->command,
					   "--group '%s': give lifecycle, quota, health, governor, memory or performance",
					   list);
		*groups |= 1u << i;
		list += len + (list[len] == ',');
	}
	return *groups ? CTL_OK :
	       usage_error(args->command, "--group names no group");
}

/* Until the count, the deadline, or a signal. */
static int follow(struct follow *f, int64_t deadline)
{
	struct pollfd p = { .fd = nl_listen_fd(), .events = POLLIN };
	int64_t left;
	int n;

	while (!interrupted) {
		left = deadline ? (deadline - clock_now(CLOCK_MONOTONIC)) /
				  1000000 : -1;
		if (deadline && left <= 0)
			return f->count ? CTL_TIMEOUT : CTL_OK;
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
		if (n < 0 && errno != EINTR)
			return fail(CTL_FAILED, errno, NULL, "poll: %s",
				    strerror(errno));
		if (n <= 0)
			continue;
		n = nl_listen_read(on_event, f);
		if (n > 0)
			return CTL_OK;
		/* on ENOBUFS the numbers of what follows tell how many */
		if (n < 0 && errno != ENOBUFS)
			return fail(CTL_FAILED, errno, NULL,
				    "cannot read events: %s", strerror(errno));
	}
	return CTL_OK;
}

int cmd_events(struct args *args)
{
	const char *count = arg_option(args, "count");
	const char *timeout = arg_option(args, "timeout");
	struct follow f = { 0 };
	struct vgpu_name only;
	unsigned int groups;
	int64_t deadline = 0;
	double seconds;
	int code;

	if (args->argc) {
		if (parse_vgpu(args->argv[0], &only))
			return usage_error(args->command,
					   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
					   args->argv[0]);
		f.only = &only;
	}
	if (count && (parse_number(count, UINT64_MAX, &f.count) || !f.count))
		return usage_error(args->command,
				   "--count '%s': give a number from 1 on", count);
	if (timeout) {
		if (parse_seconds(timeout, &seconds))
			return usage_error(args->command,
					   "--timeout '%s': give seconds", timeout);
		deadline = clock_now(CLOCK_MONOTONIC) +
			   (int64_t)(seconds * 1e9) + 1;
	}
	code = read_groups(args, &groups);
	if (!code)
		code = nl_open();
	if (!code)
		code = nl_listen(groups);
	if (code)
		return code;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	code = follow(&f, deadline);
	if (code == CTL_TIMEOUT)
		return fail(code, ETIMEDOUT, NULL,
			    "%" PRIu64 " of %" PRIu64 " events in %s s", f.seen,
			    f.count, timeout);
	return code;
}
