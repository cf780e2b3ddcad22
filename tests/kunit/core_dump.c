// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps: that they tell of the fault, the hang or the failure there was, of nobody else, and
 * that a tenant cannot have more of them than it may.
 */
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/vmalloc.h>
#include <uapi/linux/vgpu_dump.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)
#define OTHERS	0xb0b1b2b3	/* a pattern that only the other tenant uses */

/* What was handed out; one test at a time. */
static struct {
	unsigned int count;
	size_t bytes;
	u8 data[VGPU_DUMP_BYTES_MAX];
} caught;

static void catch(struct device *dev, void *data, size_t bytes, gfp_t gfp)
{
	caught.count++;
	caught.bytes = min(bytes, sizeof(caught.data));
	memcpy(caught.data, data, caught.bytes);
	vfree(data);
}

static struct core_mock *catching(struct core_mock *mock)
{
	memset(&caught, 0, sizeof(caught));
	mock->gpu->dumper.hand_out = catch;
	return mock;
}

static unsigned int dumps(struct core_mock *mock)
{
	flush_work(&mock->gpu->dumper.work);
	return caught.count;
}

static bool soon(struct core_mock *mock, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < 500 && dumps(mock) < count; i++)
		msleep(20);
	return dumps(mock) == count;
}

/* The payload of the only record of @type, or NULL. */
static void *find(u16 type, size_t least)
{
	size_t at = sizeof(struct vgpu_image_header);
	struct vgpu_image_record *rec;
	void *found = NULL;

	while (at + sizeof(*rec) <= caught.bytes) {
		rec = (void *)caught.data + at;
		at += sizeof(*rec) + rec->bytes;
		if (rec->type != type || rec->bytes < least ||
		    at > caught.bytes)
			continue;
		if (found)
			return NULL;
		found = rec + 1;
	}
	return found;
}

static bool contains(const void *what, size_t bytes)
{
	size_t at;

	for (at = 0; at + bytes <= caught.bytes; at++)
		if (!memcmp(caught.data + at, what, bytes))
			return true;
	return false;
}

/* Every checksum is right, and the end counts all before it. */
static void expect_sound(struct kunit *test)
{
	struct vgpu_image_header *head = (void *)caught.data, h = *head;
	struct vgpu_image_end *end = find(VGPU_DUMP_END, sizeof(*end));
	size_t at = sizeof(h);
	u32 records = 0;

	KUNIT_EXPECT_EQ(test, memcmp(h.magic, VGPU_DUMP_MAGIC, 8), 0);
	KUNIT_EXPECT_EQ(test, h.major, VGPU_DUMP_MAJOR);
	h.crc = 0;
	KUNIT_EXPECT_EQ(test, head->crc, __crc32c_le(~0, (u8 *)&h, sizeof(h)));
	while (at + sizeof(struct vgpu_image_record) <= caught.bytes) {
		struct vgpu_image_record *rec = (void *)caught.data + at;
		struct vgpu_image_record r = *rec;
		u32 crc;

		KUNIT_EXPECT_EQ(test, r.seq, records);
		r.crc = 0;
		crc = __crc32c_le(~0, (u8 *)&r, sizeof(r));
		crc = __crc32c_le(crc, (u8 *)(rec + 1), r.bytes);
		KUNIT_EXPECT_EQ(test, rec->crc, crc);
		if (rec->type != VGPU_DUMP_END)
			records++;
		at += sizeof(r) + r.bytes;
	}
	KUNIT_EXPECT_EQ(test, at, caught.bytes);
	KUNIT_ASSERT_NOT_NULL(test, end);
	KUNIT_EXPECT_EQ(test, end->records, records);
	KUNIT_EXPECT_EQ(test, end->bytes, caught.bytes - sizeof(*end) -
				sizeof(struct vgpu_image_record));
}

static void expect_commands(struct kunit *test)
{
	struct {
		struct vgpu_dump_commands head;
		struct vgpu_dump_command cmd[3];
	} *c = find(VGPU_DUMP_COMMANDS, sizeof(*c));

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test, c->head.count, 3);
	KUNIT_EXPECT_EQ(test, c->cmd[0].state, VGPU_DUMP_ENDED);
	KUNIT_EXPECT_EQ(test, c->cmd[0].seqno, 1);
	KUNIT_EXPECT_EQ(test, c->cmd[0].error, 0);
	KUNIT_EXPECT_EQ(test, c->cmd[0].cmd.fill.pattern, 0xa1);
	KUNIT_EXPECT_EQ(test, c->cmd[1].state, VGPU_DUMP_THIS);
	KUNIT_EXPECT_EQ(test, c->cmd[1].error, -EFAULT);
	KUNIT_EXPECT_EQ(test, c->cmd[1].cmd.fill.pattern, 0xa2);
	KUNIT_EXPECT_EQ(test, c->cmd[2].state, VGPU_DUMP_WAITS);
	KUNIT_EXPECT_EQ(test, c->cmd[2].cmd.fill.pattern, 0xa3);
}

/* Four levels, the last of which has an entry if something is @mapped there. */
static void expect_walk(struct kunit *test, u64 va, bool mapped)
{
	struct {
		struct vgpu_dump_walk head;
		struct vgpu_dump_step step[4];
	} *w = find(VGPU_DUMP_WALK, sizeof(*w));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	KUNIT_EXPECT_EQ(test, w->head.va, va);
	KUNIT_ASSERT_EQ(test, w->head.count, 4);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, w->step[i].level, 3 - i);
		/* a table, and the next entry is in it */
		KUNIT_EXPECT_EQ(test, w->step[i].entry & 3, 2);
		KUNIT_EXPECT_EQ(test, w->step[i].entry & PAGE_MASK,
				w->step[i + 1].addr & PAGE_MASK);
	}
	KUNIT_EXPECT_EQ(test, w->step[3].index, va >> 12 & 511);
	KUNIT_EXPECT_EQ(test, w->step[3].entry & 1, mapped);
}

static void a_fault_is_told(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create_mmu(test));
	struct vgpu_dump_context *c;
	struct vgpu_dump_reason *r;
	struct vgpu_dump_queue *q;
	struct vgpu_dump_vgpu *v;
	struct core_tenant a, b;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 0xa1), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 0xa2), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 0xa3), 0);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_ASSERT_EQ(test, mock->job.fill.pattern, 0xa2);
	/* it waits, and is seen nowhere */
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&b, OTHERS), 0);
	core_mock_fault(mock, TENANT_VA + 0x3008, false);
	KUNIT_ASSERT_EQ(test, dumps(mock), 1);

	expect_sound(test);
	r = find(VGPU_DUMP_REASON, sizeof(*r));
	c = find(VGPU_DUMP_CONTEXT, sizeof(*c));
	q = find(VGPU_DUMP_QUEUE, sizeof(*q));
	v = find(VGPU_DUMP_VGPU, sizeof(*v));
	KUNIT_ASSERT_TRUE(test, r && c && q && v);
	KUNIT_EXPECT_EQ(test, r->why, VGPU_DUMP_FAULT);
	KUNIT_EXPECT_EQ(test, r->error, -EFAULT);
	KUNIT_EXPECT_EQ(test, r->number, 1);
	KUNIT_EXPECT_EQ(test, v->id, a.inst->id);
	KUNIT_EXPECT_EQ(test, memcmp(v->uuid, a.inst->uuid.b, 16), 0);
	KUNIT_EXPECT_EQ(test, c->flags, VGPU_DUMP_HAS_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault_va, TENANT_VA + 0x3008);
	KUNIT_EXPECT_EQ(test, c->fault_access, VGPU_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, q->command, 2);
	KUNIT_EXPECT_EQ(test, q->count, 2);
	expect_commands(test);
	expect_walk(test, TENANT_VA + 0x3008, false);
	KUNIT_EXPECT_FALSE(test, contains(b.inst->uuid.b, 16));
	KUNIT_EXPECT_FALSE(test, contains(&(u32){ OTHERS }, 4));
	/* and is seen when it is its turn */
	while (mock->running && mock->job.fill.pattern != OTHERS)
		core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	core_mock_fault(mock, TENANT_VA, false);
	KUNIT_ASSERT_EQ(test, dumps(mock), 2);
	KUNIT_EXPECT_TRUE(test, contains(b.inst->uuid.b, 16));
	KUNIT_EXPECT_TRUE(test, contains(&(u32){ OTHERS }, 4));
	KUNIT_EXPECT_FALSE(test, contains(a.inst->uuid.b, 16));
	expect_walk(test, TENANT_VA, true);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void fault(struct kunit *test, struct core_mock *mock,
		  struct core_tenant *t)
{
	KUNIT_ASSERT_EQ(test, core_tenant_fill(t, 1), 0);
	core_mock_fault(mock, 0x1000, false);
	flush_work(&mock->gpu->dumper.work);
}

static void set_limit(struct kunit *test, struct core_tenant *t, u32 limit,
		      int err)
{
	const struct vgpu_instance_set set = {
		.mask = VGPU_SET_DUMP_LIMIT,
		.dump_limit = limit,
	};

	KUNIT_EXPECT_EQ(test, vgpu_instance_set(t->inst, &set, NULL), err);
}

/* Each has its own, in the same hour. */
static void no_more_than_the_limit(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create_mmu(test));
	struct vgpu_instance_info *info;
	struct core_tenant a, b;
	unsigned int i;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	for (i = 1; i <= 3 * VGPU_DUMP_LIMIT; i++) {
		fault(test, mock, &a);
		KUNIT_EXPECT_EQ(test, dumps(mock), min_t(u32, i, VGPU_DUMP_LIMIT));
	}
	vgpu_instance_get_info(a.inst, info);
	KUNIT_EXPECT_EQ(test, info->dump_limit, VGPU_DUMP_LIMIT);
	KUNIT_EXPECT_EQ(test, info->dumps, VGPU_DUMP_LIMIT);
	KUNIT_EXPECT_EQ(test, info->dumps_missed, 2 * VGPU_DUMP_LIMIT);
	fault(test, mock, &b);
	KUNIT_EXPECT_EQ(test, dumps(mock), VGPU_DUMP_LIMIT + 1);
	/* one more, and then none at all */
	set_limit(test, &a, VGPU_DUMP_LIMIT + 1, 0);
	fault(test, mock, &a);
	fault(test, mock, &a);
	KUNIT_EXPECT_EQ(test, dumps(mock), VGPU_DUMP_LIMIT + 2);
	set_limit(test, &b, 0, 0);
	fault(test, mock, &b);
	KUNIT_EXPECT_EQ(test, dumps(mock), VGPU_DUMP_LIMIT + 2);
	set_limit(test, &b, VGPU_DUMP_LIMIT_MAX + 1, -ERANGE);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

/* While one is being made there is room for no other, and nobody waits. */
static void one_at_a_time(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create_mmu(test));
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	mock->gpu->dumper.busy = 1;
	fault(test, mock, &t);
	KUNIT_EXPECT_EQ(test, dumps(mock), 0);
	mock->gpu->dumper.busy = 0;
	fault(test, mock, &t);
	KUNIT_EXPECT_EQ(test, dumps(mock), 1);
	KUNIT_EXPECT_EQ(test, ((struct vgpu_dump_reason *)
			       find(VGPU_DUMP_REASON, 1))->missed, 1);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* All of a queue that has gone round is there once, and in order. */
static void the_last_commands(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create_mmu(test));
	const struct vgpu_dump_command *cmd;
	struct vgpu_dump_commands *c;
	struct core_tenant t;
	u32 i, first = VGPU_QUEUE_DEPTH * 2 + 3;

	core_tenant_open(test, mock, &t, 0);
	for (i = 1; i < first; i++) {
		KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, i), 0);
		core_mock_answer(mock, VGPU_HW_DONE, 1, 0);
	}
	for (i = 0; i < VGPU_QUEUE_DEPTH - 2; i++)
		KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, first + i), 0);
	core_mock_fault(mock, 0, false);
	KUNIT_ASSERT_EQ(test, dumps(mock), 1);
	expect_sound(test);
	c = find(VGPU_DUMP_COMMANDS, sizeof(*c));
	KUNIT_ASSERT_NOT_NULL(test, c);
	cmd = (void *)(c + 1);
	/* only two places are not taken by what waits */
	KUNIT_ASSERT_EQ(test, c->count, VGPU_DUMP_COMMANDS_MAX);
	for (i = 0; i < c->count; i++) {
		KUNIT_EXPECT_EQ(test, cmd[i].seqno, first - 2 + i);
		KUNIT_EXPECT_EQ(test, cmd[i].cmd.fill.pattern, first - 2 + i);
		KUNIT_EXPECT_EQ(test, cmd[i].state,
				i < 2 ? VGPU_DUMP_ENDED :
				i > 2 ? VGPU_DUMP_WAITS : VGPU_DUMP_THIS);
	}
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void a_hang_is_told(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create(test, SAVES));
	struct vgpu_dump_context *c;
	struct vgpu_dump_reason *r;
	struct core_tenant a, b;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MIN_NS,
					    NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 1), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&b, OTHERS), 0);
	/* its slice passes, and it does not stop */
	WRITE_ONCE(mock->clock, mock->clock + NSEC_PER_SEC);
	KUNIT_ASSERT_TRUE(test, soon(mock, 1));
	expect_sound(test);
	r = find(VGPU_DUMP_REASON, sizeof(*r));
	c = find(VGPU_DUMP_CONTEXT, sizeof(*c));
	KUNIT_ASSERT_TRUE(test, r && c);
	KUNIT_EXPECT_EQ(test, r->why, VGPU_DUMP_HANG);
	KUNIT_EXPECT_EQ(test, r->error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, c->flags, 0);
	KUNIT_EXPECT_NULL(test, find(VGPU_DUMP_WALK, 0));
	KUNIT_EXPECT_TRUE(test, contains(a.inst->uuid.b, 16));
	KUNIT_EXPECT_FALSE(test, contains(b.inst->uuid.b, 16));
	KUNIT_EXPECT_FALSE(test, contains(&(u32){ OTHERS }, 4));
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void a_failure_is_told(struct kunit *test)
{
	struct core_mock *mock = catching(core_mock_create(test, SAVES));
	const struct vgpu_hw_event never_asked = {
		.type = VGPU_HW_DONE,
		.cookie = 1ULL << 40,
	};
	struct vgpu_dump_engine *e;
	struct vgpu_dump_reason *r;
	struct vgpu_dump_gpu *g;
	struct core_tenant t;
	unsigned int i;

	core_tenant_open(test, mock, &t, 0);
	/* what comes within a tenth of a second is one failure */
	for (i = 0; i < 3; i++) {
		msleep(120);
		vgpu_gpu_event(mock->gpu, &never_asked);
	}
	KUNIT_ASSERT_TRUE(test, soon(mock, 1));
	expect_sound(test);
	r = find(VGPU_DUMP_REASON, sizeof(*r));
	e = find(VGPU_DUMP_ENGINE, sizeof(*e));
	g = find(VGPU_DUMP_GPU, sizeof(*g));
	KUNIT_ASSERT_TRUE(test, r && e && g);
	KUNIT_EXPECT_EQ(test, r->why, VGPU_DUMP_MEDIATION);
	KUNIT_EXPECT_EQ(test, g->step, VGPU_DEGRADE_BASIC);
	KUNIT_EXPECT_EQ(test, g->step_reason, VGPU_DEGRADE_CONTRACT);
	KUNIT_EXPECT_EQ(test, e->index, 0);
	KUNIT_EXPECT_NULL(test, find(VGPU_DUMP_VGPU, 0));
	KUNIT_EXPECT_FALSE(test, contains(t.inst->uuid.b, 16));
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_fault_is_told),
	KUNIT_CASE(no_more_than_the_limit),
	KUNIT_CASE(one_at_a_time),
	KUNIT_CASE(the_last_commands),
	KUNIT_CASE(a_hang_is_told),
	KUNIT_CASE(a_failure_is_told),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_dump",
	.test_cases = cases,
};

kunit_test_suite(suite);
