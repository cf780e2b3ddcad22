// SPDX-License-Identifier: GPL-2.0
/*
 * The arithmetic of vgpuctl top.
 */
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "top.h"

typedef unsigned __int128 wide_t;

/* What @key grew by; it starts over when the vGPU is another one. */
static uint64_t grown(struct json_object *before, struct json_object *after,
		      const char *key)
{
	uint64_t a = before ? json_u64(before, key) : 0;
	uint64_t b = json_u64(after, key);

	return b > a ? b - a : 0;
}

static uint64_t permille(uint64_t part, uint64_t whole)
{
	if (!whole)
		return 0;
	return (uint64_t)(((wide_t)part * 1000 + whole / 2) / whole);
}

/* Numbers are used again; UUIDs are not. */
static struct json_object *same_vgpu(struct json_object *vgpus,
				     struct json_object *vgpu)
{
	struct json_object *one = data_find(vgpus, "id", json_u64(vgpu, "id"));

	if (one && strcmp(json_str(one, "uuid"), json_str(vgpu, "uuid")))
		return NULL;
	return one;
}

static void add(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static void copy(struct json_object *to, struct json_object *from,
		 const char *key)
{
	struct json_object *value;

	if (json_object_object_get_ex(from, key, &value))
		json_object_object_add(to, key, json_object_get(value));
}

/* Sum of what @key of all engines of a GPU grew by. */
static uint64_t engines_grown(struct json_object *before,
			      struct json_object *after, const char *key)
{
	struct json_object *a = NULL, *b, *old;
	uint64_t sum = 0;
	size_t i;

	if (!json_object_object_get_ex(after, "engine", &b))
		return 0;
	if (before)
		json_object_object_get_ex(before, "engine", &a);
	for (i = 0; i < json_object_array_length(b); i++) {
		old = a && i < json_object_array_length(a) ?
		      json_object_array_get_idx(a, i) : NULL;
		sum += grown(old, json_object_array_get_idx(b, i), key);
	}
	return sum;
}

/* Those that are shared, and those that vGPUs have for themselves. */
static uint64_t engines_at_work(struct json_object *gpu)
{
	struct json_object *engines;
	uint64_t count = 0;
	size_t i;

	if (!json_object_object_get_ex(gpu, "engine", &engines))
		return json_u64(gpu, "engines");
	for (i = 0; i < json_object_array_length(engines); i++)
		count += !data_spare(json_object_array_get_idx(engines, i));
	return count;
}

static struct json_object *sample_gpu(const struct reading *before,
				      struct json_object *gpu,
				      uint64_t interval)
{
	struct json_object *old = data_find(before->gpus, "index",
					    json_u64(gpu, "index"));
	struct json_object *obj = json_object_new_object(), *vram;
	uint64_t busy = engines_grown(old, gpu, "busy_ns");
	uint64_t most = interval * engines_at_work(gpu);

	copy(obj, gpu, "index");
	copy(obj, gpu, "name");
	copy(obj, gpu, "device");
	copy(obj, gpu, "policy");
	add(obj, "busy_permille", permille(busy < most ? busy : most, most));
	add(obj, "busy_ns", busy);
	add(obj, "switches", engines_grown(old, gpu, "switches"));
	add(obj, "preemptions", engines_grown(old, gpu, "preemptions"));
	add(obj, "resets", engines_grown(old, gpu, "resets"));
	copy(obj, gpu, "vram_bytes");
	if (json_object_object_get_ex(gpu, "vram", &vram))
		add(obj, "vram_used", json_u64(vram, "used"));
	return obj;
}

/* What all vGPUs of a GPU together got, and were entitled to. */
static void sum_gpu(const struct reading *before, const struct reading *after,
		    uint64_t gpu, uint64_t *busy, uint64_t *entitled)
{
	struct json_object *vgpu, *old;
	size_t i;

	*busy = 0;
	*entitled = 0;
	for (i = 0; i < json_object_array_length(after->vgpus); i++) {
		vgpu = json_object_array_get_idx(after->vgpus, i);
		if (json_u64(vgpu, "gpu") != gpu)
			continue;
		old = same_vgpu(before->vgpus, vgpu);
		*busy += grown(old, vgpu, "busy_ns");
		*entitled += grown(old, vgpu, "entitled_ns");
	}
}

static struct json_object *sample_vgpu(const struct reading *before,
				       const struct reading *after,
				       struct json_object *vgpu,
				       uint64_t interval)
{
	static const char *const same[] = {
		"id", "uuid", "gpu", "type", "state", "clients", "holder_pid",
		"holder", "weight", "priority", "vram_used", "vram_limit", NULL
	};
	static const char *const counters[] = {
		"busy_ns", "entitled_ns", "wait_ns", "slices", "switches",
		"preemptions", "submitted", "completed", "failed", "faults",
		"resets", "copied_bytes", "throttled_ns", NULL
	};
	struct json_object *old = same_vgpu(before->vgpus, vgpu);
	struct json_object *obj = json_object_new_object();
	uint64_t busy, entitled, mine, slices, most;
	int i;

	for (i = 0; same[i]; i++)
		copy(obj, vgpu, same[i]);
	sum_gpu(before, after, json_u64(vgpu, "gpu"), &busy, &entitled);
	mine = grown(old, vgpu, "busy_ns");
	slices = grown(old, vgpu, "slices");
	add(obj, "received_permille", permille(mine, busy));
	add(obj, "entitled_permille",
	    permille(grown(old, vgpu, "entitled_ns"), entitled));
	/*
	 * Of the time that one engine has.  An engine's clock may run faster
	 * than ours; together they are busy no more than always.
	 */
	most = busy > interval ? busy : interval;
	add(obj, "busy_permille", permille(mine, most));
	add(obj, "wait_avg_ns",
	    slices ? grown(old, vgpu, "wait_ns") / slices : 0);
	for (i = 0; counters[i]; i++)
		add(obj, counters[i], grown(old, vgpu, counters[i]));
	return obj;
}

struct json_object *top_sample(const struct reading *before,
			       const struct reading *after)
{
	struct json_object *obj = json_new(), *gpus, *vgpus;
	uint64_t interval = after->time_ns - before->time_ns;
	size_t i;

	gpus = json_object_new_array();
	for (i = 0; i < json_object_array_length(after->gpus); i++)
		json_object_array_add(gpus,
				      sample_gpu(before,
						 json_object_array_get_idx(after->gpus, i),
						 interval));
	vgpus = json_object_new_array();
	for (i = 0; i < json_object_array_length(after->vgpus); i++)
		json_object_array_add(vgpus,
				      sample_vgpu(before, after,
						  json_object_array_get_idx(after->vgpus, i),
						  interval));
	add(obj, "time_ns", after->time_ns);
	add(obj, "interval_ns", interval);
	json_object_object_add(obj, "gpus", gpus);
	json_object_object_add(obj, "vgpus", vgpus);
	return obj;
}
