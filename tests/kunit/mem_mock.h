/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU for the tests of mem/: VRAM full of garbage, formats of our own, and a
 * walker that caches whatever a real one may: leaves, large leaves and tables,
 * until they were invalidated and synchronised. It counts what it is told, and
 * notes a violation when memory is scrubbed (so, on its way to another owner)
 * that a cached translation still leads to.
 */
#ifndef _MEM_MOCK_H
#define _MEM_MOCK_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include "mem/mem_priv.h"

#define MOCK_TLB	1024
#define MOCK_MIB	(1024 * 1024ULL)
/* Random steps: with a sanitizer each takes several times as long, and finds more. */
#define MOCK_STEPS(n)	(IS_ENABLED(CONFIG_KASAN) ? (n) / 3 : (n))

/* What an entry of a table says. */
struct mock_entry {
	bool table;
	bool host;
	bool dirty;
	u64 addr;
	u32 prot;
};

struct mock_format {
	struct vgpu_pt_format fmt;
	/* false: absent, or nonsense at this level */
	bool (*decode)(u64 raw, unsigned int level, struct mock_entry *e);
};

extern const struct mock_format mock_formats[];
extern const unsigned int mock_nr_formats;
const void *mock_format_gen_params(const void *prev, char *desc);

struct mock_tlb_entry {
	bool live;
	bool stale;		/* invalidated, not synchronised */
	u32 asid;
	unsigned int level;	/* of the table that the entry was in */
	u64 va;
	u64 span;
	struct mock_entry e;
};

struct mem_mock {
	struct vgpu_backend_ops ops;
	struct vgpu_hw_desc desc;
	const struct mock_format *format;
	u8 *mem;
	u64 bytes;
	struct device *dev;
	struct vgpu_vram *vram;
	/* clearing waits for it, 10 s at most */
	struct completion *hold;
	/* in the middle of things: when a page is looked up, when memory is cleared,
	 * when engines are waited for; NULL: nothing happens
	 */
	void (*on_page)(struct mem_mock *mock);
	void (*on_clear)(struct mem_mock *mock, u64 addr);
	void (*on_sync)(struct mem_mock *mock);
	void *hook_arg;

	spinlock_t lock;	/* protects the rest */
	struct mock_tlb_entry tlb[MOCK_TLB];
	unsigned int tlb_next;
	u64 cleared;
	u64 ptes;
	u64 pte_batches;
	u64 invalidates;
	u64 syncs;
	u64 calls;
	unsigned int violations;
	char why[128];
};

/* @format NULL: a GPU without an MMU. Filled with garbage. */
struct mem_mock *mem_mock_create(struct kunit *test, u64 bytes,
				 const struct mock_format *format,
				 struct device *dev);
/* Fails the test for violations and for blocks that were not freed. */
void mem_mock_check(struct kunit *test, struct mem_mock *mock);
void mem_mock_destroy(struct mem_mock *mock);

/* As an engine would: through the caches, filling them. 0 or -EFAULT. */
int mem_mock_access(struct mem_mock *mock, struct vgpu_as *as, u64 va,
		    u32 prot, struct mock_entry *out);
/*
 * The same, and reads or writes a word before anybody who drops translations
 * gets on: an engine that is at it is waited for. 0 or -EFAULT.
 */
int mem_mock_load(struct mem_mock *mock, struct vgpu_as *as, u64 va, u64 *value);
int mem_mock_store(struct mem_mock *mock, struct vgpu_as *as, u64 va, u64 value);
/* What the tables say now. 0 or -EFAULT. */
int mem_mock_walk(struct mem_mock *mock, struct vgpu_as *as, u64 va,
		  struct mock_entry *out);
/* Who pays for the BO that @addr is in, or NULL; for tests whose BOs are paid for. */
struct vgpu_mem_account *mem_mock_owner(struct mem_mock *mock, u64 addr);
/* Is it a BO's? */
static inline bool mem_mock_used(struct mem_mock *mock, u64 addr)
{
	return vgpu_vram_owner_at(mock->vram, addr, NULL, NULL);
}

/* Translations of @asid in the caches. */
unsigned int mem_mock_cached(struct mem_mock *mock, u32 asid);

/* Every allocation in the call is made to fail in turn, see mem_mock.c. */
void mem_fail_nth_start(unsigned int nth);
bool mem_fail_nth_stop(void);
bool mem_fail_nth_works(void);

static inline u32 mock_rnd(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

#endif /* _MEM_MOCK_H */
