// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl config save, config load: GPUs' settings, vGPUs and rules of access, as a file
 * that brings them back after the next boot.
 *
 * A thing's settings are whatever a request to set it may have (attrs.c), so one that is
 * added to the netlink family is in the file by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/vgpu.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "config.h"
#include "data.h"
#include "decode.h"

#define CONFIG_FILE	"/etc/vgpu/config.json"

/* ---- what can be set ------------------------------------------------------------- */

/* Says of what, is made with it, or is no setting but what went wrong. */
static bool left_out(const char *name)
{
	return !strcmp(name, "index") || !strcmp(name, "id") ||
	       !strcmp(name, "uuid") || !strcmp(name, "degrade");
}

struct json_object *config_settings(struct json_object *of, const struct attr_set *set,
				    const uint16_t *settable)
{
	struct json_object *out = json_object_new_object(), *value;
	const struct attr *a;

	for (; *settable; settable++) {
		a = attr_by_id(set, *settable);
		/* a GPU's slice is the governor's, unless it was set by hand */
		if (left_out(a->name) ||
		    !json_object_object_get_ex(of, set == &attr_set_gpu &&
					       *settable == VGPU_A_GPU_SLICE_NS ?
					       "own_slice_ns" : a->name, &value))
			continue;
		/* it is in no group; it has no units of its own */
		if ((!strcmp(a->name, "group") && !*json_str(of, "group")) ||
		    (!strcmp(a->name, "group_weight") && !*json_str(of, "group")) ||
		    (!strcmp(a->name, "own_units") && !json_u64(of, "own_units")))
			continue;
		json_object_object_add(out, a->name, json_object_get(value));
	}
	return out;
}

/* ---- save ------------------------------------------------------------------------- */

static void add_gpus(struct json_object *all, struct json_object *gpus)
{
	struct json_object *array = json_object_new_array(), *one, *gpu;
	size_t i;

	for (i = 0; i < json_object_array_length(gpus); i++) {
		gpu = json_object_array_get_idx(gpus, i);
		one = json_object_new_object();
		json_object_object_add(one, "device",
				       json_object_new_string(json_str(gpu, "device")));
		json_object_object_add(one, "name",
				       json_object_new_string(json_str(gpu, "name")));
		json_object_object_add(one, "set",
				       config_settings(gpu, &attr_set_gpu,
						       attr_settable_gpu));
		json_object_array_add(array, one);
	}
	json_object_object_add(all, "gpus", array);
}

static void add_vgpus(struct json_object *all, struct json_object *gpus,
		      struct json_object *vgpus)
{
	struct json_object *array = json_object_new_array(), *one, *vgpu, *gpu;
	static const char *const texts[] = { "uuid", "type", "state" };
	size_t i, k;

	for (i = 0; i < json_object_array_length(vgpus); i++) {
		vgpu = json_object_array_get_idx(vgpus, i);
		gpu = data_find(gpus, "index", json_u64(vgpu, "gpu"));
		if (!gpu)
			continue;
		one = json_object_new_object();
		for (k = 0; k < sizeof(texts) / sizeof(*texts); k++)
			json_object_object_add(one, texts[k],
					       json_object_new_string(json_str(vgpu, texts[k])));
		json_object_object_add(one, "device",
				       json_object_new_string(json_str(gpu, "device")));
		json_object_object_add(one, "mdev",
				       json_object_new_boolean(json_flag(vgpu, "flags", "mdev")));
		json_object_object_add(one, "set",
				       config_settings(vgpu, &attr_set_vgpu,
						       attr_settable_vgpu));
		json_object_array_add(array, one);
	}
	json_object_object_add(all, "vgpus", array);
}

/* Control groups by their paths: their numbers are others after a boot. */
static int add_rules(struct json_object *all)
{
	struct json_object *rules, *rule;
	char path[256];
	size_t i;
	int code;

	code = data_rules(&rules);
	if (code)
		return code;
	for (i = json_object_array_length(rules); i--; ) {
		rule = json_object_array_get_idx(rules, i);
		if (!json_has(rule, "position")) {
			json_object_array_del_idx(rules, i, 1);
			continue;
		}
		json_object_object_del(rule, "hits");
		if (strcmp(json_str(rule, "who"), "cgroup"))
			continue;
		if (cgroup_path(json_u64(rule, "id"), path, sizeof(path))) {
			note("rule %zu is about a control group that is gone: left out", i);
			json_object_array_del_idx(rules, i, 1);
			continue;
		}
		json_object_object_del(rule, "id");
		json_object_object_add(rule, "cgroup", json_object_new_string(path));
	}
	/* where it is says its position */
	for (i = 0; i < json_object_array_length(rules); i++)
		json_object_object_del(json_object_array_get_idx(rules, i), "position");
	json_object_object_add(all, "access", rules);
	return CTL_OK;
}

int cmd_config_save(struct args *args)
{
	const char *to = args->argc ? args->argv[0] : CONFIG_FILE;
	struct json_object *all, *gpus, *vgpus;
	char path[4096];
	int code;

	code = data_gpus(&gpus);
	if (code)
		return code;
	code = data_vgpus(GPU_ALL, &vgpus);
	if (code) {
		json_object_put(gpus);
		return code;
	}
	if (json_object_array_length(vgpus) &&
	    data_reduced(json_object_array_get_idx(vgpus, 0)))
		code = fail(CTL_DEVICE, EPERM, "this needs root: try with sudo",
			    "settings of vGPUs are shown to root only");
	all = json_new();
	add_gpus(all, gpus);
	add_vgpus(all, gpus, vgpus);
	if (!code)
		code = add_rules(all);
	if (!code && !strcmp(to, "-")) {
		puts(json_object_to_json_string_ext(all, CONFIG_JSON));
	} else if (!code) {
		/* who may use what is nobody else's business */
		code = write_whole(root_path(path, sizeof(path), to),
				   json_object_to_json_string_ext(all, CONFIG_JSON), 0600);
		if (!code && !json_output)
			printf("%s: %zu GPUs, %zu vGPUs, %zu rules\n", to,
			       json_object_array_length(gpus),
			       json_object_array_length(vgpus),
			       json_object_array_length(json_object_object_get(all, "access")));
	}
	json_object_put(all);
	json_object_put(gpus);
	json_object_put(vgpus);
	return code;
}

/* ---- load: what is done, and what can't be ------------------------------------------ */

struct load {
	bool dry;
	struct json_object *gpus, *vgpus;	/* as they are */
	struct json_object *changes, *failures;
};

static void changed(struct load *l, const char *what, const char *key,
		    struct json_object *from, struct json_object *to)
{
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "what", json_object_new_string(what));
	json_object_object_add(one, "setting", json_object_new_string(key));
	if (from)
		json_object_object_add(one, "from", json_object_get(from));
	json_object_object_add(one, "to", json_object_get(to));
	json_object_array_add(l->changes, one);
	if (json_output)
		return;
	printf("%s: %s ", what, key);
	if (from)
		printf("%s -> ", json_object_to_json_string_ext(from, JSON_C_TO_STRING_PLAIN));
	printf("%s%s\n", json_object_to_json_string_ext(to, JSON_C_TO_STRING_PLAIN),
	       l->dry ? " (would be)" : "");
}

__attribute__((format(printf, 3, 4)))
static void failed(struct load *l, const char *what, const char *fmt, ...)
{
	struct json_object *one = json_object_new_object();
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_object_object_add(one, "what", json_object_new_string(what));
	json_object_object_add(one, "message", json_object_new_string(text));
	json_object_array_add(l->failures, one);
	fprintf(stderr, "vgpuctl: error: %s: %s\n", what, text);
}

static void refused(struct load *l, const char *what, const struct nl_result *r)
{
	failed(l, what, "%s%s%s", r->text[0] ? r->text : strerror(r->err),
	       r->attr ? ": " : "", r->attr ? r->attr : "");
}

/*
 * What of @want is not as in @is goes into @msg; how much that was, or -1 when the file
 * makes no sense.
 */
static int put_changes(struct load *l, const char *what, struct nl_msg *msg,
		       const struct attr_set *set, const uint16_t *settable,
		       struct json_object *want, struct json_object *is)
{
	const struct attr *a = NULL;
	const uint16_t *id;
	int count = 0;

	json_object_object_foreach(want, key, value) {
		struct json_object *now = json_object_object_get(is, key);

		if (now && json_object_equal(now, value))
			continue;
		for (id = settable; *id; id++) {
			a = attr_by_id(set, *id);
			if (!strcmp(a->name, key) && !left_out(key))
				break;
		}
		if (!*id || encode(msg, a, value)) {
			failed(l, what, "%s: the file says %s, which %s", key,
			       json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
			       *id ? "is no value of it" : "can't be set");
			return -1;
		}
		changed(l, what, key, now, value);
		count++;
	}
	return count;
}

static void set_changes(struct load *l, const char *what, struct nl_msg *msg,
			const struct attr_set *set, int count)
{
	struct nl_result result;

	if (count <= 0 || l->dry)
		nlmsg_free(msg);
	else if (nl_talk(msg, set, NULL, &result))
		refused(l, what, &result);
}

static struct json_object *find(struct json_object *array, const char *key,
				const char *text)
{
	struct json_object *one;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++) {
		one = json_object_array_get_idx(array, i);
		if (!strcasecmp(json_str(one, key), text))
			return one;
	}
	return NULL;
}

static struct json_object *array_of(struct json_object *all, const char *key)
{
	struct json_object *array = json_object_object_get(all, key);

	return json_object_is_type(array, json_type_array) ? array : NULL;
}

static struct json_object *settings_in(struct json_object *one)
{
	struct json_object *set = json_object_object_get(one, "set");

	return json_object_is_type(set, json_type_object) ? set : NULL;
}

static void load_gpu(struct load *l, struct json_object *saved)
{
	const char *device = json_str(saved, "device");
	struct json_object *gpu = find(l->gpus, "device", device), *is;
	struct nl_msg *msg;
	char what[32];

	if (!gpu) {
		failed(l, device, "there is no such GPU");
		return;
	}
	if (!settings_in(saved))
		return;
	snprintf(what, sizeof(what), "GPU %" PRIu64, json_u64(gpu, "index"));
	is = config_settings(gpu, &attr_set_gpu, attr_settable_gpu);
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, (uint32_t)json_u64(gpu, "index"));
	set_changes(l, what, msg, &attr_set_gpu,
		    put_changes(l, what, msg, &attr_set_gpu, attr_settable_gpu,
				settings_in(saved), is));
	json_object_put(is);
}

/* It is in l->vgpus then, or NULL. */
static struct json_object *make(struct load *l, struct json_object *saved)
{
	const char *uuid = json_str(saved, "uuid"), *type = json_str(saved, "type");
	struct json_object *gpu = find(l->gpus, "device", json_str(saved, "device"));
	struct json_object *vgpu = NULL, *text;
	struct nl_result result;
	struct vgpu_name name;
	struct nl_msg *msg;
	bool json = json_output;
	int code;

	if (!gpu) {
		failed(l, uuid, "there is no GPU %s", json_str(saved, "device"));
		return NULL;
	}
	text = json_object_new_string(type);
	changed(l, uuid, "type", NULL, text);
	json_object_put(text);
	if (l->dry)
		return NULL;
	parse_vgpu(uuid, &name);
	if (json_object_get_boolean(json_object_object_get(saved, "mdev"))) {
		json_output = false;
		code = mdev_create(gpu, type, uuid);
		json_output = json;
		if (code) {
			failed(l, uuid, "it can't be created");
			return NULL;
		}
	} else {
		msg = nl_request(VGPU_NL_CMD_VGPU_CREATE, 0);
		nla_put_u32(msg, VGPU_A_VGPU_GPU, (uint32_t)json_u64(gpu, "index"));
		nla_put_string(msg, VGPU_A_VGPU_TYPE, type);
		nla_put(msg, VGPU_A_VGPU_UUID, 16, name.uuid);
		if (nl_talk(msg, &attr_set_vgpu, NULL, &result)) {
			refused(l, uuid, &result);
			return NULL;
		}
	}
	if (data_vgpu(&name, &vgpu))
		return NULL;
	json_object_array_add(l->vgpus, vgpu);
	return vgpu;
}

static void move(struct load *l, const char *uuid, uint32_t verb)
{
	struct nl_msg *msg = nl_request(VGPU_NL_CMD_VGPU_VERB, 0);
	struct nl_result result;
	struct vgpu_name name;

	parse_vgpu(uuid, &name);
	nl_put_vgpu(msg, &name);
	nla_put_u32(msg, VGPU_A_VGPU_VERB, verb);
	if (nl_talk(msg, &attr_set_vgpu, NULL, &result))
		refused(l, uuid, &result);
}

/* What runs is let run; what ran when it was saved is started. */
static void load_state(struct load *l, struct json_object *saved, struct json_object *vgpu)
{
	const char *want = json_str(saved, "state"), *is = json_str(vgpu, "state");
	const char *uuid = json_str(saved, "uuid");
	bool paused = !strcmp(want, "paused");

	if (json_flag(vgpu, "flags", "mdev") ||
	    (strcmp(want, "running") && !paused) ||
	    (strcmp(is, "created") && strcmp(is, "stopped")))
		return;
	changed(l, uuid, "state", json_object_object_get(vgpu, "state"),
		json_object_object_get(saved, "state"));
	if (l->dry)
		return;
	move(l, uuid, VGPU_VERB_START);
	if (paused)
		move(l, uuid, VGPU_VERB_PAUSE);
}

static void load_vgpu(struct load *l, struct json_object *saved)
{
	const char *uuid = json_str(saved, "uuid");
	struct json_object *vgpu, *is;
	struct vgpu_name name;
	struct nl_msg *msg;
	uint8_t bytes[16];

	if (parse_uuid(uuid, bytes)) {
		failed(l, uuid, "this is no UUID");
		return;
	}
	vgpu = find(l->vgpus, "uuid", uuid) ?: make(l, saved);
	if (!vgpu)
		return;
	if (strcmp(json_str(vgpu, "type"), json_str(saved, "type"))) {
		failed(l, uuid, "there is one already, of the type %s, not %s",
		       json_str(vgpu, "type"), json_str(saved, "type"));
		return;
	}
	if (settings_in(saved)) {
		parse_vgpu(uuid, &name);
		is = config_settings(vgpu, &attr_set_vgpu, attr_settable_vgpu);
		msg = nl_request(VGPU_NL_CMD_VGPU_SET, 0);
		nl_put_vgpu(msg, &name);
		set_changes(l, uuid, msg, &attr_set_vgpu,
			    put_changes(l, uuid, msg, &attr_set_vgpu,
					attr_settable_vgpu, settings_in(saved), is));
		json_object_put(is);
	}
	load_state(l, saved, vgpu);
}

static void load_rule(struct load *l, struct json_object *saved, size_t number)
{
	struct nl_msg *msg = nl_request(VGPU_NL_CMD_ACCESS_ADD, 0);
	struct nl_result result;
	const struct attr *a;
	char what[32];
	uint64_t id;

	snprintf(what, sizeof(what), "rule %zu", number);
	json_object_object_foreach(saved, key, value) {
		if (!strcmp(key, "cgroup")) {
			if (cgroup_id(json_object_get_string(value) ?: "", &id)) {
				failed(l, what, "there is no control group %s",
				       json_object_get_string(value));
				goto out;
			}
			nla_put_u64(msg, VGPU_A_ACCESS_ID, id);
			continue;
		}
		for (a = attr_set_access.attrs; a->name; a++)
			if (!strcmp(a->name, key))
				break;
		if (!a->name || encode(msg, a, value)) {
			failed(l, what, "%s: makes no sense", key);
			goto out;
		}
	}
	changed(l, what, "add", NULL, saved);
	if (!l->dry) {
		if (nl_talk(msg, &attr_set_access, NULL, &result))
			refused(l, what, &result);
		return;
	}
out:
	nlmsg_free(msg);
}

/* Rules that are there are somebody's; which of both count is not for us to say. */
static void load_rules(struct load *l, struct json_object *saved)
{
	struct json_object *now = json_object_new_object();
	size_t i;

	if (!saved || !json_object_array_length(saved))
		goto out;
	if (add_rules(now)) {
		failed(l, "access", "rules can't be listed");
	} else if (!json_object_array_length(json_object_object_get(now, "access"))) {
		for (i = 0; i < json_object_array_length(saved); i++)
			load_rule(l, json_object_array_get_idx(saved, i), i);
	} else if (!json_object_equal(json_object_object_get(now, "access"), saved)) {
		failed(l, "access",
		       "there are other rules already; they stay (`vgpuctl access delete all`, then load again)");
	}
out:
	json_object_put(now);
}

/* ---- load ---------------------------------------------------------------------------- */

static int read_file(const char *from, struct json_object **all)
{
	char path[4096];
	uint64_t schema;

	*all = strcmp(from, "-") ? json_object_from_file(root_path(path, sizeof(path), from)) :
	       json_object_from_fd(STDIN_FILENO);
	if (!*all)
		return fail(CTL_FAILED, 0, "`vgpuctl config save` writes one",
			    "cannot read %s: %s", from, json_util_get_last_err() ?: "no JSON");
	schema = json_u64(*all, "schema");
	if (array_of(*all, "gpus") && array_of(*all, "vgpus") && schema == JSON_SCHEMA)
		return CTL_OK;
	json_object_put(*all);
	if (schema > JSON_SCHEMA)
		return fail(CTL_FAILED, EPROTONOSUPPORT, "use the vgpuctl that wrote it",
			    "%s is of schema %" PRIu64 ", newer than %u", from, schema,
			    JSON_SCHEMA);
	return fail(CTL_FAILED, EINVAL, "`vgpuctl config save` writes one",
		    "%s is no configuration of vGPUs", from);
}

/* Drivers of GPUs may still be on their way when a machine has just booted. */
static void wait_for_gpus(struct json_object *all, double seconds)
{
	struct json_object *wanted = array_of(all, "gpus"), *gpus;
	struct timespec pause = { .tv_nsec = 200000000 };
	size_t i;

	for (; seconds > 0; seconds -= 0.2) {
		if (nl_available() && !data_gpus(&gpus)) {
			for (i = 0; i < json_object_array_length(wanted); i++)
				if (!find(gpus, "device",
					  json_str(json_object_array_get_idx(wanted, i), "device")))
					break;
			json_object_put(gpus);
			if (i >= json_object_array_length(wanted))
				return;
		}
		nanosleep(&pause, NULL);
	}
}

static int load_all(struct load *l, struct json_object *all)
{
	struct json_object *array, *out;
	bool bad;
	size_t i;

	array = array_of(all, "gpus");
	for (i = 0; i < json_object_array_length(array); i++)
		load_gpu(l, json_object_array_get_idx(array, i));
	/* before anybody can come in */
	load_rules(l, array_of(all, "access"));
	array = array_of(all, "vgpus");
	for (i = 0; i < json_object_array_length(array); i++)
		load_vgpu(l, json_object_array_get_idx(array, i));

	bad = json_object_array_length(l->failures);
	if (!json_output && !bad && !json_object_array_length(l->changes))
		puts("all is as in the file");
	out = json_new();
	json_object_object_add(out, "dry_run", json_object_new_boolean(l->dry));
	json_object_object_add(out, "changes", l->changes);
	json_object_object_add(out, "failures", l->failures);
	if (json_output)
		print_json(out);
	else
		json_object_put(out);
	return bad ? CTL_FAILED : CTL_OK;
}

int cmd_config_load(struct args *args)
{
	const char *from = args->argc ? args->argv[0] : CONFIG_FILE;
	struct load l = { .dry = arg_option(args, "dry-run") };
	struct json_object *all;
	double seconds = 0;
	int code;

	if (arg_option(args, "wait") && parse_seconds(arg_option(args, "wait"), &seconds))
		return usage_error(args->command, "--wait '%s': give seconds",
				   arg_option(args, "wait"));
	code = read_file(from, &all);
	if (code)
		return code;
	wait_for_gpus(all, seconds);
	code = data_gpus(&l.gpus);
	if (!code) {
		code = data_vgpus(GPU_ALL, &l.vgpus);
		if (!code) {
			l.changes = json_object_new_array();
			l.failures = json_object_new_array();
			code = load_all(&l, all);
			json_object_put(l.vgpus);
		}
		json_object_put(l.gpus);
	}
	json_object_put(all);
	return code;
}
