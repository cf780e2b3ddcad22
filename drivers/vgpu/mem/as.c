// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces: what a tenant's engines can reach.
 *
 * The regions say what is mapped, the page tables say the same to the GPU, and
 * the reverse map of each BO says it from the other side. as->lock keeps the
 * three in step. Everything that can fail is done before anything changes.
 *
 * A GPU without an MMU has regions only: they say which VRAM addresses a
 * command may be given (vgpu_as_translate()).
 */
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define REMOVE_BATCH	256
#define PROT_ALL	(VGPU_PROT_READ | VGPU_PROT_WRITE | VGPU_PROT_EXEC)

void vgpu_as_get(struct vgpu_as *as)
{
	kref_get(&as->ref);
}

static void as_release(struct kref *ref)
{
	struct vgpu_as *as = container_of(ref, struct vgpu_as, ref);
	struct vgpu_vram *vram = as->vram;

	mutex_destroy(&as->lock);
	kfree(as);
	vgpu_vram_put(vram);
}

void vgpu_as_put(struct vgpu_as *as)
{
	kref_put(&as->ref, as_release);
}

/**
 * vgpu_as_create() - makes an empty address space
 * @vram: of the GPU
 * @acct: pays for the tables, for longer than the address space lives; NULL:
 *	nobody
 * @asid: tag that the caller gives to no other meanwhile
 *
 * Context: process; sleeps.
 * Return: the address space; -EDQUOT, -ENOSPC, -ENOMEM, -ENODEV when the GPU
 * is gone.
 */
struct vgpu_as *vgpu_as_create(struct vgpu_vram *vram,
			       struct vgpu_mem_account *acct, u32 asid)
{
	unsigned int tries = 8;
	struct vgpu_as *as;
	int err;

	if (vgpu_vram_gone(vram))
		return ERR_PTR(-ENODEV);
	as = kzalloc(sizeof(*as), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!as)
		return ERR_PTR(-ENOMEM);
	kref_init(&as->ref);
	mutex_init(&as->lock);
	as->regions = RB_ROOT;
	as->vram = vram;
	as->acct = acct;
	as->asid = asid;
	vgpu_vram_get(vram);
	do {
		err = vgpu_pt_init(as);
	} while (err == -ENOSPC && tries-- &&
		 vgpu_residency_shrink(vram, 4 * VGPU_FRAME_PAGES));
	if (err) {
		vgpu_as_put(as);
		return ERR_PTR(err);
	}
	return as;
}

void vgpu_as_keep_tables(struct vgpu_as *as)
{
	as->tables_stay = true;
}

/* The region leaves tree and reverse map; the BO is put by reap(). */
static void detach_locked(struct vgpu_as *as, struct vgpu_region *region)
{
	vgpu_region_erase(as, region);
	spin_lock(&region->bo->map_lock);
	list_del_init(&region->bo_link);
	region->bo->nr_maps--;
	spin_unlock(&region->bo->map_lock);
}

/* Puts what was detached; with no lock held, since a last put may call out. */
static void reap(struct list_head *doomed)
{
	struct vgpu_region *region, *next;

	list_for_each_entry_safe(region, next, doomed, doomed) {
		vgpu_bo_put(region->bo);
		vgpu_region_free(region);
		cond_resched();
	}
}

/**
 * vgpu_as_destroy() - unmaps all and frees the tables
 * @as: from vgpu_as_create(); no engine may use it any more
 *
 * Context: process; sleeps.
 */
void vgpu_as_destroy(struct vgpu_as *as)
{
	struct vgpu_region *region;
	LIST_HEAD(doomed);

	mutex_lock(&as->lock);
	/* before the reverse maps say that nobody reaches the memory */
	vgpu_pt_fini(as);
	while ((region = vgpu_region_first(as, 0, U64_MAX))) {
		detach_locked(as, region);
		list_add_tail(&region->doomed, &doomed);
	}
	mutex_unlock(&as->lock);
	reap(&doomed);
	vgpu_as_put(as);
}

/**
 * vgpu_as_root() - VRAM address of the top table
 * @as: whose
 *
 * Return: 0 without an MMU.
 */
u64 vgpu_as_root(const struct vgpu_as *as)
{
	return as->root ? as->root->addr : 0;
}

/**
 * vgpu_as_asid() - the tag
 * @as: whose
 */
u32 vgpu_as_asid(const struct vgpu_as *as)
{
	return as->asid;
}

/**
 * vgpu_as_start() - lowest address that can be mapped
 * @as: whose
 */
u64 vgpu_as_start(const struct vgpu_as *as)
{
	return as->vram->va_start;
}

/**
 * vgpu_as_end() - one past the highest address that can be mapped
 * @as: whose
 */
u64 vgpu_as_end(const struct vgpu_as *as)
{
	return as->vram->va_end;
}

static int check_range(const struct vgpu_as *as, u64 va, u64 bytes)
{
	u64 mask = vgpu_vram_unit(as->vram) - 1;

	if (!bytes || ((va | bytes) & mask) || va + bytes < va)
		return -EINVAL;
	if (va < as->vram->va_start || va + bytes > as->vram->va_end)
		return -ERANGE;
	return 0;
}

static int check_map(const struct vgpu_as *as, const struct vgpu_bo *bo,
		     u64 offset, u64 va, u64 bytes, u32 prot)
{
	int err = check_range(as, va, bytes);

	if (err)
		return err;
	if (!prot || (prot & ~PROT_ALL) || bo->vram != as->vram)
		return -EINVAL;
	if ((offset & (vgpu_vram_unit(as->vram) - 1)) ||
	    offset >= bo->bytes || bytes > bo->bytes - offset)
		return -EINVAL;
	return vgpu_vram_gone(as->vram) ? -ENODEV : 0;
}

/* Takes a reference with the mapping. */
static int attach_locked(struct vgpu_as *as, struct vgpu_region *region)
{
	struct vgpu_bo *bo = region->bo;
	int err = 0;

	spin_lock(&bo->map_lock);
	if (bo->revoked) {
		err = -ESTALE;
	} else if (bo->paged && bo->nr_maps >= VGPU_PAGED_MAPS) {
		err = -EMFILE;	/* each is visited when a part is evicted */
	} else {
		list_add_tail(&region->bo_link, &bo->maps);
		bo->nr_maps++;
		/* a walk need not see it, and must not go on for ever */
		region->walk_seq = bo->walk_seq;
	}
	spin_unlock(&bo->map_lock);
	if (err)
		return err;
	vgpu_bo_get(bo);
	vgpu_region_insert(as, region);
	return 0;
}

static int map_once(struct vgpu_as *as, struct vgpu_region *region)
{
	int err;

	mutex_lock(&as->lock);
	if (vgpu_region_first(as, region->va, vgpu_region_end(region))) {
		err = -EEXIST;
		goto out;
	}
	/*
	 * First into the reverse map: a revocation that comes now waits for
	 * as->lock and then finds the region; one that came before is seen.
	 */
	err = attach_locked(as, region);
	if (err)
		goto out;
	err = vgpu_pt_map(as, region);
	if (!err)
		goto out;
	detach_locked(as, region);
	mutex_unlock(&as->lock);
	vgpu_bo_put(region->bo);
	return err;
out:
	mutex_unlock(&as->lock);
	return err;
}

/**
 * vgpu_as_map() - makes a part of a BO reachable
 * @as: where
 * @bo: of the same GPU; the mapping takes a reference
 * @offset: first byte of @bo, a multiple of the GPU's base page
 * @va: first address, likewise
 * @bytes: length, likewise
 * @prot: VGPU_PROT_*, at least one
 *
 * Context: process; sleeps.
 * Return: 0; -EINVAL (misaligned, empty, wraps, past the end of @bo, unknown
 * @prot), -ERANGE (not between vgpu_as_start() and vgpu_as_end()), -EEXIST
 * (something is there), -ESTALE (@bo was revoked), -EDQUOT, -ENOSPC, -ENOMEM
 * (no page table), -ENODEV (the GPU is gone), -EMFILE (a pageable BO that is
 * mapped 4096 times already). Nothing changes then.
 */
int vgpu_as_map(struct vgpu_as *as, struct vgpu_bo *bo, u64 offset, u64 va,
		u64 bytes, u32 prot)
{
	struct vgpu_region *region;
	unsigned int tries = 8;
	int err;

	err = check_map(as, bo, offset, va, bytes, prot);
	if (err)
		return err;
	region = vgpu_region_alloc();
	if (!region)
		return -ENOMEM;
	region->as = as;
	region->bo = bo;
	region->va = va;
	region->bytes = bytes;
	region->offset = offset;
	region->prot = prot;

	do {
		err = map_once(as, region);
		/* tables can't be evicted, but make others be */
	} while (err == -ENOSPC && tries-- &&
		 vgpu_residency_shrink(as->vram, 4 * VGPU_FRAME_PAGES));
	if (err)
		vgpu_region_free(region);
	return err;
}

/*
 * The part of @region in [@va, @end) goes. @region keeps what is before it or,
 * if nothing is, after it; when both remain, *spare takes what is after.
 */
static void cut_locked(struct vgpu_as *as, struct vgpu_region *region,
		       u64 va, u64 end, struct vgpu_region **spare)
{
	u64 region_end = vgpu_region_end(region);
	u64 had = region->bytes;

	if (region->va < va && region_end > end) {
		struct vgpu_region *tail = *spare;

		*spare = NULL;
		tail->as = as;
		tail->bo = region->bo;
		tail->va = end;
		tail->bytes = region_end - end;
		tail->offset = region->offset + end - region->va;
		tail->prot = region->prot;
		vgpu_bo_get(tail->bo);
		spin_lock(&tail->bo->map_lock);
		/* beside its other half; revoked or not, that half is there */
		list_add(&tail->bo_link, &region->bo_link);
		tail->bo->nr_maps++;
		tail->walk_seq = region->walk_seq;
		spin_unlock(&tail->bo->map_lock);
		vgpu_region_insert(as, tail);
	}

	/* the order in the tree stays: regions do not overlap */
	spin_lock(&region->bo->map_lock);
	if (region->va < va) {
		region->bytes = va - region->va;
	} else {
		region->offset += end - region->va;
		region->bytes = region_end - end;
		region->va = end;
	}
	spin_unlock(&region->bo->map_lock);
	as->stats.mapped -= had - region->bytes;
}

static int unmap_once(struct vgpu_as *as, u64 va, u64 bytes)
{
	struct vgpu_region *region, *next, *spare;
	u64 end = va + bytes;
	LIST_HEAD(doomed);
	int err;

	spare = vgpu_region_alloc();
	if (!spare)
		return -ENOMEM;

	mutex_lock(&as->lock);
	region = vgpu_region_first(as, va, end);
	if (!region) {
		err = -ENOENT;
		goto out;
	}
	/* a hole makes two of one */
	if (region->va < va && vgpu_region_end(region) > end &&
	    region->bo->paged &&
	    READ_ONCE(region->bo->nr_maps) >= VGPU_PAGED_MAPS) {
		err = -EMFILE;
		goto out;
	}
	err = vgpu_pt_reserve_split(as, va, end);
	if (err)
		goto out;

	/* nothing fails from here on */
	vgpu_pt_split(as, va);
	vgpu_pt_split(as, end);
	for (; region; region = vgpu_region_next(region, end)) {
		vgpu_pt_clear(as, max(va, region->va),
			      min(end, vgpu_region_end(region)));
	}
	vgpu_pt_sync(as);

	for (region = vgpu_region_first(as, va, end); region; region = next) {
		next = vgpu_region_next(region, end);
		if (region->va >= va && vgpu_region_end(region) <= end) {
			detach_locked(as, region);
			list_add_tail(&region->doomed, &doomed);
		} else {
			cut_locked(as, region, va, end, &spare);
		}
	}
out:
	vgpu_pt_unreserve(as);
	mutex_unlock(&as->lock);
	if (spare)
		vgpu_region_free(spare);
	reap(&doomed);
	return err;
}

/**
 * vgpu_as_unmap() - removes whatever lies in a range
 * @as: where
 * @va: first address, a multiple of the GPU's base page
 * @bytes: length, likewise; mappings that reach out are split
 *
 * On return no engine uses a translation of the range.
 * Context: process; sleeps.
 * Return: 0; -EINVAL, -ERANGE as vgpu_as_map(); -ENOENT when there is nothing
 * at all; -ENOMEM, or -EDQUOT and -ENOSPC when a large leaf must be split and
 * there is no table to be had; -EMFILE when a hole would give a pageable BO more
 * than 4096 mappings. Nothing changes then.
 */
int vgpu_as_unmap(struct vgpu_as *as, u64 va, u64 bytes)
{
	unsigned int tries = 8;
	int err;

	err = check_range(as, va, bytes);
	if (err)
		return err;
	do {
		err = unmap_once(as, va, bytes);
	} while (err == -ENOSPC && tries-- &&
		 vgpu_residency_shrink(as->vram, 4 * VGPU_FRAME_PAGES));
	return err;
}

/*
 * Takes the mappings of @bo at the head of its reverse map away, as far as
 * they are in @as, and no more than can be looked at under a spinlock.
 */
void vgpu_as_remove_bo(struct vgpu_as *as, struct vgpu_bo *bo)
{
	struct vgpu_region *region;
	unsigned int count = 0;
	LIST_HEAD(doomed);

	mutex_lock(&as->lock);
	/* those in @as stay where they are as long as we hold its lock */
	spin_lock(&bo->map_lock);
	list_for_each_entry(region, &bo->maps, bo_link) {
		if (region->as != as || count++ == REMOVE_BATCH)
			break;
		list_add_tail(&region->doomed, &doomed);
	}
	spin_unlock(&bo->map_lock);

	list_for_each_entry(region, &doomed, doomed)
		vgpu_pt_clear(as, region->va, vgpu_region_end(region));
	vgpu_pt_sync(as);
	list_for_each_entry(region, &doomed, doomed)
		detach_locked(as, region);
	mutex_unlock(&as->lock);
	reap(&doomed);
}

/**
 * vgpu_as_translate() - the VRAM behind a range
 * @as: where
 * @va: first address
 * @bytes: length
 * @prot: VGPU_PROT_* that the range must grant
 * @addr: filled: VRAM address, good for as long as the caller knows that
 *	nobody unmaps it
 *
 * For GPUs without an MMU.
 * Context: process; sleeps.
 * Return: 0, or -EFAULT when the range is not all there, not of one BO, not
 * contiguous, in system memory, or does not grant @prot.
 */
int vgpu_as_translate(struct vgpu_as *as, u64 va, u64 bytes, u32 prot,
		      u64 *addr)
{
	struct vgpu_region *first, *region;
	u64 end = va + bytes, pos, start;
	int err = -EFAULT;

	if (!bytes || end < va)
		return -EFAULT;
	mutex_lock(&as->lock);
	first = vgpu_region_first(as, va, end);
	if (!first || first->va > va || first->bo->host)
		goto out;
	if (vgpu_bo_run(first->bo, first->offset + va - first->va,
			&start) < bytes)
		goto out;
	for (pos = va; pos < end; pos = vgpu_region_end(region)) {
		/* parts of one mapping, as a split leaves them */
		region = vgpu_region_first(as, pos, pos + 1);
		if (!region || region->bo != first->bo ||
		    region->offset - region->va != first->offset - first->va ||
		    (region->prot & prot) != prot)
			goto out;
	}
	*addr = start;
	err = 0;
out:
	mutex_unlock(&as->lock);
	return err;
}

/**
 * vgpu_as_harvest() - which memory did engines use?
 * @as: where
 * @va: first address, a multiple of the GPU's base page
 * @bytes: length, likewise; a large leaf that reaches out is told as a whole
 * @forget: VGPU_AS_* to forget, so that only later use is told next time;
 *	with 0 nothing changes
 * @used: called for each leaf that was used, in order of address, with
 *	as->lock held
 * @arg: handed to @used
 *
 * Forgetting drops translations, and waits for engines once.
 * Context: process; sleeps.
 * Return: 0; -EINVAL, -ERANGE as vgpu_as_map(); -EOPNOTSUPP when the GPU does
 * not tell, -ENODEV when it is gone.
 */
int vgpu_as_harvest(struct vgpu_as *as, u64 va, u64 bytes, u32 forget,
		    vgpu_as_used_fn used, void *arg)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	struct vgpu_region *region;
	u64 end = va + bytes;
	int err;

	err = check_range(as, va, bytes);
	if (err)
		return err;
	if (forget & ~(VGPU_AS_ACCESSED | VGPU_AS_DIRTY))
		return -EINVAL;
	if (!fmt || !(fmt->accessed | fmt->dirty))
		return -EOPNOTSUPP;
	if (vgpu_vram_gone(as->vram))
		return -ENODEV;

	mutex_lock(&as->lock);
	for (region = vgpu_region_first(as, va, end); region;
	     region = vgpu_region_next(region, end))
		vgpu_pt_harvest(as, region, max(va, region->va),
				min(end, vgpu_region_end(region)), forget,
				used, arg);
	vgpu_pt_sync(as);
	mutex_unlock(&as->lock);
	return 0;
}

/**
 * vgpu_as_next() - what is mapped, one after the other
 * @as: where
 * @from: lowest address
 * @map: filled
 *
 * Context: process; sleeps.
 * Return: false: nothing is mapped from there on.
 */
bool vgpu_as_next(struct vgpu_as *as, u64 from, struct vgpu_as_mapping *map)
{
	struct vgpu_region *region;

	mutex_lock(&as->lock);
	region = vgpu_region_first(as, from, U64_MAX);
	if (region) {
		map->bo = region->bo;
		map->va = region->va;
		map->offset = region->offset;
		map->bytes = region->bytes;
		map->prot = region->prot;
	}
	mutex_unlock(&as->lock);
	return region;
}

/**
 * vgpu_as_get_stats() - figures of now
 * @as: whose
 * @st: filled
 *
 * Context: process; sleeps.
 */
void vgpu_as_get_stats(struct vgpu_as *as, struct vgpu_as_stats *st)
{
	mutex_lock(&as->lock);
	*st = as->stats;
	mutex_unlock(&as->lock);
}

VGPU_EXPORT_IF_KUNIT(vgpu_as_create);
VGPU_EXPORT_IF_KUNIT(vgpu_as_keep_tables);
VGPU_EXPORT_IF_KUNIT(vgpu_as_destroy);
VGPU_EXPORT_IF_KUNIT(vgpu_as_root);
VGPU_EXPORT_IF_KUNIT(vgpu_as_asid);
VGPU_EXPORT_IF_KUNIT(vgpu_as_start);
VGPU_EXPORT_IF_KUNIT(vgpu_as_end);
VGPU_EXPORT_IF_KUNIT(vgpu_as_map);
VGPU_EXPORT_IF_KUNIT(vgpu_as_unmap);
VGPU_EXPORT_IF_KUNIT(vgpu_as_translate);
VGPU_EXPORT_IF_KUNIT(vgpu_as_harvest);
VGPU_EXPORT_IF_KUNIT(vgpu_as_get_stats);
