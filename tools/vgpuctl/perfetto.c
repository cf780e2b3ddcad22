// SPDX-License-Identifier: GPL-2.0
/*
 * What engines did, as Chrome's trace format: a process a GPU, a thread (a row) an
 * engine, a slice a turn, an arrow from where a command was preempted to where it
 * goes on, and instants for the rest.
 *
 * The kernel's buffer has an end, and recording a beginning: a stop may come without
 * its run, and the other way round. What was running when recording began runs from
 * there; what has not stopped at the end, or where events were lost, ends there.
 * Such slices are marked ("cut").
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <linux/vgpu.h>

#include "perfetto.h"

#define MAX_LANES	4096	/* engines of all GPUs; more is no machine */
#define MAX_WAITING	1024	/* preempted commands to draw arrows from */

struct lane {
	uint32_t gpu, engine;
	bool running, seen;
	struct tr_event run;		/* what runs */
};

/* A command that was preempted. */
struct waiting {
	uint32_t gpu, engine, vgpu;
	uint64_t seqno, ns;
	bool twice;	/* numbers are a queue's, and two queues have one: no arrow */
};

struct writer {
	FILE *out;
	const struct tr_options *options;
	struct tr_result *result;
	struct lane *lanes;
	struct waiting *waiting;
	size_t nr_waiting;
	uint64_t arrows;
	bool comma;
};

static int by_time(const void *a, const void *b)
{
	const struct tr_event *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return 0;
}

/* A stable sort: what has the same time stays in the order that it came in. */
static int sort(struct tr_event *events, size_t count)
{
	struct tr_event *from = events, *to, *other, *swap;
	size_t width, i, l, r, at;

	other = malloc((count + 1) * sizeof(*other));
	if (!other)
		return -ENOMEM;
	to = other;
	for (width = 1; width < count; width *= 2) {
		for (i = 0; i < count; i += 2 * width) {
			size_t mid = i + width < count ? i + width : count;
			size_t end = mid + width < count ? mid + width : count;

			for (l = i, r = mid, at = i; at < end; at++)
				if (l < mid && (r == end || by_time(&from[l], &from[r]) <= 0))
					to[at] = from[l++];
				else
					to[at] = from[r++];
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != events)
		memcpy(events, from, count * sizeof(*events));
	free(other);
	return 0;
}

/* ---- one event of the file -------------------------------------------------------- */

static void begin(struct writer *w, const char *phase, uint32_t gpu, uint32_t engine)
{
	fprintf(w->out, "%s{\"ph\":\"%s\",\"pid\":%" PRIu64 ",\"tid\":%" PRIu64,
		w->comma ? ",\n" : "\n", phase, (uint64_t)gpu + 1,
		(uint64_t)engine + 1);
	w->comma = true;
}

/* Microseconds from the beginning of the recording. */
static void stamp(struct writer *w, uint64_t ns)
{
	uint64_t t = ns > w->options->begin_ns ? ns - w->options->begin_ns : 0;

	fprintf(w->out, ",\"ts\":%" PRIu64 ".%03u", t / 1000,
		(unsigned int)(t % 1000));
}

static struct tr_sum *sum_of(struct writer *w, uint32_t gpu, uint32_t vgpu)
{
	struct tr_result *r = w->result;
	struct tr_sum *sums;
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->sums[i].gpu == gpu && r->sums[i].vgpu == vgpu)
			return &r->sums[i];
	sums = realloc(r->sums, (r->count + 1) * sizeof(*sums));
	if (!sums)
		return NULL;
	r->sums = sums;
	sums += r->count++;
	memset(sums, 0, sizeof(*sums));
	sums->gpu = gpu;
	sums->vgpu = vgpu;
	return sums;
}

static bool wanted(const struct writer *w, const struct tr_event *ev)
{
	const struct tr_options *o = w->options;

	return !o->only || (ev->gpu == o->gpu && ev->vgpu == o->vgpu);
}

static const char *op_name(uint64_t op)
{
	switch (op) {
	case VGPU_CMD_COPY:
		return "copy";
	case VGPU_CMD_FILL:
		return "fill";
	case VGPU_CMD_LAUNCH:
		return "launch";
	default:
		return "command";
	}
}

/* ---- arrows ------------------------------------------------------------------------- */

static struct waiting *waiting_of(struct writer *w, const struct tr_event *ev)
{
	size_t i;

	for (i = 0; i < w->nr_waiting; i++)
		if (w->waiting[i].gpu == ev->gpu && w->waiting[i].vgpu == ev->vgpu &&
		    w->waiting[i].seqno == ev->seqno)
			return &w->waiting[i];
	return NULL;
}

static void preempted(struct writer *w, const struct tr_event *stop)
{
	struct waiting *p = waiting_of(w, stop);

	if (p) {
		p->twice = true;
		return;
	}
	if (w->nr_waiting == MAX_WAITING)
		return;
	w->waiting[w->nr_waiting++] = (struct waiting){
		.gpu = stop->gpu, .engine = stop->engine, .vgpu = stop->vgpu,
		.seqno = stop->seqno, .ns = stop->ns,
	};
}

static void arrow_end(struct writer *w, const char *phase, uint32_t gpu,
		      uint32_t engine, uint64_t ns)
{
	begin(w, phase, gpu, engine);
	stamp(w, ns);
	fprintf(w->out, ",\"cat\":\"preempted\",\"name\":\"goes on\",\"id\":%" PRIu64 "%s}",
		w->arrows, *phase == 'f' ? ",\"bp\":\"e\"" : "");
}

static void resumed(struct writer *w, const struct tr_event *run)
{
	struct waiting *p = waiting_of(w, run);

	if (!p)
		return;
	if (!p->twice) {
		w->arrows++;
		/* it leaves from inside of the slice that ended then */
		arrow_end(w, "s", p->gpu, p->engine, p->ns ? p->ns - 1 : 0);
		arrow_end(w, "f", run->gpu, run->engine, run->ns);
	}
	*p = w->waiting[--w->nr_waiting];
}

/* ---- turns ----------------------------------------------------------------------------- */

static void turn_begins(struct writer *w, const struct tr_event *run, bool cut)
{
	begin(w, "B", run->gpu, run->engine);
	stamp(w, run->ns);
	fprintf(w->out, ",\"cat\":\"turn\",\"name\":\"v%u\",\"args\":{\"seqno\":%" PRIu64,
		run->vgpu, run->seqno);
	if (cut)
		fputs(",\"cut\":true}}", w->out);
	else
		fprintf(w->out, ",\"op\":\"%s\",\"slice_ns\":%" PRIu64 ",\"resumed\":%s}}",
			op_name(run->a), run->b, run->flag ? "true" : "false");
}

/* @stop: NULL where its end was not seen, which is taken for @ns */
static int turn_ends(struct writer *w, struct lane *lane,
		     const struct tr_event *stop, uint64_t ns, bool cut)
{
	const struct tr_event *run = &lane->run;
	struct tr_sum *sum;

	lane->running = false;
	if (!wanted(w, run))
		return 0;
	sum = sum_of(w, run->gpu, run->vgpu);
	if (!sum)
		return -ENOMEM;
	begin(w, "E", run->gpu, run->engine);
	stamp(w, ns);
	if (stop)
		fprintf(w->out, ",\"args\":{\"service_ns\":%" PRIu64 ",\"preempted\":%s,\"error\":%d}}",
			stop->a, stop->flag ? "true" : "false", stop->error);
	else
		fputs(",\"args\":{\"cut\":true}}", w->out);
	sum->turns++;
	sum->cut += cut || !stop;
	sum->service_ns += stop ? stop->a : 0;
	sum->wall_ns += ns - run->ns;
	return 0;
}

static int on_run(struct writer *w, struct lane *lane, const struct tr_event *ev)
{
	int err = 0;

	/* its stop is missing: it was over by now */
	if (lane->running)
		err = turn_ends(w, lane, NULL, ev->ns, true);
	lane->run = *ev;
	lane->running = true;
	if (!err && wanted(w, ev)) {
		if (ev->flag)
			resumed(w, ev);
		turn_begins(w, ev, false);
	}
	return err;
}

static int on_stop(struct writer *w, struct lane *lane, const struct tr_event *ev)
{
	const struct tr_event *run = &lane->run;
	bool cut = false;
	int err;

	if (lane->running && (run->vgpu != ev->vgpu || run->seqno != ev->seqno)) {
		err = turn_ends(w, lane, NULL, ev->ns, true);
		if (err)
			return err;
	}
	if (!lane->running) {
		/* not at the beginning: its run was lost, and how long it was with it */
		cut = true;
		lane->run = *ev;
		lane->run.ns = lane->seen ? ev->ns : w->options->begin_ns;
		if (lane->run.ns > ev->ns)
			lane->run.ns = ev->ns;
		if (wanted(w, ev))
			turn_begins(w, &lane->run, true);
	}
	if (ev->flag && wanted(w, ev))
		preempted(w, ev);
	return turn_ends(w, lane, ev, ev->ns, cut);
}

/* ---- instants ------------------------------------------------------------------------------ */

static void instant(struct writer *w, const struct tr_event *ev)
{
	static const char *const names[TR_KINDS] = {
		[TR_SWITCH] = "switch", [TR_WAKE] = "wake", [TR_FAULT] = "fault",
		[TR_RESET] = "reset", [TR_QUOTA] = "quota",
		[TR_GOVERNOR] = "governor", [TR_LOST] = "events lost",
	};
	static const char *const modes[] = {
		"emergency", "performance", "balanced", "power-save",
	};
	bool whole = ev->kind == TR_QUOTA || ev->kind == TR_GOVERNOR;

	if (ev->kind != TR_LOST && ev->kind != TR_GOVERNOR && !wanted(w, ev))
		return;
	begin(w, "i", ev->gpu, whole ? 0 : ev->engine);
	stamp(w, ev->ns);
	fprintf(w->out, ",\"s\":\"%s\",\"cat\":\"%s\",\"name\":\"%s",
		ev->kind == TR_LOST ? "g" : whole ? "p" : "t",
		ev->kind == TR_FAULT || ev->kind == TR_RESET ? "health" : names[ev->kind],
		names[ev->kind]);
	w->result->instants++;
	switch (ev->kind) {
	case TR_SWITCH:
		fprintf(w->out, " to v%u\",\"args\":{\"wall_ns\":%" PRIu64 ",\"restored\":%s}}",
			ev->vgpu, ev->a, ev->flag ? "true" : "false");
		break;
	case TR_WAKE:
		fprintf(w->out, " v%u\",\"args\":{\"queued\":%" PRIu64 ",\"preempts\":%s}}",
			ev->vgpu, ev->a, ev->flag ? "true" : "false");
		break;
	case TR_FAULT:
		fprintf(w->out, " of v%u\",\"args\":{\"seqno\":%" PRIu64
			",\"va\":\"0x%" PRIx64 "\",\"access\":\"%c%c%c\",\"error\":%d}}",
			ev->vgpu, ev->seqno, ev->a,
			ev->b & VGPU_PROT_READ ? 'r' : '-',
			ev->b & VGPU_PROT_WRITE ? 'w' : '-',
			ev->b & VGPU_PROT_EXEC ? 'x' : '-', ev->error);
		break;
	case TR_RESET:
		fprintf(w->out, " by v%u\",\"args\":{\"seqno\":%" PRIu64 "}}",
			ev->vgpu, ev->seqno);
		break;
	case TR_QUOTA:
		fprintf(w->out, " of v%u\",\"args\":{\"bytes\":%" PRIu64
			",\"used\":%" PRIu64 ",\"limit\":%" PRIu64 "}}",
			ev->vgpu, ev->a, ev->b, ev->c);
		break;
	case TR_GOVERNOR:
		fprintf(w->out, "\",\"args\":{\"from\":\"%s\",\"to\":\"%s\"}}",
			ev->a < 4 ? modes[ev->a] : "?",
			ev->b < 4 ? modes[ev->b] : "?");
		break;
	default:
		fprintf(w->out, "\",\"args\":{\"events\":%" PRIu64 "}}", ev->a);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void name_row(struct writer *w, const struct lane *lane, bool gpu)
{
	struct json_object *text;
	const char *name = NULL;
	char buf[128];

	begin(w, "M", lane->gpu, lane->engine);
	if (gpu && w->options->gpu_name)
		name = w->options->gpu_name(lane->gpu, w->options->arg);
	if (gpu)
		snprintf(buf, sizeof(buf), "GPU %u%s%s", lane->gpu,
			 name ? " " : "", name ? name : "");
	else
		snprintf(buf, sizeof(buf), "engine %u", lane->engine);
	text = json_object_new_string(buf);
	fprintf(w->out, ",\"name\":\"%s_name\",\"args\":{\"name\":%s}}",
		gpu ? "process" : "thread",
		json_object_to_json_string_ext(text, JSON_C_TO_STRING_PLAIN));
	json_object_put(text);
}

/* The row of an engine, named when it is first seen; NULL: too many, or no memory. */
static struct lane *lane_of(struct writer *w, uint32_t gpu, uint32_t engine)
{
	struct tr_result *r = w->result;
	struct lane *lanes;
	bool known = false;
	size_t i;

	for (i = 0; i < r->engines; i++) {
		if (w->lanes[i].gpu != gpu)
			continue;
		known = true;
		if (w->lanes[i].engine == engine)
			return &w->lanes[i];
	}
	if (r->engines == MAX_LANES)
		return NULL;
	lanes = realloc(w->lanes, (r->engines + 1) * sizeof(*lanes));
	if (!lanes)
		return NULL;
	w->lanes = lanes;
	lanes += r->engines++;
	memset(lanes, 0, sizeof(*lanes));
	lanes->gpu = gpu;
	lanes->engine = engine;
	if (!known)
		name_row(w, lanes, true);
	name_row(w, lanes, false);
	return lanes;
}

/* After a gap nobody knows what runs. */
static int lost(struct writer *w, const struct tr_event *ev)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < w->result->engines; i++)
		if (w->lanes[i].running)
			err = turn_ends(w, &w->lanes[i], NULL, ev->ns, true);
	return err;
}

static int write_event(struct writer *w, const struct tr_event *ev)
{
	struct lane *lane;
	int err = 0;

	if (ev->kind >= TR_KINDS)
		return 0;
	if (ev->kind == TR_LOST) {
		err = lost(w, ev);
		instant(w, ev);
		return err;
	}
	if (ev->kind == TR_QUOTA || ev->kind == TR_GOVERNOR) {
		instant(w, ev);
		return 0;
	}
	lane = lane_of(w, ev->gpu, ev->engine);
	if (!lane)
		return -ENOMEM;
	if (ev->kind == TR_RUN)
		err = on_run(w, lane, ev);
	else if (ev->kind == TR_STOP)
		err = on_stop(w, lane, ev);
	else
		instant(w, ev);
	lane->seen = lane->seen || ev->kind == TR_RUN || ev->kind == TR_STOP;
	return err;
}

int perfetto_write(FILE *out, struct tr_event *events, size_t count,
		   const struct tr_options *options, struct tr_result *result)
{
	struct writer w = { .out = out, .options = options, .result = result };
	uint64_t end = options->end_ns;
	size_t i;
	int err;

	memset(result, 0, sizeof(*result));
	w.waiting = calloc(MAX_WAITING, sizeof(*w.waiting));
	err = w.waiting ? sort(events, count) : -ENOMEM;
	if (!err && count && events[count - 1].ns > end)
		end = events[count - 1].ns;
	fputs("{\"schema\":1,\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
	for (i = 0; !err && i < count; i++)
		err = write_event(&w, &events[i]);
	for (i = 0; !err && i < result->engines; i++)
		if (w.lanes[i].running)
			err = turn_ends(&w, &w.lanes[i], NULL, end, true);
	fputs("\n]}\n", out);
	free(w.lanes);
	free(w.waiting);
	return err;
}
