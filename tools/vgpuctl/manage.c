// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl vgpu create, start, pause, resume, stop, destroy, set.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/vgpu.h>
#include <linux/vgpu_dump.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "table.h"

static int bad_vgpu(const struct command *cmd, const char *text)
{
	return usage_error(cmd,
			   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
			   text);
}

/* ---- quotas, as create and set take them -------------------------------- */

int put_number(struct args *args, const char *option, uint64_t min,
	       uint64_t max, struct nl_msg *msg, int attr, bool wide)
{
	const char *text = arg_option(args, option);
	uint64_t v;

	if (!text)
		return CTL_OK;
	if (parse_number(text, max, &v) || v < min)
		return usage_error(args->command,
				   max == UINT64_MAX ?
				   "--%s '%s': give a number" :
				   "--%s '%s': give a number from %" PRIu64 " to %" PRIu64,
				   option, text, min, max);
	if (wide)
		nla_put_u64(msg, attr, v);
	else
		nla_put_u32(msg, attr, (uint32_t)v);
	return CTL_OK;
}

static int put_quotas(struct args *args, struct nl_msg *msg)
{
	int code;

	code = put_number(args, "weight", VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX,
			  msg, VGPU_A_VGPU_WEIGHT, false);
	if (!code)
		code = put_number(args, "priority", 0, VGPU_PRIORITY_MAX, msg,
				  VGPU_A_VGPU_PRIORITY, false);
	if (!code)
		code = put_number(args, "bandwidth", 0, UINT64_MAX, msg,
				  VGPU_A_VGPU_BANDWIDTH_MBPS, true);
	if (!code)
		code = put_number(args, "units", 0, 64, msg,
				  VGPU_A_VGPU_OWN_UNITS, false);
	return code;
}

static bool any_quota(struct args *args)
{
	return arg_option(args, "weight") || arg_option(args, "priority") ||
	       arg_option(args, "bandwidth") || arg_option(args, "units");
}

/* ---- create ----------------------------------------------------------------- */

/* Names of the types of @gpu, as "1g.32m, 2g.64m". */
static void type_names(struct json_object *types, uint32_t gpu, char *buf,
		       size_t size)
{
	struct json_object *type;
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < json_object_array_length(types); i++) {
		type = json_object_array_get_idx(types, i);
		if (gpu != GPU_ALL && json_u64(type, "gpu") != gpu)
			continue;
		if (strstr(buf, json_str(type, "name")))
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
					len ? ", " : "",
					json_str(type, "name"));
		if (len >= size)
			return;
	}
}

static int no_type(struct json_object *types, const char *type, uint32_t gpu)
{
	char names[256], hint[300];

	type_names(types, gpu, names, sizeof(names));
	snprintf(hint, sizeof(hint), "available: %s", names);
	if (gpu == GPU_ALL)
		return fail(CTL_FAILED, ENOENT, hint, "no GPU has a type %s",
			    type);
	return fail(CTL_FAILED, ENOENT, hint, "no type %s on gpu %u", type, gpu);
}

/*
 * Finds the GPU: the one that was asked for, or the one that has most room
 * for the type.
 */
static int pick_gpu(struct args *args, const char *type, uint32_t *gpu)
{
	const char *asked = arg_option(args, "gpu");
	struct json_object *types, *one;
	uint64_t best = 0;
	bool found = false;
	size_t i;
	int code;

	*gpu = GPU_ALL;
	if (asked && parse_gpu(asked, gpu))
		return usage_error(args->command,
				   "--gpu '%s' is no GPU: give a number", asked);
	code = data_types(*gpu, &types);
	if (code)
		return code;
	if (!json_object_array_length(types)) {
		json_object_put(types);
		return fail(CTL_DEVICE, ENODEV,
			    "the software GPU comes with `modprobe vgpu_soft`",
			    "there is no GPU");
	}
	for (i = 0; i < json_object_array_length(types); i++) {
		one = json_object_array_get_idx(types, i);
		if (strcmp(json_str(one, "name"), type) ||
		    (found && json_u64(one, "available") <= best))
			continue;
		found = true;
		best = json_u64(one, "available");
		if (!asked)
			*gpu = (uint32_t)json_u64(one, "gpu");
	}
	if (!found)
		code = no_type(types, type, *gpu);
	json_object_put(types);
	return code;
}

static int new_uuid(char text[37])
{
	int fd = open("/proc/sys/kernel/random/uuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 36);

	if (fd >= 0)
		close(fd);
	if (n != 36)
		return fail(CTL_FAILED, errno, "give --uuid",
			    "cannot make up a UUID: %s", strerror(errno));
	text[36] = '\0';
	return CTL_OK;
}

static int create_node(struct args *args, uint32_t gpu, const char *type,
		       const uint8_t *uuid, struct vgpu_name *name)
{
	struct json_object *answers;
	struct nl_result result;
	struct nl_msg *msg;
	int code = CTL_OK;

	msg = nl_request(VGPU_NL_CMD_VGPU_CREATE, 0);
	nla_put_u32(msg, VGPU_A_VGPU_GPU, gpu);
	nla_put_string(msg, VGPU_A_VGPU_TYPE, type);
	if (uuid)
		nla_put(msg, VGPU_A_VGPU_UUID, 16, uuid);
	code = put_quotas(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	answers = json_object_new_array();
	if (nl_talk(msg, &attr_set_vgpu, answers, &result))
		code = nl_explain(&result, "cannot create a vGPU");
	else if (json_object_array_length(answers) != 1)
		code = fail(CTL_FAILED, EPROTO, NULL,
			    "the kernel gave no answer");
	else
		parse_vgpu(json_str(json_object_array_get_idx(answers, 0),
				    "uuid"), name);
	json_object_put(answers);
	return code;
}

static int set_quotas(struct args *args, const struct vgpu_name *name)
{
	struct nl_result result;
	struct nl_msg *msg;
	int code;

	msg = nl_request(VGPU_NL_CMD_VGPU_SET, 0);
	nl_put_vgpu(msg, name);
	code = put_quotas(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	if (nl_talk(msg, &attr_set_vgpu, NULL, &result))
		return nl_explain(&result, "cannot set its quotas");
	return CTL_OK;
}

/* sysfs knows only the UUID; quotas follow by netlink. */
static int create_mdev(struct args *args, uint32_t gpu, const char *type,
		       struct vgpu_name *name)
{
	struct json_object *parent;
	char uuid[37];
	int code;

	if (arg_option(args, "uuid")) {
		snprintf(uuid, sizeof(uuid), "%s", arg_option(args, "uuid"));
	} else {
		code = new_uuid(uuid);
		if (code)
			return code;
	}
	code = data_gpu(gpu, &parent);
	if (code)
		return code;
	code = mdev_create(parent, type, uuid);
	json_object_put(parent);
	if (code)
		return code;
	parse_vgpu(uuid, name);
	if (any_quota(args)) {
		code = set_quotas(args, name);
		if (code)
			mdev_remove(uuid);
	}
	return code;
}

static int talk_verb(const struct vgpu_name *name, uint32_t verb,
		     struct nl_result *result)
{
	struct nl_msg *msg = nl_request(VGPU_NL_CMD_VGPU_VERB, 0);

	nl_put_vgpu(msg, name);
	nla_put_u32(msg, VGPU_A_VGPU_VERB, verb);
	return nl_talk(msg, &attr_set_vgpu, NULL, result);
}

static int print_created(const struct vgpu_name *name)
{
	struct json_object *vgpu, *all;
	char device[256];
	int code;

	code = data_vgpu(name, &vgpu);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "vgpu", vgpu);
		return print_json(all);
	}
	printf("v%" PRIu64 "  %s  %s on GPU %" PRIu64 ", %s\n",
	       json_u64(vgpu, "id"), json_str(vgpu, "uuid"),
	       json_str(vgpu, "type"), json_u64(vgpu, "gpu"),
	       json_str(vgpu, "state"));
	if (json_has(vgpu, "mdev"))
		printf("attach it to a VM: qemu-system-x86_64 ... -device %s\n"
		       "         with libvirt: vgpuctl qemu %s --libvirt\n",
		       qemu_device(json_str(vgpu, "uuid"), device,
				   sizeof(device)), json_str(vgpu, "uuid"));
	else if (strcmp(json_str(vgpu, "state"), "running"))
		printf("start it: vgpuctl vgpu start v%" PRIu64 "\n",
		       json_u64(vgpu, "id"));
	else
		printf("its node: %s\n", json_str(vgpu, "node"));
	json_object_put(vgpu);
	return CTL_OK;
}

int cmd_vgpu_create(struct args *args)
{
	const char *type = arg_option(args, "type");
	const char *uuid = arg_option(args, "uuid");
	struct nl_result result;
	struct vgpu_name name;
	uint8_t bytes[16];
	uint32_t gpu;
	int code;

	if (!type)
		return usage_error(args->command,
				   "--type is missing: see `vgpuctl type list`");
	if (uuid && parse_uuid(uuid, bytes))
		return usage_error(args->command,
				   "--uuid '%s' is no UUID (as 12345678-1234-1234-1234-123456789abc)",
				   uuid);
	if (arg_option(args, "mdev") && arg_option(args, "start"))
		return usage_error(args->command,
				   "--start: a mediated device starts when a VM opens it");
	code = nl_open();
	if (!code)
		code = pick_gpu(args, type, &gpu);
	if (code)
		return code;

	if (arg_option(args, "mdev"))
		code = create_mdev(args, gpu, type, &name);
	else
		code = create_node(args, gpu, type, uuid ? bytes : NULL, &name);
	if (!code && arg_option(args, "start") &&
	    talk_verb(&name, VGPU_VERB_START, &result))
		code = nl_explain(&result, "it was created, but cannot be started");
	return code ? code : print_created(&name);
}

/* ---- verbs --------------------------------------------------------------------- */

static uint32_t verb_number(const char *word)
{
	static const char *const words[] = {
		[VGPU_VERB_START] = "start", [VGPU_VERB_PAUSE] = "pause",
		[VGPU_VERB_RESUME] = "resume", [VGPU_VERB_STOP] = "stop",
	};
	uint32_t i;

	for (i = VGPU_VERB_START; i <= VGPU_VERB_STOP; i++)
		if (!strcmp(words[i], word))
			return i;
	return 0;
}

/* Names are checked before anything is done. */
static int check_names(struct args *args)
{
	struct vgpu_name name;
	int i;

	for (i = 0; i < args->argc; i++)
		if (parse_vgpu(args->argv[i], &name))
			return bad_vgpu(args->command, args->argv[i]);
	return CTL_OK;
}

static int print_done(struct json_object *done, const char *key)
{
	struct json_object *all = json_new();

	json_object_object_add(all, key, done);
	return print_json(all);
}

int cmd_vgpu_verb(struct args *args)
{
	struct json_object *done, *vgpu;
	struct nl_result result;
	struct vgpu_name name;
	char doing[96];
	int i, code;

	code = check_names(args);
	if (!code)
		code = nl_open();
	if (code)
		return code;

	done = json_object_new_array();
	for (i = 0; i < args->argc; i++) {
		parse_vgpu(args->argv[i], &name);
		if (talk_verb(&name, verb_number(args->command->verb), &result)) {
			snprintf(doing, sizeof(doing), "%s %.64s",
				 args->command->verb, args->argv[i]);
			code = nl_explain(&result, doing);
			break;
		}
		code = data_vgpu(&name, &vgpu);
		if (code)
			break;
		if (!json_output)
			printf("v%" PRIu64 " is %s\n", json_u64(vgpu, "id"),
			       json_str(vgpu, "state"));
		json_object_array_add(done, vgpu);
	}
	if (!code && json_output)
		return print_done(done, "vgpus");
	json_object_put(done);
	return code;
}

/* ---- destroy --------------------------------------------------------------------- */

static int destroy_mdev(struct json_object *vgpu)
{
	if (json_u64(vgpu, "clients"))
		return fail(CTL_FAILED, EBUSY,
			    "shut the VM down, or detach the device from it, first",
			    "destroy v%" PRIu64 ": it is held by PID %" PRIu64 " (%s)",
			    json_u64(vgpu, "id"), json_u64(vgpu, "holder_pid"),
			    json_str(vgpu, "holder"));
	return mdev_remove(json_str(vgpu, "uuid"));
}

static int destroy_one(struct json_object *vgpu)
{
	struct nl_result result;
	struct vgpu_name name;
	struct nl_msg *msg;
	char doing[64];

	if (json_flag(vgpu, "flags", "mdev"))
		return destroy_mdev(vgpu);
	/* by the UUID, as the number may mean another one meanwhile */
	parse_vgpu(json_str(vgpu, "uuid"), &name);
	msg = nl_request(VGPU_NL_CMD_VGPU_DESTROY, 0);
	nl_put_vgpu(msg, &name);
	if (!nl_talk(msg, &attr_set_vgpu, NULL, &result))
		return CTL_OK;
	snprintf(doing, sizeof(doing), "destroy v%u",
		 (unsigned int)json_u64(vgpu, "id"));
	if (result.err == EBUSY && result.text[0])
		return fail(CTL_FAILED, EBUSY, "end that program first",
			    "%s: %s", doing, result.text);
	return nl_explain(&result, doing);
}

int cmd_vgpu_destroy(struct args *args)
{
	struct json_object *done, *vgpu;
	struct vgpu_name name;
	int i, code;

	code = check_names(args);
	if (!code)
		code = nl_open();
	if (code)
		return code;

	done = json_object_new_array();
	for (i = 0; i < args->argc; i++) {
		parse_vgpu(args->argv[i], &name);
		code = data_vgpu(&name, &vgpu);
		if (code)
			break;
		code = destroy_one(vgpu);
		if (code) {
			json_object_put(vgpu);
			break;
		}
		if (!json_output)
			printf("v%" PRIu64 " is no more\n",
			       json_u64(vgpu, "id"));
		json_object_array_add(done, vgpu);
	}
	if (!code && json_output)
		return print_done(done, "destroyed");
	json_object_put(done);
	return code;
}

/* ---- set --------------------------------------------------------------------------- */

static int put_vram(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "vram");
	uint64_t bytes;

	if (!text)
		return CTL_OK;
	if (parse_size(text, &bytes) || !bytes)
		return usage_error(args->command,
				   "--vram '%s': give a size, as 64M or 1G",
				   text);
	nla_put_u64(msg, VGPU_A_VGPU_VRAM_LIMIT, bytes);
	return CTL_OK;
}

static int put_allow(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "allow");
	const struct attr *attr = attr_set_vgpu.attrs;
	uint32_t rights;

	if (!text)
		return CTL_OK;
	while (attr->id != VGPU_A_VGPU_ALLOW)
		attr++;
	if (parse_flags(text, attr->values, &rights))
		return usage_error(args->command,
				   "--allow '%s': give all, none, or or names with commas, -NAME to take one away (see --help)",
				   text);
	nla_put_u32(msg, VGPU_A_VGPU_ALLOW, rights);
	return CTL_OK;
}

static int put_pad(struct args *args, struct nl_msg *msg, const char *option,
		   int attr)
{
	const char *text = arg_option(args, option);
	uint64_t ns = 0;

	if (!text)
		return CTL_OK;
	if (strcmp(text, "0") && (parse_time(text, &ns) || !ns))
		return usage_error(args->command,
				   "--%s '%s': give a time with its unit, as 100us, or 0",
				   option, text);
	nla_put_u64(msg, attr, ns);
	return CTL_OK;
}

int cmd_vgpu_set(struct args *args)
{
	struct json_object *vgpu, *all;
	struct nl_result result;
	struct vgpu_name name;
	struct nl_msg *msg;
	char doing[96];
	int code;

	if (parse_vgpu(args->argv[0], &name))
		return bad_vgpu(args->command, args->argv[0]);
	if (!any_quota(args) && !arg_option(args, "vram") &&
	    !arg_option(args, "allow") && !arg_option(args, "on-quota") &&
	    !arg_option(args, "quota-wait") && !arg_option(args, "pad") &&
	    !arg_option(args, "pad-jitter") && !arg_option(args, "dump-limit"))
		return usage_error(args->command,
				   "nothing to set: give --weight, --priority, --bandwidth, --vram, --units, --allow, --on-quota, --quota-wait, --pad, --pad-jitter or --dump-limit");
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_VGPU_SET, 0);
	nl_put_vgpu(msg, &name);
	code = put_quotas(args, msg);
	if (!code)
		code = put_vram(args, msg);
	if (!code)
		code = put_allow(args, msg);
	if (!code)
		code = put_on_quota(args, msg);
	if (!code)
		code = put_pad(args, msg, "pad", VGPU_A_VGPU_PAD_NS);
	if (!code)
		code = put_pad(args, msg, "pad-jitter", VGPU_A_VGPU_PAD_JITTER_NS);
	if (!code)
		code = put_number(args, "dump-limit", 0, VGPU_DUMP_LIMIT_MAX, msg,
				  VGPU_A_VGPU_DUMP_LIMIT, false);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	snprintf(doing, sizeof(doing), "set %.64s", args->argv[0]);
	if (nl_talk(msg, &attr_set_vgpu, NULL, &result))
		return nl_explain(&result, doing);

	code = data_vgpu(&name, &vgpu);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "vgpu", vgpu);
		return print_json(all);
	}
	printf("v%" PRIu64 "  weight %" PRIu64 ", priority %" PRIu64,
	       json_u64(vgpu, "id"), json_u64(vgpu, "weight"),
	       json_u64(vgpu, "priority"));
	if (json_u64(vgpu, "bandwidth_mbps"))
		printf(", bandwidth %" PRIu64 " MB/s",
		       json_u64(vgpu, "bandwidth_mbps"));
	if (json_u64(vgpu, "own_units"))
		printf(", %" PRIu64 " units of its own",
		       json_u64(vgpu, "own_units"));
	printf(", memory %s\n", format_bytes(doing, json_u64(vgpu, "vram_limit")));
	json_object_put(vgpu);
	return CTL_OK;
}
