// SPDX-License-Identifier: GPL-2.0
/*
 * The tier below VRAM: compressed system memory.
 *
 * A chunk is stored page by page, each compressed by itself and all packed one
 * after the other into as few pages of the system as they fill. A page that is
 * one word over and over is that word, one of zeros nothing at all; one that
 * won't get smaller is kept as it is.
 *
 * Storing goes in two steps, since what it comes to is known only after it was
 * compressed: vgpu_tier_pack() works on a bench, and vgpu_tier_keep() finds
 * pages for the result. The pages are charged to the tenant's memory cgroup;
 * allocating does not try hard and kills nobody. When the system has no page,
 * though not when only the cgroup has none, a reserve serves, which is filled
 * up again by what is dropped later.
 */
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <vgpu/kunit.h>
#include "charge.h"
#include "tier.h"

/* Reclaims clean memory of the tenant, but does not wait for its disks. */
#define KEEP_GFP	(GFP_NOIO | __GFP_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY)
/* For who may wait for them. */
#define ROOM_GFP	(GFP_KERNEL | __GFP_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY)
#define OUT_BYTES	(VGPU_CHUNK_BYTES + VGPU_PACK_BYTES)
#define SAMPLES		2

/**
 * vgpu_tier_init() - benches and the reserve
 * @tier: zeroed
 *
 * Context: process; sleeps.
 * Return: 0 or -ENOMEM; in both cases vgpu_tier_fini() must follow.
 */
int vgpu_tier_init(struct vgpu_tier *tier)
{
	size_t work = vgpu_codec_work_bytes();
	unsigned int i;

	spin_lock_init(&tier->lock);
	INIT_LIST_HEAD(&tier->free);
	init_waitqueue_head(&tier->wait);
	for (i = 0; i < VGPU_TIER_BENCHES; i++) {
		struct vgpu_tier_bench *bench = &tier->bench[i];

		bench->work = vmalloc(work);
		bench->out = vmalloc(OUT_BYTES);
		if (!bench->work || !bench->out)
			return -ENOMEM;
		list_add(&bench->link, &tier->free);
	}
	for (i = 0; i < VGPU_TIER_RESERVE; i++) {
		tier->reserve[i] = alloc_page(GFP_KERNEL);
		if (!tier->reserve[i])
			return -ENOMEM;
		tier->reserved++;
	}
	return 0;
}

/**
 * vgpu_tier_fini() - undoes vgpu_tier_init()
 * @tier: with nothing stored
 */
void vgpu_tier_fini(struct vgpu_tier *tier)
{
	unsigned int i;

	for (i = 0; i < VGPU_TIER_BENCHES; i++) {
		/* a tenant's memory went through them */
		vfree(tier->bench[i].work);
		vfree(tier->bench[i].out);
	}
	while (tier->reserved)
		__free_page(tier->reserve[--tier->reserved]);
}

static struct vgpu_tier_bench *try_take(struct vgpu_tier *tier)
{
	struct vgpu_tier_bench *bench;

	spin_lock(&tier->lock);
	bench = list_first_entry_or_null(&tier->free, struct vgpu_tier_bench,
					 link);
	if (bench)
		list_del_init(&bench->link);
	spin_unlock(&tier->lock);
	return bench;
}

/**
 * vgpu_tier_take() - a bench of one's own
 * @tier: whose
 *
 * Context: process; waits for others to be done, each of them some hundred
 * microseconds.
 * Return: to be given back by vgpu_tier_give().
 */
struct vgpu_tier_bench *vgpu_tier_take(struct vgpu_tier *tier)
{
	struct vgpu_tier_bench *bench;

	wait_event(tier->wait, (bench = try_take(tier)));
	return bench;
}

/**
 * vgpu_tier_give() - a bench is free again
 * @tier: whose
 * @bench: from vgpu_tier_take()
 */
void vgpu_tier_give(struct vgpu_tier *tier, struct vgpu_tier_bench *bench)
{
	spin_lock(&tier->lock);
	list_add(&bench->link, &tier->free);
	spin_unlock(&tier->lock);
	wake_up(&tier->wait);
}

/* Is the page one word over and over? */
static bool is_same(const unsigned long *word)
{
	unsigned int i;

	/* most that are not differ at the end */
	if (word[0] != word[PAGE_SIZE / sizeof(*word) - 1])
		return false;
	for (i = 1; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != word[0])
			return false;
	return true;
}

static u32 pack_page(struct vgpu_tier_bench *bench, unsigned int codec,
		     const void *src, u8 *dst)
{
	unsigned long word = *(const unsigned long *)src;
	u32 bytes;

	if (is_same(src)) {
		if (!word)
			return 0;
		memcpy(dst, &word, sizeof(word));
		return sizeof(word);
	}
	bytes = vgpu_codec_pack(codec, bench->work, src, dst);
	if (bytes)
		return bytes;
	memcpy(dst, src, PAGE_SIZE);
	return PAGE_SIZE;
}

/**
 * vgpu_tier_pack() - compresses a chunk
 * @bench: of one's own
 * @st: filled, but for the pages to keep it in
 * @page: of the chunk, that nobody writes to
 * @codec: the codec to use; VGPU_CODECS: find one by samples, and tell
 *
 * Context: process; for some hundred microseconds.
 * Return: bytes at @bench->out.
 */
u32 vgpu_tier_pack(struct vgpu_tier_bench *bench, struct vgpu_stored *st,
		   struct page *const *page, u8 *codec)
{
	unsigned int i, n = 0;
	u32 at = 0;

	if (*codec >= VGPU_CODECS) {
		const void *sample[SAMPLES];

		for (i = 0; i < VGPU_CHUNK_PAGES && n < SAMPLES; i++) {
			const void *p = page_address(page[i]);

			if (!is_same(p))
				sample[n++] = p;
		}
		if (n)
			*codec = vgpu_codec_choose(bench->work, bench->out,
						   sample, n);
	}
	st->codec = *codec < VGPU_CODECS ? *codec : VGPU_CODEC_PLAIN;
	for (i = 0; i < VGPU_CHUNK_PAGES; i++) {
		st->bytes[i] = pack_page(bench, st->codec, page_address(page[i]),
					 bench->out + at);
		at += st->bytes[i];
	}
	return at;
}

static struct page *reserve_take(struct vgpu_tier *tier)
{
	struct page *page = NULL;

	spin_lock(&tier->lock);
	if (tier->reserved) {
		page = tier->reserve[--tier->reserved];
		tier->stats.fallbacks++;
	}
	spin_unlock(&tier->lock);
	return page;
}

static void page_drop(struct vgpu_tier *tier, struct page *page)
{
	spin_lock(&tier->lock);
	/* one that is charged to a tenant must not stay when the tenant goes */
	if (tier->reserved < VGPU_TIER_RESERVE && !PageMemcgKmem(page)) {
		tier->reserve[tier->reserved++] = page;
		page = NULL;
	}
	spin_unlock(&tier->lock);
	if (page)
		__free_page(page);
}

static void count(struct vgpu_tier *tier, const struct vgpu_stored *st,
		  u32 bytes, int sign)
{
	struct vgpu_tier_stats *stats = &tier->stats;
	unsigned int i, same = 0, plain = 0;

	for (i = 0; i < VGPU_CHUNK_PAGES; i++) {
		same += st->bytes[i] <= sizeof(long);
		plain += st->bytes[i] == PAGE_SIZE;
	}
	spin_lock(&tier->lock);
	stats->stored_pages += sign * (int)VGPU_CHUNK_PAGES;
	stats->same_pages += sign * (int)same;
	stats->plain_pages += sign * (int)plain;
	stats->packed_bytes += (s64)sign * bytes;
	if (st->cold)
		stats->cold_pages += sign * (int)st->pages;
	else
		stats->system_pages += sign * (int)st->pages;
	if (sign > 0)
		stats->codec_pages[st->codec] += VGPU_CHUNK_PAGES - same - plain;
	spin_unlock(&tier->lock);
}

static struct page *alloc_charged(gfp_t gfp)
{
	vgpu_charge_page();
	return alloc_page(gfp);
}

/* Had nobody got a page, or only who would have paid for it? */
static bool system_is_short(void)
{
	struct page *page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);

	if (page)
		__free_page(page);
	return !page;
}

/**
 * vgpu_tier_has_room() - could a chunk be kept?
 * @memcg: who would pay; makes room by swapping, if it can
 *
 * Context: process, on behalf of @memcg: waits for its disks. Kills nobody for memory.
 * Return: whether it could, now, if it did not get any smaller.
 */
bool vgpu_tier_has_room(struct mem_cgroup *memcg)
{
	struct page *page[VGPU_CHUNK_PAGES];
	struct vgpu_charge charge;
	unsigned int n;
	bool room;

	vgpu_charge_begin(&charge, memcg);
	for (n = 0; n < VGPU_CHUNK_PAGES; n++) {
		page[n] = alloc_charged(ROOM_GFP);
		if (!page[n])
			break;
	}
	vgpu_charge_end(&charge);
	room = n == VGPU_CHUNK_PAGES || system_is_short();
	while (n)
		__free_page(page[--n]);
	return room;
}

/**
 * vgpu_tier_keep() - keeps what was packed
 * @tier: where
 * @bench: that holds it
 * @st: from vgpu_tier_pack()
 * @bytes: what that returned
 * @memcg: who pays; NULL: nobody
 *
 * Context: process; sleeps. Kills nobody for memory.
 * Return: 0; -EDQUOT: @memcg has no room; -ENOMEM: nobody has, and the reserve
 * is used up. Nothing is kept then.
 */
int vgpu_tier_keep(struct vgpu_tier *tier, struct vgpu_tier_bench *bench,
		   struct vgpu_stored *st, u32 bytes, struct mem_cgroup *memcg)
{
	struct vgpu_charge charge;
	int err = -ENOMEM;
	u32 at;

	st->pages = 0;
	st->cold = false;
	vgpu_charge_begin(&charge, memcg);
	for (at = 0; at < bytes; at += PAGE_SIZE) {
		struct page *page;
		u32 n = min_t(u32, bytes - at, PAGE_SIZE);

		page = alloc_charged(memcg ? KEEP_GFP :
					     KEEP_GFP & ~__GFP_ACCOUNT);
		if (!page && memcg && !system_is_short()) {
			err = -EDQUOT;
			break;
		}
		if (!page)
			page = reserve_take(tier);
		if (!page)
			break;
		memcpy(page_address(page), bench->out + at, n);
		st->page[st->pages++] = page;
	}
	vgpu_charge_end(&charge);
	if (at < bytes) {
		while (st->pages)
			page_drop(tier, st->page[--st->pages]);
		return err;
	}
	if (bytes)
		count(tier, st, bytes, 1);
	return 0;
}

static bool unpack_page(struct vgpu_tier_bench *bench, unsigned int codec,
			const u8 *src, u32 bytes, void *dst)
{
	unsigned long word = 0;

	if (bytes == PAGE_SIZE) {
		memcpy(dst, src, PAGE_SIZE);
	} else if (bytes <= sizeof(word)) {
		memcpy(&word, src, bytes);
		memset_l(dst, word, PAGE_SIZE / sizeof(word));
	} else if (!vgpu_codec_unpack(codec, bench->work, src, bytes, dst)) {
		clear_page(dst);
		return false;
	}
	return true;
}

/**
 * vgpu_tier_load() - reads a chunk back
 * @tier: where
 * @bench: of one's own
 * @st: kept, and stays so; all zeros: nothing but zeros; one in a file was fetched
 * @page: all of which is written, whatever happens
 *
 * Context: process; for some hundred microseconds.
 * Return: false when what was kept is damaged.
 */
bool vgpu_tier_load(struct vgpu_tier *tier, struct vgpu_tier_bench *bench,
		    const struct vgpu_stored *st, struct page *const *page)
{
	unsigned int i;
	bool ok = true;
	u32 at = 0;

	for (i = 0; i < st->pages; i++)
		memcpy_from_page(bench->out + i * PAGE_SIZE, st->page[i], 0,
				 PAGE_SIZE);
	for (i = 0; i < VGPU_CHUNK_PAGES; i++) {
		ok &= unpack_page(bench, st->codec, bench->out + at,
				  st->bytes[i], page_address(page[i]));
		at += st->bytes[i];
	}
	return ok;
}

/**
 * vgpu_tier_sunk() - a chunk is in a file from now on
 * @tier: where it was
 * @st: kept, and copied; has no pages afterwards
 *
 * Context: process.
 */
void vgpu_tier_sunk(struct vgpu_tier *tier, struct vgpu_stored *st)
{
	unsigned int i;

	spin_lock(&tier->lock);
	tier->stats.system_pages -= st->pages;
	tier->stats.cold_pages += st->pages;
	spin_unlock(&tier->lock);
	for (i = 0; i < st->pages; i++) {
		page_drop(tier, st->page[i]);
		st->page[i] = NULL;
	}
	st->cold = true;
}

/**
 * vgpu_tier_drop() - forgets a chunk
 * @tier: where
 * @st: kept or all zeros; all zeros afterwards. What a file has of it is the
 *	caller's business
 *
 * Context: process.
 */
void vgpu_tier_drop(struct vgpu_tier *tier, struct vgpu_stored *st)
{
	u32 bytes = vgpu_stored_bytes(st);
	unsigned int i;

	/* one that was never stored isn't counted, nor one of zeros */
	if (!bytes)
		return;
	count(tier, st, bytes, -1);
	for (i = 0; !st->cold && i < st->pages; i++)
		page_drop(tier, st->page[i]);
	memset(st, 0, sizeof(*st));
}

VGPU_EXPORT_IF_KUNIT(vgpu_tier_init);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_take);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_give);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_pack);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_keep);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_load);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_sunk);
VGPU_EXPORT_IF_KUNIT(vgpu_tier_drop);
