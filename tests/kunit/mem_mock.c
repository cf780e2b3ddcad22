// SPDX-License-Identifier: GPL-2.0
/* The mock GPU of mem_mock.h. */
#include <linux/fault-inject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <vgpu/kunit.h>
#include "mem_mock.h"

MODULE_IMPORT_NS(VGPU);
MODULE_IMPORT_NS(VGPU_KUNIT);
MODULE_IMPORT_NS(VGPU);

/* --- formats ------------------------------------------------------------ */

/* Like the reference GPU's: address, low bits tell. */
#define PLAIN_VALID	BIT_ULL(0)
#define PLAIN_PROT(x)	((u64)(x) << 1)
#define PLAIN_HOST	BIT_ULL(4)
#define PLAIN_LEAF	BIT_ULL(5)
#define PLAIN_ADDR	GENMASK_ULL(51, 7)
#define PLAIN_ACCESSED	BIT_ULL(52)
#define PLAIN_DIRTY	BIT_ULL(53)

static u64 plain_pte(u64 addr, u32 prot, bool host, unsigned int level)
{
	return addr | PLAIN_VALID | PLAIN_LEAF | PLAIN_PROT(prot) |
	       (host ? PLAIN_HOST : 0);
}

static u64 plain_pde(u64 addr)
{
	return addr | PLAIN_VALID;
}

static bool plain_decode(u64 raw, unsigned int level, struct mock_entry *e)
{
	e->table = !(raw & PLAIN_LEAF);
	e->host = raw & PLAIN_HOST;
	e->prot = (raw >> 1) & 7;
	e->addr = raw & PLAIN_ADDR;
	return (raw & PLAIN_VALID) && (!e->table || level);
}

/* Everything elsewhere: frame number on top, kind and level below. */
#define ODD_FRAME(addr)	((addr) >> 7 << 19)
#define ODD_KIND_TABLE	0x5
#define ODD_KIND_LEAF	0xa
#define ODD_ACCESSED	BIT_ULL(12)
#define ODD_DIRTY	BIT_ULL(13)

static u64 odd_pte(u64 addr, u32 prot, bool host, unsigned int level)
{
	return ODD_FRAME(addr) | ODD_KIND_LEAF | (u64)level << 4 |
	       (u64)prot << 8 | (u64)host << 11;
}

static u64 odd_pde(u64 addr)
{
	return ODD_FRAME(addr) | ODD_KIND_TABLE;
}

static bool odd_decode(u64 raw, unsigned int level, struct mock_entry *e)
{
	e->table = (raw & 0xf) == ODD_KIND_TABLE;
	e->host = raw & BIT(11);
	e->prot = (raw >> 8) & 7;
	e->addr = raw >> 19 << 7;
	if (e->table)
		return level;
	/* a leaf written for another level is nonsense */
	return (raw & 0xf) == ODD_KIND_LEAF && ((raw >> 4) & 0xf) == level;
}

const struct mock_format mock_formats[] = {
	{
		.fmt = {
			.name = "4k-9-9-9-9",
			.levels = 4,
			.bits = { 9, 9, 9, 9 },
			.page_shift = 12,
			.large_levels = 0x3,
			.pte = plain_pte,
			.pde = plain_pde,
			.accessed = PLAIN_ACCESSED,
			.dirty = PLAIN_DIRTY,
		},
		.decode = plain_decode,
	},
	{
		/* 64 KiB pages, 2 MiB leaves, tables of 256 bytes to 16 KiB */
		.fmt = {
			.name = "64k-5-11-7",
			.levels = 3,
			.bits = { 5, 11, 7 },
			.page_shift = 16,
			.large_levels = 0x3,
			.pte = odd_pte,
			.pde = odd_pde,
			.accessed = ODD_ACCESSED,
			.dirty = ODD_DIRTY,
		},
		.decode = odd_decode,
	},
	{
		/* three sizes of leaves: a split goes down two levels */
		.fmt = {
			.name = "4k-64k-2m-4-5-10-8",
			.levels = 4,
			.bits = { 4, 5, 10, 8 },
			.page_shift = 12,
			.large_levels = 0x7,
			.pte = odd_pte,
			.pde = odd_pde,
			.accessed = ODD_ACCESSED,
			.dirty = ODD_DIRTY,
		},
		.decode = odd_decode,
	},
};

const unsigned int mock_nr_formats = ARRAY_SIZE(mock_formats);

const void *mock_format_gen_params(const void *prev, char *desc)
{
	const struct mock_format *next = prev;

	next = next ? next + 1 : mock_formats;
	if (next == mock_formats + mock_nr_formats)
		return NULL;
	strscpy(desc, next->fmt.name, KUNIT_PARAM_DESC_SIZE);
	return next;
}

/* --- operations --------------------------------------------------------- */

static void violation(struct mem_mock *mock, const char *what, u64 a, u64 b)
{
	lockdep_assert_held(&mock->lock);
	if (!mock->violations++)
		snprintf(mock->why, sizeof(mock->why), "%s: %llx %llx", what,
			 a, b);
}

static struct page *mock_vram_page(void *hw, u64 addr)
{
	struct mem_mock *mock = hw;

	if (mock->on_page)
		mock->on_page(mock);
	return vmalloc_to_page(mock->mem + addr);
}

static void mock_vram_clear(void *hw, u64 addr, u64 bytes)
{
	struct mem_mock *mock = hw;
	unsigned int i;

	might_sleep();
	if (mock->on_clear)
		mock->on_clear(mock, addr);
	if (READ_ONCE(mock->hold))
		wait_for_completion_timeout(mock->hold, 10 * HZ);
	spin_lock(&mock->lock);
	mock->calls++;
	mock->cleared += bytes;
	if ((addr | bytes) & (VGPU_PAGE_BYTES - 1) || addr >= mock->bytes ||
	    bytes > mock->bytes - addr)
		violation(mock, "cleared range", addr, bytes);
	for (i = 0; i < MOCK_TLB; i++) {
		const struct mock_tlb_entry *t = &mock->tlb[i];

		if (t->live && !t->e.host && t->e.addr < addr + bytes &&
		    t->e.addr + (t->e.table ? 8 : t->span) > addr)
			violation(mock, "freed while cached: va, address",
				  t->va, t->e.addr);
	}
	spin_unlock(&mock->lock);
	memset(mock->mem + addr, 0, bytes);
}

static void mock_pte_write(void *hw, const struct vgpu_hw_pte *ptes,
			   unsigned int count)
{
	struct mem_mock *mock = hw;
	unsigned int i;

	might_sleep();
	spin_lock(&mock->lock);
	mock->calls++;
	mock->ptes += count;
	mock->pte_batches++;
	for (i = 0; i < count; i++) {
		if ((ptes[i].addr & 7) || ptes[i].addr >= mock->bytes)
			violation(mock, "entry at", ptes[i].addr, ptes[i].value);
		else
			*(u64 *)(mock->mem + ptes[i].addr) = ptes[i].value;
	}
	spin_unlock(&mock->lock);
}

static void mock_pte_harvest(void *hw, struct vgpu_hw_pte *ptes,
			     unsigned int count, u64 bits)
{
	struct mem_mock *mock = hw;
	unsigned int i;

	might_sleep();
	spin_lock(&mock->lock);
	mock->calls++;
	for (i = 0; i < count; i++) {
		u64 *pte = (u64 *)(mock->mem + ptes[i].addr);

		if ((ptes[i].addr & 7) || ptes[i].addr >= mock->bytes) {
			violation(mock, "harvest at", ptes[i].addr, bits);
			continue;
		}
		ptes[i].value = *pte;
		*pte &= ~bits;
	}
	spin_unlock(&mock->lock);
}

static void mock_tlb_invalidate(void *hw, u32 asid, u64 va, u64 bytes)
{
	struct mem_mock *mock = hw;
	unsigned int i;

	might_sleep();
	spin_lock(&mock->lock);
	mock->calls++;
	mock->invalidates++;
	for (i = 0; i < MOCK_TLB; i++) {
		struct mock_tlb_entry *t = &mock->tlb[i];

		if (t->live && t->asid == asid && t->va < va + bytes &&
		    t->va + t->span > va)
			t->stale = true;
	}
	spin_unlock(&mock->lock);
}

static void mock_tlb_sync(void *hw)
{
	struct mem_mock *mock = hw;
	unsigned int i;

	might_sleep();
	if (mock->on_sync)
		mock->on_sync(mock);
	spin_lock(&mock->lock);
	mock->calls++;
	mock->syncs++;
	for (i = 0; i < MOCK_TLB; i++)
		if (mock->tlb[i].stale)
			mock->tlb[i].live = false;
	spin_unlock(&mock->lock);
}

/* --- the walker ---------------------------------------------------------- */

static unsigned int level_shift(const struct vgpu_pt_format *fmt,
				unsigned int level)
{
	unsigned int shift = fmt->page_shift;

	while (level--)
		shift += fmt->bits[level];
	return shift;
}

static bool tlb_find(struct mem_mock *mock, u32 asid, u64 va,
		     unsigned int level, struct mock_entry *e)
{
	unsigned int i;

	for (i = 0; i < MOCK_TLB; i++) {
		const struct mock_tlb_entry *t = &mock->tlb[i];

		if (t->live && t->asid == asid && t->level == level &&
		    va >= t->va && va - t->va < t->span) {
			*e = t->e;
			return true;
		}
	}
	return false;
}

static void tlb_fill(struct mem_mock *mock, u32 asid, u64 va,
		     unsigned int level, const struct mock_entry *e)
{
	struct mock_tlb_entry *t = &mock->tlb[mock->tlb_next++ % MOCK_TLB];
	u64 span = 1ULL << level_shift(&mock->format->fmt, level);

	t->live = true;
	t->stale = false;
	t->asid = asid;
	t->level = level;
	t->span = span;
	t->va = va & ~(span - 1);
	t->e = *e;
}

/* The part of a leaf of @level that @va is in. */
static void pick_page(const struct vgpu_pt_format *fmt, unsigned int level,
		      u64 va, struct mock_entry *e)
{
	u64 span = 1ULL << level_shift(fmt, level);
	u64 page = 1ULL << fmt->page_shift;

	e->addr += va & (span - 1) & ~(page - 1);
}

/* What an engine notes in the leaf that it is about to cache. */
static void mark(const struct vgpu_pt_format *fmt, u64 *pte, u32 prot,
		 struct mock_entry *e)
{
	*pte |= fmt->accessed;
	e->dirty = (prot & e->prot & VGPU_PROT_WRITE);
	if (e->dirty)
		*pte |= fmt->dirty;
}

static int walk(struct mem_mock *mock, struct vgpu_as *as, u64 va, bool cache,
		u32 prot, struct mock_entry *out)
{
	const struct vgpu_pt_format *fmt = &mock->format->fmt;
	unsigned int known, level = fmt->levels;
	u64 table = vgpu_as_root(as);
	u32 asid = vgpu_as_asid(as);

	lockdep_assert_held(&mock->lock);
	/* an engine begins with the leaf, or the lowest table, that it knows */
	for (known = 0; cache && known < fmt->levels; known++) {
		if (!tlb_find(mock, asid, va, known, out))
			continue;
		/* written through only when its entry says so */
		if (!out->table && (prot & VGPU_PROT_WRITE) && !out->dirty)
			continue;
		if (!out->table) {
			pick_page(fmt, known, va, out);
			return 0;
		}
		table = out->addr;
		level = known;
		break;
	}
	while (level--) {
		u64 index = va >> level_shift(fmt, level);
		u64 at = table + 8 * (index & ((1U << fmt->bits[level]) - 1));

		if (at >= mock->bytes) {
			violation(mock, "walked out of VRAM", va, at);
			return -EFAULT;
		}
		if (!mock->format->decode(*(u64 *)(mock->mem + at), level, out))
			return -EFAULT;
		if (cache && !out->table)
			mark(fmt, (u64 *)(mock->mem + at), prot, out);
		if (cache)
			tlb_fill(mock, asid, va, level, out);
		if (!out->table) {
			pick_page(fmt, level, va, out);
			return 0;
		}
		table = out->addr;
	}
	violation(mock, "no leaf", va, table);
	return -EFAULT;
}

int mem_mock_access(struct mem_mock *mock, struct vgpu_as *as, u64 va,
		    u32 prot, struct mock_entry *out)
{
	int err;

	spin_lock(&mock->lock);
	err = walk(mock, as, va, true, prot, out);
	if (!err && (out->prot & prot) != prot)
		err = -EFAULT;
	spin_unlock(&mock->lock);
	return err;
}

static int rw(struct mem_mock *mock, struct vgpu_as *as, u64 va, u64 *value,
	      u32 prot)
{
	struct mock_entry e;
	u64 *word;
	int err;

	spin_lock(&mock->lock);
	err = walk(mock, as, va, true, prot, &e);
	if (!err && (e.host || (e.prot & prot) != prot))
		err = -EFAULT;
	if (!err) {
		u64 page = 1ULL << mock->format->fmt.page_shift;

		word = (u64 *)(mock->mem + e.addr + (va & (page - 1)));
		if (prot == VGPU_PROT_WRITE)
			*word = *value;
		else
			*value = *word;
	}
	spin_unlock(&mock->lock);
	return err;
}

int mem_mock_load(struct mem_mock *mock, struct vgpu_as *as, u64 va, u64 *value)
{
	return rw(mock, as, va, value, VGPU_PROT_READ);
}

int mem_mock_store(struct mem_mock *mock, struct vgpu_as *as, u64 va, u64 value)
{
	return rw(mock, as, va, &value, VGPU_PROT_WRITE);
}

int mem_mock_walk(struct mem_mock *mock, struct vgpu_as *as, u64 va,
		  struct mock_entry *out)
{
	int err;

	spin_lock(&mock->lock);
	err = walk(mock, as, va, false, 0, out);
	spin_unlock(&mock->lock);
	return err;
}

static void note_owner(struct vgpu_mem_account *acct, void *arg)
{
	*(struct vgpu_mem_account **)arg = acct;
}

struct vgpu_mem_account *mem_mock_owner(struct mem_mock *mock, u64 addr)
{
	struct vgpu_mem_account *acct = NULL;

	vgpu_vram_owner_at(mock->vram, addr, note_owner, &acct);
	return acct;
}

unsigned int mem_mock_cached(struct mem_mock *mock, u32 asid)
{
	unsigned int i, count = 0;

	spin_lock(&mock->lock);
	for (i = 0; i < MOCK_TLB; i++)
		if (mock->tlb[i].live && mock->tlb[i].asid == asid)
			count++;
	spin_unlock(&mock->lock);
	return count;
}

/* --- life ---------------------------------------------------------------- */

struct mem_mock *mem_mock_create(struct kunit *test, u64 bytes,
				 const struct mock_format *format,
				 struct device *dev)
{
	struct mem_mock *mock = kvzalloc(sizeof(*mock), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mock);
	test->priv = mock;
	spin_lock_init(&mock->lock);
	mock->format = format;
	mock->bytes = bytes;
	mock->dev = dev;
	mock->ops.vram_page = mock_vram_page;
	mock->ops.vram_clear = mock_vram_clear;
	mock->ops.pte_write = mock_pte_write;
	mock->ops.pte_harvest = mock_pte_harvest;
	mock->ops.tlb_invalidate = mock_tlb_invalidate;
	mock->ops.tlb_sync = mock_tlb_sync;
	mock->desc.name = "mock";
	mock->desc.vram_bytes = bytes;
	mock->desc.numa_node = NUMA_NO_NODE;
	mock->desc.caps = VGPU_HW_HOST_MEM;
	if (format) {
		mock->desc.caps |= VGPU_HW_MMU | VGPU_HW_RESTART;
		mock->desc.format = &format->fmt;
	}
	mock->mem = vmalloc(bytes);
	KUNIT_ASSERT_NOT_NULL(test, mock->mem);
	/* what the machine held before us */
	memset(mock->mem, 0xa5, bytes);
	mock->vram = vgpu_vram_create(&mock->ops, mock, &mock->desc, dev);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->vram));
	return mock;
}

void mem_mock_check(struct kunit *test, struct mem_mock *mock)
{
	struct vgpu_vram_stats st;

	KUNIT_EXPECT_EQ_MSG(test, mock->violations, 0U, "%s", mock->why);
	vgpu_vram_trim(mock->vram);
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.blocks, 0ULL);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.free + st.retired, st.total);
	if (!st.retired)
		KUNIT_EXPECT_EQ(test, st.largest_free, st.total);
}

void mem_mock_destroy(struct mem_mock *mock)
{
	if (!mock)
		return;
	if (!IS_ERR_OR_NULL(mock->vram))
		vgpu_vram_destroy(mock->vram);
	vfree(mock->mem);
	kvfree(mock);
}

/* --- allocations that fail ------------------------------------------------
 *
 * The kernel's own fault injection does it: it counts the allocations of this
 * task and lets the nth fail. It leaves allocations that may sleep alone unless
 * told otherwise:
 *
 *   echo N > /sys/kernel/debug/failslab/ignore-gfp-wait
 */
void mem_fail_nth_start(unsigned int nth)
{
#ifdef CONFIG_FAULT_INJECTION
	current->fail_nth = nth;
#endif
}

/* Did it come to the nth? */
bool mem_fail_nth_stop(void)
{
#ifdef CONFIG_FAULT_INJECTION
	bool failed = !current->fail_nth;

	current->fail_nth = 0;
	return failed;
#else
	return false;
#endif
}

bool mem_fail_nth_works(void)
{
	void *p;

	mem_fail_nth_start(1);
	p = kmalloc(64, GFP_KERNEL | __GFP_NOWARN);
	kfree(p);
	return mem_fail_nth_stop() && !p;
}
