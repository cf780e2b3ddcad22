/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vgpuctl share.
 *
 * A command gets its data as JSON (data.h), whether it comes by netlink or,
 * in a VM, from the node, and prints either that (-j) or a table made of it.
 * Functions that can fail print what went wrong themselves and return an
 * exit code, 0 when all is well.
 */
#ifndef VGPUCTL_H
#define VGPUCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define VGPUCTL_VERSION	"0.1"
/* Raised when a field goes away or changes its meaning; new fields may come. */
#define JSON_SCHEMA	1

enum {
	CTL_OK = 0,
	CTL_FAILED = 1,		/* refused, or went wrong */
	CTL_USAGE = 2,		/* the command line makes no sense */
	CTL_DEVICE = 3,		/* no module, no such device, no permission */
	CTL_TIMEOUT = 4,
};

extern bool json_output;	/* -j */
extern bool json_pretty;	/* -p */
extern bool color_output;	/* stdout takes colours */

/* ---- commands.c, main.c, help.c, docs.c ----------------------------------- */

/* What a word stands for, so that the shell can complete it. */
enum arg_kind {
	ARG_NONE,		/* a flag */
	ARG_TEXT,
	ARG_NUMBER,
	ARG_GPU,
	ARG_TYPE,
	ARG_VGPU,
	ARG_UUID,
	ARG_SIZE,
	ARG_TIME,
	ARG_GROUP,
	ARG_POLICY,
	ARG_TARGET,		/* a GPU or a vGPU */
	ARG_STRATEGY,
	ARG_GOVERNOR,
	ARG_RIGHTS,
	ARG_FORMAT,
	ARG_FOLDER,
	ARG_MODE,
	ARG_MODES,
	ARG_SWITCH,
	ARG_DEGRADE,
	ARG_RULE,
	ARG_COLOR,
	ARG_TUNE,
	ARG_SWITCHED,
};

struct option_desc {
	char letter;		/* or 0 */
	const char *name;	/* NULL: end of the table */
	const char *metavar;	/* NULL: a flag */
	enum arg_kind kind;
	const char *help;
};

struct example {
	const char *line;	/* NULL: end of the table */
	const char *says;
};

struct args;

struct command {
	const char *noun;	/* NULL: end of the table */
	const char *verb;	/* NULL: the noun is the whole command */
	const char *args;	/* as in a synopsis, "" when none */
	enum arg_kind arg;	/* what its arguments are */
	unsigned int min, max;	/* how many */
	const char *help;	/* one line, no full stop */
	const char *more;	/* paragraphs, or NULL */
	const struct option_desc *options;	/* or NULL */
	const struct example *examples;
	int (*handler)(struct args *args);
	int (*raw)(int argc, char **argv);	/* parses its own line */
};

extern const struct command commands[];
extern const struct option_desc global_options[];

#define MAX_OPTIONS	16

struct args {
	const struct command *command;
	const char *values[MAX_OPTIONS];	/* by index in command->options */
	char **argv;		/* arguments that are no options */
	int argc;
};

/* NULL when not given; a flag that is given has the value "". */
const char *arg_option(const struct args *args, const char *name);

const struct command *command_find(const char *noun, const char *verb);
bool command_is_noun(const char *noun);

int cmd_help(struct args *args);
void help_overview(void);
void help_noun(const char *noun);
void help_command(const struct command *cmd);
/* Formats "[--gpu GPU] ID..." into @buf. */
void help_synopsis(const struct command *cmd, char *buf, size_t size);
int docs_man(void);
int docs_bash(void);
int docs_json(void);

/* cmd_*: one for each line of the table */
int cmd_gpu_list(struct args *args);
int cmd_gpu_show(struct args *args);
int cmd_gpu_set(struct args *args);
int cmd_gpu_recover(struct args *args);
int cmd_gpu_scan(struct args *args);
int cmd_gpu_select(struct args *args);
int cmd_mem_show(struct args *args);
int cmd_mem_set(struct args *args);
int cmd_mem_defrag(struct args *args);
int cmd_type_list(struct args *args);
int cmd_vgpu_list(struct args *args);
int cmd_vgpu_show(struct args *args);
int cmd_vgpu_create(struct args *args);
int cmd_vgpu_verb(struct args *args);
int cmd_vgpu_destroy(struct args *args);
int cmd_vgpu_set(struct args *args);
int cmd_vgpu_violations(struct args *args);
int cmd_vgpu_save(struct args *args);
int cmd_vgpu_restore(struct args *args);
int cmd_image_show(struct args *args);
int cmd_dump_show(struct args *args);
int cmd_sched_show(struct args *args);
int cmd_sched_set(struct args *args);
int cmd_access_list(struct args *args);
int cmd_access_add(struct args *args);
int cmd_access_delete(struct args *args);
int cmd_config_save(struct args *args);
int cmd_config_load(struct args *args);
int cmd_top(struct args *args);
int cmd_events(struct args *args);
int cmd_stats(struct args *args);
int cmd_qemu(struct args *args);
int cmd_cdi(struct args *args);
int cmd_trace(struct args *args);
int cmd_metrics(struct args *args);
int cmd_monitor_show(struct args *args);
int cmd_monitor_set(struct args *args);
int cmd_report(struct args *args);
int cmd_run(int argc, char **argv);
extern const char cmd_run_help[];

/* ---- error.c ---------------------------------------------------------------- */

/*
 * Says what went wrong, and with @hint what to do; as JSON too when that was
 * asked for.  @err: errno or 0.  Returns @code.
 */
__attribute__((format(printf, 4, 5)))
int fail(int code, int err, const char *hint, const char *fmt, ...);
/* The same; with JSON it goes into @obj (as print_json() takes it), beside what is known. */
__attribute__((format(printf, 5, 6)))
int fail_in(struct json_object *obj, int code, int err, const char *hint,
	    const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
int usage_error(const struct command *cmd, const char *fmt, ...);
__attribute__((format(printf, 1, 2)))
void note(const char *fmt, ...);
/* The exit code that fits an errno. */
int code_of(int err);

/* ---- file.c ---- */

/* Who reads @path finds what was there, or all of @text.  An exit code. */
int write_whole(const char *path, const char *text, unsigned int mode);

/* ---- output.c ------------------------------------------------------------------ */

/* Prints an object with the schema's number in front; frees it. */
int print_json(struct json_object *obj);
struct json_object *json_new(void);	/* { "schema": N } */

uint64_t json_u64(struct json_object *obj, const char *key);
const char *json_str(struct json_object *obj, const char *key);	/* "" without */
bool json_has(struct json_object *obj, const char *key);
/* Has the array of strings at @key that one? */
bool json_flag(struct json_object *obj, const char *key, const char *flag);

/* ---- parse.c --------------------------------------------------------------------- */

/* "64M", "1GiB", "4096": bytes, multiples of 1024. 0 or -1. */
int parse_size(const char *text, uint64_t *bytes);
/* "2ms", "500us", "1s": nanoseconds; the unit is needed. */
int parse_time(const char *text, uint64_t *ns);
/* "25%", "12.5": hundredths of a per cent, up to 100 %. */
int parse_percent(const char *text, uint64_t *hundredths);
int parse_number(const char *text, uint64_t max, uint64_t *value);
/*
 * "all,-share", "map,queue", "none": the bits that @names has names for, from left
 * to right. 0 or -1.
 */
struct attr_enum;
int parse_flags(const char *text, const struct attr_enum *names, uint32_t *flags);
int parse_seconds(const char *text, double *seconds);
int parse_uuid(const char *text, uint8_t uuid[16]);
void format_uuid(const uint8_t uuid[16], char text[37]);

/* Which vGPU a word means: "3", "v3" or a UUID. */
struct vgpu_name {
	bool by_uuid;
	uint32_t id;
	uint8_t uuid[16];
};

int parse_vgpu(const char *text, struct vgpu_name *name);
/* "0" or "gpu0" */
int parse_gpu(const char *text, uint32_t *index);

#endif /* VGPUCTL_H */
