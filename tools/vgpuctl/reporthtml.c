// SPDX-License-Identifier: GPL-2.0
/*
 * The report as one page: no script, nothing from elsewhere, charts as SVG in the text.
 *
 * Colours are those of M. Okabe and K. Ito's set for all kinds of colour vision; lines differ
 * by their dashes as well.  It is well-formed XML, so that xmllint can look at it.  Whatever
 * comes from the kernel goes through esc().
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "chart.h"
#include "data.h"
#include "report.h"
#include "table.h"

static const char page_head[] =
"<!DOCTYPE html>\n"
"<html lang=\"en\">\n"
"<head>\n"
"<meta charset=\"utf-8\"/>\n"
"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
"<meta name=\"color-scheme\" content=\"light dark\"/>\n"
"<title>vgpu report</title>\n"
"<style>\n"
":root{--bg:#fdfdfc;--fg:#1d1f21;--dim:#5f656b;--grid:#dcdfe2;--card:#fff;--edge:#d6d9dc;"
"--c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7;--c4:#56b4e9;--c5:#d55e00;--c6:#b8a800;--c7:#8b9197}\n"
"@media (prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e7e9ea;--dim:#a2a9af;--grid:#333a40;--card:#1c2024;--edge:#363d43;"
"--c0:#3d9bd8;--c1:#f0b429;--c2:#2dbd92;--c3:#e096c2;--c4:#7cc8f5;--c5:#f07b2e;--c6:#f0e442;--c7:#868d94}}\n"
"body{margin:0;padding:1.5rem;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif}\n"
"main{max-width:1640px;margin:auto}h1{font-size:1.5rem;margin:0}h2{margin:2rem 0 .3rem;font-size:1.25rem}\n"
"p{margin:.2rem 0}.dim{color:var(--dim)}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:1rem;margin-top:1rem}\n"
"figure{margin:0;padding:.8rem .9rem .6rem;background:var(--card);border:1px solid var(--edge);border-radius:8px}\n"
"figcaption{font-weight:600}figcaption small{display:block;font-weight:400;color:var(--dim)}\n"
"svg{display:block;width:100%;height:auto;margin-top:.4rem}svg text{fill:var(--dim);font-size:12px}\n"
".grid{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--dim);stroke-width:1}.pause{stroke:var(--dim);stroke-width:1.2;stroke-dasharray:1 4}\n"
".line{fill:none;stroke-width:1.8;stroke-linejoin:round}.area{stroke:var(--card);stroke-width:.6}\n"
".d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 2.5}.d3{stroke-dasharray:9 3 2 3}.d4{stroke-dasharray:12 4}.d5{stroke-dasharray:5 2 1 2 1 2}.d6{stroke-dasharray:3 5}\n"
".s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}\n"
".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}\n"
"ul.key{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:.3rem 0 0;padding:0;font-size:.87rem}\n"
"ul.key svg{display:inline-block;width:28px;height:12px;margin:0 .35rem 0 0;vertical-align:-1px}\n"
"table{border-collapse:collapse;margin-top:.8rem;font-variant-numeric:tabular-nums}th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid var(--edge)}\n"
"th:first-child,td:first-child,.l{text-align:left}th{font-weight:600;color:var(--dim)}.scroll{overflow-x:auto}\n"
"@media print{figure{break-inside:avoid}}\n"
"</style>\n"
"</head>\n"
"<body><main>\n";

/* ---- figures over time ------------------------------------------------------------------ */

static double engine_value(struct json_object *s, size_t which)
{
	struct json_object *all;

	if (!json_object_object_get_ex(s, "engine_permille", &all) ||
	    which >= json_object_array_length(all))
		return 0;
	return json_object_get_double(json_object_array_get_idx(all, which)) / 10;
}

static double memory_value(struct json_object *s, size_t which)
{
	return field(s, which ? "memory_promised" : "memory_used");
}

static double wait_value(struct json_object *s, size_t which)
{
	return field(s, which ? "wait_p50_ns" : "wait_p99_ns");
}

static double rate_value(struct json_object *s, size_t which)
{
	double span = field(s, "span_ns");

	if (which == 0)
		return span > 0 ? field(s, "switches") * 1e9 / span : 0;
	return span > 0 ? field(s, "preemptions") * 1e9 / span : 0;
}

static double overhead_value(struct json_object *s, size_t which)
{
	(void)which;
	return field(s, "overhead_permille") / 10;
}

static double command_value(struct json_object *s, size_t which)
{
	(void)which;
	return field(s, "commands");
}

static double copy_value(struct json_object *s, size_t which)
{
	(void)which;
	return field(s, "bandwidth");
}

/* ---- who had what ------------------------------------------------------------------------ */

struct tenant {
	uint64_t id;
	double service;		/* sum over all samples */
	struct json_object *vgpu;
};

static double share_of(struct json_object *s, uint64_t id)
{
	struct json_object *shares, *one;

	if (!json_object_object_get_ex(s, "share", &shares))
		return 0;
	one = data_find(shares, "id", id);
	return one ? field(one, "received_permille") / 10 : 0;
}

static int by_service(const void *a, const void *b)
{
	const struct tenant *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct tenant *tenants_new(struct json_object *vgpus, struct json_object *history,
				  size_t *n)
{
	struct tenant *all;
	size_t i, k;

	*n = json_object_array_length(vgpus);
	all = must(calloc(*n + 1, sizeof(*all)));
	for (i = 0; i < *n; i++) {
		all[i].vgpu = json_object_array_get_idx(vgpus, i);
		all[i].id = json_u64(all[i].vgpu, "id");
		for (k = 0; k < json_object_array_length(history); k++)
			all[i].service += share_of(sample(history, k), all[i].id) *
					  field(sample(history, k), "span_ns");
	}
	qsort(all, *n, sizeof(*all), by_service);
	return all;
}

static void name_tenant(struct key *key, const struct tenant *t)
{
	const char *holder = json_str(t->vgpu, "holder");

	snprintf(key->label, sizeof(key->label), "v%" PRIu64 "  %.40s%s%.70s", t->id,
		 json_str(t->vgpu, "type"), *holder ? "  " : "", holder);
}

/* One band of the stack: from @low to @low + @part, of each sample; @low rises. */
static void put_band(FILE *out, const struct timeline *t, double *low,
		     const double *part, const struct key *key)
{
	size_t i, j, end;

	fprintf(out, "<path class=\"area f%d\" d=\"", key->style);
	for (i = 0; i < t->count; i = end) {
		for (end = i + 1; end < t->count && !t->pause[end]; end++)
			;
		fprintf(out, "M%.1f %.1f", t->from[i], y_of(low[i], 100));
		for (j = i; j < end; j++)
			fprintf(out, "L%.1f %.1fH%.1f", t->from[j],
				y_of(low[j] + part[j], 100), t->to[j]);
		for (j = end; j-- > i; )
			fprintf(out, "L%.1f %.1fH%.1f", t->to[j], y_of(low[j], 100),
				t->from[j]);
		putc('Z', out);
	}
	for (i = 0; i < t->count; i++)
		low[i] += part[i];
	fputs("\"><title>", out);
	esc(out, key->label);
	fputs("</title></path>\n", out);
}

static void shares_chart(FILE *out, const struct timeline *t, struct json_object *history,
			 const struct tenant *tenants, size_t n)
{
	double *low = must(calloc(t->count + 1, sizeof(*low)));
	double *part = must(calloc(t->count + 1, sizeof(*part)));
	struct key keys[COLORS + 1];
	size_t i, k, shown = n < COLORS ? n : COLORS;
	bool rest = false;

	figure_begin(out, "Who had the engines",
		     "Part of all engine time served that each vGPU received; empty where nothing was served.");
	y_axis(out, PERCENT, 100);
	for (k = 0; k < shown; k++) {
		for (i = 0; i < t->count; i++)
			part[i] = share_of(sample(history, i), tenants[k].id);
		keys[k].style = (int)k;
		keys[k].area = true;
		name_tenant(&keys[k], &tenants[k]);
		put_band(out, t, low, part, &keys[k]);
	}
	/* whatever else was served: more of them, and those that are gone */
	for (i = 0; i < t->count; i++) {
		struct json_object *s = sample(history, i);

		part[i] = json_u64(s, "busy_permille") && low[i] < 99.5 &&
			  json_u64(s, "commands") + json_u64(s, "switches") ?
			  100 - low[i] : 0;
		rest = rest || part[i] > 1;
	}
	if (rest) {
		keys[shown] = (struct key){ "others, and vGPUs that are gone", COLORS, true };
		put_band(out, t, low, part, &keys[shown++]);
	}
	time_axis(out, t);
	figure_end(out, keys, shown);
	free(low);
	free(part);
}

/* ---- how long they waited ------------------------------------------------------------------ */

#define WAIT_LOW	256.0		/* ns, where the kernel's histograms begin */

static double x_of_wait(double ns, double most)
{
	double part = log(fmax(ns, WAIT_LOW) / WAIT_LOW) / log(most / WAIT_LOW);

	return LEFT + fmin(part, 1) * (RIGHT - LEFT);
}

static struct json_object *buckets_of(const struct tenant *t)
{
	struct json_object *wait, *buckets;

	if (!json_object_object_get_ex(t->vgpu, "wait", &wait) ||
	    !json_u64(wait, "count") ||
	    !json_object_object_get_ex(wait, "bucket", &buckets))
		return NULL;
	return buckets;
}

static void put_cdf(FILE *out, const struct tenant *t, double most, const struct key *key)
{
	struct json_object *buckets = buckets_of(t), *one;
	double all = 0, sum = 0;
	size_t i, n = json_object_array_length(buckets);

	for (i = 0; i < n; i++)
		all += field(json_object_array_get_idx(buckets, i), "count");
	for (i = 0; i < n && all > 0; i++) {
		one = json_object_array_get_idx(buckets, i);
		if (!i)
			fprintf(out, "<path class=\"line s%d d%d\" d=\"M%.1f %.1f",
				key->style, key->style,
				x_of_wait(field(one, "below_ns") / 2, most), BOTTOM);
		else if (field(one, "below_ns") / 2 >
			 field(json_object_array_get_idx(buckets, i - 1), "below_ns"))
			fprintf(out, "H%.1f",
				x_of_wait(field(one, "below_ns") / 2, most));
		sum += field(one, "count");
		fprintf(out, "L%.1f %.1f", x_of_wait(field(one, "below_ns"), most),
			y_of(100 * sum / all, 100));
	}
	if (all > 0) {
		fprintf(out, "H%g\"><title>", RIGHT);
		esc(out, key->label);
		fputs("</title></path>\n", out);
	}
}

static void waits_chart(FILE *out, const struct tenant *tenants, size_t n)
{
	struct key keys[COLORS];
	struct json_object *buckets;
	double most = 1e6, at;
	size_t i, k, shown = 0;

	for (i = 0; i < n; i++) {
		buckets = buckets_of(&tenants[i]);
		for (k = 0; buckets && k < json_object_array_length(buckets); k++)
			most = fmax(most, field(json_object_array_get_idx(buckets, k),
						"below_ns"));
	}
	figure_begin(out, "How long vGPUs waited for an engine",
		     "Part of all waits, since each vGPU was made, that was no longer than this. Further left is better.");
	y_axis(out, PERCENT, 100);
	for (at = 1000; at <= most; at *= 10) {
		fprintf(out, "<path class=\"grid\" d=\"M%.1f %gV%g\"/><text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">",
			x_of_wait(at, most), TOP, BOTTOM, x_of_wait(at, most),
			BOTTOM + 18);
		put_value(out, NANOSECONDS, at);
		fputs("</text>\n", out);
	}
	fprintf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">wait, each step ten times the one before</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 34);
	/* the same colours as in the chart of shares */
	for (i = 0; i < n && i < COLORS; i++) {
		if (!buckets_of(&tenants[i]))
			continue;
		keys[shown].style = (int)i;
		keys[shown].area = false;
		name_tenant(&keys[shown], &tenants[i]);
		put_cdf(out, &tenants[i], most, &keys[shown++]);
	}
	figure_end(out, keys, shown);
}

/* ---- a GPU --------------------------------------------------------------------------------- */

static void charts(FILE *out, struct json_object *view)
{
	static const struct key memory[] = {
		{ "in use", 0, false }, { "promised to vGPUs", 1, false },
	};
	static const struct key waits[] = {
		{ "99th percentile", 5, false }, { "median", 0, false },
	};
	static const struct key switches[] = {
		{ "contexts changed", 0, false }, { "commands stopped midway", 5, false },
	};
	static const struct key lost[] = { { "time lost to switches", 0, false } };
	static const struct key started[] = { { "commands", 0, false } };
	static const struct key copies[] = { { "bytes copied", 0, false } };
	struct json_object *history = json_object_object_get(view, "history");
	struct json_object *gpu = json_object_object_get(view, "gpu"), *engines;
	struct timeline t = timeline_new(history,
					 json_object_get_int64(json_object_object_get(view, "wall_offset_ns")));
	struct key engine[8];
	struct tenant *tenants;
	size_t n, k, count = 0, i;

	tenants = tenants_new(json_object_object_get(view, "vgpus"), history, &n);
	for (i = 0; i < t.count; i++)
		if (json_object_object_get_ex(sample(history, i), "engine_permille",
					      &engines)) {
			/* spare ones that never did anything are not worth a line */
			for (k = 0; k < json_object_array_length(engines) && k < 8; k++)
				if (k < json_u64(gpu, "engines") ||
				    engine_value(sample(history, i), k) > 0)
					count = k + 1 > count ? k + 1 : count;
		}
	for (k = 0; k < count; k++) {
		snprintf(engine[k].label, sizeof(engine[k].label), "engine %zu%s", k,
			 k < json_u64(gpu, "engines") ? "" : ", one vGPU's own");
		engine[k].style = (int)(k % COLORS);
		engine[k].area = false;
	}
	fputs("<div class=\"charts\">\n", out);
	if (t.count) {
		shares_chart(out, &t, history, tenants, n);
		figure_begin(out, "How busy engines were", "Part of the time that something ran.");
		lines(out, &t, history, PERCENT, 100, engine_value, engine, count);
		figure_begin(out, "Memory", "VRAM in use, and what quotas promise.");
		lines(out, &t, history, BYTES, 0, memory_value, memory, 2);
	}
	waits_chart(out, tenants, n);
	if (t.count) {
		figure_begin(out, "Response time", "From acceptance of a command until it first ran.");
		lines(out, &t, history, NANOSECONDS, 0, wait_value, waits, 2);
		figure_begin(out, "Switches", "How often engines went from one context to another.");
		lines(out, &t, history, PER_SECOND, 0, rate_value, switches, 2);
		figure_begin(out, "What switches cost", "Part of the time that went into saving and loading contexts, of the engine where it was most.");
		lines(out, &t, history, PERCENT, 0, overhead_value, lost, 1);
		figure_begin(out, "Commands", "How many began to run.");
		lines(out, &t, history, PER_SECOND, 0, command_value, started, 1);
		figure_begin(out, "Copies", "What copies moved.");
		lines(out, &t, history, BYTES_PER_SECOND, 0, copy_value, copies, 1);
	}
	fputs("</div>\n", out);
	free(tenants);
	timeline_free(&t);
}

static void vgpus_table(FILE *out, struct json_object *vgpus)
{
	struct json_object *v, *wait;
	char buf[FORMAT_SIZE];
	size_t i;

	if (!json_object_array_length(vgpus))
		return;
	fputs("<div class=\"scroll\"><table><thead><tr><th>vGPU</th><th class=\"l\">type</th><th class=\"l\">state</th><th class=\"l\">holder</th><th>weight</th><th>engine time</th><th>memory</th><th>wait, median</th><th>wait, 99th percentile</th></tr></thead><tbody>\n", out);
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		v = json_object_array_get_idx(vgpus, i);
		fprintf(out, "<tr><td>v%" PRIu64 "</td><td class=\"l\">", json_u64(v, "id"));
		esc(out, json_str(v, "type"));
		fputs("</td><td class=\"l\">", out);
		esc(out, json_str(v, "state"));
		fputs("</td><td class=\"l\">", out);
		esc(out, json_str(v, "holder"));
		fprintf(out, "</td><td>%" PRIu64 "</td><td>%s</td>", json_u64(v, "weight"),
			format_ns(buf, json_u64(v, "busy_ns")));
		fprintf(out, "<td>%s</td>", format_used(buf, json_u64(v, "vram_used"),
							json_u64(v, "vram_limit")));
		if (json_object_object_get_ex(v, "wait", &wait) && json_u64(wait, "count")) {
			fprintf(out, "<td>%s</td>", format_ns(buf, json_u64(wait, "p50_ns")));
			fprintf(out, "<td>%s</td>", format_ns(buf, json_u64(wait, "p99_ns")));
		} else {
			fputs("<td>-</td><td>-</td>", out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

void report_html(FILE *out, struct json_object *views, const char *made)
{
	struct json_object *view, *gpu;
	char a[FORMAT_SIZE], b[FORMAT_SIZE];
	size_t i;

	fputs(page_head, out);
	fputs("<h1>vgpu report</h1>\n<p class=\"dim\">Made ", out);
	esc(out, made);
	fputs(" by vgpuctl " VGPUCTL_VERSION ". A dotted line in a chart is a pause: nothing ran, and it is drawn short.</p>\n", out);
	if (!json_object_array_length(views))
		fputs("<p>There is no GPU.</p>\n", out);
	for (i = 0; i < json_object_array_length(views); i++) {
		view = json_object_array_get_idx(views, i);
		gpu = json_object_object_get(view, "gpu");
		fprintf(out, "<h2>GPU %" PRIu64 ": ", json_u64(gpu, "index"));
		esc(out, json_str(gpu, "name"));
		fputs("</h2>\n<p class=\"dim\">", out);
		esc(out, json_str(gpu, "device"));
		fputs(", policy ", out);
		esc(out, json_str(gpu, "policy"));
		fprintf(out, ", slices of %s, %s of memory, %zu samples</p>\n",
			format_ns(a, json_u64(gpu, "slice_ns")),
			format_bytes(b, json_u64(gpu, "vram_bytes")),
			json_object_array_length(json_object_object_get(view, "history")));
		if (!json_object_array_length(json_object_object_get(view, "history")))
			fputs("<p>There is no sample: nothing ran yet, or the monitor is off.</p>\n", out);
		charts(out, view);
		vgpus_table(out, json_object_object_get(view, "vgpus"));
	}
	fputs("</main></body>\n</html>\n", out);
}
