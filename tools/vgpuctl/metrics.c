// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl metrics: figures as Prometheus reads them, for node_exporter's textfile
 * collector.
 *
 * Names do not change once they are here; units are seconds, bytes and ratios.  Labels tell
 * GPUs, engines and vGPUs apart by what stays the same while these live; what may change (state,
 * who holds it) is in a metric of its own, *_info, to join with.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "metrics.h"

enum unit {
	UNIT_ONE,
	UNIT_NS,		/* shown in seconds */
	UNIT_PERMILLE,		/* shown as a ratio */
};

struct metric {
	const char *name;	/* NULL: end of the table */
	const char *type;
	const char *key;	/* in JSON */
	enum unit unit;
	const char *help;
};

#define GAUGE	"gauge"
#define COUNTER	"counter"

static const struct metric gpu_metrics[] = {
	{ "vgpu_gpu_memory_bytes", GAUGE, "vram_bytes", UNIT_ONE, "Memory of the GPU." },
	{ "vgpu_gpu_memory_committed_bytes", GAUGE, "vram_committed", UNIT_ONE, "Memory promised to vGPUs." },
	{ "vgpu_gpu_vgpus", GAUGE, "instances", UNIT_ONE, "vGPUs that there are." },
	{ "vgpu_gpu_vgpus_max", GAUGE, "max_instances", UNIT_ONE, "vGPUs that there can be." },
	{ "vgpu_gpu_contexts", GAUGE, "contexts", UNIT_ONE, "Contexts that there are." },
	{ "vgpu_gpu_contexts_max", GAUGE, "max_contexts", UNIT_ONE, "Contexts that there can be." },
	{ "vgpu_gpu_slice_seconds", GAUGE, "slice_ns", UNIT_NS, "Time slice in force." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

static const struct metric vram_metrics[] = {
	{ "vgpu_gpu_memory_used_bytes", GAUGE, "used", UNIT_ONE, "Memory that is allocated." },
	{ "vgpu_gpu_memory_retired_bytes", GAUGE, "retired", UNIT_ONE, "Memory that went bad and is used no more." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

static const struct metric engine_metrics[] = {
	{ "vgpu_engine_busy_seconds_total", COUNTER, "busy_ns", UNIT_NS, "Engine time served." },
	{ "vgpu_engine_switches_total", COUNTER, "switches", UNIT_ONE, "Contexts changed." },
	{ "vgpu_engine_preemptions_total", COUNTER, "preemptions", UNIT_ONE, "Commands stopped midway." },
	{ "vgpu_engine_resets_total", COUNTER, "resets", UNIT_ONE, "Resets by force." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

static const struct metric sched_metrics[] = {
	{ "vgpu_engine_idle_seconds_total", COUNTER, "idle_ns", UNIT_NS, "Wall time in which nothing ran." },
	{ "vgpu_engine_switch_seconds_total", COUNTER, "switch_ns", UNIT_NS, "Wall time that switches took." },
	{ "vgpu_engine_policy_ejections_total", COUNTER, "ejections", UNIT_ONE, "Policies that broke their contract." },
	{ "vgpu_engine_queued", GAUGE, "queued", UNIT_ONE, "vGPUs and groups that wait for the engine." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

static const struct metric vgpu_metrics[] = {
	{ "vgpu_instance_weight", GAUGE, "weight", UNIT_ONE, "Share among the busy." },
	{ "vgpu_instance_clients", GAUGE, "clients", UNIT_ONE, "Who has it open." },
	{ "vgpu_instance_memory_limit_bytes", GAUGE, "vram_limit", UNIT_ONE, "Memory that it may have." },
	{ "vgpu_instance_memory_used_bytes", GAUGE, "vram_used", UNIT_ONE, "Memory that it has." },
	{ "vgpu_instance_memory_peak_bytes", GAUGE, "vram_peak", UNIT_ONE, "Most memory that it had." },
	{ "vgpu_instance_pinned_bytes", GAUGE, "pinned_bytes", UNIT_ONE, "Memory of programs that it has pinned." },
	{ "vgpu_instance_received_ratio", GAUGE, "received_permille", UNIT_PERMILLE, "Part of the engines' service that it had lately." },
	{ "vgpu_instance_entitled_ratio", GAUGE, "entitled_permille", UNIT_PERMILLE, "Part that it was entitled to meanwhile." },
	{ "vgpu_instance_busy_seconds_total", COUNTER, "busy_ns", UNIT_NS, "Engine time that it had." },
	{ "vgpu_instance_entitled_seconds_total", COUNTER, "entitled_ns", UNIT_NS, "Engine time that it was entitled to." },
	{ "vgpu_instance_throttled_seconds_total", COUNTER, "throttled_ns", UNIT_NS, "Wall time without turns, for its bandwidth." },
	{ "vgpu_instance_switches_total", COUNTER, "switches", UNIT_ONE, "Changes to its contexts." },
	{ "vgpu_instance_preemptions_total", COUNTER, "preemptions", UNIT_ONE, "Its commands stopped midway." },
	{ "vgpu_instance_commands_submitted_total", COUNTER, "submitted", UNIT_ONE, "Commands taken." },
	{ "vgpu_instance_commands_completed_total", COUNTER, "completed", UNIT_ONE, "Commands that ended well." },
	{ "vgpu_instance_commands_failed_total", COUNTER, "failed", UNIT_ONE, "Commands that did not." },
	{ "vgpu_instance_faults_total", COUNTER, "faults", UNIT_ONE, "Faults of its commands." },
	{ "vgpu_instance_resets_total", COUNTER, "resets", UNIT_ONE, "Resets of engines that did not stop for it." },
	{ "vgpu_instance_copied_bytes_total", COUNTER, "copied_bytes", UNIT_ONE, "Bytes copied and filled." },
	{ "vgpu_instance_deadlines_met_total", COUNTER, "deadlines_met", UNIT_ONE, "Commands that ended in time." },
	{ "vgpu_instance_deadlines_missed_total", COUNTER, "deadlines_missed", UNIT_ONE, "Commands that ended too late." },
	{ "vgpu_instance_quota_violations_total", COUNTER, "violations", UNIT_ONE, "Times that it asked for more than a quota." },
	{ "vgpu_instance_filtered_total", COUNTER, "filtered", UNIT_ONE, "Calls and commands refused for a right that it lacks." },
	{ "vgpu_instance_dumps_total", COUNTER, "dumps", UNIT_ONE, "Dumps that it caused." },
	{ "vgpu_instance_dumps_missed_total", COUNTER, "dumps_missed", UNIT_ONE, "Faults and hangs without one." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

static const struct metric latency_metrics[] = {
	{ "vgpu_instance_wakeup_seconds", "histogram", "wake", UNIT_NS, "From having work again to being served." },
	{ "vgpu_instance_queue_wait_seconds", "histogram", "wait", UNIT_NS, "Each wait in a run queue." },
	{ NULL, NULL, NULL, UNIT_ONE, NULL },
};

/* ---- words ------------------------------------------------------------------------ */

/* Names are somebody's who need not mean well: no quotes, no lines, nothing but ASCII. */
static void put_label(FILE *out, const char *name, const char *value, bool first)
{
	fprintf(out, "%s%s=\"", first ? "{" : ",", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		putc(*value >= ' ' && *value <= '~' ? *value : '?', out);
	}
	putc('"', out);
}

static void put_number_label(FILE *out, const char *name, struct json_object *obj,
			     const char *key, bool first)
{
	fprintf(out, "%s%s=\"%" PRIu64 "\"", first ? "{" : ",", name,
		json_u64(obj, key));
}

/* What all series of a GPU, an engine or a vGPU have; the brace stays open. */
typedef void (*labels_fn)(FILE *out, struct json_object *owner,
			  struct json_object *obj);

static void gpu_labels(FILE *out, struct json_object *gpu, struct json_object *obj)
{
	(void)obj;
	put_number_label(out, "gpu", gpu, "index", true);
}

static void engine_labels(FILE *out, struct json_object *gpu,
			  struct json_object *engine)
{
	put_number_label(out, "gpu", gpu, "index", true);
	put_number_label(out, "engine", engine, "index", false);
}

static void sched_labels(FILE *out, struct json_object *sched,
			 struct json_object *obj)
{
	(void)obj;
	put_number_label(out, "gpu", sched, "gpu", true);
	put_number_label(out, "engine", sched, "engine", false);
}

static void vgpu_labels(FILE *out, struct json_object *vgpu,
			struct json_object *obj)
{
	(void)obj;
	put_number_label(out, "gpu", vgpu, "gpu", true);
	put_number_label(out, "vgpu", vgpu, json_has(vgpu, "id") ? "id" : "vgpu",
			 false);
	put_label(out, "uuid", json_str(vgpu, "uuid"), false);
}

static void put_value(FILE *out, uint64_t value, enum unit unit)
{
	switch (unit) {
	case UNIT_ONE:
		fprintf(out, " %" PRIu64 "\n", value);
		break;
	case UNIT_NS:
		fprintf(out, " %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000,
			value % 1000000000);
		break;
	case UNIT_PERMILLE:
		fprintf(out, " %" PRIu64 ".%03" PRIu64 "\n", value / 1000,
			value % 1000);
		break;
	}
}

static void put_head(FILE *out, const char *name, const char *type,
		     const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- series ----------------------------------------------------------------------- */

/* Calls @each with every object that the metrics of a table are in. */
struct series {
	FILE *out;
	const struct metric *metric;
	labels_fn labels;
	bool begun;
};

static void put_sample(struct series *s, struct json_object *owner,
		       struct json_object *obj)
{
	const struct metric *m = s->metric;

	/* somebody else's, or of a kernel that has no such figure */
	if (!json_has(obj, m->key))
		return;
	if (!s->begun)
		put_head(s->out, m->name, m->type, m->help);
	s->begun = true;
	fputs(m->name, s->out);
	s->labels(s->out, owner, obj);
	putc('}', s->out);
	put_value(s->out, json_u64(obj, m->key), m->unit);
}

/*
 * Series of one name have to be together. @nested: key of the object, or of the array of
 * objects, in each of @all that has them; NULL: it has them itself.
 */
static void put_table(FILE *out, const struct metric *table, labels_fn labels,
		      struct json_object *all, const char *nested)
{
	struct json_object *owner, *obj;
	size_t i, k;

	for (; table->name; table++) {
		struct series s = { out, table, labels, false };

		for (i = 0; i < json_object_array_length(all); i++) {
			owner = json_object_array_get_idx(all, i);
			obj = owner;
			if (nested && !json_object_object_get_ex(owner, nested, &obj))
				continue;
			if (!json_object_is_type(obj, json_type_array)) {
				put_sample(&s, owner, obj);
				continue;
			}
			for (k = 0; k < json_object_array_length(obj); k++)
				put_sample(&s, owner,
					   json_object_array_get_idx(obj, k));
		}
	}
}

/*
 * The kernel's buckets are powers of two, and say below what; every second of them from
 * 1 us to 17 s is here.  What is exactly as long as a bound is counted above it.
 */
static void put_histogram(FILE *out, const char *name, struct json_object *vgpu,
			  struct json_object *h)
{
	struct json_object *list = NULL, *b;
	uint64_t sum, bound;
	size_t i, n = 0;

	if (json_object_object_get_ex(h, "bucket", &list))
		n = json_object_array_length(list);
	for (bound = 1 << 10; bound <= 1ULL << 34; bound <<= 2) {
		for (sum = 0, i = 0; i < n; i++) {
			b = json_object_array_get_idx(list, i);
			if (json_u64(b, "below_ns") <= bound)
				sum += json_u64(b, "count");
		}
		fprintf(out, "%s_bucket", name);
		vgpu_labels(out, vgpu, NULL);
		fprintf(out, ",le=\"%" PRIu64 ".%09" PRIu64 "\"} %" PRIu64 "\n",
			bound / 1000000000, bound % 1000000000, sum);
	}
	fprintf(out, "%s_bucket", name);
	vgpu_labels(out, vgpu, NULL);
	fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n%s_sum", json_u64(h, "count"), name);
	vgpu_labels(out, vgpu, NULL);
	putc('}', out);
	put_value(out, json_u64(h, "sum_ns"), UNIT_NS);
	fprintf(out, "%s_count", name);
	vgpu_labels(out, vgpu, NULL);
	putc('}', out);
	put_value(out, json_u64(h, "count"), UNIT_ONE);
}

static void put_histograms(FILE *out, struct json_object *sched)
{
	const struct metric *m;
	struct json_object *s, *h;
	bool begun;
	size_t i;

	for (m = latency_metrics; m->name; m++) {
		begun = false;
		for (i = 0; i < json_object_array_length(sched); i++) {
			s = json_object_array_get_idx(sched, i);
			if (!json_object_object_get_ex(s, m->key, &h))
				continue;
			if (!begun)
				put_head(out, m->name, m->type, m->help);
			begun = true;
			put_histogram(out, m->name, s, h);
		}
	}
}

/* Words, in a metric that is always 1. */
static void put_infos(FILE *out, struct json_object *gpus,
		      struct json_object *vgpus)
{
	static const char *const of_gpu[] = {
		"name", "driver", "device", "policy", "degrade", NULL,
	};
	static const char *const of_vgpu[] = {
		"type", "state", "group", "holder", NULL,
	};
	struct json_object *obj;
	size_t i, k;

	for (i = 0; i < json_object_array_length(gpus); i++) {
		obj = json_object_array_get_idx(gpus, i);
		if (!i)
			put_head(out, "vgpu_gpu_info", GAUGE, "What the GPU is, always 1.");
		fputs("vgpu_gpu_info", out);
		gpu_labels(out, obj, NULL);
		for (k = 0; of_gpu[k]; k++)
			put_label(out, of_gpu[k], json_str(obj, of_gpu[k]), false);
		fputs("} 1\n", out);
	}
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		obj = json_object_array_get_idx(vgpus, i);
		if (!i)
			put_head(out, "vgpu_instance_info", GAUGE, "What the vGPU is, and who has it, always 1.");
		fputs("vgpu_instance_info", out);
		vgpu_labels(out, obj, NULL);
		for (k = 0; of_vgpu[k]; k++)
			put_label(out, of_vgpu[k], json_str(obj, of_vgpu[k]), false);
		put_number_label(out, "pid", obj, "holder_pid", false);
		fputs("} 1\n", out);
	}
}

/* Those of an array that have @key. */
static struct json_object *with(struct json_object *all, const char *key)
{
	struct json_object *some = json_object_new_array(), *obj;
	size_t i;

	for (i = 0; i < json_object_array_length(all); i++) {
		obj = json_object_array_get_idx(all, i);
		if (json_has(obj, key))
			json_object_array_add(some, json_object_get(obj));
	}
	return some;
}

void print_metrics(FILE *out, struct json_object *gpus,
		   struct json_object *vgpus, struct json_object *sched)
{
	struct json_object *engines = with(sched, "engine");
	struct json_object *waits = with(sched, "vgpu");

	put_infos(out, gpus, vgpus);
	put_table(out, gpu_metrics, gpu_labels, gpus, NULL);
	put_table(out, vram_metrics, gpu_labels, gpus, "vram");
	put_table(out, engine_metrics, engine_labels, gpus, "engine");
	put_table(out, sched_metrics, sched_labels, engines, NULL);
	put_table(out, vgpu_metrics, vgpu_labels, vgpus, NULL);
	put_histograms(out, waits);
	json_object_put(engines);
	json_object_put(waits);
}

/* ---- the command --------------------------------------------------------------------- */

static int write_file(const char *path, struct json_object *gpus,
		      struct json_object *vgpus, struct json_object *sched)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	int code;

	if (!out)
		return fail(CTL_FAILED, errno, NULL, "no memory");
	print_metrics(out, gpus, vgpus, sched);
	if (fclose(out)) {
		free(text);
		return fail(CTL_FAILED, ENOMEM, NULL, "no memory");
	}
	/* who collects them is somebody else */
	code = write_whole(path, text, 0644);
	free(text);
	return code;
}

static int all_data(struct json_object **gpus, struct json_object **vgpus,
		    struct json_object **sched)
{
	int code = nl_open();

	if (!code)
		code = data_gpus(gpus);
	if (!code)
		code = data_vgpus(GPU_ALL, vgpus);
	if (!code)
		code = data_sched(GPU_ALL, sched);
	return code;
}

int cmd_metrics(struct args *args)
{
	struct json_object *gpus = NULL, *vgpus = NULL, *sched = NULL;
	const char *path = arg_option(args, "output");
	int code;

	if (json_output)
		return usage_error(args->command,
				   "metrics have a format of their own: `vgpuctl -j stats` has the same figures as JSON");
	code = all_data(&gpus, &vgpus, &sched);
	if (!code && path)
		code = write_file(path, gpus, vgpus, sched);
	else if (!code)
		print_metrics(stdout, gpus, vgpus, sched);
	json_object_put(gpus);
	json_object_put(vgpus);
	json_object_put(sched);
	return code;
}
