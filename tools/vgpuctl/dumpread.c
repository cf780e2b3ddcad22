// SPDX-License-Identifier: GPL-2.0
/*
 * The records of a dump, as JSON.
 *
 * A dump may come from anywhere, so it is read as if somebody hostile had made it: each
 * record is copied out as far as both sides know it, and names are cut to what a terminal
 * may be shown.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <linux/vgpu_dump.h>

#include "dump.h"
#include "vgpuctl.h"

/* ---- reading -------------------------------------------------------------------- */

struct reader {
	const uint8_t *data;
	size_t bytes;
	size_t at;
	uint32_t seq;
	char *why;
	size_t room;
};

__attribute__((format(printf, 2, 3)))
static bool refuse(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->room, fmt, ap);
	va_end(ap);
	return false;
}

static uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *p = data;
	int bit;

	while (bytes--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

static bool read_header(struct reader *r, struct vgpu_image_header *head)
{
	uint32_t crc;

	if (r->bytes < sizeof(*head))
		return refuse(r, "it is no dump of a GPU: it has %zu bytes", r->bytes);
	memcpy(head, r->data, sizeof(*head));
	if (memcmp(head->magic, VGPU_DUMP_MAGIC, sizeof(head->magic)))
		return refuse(r, "it is no dump of a GPU");
	if (head->endian == __builtin_bswap32(VGPU_IMAGE_ENDIAN))
		return refuse(r, "it is of a machine of the other byte order");
	crc = head->crc;
	head->crc = 0;
	if (crc != crc32c(~0U, head, sizeof(*head)) ||
	    head->endian != VGPU_IMAGE_ENDIAN)
		return refuse(r, "its header is damaged");
	if (head->major != VGPU_DUMP_MAJOR || head->flags || head->pad)
		return refuse(r, "it is of format %u.%u, this vgpuctl reads %u",
			      head->major, head->minor, VGPU_DUMP_MAJOR);
	r->at = sizeof(*head);
	return true;
}

/* The next record is intact: @payload are its bytes. */
static bool read_record(struct reader *r, struct vgpu_image_record *rec,
			const uint8_t **payload)
{
	uint32_t crc, sum;

	if (r->bytes - r->at < sizeof(*rec))
		return refuse(r, "it is cut off after %zu bytes", r->bytes);
	memcpy(rec, r->data + r->at, sizeof(*rec));
	if (rec->bytes % 8 || rec->bytes > VGPU_IMAGE_PAYLOAD_MAX)
		return refuse(r, "it is damaged at byte %zu, in record %u", r->at, r->seq);
	if (r->bytes - r->at - sizeof(*rec) < rec->bytes)
		return refuse(r, "it is cut off after %zu bytes", r->bytes);
	*payload = r->data + r->at + sizeof(*rec);
	crc = rec->crc;
	rec->crc = 0;
	sum = crc32c(crc32c(~0U, rec, sizeof(*rec)), *payload, rec->bytes);
	if (crc != sum || rec->seq != r->seq || rec->flags & ~VGPU_IMAGE_OPTIONAL)
		return refuse(r, "it is damaged at byte %zu, in record %u", r->at, r->seq);
	return true;
}

/* ---- what records say ---------------------------------------------------------------- */

static void add_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static void add_hex(struct json_object *obj, const char *key, uint64_t value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "0x%" PRIx64, value);
	json_object_object_add(obj, key, json_object_new_string(buf));
}

/* A name that somebody may have chosen to upset terminals. */
static void add_name(struct json_object *obj, const char *key, const char *name,
		     size_t room)
{
	char buf[80];
	size_t i;

	for (i = 0; i < room && i < sizeof(buf) - 1 && name[i]; i++)
		buf[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
	buf[i] = '\0';
	json_object_object_add(obj, key, json_object_new_string(buf));
}

static void add_word(struct json_object *obj, const char *key,
		     const char *const *words, size_t count, uint32_t index)
{
	char buf[24];

	if (index < count && words[index]) {
		json_object_object_add(obj, key,
				       json_object_new_string(words[index]));
		return;
	}
	snprintf(buf, sizeof(buf), "%u", index);
	json_object_object_add(obj, key, json_object_new_string(buf));
}

#define ADD_WORD(obj, key, words, index) \
	add_word(obj, key, words, sizeof(words) / sizeof((words)[0]), index)

static void add_errno(struct json_object *obj, const char *key, int32_t error)
{
	const char *name = error < 0 && error >= -4095 ?
			   strerrorname_np(-error) : NULL;
	char buf[24];

	snprintf(buf, sizeof(buf), "%d", error);
	json_object_object_add(obj, key, error ?
			       json_object_new_string(name ? name : buf) : NULL);
}

static void add_access(struct json_object *obj, const char *key, uint32_t prot)
{
	const char text[] = {
		prot & VGPU_PROT_READ ? 'r' : '-',
		prot & VGPU_PROT_WRITE ? 'w' : '-',
		prot & VGPU_PROT_EXEC ? 'x' : '-', '\0',
	};

	json_object_object_add(obj, key, json_object_new_string(text));
}

static struct json_object *reason_json(const struct vgpu_dump_reason *r)
{
	static const char *const why[] = {
		[VGPU_DUMP_FAULT] = "fault", [VGPU_DUMP_HANG] = "hang",
		[VGPU_DUMP_MEDIATION] = "mediation",
	};
	struct json_object *obj = json_object_new_object();

	ADD_WORD(obj, "why", why, r->why);
	add_errno(obj, "error", r->error);
	add_u64(obj, "realtime_ns", r->realtime_ns);
	add_u64(obj, "boottime_ns", r->boottime_ns);
	add_u64(obj, "number", r->number);
	add_u64(obj, "missed", r->missed);
	add_name(obj, "kernel", r->kernel, sizeof(r->kernel));
	return obj;
}

static struct json_object *gpu_json(const struct vgpu_dump_gpu *g)
{
	static const char *const steps[] = {
		"normal", "basic-limit", "deny-all", "stop",
	};
	static const char *const reasons[] = {
		"none", "by-hand", "reset", "contract", "save", "policy", "units",
	};
	struct json_object *obj = json_object_new_object();

	add_u64(obj, "index", g->index);
	add_name(obj, "name", g->name, sizeof(g->name));
	add_name(obj, "driver", g->driver, sizeof(g->driver));
	add_name(obj, "device", g->device, sizeof(g->device));
	add_u64(obj, "engines", g->engines);
	add_u64(obj, "units", g->units);
	add_u64(obj, "vram_bytes", g->vram_bytes);
	ADD_WORD(obj, "degrade", steps, g->step);
	ADD_WORD(obj, "degrade_reason", reasons, g->step_reason);
	add_u64(obj, "degrade_failures", g->failures);
	return obj;
}

static struct json_object *engine_json(const struct vgpu_dump_engine *e)
{
	static const char *const states[] = {
		"idle", "running", "resetting", "dead",
	};
	struct json_object *obj = json_object_new_object();

	add_u64(obj, "index", e->index);
	ADD_WORD(obj, "state", states, e->state);
	add_u64(obj, "held", e->held);
	add_hex(obj, "units", e->units);
	add_name(obj, "policy", e->policy, sizeof(e->policy));
	add_u64(obj, "clock_ns", e->clock_ns);
	add_u64(obj, "jobs", e->jobs);
	add_u64(obj, "switches", e->switches);
	add_u64(obj, "preemptions", e->preemptions);
	add_u64(obj, "resets", e->resets);
	add_u64(obj, "stale_events", e->stale_events);
	return obj;
}

static struct json_object *vgpu_json(const struct vgpu_dump_vgpu *v)
{
	struct json_object *obj = json_object_new_object();
	char uuid[37];

	format_uuid(v->uuid, uuid);
	add_u64(obj, "id", v->id);
	json_object_object_add(obj, "uuid", json_object_new_string(uuid));
	add_name(obj, "type", v->type, sizeof(v->type));
	add_u64(obj, "weight", v->weight);
	add_u64(obj, "priority", v->priority);
	add_u64(obj, "vram_limit", v->vram_limit);
	add_u64(obj, "vram_used", v->vram_used);
	add_u64(obj, "submitted", v->submitted);
	add_u64(obj, "completed", v->completed);
	add_u64(obj, "failed", v->failed);
	add_u64(obj, "faults", v->faults);
	add_u64(obj, "resets", v->resets);
	add_u64(obj, "strikes", v->strikes);
	return obj;
}

static struct json_object *context_json(const struct vgpu_dump_context *c)
{
	struct json_object *obj = json_object_new_object();

	add_u64(obj, "number", c->number);
	add_u64(obj, "asid", c->asid);
	add_hex(obj, "root", c->root);
	json_object_object_add(obj, "pid", json_object_new_int(c->pid));
	add_name(obj, "holder", c->holder, sizeof(c->holder));
	json_object_object_add(obj, "midway",
			       json_object_new_boolean(c->flags &
						       VGPU_DUMP_WAS_MIDWAY));
	if (c->flags & VGPU_DUMP_HAS_FAULT) {
		add_hex(obj, "fault_va", c->fault_va);
		add_access(obj, "fault_access", c->fault_access);
	}
	if (c->flags & VGPU_DUMP_HAS_PC) {
		add_hex(obj, "pc", c->pc);
		add_hex(obj, "mask", c->mask);
		add_u64(obj, "group", c->group);
		add_u64(obj, "lane", c->lane);
	}
	return obj;
}

static struct json_object *queue_json(const struct vgpu_dump_queue *q)
{
	static const char *const classes[] = {
		[VGPU_CLASS_NORMAL] = "normal", [VGPU_CLASS_HIGH] = "high",
		[VGPU_CLASS_BATCH] = "batch",
	};
	struct json_object *obj = json_object_new_object();

	ADD_WORD(obj, "class", classes, q->sched_class);
	add_u64(obj, "command", q->command);
	add_u64(obj, "service_ns", q->service_ns);
	add_u64(obj, "depth", q->depth);
	add_u64(obj, "count", q->count);
	add_u64(obj, "ring_slots", q->ring_slots);
	add_u64(obj, "seqno", q->seqno);
	add_u64(obj, "submitted", q->submitted);
	add_u64(obj, "completed", q->completed);
	add_u64(obj, "failed", q->failed);
	add_u64(obj, "preempted", q->preempted);
	add_u64(obj, "run_ns", q->run_ns);
	add_u64(obj, "time_limit_ns", q->time_limit_ns);
	return obj;
}

static void add_arguments(struct json_object *obj, const struct vgpu_cmd *cmd)
{
	switch (cmd->op) {
	case VGPU_CMD_COPY:
		add_hex(obj, "src", cmd->copy.src);
		add_hex(obj, "dst", cmd->copy.dst);
		add_u64(obj, "bytes", cmd->copy.bytes);
		break;
	case VGPU_CMD_FILL:
		add_hex(obj, "dst", cmd->fill.dst);
		add_u64(obj, "bytes", cmd->fill.bytes);
		add_hex(obj, "pattern", cmd->fill.pattern);
		break;
	case VGPU_CMD_LAUNCH:
		add_hex(obj, "entry", cmd->launch.entry);
		add_hex(obj, "args", cmd->launch.args);
		add_hex(obj, "stack", cmd->launch.stack);
		add_u64(obj, "groups", (uint64_t)cmd->launch.grid[0] *
			cmd->launch.grid[1] * cmd->launch.grid[2]);
		add_u64(obj, "lanes", (uint64_t)cmd->launch.block[0] *
			cmd->launch.block[1] * cmd->launch.block[2]);
		add_u64(obj, "stack_bytes", cmd->launch.stack_bytes);
		add_u64(obj, "shared_bytes", cmd->launch.shared_bytes);
		break;
	case VGPU_CMD_SIGNAL:
	case VGPU_CMD_WAIT:
		add_u64(obj, "timeline", cmd->sync.timeline);
		add_u64(obj, "value", cmd->sync.value);
		break;
	}
}

static struct json_object *command_json(const struct vgpu_dump_command *c)
{
	static const char *const states[] = { "ended", "this", "waits" };
	static const char *const ops[] = {
		"nop", "copy", "fill", "launch", "signal", "wait",
	};
	struct json_object *obj = json_object_new_object();

	add_u64(obj, "seqno", c->seqno);
	ADD_WORD(obj, "state", states, c->state);
	ADD_WORD(obj, "op", ops, c->cmd.op);
	add_errno(obj, "error", c->error);
	add_u64(obj, "service_ns", c->service_ns);
	add_arguments(obj, &c->cmd);
	return obj;
}

static struct json_object *step_json(const struct vgpu_dump_step *s)
{
	struct json_object *obj = json_object_new_object();

	add_u64(obj, "level", s->level);
	add_u64(obj, "index", s->index);
	add_hex(obj, "addr", s->addr);
	add_hex(obj, "entry", s->entry);
	return obj;
}

static struct json_object *walk_json(const struct vgpu_dump_walk *w)
{
	struct json_object *obj = json_object_new_object();

	add_hex(obj, "va", w->va);
	add_name(obj, "format", w->format, sizeof(w->format));
	add_u64(obj, "levels", w->levels);
	add_u64(obj, "later_ns", w->later_ns);
	return obj;
}

/* One of each, for it to be read into. */
union payload {
	struct vgpu_dump_reason reason;
	struct vgpu_dump_gpu gpu;
	struct vgpu_dump_engine engine;
	struct vgpu_dump_vgpu vgpu;
	struct vgpu_dump_context context;
	struct vgpu_dump_queue queue;
	struct vgpu_dump_commands commands;
	struct vgpu_dump_command command;
	struct vgpu_dump_walk walk;
	struct vgpu_dump_step step;
	struct vgpu_image_end end;
};

static const struct {
	const char *key;
	size_t least;
	size_t each;	/* of what follows the payload, or 0 */
} types[] = {
	[VGPU_DUMP_REASON] = { "reason", sizeof(struct vgpu_dump_reason), 0 },
	[VGPU_DUMP_GPU] = { "gpu", sizeof(struct vgpu_dump_gpu), 0 },
	[VGPU_DUMP_ENGINE] = { "engine", sizeof(struct vgpu_dump_engine), 0 },
	[VGPU_DUMP_VGPU] = { "vgpu", sizeof(struct vgpu_dump_vgpu), 0 },
	[VGPU_DUMP_CONTEXT] = { "context", sizeof(struct vgpu_dump_context), 0 },
	[VGPU_DUMP_QUEUE] = { "queue", sizeof(struct vgpu_dump_queue), 0 },
	[VGPU_DUMP_COMMANDS] = { "commands", sizeof(struct vgpu_dump_commands),
				 sizeof(struct vgpu_dump_command) },
	[VGPU_DUMP_WALK] = { "walk", sizeof(struct vgpu_dump_walk),
			     sizeof(struct vgpu_dump_step) },
	[VGPU_DUMP_END] = { "end", sizeof(struct vgpu_image_end), 0 },
};

#define TYPES	(sizeof(types) / sizeof(types[0]))

/* The @count things of @each bytes that follow those of @type at @payload. */
static struct json_object *array_json(uint16_t type, const uint8_t *payload,
				      uint32_t count)
{
	struct json_object *list = json_object_new_array();
	union payload p;
	uint32_t i;

	for (i = 0; i < count; i++) {
		memcpy(&p, payload + types[type].least + i * types[type].each,
		       types[type].each);
		json_object_array_add(list, type == VGPU_DUMP_WALK ?
				      step_json(&p.step) : command_json(&p.command));
	}
	return list;
}

/* False: it claims more than there is. */
static bool take(struct json_object *dump, const struct vgpu_image_record *rec,
		 const uint8_t *payload)
{
	const char *key = types[rec->type].key;
	size_t each = types[rec->type].each;
	struct json_object *obj, *list;
	uint32_t count;
	union payload p;

	memcpy(&p, payload, types[rec->type].least);
	count = rec->type == VGPU_DUMP_WALK ? p.walk.count : p.commands.count;
	if (each && count > (rec->bytes - types[rec->type].least) / each)
		return false;
	switch (rec->type) {
	case VGPU_DUMP_REASON:
		obj = reason_json(&p.reason);
		break;
	case VGPU_DUMP_GPU:
		obj = gpu_json(&p.gpu);
		break;
	case VGPU_DUMP_ENGINE:
		if (!json_object_object_get_ex(dump, key, &list)) {
			list = json_object_new_array();
			json_object_object_add(dump, key, list);
		}
		json_object_array_add(list, engine_json(&p.engine));
		return true;
	case VGPU_DUMP_VGPU:
		obj = vgpu_json(&p.vgpu);
		break;
	case VGPU_DUMP_CONTEXT:
		obj = context_json(&p.context);
		break;
	case VGPU_DUMP_QUEUE:
		obj = queue_json(&p.queue);
		break;
	case VGPU_DUMP_COMMANDS:
		obj = array_json(rec->type, payload, count);
		break;
	default:
		obj = walk_json(&p.walk);
		json_object_object_add(obj, "step",
				       array_json(rec->type, payload, count));
		break;
	}
	json_object_object_add(dump, key, obj);
	return true;
}

static bool read_end(struct reader *r, const uint8_t *payload,
		     const struct vgpu_image_record *rec)
{
	struct vgpu_image_end end;

	memcpy(&end, payload, sizeof(end));
	if (end.bytes != r->at || end.records != r->seq)
		return refuse(r, "its end does not fit what is before it");
	if (r->at + sizeof(*rec) + rec->bytes != r->bytes)
		return refuse(r, "something follows its end");
	return true;
}

static bool read_records(struct reader *r, struct json_object *dump)
{
	const uint8_t *payload = NULL;
	struct vgpu_image_record rec;

	for (;; r->seq++, r->at += sizeof(rec) + rec.bytes) {
		if (!read_record(r, &rec, &payload))
			return false;
		if (rec.type >= TYPES || !types[rec.type].key) {
			if (rec.flags & VGPU_IMAGE_OPTIONAL)
				continue;
			return refuse(r, "it has a record of type %u, which this vgpuctl does not know",
				      rec.type);
		}
		if (rec.bytes < types[rec.type].least)
			return refuse(r, "record %u makes no sense", r->seq);
		if (rec.type == VGPU_DUMP_END)
			break;
		if (!take(dump, &rec, payload))
			return refuse(r, "record %u makes no sense", r->seq);
	}
	if (!read_end(r, payload, &rec))
		return false;
	if (!json_has(dump, "reason") || !json_has(dump, "gpu"))
		return refuse(r, "it does not say why it was made, or of what GPU");
	return true;
}

struct json_object *dump_decode(const uint8_t *data, size_t bytes, char *why,
				size_t room)
{
	struct reader r = {
		.data = data, .bytes = bytes, .why = why, .room = room,
	};
	struct vgpu_image_header head;
	struct json_object *dump;

	if (!read_header(&r, &head))
		return NULL;
	dump = json_object_new_object();
	add_u64(dump, "major", head.major);
	add_u64(dump, "minor", head.minor);
	if (read_records(&r, dump))
		return dump;
	json_object_put(dump);
	return NULL;
}
