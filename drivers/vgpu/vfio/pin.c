// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that a vGPU's engines reach (VGPU_BO_HOST): pinned page by
 * page through VFIO, and given up at once when user space unmaps it from the
 * guest.
 *
 * VFIO's type1 backend gives dma_unmap ten tries to get every page of the
 * range unpinned, then it BUGs.  It calls with its list of devices locked,
 * and another thread's pin or unpin may wait for a lock whose holder waits
 * for that list.  So dma_unmap
 *  - takes no lock that is held around a pin or unpin;
 *  - unpins by itself whatever is pinned and not used, also of a pin that
 *    another thread is making or giving up (they work page run by page run,
 *    each run belongs to whoever took it under pin_lock);
 *  - has the core revoke what engines use, which is bounded;
 *  - waits only for another thread's one run in flight, and never for long.
 */
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vfio_priv.h"

/* Pages that one call of VFIO pins or unpins, with its lock held. */
#define RUN		64
/* Longest stay in one dma_unmap, and one nap in it. */
#define UNMAP_PATIENCE	(HZ / 2)
#define UNMAP_NAP	max_t(long, HZ / 200, 1)

enum pin_state {
	PIN_MAKING,	/* in get_pages */
	PIN_USED,	/* the core's */
	PIN_GOING,	/* given up, by put_pages or half made */
};

/**
 * struct pin - pages behind one BO
 * @ref: the list's, and of who works on it
 * @link: in v->pins
 * @v: the device
 * @c: whose BO it is, while that is open
 * @state: enum pin_state
 * @cancel: dma_unmap came while it was being made
 * @low: lowest address
 * @high: last byte of the highest page
 * @count: of pages
 * @from: pages below this index are unpinned again
 * @to: pages from this index on are not pinned yet
 * @flights: runs that somebody pins or unpins just now
 * @addr: bus addresses
 *
 * @c, @state, @cancel, @from, @to, @flights: pin_lock.
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
	unsigned int from;
	unsigned int to;
	unsigned int flights;
	u64 addr[];
};

static void pin_release(struct kref *ref)
{
	kvfree(container_of(ref, struct pin, ref));
}

static void pin_put(struct pin *pin)
{
	kref_put(&pin->ref, pin_release);
}

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

/* Unpins all that is pinned and not in flight. Many threads may do so. */
static void unpin_rest(struct vgpu_vfio *v, struct pin *pin)
{
	unsigned int first, n;

	mutex_lock(&v->pin_lock);
	while (pin->from < pin->to) {
		first = pin->from;
		n = run_length(pin, first, pin->to);
		pin->from += n;
		pin->flights++;
		mutex_unlock(&v->pin_lock);

		vfio_unpin_pages(&v->vdev, pin->addr[first], n);
		cond_resched();

		mutex_lock(&v->pin_lock);
		if (!--pin->flights)
			wake_up_all(&v->pin_wait);
	}
	mutex_unlock(&v->pin_lock);
}

static bool landed(struct vgpu_vfio *v, struct pin *pin)
{
	bool ret;

	mutex_lock(&v->pin_lock);
	ret = !pin->flights;
	mutex_unlock(&v->pin_lock);
	return ret;
}

/* The list's last act: nothing of it is pinned any more. */
static void pin_remove(struct vgpu_vfio *v, struct pin *pin)
{
	unpin_rest(v, pin);
	wait_event(v->pin_wait, landed(v, pin));

	mutex_lock(&v->pin_lock);
	list_del(&pin->link);
	wake_up_all(&v->pin_wait);
	mutex_unlock(&v->pin_lock);
	pin_put(pin);
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

/* Pins one run; -EFAULT when the pages went meanwhile. */
static int pin_run(struct vgpu_vfio *v, struct pin *pin, struct page **pages)
{
	unsigned int first, n;
	int ret;

	mutex_lock(&v->pin_lock);
	if (pin->cancel) {
		mutex_unlock(&v->pin_lock);
		return -EFAULT;
	}
	first = pin->to;
	n = run_length(pin, first, pin->count);
	pin->flights++;
	mutex_unlock(&v->pin_lock);

	ret = vfio_pin_pages(&v->vdev, pin->addr[first], n,
			     IOMMU_READ | IOMMU_WRITE, pages + first);
	/* VFIO pins all of a call or none */
	if (ret >= 0 && WARN_ON_ONCE(ret != n))
		n = ret;

	mutex_lock(&v->pin_lock);
	if (ret > 0)
		pin->to += n;
	if (!--pin->flights)
		wake_up_all(&v->pin_wait);
	mutex_unlock(&v->pin_lock);

	return ret < 0 ? ret : 0;
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

	while (pin->to < count) {
		ret = pin_run(v, pin, pages);
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
	mutex_lock(&v->pin_lock);
	pin->state = PIN_GOING;
	mutex_unlock(&v->pin_lock);
	pin_remove(v, pin);
	return ret;
}

/**
 * vgpu_vfio_put_pages() - neither engine nor mapping reaches them any more
 * @cookie: from vgpu_vfio_get_pages()
 *
 * Context: process.
 */
void vgpu_vfio_put_pages(void *cookie)
{
	struct pin *pin = cookie;
	struct vgpu_vfio *v = pin->v;

	mutex_lock(&v->pin_lock);
	pin->state = PIN_GOING;
	mutex_unlock(&v->pin_lock);
	pin_remove(v, pin);
}

/*
 * No page of it is pinned, and none will be. It may still be in the list:
 * whoever made it or gave it up takes it out.
 */
static bool is_empty(const struct pin *pin)
{
	return (pin->state == PIN_GOING || pin->cancel) &&
	       pin->from == pin->to && !pin->flights;
}

static bool became_empty(struct vgpu_vfio *v, struct pin *pin)
{
	bool ret;

	mutex_lock(&v->pin_lock);
	ret = is_empty(pin);
	mutex_unlock(&v->pin_lock);
	return ret;
}

/* With a reference: a pin of @c, or with @c NULL anyone's, in the range. */
static struct pin *find_pin(struct vgpu_vfio *v, struct vgpu_vfio_client *c,
			    u64 first, u64 last)
{
	struct pin *pin;
	unsigned int i;

	lockdep_assert_held(&v->pin_lock);
	list_for_each_entry(pin, &v->pins, link) {
		if ((c && pin->c != c) || is_empty(pin))
			continue;
		if (pin->high < first || pin->low > last)
			continue;
		for (i = 0; i < pin->count; i++) {
			if (pin->addr[i] >= first && pin->addr[i] <= last) {
				kref_get(&pin->ref);
				return pin;
			}
		}
	}
	return NULL;
}

/* One attempt to get a pin emptied. */
static void drop_pin(struct vgpu_vfio *v, struct pin *pin)
{
	struct vgpu_vfio_client *c = NULL;
	bool cancelled = false;

	mutex_lock(&v->pin_lock);
	if (pin->state != PIN_USED) {
		pin->cancel = true;
		cancelled = true;
	} else if (pin->c && !pin->c->closing) {
		c = pin->c;
		c->users++;
	}
	mutex_unlock(&v->pin_lock);

	if (c) {
		/* calls put_pages, unless the core has not heard of it yet */
		vgpu_client_revoke_pages(c->client, pin);
		mutex_lock(&v->pin_lock);
		if (!--c->users)
			wake_up_all(&v->pin_wait);
		mutex_unlock(&v->pin_lock);
		return;
	}

	if (cancelled)
		unpin_rest(v, pin);
}

/* Empties the pins found by @c and range; false when patience ran out. */
static bool drop_pins(struct vgpu_vfio *v, struct vgpu_vfio_client *c,
		      u64 first, u64 last, unsigned long patience)
{
	unsigned long end = jiffies + patience;
	struct pin *pin;

	for (;;) {
		mutex_lock(&v->pin_lock);
		pin = find_pin(v, c, first, last);
		mutex_unlock(&v->pin_lock);
		if (!pin)
			return true;

		drop_pin(v, pin);
		wait_event_timeout(v->pin_wait, became_empty(v, pin),
				   UNMAP_NAP);
		pin_put(pin);
		if (time_after(jiffies, end))
			return false;
	}
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

	drop_pins(v, NULL, iova, iova + length - 1, UNMAP_PATIENCE);
}
