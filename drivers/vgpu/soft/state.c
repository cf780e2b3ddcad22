// SPDX-License-Identifier: GPL-2.0
/*
 * Saved state.  Only what is in use is written: registers of lanes that have
 * not exited, workgroup memory of units that have a workgroup.  The sections
 * of a job that is not in progress are nearly empty.
 *
 * Loading does not trust the bytes.  What does not parse marks its section as
 * broken; registers that are not in the bytes become zero; a job is then
 * refused with -EINVAL.  Whether the sections fit each other and the job is
 * checked once more when the job goes on (model.c).
 *
 * Nothing of a context stays behind: lanes, workgroup memory and vector
 * registers that were in use are tracked, so that only they need to be wiped.
 *
 * Layouts (little endian, 8-byte aligned; @live has a bit for each lane):
 *
 *   CONTROL  struct save_control, then for each unit struct save_unit
 *   GENERAL  for each unit in use struct save_head, x1..x31, pc, retired of
 *            each live lane
 *   SPECIAL  nopreempt, then for each unit in use struct save_head, scratch,
 *            res_tag, res_value of each live lane
 *   VECTOR   the vector registers; they have blocks
 *   SHARED   for each unit in use struct save_head, then its memory, rounded
 *            up to 8 bytes
 *   MMU      asid, root
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "model.h"

#define CONTROL_MAGIC	0x74666f73	/* "soft" */
#define GENERAL_WORDS	33
#define SPECIAL_WORDS	3

struct save_control {
	u32 magic;
	u32 units;		/* that follow; 0: no launch in progress */
	u32 active;
	u32 turn_unit;
	u32 turn_used;
	u32 round_max;
	u32 round_sum;
	u32 round_charged;
	u64 next_group;
	u64 progress;
	struct vgpu_hw_job job;	/* cookie 0: it means nothing elsewhere */
};

struct save_unit {
	u64 group;
	u64 live;
	u64 waiting;
	u32 lane;
	u32 pad;
};

struct save_head {
	u32 unit;
	u32 bytes;		/* SHARED: length of the memory */
	u64 live;
};

/* A place in saved state, going forward, never past the end */
struct cursor {
	u8 *at;
	u32 left;
};

static void *take(struct cursor *cur, u32 bytes)
{
	void *p = cur->at;

	if (bytes > cur->left)
		return NULL;
	cur->at += bytes;
	cur->left -= bytes;
	return p;
}

static bool launching(const struct soft_core *c)
{
	return c->active && c->job.op == VGPU_CMD_LAUNCH;
}

static bool has_vector(const struct soft_core *c)
{
	return launching(c) && c->m->extra_bytes;
}

/**
 * soft_section_sizes() - largest saved size of each section
 * @m: GPU
 * @bytes: result, VGPU_SEC_COUNT entries
 */
void soft_section_sizes(const struct soft_machine *m, u32 *bytes)
{
	u32 head = m->units * sizeof(struct save_head);
	u32 lanes = m->units * SOFT_MAX_LANES;

	bytes[VGPU_SEC_CONTROL] = sizeof(struct save_control) +
				  m->units * sizeof(struct save_unit);
	bytes[VGPU_SEC_GENERAL] = head + lanes * GENERAL_WORDS * 8;
	bytes[VGPU_SEC_SPECIAL] = head + lanes * SPECIAL_WORDS * 8 + 8;
	bytes[VGPU_SEC_VECTOR] = m->extra_bytes;
	bytes[VGPU_SEC_SHARED] = head + m->units * SOFT_SHARED_BYTES;
	bytes[VGPU_SEC_MMU] = 16;
}

/* A word at a time, mostly, six for each lane: calls would cost more than that. */
static __always_inline u8 *put(u8 *to, const void *from, u32 bytes)
{
	memcpy(to, from, bytes);
	return to + bytes;
}

static u8 *put_head(u8 *to, const struct soft_core *c, u32 unit, u32 bytes)
{
	struct save_head head = {
		.unit = unit,
		.bytes = bytes,
		.live = c->units[unit].live,
	};

	return put(to, &head, sizeof(head));
}

static u8 *save_control(const struct soft_core *c, u8 *to)
{
	struct save_control s = {
		.magic = CONTROL_MAGIC,
		.active = c->active,
	};
	u32 i;

	if (c->active) {
		s.job = c->job;
		s.job.cookie = 0;
		s.progress = c->progress;
	}
	if (launching(c)) {
		s.units = c->m->units;
		s.turn_unit = c->turn_unit;
		s.turn_used = c->turn_used;
		s.round_max = c->round_max;
		s.round_sum = c->round_sum;
		s.round_charged = c->round_charged;
		s.next_group = c->next_group;
	}
	to = put(to, &s, sizeof(s));
	for (i = 0; i < s.units; i++) {
		const struct soft_unit *u = &c->units[i];
		struct save_unit su = { 0 };

		if (u->live) {
			su.group = u->group;
			su.live = u->live;
			su.waiting = u->waiting;
			su.lane = u->lane;
		}
		to = put(to, &su, sizeof(su));
	}
	return to;
}

static u8 *save_general(const struct soft_core *c, u8 *to)
{
	u64 left;
	u32 i;

	for (i = 0; i < c->m->units; i++) {
		const struct soft_unit *u = &c->units[i];

		if (!u->live)
			continue;
		to = put_head(to, c, i, 0);
		for (left = u->live; left; left &= left - 1) {
			const struct soft_lane *l = &u->lanes[__ffs64(left)];

			to = put(to, &l->x[1], 31 * 8);
			to = put(to, &l->pc, 8);
			to = put(to, &l->retired, 8);
		}
	}
	return to;
}

static u8 *save_special(const struct soft_core *c, u8 *to)
{
	u64 left;
	u32 i;

	to = put(to, &c->nopreempt, 8);
	for (i = 0; i < c->m->units; i++) {
		const struct soft_unit *u = &c->units[i];

		if (!u->live)
			continue;
		to = put_head(to, c, i, 0);
		for (left = u->live; left; left &= left - 1) {
			const struct soft_lane *l = &u->lanes[__ffs64(left)];

			to = put(to, &l->scratch, 8);
			to = put(to, &l->res_tag, 8);
			to = put(to, &l->res_value, 8);
		}
	}
	return to;
}

static u8 *save_shared(const struct soft_core *c, u8 *to)
{
	u32 bytes = round_up(c->job.launch.shared_bytes, 8);
	u32 i;

	if (!launching(c) || !bytes || bytes > SOFT_SHARED_BYTES)
		return to;
	for (i = 0; i < c->m->units; i++) {
		if (!c->units[i].live)
			continue;
		to = put_head(to, c, i, bytes);
		to = put(to, c->units[i].shared, bytes);
	}
	return to;
}

static u8 *save_mmu(const struct soft_core *c, u8 *to)
{
	u64 asid = c->asid;

	to = put(to, &asid, 8);
	return put(to, &c->root, 8);
}

static void charge_state(struct soft_core *c, u32 bytes)
{
	if (c->m->timing.save_mbps)
		soft_core_charge(c, div_u64((u64)bytes * 1000,
					    c->m->timing.save_mbps));
}

/**
 * soft_core_save() - write a section of the state
 * @c: engine, stopped
 * @sec: which
 * @buf: result, see soft_section_sizes()
 *
 * Return: bytes written.
 */
u32 soft_core_save(struct soft_core *c, enum vgpu_hw_section sec, void *buf)
{
	u8 *end = buf;

	switch (sec) {
	case VGPU_SEC_CONTROL:
		end = save_control(c, buf);
		break;
	case VGPU_SEC_GENERAL:
		end = save_general(c, buf);
		break;
	case VGPU_SEC_SPECIAL:
		end = save_special(c, buf);
		break;
	case VGPU_SEC_VECTOR:
		if (has_vector(c)) {
			soft_vector_save(c, buf, 0, c->m->extra_bytes /
						    VGPU_SEC_BLOCK);
			end += c->m->extra_bytes;
		}
		break;
	case VGPU_SEC_SHARED:
		end = save_shared(c, buf);
		break;
	case VGPU_SEC_MMU:
		end = save_mmu(c, buf);
		break;
	case VGPU_SEC_COUNT:
		return 0;
	}
	c->dirty &= ~BIT(sec);
	charge_state(c, end - (u8 *)buf);
	return end - (u8 *)buf;
}

static bool load_control(struct soft_core *c, struct cursor *cur)
{
	const struct save_control *s = take(cur, sizeof(*s));
	u32 i;

	c->active = false;
	for (i = 0; i < c->m->units; i++)
		c->units[i].live = 0;
	if (!s || s->magic != CONTROL_MAGIC ||
	    (s->units && s->units != c->m->units))
		return false;
	c->turn_unit = s->turn_unit;
	c->turn_used = s->turn_used;
	c->round_max = s->round_max;
	c->round_sum = s->round_sum;
	c->round_charged = s->round_charged;
	c->next_group = s->next_group;
	c->progress = s->progress;
	c->job = s->job;
	for (i = 0; i < s->units; i++) {
		const struct save_unit *su = take(cur, sizeof(*su));
		struct soft_unit *u = &c->units[i];

		if (!su)
			return false;
		u->group = su->group;
		u->live = su->live;
		u->waiting = su->waiting;
		u->lane = su->lane;
	}
	c->active = s->active;
	return !cur->left;
}

static void wipe_general(struct soft_lane *l)
{
	memset(l->x, 0, sizeof(l->x));
	l->pc = 0;
	l->retired = 0;
}

static void wipe_special(struct soft_lane *l)
{
	l->scratch = 0;
	l->res_tag = 0;
	l->res_value = 0;
}

static const struct save_head *take_head(struct soft_core *c,
					 struct cursor *cur)
{
	const struct save_head *head = take(cur, sizeof(*head));

	return head && head->unit < c->m->units ? head : NULL;
}

static void wipe_all_general(struct soft_core *c)
{
	u32 i;

	for (i = 0; i < c->m->units; i++) {
		struct soft_unit *u = &c->units[i];
		u64 left;

		for (left = u->general_used; left; left &= left - 1)
			wipe_general(&u->lanes[__ffs64(left)]);
		u->general_used = 0;
	}
}

static void wipe_all_special(struct soft_core *c)
{
	u32 i;

	c->nopreempt = 0;
	for (i = 0; i < c->m->units; i++) {
		struct soft_unit *u = &c->units[i];
		u64 left;

		for (left = u->special_used; left; left &= left - 1)
			wipe_special(&u->lanes[__ffs64(left)]);
		u->special_used = 0;
	}
}

static void wipe_all_shared(struct soft_core *c)
{
	u32 i;

	for (i = 0; i < c->m->units; i++) {
		struct soft_unit *u = &c->units[i];

		memset(u->shared, 0, u->shared_used);
		u->shared_used = 0;
	}
}

static bool load_general(struct soft_core *c, struct cursor *cur)
{
	wipe_all_general(c);
	while (cur->left) {
		const struct save_head *head = take_head(c, cur);
		struct soft_unit *u;
		u64 left;

		if (!head)
			return false;
		u = &c->units[head->unit];
		u->general_used |= head->live;
		for (left = head->live; left; left &= left - 1) {
			const u64 *w = take(cur, GENERAL_WORDS * 8);
			struct soft_lane *l = &u->lanes[__ffs64(left)];

			/* the executor relies on an aligned pc */
			if (!w || w[31] & 3)
				return false;
			memcpy(&l->x[1], w, 31 * 8);
			l->pc = w[31];
			l->retired = w[32];
		}
	}
	return true;
}

static bool load_special(struct soft_core *c, struct cursor *cur)
{
	const u64 *w = take(cur, 8);

	wipe_all_special(c);
	if (!w)
		return false;
	c->nopreempt = *w & 1;
	while (cur->left) {
		const struct save_head *head = take_head(c, cur);
		struct soft_unit *u;
		u64 left;

		if (!head)
			return false;
		u = &c->units[head->unit];
		u->special_used |= head->live;
		for (left = head->live; left; left &= left - 1) {
			struct soft_lane *l = &u->lanes[__ffs64(left)];

			w = take(cur, SPECIAL_WORDS * 8);
			if (!w)
				return false;
			l->scratch = w[0];
			l->res_tag = w[1];
			l->res_value = w[2];
		}
	}
	return true;
}

static bool load_shared(struct soft_core *c, struct cursor *cur)
{
	wipe_all_shared(c);
	while (cur->left) {
		const struct save_head *head = take_head(c, cur);
		const void *bytes;

		if (!head || head->bytes > SOFT_SHARED_BYTES)
			return false;
		bytes = take(cur, head->bytes);
		if (!bytes)
			return false;
		memcpy(c->units[head->unit].shared, bytes, head->bytes);
		c->units[head->unit].shared_used = head->bytes;
	}
	return true;
}

static bool load_vector(struct soft_core *c, struct cursor *cur)
{
	u32 bytes = c->m->extra_bytes;

	soft_vector_wipe(c);
	if (!cur->left)
		return true;
	if (cur->left != bytes)
		return false;
	soft_vector_load(c, take(cur, bytes), 0, bytes / VGPU_SEC_BLOCK);
	return true;
}

static bool load_mmu(struct soft_core *c, struct cursor *cur)
{
	const u64 *w = take(cur, 16);

	if (!w || w[0] >= SOFT_ASIDS)
		return false;
	c->asid = w[0];
	c->root = w[1];
	return !cur->left;
}

/**
 * soft_core_load() - read back a section of the state
 * @c: engine, stopped
 * @sec: which
 * @buf: what soft_core_save() wrote
 * @bytes: its length
 */
void soft_core_load(struct soft_core *c, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes)
{
	struct cursor cur = { .at = (u8 *)buf, .left = bytes };
	bool good = false;

	switch (sec) {
	case VGPU_SEC_CONTROL:
		good = load_control(c, &cur);
		break;
	case VGPU_SEC_GENERAL:
		good = load_general(c, &cur);
		break;
	case VGPU_SEC_SPECIAL:
		good = load_special(c, &cur);
		break;
	case VGPU_SEC_VECTOR:
		good = load_vector(c, &cur);
		break;
	case VGPU_SEC_SHARED:
		good = load_shared(c, &cur);
		break;
	case VGPU_SEC_MMU:
		good = load_mmu(c, &cur);
		break;
	case VGPU_SEC_COUNT:
		return;
	}
	if (good)
		c->broken &= ~BIT(sec);
	else
		c->broken |= BIT(sec);
	c->dirty &= ~BIT(sec);
	charge_state(c, bytes);
}

/**
 * soft_core_blocks() - which blocks of a section changed
 * @c: engine, stopped
 * @sec: which
 * @map: result, zeroed, a bit for each block of the section's largest size
 *
 * Return: length of the section, or 0: it has no blocks now.
 */
u32 soft_core_blocks(struct soft_core *c, enum vgpu_hw_section sec,
		     unsigned long *map)
{
	if (sec != VGPU_SEC_VECTOR || !has_vector(c))
		return 0;
	soft_vector_dirty(c, map);
	return c->m->extra_bytes;
}

static bool blocks_valid(const struct soft_core *c, enum vgpu_hw_section sec,
			 u32 first, u32 count)
{
	u32 all = c->m->extra_bytes / VGPU_SEC_BLOCK;

	return sec == VGPU_SEC_VECTOR && first < all && count &&
	       count <= all - first;
}

/**
 * soft_core_save_blocks() - write some blocks of a section
 * @c: engine, stopped
 * @sec: one that has blocks
 * @buf: of the section; they are written where they belong
 * @first: block
 * @count: of them
 */
void soft_core_save_blocks(struct soft_core *c, enum vgpu_hw_section sec,
			   void *buf, u32 first, u32 count)
{
	if (!blocks_valid(c, sec, first, count))
		return;
	soft_vector_save(c, buf + first * VGPU_SEC_BLOCK, first, count);
	charge_state(c, count * VGPU_SEC_BLOCK);
}

/**
 * soft_core_load_blocks() - read some blocks of a section back
 * @c: engine, stopped; what is loaded by nobody stays 0
 * @sec: one that has blocks
 * @buf: of the section
 * @first: block
 * @count: of them
 */
void soft_core_load_blocks(struct soft_core *c, enum vgpu_hw_section sec,
			   const void *buf, u32 first, u32 count)
{
	if (!blocks_valid(c, sec, first, count)) {
		c->broken |= BIT(sec);
		return;
	}
	soft_vector_load(c, buf + first * VGPU_SEC_BLOCK, first, count);
	charge_state(c, count * VGPU_SEC_BLOCK);
}

#define BANK_START	offsetof(struct soft_core, job)
#define BANK_END	offsetof(struct soft_core, clock)

/**
 * soft_core_flip() - two engines exchange what they know of contexts
 * @a: engine, stopped
 * @b: another of the same machine, stopped
 */
void soft_core_flip(struct soft_core *a, struct soft_core *b)
{
	u8 was[BANK_END - BANK_START];

	memcpy(was, (u8 *)a + BANK_START, sizeof(was));
	memcpy((u8 *)a + BANK_START, (u8 *)b + BANK_START, sizeof(was));
	memcpy((u8 *)b + BANK_START, was, sizeof(was));
}

/**
 * soft_core_clear() - forget everything, take up an address space
 * @c: engine, stopped
 * @asid: tag
 * @root: of the page table
 */
void soft_core_clear(struct soft_core *c, u32 asid, u64 root)
{
	u32 i;

	wipe_all_general(c);
	wipe_all_special(c);
	wipe_all_shared(c);
	soft_vector_wipe(c);
	for (i = 0; i < c->m->units; i++) {
		struct soft_unit *u = &c->units[i];

		u->group = 0;
		u->live = 0;
		u->waiting = 0;
		u->lane = 0;
	}
	memset(&c->job, 0, sizeof(c->job));
	memset(&c->fault, 0, sizeof(c->fault));
	c->active = false;
	c->broken = asid < SOFT_ASIDS ? 0 : BIT(VGPU_SEC_MMU);
	c->groups = 0;
	c->next_group = 0;
	c->turn_unit = 0;
	c->turn_used = 0;
	c->round_max = 0;
	c->round_sum = 0;
	c->round_charged = 0;
	c->progress = 0;
	c->asid = asid;
	c->root = root;
	c->dirty = BIT(VGPU_SEC_COUNT) - 1;
}
