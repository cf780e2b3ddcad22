// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl vgpu save, vgpu restore, image show.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/vgpu.h>
#include <linux/vgpu_image.h>

#include "data.h"
#include "progress.h"
#include "text.h"
#include "table.h"

/* An ioctl of the management node, which may take long. 0 or an errno. */
static int ctl_call(unsigned long request, void *arg)
{
	char path[256];
	int ctl, err = 0;

	ctl = open(root_path(path, sizeof(path), "/dev/vgpu/ctl"),
		   O_RDWR | O_CLOEXEC);
	if (ctl < 0)
		return errno;
	if (ioctl(ctl, request, arg))
		err = errno;
	close(ctl);
	return err;
}

static const char *hint_of(int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
		return "it needs root (CAP_SYS_ADMIN)";
	case EEXIST:
		return "give it another UUID with --uuid, or destroy the other one";
	case ENOSPC:
		return "see `vgpuctl type list` for what fits, or use another GPU (--gpu)";
	case EBADMSG:
	case ENODATA:
		return "copy the file again from where it was saved";
	case EPROTONOSUPPORT:
		return "restore it with the version of vgpu that saved it";
	default:
		return NULL;
	}
}

static int explain(int err, const char *doing, const char *what, const char *why)
{
	return fail(code_of(err), err, hint_of(err), "%s %s: %s", doing, what,
		    *why ? why : strerror(err));
}

/* ---- save ------------------------------------------------------------------------- */

/* To @part, which becomes @file when it is whole. 0 or an errno. */
static int save_as(const char *part, const char *file, int fd,
		   struct vgpu_ctl_save *arg, uint64_t most)
{
	struct work *work;
	int err;

	/* nobody knows how much of its memory is zero, and so not in the image */
	work = work_begin("saving", fd, most, true, part);
	err = ctl_call(VGPU_CTL_IOCTL_SAVE, arg);
	if (!err && fsync(fd) && errno != EINVAL && errno != EROFS)
		err = errno;
	if (!err && rename(part, file))
		err = errno;
	if (err)
		unlink(part);
	work_end(work);
	return err;
}

static int save(struct args *args, struct json_object *vgpu, const char *file,
		uint64_t *bytes)
{
	struct vgpu_ctl_save arg = {
		.size = sizeof(arg),
		.id = (uint32_t)json_u64(vgpu, "id"),
		.flags = arg_option(args, "stop") ? VGPU_SAVE_STOP : 0,
	};
	char part[4096];
	int err;

	/* what was there stays until there is something better */
	if ((size_t)snprintf(part, sizeof(part), "%s.XXXXXX", file) >= sizeof(part))
		return usage_error(args->command, "the name of the file is too long");
	arg.fd = mkostemp(part, O_CLOEXEC);
	if (arg.fd < 0)
		return fail(CTL_FAILED, errno,
			    errno == ENOENT ? "make its folder first" : NULL,
			    "cannot write %s: %s", file, strerror(errno));
	err = save_as(part, file, arg.fd, &arg, json_u64(vgpu, "vram_used"));
	close(arg.fd);
	*bytes = arg.bytes;
	return err ? explain(err, "cannot save", args->argv[0], arg.why) : 0;
}

int cmd_vgpu_save(struct args *args)
{
	const char *file = args->argc > 1 ? args->argv[1] : "";
	struct json_object *vgpu, *obj;
	char buf[FORMAT_SIZE];
	struct vgpu_name name;
	uint64_t bytes;
	int code;

	if (parse_vgpu(args->argv[0], &name))
		return usage_error(args->command, "%s is no number or UUID of a vGPU",
				   args->argv[0]);
	code = data_vgpu(&name, &vgpu);
	if (code)
		return code;
	code = save(args, vgpu, file, &bytes);
	if (!code && json_output) {
		/* as it is by now */
		json_object_put(vgpu);
		code = data_vgpu(&name, &vgpu);
		if (code)
			return code;
		obj = json_new();
		json_object_object_add(obj, "file", json_object_new_string(file));
		json_object_object_add(obj, "bytes", json_object_new_uint64(bytes));
		json_object_object_add(obj, "vgpu", json_object_get(vgpu));
		print_json(obj);
	} else if (!code) {
		printf("v%" PRIu64 " is in %s, %s%s\n", json_u64(vgpu, "id"), file,
		       format_bytes(buf, bytes),
		       arg_option(args, "stop") ? ", and stopped" : "");
	}
	json_object_put(vgpu);
	return code;
}

/* ---- restore ------------------------------------------------------------------------ */

static int restored(struct args *args, const struct vgpu_ctl_restore *arg)
{
	struct json_object *obj;
	char buf[FORMAT_SIZE];

	if (json_output) {
		obj = json_new();
		json_object_object_add(obj, "id", json_object_new_uint64(arg->id));
		json_object_object_add(obj, "gpu", json_object_new_uint64(arg->gpu));
		json_object_object_add(obj, "clients",
				       json_object_new_uint64(arg->clients));
		json_object_object_add(obj, "bytes",
				       json_object_new_uint64(arg->bytes));
		return print_json(obj);
	}
	printf("v%u on GPU %u, of %s, %s\n", arg->id, arg->gpu, args->argv[0],
	       format_bytes(buf, arg->bytes));
	return CTL_OK;
}

int cmd_vgpu_restore(struct args *args)
{
	struct vgpu_ctl_restore arg = { .size = sizeof(arg) };
	const char *gpu = arg_option(args, "gpu");
	const char *uuid = arg_option(args, "uuid");
	struct work *work;
	struct stat st;
	int err;

	if (gpu && parse_gpu(gpu, &arg.gpu))
		return usage_error(args->command, "%s is no number of a GPU", gpu);
	if (uuid && parse_uuid(uuid, arg.uuid))
		return usage_error(args->command, "%s is no UUID", uuid);
	if (arg_option(args, "paused"))
		arg.flags = VGPU_RESTORE_PAUSED;
	arg.fd = open(args->argv[0], O_RDONLY | O_CLOEXEC);
	if (arg.fd < 0)
		return fail(CTL_FAILED, errno, NULL, "cannot read %s: %s",
			    args->argv[0], strerror(errno));
	if (fstat(arg.fd, &st) || !S_ISREG(st.st_mode))
		st.st_size = 0;
	work = work_begin("restoring", arg.fd, (uint64_t)st.st_size, false, NULL);
	err = ctl_call(VGPU_CTL_IOCTL_RESTORE, &arg);
	work_end(work);
	close(arg.fd);
	if (err)
		return explain(err, "cannot restore", args->argv[0], arg.why);
	return restored(args, &arg);
}

/* ---- show ---------------------------------------------------------------------------- */

static const char *const types[] = {
	[VGPU_IMAGE_INSTANCE] = "vgpu", [VGPU_IMAGE_CLIENT] = "client",
	[VGPU_IMAGE_BO] = "memory", [VGPU_IMAGE_DATA] = "data",
	[VGPU_IMAGE_VM] = "address space", [VGPU_IMAGE_MAP] = "mapping",
	[VGPU_IMAGE_TIMELINE] = "timeline", [VGPU_IMAGE_CTX] = "context",
	[VGPU_IMAGE_QUEUE] = "queue", [VGPU_IMAGE_COMMANDS] = "commands",
	[VGPU_IMAGE_STATE] = "midway", [VGPU_IMAGE_SECTION] = "state",
	[VGPU_IMAGE_BARS] = "bars", [VGPU_IMAGE_END] = "end",
};

#define TYPES	(sizeof(types) / sizeof(types[0]))

struct contents {
	uint64_t records[TYPES], bytes[TYPES];
	struct vgpu_image_instance vgpu;
	struct json_object *clients;
	bool whole;
};

static void take_client(struct contents *c, const struct vgpu_image_client *rec)
{
	struct json_object *obj = json_object_new_object();
	char holder[sizeof(rec->holder) + 1], *text;

	json_object_object_add(obj, "number", json_object_new_uint64(rec->number));
	json_object_object_add(obj, "uid", json_object_new_uint64(rec->uid));
	json_object_object_add(obj, "pid", json_object_new_int(rec->pid));
	snprintf(holder, sizeof(holder), "%.*s", (int)sizeof(rec->holder),
		 rec->holder);
	text = text_utf8(holder);
	json_object_object_add(obj, "holder", json_object_new_string(text));
	free(text);
	json_object_array_add(c->clients, obj);
}

/* What the kernel would make of it is found out by restoring it only. */
static void read_records(FILE *in, struct contents *c)
{
	struct vgpu_image_record rec;
	static uint8_t payload[VGPU_IMAGE_PAYLOAD_MAX];

	while (fread(&rec, sizeof(rec), 1, in) == 1) {
		if (rec.bytes > sizeof(payload) ||
		    fread(payload, 1, rec.bytes, in) != rec.bytes)
			return;
		if (rec.type < TYPES) {
			c->records[rec.type]++;
			c->bytes[rec.type] += sizeof(rec) + rec.bytes;
		}
		if (rec.type == VGPU_IMAGE_INSTANCE && rec.bytes >= sizeof(c->vgpu))
			memcpy(&c->vgpu, payload, sizeof(c->vgpu));
		if (rec.type == VGPU_IMAGE_CLIENT &&
		    rec.bytes >= sizeof(struct vgpu_image_client))
			take_client(c, (void *)payload);
		if (rec.type == VGPU_IMAGE_END) {
			c->whole = true;
			return;
		}
	}
}

static struct json_object *contents_json(struct contents *c,
					 const struct vgpu_image_header *head)
{
	struct json_object *obj = json_new(), *records = json_object_new_array(), *r;
	char uuid[37];
	size_t i;

	format_uuid(c->vgpu.uuid, uuid);
	c->vgpu.type[sizeof(c->vgpu.type) - 1] = 0;
	c->vgpu.driver[sizeof(c->vgpu.driver) - 1] = 0;
	json_object_object_add(obj, "major", json_object_new_int(head->major));
	json_object_object_add(obj, "minor", json_object_new_int(head->minor));
	json_object_object_add(obj, "whole", json_object_new_boolean(c->whole));
	json_object_object_add(obj, "uuid", json_object_new_string(uuid));
	json_object_object_add(obj, "type", json_object_new_string(c->vgpu.type));
	json_object_object_add(obj, "driver", json_object_new_string(c->vgpu.driver));
	json_object_object_add(obj, "vram_limit",
			       json_object_new_uint64(c->vgpu.vram_bytes));
	json_object_object_add(obj, "clients", c->clients);
	for (i = 0; i < TYPES; i++) {
		if (!c->records[i])
			continue;
		r = json_object_new_object();
		json_object_object_add(r, "what", json_object_new_string(types[i]));
		json_object_object_add(r, "records",
				       json_object_new_uint64(c->records[i]));
		json_object_object_add(r, "bytes", json_object_new_uint64(c->bytes[i]));
		json_object_array_add(records, r);
	}
	json_object_object_add(obj, "records", records);
	return obj;
}

static void print_contents(struct json_object *obj)
{
	struct json_object *list, *c;
	char buf[FORMAT_SIZE], *text;
	size_t i;

	printf("%-10s %s\n%-10s %s of %s\n%-10s %s\n", "UUID", json_str(obj, "uuid"),
	       "type", json_str(obj, "type"), json_str(obj, "driver"), "format",
	       json_object_get_boolean(json_object_object_get(obj, "whole")) ?
	       "whole" : "cut off: it can't be restored");
	list = json_object_object_get(obj, "clients");
	for (i = 0; i < json_object_array_length(list); i++) {
		c = json_object_array_get_idx(list, i);
		text = text_visible(json_str(c, "holder"), NULL);
		printf("client %" PRIu64 "   %s, PID %" PRIu64 ", of user %" PRIu64 "\n",
		       json_u64(c, "number"), text,
		       json_u64(c, "pid"), json_u64(c, "uid"));
		free(text);
	}
	list = json_object_object_get(obj, "records");
	for (i = 0; i < json_object_array_length(list); i++) {
		c = json_object_array_get_idx(list, i);
		printf("%-14s %6" PRIu64 "  %s\n", json_str(c, "what"),
		       json_u64(c, "records"), format_bytes(buf, json_u64(c, "bytes")));
	}
}

int cmd_image_show(struct args *args)
{
	struct vgpu_image_header head;
	struct contents c = { 0 };
	struct json_object *obj;
	FILE *in;

	in = fopen(args->argv[0], "re");
	if (!in)
		return fail(CTL_FAILED, errno, NULL, "cannot read %s: %s",
			    args->argv[0], strerror(errno));
	if (fread(&head, sizeof(head), 1, in) != 1 ||
	    memcmp(head.magic, VGPU_IMAGE_MAGIC, sizeof(head.magic)) ||
	    head.endian != VGPU_IMAGE_ENDIAN || head.major != VGPU_IMAGE_MAJOR) {
		fclose(in);
		return fail(CTL_FAILED, EINVAL, NULL,
			    "%s is no image of a vGPU, or one of another version",
			    args->argv[0]);
	}
	c.clients = json_object_new_array();
	read_records(in, &c);
	fclose(in);
	obj = contents_json(&c, &head);
	if (json_output)
		return print_json(obj);
	print_contents(obj);
	json_object_put(obj);
	return CTL_OK;
}
