/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mem/ offers the core: the VRAM of a GPU, pieces of memory (BOs) with
 * all their mappings, address spaces with real page tables, and the accounts
 * that pay.  It knows GPUs only as struct vgpu_backend_ops, and tenants only
 * as struct vgpu_mem_account.
 *
 * All of it is called in process context and may sleep, where not noted.
 */
#ifndef _VGPU_MEM_H
#define _VGPU_MEM_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <vgpu/backend.h>

struct vgpu_vram;
struct vgpu_bo;
struct vgpu_as;

/**
 * struct vgpu_thrash - how much one tenant makes everybody page, mem/thrash.c
 * @window: when this one began
 * @blamed: refaults in it that are this tenant's doing
 * @level: 0: none; else its fault-ins are VGPU_THRASH_NS << (level - 1) apart
 * @next: when the next one may begin
 * @begun: how often it came to be held back
 */
struct vgpu_thrash {
	u64 window;
	u32 blamed;
	u32 level;
	u64 next;
	u64 begun;
};

/**
 * struct vgpu_mem_owner - whose pageable memory it is, see mem/lru.c
 * @link: in the residency's list, while there is pageable memory
 * @chunks: in VRAM and not held, the oldest first
 * @bos: pageable BOs
 * @id: of all that ever were; never 0
 * @priority: the higher, the later a victim
 * @thrash: whether it is held back
 */
struct vgpu_mem_owner {
	struct list_head link;
	struct list_head chunks;
	u32 bos;
	u64 id;
	u32 priority;
	struct vgpu_thrash thrash;
};

/**
 * struct vgpu_mem_account - who pays for VRAM; embed it
 * @limit: bytes that may be in use
 * @used: bytes in use: BOs, rounded to pages, and page tables
 * @peak: most that was ever in use
 * @denied: charges refused
 * @fixed: bytes of @used that can't be evicted, and chunks that are held
 * @share: what of VRAM is there for it whatever others do: of over-committed
 *	memory less than @limit. An eighth of it is never fixed
 * @resident: bytes of pageable BOs that are in VRAM
 * @squeezed: what it had to give up could not be charged to its cgroup
 * @owner: its pageable memory
 * @changed: called with @lock held when @used or @limit has changed, or NULL; atomic
 *
 * Charged before anything is allocated, so that no race passes the limit.
 */
struct vgpu_mem_account {
	spinlock_t lock;	/* protects the rest; innermost, but for @changed */
	u64 limit;
	u64 used;
	u64 peak;
	u64 denied;
	u64 fixed;
	u64 share;
	u64 resident;
	bool squeezed;
	struct vgpu_mem_owner owner;
	void (*changed)(struct vgpu_mem_account *acct);
};

void vgpu_mem_account_init(struct vgpu_mem_account *acct, u64 limit);
/* 0 or -EDQUOT. Atomic. */
int vgpu_mem_charge(struct vgpu_mem_account *acct, u64 bytes);
/* More than is in use: warned of once and clamped, never an underflow. */
void vgpu_mem_uncharge(struct vgpu_mem_account *acct, u64 bytes);
/* 0, or -EBUSY when more than @limit is in use. */
int vgpu_mem_set_limit(struct vgpu_mem_account *acct, u64 limit);
/*
 * The same for memory that can't be evicted: it has to be within the share,
 * too. -EDQUOT. @bytes 0 charges nothing but @fixed.
 */
int vgpu_mem_charge_fixed(struct vgpu_mem_account *acct, u64 bytes, u64 fixed);
void vgpu_mem_uncharge_fixed(struct vgpu_mem_account *acct, u64 bytes,
			     u64 fixed);
/* U64_MAX: no over-commit. 0, or -EBUSY when more than @share is fixed. */
int vgpu_mem_set_share(struct vgpu_mem_account *acct, u64 share);
/* Whose memory is evicted later than that of others with as good a claim. */
void vgpu_mem_set_priority(struct vgpu_mem_account *acct, u32 priority);

#define VGPU_POOLS	8

/**
 * struct vgpu_pool_stats - of the blocks of one size that are kept at hand
 * @held: how many there are
 * @target: how many there may be; grows with misses, shrinks when idle
 * @hits: requests served from it
 * @misses: requests of its size that found it empty
 */
struct vgpu_pool_stats {
	u32 held;
	u32 target;
	u64 hits;
	u64 misses;
};

/**
 * struct vgpu_vram_stats - of a whole VRAM
 * @total: bytes
 * @used: bytes in blocks in use
 * @free: bytes free
 * @largest_free: longest free run, bytes
 * @blocks: in use
 * @frag_permille: 1000 * (1 - largest_free / free); 0 when nothing is free
 * @retired: bytes of bad pages, neither used nor free
 * @scrubbed: bytes zeroed so far
 * @pooled: bytes of @free that are in pools
 * @unclean: bytes of @free that are still to be scrubbed
 * @alloc_waits: requests that had to wait for scrubbing
 * @pool: blocks of 4 KiB, 8 KiB and so on up to 512 KiB
 */
struct vgpu_vram_stats {
	u64 total;
	u64 used;
	u64 free;
	u64 largest_free;
	u64 blocks;
	u32 frag_permille;
	u64 retired;
	u64 scrubbed;
	u64 pooled;
	u64 unclean;
	u64 alloc_waits;
	struct vgpu_pool_stats pool[VGPU_POOLS];
};

struct vgpu_vram *vgpu_vram_create(const struct vgpu_backend_ops *ops,
				   void *hw, const struct vgpu_hw_desc *desc,
				   struct device *dev);
/* Everything must have been freed; what was not is warned of. */
void vgpu_vram_destroy(struct vgpu_vram *vram);
/*
 * The GPU is gone: on return no operation is being called, and none will be.
 * What there is can be unmapped, revoked and freed as before; making more
 * gives -ENODEV. vgpu_vram_destroy() includes it.
 */
void vgpu_vram_unplug(struct vgpu_vram *vram);
/* "best" (the default), "first", "worst", "buddy"; -ENOENT, -ENOMEM. Live. */
int vgpu_vram_set_strategy(struct vgpu_vram *vram, const char *name);
const char *vgpu_vram_strategy_name(const struct vgpu_vram *vram);
/* All of a pool are given back under a spinlock. */
#define VGPU_POOL_MOST		256	/* blocks in each, unless set */
#define VGPU_POOL_MOST_MIN	4
#define VGPU_POOL_MOST_MAX	512
/* Process context. Clamped; what a pool has beyond it goes when it is needed no more. */
void vgpu_vram_set_pool_most(struct vgpu_vram *vram, u32 blocks);
/* Keeps freed blocks of common sizes at hand (off at first). Live. */
void vgpu_vram_set_pools(struct vgpu_vram *vram, bool on);
/* Scrubs what is freed in the background (off at first). Live. */
void vgpu_vram_set_background(struct vgpu_vram *vram, bool on);
/* Empties the pools and finishes all scrubbing of what was freed. */
void vgpu_vram_trim(struct vgpu_vram *vram);
/* A page went bad: never handed out again. -EINVAL, -ENOMEM. */
int vgpu_vram_retire(struct vgpu_vram *vram, u64 addr);
/*
 * Is the page at @addr a BO's? Then @tell is called with who pays, or NULL, under a
 * spinlock. Atomic.
 */
bool vgpu_vram_owner_at(struct vgpu_vram *vram, u64 addr,
			void (*tell)(struct vgpu_mem_account *acct, void *arg),
			void *arg);
/* 0, or -EINVAL for a format that mem/ cannot work with. */
int vgpu_pt_format_check(const struct vgpu_pt_format *fmt);
void vgpu_vram_get_stats(struct vgpu_vram *vram, struct vgpu_vram_stats *st);

enum vgpu_vram_use {
	VGPU_VRAM_FREE,
	VGPU_VRAM_UNCLEAN,	/* free, to be scrubbed */
	VGPU_VRAM_USED,
	VGPU_VRAM_PINNED,	/* in use, never moved */
	VGPU_VRAM_TABLES,	/* page tables */
	VGPU_VRAM_FRAMES,	/* for pageable memory, with none in them */
	VGPU_VRAM_RETIRED,	/* bad */
	VGPU_VRAM_USES
};

#define VGPU_VRAM_CELLS	256

/**
 * struct vgpu_vram_survey - what lies where in a VRAM
 * @free: bytes that nobody uses: free, in pools, still to be scrubbed
 * @largest_free: the longest run of them
 * @frag_permille: 1000 * (1 - largest_free / free); 0 when nothing is free
 * @bytes: of each use
 * @cells: parts of equal size, from address 0 on; the last may be smaller
 * @cell_pages: of 4 KiB, in a cell
 * @cell: pages of each use in it
 *
 * Other than in struct vgpu_vram_stats, a run is what nobody uses, whether the
 * strategy has it in one piece or not.
 */
struct vgpu_vram_survey {
	u64 free;
	u64 largest_free;
	u32 frag_permille;
	u64 bytes[VGPU_VRAM_USES];
	u32 cells;
	u32 cell_pages;
	u32 cell[VGPU_VRAM_CELLS][VGPU_VRAM_USES];
};

/* Looks at every block, with pauses; not all at one moment. Sleeps. */
void vgpu_vram_survey(struct vgpu_vram *vram, struct vgpu_vram_survey *out);

/**
 * struct vgpu_defrag_stats - of moving what is in use, see mem/defrag.c
 * @runs: ever
 * @moves: blocks moved, ever
 * @moved: bytes moved, ever
 * @given_up: blocks that stayed where they were after all
 * @running: a run goes on
 * @before: fragmentation when the last run began, permille
 * @after: when it ended; of one that goes on, as of its last look
 * @run_moved: bytes that it moved
 * @run_ns: how long it took, ended or not
 * @step_max_ns: the longest that anything was out of reach, ever
 */
struct vgpu_defrag_stats {
	u64 runs;
	u64 moves;
	u64 moved;
	u64 given_up;
	bool running;
	u32 before;
	u32 after;
	u64 run_moved;
	u64 run_ns;
	u64 step_max_ns;
};

/*
 * Moves what is in use until what is free is in as long a run as can be, while
 * engines run. Takes its time. 0; -EOPNOTSUPP (the GPU cannot go on after a
 * fault), -EBUSY (a run goes on), -ENOMEM, -ENODEV.
 */
int vgpu_vram_defrag(struct vgpu_vram *vram);
/* The GPU is about to go: the run that goes on ends soon, and none begins. */
void vgpu_vram_end_defrag(struct vgpu_vram *vram);
/*
 * On return no reference to a BO is held for a move that began before: an
 * account whose last BO was put before may go.
 */
void vgpu_vram_flush_defrag(struct vgpu_vram *vram);
bool vgpu_vram_can_defrag(const struct vgpu_vram *vram);
void vgpu_vram_get_defrag(struct vgpu_vram *vram, struct vgpu_defrag_stats *st);

#define VGPU_BO_CONTIGUOUS	0x100	/* one block (GPUs without an MMU) */
#define VGPU_BO_PAGEABLE	0x200	/* in VRAM only while it is used */
#define VGPU_BO_FIXED		0x400	/* its pages stay the same */

/*
 * VRAM: zeroed before it is handed out and when it comes back; may consist
 * of several blocks. -EDQUOT, -ENOSPC, -ENOMEM, -EINVAL.
 */
struct vgpu_bo *vgpu_bo_create(struct vgpu_vram *vram,
			       struct vgpu_mem_account *acct, u64 bytes,
			       u64 align, u32 flags);
/*
 * System memory of our own (zeroed, GFP_KERNEL_ACCOUNT), or with @pages
 * somebody else's: @release is then called once, when no engine and no
 * mapping can reach them any more. Not charged to a VRAM account.
 */
struct vgpu_bo *vgpu_bo_create_host(struct vgpu_vram *vram, u64 bytes,
				    struct page **pages,
				    void (*release)(void *arg), void *arg);
/*
 * Another name for the memory of @parent, which is not movable: mapped and revoked by
 * itself. @release as above; @parent is there until then. -EINVAL, -ENOMEM.
 */
struct vgpu_bo *vgpu_bo_create_alias(struct vgpu_bo *parent,
				     void (*release)(void *arg), void *arg);
void vgpu_bo_get(struct vgpu_bo *bo);
/* False: its last reference is gone already. */
bool vgpu_bo_tryget(struct vgpu_bo *bo);
void vgpu_bo_put(struct vgpu_bo *bo);
u64 vgpu_bo_bytes(const struct vgpu_bo *bo);
bool vgpu_bo_is_host(const struct vgpu_bo *bo);
/* False: somebody else's pages, or another BO's. */
bool vgpu_bo_is_own(const struct vgpu_bo *bo);
/*
 * The page behind byte @offset (for CPU mappings and rings), or NULL after
 * revocation or past the end. Atomic. Stable until revoked.
 */
struct page *vgpu_bo_page(struct vgpu_bo *bo, u64 offset);
/* VRAM address of a contiguous BO. */
u64 vgpu_bo_vram_addr(struct vgpu_bo *bo);
/* May its pages become other ones? See vgpu_bo_hold(). */
bool vgpu_bo_is_movable(const struct vgpu_bo *bo);
/*
 * Takes the memory away from every address space (reverse map), in bounded
 * time; on return no engine reaches it. Later accesses fault. Own memory
 * stays until the last put; foreign pages are released now.
 */
void vgpu_bo_revoke(struct vgpu_bo *bo);

/*
 * Memory that may be evicted, see mem/residency.c. Frames for it are taken
 * when it is first enabled. 0, -EOPNOTSUPP, -ENOSPC, -ENOMEM.
 */
int vgpu_vram_enable_paging(struct vgpu_vram *vram);
/* The GPU is about to go: nobody waits for a frame any more. -ENODEV. */
void vgpu_vram_end_paging(struct vgpu_vram *vram);
bool vgpu_bo_is_pageable(const struct vgpu_bo *bo);
/*
 * Brings the memory behind @offset into VRAM and keeps it where it is. Killable.
 * -EINTR, -ENOMEM, -EFAULT, -ENODEV, -EIO. No lock of mem/ held.
 */
int vgpu_bo_hold(struct vgpu_bo *bo, u64 offset);
void vgpu_bo_unhold(struct vgpu_bo *bo, u64 offset);
/* Holds a range for long, which counts as fixed; also -EDQUOT. */
int vgpu_bo_pin(struct vgpu_bo *bo, u64 offset, u64 bytes);
void vgpu_bo_unpin(struct vgpu_bo *bo, u64 offset, u64 bytes);
/* Called before bytes are evicted or moved: takes them from the CPU's mappings. */
typedef void (*vgpu_bo_zap_fn)(void *arg, u64 offset, u64 bytes);
void vgpu_bo_set_zap(struct vgpu_bo *bo, vgpu_bo_zap_fn zap, void *arg);
/* All of it that is not held. 0, -ENOMEM, -ENODEV, -EOPNOTSUPP. */
int vgpu_bo_evict(struct vgpu_bo *bo);

#define VGPU_PAGING_BUCKETS	40
#define VGPU_CHUNK_SHIFT	16	/* unit of residency */

/**
 * struct vgpu_paging_stats - of the pageable memory of a VRAM
 * @frames: of 64 KiB, taken for it
 * @frames_free: without a chunk
 * @resident: bytes in frames
 * @evicted: bytes of the rest, never touched or in the tier
 * @stored: bytes of evicted memory that holds anything but zeros, by chunks
 * @same: bytes of @stored in pages that are one word over and over
 * @plain: bytes of @stored in pages that are not compressed
 * @packed: what @stored came to, bytes
 * @system: bytes of system memory that it takes, which can't be swapped
 * @cold: bytes that it takes of files, which can
 * @tier_limit: of @system, as set; 0: none
 * @faults: of engines on memory that may be evicted
 * @restores: chunks brought back, by engines and CPUs
 * @restore_failed: that was in vain
 * @evictions: chunks
 * @evict_failed: for want of system memory
 * @second_chances: victims that were let go, since an engine had used them
 * @reserve_used: pages taken from the tier's reserve
 * @refaults: restores of what would still be there with twice the frames
 * @throttled: fault-ins that had to wait for what their tenant had done
 * @throttled_ns: how long, all of them
 * @cold_stores: chunks that went to files
 * @cold_failed: that could not
 * @cold_loads: chunks of @restores that were there
 * @ahead_max: chunks to read ahead at most, as set
 * @ahead: chunks of @restores that nobody had asked for yet
 * @ahead_used: of them, asked for since
 * @ahead_wasted: of them, evicted before anybody did
 * @lz4: bytes compressed by it, ever; likewise the others
 * @latency: of restores that somebody waits for: bucket n counts those of 2^n to 2^(n+1) ns
 */
struct vgpu_paging_stats {
	u64 frames;
	u64 frames_free;
	u64 resident;
	u64 evicted;
	u64 stored;
	u64 same;
	u64 plain;
	u64 packed;
	u64 system;
	u64 cold;
	u64 tier_limit;
	u64 faults;
	u64 restores;
	u64 restore_failed;
	u64 evictions;
	u64 evict_failed;
	u64 second_chances;
	u64 reserve_used;
	u64 refaults;
	u64 throttled;
	u64 throttled_ns;
	u64 cold_stores;
	u64 cold_failed;
	u64 cold_loads;
	u32 ahead_max;
	u64 ahead;
	u64 ahead_used;
	u64 ahead_wasted;
	u64 lz4;
	u64 lzo_rle;
	u64 zstd;
	u64 latency[VGPU_PAGING_BUCKETS];
};

void vgpu_vram_get_paging(struct vgpu_vram *vram, struct vgpu_paging_stats *st);

#define VGPU_READ_AHEAD_DEFAULT	8	/* chunks of 64 KiB */
#define VGPU_READ_AHEAD_MAX	32

/* 0 or -ERANGE. Live; 0: nothing is read ahead. */
int vgpu_vram_set_read_ahead(struct vgpu_vram *vram, u32 chunks);
/*
 * How much compressed memory may take of the system's, bytes; what was evicted longest
 * ago goes to files then, that the system can swap. Live; 0: nothing ever.
 */
void vgpu_vram_set_tier_limit(struct vgpu_vram *vram, u64 bytes);

/* An address space. @acct pays for its tables. NULL format: no MMU. */
struct vgpu_as *vgpu_as_create(struct vgpu_vram *vram,
			       struct vgpu_mem_account *acct, u32 asid);
/* Its tables are never moved, so no engine faults for that. Before the first mapping. */
void vgpu_as_keep_tables(struct vgpu_as *as);
/* Unmaps all. No engine may use it any more. */
void vgpu_as_destroy(struct vgpu_as *as);
u64 vgpu_as_root(const struct vgpu_as *as);
u32 vgpu_as_asid(const struct vgpu_as *as);
u64 vgpu_as_start(const struct vgpu_as *as);
u64 vgpu_as_end(const struct vgpu_as *as);
/* The same for every address space of a GPU. */
void vgpu_vram_va_limits(const struct vgpu_vram *vram, u64 *start, u64 *end);
/*
 * -EINVAL, -EEXIST (something is there), -ERANGE, -ESTALE (@bo was revoked),
 * -EDQUOT, -ENOSPC, -ENOMEM (no page table), -ENODEV; -EMFILE (a pageable @bo
 * with too many mappings). All or nothing.
 */
int vgpu_as_map(struct vgpu_as *as, struct vgpu_bo *bo, u64 offset, u64 va,
		u64 bytes, u32 prot);
/*
 * Removes whatever lies there, splitting what reaches out. -ENOENT when
 * there is nothing at all. On return no engine uses the translation. Where a
 * large leaf must be split, a table may be wanting: -EDQUOT, -ENOSPC, -ENOMEM,
 * and nothing changed. Whole mappings can always be removed.
 */
int vgpu_as_unmap(struct vgpu_as *as, u64 va, u64 bytes);
/*
 * The VRAM address behind [@va, @va + @bytes) when it is one contiguous
 * range that grants @prot; for GPUs without an MMU. -EFAULT.
 */
int vgpu_as_translate(struct vgpu_as *as, u64 va, u64 bytes, u32 prot,
		      u64 *addr);
/*
 * An engine found no translation at @va. 0: it may try again; -EFAULT:
 * nothing is there that it may access so; else as vgpu_bo_hold().
 */
int vgpu_as_fault_in(struct vgpu_as *as, u64 va, u32 access);
/*
 * After that: what is likely to be wanted next comes as well, unless @wanted (which
 * may be NULL) tells of an address elsewhere. 0: nothing is wanted; U64_MAX: stop.
 */
void vgpu_as_read_ahead(struct vgpu_as *as, u64 va, u64 (*wanted)(void *arg),
			void *arg);
/*
 * How long the next fault-in is to wait, ns, for what @acct has done to others;
 * whoever asks has to come. @begun: how often that was more than nothing after
 * it was nothing.
 */
u64 vgpu_mem_fault_delay(struct vgpu_vram *vram, struct vgpu_mem_account *acct,
			 u64 *begun);

#define VGPU_AS_ACCESSED	0x1
#define VGPU_AS_DIRTY		0x2

/*
 * A leaf that engines used: bytes [@offset, @offset + @bytes) of @bo were
 * accessed or written (@flags, VGPU_AS_*). Called under as->lock: may take
 * spinlocks, may not call anything here.
 */
typedef void (*vgpu_as_used_fn)(void *arg, struct vgpu_bo *bo, u64 offset,
				u64 bytes, u32 flags);
/*
 * Tells @used of each leaf in [@va, @va + @bytes) that engines have used, and
 * forgets @forget (VGPU_AS_*) of it: what is set then next time was used
 * after this call. -EINVAL, -ERANGE, -EOPNOTSUPP (the GPU does not tell),
 * -ENODEV.
 */
int vgpu_as_harvest(struct vgpu_as *as, u64 va, u64 bytes, u32 forget,
		    vgpu_as_used_fn used, void *arg);

/** struct vgpu_as_mapping - a part of a BO, and where it is mapped */
struct vgpu_as_mapping {
	struct vgpu_bo *bo;
	u64 va;
	u64 offset;
	u64 bytes;
	u32 prot;
};

/*
 * The first mapping that reaches above @from; false: none. The caller knows that nobody
 * unmaps it, or its BO is no more than a name.
 */
bool vgpu_as_next(struct vgpu_as *as, u64 from, struct vgpu_as_mapping *map);

/** struct vgpu_as_step - an entry of a table, as it is in VRAM at @addr */
struct vgpu_as_step {
	u64 addr;
	u64 entry;
	unsigned int level;
	unsigned int index;
};

/*
 * Process context. The entries by which engines get to @va, from the root on; the last is
 * that of no table. How many: @room at most, none if tables do not reach so far.
 */
unsigned int vgpu_as_walk(struct vgpu_as *as, u64 va, struct vgpu_as_step *steps,
			  unsigned int room);

struct vgpu_as_stats {
	u64 mapped;		/* bytes */
	u64 regions;
	u64 table_bytes;
	u64 ptes_written;	/* ever */
	u64 invalidations;	/* ever */
};

void vgpu_as_get_stats(struct vgpu_as *as, struct vgpu_as_stats *st);

#endif /* _VGPU_MEM_H */
