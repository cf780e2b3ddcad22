/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside mem/.
 *
 * Locks, outermost first; what is on the same line is never held together:
 *
 *   vram->strategy_lock (mutex)  one change of strategy at a time
 *   vram->defrag.lock (mutex) one step of moving what is in use
 *   bo->walk_lock (mutex)  one walk over the mappings of a BO in VRAM; the
 *                          core's zap callback runs under it
 *   as->lock (mutex)       regions and page tables of one address space; held
 *                          across table allocation, so it must not be taken
 *                          from memory reclaim. Never two of them at once.
 *   bo->map_lock (spin)    bo->maps (the reverse map), bo->revoked, which
 *                          blocks a BO consists of and which of them moves
 *   residency->lock (spin) states of chunks, lists of frames
 *   tier->lock (spin)      benches and the reserve of the tier (a leaf)
 *   vram->lock (spin)      free and taken blocks, the dirty map, block states;
 *   acct->lock (spin)      one account
 *   vram->gate (SRCU)      read-held around every call of a backend
 *                          operation; may be entered under any of the above
 *                          that may sleep, and in vgpu_bo_page() anywhere
 *
 * vram_clear() and tlb_sync() sleep: they are called under as->lock at most.
 * Release callbacks of foreign pages, and the last put of a BO, run with none
 * of these locks held.
 *
 * The two directions, address space to BO (map, unmap) and BO to address space
 * (revoke), meet without a lock order problem because the reverse map is only
 * peeked at under map_lock: revoke takes a reference to the address space it
 * finds there, drops map_lock, takes as->lock and looks again. A mapping leaves
 * the reverse map only after tlb_sync(), so an empty reverse map means that no
 * engine reaches the BO.
 */
#ifndef _VGPU_MEM_PRIV_H
#define _VGPU_MEM_PRIV_H

#include <linux/completion.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <vgpu/mem.h>

#define VGPU_PAGE_SHIFT		12	/* unit of the VRAM allocator */
#define VGPU_PAGE_BYTES		BIT_ULL(VGPU_PAGE_SHIFT)
#define VGPU_ORDERS		10	/* alignments of 4 KiB to 2 MiB */
#define VGPU_LARGE_ORDER	(VGPU_ORDERS - 1)
#define VGPU_LARGE_PAGES	BIT(VGPU_LARGE_ORDER)
#define VGPU_GUARD_BYTES	0x10000ULL	/* null pointers fault */
#define VGPU_PT_LEVELS		6
#define VGPU_PTE_BATCH		128
#define VGPU_PAGED_MAPS		4096	/* mappings of a pageable BO */

enum vgpu_block_state {
	VGPU_BLOCK_FREE,
	VGPU_BLOCK_USED,
	VGPU_BLOCK_PINNED,	/* used; moved as what it is of, or not at all */
	VGPU_BLOCK_RETIRED,	/* bad memory, never handed out again */
	VGPU_BLOCK_POOLED,	/* free and clean, at hand in a pool */
	VGPU_BLOCK_UNCLEAN,	/* free, and not scrubbed yet */
};

enum vgpu_block_kind {
	VGPU_BLOCK_OF_BO,
	VGPU_BLOCK_TABLE,	/* page table */
	VGPU_BLOCK_FRAME,	/* for pageable memory, see frames.c */
};

/**
 * struct vgpu_fit - the largest allocation that fits, for each alignment
 * @pages: by order of alignment
 */
struct vgpu_fit {
	u32 pages[VGPU_ORDERS];
};

struct vgpu_vram;
struct vgpu_pt;

/**
 * struct vgpu_block - a run of VRAM pages
 * @node: in vram->taken (by address); of a free one in vram->free (in the
 *	strategy's order)
 * @link: with a fit strategy: of all blocks, by address
 * @first: page number
 * @pages: how many
 * @state: enum vgpu_block_state
 * @order: alignment that was asked for
 * @kind: pinned: enum vgpu_block_kind
 * @bo_page: with @bo: where in it the block lies, in pages
 * @bo: used and pinned: whose it is; NULL: nobody's, or an empty frame
 * @pt: pinned, of that kind: the page table
 * @queued: pooled: in its pool; unclean: in vram->unclean
 * @fit: free only: the best of the subtree below @node
 */
struct vgpu_block {
	struct rb_node node;
	struct list_head link;
	u32 first;
	u32 pages;
	u8 state;
	u8 order;
	u8 kind;
	u32 bo_page;
	union {
		struct vgpu_bo *bo;
		struct vgpu_pt *pt;
		struct list_head queued;
		struct vgpu_fit fit;
	};
};

/**
 * struct vgpu_vram_strategy - who knows what is free, and picks from it
 * @name: for people and settings
 * @spare: blocks that @take may take from its list
 * @init: process: what it needs for a VRAM of this size; NULL state is fine,
 *	ERR_PTR(-ENOMEM)
 * @fini: process: frees what @init made
 * @build: learns what is free: all that vram->taken does not cover. Takes a
 *	block from @spare for each of these runs.
 * @drop: forgets it, and puts the blocks that it had on @spare
 * @take: finds @pages aligned to @order, and makes them @block's. False: there
 *	is no such place. May take one from @spare, and may add some.
 * @take_at: the same for a place that is free
 * @give: what @block covers is free. It and others may end up on @spare.
 * @largest: the most pages that @take could find at this alignment
 *
 * All but @init and @fini are called under vram->lock, and all but @build and
 * @drop take O(log n).
 */
struct vgpu_vram_strategy {
	const char *name;
	unsigned int spare;
	void *(*init)(const struct vgpu_vram *vram);
	void (*fini)(void *state);
	void (*build)(struct vgpu_vram *vram, struct list_head *spare);
	void (*drop)(struct vgpu_vram *vram, struct list_head *spare);
	bool (*take)(struct vgpu_vram *vram, struct vgpu_block *block,
		     unsigned int order, u32 pages, struct list_head *spare);
	void (*take_at)(struct vgpu_vram *vram, struct vgpu_block *block,
			u32 first, u32 pages, struct list_head *spare);
	void (*give)(struct vgpu_vram *vram, struct vgpu_block *block,
		     struct list_head *spare);
	u32 (*largest)(const struct vgpu_vram *vram, unsigned int order);
};

extern const struct vgpu_vram_strategy vgpu_strategy_buddy;
const struct vgpu_vram_strategy *vgpu_vram_strategy_find(const char *name);

/**
 * struct vgpu_pool - clean blocks of one size, at hand
 * @blocks: the most recently freed first
 * @held: how many
 * @target: how many it may hold
 * @low: least held since it was last looked at: what nobody needed
 * @seen: hits and misses when it was last looked at
 * @hits: requests served
 * @misses: requests that found it empty
 */
struct vgpu_pool {
	struct list_head blocks;
	u32 held;
	u32 target;
	u32 low;
	u64 seen;
	u64 hits;
	u64 misses;
};

/**
 * struct vgpu_defrag - moving what is in use, see defrag.c
 * @lock: one step at a time; who holds it may have the last reference to a BO
 * @wait: for a block that is being moved
 * @starved: who waits for the end of the step, and no other may begin
 * @running: 1 while a run goes on
 * @moving: 1 while a step does
 * @stop: it is to end soon
 * @stats: under vram->lock
 */
struct vgpu_defrag {
	struct mutex lock;	/* one step at a time */
	wait_queue_head_t wait;
	atomic_t starved;
	atomic_t running;
	bool moving;
	bool stop;
	struct vgpu_defrag_stats stats;
};

/**
 * struct vgpu_vram - a GPU's memory
 * @ref: the core's and one for each BO and address space
 * @gate: readers call operations
 * @gone: the GPU is unplugged, no operation may be called
 * @unit_shift: of the GPU's base page; BOs and mappings are multiples of it
 * @pt_shift: address bits below the index of each level
 * @va_end: one past what can be mapped
 * @pages: VRAM pages in all
 * @strategy_lock: one change of strategy at a time
 * @read_ahead: chunks, at most; 0: none
 * @tier_limit: bytes of evicted memory in system memory, until it goes to files; 0: never
 * @residency: what is pageable; NULL until it is enabled, never NULL again
 * @defrag: moving what is in use, see defrag.c
 * @lock: protects all that follows
 * @strategy: who knows what is free
 * @strategy_state: its own
 * @taken: all that is not free, by address
 * @free: fit strategies: what is free, in their order
 * @blocks: fit strategies: all blocks, by address
 * @dirty: bit per page: may hold other than zeros
 * @bad: retired page numbers
 * @blank: blocks without memory, for the next who needs one
 * @free_pages: not in use: what the strategy has, pooled, unclean
 * @pooling: pools are in use
 * @pool_most: blocks that each may hold
 * @background: freed memory is scrubbed by @scrub_work
 * @pool: by size
 * @unclean: freed, to be scrubbed, oldest first
 * @cleaning: blocks that somebody has in hand to scrub them
 * @cleaned_seq: how many of them were done
 * @first_pass: free memory below is clean: what was there before us
 * @cleaned: woken with @cleaned_seq
 */
struct vgpu_vram {
	struct kref ref;
	const struct vgpu_backend_ops *ops;
	void *hw;
	struct device *dev;
	const struct vgpu_pt_format *format;
	u64 caps;
	int numa_node;
	struct srcu_struct gate;
	bool gone;

	unsigned int unit_shift;
	unsigned int pt_shift[VGPU_PT_LEVELS + 1];
	u64 va_start;
	u64 va_end;
	u32 pages;
	u32 read_ahead;
	u64 tier_limit;
	struct vgpu_residency *residency;
	struct vgpu_defrag defrag;

	struct mutex strategy_lock;	/* one change of strategy at a time */
	spinlock_t lock;	/* protects all below */
	const struct vgpu_vram_strategy *strategy;
	void *strategy_state;
	struct rb_root taken;
	struct rb_root free;
	struct list_head blocks;
	unsigned long *dirty;
	struct xarray bad;
	struct list_head blank;
	u32 nr_blank;
	u32 free_pages;
	u32 retired_pages;
	u64 nr_used;
	u64 pages_scrubbed;

	bool pooling;
	bool background;
	u32 pool_most;
	struct vgpu_pool pool[VGPU_POOLS];
	u32 pooled_pages;
	struct list_head unclean;
	u32 unclean_pages;
	u32 unclean_blocks;
	u32 cleaning;
	u64 cleaned_seq;
	u32 first_pass;
	u64 alloc_waits;
	wait_queue_head_t cleaned;
	struct work_struct scrub_work;
	struct delayed_work pool_work;
};

void vgpu_vram_init_geometry(struct vgpu_vram *vram);
void vgpu_vram_get(struct vgpu_vram *vram);
void vgpu_vram_put(struct vgpu_vram *vram);
void vgpu_block_set_bo(struct vgpu_vram *vram, struct vgpu_block *block,
		       struct vgpu_bo *bo, u64 offset);
bool vgpu_block_is_bad(struct vgpu_vram *vram, const struct vgpu_block *block);
void vgpu_block_set_pt(struct vgpu_vram *vram, struct vgpu_block *block,
		       struct vgpu_pt *pt);
struct page *vgpu_vram_page(struct vgpu_vram *vram, u64 addr);
struct vgpu_block *vgpu_vram_alloc(struct vgpu_vram *vram, u32 min, u32 max,
				   unsigned int order, struct vgpu_bo *bo,
				   bool pinned);
struct vgpu_block *vgpu_vram_alloc_at(struct vgpu_vram *vram, u32 first,
				      u32 pages, unsigned int order,
				      struct vgpu_bo *bo, bool pinned);
void vgpu_vram_free(struct vgpu_vram *vram, struct vgpu_block *block,
		    bool untouched);
void vgpu_vram_slide(struct vgpu_vram *vram, struct vgpu_block *place,
		     struct vgpu_block *block);
struct vgpu_block *vgpu_vram_taken_at_locked(struct vgpu_vram *vram, u32 page);
struct vgpu_block *vgpu_vram_taken_from_locked(struct vgpu_vram *vram,
					       u32 page);
/* Runs of pages that are not taken. */
u32 vgpu_vram_gaps_locked(struct vgpu_vram *vram);
int vgpu_block_reserve(struct list_head *spare, unsigned int count);
void vgpu_block_unreserve(struct list_head *spare);
void vgpu_block_recycle_locked(struct vgpu_vram *vram,
			       struct list_head *spare);
void vgpu_vram_taken_insert(struct vgpu_vram *vram, struct vgpu_block *block);
void vgpu_vram_give_locked(struct vgpu_vram *vram, struct vgpu_block *block,
			   struct list_head *spare);
void vgpu_vram_settle(struct vgpu_vram *vram, struct vgpu_block *block);

void vgpu_pool_init(struct vgpu_vram *vram);
void vgpu_pool_stop(struct vgpu_vram *vram);
struct vgpu_block *vgpu_pool_get_locked(struct vgpu_vram *vram, u32 pages,
					unsigned int order);
bool vgpu_pool_put_locked(struct vgpu_vram *vram, struct vgpu_block *block);
void vgpu_pool_remove_locked(struct vgpu_vram *vram, struct vgpu_block *block);
bool vgpu_pool_drain(struct vgpu_vram *vram);

void vgpu_scrub_init(struct vgpu_vram *vram);
void vgpu_scrub_stop(struct vgpu_vram *vram);
void vgpu_scrub_range(struct vgpu_vram *vram, u32 first, u32 pages);
bool vgpu_scrub_later_locked(struct vgpu_vram *vram, struct vgpu_block *block);
u64 vgpu_scrub_pending(struct vgpu_vram *vram);
bool vgpu_scrub_help(struct vgpu_vram *vram, u64 until);
void vgpu_scrub_done_locked(struct vgpu_vram *vram);

/* What a walk of the reverse map does with a part of a mapping. */
struct vgpu_region;
typedef void (*vgpu_walk_fn)(struct vgpu_as *as, struct vgpu_region *region,
			     u64 va, u64 end, void *arg);
/* rmap.c: @bo->walk_lock held */
void vgpu_bo_walk(struct vgpu_bo *bo, u64 lo, u64 hi, vgpu_walk_fn fn,
		  void *arg);
bool vgpu_bo_refresh(struct vgpu_bo *bo, u64 lo, u64 hi);
bool vgpu_bo_take_away(struct vgpu_bo *bo, u64 lo, u64 hi);

/* survey.c: @fn is called under vram->lock, by address; blocks may come and go */
typedef void (*vgpu_block_fn)(void *arg, const struct vgpu_block *block);
void vgpu_vram_visit(struct vgpu_vram *vram, vgpu_block_fn fn, void *arg);

/**
 * struct vgpu_plan_run - part of VRAM that is in use, for the planner
 * @first: page
 * @pages: how many
 * @align: 0: it can't be moved; else pages that where it goes must be off by a
 *	multiple of, a power of two
 */
struct vgpu_plan_run {
	u32 first;
	u32 pages;
	u32 align;
};

/** struct vgpu_plan_gap - part of VRAM that nobody uses */
struct vgpu_plan_gap {
	u32 first;
	u32 pages;
};

/** struct vgpu_plan_move - what is to be moved where */
struct vgpu_plan_move {
	u32 first;
	u32 pages;
	u32 to;
};

/* plan.c: pure logic; @gap has room for @runs + 1, @then for @runs */
u32 vgpu_defrag_plan(const struct vgpu_plan_run *run, u32 runs, u32 pages,
		     struct vgpu_plan_gap *gap, struct vgpu_plan_run *then,
		     struct vgpu_plan_move *move, u32 max);

/* defrag.c */
#define VGPU_MOVE_PAGES	1024U	/* at once, at most */
void vgpu_defrag_init(struct vgpu_vram *vram);
int vgpu_defrag_move(struct vgpu_vram *vram,
		     const struct vgpu_plan_move *move);
/* Waits for the end of the step, for who found no memory; was there one? */
bool vgpu_defrag_settle(struct vgpu_vram *vram);
bool vgpu_vram_copy(struct vgpu_vram *vram, u64 to, u64 from, u64 bytes);

/* Steady only under vram->gate; elsewhere a hint. */
static inline bool vgpu_vram_gone(const struct vgpu_vram *vram)
{
	return READ_ONCE(vram->gone);
}

static inline u64 vgpu_block_addr(const struct vgpu_block *block)
{
	return (u64)block->first << VGPU_PAGE_SHIFT;
}

static inline u64 vgpu_block_bytes(const struct vgpu_block *block)
{
	return (u64)block->pages << VGPU_PAGE_SHIFT;
}

static inline u64 vgpu_vram_unit(const struct vgpu_vram *vram)
{
	return 1ULL << vram->unit_shift;
}

/* Can an engine go on with what it was at, when memory was moved? */
static inline bool vgpu_vram_can_move(const struct vgpu_vram *vram)
{
	const u64 need = VGPU_HW_MMU | VGPU_HW_RESTART;

	return (vram->caps & need) == need;
}

#define VGPU_ADDR_NONE	U64_MAX		/* of memory that is not in VRAM */

/* A block of a BO and where in the BO it lies. */
struct vgpu_bo_piece {
	u64 offset;
	struct vgpu_block *block;
};

/**
 * struct vgpu_bo - a piece of memory
 * @ref: the owner's and one for each mapping
 * @acct: charged with @bytes; NULL for none
 * @bytes: a multiple of the GPU's base page
 * @host: system memory
 * @foreign: of somebody else
 * @parent: BO that this is another name for, while not released
 * @piece: VRAM: by offset
 * @paged: VRAM, pageable: in place of @piece
 * @page: host: one for each PAGE_SIZE
 * @dma: host: bus address of each GPU base page
 * @dma_mapped: entries of @dma that are mapped
 * @release: foreign: called once, see vgpu_bo_create_host()
 * @movable: VRAM: its pieces may be moved; set last when it is made
 * @walk_lock: one walk of the reverse map at a time; above as->lock. Also
 *	protects @zap
 * @walk_seq: of the walk in progress, or the last (@map_lock, too)
 * @zap: takes pages from the CPU's mappings
 * @zap_arg: for @zap
 * @map_lock: protects what follows, and the blocks of @piece
 * @maps: reverse map, regions of any address space
 * @nr_maps: in @maps
 * @revoked: no new mapping; set once
 * @revoke_done: by the first who revoked
 * @holds: its pieces stay where they are meanwhile
 * @move_lo: first byte of the piece that is being moved
 * @move_hi: one past its last; 0: none is
 */
struct vgpu_bo {
	struct kref ref;
	struct vgpu_vram *vram;
	struct vgpu_mem_account *acct;
	u64 bytes;
	bool host;
	bool foreign;
	struct vgpu_bo *parent;

	unsigned int pieces;
	unsigned int pieces_max;
	struct vgpu_bo_piece *piece;

	struct vgpu_paged *paged;

	struct page **page;
	dma_addr_t *dma;
	unsigned long dma_mapped;
	void (*release)(void *arg);
	void *release_arg;

	bool movable;
	struct mutex walk_lock;		/* protects walk_seq, zap */
	u64 walk_seq;
	vgpu_bo_zap_fn zap;
	void *zap_arg;

	spinlock_t map_lock;	/* protects what follows, blocks of pieces */
	struct list_head maps;
	unsigned int nr_maps;
	bool revoked;
	struct completion revoke_done;
	unsigned int holds;
	u64 move_lo;
	u64 move_hi;
};

void vgpu_bo_common_init(struct vgpu_bo *bo, struct vgpu_vram *vram,
			 u64 bytes);
void vgpu_bo_host_unmap_dma(struct vgpu_bo *bo);
void vgpu_bo_host_fini(struct vgpu_bo *bo);
unsigned int vgpu_bo_piece_at(const struct vgpu_bo *bo, u64 offset);
u64 vgpu_bo_run(struct vgpu_bo *bo, u64 offset, u64 *addr);

/* A walk over the GPU addresses behind a BO; each run is looked up once. */
struct vgpu_bo_cursor {
	struct vgpu_bo *bo;
	u64 offset;
	u64 addr;
	u64 left;		/* contiguous bytes from addr */
};

static inline void vgpu_bo_cursor_init(struct vgpu_bo_cursor *cur,
				       struct vgpu_bo *bo, u64 offset)
{
	cur->bo = bo;
	cur->offset = offset;
	cur->left = vgpu_bo_run(bo, offset, &cur->addr);
}

static inline void vgpu_bo_cursor_advance(struct vgpu_bo_cursor *cur,
					  u64 bytes)
{
	cur->offset += bytes;
	if (cur->addr != VGPU_ADDR_NONE)
		cur->addr += bytes;
	cur->left -= bytes;
	if (!cur->left && cur->offset < cur->bo->bytes)
		cur->left = vgpu_bo_run(cur->bo, cur->offset, &cur->addr);
}

/* Over runs that end before @bytes do. */
static inline void vgpu_bo_cursor_skip(struct vgpu_bo_cursor *cur, u64 bytes)
{
	while (bytes) {
		u64 step = min(cur->left, bytes);

		if (!step)
			return;		/* the end */
		vgpu_bo_cursor_advance(cur, step);
		bytes -= step;
	}
}

/**
 * struct vgpu_region - a range of addresses backed by a part of a BO
 * @node: in as->regions, by address
 * @as: where it is mapped
 * @bo: what is mapped; holds a reference
 * @bo_link: in bo->maps
 * @doomed: on its way out
 * @walk_seq: of the walk over @bo's mappings that was here last (map_lock)
 * @va: first address
 * @bytes: length
 * @offset: in @bo
 * @prot: VGPU_PROT_*
 */
struct vgpu_region {
	struct rb_node node;
	struct vgpu_as *as;
	struct vgpu_bo *bo;
	struct list_head bo_link;
	struct list_head doomed;
	u64 walk_seq;
	u64 va;
	u64 bytes;
	u64 offset;
	u32 prot;
};

static inline u64 vgpu_region_end(const struct vgpu_region *region)
{
	return region->va + region->bytes;
}

struct vgpu_region *vgpu_region_alloc(void);
void vgpu_region_free(struct vgpu_region *region);
void vgpu_region_insert(struct vgpu_as *as, struct vgpu_region *region);
void vgpu_region_erase(struct vgpu_as *as, struct vgpu_region *region);
struct vgpu_region *vgpu_region_first(struct vgpu_as *as, u64 va, u64 end);
struct vgpu_region *vgpu_region_next(struct vgpu_region *region, u64 end);

/**
 * struct vgpu_pt - a page table, as the CPU remembers it
 * @link: waiting to be used (spare) or freed (dead)
 * @as: whose it is
 * @va: an address that it translates, once it is in its place
 * @block: of VRAM; NULL for tables that are part of a page of others
 * @addr: in VRAM
 * @level: 0 is the lowest
 * @live: entries in use
 * @child: levels above 0: by index: NULL, a table, or VGPU_PT_LEAF
 */
struct vgpu_pt {
	struct list_head link;
	struct vgpu_as *as;
	u64 va;
	struct vgpu_block *block;
	u64 addr;
	unsigned int level;
	unsigned int live;
	struct vgpu_pt **child;
};

#define VGPU_PT_LEAF	((struct vgpu_pt *)1)

/**
 * struct vgpu_as - an address space
 * @ref: the owner's, and of whoever found it in a reverse map
 * @lock: protects all that follows
 * @regions: by address; they never overlap
 * @root: top table; NULL without an MMU
 * @spare: tables for a split that must not fail
 * @dead: tables to free after the next synchronisation
 * @table_moved: when a table was moved last, jiffies
 * @flush_lo: translations to drop at the next synchronisation
 * @flush_hi: likewise; not above @flush_lo: none
 * @batch: entries to write
 */
struct vgpu_as {
	struct kref ref;
	struct vgpu_vram *vram;
	struct vgpu_mem_account *acct;
	u32 asid;
	bool tables_stay;	/* from before anything is mapped on */

	struct mutex lock;	/* protects all below */
	struct rb_root regions;
	struct vgpu_pt *root;
	struct list_head spare;
	struct list_head dead;
	unsigned long table_moved;
	u64 flush_lo;
	u64 flush_hi;
	struct vgpu_as_stats stats;
	unsigned int batched;
	struct vgpu_hw_pte batch[VGPU_PTE_BATCH];
};

/* What an entry of a table of @level covers. */
static inline u64 vgpu_pt_span(const struct vgpu_as *as, unsigned int level)
{
	return 1ULL << as->vram->pt_shift[level];
}

static inline unsigned int vgpu_pt_index(const struct vgpu_as *as,
					 unsigned int level, u64 va)
{
	return (va >> as->vram->pt_shift[level]) &
	       ((1U << as->vram->format->bits[level]) - 1);
}

/* Translations of [@lo, @hi) are dropped at the next vgpu_pt_sync(). */
static inline void vgpu_pt_want_flush(struct vgpu_as *as, u64 lo, u64 hi)
{
	as->flush_lo = min(as->flush_lo, lo);
	as->flush_hi = max(as->flush_hi, hi);
}

void vgpu_as_get(struct vgpu_as *as);
void vgpu_as_put(struct vgpu_as *as);
void vgpu_as_remove_bo(struct vgpu_as *as, struct vgpu_bo *bo);

int vgpu_pt_init(struct vgpu_as *as);
void vgpu_pt_fini(struct vgpu_as *as);
int vgpu_pt_map(struct vgpu_as *as, const struct vgpu_region *region);
bool vgpu_pt_refresh(struct vgpu_as *as, const struct vgpu_region *region,
		     u64 va, u64 end);
int vgpu_pt_reserve_split(struct vgpu_as *as, u64 va, u64 end);
void vgpu_pt_split(struct vgpu_as *as, u64 va);
void vgpu_pt_unreserve(struct vgpu_as *as);
void vgpu_pt_clear(struct vgpu_as *as, u64 va, u64 end);
void vgpu_pt_harvest(struct vgpu_as *as, const struct vgpu_region *region,
		     u64 va, u64 end, u32 forget, vgpu_as_used_fn used,
		     void *arg);
void vgpu_pt_sync(struct vgpu_as *as);
bool vgpu_pt_can_move(const struct vgpu_pt *pt);
int vgpu_pt_move(struct vgpu_as *as, const struct vgpu_block *block,
		 unsigned int level, u64 va, u32 to);

#endif /* _VGPU_MEM_PRIV_H */
