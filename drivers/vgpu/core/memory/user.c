// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of programs that the GPU reaches (VGPU_CALL_BO_USER): pinned, and
 * charged before it is.
 *
 * The user is charged and not the process, as io_uring and iommufd do: who forks
 * gets no second RLIMIT_MEMLOCK.  mm->pinned_vm only shows it (VmPin in
 * /proc/PID/status).  Both are counters that need no lock, so the last reference to
 * the BO may go wherever it does, under an mmap lock too.
 *
 * A page may be pinned for long when nothing but this pin decides how long it
 * stays: anonymous memory, tmpfs and memfd, huge pages.  A file system that
 * believes to have written a page back does not expect the GPU to write to it
 * afterwards; newer kernels refuse some of that, we do all of it.  Nor does
 * unpinning, which locks pages to mark them dirty, ever wait for a file system
 * then: it is done under locks that a tenant's neighbours need.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../compat/shmem.h"
#include "../core_priv.h"

#define BATCH	1024	/* pages pinned at once */

/**
 * struct user_pages - pinned memory behind one BO
 * @inst: reference: whose figure it is in
 * @mm: reference to the structure, not to the memory: it can exit
 * @user: reference: who is charged, or NULL with CAP_IPC_LOCK
 * @count: of pages, charged
 * @pinned: of which pinned, from the first on
 * @page: all of them
 */
struct user_pages {
	struct vgpu_instance *inst;
	struct mm_struct *mm;
	struct user_struct *user;
	unsigned long count;
	unsigned long pinned;
	struct page **page;
};

static int charge(struct user_pages *up)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (!capable(CAP_IPC_LOCK)) {
		struct user_struct *user = current_user();
		long used = atomic_long_read(&user->locked_vm);

		do {
			if (up->count > limit || used > limit - up->count)
				return -EDQUOT;
		} while (!atomic_long_try_cmpxchg(&user->locked_vm, &used,
						  used + up->count));
		up->user = get_uid(user);
	}
	mmgrab(current->mm);
	up->mm = current->mm;
	atomic64_add(up->count, &up->mm->pinned_vm);
	vgpu_instance_hold(up->inst);
	atomic64_add(up->count, &up->inst->pinned);
	return 0;
}

static void uncharge(struct user_pages *up)
{
	atomic64_sub(up->count, &up->inst->pinned);
	vgpu_instance_put(up->inst);
	atomic64_sub(up->count, &up->mm->pinned_vm);
	mmdrop(up->mm);
	if (up->user) {
		atomic_long_sub(up->count, &up->user->locked_vm);
		free_uid(up->user);
	}
}

/* See above. What is truncated meanwhile has no mapping any more. */
static bool may_stay_pinned(struct page *page)
{
	struct address_space *mapping;
	bool ret;

	if (PageAnon(page) || PageHuge(page))
		return true;
	rcu_read_lock();	/* as long as inodes stay */
	mapping = READ_ONCE(page_folio(page)->mapping);
	ret = mapping && vgpu_compat_shmem_mapping(mapping);
	rcu_read_unlock();
	return ret;
}

static int pin(struct user_pages *up, unsigned long addr)
{
	while (up->pinned < up->count) {
		int i, got, want = min(up->count - up->pinned, 0UL + BATCH);
		struct page **page = up->page + up->pinned;

		if (fatal_signal_pending(current))
			return -EINTR;
		got = pin_user_pages_fast(addr + (up->pinned << PAGE_SHIFT),
					  want, FOLL_WRITE | FOLL_LONGTERM,
					  page);
		if (got <= 0)
			return got ?: -EFAULT;
		up->pinned += got;
		for (i = 0; i < got; i++)
			if (!may_stay_pinned(page[i]))
				return -EOPNOTSUPP;
		cond_resched();
	}
	return 0;
}

/* Neither engine nor mapping reaches them any more; what they wrote stays. */
static void user_release(void *arg)
{
	struct user_pages *up = arg;

	unpin_user_pages_dirty_lock(up->page, up->pinned, true);
	uncharge(up);
	kvfree(up->page);
	kfree(up);
}

static struct user_pages *user_pin(struct vgpu_instance *inst,
				   unsigned long addr, unsigned long count)
{
	struct user_pages *up;
	int ret;

	up = kzalloc(sizeof(*up), GFP_KERNEL_ACCOUNT);
	if (!up)
		return ERR_PTR(-ENOMEM);
	up->inst = inst;
	up->count = count;
	ret = charge(up);
	if (ret) {
		kfree(up);
		return ERR_PTR(ret);
	}
	up->page = kvmalloc_array(count, sizeof(*up->page),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	ret = up->page ? pin(up, addr) : -ENOMEM;
	if (ret) {
		unpin_user_pages(up->page, up->pinned);
		uncharge(up);
		kvfree(up->page);
		kfree(up);
		return ERR_PTR(ret);
	}
	return up;
}

static int check(const struct vgpu_client *client,
		 const struct vgpu_bo_user *arg)
{
	unsigned long addr = arg->addr;
	u64 end;

	if (arg->flags || (client->ops && client->ops->get_pages))
		return -EOPNOTSUPP;
	if (!(client->inst->gpu->desc.caps & VGPU_HW_HOST_MEM))
		return -EOPNOTSUPP;
	if (!arg->bytes || !PAGE_ALIGNED(arg->addr | arg->bytes) ||
	    check_add_overflow(arg->addr, arg->bytes, &end))
		return -EINVAL;
	if (arg->bytes > VGPU_BO_USER_MAX)
		return -E2BIG;
	if (addr != arg->addr ||
	    !access_ok((void __user *)addr, arg->bytes))
		return -EFAULT;
	return 0;
}

int vgpu_client_bo_user(struct vgpu_client *client, struct vgpu_bo_user *arg)
{
	struct vgpu_gpu *gpu = client->inst->gpu;
	struct user_pages *up;
	struct vgpu_bo *bo;
	int idx, ret;

	ret = READ_ONCE(client->dead) ?:
	      vgpu_filter_call(&client->inst->filter, VGPU_CALL_BO_USER) ?:
	      vgpu_degrade_call(gpu, VGPU_CALL_BO_USER) ?:
	      check(client, arg);
	if (ret)
		return ret;
	/* may wait for the program's own fault handler: outside the gate */
	up = user_pin(client->inst, arg->addr, arg->bytes >> PAGE_SHIFT);
	if (IS_ERR(up))
		return PTR_ERR(up);
	ret = vgpu_client_enter(client, &idx);
	if (ret) {
		user_release(up);
		return ret;
	}
	bo = vgpu_bo_create_host(gpu->whole.vram, arg->bytes, up->page,
				 user_release, up);
	if (IS_ERR(bo)) {
		user_release(up);
		ret = PTR_ERR(bo);
	} else {
		ret = vgpu_bo_publish(client, bo, &arg->handle);
	}
	vgpu_gpu_leave(idx);
	return ret;
}
