// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects: pieces of memory that tenants hold, map and lose.
 *
 * A BO in VRAM takes as few blocks as the free memory allows, and prefers
 * those that 2 MiB leaves can map. A mapping holds a reference, so memory is
 * freed when the last of owner and mappings lets go, never under an engine.
 * Where memory must go at once (a guest that unplugs it, a vGPU that dies),
 * revocation takes it out of every address space by the reverse map.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "residency.h"

void vgpu_bo_common_init(struct vgpu_bo *bo, struct vgpu_vram *vram, u64 bytes)
{
	kref_init(&bo->ref);
	vgpu_vram_get(vram);
	bo->vram = vram;
	bo->bytes = bytes;
	spin_lock_init(&bo->map_lock);
	mutex_init(&bo->walk_lock);
	INIT_LIST_HEAD(&bo->maps);
	init_completion(&bo->revoke_done);
}

static int append_piece(struct vgpu_bo *bo, u64 offset,
			struct vgpu_block *block)
{
	if (bo->pieces == bo->pieces_max) {
		unsigned int max = bo->pieces_max ? 2 * bo->pieces_max : 1;
		struct vgpu_bo_piece *piece;

		piece = kvmalloc_array(max, sizeof(*piece),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!piece)
			return -ENOMEM;
		if (bo->pieces)
			memcpy(piece, bo->piece, bo->pieces * sizeof(*piece));
		kvfree(bo->piece);
		bo->piece = piece;
		bo->pieces_max = max;
	}
	bo->piece[bo->pieces].offset = offset;
	bo->piece[bo->pieces].block = block;
	block->bo_page = offset >> VGPU_PAGE_SHIFT;
	bo->pieces++;
	return 0;
}

static void free_pieces(struct vgpu_bo *bo, bool untouched)
{
	while (bo->pieces)
		vgpu_vram_free(bo->vram, bo->piece[--bo->pieces].block,
			       untouched);
	kvfree(bo->piece);
}

/*
 * The next block for @left pages: one that large leaves can map if there is
 * any, else all in one, else the largest there is.
 */
static struct vgpu_block *take_piece(struct vgpu_bo *bo, u32 left,
				     unsigned int order, bool contiguous,
				     bool pinned)
{
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_block *block;

	if (left >= VGPU_LARGE_PAGES && order < VGPU_LARGE_ORDER) {
		block = vgpu_vram_alloc(vram,
					contiguous ? left : VGPU_LARGE_PAGES,
					left, VGPU_LARGE_ORDER, bo, pinned);
		if (block != ERR_PTR(-ENOSPC))
			return block;
	}
	return vgpu_vram_alloc(vram, contiguous ? left : min(left, 1U << order),
			       left, order, bo, pinned);
}

/* What a charge or an allocation of this size would be, or an error. */
static int check_size(struct vgpu_vram *vram, u64 *bytes)
{
	u64 unit = vgpu_vram_unit(vram);

	if (!*bytes || *bytes > U64_MAX - unit)
		return -EINVAL;
	*bytes = ALIGN(*bytes, unit);
	return vgpu_vram_gone(vram) ? -ENODEV : 0;
}

static struct vgpu_bo *create_paged(struct vgpu_vram *vram,
				    struct vgpu_mem_account *acct, u64 bytes)
{
	struct vgpu_bo *bo;
	int err;

	if (!vgpu_residency_of(vram) ||
	    bytes > U64_MAX - VGPU_CHUNK_BYTES)
		return ERR_PTR(-EINVAL);
	bytes = ALIGN(bytes, VGPU_CHUNK_BYTES);
	if (acct) {
		err = vgpu_mem_charge(acct, bytes);
		if (err)
			return ERR_PTR(err);
	}
	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bo) {
		err = -ENOMEM;
		goto err_uncharge;
	}
	vgpu_bo_common_init(bo, vram, bytes);
	bo->acct = acct;
	bo->paged = vgpu_paged_create(bo);
	if (!IS_ERR(bo->paged))
		return bo;

	err = PTR_ERR(bo->paged);
	kfree(bo);
	vgpu_vram_put(vram);
err_uncharge:
	if (acct)
		vgpu_mem_uncharge(acct, bytes);
	return ERR_PTR(err);
}

/**
 * vgpu_bo_create() - takes a piece of VRAM
 * @vram: from where
 * @acct: who pays, for longer than the BO lives; NULL: nobody
 * @bytes: length, rounded up to the GPU's base pages
 * @align: of each block's address: 0 or a power of two up to 2 MiB
 * @flags: VGPU_BO_CONTIGUOUS; VGPU_BO_FIXED: it is never moved, as is what is
 *	contiguous; or VGPU_BO_PAGEABLE where that is enabled: rounded
 *	to chunks of 64 KiB, and none of them is in VRAM yet. One that wants
 *	more alignment than they have is not pageable after all
 *
 * Context: process; sleeps.
 * Return: zeroed memory with one reference; -EINVAL for bad arguments, -EDQUOT
 * over the account's limit, -ENOSPC when VRAM has not as much (or not in one
 * piece), -ENOMEM for want of metadata, -ENODEV when the GPU is gone.
 */
struct vgpu_bo *vgpu_bo_create(struct vgpu_vram *vram,
			       struct vgpu_mem_account *acct, u64 bytes,
			       u64 align, u32 flags)
{
	struct vgpu_vram_stats st;
	struct vgpu_bo *bo;
	unsigned int order, tries = 8;
	u64 offset;
	bool fixed;
	int err;

	if (flags & ~(VGPU_BO_CONTIGUOUS | VGPU_BO_FIXED | VGPU_BO_PAGEABLE) ||
	    (flags & VGPU_BO_PAGEABLE && flags & ~VGPU_BO_PAGEABLE))
		return ERR_PTR(-EINVAL);
	if (align && (!is_power_of_2(align) ||
		      align > VGPU_LARGE_PAGES * VGPU_PAGE_BYTES))
		return ERR_PTR(-EINVAL);
	err = check_size(vram, &bytes);
	if (err)
		return ERR_PTR(err);
	order = ilog2(max(align, vgpu_vram_unit(vram))) - VGPU_PAGE_SHIFT;

	if (flags & VGPU_BO_PAGEABLE && align <= VGPU_CHUNK_BYTES)
		return create_paged(vram, acct, bytes);

	if (acct) {
		err = vgpu_mem_charge_fixed(acct, bytes, bytes);
		if (err)
			return ERR_PTR(err);
	}
	/* do not scrub gigabytes only to find that they do not suffice */
	err = -ENOSPC;
	for (;;) {
		vgpu_vram_get_stats(vram, &st);
		if (bytes <= st.free)
			break;
		if (!tries-- ||
		    !vgpu_residency_shrink(vram, bytes >> VGPU_PAGE_SHIFT))
			goto err_uncharge;
	}

	err = -ENOMEM;
	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bo)
		goto err_uncharge;
	vgpu_bo_common_init(bo, vram, bytes);
	bo->acct = acct;

	/* a GPU without an MMU is told the address itself */
	fixed = flags & (VGPU_BO_CONTIGUOUS | VGPU_BO_FIXED);
	for (offset = 0; offset < bytes;) {
		struct vgpu_block *block;

		block = take_piece(bo, (bytes - offset) >> VGPU_PAGE_SHIFT,
				   order, flags & VGPU_BO_CONTIGUOUS, fixed);
		/* somebody else was quicker; or something is being moved there */
		if (block == ERR_PTR(-ENOSPC) && tries &&
		    vgpu_residency_shrink(vram, (bytes - offset) >>
						VGPU_PAGE_SHIFT)) {
			tries--;
			continue;
		}
		if (IS_ERR(block)) {
			err = PTR_ERR(block);
			goto err_free;
		}
		err = append_piece(bo, offset, block);
		if (err) {
			vgpu_vram_free(vram, block, true);
			goto err_free;
		}
		offset += vgpu_block_bytes(block);
	}
	/* complete before it is moved, see take_source() */
	smp_store_release(&bo->movable,
			  !fixed && vgpu_vram_can_move(vram));
	return bo;

err_free:
	free_pieces(bo, true);
	kfree(bo);
	vgpu_vram_put(vram);
err_uncharge:
	if (acct)
		vgpu_mem_uncharge_fixed(acct, bytes, bytes);
	return ERR_PTR(err);
}

static void bo_release(struct kref *ref)
{
	struct vgpu_bo *bo = container_of(ref, struct vgpu_bo, ref);
	struct vgpu_vram *vram = bo->vram;

	/* mappings hold references: no address space has it */
	if (bo->host || bo->parent)
		vgpu_bo_host_fini(bo);
	else if (bo->paged)
		vgpu_paged_free(bo);
	else
		free_pieces(bo, false);
	if (bo->acct)
		vgpu_mem_uncharge_fixed(bo->acct, bo->bytes,
					bo->paged ? 0 : bo->bytes);
	mutex_destroy(&bo->walk_lock);
	kfree(bo);
	vgpu_vram_put(vram);
}

/**
 * vgpu_bo_get() - takes a reference
 * @bo: that the caller already has a reference to
 */
void vgpu_bo_get(struct vgpu_bo *bo)
{
	kref_get(&bo->ref);
}

/**
 * vgpu_bo_tryget() - takes one more reference, unless the last is gone
 * @bo: whose memory the caller knows to be there still
 *
 * Context: any.
 * Return: whether it was taken.
 */
bool vgpu_bo_tryget(struct vgpu_bo *bo)
{
	return kref_get_unless_zero(&bo->ref);
}

/**
 * vgpu_bo_put() - gives a reference back
 * @bo: whose; with the last one its memory is scrubbed and freed
 *
 * Context: process; sleeps. May call the release callback of foreign pages.
 */
void vgpu_bo_put(struct vgpu_bo *bo)
{
	kref_put(&bo->ref, bo_release);
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_put, VGPU);

/**
 * vgpu_bo_bytes() - length, as rounded
 * @bo: whose
 */
u64 vgpu_bo_bytes(const struct vgpu_bo *bo)
{
	return bo->bytes;
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_bytes, VGPU);

/**
 * vgpu_bo_is_host() - is it system memory?
 * @bo: what
 */
bool vgpu_bo_is_host(const struct vgpu_bo *bo)
{
	return bo->host;
}

/**
 * vgpu_bo_is_own() - is it memory that was taken for it?
 * @bo: what
 *
 * And not somebody else's pages, or another BO's.
 */
bool vgpu_bo_is_own(const struct vgpu_bo *bo)
{
	return !bo->foreign && !bo->parent;
}

/**
 * vgpu_bo_is_movable() - may its pages become other ones?
 * @bo: what
 *
 * When it is evicted, or moved within VRAM: vgpu_bo_page() tells which they
 * are for as long as vgpu_bo_hold() says.
 */
bool vgpu_bo_is_movable(const struct vgpu_bo *bo)
{
	return bo->paged || bo->movable;
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_is_movable, VGPU);

/* Index of the piece that holds byte @offset, which is inside the BO. */
unsigned int vgpu_bo_piece_at(const struct vgpu_bo *bo, u64 offset)
{
	unsigned int lo = 0, hi = bo->pieces;

	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (bo->piece[mid].offset <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static u64 piece_addr(const struct vgpu_bo *bo, unsigned int i, u64 offset)
{
	return vgpu_block_addr(bo->piece[i].block) + offset -
	       bo->piece[i].offset;
}

static bool is_moving(const struct vgpu_bo *bo, u64 offset)
{
	return offset >= bo->move_lo && offset < bo->move_hi;
}

static u64 piece_end(const struct vgpu_bo *bo, unsigned int i)
{
	return bo->piece[i].offset + vgpu_block_bytes(bo->piece[i].block);
}

/*
 * The VRAM or bus address behind @offset, and for how many bytes the memory
 * goes on without a gap. VGPU_ADDR_NONE: it is evicted, or being moved.
 */
u64 vgpu_bo_run(struct vgpu_bo *bo, u64 offset, u64 *addr)
{
	u64 end;

	/* it does not move */
	if (bo->parent)
		bo = bo->parent;
	if (bo->paged) {
		return vgpu_paged_run(bo, offset, addr);
	} else if (bo->host) {
		u64 unit = vgpu_vram_unit(bo->vram);
		unsigned long i = offset >> bo->vram->unit_shift;
		unsigned long count = bo->bytes >> bo->vram->unit_shift;

		*addr = bo->dma[i] + (offset & (unit - 1));
		while (++i < count && bo->dma[i] == bo->dma[i - 1] + unit)
			;
		end = (u64)i << bo->vram->unit_shift;
	} else {
		unsigned int i = vgpu_bo_piece_at(bo, offset);

		spin_lock(&bo->map_lock);
		*addr = VGPU_ADDR_NONE;
		end = piece_end(bo, i);
		if (!is_moving(bo, offset)) {
			*addr = piece_addr(bo, i, offset);
			while (++i < bo->pieces && !is_moving(bo, end) &&
			       vgpu_block_addr(bo->piece[i].block) ==
			       *addr + end - offset)
				end = piece_end(bo, i);
		}
		spin_unlock(&bo->map_lock);
	}
	return end - offset;
}

/**
 * vgpu_bo_page() - the page behind a byte, for the CPU
 * @bo: whose
 * @offset: of the byte
 *
 * Context: any that may take a spinlock that is taken with interrupts on.
 * Return: the page; NULL past the end, after revocation, or when the GPU is
 * gone. It stays the BO's until that is revoked or freed; of a movable BO,
 * NULL when it is evicted or being moved, else until vgpu_bo_unhold() if it is
 * held, or until the callback of vgpu_bo_set_zap() has taken it away.
 */
struct page *vgpu_bo_page(struct vgpu_bo *bo, u64 offset)
{
	u64 addr = VGPU_ADDR_NONE;

	if (offset >= bo->bytes || READ_ONCE(bo->revoked))
		return NULL;
	if (bo->parent)
		return vgpu_bo_page(bo->parent, offset);
	if (bo->host)
		return bo->page[offset >> PAGE_SHIFT];
	if (bo->paged) {
		vgpu_paged_run(bo, offset, &addr);
	} else {
		spin_lock(&bo->map_lock);
		if (!is_moving(bo, offset))
			addr = piece_addr(bo, vgpu_bo_piece_at(bo, offset),
					  offset);
		spin_unlock(&bo->map_lock);
	}
	return addr == VGPU_ADDR_NONE ? NULL : vgpu_vram_page(bo->vram, addr);
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_page, VGPU);

/**
 * vgpu_bo_vram_addr() - where a contiguous BO lies
 * @bo: made with VGPU_BO_CONTIGUOUS
 *
 * Return: its VRAM address; U64_MAX when it is not in one piece of VRAM.
 */
u64 vgpu_bo_vram_addr(struct vgpu_bo *bo)
{
	u64 addr;

	if (bo->host || bo->paged || vgpu_bo_run(bo, 0, &addr) != bo->bytes)
		return U64_MAX;
	return addr;
}

/* The first address space in the reverse map, with a reference. */
static struct vgpu_as *first_as(struct vgpu_bo *bo)
{
	struct vgpu_region *region;
	struct vgpu_as *as = NULL;

	spin_lock(&bo->map_lock);
	region = list_first_entry_or_null(&bo->maps, struct vgpu_region,
					  bo_link);
	if (region) {
		/* it cannot go away with a region in it */
		as = region->as;
		vgpu_as_get(as);
	}
	spin_unlock(&bo->map_lock);
	return as;
}

/**
 * vgpu_bo_revoke() - takes the memory away from all engines
 * @bo: that the caller has a reference to
 *
 * On return no address space maps it, no engine reaches it, and it can't be
 * mapped again (-ESTALE); later accesses fault. Memory of our own stays until
 * the last put, foreign pages are released. The CPU's mappings are the
 * caller's to zap. A second caller waits for the first.
 *
 * Context: process, not in memory reclaim, and with no lock that a release
 * callback takes. Bounded: one tlb_sync() for each address space and some
 * hundred mappings.
 */
void vgpu_bo_revoke(struct vgpu_bo *bo)
{
	struct vgpu_as *as;
	bool first;

	spin_lock(&bo->map_lock);
	first = !bo->revoked;
	WRITE_ONCE(bo->revoked, true);
	spin_unlock(&bo->map_lock);
	if (!first) {
		wait_for_completion(&bo->revoke_done);
		return;
	}

	while ((as = first_as(bo))) {
		vgpu_as_remove_bo(as, bo);
		vgpu_as_put(as);
	}
	if (bo->foreign)
		vgpu_bo_host_unmap_dma(bo);
	complete_all(&bo->revoke_done);
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_create);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_get);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_tryget);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_is_host);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_run);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_vram_addr);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_revoke);
