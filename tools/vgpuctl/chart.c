// SPDX-License-Identifier: GPL-2.0
/*
 * Charts over time, as SVG.
 *
 * Time on them is the time in which something ran: where nothing did, the kernel takes no
 * samples, and a dotted line stands for the pause.
 */
#include <math.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "chart.h"
#include "data.h"

#define PAUSES	64	/* shown; more are drawn as if nothing was between */

void esc(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc(*text >= ' ' && *text <= '~' ? *text : '?', out);
		}
}

double field(struct json_object *s, const char *key)
{
	return (double)json_u64(s, key);
}

/* ---- time ------------------------------------------------------------------------ */

void *must(void *p)
{
	if (!p) {
		fputs("vgpuctl: error: out of memory\n", stderr);
		exit(CTL_FAILED);
	}
	return p;
}

struct json_object *sample(struct json_object *history, size_t i)
{
	return json_object_array_get_idx(history, i);
}

/*
 * Each sample is as wide as the time that it is about; each pause, however long, as a 40th
 * of all.
 */
struct timeline timeline_new(struct json_object *history, int64_t offset)
{
	struct timeline t = { .offset = offset };
	double all = 0, at = 0, gap, scale;
	uint64_t end, span;
	size_t i, n = json_object_array_length(history), pauses = 0;

	t.count = n;
	t.from = must(calloc(n + 1, sizeof(double)));
	t.to = must(calloc(n + 1, sizeof(double)));
	t.begin = must(calloc(n + 1, sizeof(uint64_t)));
	t.pause = must(calloc(n + 1, sizeof(bool)));
	for (i = 0; i < n; i++) {
		span = json_u64(sample(history, i), "span_ns");
		end = json_u64(sample(history, i), "time_ns");
		t.begin[i] = end > span ? end - span : 0;
		all += (double)span;
		if (i && t.begin[i] > json_u64(sample(history, i - 1), "time_ns") +
				      span / 4 + 20000000 && pauses < PAUSES) {
			t.pause[i] = true;
			pauses++;
		}
	}
	gap = all / (pauses > 20 ? 2.0 * (double)pauses : 40);
	all += gap * (double)pauses;
	scale = all > 0 ? (RIGHT - LEFT) / all : 0;
	for (i = 0; i < n; i++) {
		at += t.pause[i] ? gap : 0;
		t.from[i] = LEFT + at * scale;
		at += (double)json_u64(sample(history, i), "span_ns");
		t.to[i] = LEFT + at * scale;
	}
	return t;
}

void timeline_free(struct timeline *t)
{
	free(t->from);
	free(t->to);
	free(t->begin);
	free(t->pause);
}

/* ---- the frame of a chart ------------------------------------------------------------ */

void put_value(FILE *out, enum unit unit, double v)
{
	static const char *const times[] = { "ns", "us", "ms", "s" };
	static const char *const bytes[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	static const char *const plain[] = { "", "k", "M", "G", "T" };
	unsigned int u = 0;

	switch (unit) {
	case PERCENT:
		fprintf(out, "%.4g %%", v);
		break;
	case NANOSECONDS:
		for (; v >= 1000 && u < 3; u++)
			v /= 1000;
		fprintf(out, "%.3g %s", v, times[u]);
		break;
	case BYTES:
	case BYTES_PER_SECOND:
		for (; v >= 1024 && u < 4; u++)
			v /= 1024;
		fprintf(out, "%.4g %s%s", v, bytes[u], unit == BYTES ? "" : "/s");
		break;
	case PER_SECOND:
		for (; v >= 1000 && u < 4; u++)
			v /= 1000;
		fprintf(out, "%.4g%s%s /s", v, u ? " " : "", plain[u]);
		break;
	}
}

/* The end of an axis from 0: four round steps that reach @most. */
static double round_up(enum unit unit, double most)
{
	double base = unit == BYTES || unit == BYTES_PER_SECOND ? 1024 : 10;
	static const double tens[] = { 1, 2, 4, 8, 10 };
	double one = 1, most4 = most > 0 ? most / 4 : 1;
	size_t i;

	if (base > 10) {
		while (one < most4)
			one *= 2;
		return 4 * one;
	}
	while (one * 10 <= most4)
		one *= 10;
	while (one > most4)
		one /= 10;
	for (i = 0; i < 4 && tens[i] * one < most4 * 0.9999; i++)
		;
	return 4 * tens[i] * one;
}

double y_of(double v, double top)
{
	double part = top > 0 ? v / top : 0;

	part = part < 0 ? 0 : part > 1 ? 1 : part;
	return BOTTOM - part * (BOTTOM - TOP);
}

void figure_begin(FILE *out, const char *title, const char *says)
{
	fprintf(out, "<figure><figcaption>%s<small>%s</small></figcaption>\n"
		"<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n",
		title, says, WIDE, HIGH, title);
}

void y_axis(FILE *out, enum unit unit, double top)
{
	int i;

	for (i = 0; i <= 4; i++) {
		double y = y_of(top * i / 4, top);

		fprintf(out, "<path class=\"%s\" d=\"M%g %.1fH%g\"/><text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">",
			i ? "grid" : "axis", LEFT, y, RIGHT, LEFT - 6, y + 4);
		put_value(out, unit, top * i / 4);
		fputs("</text>\n", out);
	}
}

void time_axis(FILE *out, const struct timeline *t)
{
	size_t i, at = 0;
	char when[64];
	int k;

	for (i = 0; i < t->count; i++)
		if (t->pause[i])
			fprintf(out, "<path class=\"pause\" d=\"M%.1f %gV%g\"><title>a pause: nothing ran</title></path>\n",
				(t->from[i] + t->to[i - 1]) / 2, TOP, BOTTOM);
	for (k = 0; t->count && k < 6; k++) {
		double x = LEFT + (RIGHT - LEFT) * k / 5, part;
		uint64_t ns;

		while (at + 1 < t->count && t->from[at + 1] <= x)
			at++;
		part = x > t->from[at] ? x - t->from[at] : 0;
		if (part > t->to[at] - t->from[at])
			part = t->to[at] - t->from[at];
		/* all are drawn to one scale */
		ns = t->begin[at];
		if (t->to[at] > t->from[at])
			ns += (uint64_t)(part / (t->to[at] - t->from[at]) *
					 (double)((at + 1 < t->count && !t->pause[at + 1] ?
						   t->begin[at + 1] : t->begin[at]) -
						  t->begin[at]));
		wall_clock((int64_t)ns + t->offset, true, when, sizeof(when));
		fprintf(out, "<path class=\"axis\" d=\"M%.1f %gv4\"/><text x=\"%.1f\" y=\"%g\" text-anchor=\"%s\">%.8s</text>\n",
			x, BOTTOM, x, BOTTOM + 18,
			k == 0 ? "start" : k == 5 ? "end" : "middle", when + 11);
	}
	fprintf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">time of the day, UTC</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 34);
}

void figure_end(FILE *out, const struct key *keys, size_t n)
{
	size_t i;

	fputs("</svg>\n<ul class=\"key\">", out);
	for (i = 0; i < n; i++) {
		fputs("<li><svg viewBox=\"0 0 28 12\" aria-hidden=\"true\">", out);
		if (keys[i].area)
			fprintf(out, "<rect class=\"f%d\" width=\"28\" height=\"12\" rx=\"2\"/>",
				keys[i].style);
		else
			fprintf(out, "<path class=\"line s%d d%d\" d=\"M0 6H28\"/>",
				keys[i].style, keys[i].style);
		fputs("</svg>", out);
		esc(out, keys[i].label);
		fputs("</li>", out);
	}
	fputs("</ul></figure>\n", out);
}

/* ---- lines over time ------------------------------------------------------------------ */

static void put_line(FILE *out, const struct timeline *t, struct json_object *history,
		     value_fn value, size_t which, double top, const struct key *key)
{
	size_t i;

	fprintf(out, "<path class=\"line s%d d%d\" d=\"", key->style, key->style);
	for (i = 0; i < t->count; i++) {
		double y = y_of(value(sample(history, i), which), top);

		fprintf(out, "%s%.1f %.1fH%.1f", !i || t->pause[i] ? "M" : "L",
			t->from[i], y, t->to[i]);
	}
	fputs("\"><title>", out);
	esc(out, key->label);
	fputs("</title></path>\n", out);
}

void lines(FILE *out, const struct timeline *t, struct json_object *history,
	   enum unit unit, double top, value_fn value, const struct key *keys,
	   size_t n)
{
	size_t i, k;

	if (top == 0) {
		for (k = 0; k < n; k++)
			for (i = 0; i < t->count; i++)
				top = fmax(top, value(sample(history, i), k));
		top = round_up(unit, top);
	}
	y_axis(out, unit, top);
	time_axis(out, t);
	for (k = 0; k < n; k++)
		put_line(out, t, history, value, k, top, &keys[k]);
	figure_end(out, keys, n);
}
