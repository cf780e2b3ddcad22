// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl vgpu violations, and vgpuctl vgpu set --on-quota: who asked for more than a
 * quota, and what becomes of that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "show.h"
#include "table.h"

const char *format_resource(char *buf, const char *resource, uint64_t value)
{
	char rate[FORMAT_SIZE];

	if (!strcmp(resource, "memory"))
		return format_bytes(buf, value);
	if (!strcmp(resource, "bandwidth"))
		snprintf(rate, sizeof(rate), "%" PRIu64 ".%" PRIu64 " MB/s",
			 value / 1000000, value / 100000 % 10);
	else
		snprintf(rate, sizeof(rate), "%" PRIu64, value);
	return strcpy(buf, rate);
}

/* "memory=queue,bandwidth=preempt" */
static int put_actions(struct args *args, const char *text, struct nl_msg *msg)
{
	static const char *const resources[] = {
		"memory", "bandwidth", "contexts", "clients", "handles",
	};
	static const char *const actions[] = {
		"reject", "queue", "throttle", "preempt",
	};
	unsigned int i, a, n = sizeof(resources) / sizeof(resources[0]);
	const char *at = text;
	size_t len;

	do {
		len = strcspn(at, "=");
		for (i = 0; i < n; i++)
			if (strlen(resources[i]) == len &&
			    !strncmp(at, resources[i], len))
				break;
		at += len + (at[len] == '=');
		len = strcspn(at, ",");
		for (a = 0; a < 4; a++)
			if (strlen(actions[a]) == len &&
			    !strncmp(at, actions[a], len))
				break;
		if (i == n || a == 4)
			return usage_error(args->command,
					   "--on-quota '%s': give memory, bandwidth, contexts, clients or handles, = and reject, queue, throttle or preempt, with commas",
					   text);
		nla_put_u32(msg, VGPU_A_VGPU_ON_MEMORY + (int)i, a);
		at += len;
	} while (*at++);
	return CTL_OK;
}

int put_on_quota(struct args *args, struct nl_msg *msg)
{
	const char *on = arg_option(args, "on-quota");
	const char *wait = arg_option(args, "quota-wait");
	uint64_t ns;
	int code;

	if (on) {
		code = put_actions(args, on, msg);
		if (code)
			return code;
	}
	if (!wait)
		return CTL_OK;
	if (parse_time(wait, &ns))
		return usage_error(args->command,
				   "--quota-wait '%s': give a time with its unit, as 500ms or 5s",
				   wait);
	nla_put_u64(msg, VGPU_A_VGPU_QUOTA_WAIT_NS, ns);
	return CTL_OK;
}

static void violation_row(struct table *t, struct json_object *v)
{
	const char *resource = json_str(v, "resource");
	/* one copy, not a rate */
	const char *asked = !strcmp(resource, "bandwidth") ? "memory" : resource;
	char buf[FORMAT_SIZE], when[64];

	wall_clock((int64_t)json_u64(v, "wall_ns"), false, when, sizeof(when));
	table_row(t);
	table_cell(t, COLOR_NONE, "%s", when);
	table_cell(t, COLOR_BOLD, "%s", resource);
	table_cell(t, COLOR_NONE, "%s",
		   format_resource(buf, asked, json_u64(v, "asked")));
	table_cell(t, COLOR_NONE, "%s",
		   format_resource(buf, resource, json_u64(v, "used")));
	table_cell(t, COLOR_NONE, "%s",
		   format_resource(buf, resource, json_u64(v, "limit")));
	table_cell(t, COLOR_NONE, "%s", json_str(v, "action"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "count"));
	table_cell(t, COLOR_NONE, "%" PRIu64 " %s", json_u64(v, "pid"),
		   json_str(v, "comm"));
}

static void print_violations(struct json_object *log)
{
	struct json_object *list;
	struct table *t;
	size_t i;

	if (!json_object_object_get_ex(log, "violation", &list) ||
	    !json_object_array_length(list)) {
		puts("it never asked for more than a quota");
		return;
	}
	t = table_new(terminal_width());
	table_column(t, "TIME", false, 0);
	table_column(t, "OF", false, 0);
	table_column(t, "ASKED", true, 1);
	table_column(t, "IN USE", true, 2);
	table_column(t, "QUOTA", true, 2);
	table_column(t, "DONE", false, 0);
	table_column(t, "TIMES", true, 1);
	table_column(t, "BY", false, 3);
	for (i = 0; i < json_object_array_length(list); i++)
		violation_row(t, json_object_array_get_idx(list, i));
	table_print(t, stdout, 0);
	if (json_u64(log, "violations_lost"))
		note("%" PRIu64 " older entries are forgotten",
		     json_u64(log, "violations_lost"));
}

int cmd_vgpu_violations(struct args *args)
{
	struct json_object *answers, *log, *all;
	struct nl_result result;
	struct vgpu_name name;
	struct nl_msg *msg;
	char doing[96];
	int code;

	if (parse_vgpu(args->argv[0], &name))
		return usage_error(args->command,
				   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
				   args->argv[0]);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_VGPU_VIOLATIONS_GET, 0);
	nl_put_vgpu(msg, &name);
	answers = json_object_new_array();
	snprintf(doing, sizeof(doing), "violations of %.64s", args->argv[0]);
	if (nl_talk(msg, &attr_set_vgpu, answers, &result)) {
		code = nl_explain(&result, doing);
		goto out;
	}
	log = json_object_array_get_idx(answers, 0);
	if (json_output) {
		all = json_new();
		if (!json_has(log, "violation"))
			json_object_object_add(log, "violation",
					       json_object_new_array());
		json_object_object_add(all, "violations", json_object_get(log));
		code = print_json(all);
	} else {
		print_violations(log);
	}
out:
	json_object_put(answers);
	return code;
}
