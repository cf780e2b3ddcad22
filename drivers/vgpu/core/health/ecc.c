// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of VRAM that go bad.
 *
 * A backend tells of one in any context; a work item takes it out of use for
 * good and tells whose it is. A free page is gone at once, one in use as soon
 * as it is freed: its owner keeps working with it, since only he knows whether
 * what is in it matters.
 */
#include <linux/kernel.h>
#include "../core_priv.h"

/* Pages that wait for the work item. Atomic. */
void vgpu_ecc_event(struct vgpu_gpu *gpu, u64 addr)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&gpu->ecc_lock, flags);
	taken = gpu->ecc_count < VGPU_ECC_PENDING;
	if (taken)
		gpu->ecc_page[gpu->ecc_count++] = addr;
	spin_unlock_irqrestore(&gpu->ecc_lock, flags);
	if (taken)
		queue_work(gpu->wq, &gpu->ecc_work);
	else
		pr_warn_ratelimited("vgpu: gpu%u: too many errors in VRAM at once, 0x%llx stays in use\n",
				    gpu->index, addr);
}

static bool next_page(struct vgpu_gpu *gpu, u64 *addr)
{
	bool any;

	spin_lock_irq(&gpu->ecc_lock);
	any = gpu->ecc_count;
	if (any)
		*addr = gpu->ecc_page[--gpu->ecc_count];
	spin_unlock_irq(&gpu->ecc_lock);
	return any;
}

struct bad_page {
	struct vgpu_gpu *gpu;
	u64 addr;
};

/* Under the lock of VRAM: who pays can't go meanwhile. */
static void tell_owner(struct vgpu_mem_account *acct, void *arg)
{
	const struct bad_page *bad = arg;
	struct vgpu_instance *inst = NULL;

	if (acct)
		inst = container_of(acct, struct vgpu_instance, acct);
	vgpu_event_post(VGPU_EVENT_ECC, bad->gpu, inst, bad->addr);
}

static void retire(struct vgpu_gpu *gpu, u64 addr)
{
	struct bad_page bad = { .gpu = gpu, .addr = addr };
	struct vgpu_vram *vram = gpu->whole.vram;
	int err;

	err = vgpu_vram_retire(vram, addr);
	if (err) {
		pr_err_ratelimited("vgpu: gpu%u: bad page of VRAM at 0x%llx stays in use: %pe\n",
				   gpu->index, addr, ERR_PTR(err));
		return;
	}
	pr_warn_ratelimited("vgpu: gpu%u: uncorrectable error in VRAM at 0x%llx, page retired\n",
			    gpu->index, addr);
	if (!vgpu_vram_owner_at(vram, addr, tell_owner, &bad))
		vgpu_event_post(VGPU_EVENT_ECC, gpu, NULL, addr);
}

static void ecc_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(work, struct vgpu_gpu, ecc_work);
	u64 addr;

	while (next_page(gpu, &addr)) {
		retire(gpu, addr);
		cond_resched();
	}
}

void vgpu_ecc_init(struct vgpu_gpu *gpu)
{
	spin_lock_init(&gpu->ecc_lock);
	INIT_WORK(&gpu->ecc_work, ecc_work);
}
