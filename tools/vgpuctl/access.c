// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl access list, add, delete: who may open which vGPU, and when.
 */
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "table.h"

#define CGROUPS	"/sys/fs/cgroup"

static const char *const day_names[] = {
	"mon", "tue", "wed", "thu", "fri", "sat", "sun",
};

static const struct attr_enum days_enum = { .names = day_names, .count = 7 };

/* ---- what is given ------------------------------------------------------------ */

static int put_user(struct args *args, const char *text, struct nl_msg *msg)
{
	const struct passwd *pw = getpwnam(text);
	uint64_t id = pw ? pw->pw_uid : 0;

	if (!pw && parse_number(text, UINT32_MAX - 1, &id))
		return usage_error(args->command, "--uid '%s': no such user", text);
	nla_put_u32(msg, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_UID);
	nla_put_u64(msg, VGPU_A_ACCESS_ID, id);
	return CTL_OK;
}

static int put_group(struct args *args, const char *text, struct nl_msg *msg)
{
	const struct group *gr = getgrnam(text);
	uint64_t id = gr ? gr->gr_gid : 0;

	if (!gr && parse_number(text, UINT32_MAX - 1, &id))
		return usage_error(args->command, "--gid '%s': no such group", text);
	nla_put_u32(msg, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_GID);
	nla_put_u64(msg, VGPU_A_ACCESS_ID, id);
	return CTL_OK;
}

/* The number of a control group is that of its directory. */
int cgroup_id(const char *path, uint64_t *id)
{
	char full[4096], root[4096];
	struct stat st;

	snprintf(full, sizeof(full), CGROUPS "/%.2000s", path);
	if (stat(root_path(root, sizeof(root), full), &st) || !S_ISDIR(st.st_mode))
		return -1;
	*id = st.st_ino;
	return 0;
}

static int put_cgroup(struct args *args, const char *text, struct nl_msg *msg)
{
	uint64_t id;

	if (cgroup_id(text, &id))
		return usage_error(args->command,
				   "--cgroup '%s': no such directory below " CGROUPS,
				   text);
	nla_put_u32(msg, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_CGROUP);
	nla_put_u64(msg, VGPU_A_ACCESS_ID, id);
	return CTL_OK;
}

static int put_who(struct args *args, struct nl_msg *msg)
{
	const char *uid = arg_option(args, "uid"), *gid = arg_option(args, "gid");
	const char *cgroup = arg_option(args, "cgroup");

	if (!!uid + !!gid + !!cgroup > 1)
		return usage_error(args->command,
				   "give one of --uid, --gid and --cgroup");
	if (uid)
		return put_user(args, uid, msg);
	if (gid)
		return put_group(args, gid, msg);
	if (cgroup)
		return put_cgroup(args, cgroup, msg);
	nla_put_u32(msg, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_ANY);
	return CTL_OK;
}

/* "0,2" */
static int put_gpus(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "gpu");
	char one[24];
	uint64_t gpus = 0;
	uint32_t index;
	size_t len;

	if (!text)
		return CTL_OK;
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		snprintf(one, sizeof(one), "%.*s", (int)len, text);
		if (len >= sizeof(one) || parse_gpu(one, &index) || index >= 64)
			return usage_error(args->command,
					   "--gpu '%s': give numbers of GPUs, with commas",
					   arg_option(args, "gpu"));
		gpus |= 1ull << index;
		if (!text[len])
			break;
	}
	nla_put_u64(msg, VGPU_A_ACCESS_GPUS, gpus);
	return CTL_OK;
}

/* Rules know vGPUs by their UUIDs, which stay the same. */
static int put_one(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "vgpu");
	struct json_object *vgpu;
	struct vgpu_name name;
	int code;

	if (!text)
		return CTL_OK;
	if (parse_vgpu(text, &name))
		return usage_error(args->command,
				   "--vgpu '%s' is no vGPU: give a number (3 or v3) or a UUID",
				   text);
	if (!name.by_uuid) {
		code = data_vgpu(&name, &vgpu);
		if (code)
			return code;
		parse_uuid(json_str(vgpu, "uuid"), name.uuid);
		json_object_put(vgpu);
	}
	nla_put(msg, VGPU_A_ACCESS_VGPU, sizeof(name.uuid), name.uuid);
	return CTL_OK;
}

static int put_days(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "days");
	uint32_t days;

	if (!text)
		return CTL_OK;
	if (parse_flags(text, &days_enum, &days) || !days)
		return usage_error(args->command,
				   "--days '%s': give mon, tue, … with commas; all,-sun works, too",
				   text);
	nla_put_u32(msg, VGPU_A_ACCESS_DAYS, days);
	return CTL_OK;
}

static int put_time(struct args *args, const char *option, struct nl_msg *msg,
		    int attr)
{
	const char *text = arg_option(args, option);
	unsigned int hour, minute;
	char end;

	if (!text)
		return CTL_OK;
	if (sscanf(text, "%2u:%2u%c", &hour, &minute, &end) != 2 || hour > 23 ||
	    minute > 59)
		return usage_error(args->command,
				   "--%s '%s': give a time, as 18:30, in UTC",
				   option, text);
	nla_put_u32(msg, attr, hour * 60 + minute);
	return CTL_OK;
}

static int put_rule(struct args *args, struct nl_msg *msg)
{
	const char *verdict = args->argv[0];
	int code;

	if (strcmp(verdict, "allow") && strcmp(verdict, "deny"))
		return usage_error(args->command, "'%s': give allow or deny",
				   verdict);
	if (!arg_option(args, "from") != !arg_option(args, "to"))
		return usage_error(args->command,
				   "--from and --to go together");
	nla_put_u32(msg, VGPU_A_ACCESS_VERDICT, !strcmp(verdict, "allow") ?
		    VGPU_NL_VERDICT_ALLOW : VGPU_NL_VERDICT_DENY);
	code = put_who(args, msg);
	if (!code)
		code = put_gpus(args, msg);
	if (!code)
		code = put_one(args, msg);
	if (!code)
		code = put_days(args, msg);
	if (!code)
		code = put_time(args, "from", msg, VGPU_A_ACCESS_FROM);
	if (!code)
		code = put_time(args, "to", msg, VGPU_A_ACCESS_TO);
	if (!code)
		code = put_number(args, "at", 0, UINT32_MAX - 1, msg,
				  VGPU_A_ACCESS_POSITION, false);
	return code;
}

/* ---- what comes of it ------------------------------------------------------------ */

static int change(struct args *args, struct nl_msg *msg, const char *doing)
{
	bool dry = arg_option(args, "dry-run");
	struct json_object *answers = json_object_new_array(), *all;
	struct nl_result result;
	uint64_t cut = 0;

	if (dry)
		nla_put_flag(msg, VGPU_A_ACCESS_DRY_RUN);
	if (nl_talk(msg, &attr_set_access, answers, &result)) {
		json_object_put(answers);
		return nl_explain(&result, doing);
	}
	if (json_object_array_length(answers) == 1)
		cut = json_u64(json_object_array_get_idx(answers, 0), "cut");
	json_object_put(answers);
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "cut", json_object_new_uint64(cut));
		json_object_object_add(all, "dry_run",
				       json_object_new_boolean(dry));
		return print_json(all);
	}
	if (dry)
		printf("would cut off %" PRIu64 " of those who have a vGPU open\n",
		       cut);
	else if (cut)
		printf("%" PRIu64 " of those who had a vGPU open were cut off\n",
		       cut);
	return CTL_OK;
}

int cmd_access_add(struct args *args)
{
	struct nl_msg *msg;
	int code;

	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_ACCESS_ADD, 0);
	code = put_rule(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	return change(args, msg, "cannot add a rule");
}

int cmd_access_delete(struct args *args)
{
	const char *which = args->argv[0];
	struct nl_msg *msg;
	uint64_t at = 0;
	int code;

	if (strcmp(which, "all") && parse_number(which, UINT32_MAX - 1, &at))
		return usage_error(args->command,
				   "'%s': give the number of a rule, or all", which);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_ACCESS_DELETE, 0);
	if (strcmp(which, "all"))
		nla_put_u32(msg, VGPU_A_ACCESS_POSITION, (uint32_t)at);
	else
		nla_put_flag(msg, VGPU_A_ACCESS_ALL);
	return change(args, msg, "cannot delete it");
}

/* ---- list ------------------------------------------------------------------------- */

static uint64_t wanted;
static char found[256];

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_D || st->st_ino != wanted)
		return 0;
	snprintf(found, sizeof(found), "%s", path);
	return 1;
}

int cgroup_path(uint64_t id, char *path, size_t size)
{
	char root[4096];
	size_t skip;

	wanted = id;
	root_path(root, sizeof(root), CGROUPS);
	skip = strlen(root);
	if (nftw(root, look, 8, FTW_PHYS | FTW_MOUNT) != 1)
		return -1;
	snprintf(path, size, "%s", found[skip] ? found + skip : "/");
	return 0;
}

static void cgroup_cell(struct table *t, uint64_t id)
{
	char path[256];

	if (!cgroup_path(id, path, sizeof(path)))
		table_cell(t, COLOR_NONE, "cgroup %s", path);
	else
		table_cell(t, COLOR_NONE, "cgroup %" PRIu64 " (gone)", id);
}

static void name_cell(struct table *t, const char *kind, const char *name,
		      uint64_t id)
{
	if (name)
		table_cell(t, COLOR_NONE, "%s %s", kind, name);
	else
		table_cell(t, COLOR_NONE, "%s %" PRIu64, kind, id);
}

static void who_cell(struct table *t, struct json_object *rule)
{
	const char *who = json_str(rule, "who");
	uint64_t id = json_u64(rule, "id");
	const struct passwd *pw;
	const struct group *gr;

	if (!strcmp(who, "uid")) {
		pw = getpwuid((uid_t)id);
		name_cell(t, "user", pw ? pw->pw_name : NULL, id);
	} else if (!strcmp(who, "gid")) {
		gr = getgrgid((gid_t)id);
		name_cell(t, "group", gr ? gr->gr_name : NULL, id);
	} else if (!strcmp(who, "cgroup")) {
		cgroup_cell(t, id);
	} else {
		table_cell(t, COLOR_NONE, json_has(rule, "position") ?
			   "anybody" : "anybody else");
	}
}

static void what_cell(struct table *t, struct json_object *rule)
{
	uint64_t gpus = json_u64(rule, "gpus");
	char text[300] = "", *at = text;
	unsigned int i;

	if (json_has(rule, "vgpu")) {
		table_cell(t, COLOR_NONE, "%s", json_str(rule, "vgpu"));
		return;
	}
	if (!json_has(rule, "gpus")) {
		table_cell(t, COLOR_NONE, "all");
		return;
	}
	for (i = 0; i < 64; i++)
		if (gpus >> i & 1)
			at += sprintf(at, "%s%u", at == text ? "GPU " : ",", i);
	table_cell(t, COLOR_NONE, "%s", text);
}

static void when_cell(struct table *t, struct json_object *rule)
{
	uint64_t from = json_u64(rule, "from"), to = json_u64(rule, "to");
	struct json_object *days = json_object_object_get(rule, "days");
	char text[64] = "", *at = text;
	size_t i, n = days ? json_object_array_length(days) : 7;

	for (i = 0; n < 7 && i < n; i++)
		at += sprintf(at, "%s%s", i ? "," : "",
			      json_object_get_string(json_object_array_get_idx(days, i)));
	if (from != to)
		sprintf(at, "%s%02u:%02u to %02u:%02u", *text ? " " : "",
			(unsigned int)from / 60, (unsigned int)from % 60,
			(unsigned int)to / 60, (unsigned int)to % 60);
	table_cell(t, COLOR_NONE, "%s", *text ? text : "always");
}

static void rule_row(struct table *t, struct json_object *rule)
{
	bool allow = !strcmp(json_str(rule, "verdict"), "allow");

	table_row(t);
	if (json_has(rule, "position"))
		table_cell(t, COLOR_BOLD, "%" PRIu64, json_u64(rule, "position"));
	else
		table_cell(t, COLOR_NONE, "-");
	table_cell(t, allow ? COLOR_GREEN : COLOR_RED, allow ? "allow" : "deny");
	who_cell(t, rule);
	what_cell(t, rule);
	when_cell(t, rule);
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(rule, "hits"));
}

int data_rules(struct json_object **rules)
{
	struct nl_result result;
	int code = nl_open();

	if (code)
		return code;
	*rules = json_object_new_array();
	if (!nl_talk(nl_request(VGPU_NL_CMD_ACCESS_GET, NLM_F_DUMP),
		     &attr_set_access, *rules, &result))
		return CTL_OK;
	json_object_put(*rules);
	return nl_explain(&result, "cannot list rules");
}

int cmd_access_list(struct args *args)
{
	struct json_object *rules, *all;
	struct table *t;
	size_t i;
	int code;

	(void)args;
	code = data_rules(&rules);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "rules", rules);
		return print_json(all);
	}
	if (!json_object_array_length(rules)) {
		puts("no rules: the nodes' permissions alone count");
		json_object_put(rules);
		return CTL_OK;
	}
	t = table_new(terminal_width());
	table_column(t, "RULE", true, 0);
	table_column(t, "SAYS", false, 0);
	table_column(t, "WHO", false, 0);
	table_column(t, "VGPUS", false, 1);
	table_column(t, "WHEN (UTC)", false, 0);
	table_column(t, "DECIDED", true, 2);
	for (i = 0; i < json_object_array_length(rules); i++)
		rule_row(t, json_object_array_get_idx(rules, i));
	table_print(t, stdout, 0);
	json_object_put(rules);
	return CTL_OK;
}
