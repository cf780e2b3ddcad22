/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where commands get their data: the netlink family on the host, the nodes
 * in a VM.  Objects and arrays are the caller's (json_object_put).
 */
#ifndef VGPUCTL_DATA_H
#define VGPUCTL_DATA_H

#include "attrs.h"
#include "vgpuctl.h"

struct nl_msg;

#define GPU_ALL	UINT32_MAX

/* ---- data.c ---- */
int data_gpus(struct json_object **gpus);
int data_gpu(uint32_t index, struct json_object **gpu);
int data_types(uint32_t gpu, struct json_object **types);
int data_vgpus(uint32_t gpu, struct json_object **vgpus);
int data_vgpu(const struct vgpu_name *name, struct json_object **vgpu);
/* The scheduler's figures: engines, then vGPUs, of one GPU or all. */
int data_sched(uint32_t gpu, struct json_object **all);
/* What lies where in the memory of a GPU. */
int data_mem_map(uint32_t gpu, struct json_object **map);
/* The samples that a GPU keeps, from number @from on. */
int data_history(uint32_t gpu, uint64_t from, struct json_object **history);
/* The element of @array whose @key is @value, or NULL; borrowed. */
struct json_object *data_find(struct json_object *array, const char *key,
			      uint64_t value);
/* Were figures left out because we are not root? */
bool data_reduced(struct json_object *vgpu);
/* An engine without compute units: nobody uses it. */
bool data_spare(struct json_object *engine);

/* ---- access.c ---- */
int data_rules(struct json_object **rules);
/* A control group's path below the root of all, and its number; 0 or -1. */
int cgroup_path(uint64_t id, char *path, size_t size);
int cgroup_id(const char *path, uint64_t *id);

/* ---- manage.c ---- */
/* The number that @option has goes to @msg, if it is there; an exit code. */
int put_number(struct args *args, const char *option, uint64_t min,
	       uint64_t max, struct nl_msg *msg, int attr, bool wide);

/* ---- monitor.c ---- */
/* A figure, and a knob, by their names, in their units; @buf is FORMAT_SIZE. */
const char *format_figure(char *buf, const char *figure, uint64_t value);
const char *format_knob(char *buf, const char *knob, uint64_t value);
/* --tune-* go to @msg, if they are there; an exit code. */
int put_tuning(struct args *args, struct nl_msg *msg);
bool any_tuning(struct args *args);
/* Of what is not off, a line. */
void print_tuning(struct json_object *gpu);

/* ---- quota.c, events.c ---- */
/* Of what there is a quota of, in its unit; @buf is FORMAT_SIZE. */
const char *format_resource(char *buf, const char *resource, uint64_t value);
/* --on-quota and --quota-wait go to @msg, if they are there; an exit code. */
int put_on_quota(struct args *args, struct nl_msg *msg);
/* CLOCK_REALTIME, @utc as 2026-01-31T12:00:00.123456Z, else the time of day. */
void wall_clock(int64_t ns, bool utc, char *buf, size_t size);

/* ---- node.c: a VM has no netlink family ---- */
bool node_any(void);
int node_list(struct json_object **vgpus);
int node_show(const struct vgpu_name *name, struct json_object **vgpu);

/* ---- qemu.c ---- */
/* What comes after -device for the mediated device of that UUID; @buf. */
const char *qemu_device(const char *uuid, char *buf, size_t size);

/* ---- mdev.c: mediated devices are made and unmade through sysfs ---- */
int mdev_create(struct json_object *gpu, const char *type, const char *uuid);
int mdev_remove(const char *uuid);
/* A file below the root that VGPUCTL_ROOT names, for tests. */
const char *root_path(char *buf, size_t size, const char *path);

/* ---- nl.c ---- */
struct nl_result {
	int err;		/* errno, 0 when all went well */
	char text[128];		/* the kernel's sentence, or "" */
	const char *attr;	/* the attribute to blame, or NULL */
};

/* CTL_OK, or prints why there is none. */
int nl_open(void);
/* Is there a family? Says nothing. */
bool nl_available(void);
struct nl_msg *nl_request(int command, int flags);
void nl_put_vgpu(struct nl_msg *msg, const struct vgpu_name *name);
/*
 * Sends @msg (freed), and adds each answer, decoded with @set, to the array
 * @answers (may be NULL).  Returns 0 or -1 with @result filled in.
 */
int nl_talk(struct nl_msg *msg, const struct attr_set *set,
	    struct json_object *answers, struct nl_result *result);
/* Prints @result after @doing ("cannot create a vGPU"); an exit code. */
int nl_explain(const struct nl_result *result, const char *doing);

typedef int (*nl_event_fn)(struct json_object *event, void *arg);
/* Joins the groups whose bit (enum nl_group) is set; an exit code. */
enum nl_group {
	NL_GROUP_LIFECYCLE	= 1,
	NL_GROUP_QUOTA		= 2,
	NL_GROUP_HEALTH		= 4,
	NL_GROUP_GOVERNOR	= 8,
	NL_GROUP_MEMORY		= 16,
	NL_GROUP_PERFORMANCE	= 32,
};

#define NL_GROUPS	6

extern const char *const nl_group_names[NL_GROUPS];

int nl_listen(unsigned int groups);
int nl_listen_fd(void);
/*
 * Reads what is there; @fn is called for each event and stops the reading
 * with something else than 0, which is returned.  -1: errno tells.
 */
int nl_listen_read(nl_event_fn fn, void *arg);

#endif /* VGPUCTL_DATA_H */
