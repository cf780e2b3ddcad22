// SPDX-License-Identifier: GPL-2.0
/*
 * Lists and single objects, by netlink.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>

#include "data.h"

struct json_object *data_find(struct json_object *array, const char *key,
			      uint64_t value)
{
	struct json_object *one;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++) {
		one = json_object_array_get_idx(array, i);
		if (json_has(one, key) && json_u64(one, key) == value)
			return one;
	}
	return NULL;
}

bool data_reduced(struct json_object *vgpu)
{
	return !json_has(vgpu, "weight");
}

bool data_spare(struct json_object *engine)
{
	return json_has(engine, "units") && !json_u64(engine, "units");
}

static int talk(struct nl_msg *msg, const struct attr_set *set,
		struct json_object **answers, const char *doing)
{
	struct nl_result result;

	*answers = json_object_new_array();
	if (!nl_talk(msg, set, *answers, &result))
		return CTL_OK;
	json_object_put(*answers);
	*answers = NULL;
	return nl_explain(&result, doing);
}

/* The only element of @array, which is freed. */
static int only(struct json_object *array, struct json_object **one)
{
	if (json_object_array_length(array) != 1) {
		json_object_put(array);
		return fail(CTL_FAILED, EPROTO, NULL,
			    "the kernel gave no answer");
	}
	*one = json_object_get(json_object_array_get_idx(array, 0));
	json_object_put(array);
	return CTL_OK;
}

static void complete_gpu(struct json_object *gpu)
{
	/* netlink says "no" by leaving it out */
	if (!json_has(gpu, "unplugged"))
		json_object_object_add(gpu, "unplugged",
				       json_object_new_boolean(false));
}

static void complete_vgpu(struct json_object *vgpu)
{
	char path[80];

	if (!data_reduced(vgpu) && !json_has(vgpu, "group"))
		json_object_object_add(vgpu, "group",
				       json_object_new_string(""));

	if (json_flag(vgpu, "flags", "mdev")) {
		snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s",
			 json_str(vgpu, "uuid"));
		json_object_object_add(vgpu, "mdev",
				       json_object_new_string(path));
	} else {
		snprintf(path, sizeof(path), "/dev/vgpu/v%u",
			 (unsigned int)json_u64(vgpu, "id"));
		json_object_object_add(vgpu, "node",
				       json_object_new_string(path));
	}
}

int data_gpus(struct json_object **gpus)
{
	size_t i;
	int code;

	code = nl_open();
	if (code)
		return code;
	code = talk(nl_request(VGPU_NL_CMD_GPU_GET, NLM_F_DUMP), &attr_set_gpu,
		    gpus, "cannot list GPUs");
	for (i = 0; !code && i < json_object_array_length(*gpus); i++)
		complete_gpu(json_object_array_get_idx(*gpus, i));
	return code;
}

int data_gpu(uint32_t index, struct json_object **gpu)
{
	struct json_object *answers;
	struct nl_msg *msg;
	char doing[64];
	int code;

	code = nl_open();
	if (code)
		return code;
	snprintf(doing, sizeof(doing), "cannot show GPU %u", index);
	msg = nl_request(VGPU_NL_CMD_GPU_GET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	code = talk(msg, &attr_set_gpu, &answers, doing);
	if (!code)
		code = only(answers, gpu);
	if (!code)
		complete_gpu(*gpu);
	return code;
}

int data_mem_map(uint32_t gpu, struct json_object **map)
{
	struct json_object *answers;
	struct nl_msg *msg;
	char doing[64];
	int code;

	code = nl_open();
	if (code)
		return code;
	snprintf(doing, sizeof(doing), "cannot show the memory of GPU %u", gpu);
	msg = nl_request(VGPU_NL_CMD_MEM_MAP_GET, 0);
	nla_put_u32(msg, VGPU_A_MEM_MAP_INDEX, gpu);
	code = talk(msg, &attr_set_mem_map, &answers, doing);
	return code ? code : only(answers, map);
}

int data_history(uint32_t gpu, uint64_t from, struct json_object **history)
{
	struct nl_msg *msg;
	char doing[64];
	int code;

	code = nl_open();
	if (code)
		return code;
	snprintf(doing, sizeof(doing), "cannot show the history of GPU %u", gpu);
	msg = nl_request(VGPU_NL_CMD_HISTORY_GET, NLM_F_DUMP);
	nla_put_u32(msg, VGPU_A_HISTORY_GPU, gpu);
	if (from)
		nla_put_u64(msg, VGPU_A_HISTORY_FROM, from);
	return talk(msg, &attr_set_history, history, doing);
}

int data_types(uint32_t gpu, struct json_object **types)
{
	struct nl_msg *msg;
	int code;

	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_TYPE_GET, NLM_F_DUMP);
	if (gpu != GPU_ALL)
		nla_put_u32(msg, VGPU_A_TYPE_GPU, gpu);
	return talk(msg, &attr_set_type, types, "cannot list types");
}

int data_sched(uint32_t gpu, struct json_object **all)
{
	struct nl_msg *msg;
	int code;

	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_SCHED_GET, NLM_F_DUMP);
	if (gpu != GPU_ALL)
		nla_put_u32(msg, VGPU_A_SCHED_GPU, gpu);
	return talk(msg, &attr_set_sched, all, "cannot show the scheduler");
}

int data_vgpus(uint32_t gpu, struct json_object **vgpus)
{
	struct nl_msg *msg;
	size_t i;
	int code;

	if (!nl_available() && node_any())
		return node_list(vgpus);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_VGPU_GET, NLM_F_DUMP);
	if (gpu != GPU_ALL)
		nla_put_u32(msg, VGPU_A_VGPU_GPU, gpu);
	code = talk(msg, &attr_set_vgpu, vgpus, "cannot list vGPUs");
	for (i = 0; !code && i < json_object_array_length(*vgpus); i++)
		complete_vgpu(json_object_array_get_idx(*vgpus, i));
	return code;
}

int data_vgpu(const struct vgpu_name *name, struct json_object **vgpu)
{
	struct json_object *answers;
	struct nl_msg *msg;
	int code;

	if (!nl_available() && node_any())
		return node_show(name, vgpu);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_VGPU_GET, 0);
	nl_put_vgpu(msg, name);
	code = talk(msg, &attr_set_vgpu, &answers, "cannot look it up");
	if (!code)
		code = only(answers, vgpu);
	if (!code)
		complete_vgpu(*vgpu);
	return code;
}
