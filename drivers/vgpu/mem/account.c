// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for VRAM.
 *
 * A charge is taken before anything is allocated and given back after it was
 * freed, so the limit holds at every moment, whoever races.
 */
#include <linux/spinlock.h>
#include <vgpu/kunit.h>
#include <vgpu/mem.h>

static atomic64_t last_owner;

static void changed(struct vgpu_mem_account *acct)
{
	if (acct->changed)
		acct->changed(acct);
}

/**
 * vgpu_mem_account_init() - an account with nothing in use
 * @acct: to initialise
 * @limit: bytes that may be in use
 */
void vgpu_mem_account_init(struct vgpu_mem_account *acct, u64 limit)
{
	spin_lock_init(&acct->lock);
	acct->limit = limit;
	acct->used = 0;
	acct->peak = 0;
	acct->denied = 0;
	acct->fixed = 0;
	acct->share = U64_MAX;
	acct->resident = 0;
	acct->squeezed = false;
	acct->changed = NULL;
	INIT_LIST_HEAD(&acct->owner.link);
	INIT_LIST_HEAD(&acct->owner.chunks);
	acct->owner.bos = 0;
	acct->owner.id = atomic64_inc_return(&last_owner);
	acct->owner.priority = 0;
	memset(&acct->owner.thrash, 0, sizeof(acct->owner.thrash));
}

/**
 * vgpu_mem_charge() - takes @bytes of the account before they are allocated
 * @acct: who pays
 * @bytes: how much
 *
 * Context: any.
 * Return: 0, or -EDQUOT, and nothing is charged.
 */
int vgpu_mem_charge(struct vgpu_mem_account *acct, u64 bytes)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&acct->lock, flags);
	/* not used + bytes > limit: the sum may wrap */
	if (acct->used > acct->limit || bytes > acct->limit - acct->used) {
		acct->denied++;
		err = -EDQUOT;
	} else {
		acct->used += bytes;
		acct->peak = max(acct->peak, acct->used);
		changed(acct);
	}
	spin_unlock_irqrestore(&acct->lock, flags);
	return err;
}

/**
 * vgpu_mem_uncharge() - gives @bytes back after they were freed
 * @acct: who paid
 * @bytes: how much
 *
 * Giving back more than is in use is a bug of ours: it is reported once, and
 * the account stops at zero, since one that wrapped would refuse everything
 * or nothing.
 *
 * Context: any.
 */
void vgpu_mem_uncharge(struct vgpu_mem_account *acct, u64 bytes)
{
	unsigned long flags;
	u64 used;

	spin_lock_irqsave(&acct->lock, flags);
	used = acct->used;
	acct->used -= min(bytes, used);
	changed(acct);
	spin_unlock_irqrestore(&acct->lock, flags);

	if (bytes > used)
		pr_err_once("vgpu: memory account given back %llu bytes with %llu in use\n",
			    bytes, used);
}

/**
 * vgpu_mem_set_limit() - changes what may be in use
 * @acct: whose
 * @limit: bytes
 *
 * Context: any.
 * Return: 0, or -EBUSY when more than @limit is in use; nothing changes then.
 */
int vgpu_mem_set_limit(struct vgpu_mem_account *acct, u64 limit)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&acct->lock, flags);
	if (acct->used > limit) {
		err = -EBUSY;
	} else {
		acct->limit = limit;
		changed(acct);
	}
	spin_unlock_irqrestore(&acct->lock, flags);
	return err;
}

/**
 * vgpu_mem_charge_fixed() - takes memory that can't be evicted
 * @acct: who pays
 * @bytes: of memory that is about to be allocated, or 0
 * @fixed: how much more of what is in use can't be evicted
 *
 * Context: any.
 * Return: 0, or -EDQUOT when that were above the limit, or less than an eighth
 * of the share were left for what can be evicted; nothing is charged then.
 */
int vgpu_mem_charge_fixed(struct vgpu_mem_account *acct, u64 bytes, u64 fixed)
{
	unsigned long flags;
	u64 most;
	int err = 0;

	spin_lock_irqsave(&acct->lock, flags);
	most = acct->share == U64_MAX ? U64_MAX :
	       acct->share - acct->share / 8;
	if (acct->used > acct->limit || bytes > acct->limit - acct->used ||
	    acct->fixed > most || fixed > most - acct->fixed) {
		acct->denied++;
		err = -EDQUOT;
	} else {
		acct->used += bytes;
		acct->fixed += fixed;
		acct->peak = max(acct->peak, acct->used);
		changed(acct);
	}
	spin_unlock_irqrestore(&acct->lock, flags);
	return err;
}

/**
 * vgpu_mem_uncharge_fixed() - gives back what vgpu_mem_charge_fixed() took
 * @acct: who paid
 * @bytes: as then
 * @fixed: as then
 *
 * Context: any.
 */
void vgpu_mem_uncharge_fixed(struct vgpu_mem_account *acct, u64 bytes,
			     u64 fixed)
{
	unsigned long flags;
	u64 had;

	spin_lock_irqsave(&acct->lock, flags);
	had = acct->fixed;
	acct->fixed -= min(fixed, had);
	spin_unlock_irqrestore(&acct->lock, flags);
	if (fixed > had)
		pr_err_once("vgpu: memory account given back %llu fixed bytes with %llu in use\n",
			    fixed, had);
	vgpu_mem_uncharge(acct, bytes);
}

/**
 * vgpu_mem_set_share() - changes what of VRAM is there whatever others do
 * @acct: whose
 * @share: bytes; U64_MAX: all of the limit, VRAM is not over-committed
 *
 * Context: any.
 * Return: 0, or -EBUSY when more than seven eighths of @share are fixed;
 * nothing changes then.
 */
int vgpu_mem_set_share(struct vgpu_mem_account *acct, u64 share)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&acct->lock, flags);
	if (share != U64_MAX && acct->fixed > share - share / 8)
		err = -EBUSY;
	else
		acct->share = share;
	spin_unlock_irqrestore(&acct->lock, flags);
	return err;
}

/**
 * vgpu_mem_set_priority() - whose memory is evicted later than that of others
 * @acct: whose
 * @priority: the higher, the later; counts among those who are all above, or
 *	all within, their shares
 *
 * Context: any.
 */
void vgpu_mem_set_priority(struct vgpu_mem_account *acct, u32 priority)
{
	WRITE_ONCE(acct->owner.priority, priority);
}

VGPU_EXPORT_IF_KUNIT(vgpu_mem_account_init);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_set_priority);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_charge_fixed);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_uncharge_fixed);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_set_share);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_charge);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_uncharge);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_set_limit);
