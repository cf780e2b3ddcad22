// SPDX-License-Identifier: GPL-2.0
/*
 * What went wrong, for people and for programs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "progress.h"
#include "text.h"
#include "vgpuctl.h"

int code_of(int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
	case ENODEV:
	case ENXIO:
		return CTL_DEVICE;
	case ETIMEDOUT:
	case ETIME:
		return CTL_TIMEOUT;
	default:
		return CTL_FAILED;
	}
}

static void error_json(struct json_object *obj, int code, int err,
		       const char *message, const char *hint)
{
	struct json_object *e = json_object_new_object();

	obj = obj ? obj : json_new();
	json_object_object_add(e, "message", json_object_new_string(message));
	if (hint)
		json_object_object_add(e, "hint", json_object_new_string(hint));
	if (err && strerrorname_np(err))
		json_object_object_add(e, "errno",
				       json_object_new_string(strerrorname_np(err)));
	json_object_object_add(e, "exit", json_object_new_int(code));
	json_object_object_add(obj, "error", e);
	print_json(obj);
}

__attribute__((format(printf, 5, 0)))
static int vfail(struct json_object *obj, int code, int err, const char *hint,
		 const char *fmt, va_list ap)
{
	char message[512], *clean;

	vsnprintf(message, sizeof(message), fmt, ap);
	/* the kernel's sentences name programs, which name themselves */
	clean = text_visible(message, NULL);
	progress_show(NULL);
	fprintf(stderr, "vgpuctl: error: %s\n", clean);
	free(clean);
	if (hint)
		fprintf(stderr, "vgpuctl: hint: %s\n", hint);
	if (json_output)
		error_json(obj, code, err, message, hint);
	return code;
}

int fail(int code, int err, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = vfail(NULL, code, err, hint, fmt, ap);
	va_end(ap);
	return code;
}

int fail_in(struct json_object *obj, int code, int err, const char *hint,
	    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = vfail(obj, code, err, hint, fmt, ap);
	va_end(ap);
	return code;
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	char message[512], hint[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);

	if (cmd && cmd->verb)
		snprintf(hint, sizeof(hint), "see `vgpuctl %s %s --help`",
			 cmd->noun, cmd->verb);
	else if (cmd)
		snprintf(hint, sizeof(hint), "see `vgpuctl %s --help`",
			 cmd->noun);
	else
		snprintf(hint, sizeof(hint), "see `vgpuctl --help`");
	return fail(CTL_USAGE, EINVAL, hint, "%s", message);
}

void note(const char *fmt, ...)
{
	va_list ap;

	fputs("vgpuctl: note: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}
