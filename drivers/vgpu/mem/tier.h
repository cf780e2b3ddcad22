/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside mem/: where memory is that was evicted from VRAM: compressed in system
 * memory (tier.c), or, what was there for long, in files (cold.c).
 */
#ifndef _VGPU_MEM_TIER_H
#define _VGPU_MEM_TIER_H

#include <vgpu/mem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct file;
struct mem_cgroup;

/* What is evicted and brought back at once. */
#define VGPU_CHUNK_BYTES	BIT_ULL(VGPU_CHUNK_SHIFT)
#define VGPU_CHUNK_PAGES	(VGPU_CHUNK_BYTES >> PAGE_SHIFT)

/* ------------------------------------------------------------- codec.c */

enum {
	VGPU_CODEC_PLAIN,
	VGPU_CODEC_LZ4,
	VGPU_CODEC_LZO_RLE,
	VGPU_CODEC_ZSTD,
	VGPU_CODECS
};

#define VGPU_PACK_BYTES		(PAGE_SIZE + PAGE_SIZE / 16 + 128)

/**
 * struct vgpu_codec - a way to make pages smaller
 * @name: for people
 * @cost: of time, beside the others
 * @work_bytes: memory it needs to work
 * @pack: page @src to @dst (VGPU_PACK_BYTES); bytes, or 0: it won't
 * @unpack: @bytes at @src to page @dst; false: that is not what it packed
 */
struct vgpu_codec {
	const char *name;
	unsigned int cost;
	size_t (*work_bytes)(void);
	u32 (*pack)(void *work, const void *src, void *dst);
	bool (*unpack)(void *work, const void *src, u32 bytes, void *dst);
};

const struct vgpu_codec *vgpu_codec_get(unsigned int id);
size_t vgpu_codec_work_bytes(void);
u32 vgpu_codec_pack(unsigned int id, void *work, const void *src, void *dst);
bool vgpu_codec_unpack(unsigned int id, void *work, const void *src, u32 bytes,
		       void *dst);
unsigned int vgpu_codec_choose(void *work, void *dst, const void *const *sample,
			       unsigned int count);

/* -------------------------------------------------------------- tier.c */

#define VGPU_TIER_BENCHES	2	/* that many pack or unpack at once */
#define VGPU_TIER_RESERVE	64	/* pages kept for when there are none */

/**
 * struct vgpu_stored - a chunk in system memory or a file
 * @codec: VGPU_CODEC_* of the pages that are compressed
 * @pages: that it takes of either
 * @cold: it is in a file
 * @bytes: of each page of the chunk: 0 for zeros, sizeof(long) for one word
 *	over and over, PAGE_SIZE as it is, else compressed
 * @page: all of them, one after the other; of a file: only while it is read
 *
 * All zeros: a chunk that was never written. Embedded in the chunk, so that
 * storing needs no memory but pages.
 */
struct vgpu_stored {
	u8 codec;
	u8 pages;
	bool cold;
	u32 bytes[VGPU_CHUNK_PAGES];
	struct page *page[VGPU_CHUNK_PAGES];
};

/* What a chunk came to. */
static inline u32 vgpu_stored_bytes(const struct vgpu_stored *st)
{
	unsigned int i;
	u32 bytes = 0;

	for (i = 0; i < VGPU_CHUNK_PAGES; i++)
		bytes += st->bytes[i];
	return bytes;
}

/* A place to work at; owned by one at a time. */
struct vgpu_tier_bench {
	struct list_head link;
	void *work;			/* of codecs */
	u8 *out;			/* a chunk, packed; with room for a page */
};

struct vgpu_tier_stats {
	u64 stored_pages;		/* pages of chunks in the tier */
	u64 same_pages;			/* of them, all one word */
	u64 plain_pages;		/* of them, as they are */
	u64 packed_bytes;		/* what all of it comes to */
	u64 system_pages;		/* pages that it takes of system memory */
	u64 cold_pages;			/* pages that it takes of files */
	u64 fallbacks;			/* taken from the reserve */
	u64 codec_pages[VGPU_CODECS];	/* compressed, ever */
};

/**
 * struct vgpu_tier - compressed system memory
 * @lock: protects the rest; a leaf
 * @free: benches
 * @wait: for one
 * @bench: all of them
 * @reserve: pages for when there are none
 * @reserved: how many
 */
struct vgpu_tier {
	spinlock_t lock;		/* protects the rest */
	struct list_head free;
	wait_queue_head_t wait;
	struct vgpu_tier_bench bench[VGPU_TIER_BENCHES];
	struct page *reserve[VGPU_TIER_RESERVE];
	unsigned int reserved;
	struct vgpu_tier_stats stats;
};

int vgpu_tier_init(struct vgpu_tier *tier);
void vgpu_tier_fini(struct vgpu_tier *tier);
struct vgpu_tier_bench *vgpu_tier_take(struct vgpu_tier *tier);
void vgpu_tier_give(struct vgpu_tier *tier, struct vgpu_tier_bench *bench);
u32 vgpu_tier_pack(struct vgpu_tier_bench *bench, struct vgpu_stored *st,
		   struct page *const *page, u8 *codec);
int vgpu_tier_keep(struct vgpu_tier *tier, struct vgpu_tier_bench *bench,
		   struct vgpu_stored *st, u32 bytes, struct mem_cgroup *memcg);
bool vgpu_tier_has_room(struct mem_cgroup *memcg);
bool vgpu_tier_load(struct vgpu_tier *tier, struct vgpu_tier_bench *bench,
		    const struct vgpu_stored *st, struct page *const *page);
void vgpu_tier_sunk(struct vgpu_tier *tier, struct vgpu_stored *st);
void vgpu_tier_drop(struct vgpu_tier *tier, struct vgpu_stored *st);

/* -------------------------------------------------------------- cold.c */

int vgpu_cold_store(struct file **file, u32 slots, u32 slot,
		    const struct vgpu_stored *st, struct mem_cgroup *memcg);
int vgpu_cold_fetch(struct file *file, u32 slot, struct vgpu_stored *st,
		    struct mem_cgroup *memcg);
void vgpu_cold_release(struct vgpu_stored *st);
void vgpu_cold_punch(struct file *file, u32 slot);

#endif /* _VGPU_MEM_TIER_H */
