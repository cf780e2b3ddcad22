// SPDX-License-Identifier: GPL-2.0
/*
 * Memory.  VRAM is the host's: its BOs appear in the aperture.  For system
 * memory that the GPU reaches, we bring the pages and the host pins them.
 *
 * Such pages must outlive what the host knows of them.  A handle may be
 * closed while a GPU address space still maps its BO, and the host tells
 * nobody when the last mapping went; so we keep account of the mappings of
 * our own pages, and free them when handle and mappings are gone.  What a
 * closed address space maps counts until the file is closed, since contexts
 * may keep it alive.
 *
 * CPU mappings name an offset and are looked up at each fault, under the
 * invalidate lock; closing the handle takes the BO out of sight, then zaps.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "guest_priv.h"

/**
 * struct vgpu_guest_bo - a BO of a file
 * @ref: the handle's and the mappings'; gf->lock
 * @link: in g->orphans
 * @handle: at the host, and here
 * @offset: mmap_offset
 * @bytes: length, in pages
 * @host: it is ours: @pages
 * @page_count: of @pages
 * @pages: each with its bus address in @addrs
 * @addrs: for the host
 */
struct vgpu_guest_bo {
	unsigned int ref;
	struct list_head link;
	u32 handle;
	u64 offset;
	u64 bytes;
	bool host;
	u32 page_count;
	struct page **pages;
	u64 *addrs;
};

/* Part of a host BO that a GPU address space maps. */
struct mapping {
	struct list_head link;
	struct vgpu_guest_bo *bo;
	u32 vm;
	u64 first;
	u64 last;
};

static void free_pages_of(struct vgpu_guest *g, struct vgpu_guest_bo *bo)
{
	u32 i;

	for (i = 0; i < bo->page_count; i++) {
		/* without the device there is nobody to unmap them from */
		if (!READ_ONCE(g->dead))
			dma_unmap_page(&g->pdev->dev, bo->addrs[i], PAGE_SIZE,
				       DMA_BIDIRECTIONAL);
		__free_page(bo->pages[i]);
	}
	kvfree(bo->pages);
	kvfree(bo->addrs);
	bo->page_count = 0;
}

static void bo_free(struct vgpu_guest *g, struct vgpu_guest_bo *bo)
{
	free_pages_of(g, bo);
	kfree(bo);
}

/*
 * Without a host that answers, nobody knows whether it still reaches the
 * pages: they are kept until the device was reset and removed.
 */
static void bo_put_locked(struct vgpu_guest_file *gf, struct vgpu_guest_bo *bo)
{
	struct vgpu_guest *g = gf->g;

	lockdep_assert_held(&gf->lock);
	if (--bo->ref)
		return;
	if (!bo->host || !READ_ONCE(g->dead)) {
		bo_free(g, bo);
		return;
	}
	spin_lock_irq(&g->files_lock);
	list_add(&bo->link, &g->orphans);
	spin_unlock_irq(&g->files_lock);
}

/* The device is removed and no file is open. */
void vgpu_guest_bo_free_orphans(struct vgpu_guest *g)
{
	struct vgpu_guest_bo *bo, *next;

	list_for_each_entry_safe(bo, next, &g->orphans, link)
		bo_free(g, bo);
}

static int alloc_pages_for(struct vgpu_guest *g, struct vgpu_guest_bo *bo)
{
	struct device *dev = &g->pdev->dev;
	u32 count = bo->bytes >> PAGE_SHIFT;
	struct page *page;
	dma_addr_t addr;

	bo->pages = kvcalloc(count, sizeof(*bo->pages), GFP_KERNEL_ACCOUNT);
	bo->addrs = kvcalloc(count, sizeof(*bo->addrs), GFP_KERNEL_ACCOUNT);
	if (!bo->pages || !bo->addrs)
		return -ENOMEM;

	while (bo->page_count < count) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return -ENOMEM;
		addr = dma_map_page(dev, page, 0, PAGE_SIZE,
				    DMA_BIDIRECTIONAL);
		if (dma_mapping_error(dev, addr)) {
			__free_page(page);
			return -ENOMEM;
		}
		bo->pages[bo->page_count] = page;
		bo->addrs[bo->page_count] = addr;
		bo->page_count++;
		cond_resched();
	}
	return 0;
}

static int create_at_host(struct vgpu_guest_file *gf,
			  const struct vgpu_ioctl_desc *desc,
			  struct vgpu_bo_create *arg, struct vgpu_guest_bo *bo)
{
	u32 count;
	int idx, ret;

	if (!bo->host)
		return vgpu_guest_call(gf, desc, arg, NULL, 0);

	if (bo->bytes / PAGE_SIZE * sizeof(u64) >
	    vgpu_guest_payload_max(gf->g, desc))
		return -E2BIG;
	/* the DMA API needs the device, not only the answer of the host */
	if (!vgpu_guest_enter(gf->g, &idx))
		return -ENODEV;
	ret = alloc_pages_for(gf->g, bo);
	if (!ret) {
		count = bo->page_count;
		arg->page_count = count;
		arg->page_stride = sizeof(u64);
		ret = vgpu_guest_call(gf, desc, arg, bo->addrs,
				      count * sizeof(u64));
	}
	vgpu_guest_leave(idx);
	return ret;
}

int vgpu_guest_bo_create(struct vgpu_guest_file *gf,
			 const struct vgpu_ioctl_desc *desc,
			 struct vgpu_bo_create *arg)
{
	struct vgpu_close close = {};
	struct vgpu_guest_bo *bo;
	int ret;

	if (!arg->bytes || arg->bytes > S64_MAX - PAGE_SIZE)
		return -EINVAL;
	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);
	if (!bo)
		return -ENOMEM;
	bo->ref = 1;
	bo->bytes = PAGE_ALIGN(arg->bytes);
	bo->host = arg->flags & VGPU_BO_HOST;

	ret = create_at_host(gf, desc, arg, bo);
	if (ret)
		goto free;
	bo->handle = arg->handle;
	/*
	 * Our own pages are not in the aperture: they get places beyond it,
	 * never the same twice, as all files share one mapping.
	 */
	if (bo->host)
		arg->mmap_offset = atomic64_fetch_add(bo->bytes,
						      &gf->g->host_next);
	bo->offset = arg->mmap_offset;
	if (!bo->host && (bo->offset > gf->g->aperture_bytes ||
			  bo->bytes > gf->g->aperture_bytes - bo->offset)) {
		ret = -EIO;
		goto close;
	}

	mutex_lock(&gf->lock);
	ret = xa_err(xa_store(&gf->bos, bo->handle, bo, GFP_KERNEL_ACCOUNT));
	mutex_unlock(&gf->lock);
	if (!ret)
		return 0;
close:
	close.handle = arg->handle;
	vgpu_guest_call(gf, vgpu_ioctl_find(VGPU_CALL_CLOSE), &close, NULL, 0);
free:
	/* also after -ENODEV, when the host may have taken them */
	mutex_lock(&gf->lock);
	bo_put_locked(gf, bo);
	mutex_unlock(&gf->lock);
	return ret;
}

/* gf->lock held: CPU mappings end. */
static void bo_hide(struct vgpu_guest_file *gf, struct vgpu_guest_bo *bo)
{
	struct address_space *mapping = gf->g->map_file->f_mapping;

	filemap_invalidate_lock(mapping);
	xa_erase(&gf->bos, bo->handle);
	unmap_mapping_range(mapping, bo->offset, bo->bytes, 1);
	filemap_invalidate_unlock(mapping);
}

bool vgpu_guest_bo_close(struct vgpu_guest_file *gf, u32 handle)
{
	struct vgpu_close arg = { .handle = handle };
	struct vgpu_guest_bo *bo;

	mutex_lock(&gf->lock);
	bo = xa_load(&gf->bos, handle);
	if (bo) {
		bo_hide(gf, bo);
		vgpu_guest_call(gf, vgpu_ioctl_find(VGPU_CALL_CLOSE), &arg,
				NULL, 0);
		bo_put_locked(gf, bo);
	}
	mutex_unlock(&gf->lock);
	return bo;
}

int vgpu_guest_vm_map(struct vgpu_guest_file *gf,
		      const struct vgpu_ioctl_desc *desc,
		      struct vgpu_vm_map *arg)
{
	struct mapping *m;
	int ret;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;

	mutex_lock(&gf->lock);
	m->bo = xa_load(&gf->bos, arg->bo);
	ret = vgpu_guest_call(gf, desc, arg, NULL, 0);
	if (!ret && m->bo && m->bo->host) {
		m->bo->ref++;
		m->vm = arg->vm;
		m->first = arg->va;
		m->last = arg->va + arg->bytes - 1;
		list_add_tail(&m->link, &gf->maps);
		m = NULL;
	}
	mutex_unlock(&gf->lock);
	kfree(m);
	return ret;
}

/* gf->lock held. @spare serves the one mapping that may fall in two. */
static void forget_range(struct vgpu_guest_file *gf, u32 vm, u64 first,
			 u64 last, struct mapping **spare)
{
	struct mapping *m, *next;

	list_for_each_entry_safe(m, next, &gf->maps, link) {
		if (m->vm != vm || m->last < first || m->first > last)
			continue;
		if (m->first < first && m->last > last) {
			**spare = *m;
			(*spare)->first = last + 1;
			m->bo->ref++;
			list_add(&(*spare)->link, &m->link);
			*spare = NULL;
			m->last = first - 1;
			return;
		}
		if (m->first < first) {
			m->last = first - 1;
		} else if (m->last > last) {
			m->first = last + 1;
		} else {
			list_del(&m->link);
			bo_put_locked(gf, m->bo);
			kfree(m);
		}
	}
}

int vgpu_guest_vm_unmap(struct vgpu_guest_file *gf,
			const struct vgpu_ioctl_desc *desc,
			struct vgpu_vm_unmap *arg)
{
	struct mapping *spare;
	int ret;

	spare = kzalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);
	if (!spare)
		return -ENOMEM;
	mutex_lock(&gf->lock);
	ret = vgpu_guest_call(gf, desc, arg, NULL, 0);
	if (!ret && arg->bytes)
		forget_range(gf, arg->vm, arg->va, arg->va + arg->bytes - 1,
			     &spare);
	mutex_unlock(&gf->lock);
	kfree(spare);
	return ret;
}

/**
 * vgpu_guest_bo_free_all() - after the host dropped the client
 * @gf: the file, which nobody uses any more; no VMA is left
 *
 * Context: process.
 */
void vgpu_guest_bo_free_all(struct vgpu_guest_file *gf)
{
	struct mapping *m, *next;
	struct vgpu_guest_bo *bo;
	unsigned long i;

	mutex_lock(&gf->lock);
	list_for_each_entry_safe(m, next, &gf->maps, link) {
		list_del(&m->link);
		bo_put_locked(gf, m->bo);
		kfree(m);
	}
	xa_for_each(&gf->bos, i, bo) {
		xa_erase(&gf->bos, i);
		bo_put_locked(gf, bo);
	}
	mutex_unlock(&gf->lock);
}

bool vgpu_guest_bo_pfn(struct vgpu_guest_file *gf, u64 offset, u64 bytes,
		       unsigned long *pfn)
{
	struct vgpu_guest_bo *bo;
	unsigned long i;

	xa_for_each(&gf->bos, i, bo) {
		if (offset < bo->offset || offset - bo->offset >= bo->bytes ||
		    bytes > bo->bytes - (offset - bo->offset))
			continue;
		if (bo->host)
			*pfn = page_to_pfn(bo->pages[(offset - bo->offset) >>
						     PAGE_SHIFT]);
		else
			*pfn = (gf->g->aperture_base + offset) >> PAGE_SHIFT;
		return true;
	}
	return false;
}
