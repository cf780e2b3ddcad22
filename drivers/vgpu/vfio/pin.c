// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that a vGPU's engines reach (VGPU_BO_HOST): pinned page by
 * page through VFIO, and given up at once when user space unmaps it from the
 * guest.
 *
 * VFIO's type1 backend gives dma_unmap ten tries to get every page of the
 * range unpinned, then it BUGs.  It calls with its list of devices locked;
 * unpinning takes its main lock, which another unmapping thread may hold while
 * it waits for that list.  A driver that unpins in dma_unmap can so be made to
 * deadlock by two threads.  Therefore
 *  - all unpinning is done by one worker of the device, and nobody waits for
 *    it with a lock held;
 *  - dma_unmap has the core revoke what engines use, which is bounded, hands
 *    the pages to the worker, and waits; should the worker be stuck behind
 *    such a thread, the wait ends, VFIO's lock is released, and VFIO comes
 *    again.  The last tries wait without an end: a container whose threads
 *    fight over its lock may hang itself, but not crash the host;
 *  - dma_unmap takes no lock that is held around a pin or unpin.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vfio_priv.h"

/* Pages that one call of VFIO pins or unpins, with its lock held. */
#define RUN		64
/* Longest stay in one dma_unmap, and one nap in it. */
#define UNMAP_PATIENCE	(HZ / 2)
#define UNMAP_NAP	max_t(long, HZ / 200, 1)
/* Stays in a row that may end without success; VFIO allows ten. */
#define UNMAP_TRIES	6

enum pin_state {
	PIN_MAKING,	/* in get_pages */
	PIN_USED,	/* the core's */
	PIN_GOING,	/* the worker's, to be unpinned */
};

/**
 * struct pin - pages behind one BO
 * @ref: the list's, and of who names it to the core
 * @link: in v->pins
 * @v: the device
 * @c: whose BO it is, while that is open
 * @state: enum pin_state
 * @cancel: dma_unmap came while it was being made
 * @low: lowest address
 * @high: last byte of the highest page
 * @count: of pages
 * @pinned: of which pinned, from the first on; of the owner, who @state says
 * @addr: bus addresses
 *
 * @link, @c, @state, @cancel: pin_lock.  Only the worker takes it off the list.
 */
struct pin {
	struct kref ref;
	struct list_head link;
	struct vgpu_vfio *v;
	struct vgpu_vfio_client *c;
	enum pin_state state;
	bool cancel;
	u64 low;
	u64 high;
	unsigned int count;
	unsigned int pinned;
	u64 addr[];
};

/* Pages from @first on, before @end, that are neighbours; at most a RUN. */
static unsigned int run_length(const struct pin *pin, unsigned int first,
			       unsigned int end)
{
	unsigned int n = 1;

	end = min(end, first + RUN);
	while (first + n < end &&
	       pin->addr[first + n] == pin->addr[first] + n * PAGE_SIZE)
		n++;
	return n;
}

static void pin_release(struct kref *ref)
{
	kvfree(container_of(ref, struct pin, ref));
}

static void pin_put(struct pin *pin)
{
	kref_put(&pin->ref, pin_release);
}

static struct pin *next_going(struct vgpu_vfio *v)
{
	struct pin *pin;

	lockdep_assert_held(&v->pin_lock);
	list_for_each_entry(pin, &v->pins, link)
		if (pin->state == PIN_GOING)
			return pin;
	return NULL;
}

/* The worker. Pins leave the list when no page of them is pinned. */
void vgpu_vfio_unpin_work(struct work_struct *work)
{
	struct vgpu_vfio *v = container_of(work, struct vgpu_vfio, unpin_work);
	unsigned int first, n;
	struct pin *pin;

	mutex_lock(&v->pin_lock);
	while ((pin = next_going(v))) {
		mutex_unlock(&v->pin_lock);

		for (first = 0; first < pin->pinned; first += n) {
			n = run_length(pin, first, pin->pinned);
			vfio_unpin_pages(&v->vdev, pin->addr[first], n);
			cond_resched();
		}

		mutex_lock(&v->pin_lock);
		list_del(&pin->link);
		pin_put(pin);
		wake_up_all(&v->pin_wait);
	}
	mutex_unlock(&v->pin_lock);
}

static void give_up(struct pin *pin)
{
	struct vgpu_vfio *v = pin->v;

	mutex_lock(&v->pin_lock);
	pin->state = PIN_GOING;
	mutex_unlock(&v->pin_lock);
	queue_work(system_unbound_wq, &v->unpin_work);
}

static bool none_going(struct vgpu_vfio *v)
{
	bool ret;

	mutex_lock(&v->pin_lock);
	ret = !next_going(v);
	mutex_unlock(&v->pin_lock);
	return ret;
}

/* Looking takes a mutex, so wait_event() would not do. */
static void wait_none_going(struct vgpu_vfio *v, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(&v->pin_wait, &wait);
	while (!none_going(v) && timeout)
		timeout = wait_woken(&wait, TASK_UNINTERRUPTIBLE, timeout);
	remove_wait_queue(&v->pin_wait, &wait);
}

/**
 * vgpu_vfio_pins_settle() - waits until nothing is left to unpin
 * @v: the device, open
 *
 * So that what a guest closed is its own again when it is told so, and that
 * nothing is pinned when the device closes.
 *
 * Context: process, no locks of the core or of VFIO's backend.
 */
void vgpu_vfio_pins_settle(struct vgpu_vfio *v)
{
	wait_none_going(v, MAX_SCHEDULE_TIMEOUT);
}

static int check_addrs(struct vgpu_vfio *v, const u64 *addrs,
		       unsigned int count)
{
	unsigned int i, n;

	for (i = 0; i < count; i += n) {
		/* neighbours are checked as one range: config_lock is not free */
		n = 1;
		while (i + n < count && n < RUN &&
		       addrs[i + n] == addrs[i] + n * PAGE_SIZE)
			n++;
		if (!PAGE_ALIGNED(addrs[i]) ||
		    addrs[i] > U64_MAX - n * PAGE_SIZE)
			return -EINVAL;
		if (vgpu_vfio_in_bar(v, addrs[i], n * PAGE_SIZE))
			return -EFAULT;
	}
	return 0;
}

static struct pin *pin_create(struct vgpu_vfio_client *c, const u64 *addrs,
			      unsigned int count)
{
	struct pin *pin;
	unsigned int i;

	pin = kvzalloc(struct_size(pin, addr, count), GFP_KERNEL_ACCOUNT);
	if (!pin)
		return NULL;
	kref_init(&pin->ref);
	pin->v = c->v;
	pin->c = c;
	pin->count = count;
	pin->low = U64_MAX;
	for (i = 0; i < count; i++) {
		pin->addr[i] = addrs[i];
		pin->low = min(pin->low, addrs[i]);
		pin->high = max(pin->high, addrs[i] + PAGE_SIZE - 1);
	}
	return pin;
}

static bool is_cancelled(struct pin *pin)
{
	bool ret;

	mutex_lock(&pin->v->pin_lock);
	ret = pin->cancel;
	mutex_unlock(&pin->v->pin_lock);
	return ret;
}

/* Pins one run; -EFAULT when the pages went meanwhile. */
static int pin_run(struct pin *pin, struct page **pages)
{
	unsigned int first = pin->pinned;
	unsigned int n = run_length(pin, first, pin->count);
	int ret;

	if (is_cancelled(pin))
		return -EFAULT;
	ret = vfio_pin_pages(&pin->v->vdev, pin->addr[first], n,
			     IOMMU_READ | IOMMU_WRITE, pages + first);
	if (ret < 0)
		return ret;
	pin->pinned += ret;
	/* VFIO pins all of a call or none */
	return WARN_ON_ONCE(ret != n) ? -EFAULT : 0;
}

/**
 * vgpu_vfio_get_pages() - pins the pages behind a guest's addresses
 * @priv: the client
 * @addrs: bus addresses, untrusted
 * @count: of them
 * @pages: filled
 * @cookie: for vgpu_vfio_put_pages()
 *
 * Context: process, no locks but call_lock, which dma_unmap does not take.
 * Return: 0; -EINVAL an address that is no page's or not the guest's memory;
 * -EFAULT one in the device's own BARs, or taken away meanwhile; -EPERM,
 * -ENOMEM from VFIO.
 */
int vgpu_vfio_get_pages(void *priv, const u64 *addrs, unsigned int count,
			struct page **pages, void **cookie)
{
	struct vgpu_vfio_client *c = priv;
	struct vgpu_vfio *v = c->v;
	struct pin *pin;
	int ret;

	ret = check_addrs(v, addrs, count);
	if (ret)
		return ret;
	pin = pin_create(c, addrs, count);
	if (!pin)
		return -ENOMEM;

	mutex_lock(&v->pin_lock);
	list_add_tail(&pin->link, &v->pins);
	mutex_unlock(&v->pin_lock);

	while (pin->pinned < count) {
		ret = pin_run(pin, pages);
		if (ret)
			goto undo;
		cond_resched();
	}

	mutex_lock(&v->pin_lock);
	if (pin->cancel)
		ret = -EFAULT;
	else
		pin->state = PIN_USED;
	mutex_unlock(&v->pin_lock);
	if (ret)
		goto undo;

	*cookie = pin;
	return 0;

undo:
	give_up(pin);
	return ret;
}

/**
 * vgpu_vfio_put_pages() - neither engine nor mapping reaches them any more
 * @cookie: from vgpu_vfio_get_pages()
 *
 * Context: process; does not wait.
 */
void vgpu_vfio_put_pages(void *cookie)
{
	give_up(cookie);
}

/* A pin of @c, or with @c NULL anyone's, with a page in the range. */
static struct pin *find_pin(struct vgpu_vfio *v, struct vgpu_vfio_client *c,
			    u64 first, u64 last)
{
	struct pin *pin;
	unsigned int i;

	lockdep_assert_held(&v->pin_lock);
	list_for_each_entry(pin, &v->pins, link) {
		if (c && pin->c != c)
			continue;
		if (pin->high < first || pin->low > last)
			continue;
		for (i = 0; i < pin->count; i++)
			if (pin->addr[i] >= first && pin->addr[i] <= last)
				return pin;
	}
	return NULL;
}

/*
 * One step towards having no such pin; true: there is none. Each pin is given
 * up by whoever has it: we only ask, again and again.
 */
static bool drop_one(struct vgpu_vfio *v, struct vgpu_vfio_client *who,
		     u64 first, u64 last)
{
	struct vgpu_vfio_client *c = NULL;
	struct pin *pin;

	mutex_lock(&v->pin_lock);
	pin = find_pin(v, who, first, last);
	if (pin && pin->state == PIN_MAKING) {
		pin->cancel = true;
	} else if (pin && pin->state == PIN_USED && pin->c &&
		   !pin->c->closing) {
		c = pin->c;
		c->users++;
		/* so that its address does not become another pin's */
		kref_get(&pin->ref);
	}
	mutex_unlock(&v->pin_lock);
	if (!pin)
		return true;
	if (!c)
		return false;

	/*
	 * Calls put_pages, unless the core has not heard of it yet. It may
	 * have been put already: then the core knows no such cookie.
	 */
	vgpu_client_revoke_pages(c->client, pin);
	pin_put(pin);
	mutex_lock(&v->pin_lock);
	if (!--c->users)
		wake_up_all(&v->pin_wait);
	mutex_unlock(&v->pin_lock);
	return false;
}

/* Gets rid of the pins of @c in a range; false: patience (jiffies) ran out. */
static bool drop_pins(struct vgpu_vfio *v, struct vgpu_vfio_client *c,
		      u64 first, u64 last, unsigned long patience)
{
	unsigned long end = jiffies + patience;

	while (!drop_one(v, c, first, last)) {
		if (time_after(jiffies, end))
			return false;
		wait_none_going(v, UNMAP_NAP);
	}
	return true;
}

/**
 * vgpu_vfio_unpin_client() - before a client is closed
 * @c: the client; nobody makes new pins of it
 *
 * On return nothing of it is pinned and dma_unmap does not use it.
 *
 * Context: process, call_lock held.
 */
void vgpu_vfio_unpin_client(struct vgpu_vfio_client *c)
{
	struct vgpu_vfio *v = c->v;

	drop_pins(v, c, 0, U64_MAX, 10 * HZ);

	mutex_lock(&v->pin_lock);
	c->closing = true;
	while (c->users) {
		mutex_unlock(&v->pin_lock);
		wait_event_timeout(v->pin_wait, !READ_ONCE(c->users), HZ);
		mutex_lock(&v->pin_lock);
	}
	mutex_unlock(&v->pin_lock);
}

/**
 * vgpu_vfio_forget_client() - after a client was closed
 * @c: the client
 *
 * The core has put all its pages by now; should it not have, they shall at
 * least not lead to a client that is gone.
 *
 * Context: process, call_lock held.
 */
void vgpu_vfio_forget_client(struct vgpu_vfio_client *c)
{
	struct vgpu_vfio *v = c->v;
	struct pin *pin;

	mutex_lock(&v->pin_lock);
	list_for_each_entry(pin, &v->pins, link) {
		if (pin->c != c)
			continue;
		WARN_ON_ONCE(pin->state == PIN_USED);
		pin->c = NULL;
	}
	mutex_unlock(&v->pin_lock);
}

/**
 * vgpu_vfio_dma_unmap() - a range of guest memory goes away
 * @vdev: the device
 * @iova: first bus address
 * @length: bytes
 *
 * Context: process, locks of VFIO held.
 */
void vgpu_vfio_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	u64 last = iova + length - 1;

	if (drop_pins(v, NULL, iova, last, UNMAP_PATIENCE)) {
		atomic_set(&v->unmap_tries, 0);
		return;
	}
	if (atomic_inc_return(&v->unmap_tries) < UNMAP_TRIES)
		return;
	vgpu_vfio_warn(v, "memory at %#llx is still pinned, waiting\n", iova);
	while (!drop_pins(v, NULL, iova, last, HZ))
		cond_resched();
	atomic_set(&v->unmap_tries, 0);
}
