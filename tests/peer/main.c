// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the module runs the loads on both schedulers and logs the figures; then
 * it can go.  Times are those of the machine's clock.
 */
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/tick.h>

#include "peer.h"

static unsigned int jobs = 16000;
module_param(jobs, uint, 0444);
MODULE_PARM_DESC(jobs, "Empty jobs whose cost is measured (default 16000)");

static unsigned int seconds = 4;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long the mixed load runs (default 4)");

#define LIGHT		(PEER_TENANTS - 1)
#define LIGHT_NS	(100ULL * NSEC_PER_USEC)
#define LIGHT_GAP_NS	(20ULL * NSEC_PER_MSEC)

void peer_started(struct peer_run *run, unsigned int n)
{
	struct peer_tenant *t = &run->tenant[n];
	u64 i = t->started++;

	t->wait[i % PEER_SAMPLES] = min_t(u64, U32_MAX, ktime_get_ns() -
					  t->at[i % PEER_DEPTH]);
}

void peer_done(struct peer_run *run, unsigned int n)
{
	struct peer_tenant *t = &run->tenant[n];
	u64 i = t->done;

	t->response[i % PEER_SAMPLES] = min_t(u64, U32_MAX, ktime_get_ns() -
					      t->at[i % PEER_DEPTH]);
	/* whoever sees it may submit the next one */
	smp_store_release(&t->done, i + 1);
	wake_up(&run->wake);
}

static u64 pending(struct peer_tenant *t)
{
	return t->submitted - smp_load_acquire(&t->done);
}

static int submit(struct peer_run *run, unsigned int n, u64 ns)
{
	struct peer_tenant *t = &run->tenant[n];

	t->at[t->submitted++ % PEER_DEPTH] = ktime_get_ns();
	return run->side->submit(run, n, ns);
}

static bool all_done(struct peer_run *run)
{
	unsigned int i;

	for (i = 0; i < PEER_TENANTS; i++)
		if (pending(&run->tenant[i]))
			return false;
	return true;
}

static bool some_want(struct peer_run *run, unsigned int tenants, u64 depth)
{
	unsigned int i;

	for (i = 0; i < tenants; i++)
		if (pending(&run->tenant[i]) < depth)
			return true;
	return false;
}

/* Jobs that take no time: all that passes is what the scheduler costs. */
static int empty_jobs(struct peer_run *run)
{
	u64 total = 0;
	unsigned int i;
	int err = 0;

	while (!err && total < jobs) {
		wait_event(run->wake, some_want(run, PEER_TENANTS, 8));
		for (i = 0; !err && i < PEER_TENANTS; i++) {
			if (pending(&run->tenant[i]) >= 8)
				continue;
			err = submit(run, i, 1);
			total++;
		}
	}
	wait_event(run->wake, all_done(run));
	return err;
}

/* Long and short jobs without a pause, and a tenant that wants little. */
static int mixed_jobs(struct peer_run *run)
{
	u64 end = ktime_get_ns() + seconds * NSEC_PER_SEC;
	u64 next = ktime_get_ns() + LIGHT_GAP_NS, now;
	unsigned int i;
	int err = 0;

	while (!err && (now = ktime_get_ns()) < end) {
		for (i = 0; !err && i < LIGHT; i++)
			while (!err && pending(&run->tenant[i]) < 2)
				err = submit(run, i, i % 2 ? 10 * NSEC_PER_MSEC :
					     NSEC_PER_MSEC);
		if (!err && now >= next && !pending(&run->tenant[LIGHT])) {
			err = submit(run, LIGHT, LIGHT_NS);
			next = now + LIGHT_GAP_NS;
		}
		wait_event_hrtimeout(run->wake, some_want(run, LIGHT, 2),
				     ns_to_ktime(next > now ? next - now :
						 NSEC_PER_MSEC));
	}
	return err;
}

static int by_value(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static u32 percentile(u32 *samples, u64 count, unsigned int percent)
{
	count = min_t(u64, count, PEER_SAMPLES);
	if (!count)
		return 0;
	sort(samples, count, sizeof(*samples), by_value, NULL);
	return samples[min(count - 1, div_u64(count * percent, 100))];
}

static u64 idle_ns(void)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_online_cpu(cpu)
		sum += get_cpu_idle_time_us(cpu, NULL) * NSEC_PER_USEC;
	return sum;
}

static int measure(const struct peer_side *side, struct device *dev,
		   const char *what, bool preempt,
		   int (*load)(struct peer_run *run))
{
	u64 least = U64_MAX, most = 0, total = 0, busy = 0, wall, idle;
	struct peer_run *run = kvzalloc(sizeof(*run), GFP_KERNEL);
	struct peer_tenant *light;
	unsigned int i;
	int err;

	if (!run)
		return -ENOMEM;
	run->side = side;
	run->dev = dev;
	run->preempt = preempt;
	init_waitqueue_head(&run->wake);
	err = side->open(run);
	if (err)
		goto out;
	wall = ktime_get_ns();
	idle = idle_ns();
	err = load(run);
	wall = ktime_get_ns() - wall;
	idle = idle_ns() - idle;
	for (i = 0; i < PEER_TENANTS; i++) {
		u64 ns = READ_ONCE(run->tenant[i].busy_ns);

		busy += ns;
		total += run->tenant[i].done;
		if (i != LIGHT) {
			least = min(least, ns);
			most = max(most, ns);
		}
	}
	wait_event(run->wake, all_done(run));
	side->close(run);
	light = &run->tenant[LIGHT];
	pr_info("vgpu_peer: {\"sched\": \"%s\", \"load\": \"%s\", \"preempt\": %u, \"error\": %d, \"jobs\": %llu, \"wall_ns\": %llu, \"idle_ns\": %llu, \"busy_ns\": %llu, \"least_ns\": %llu, \"most_ns\": %llu, \"light_jobs\": %llu, \"wait_p50_ns\": %u, \"wait_p99_ns\": %u, \"response_p50_ns\": %u, \"response_p99_ns\": %u}\n",
		side->name, what, preempt, err, total, wall, idle, busy, least,
		most, light->done, percentile(light->wait, light->started, 50),
		percentile(light->wait, light->started, 99),
		percentile(light->response, light->done, 50),
		percentile(light->response, light->done, 99));
out:
	kvfree(run);
	return err;
}

static int __init peer_init(void)
{
	static const struct peer_side * const sides[] = {
		&peer_drm, &peer_vgpu,
	};
	struct device *dev = root_device_register("vgpu_peer");
	unsigned int i;
	int err = 0;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (!jobs || jobs > 10000000 || !seconds || seconds > 60)
		err = -EINVAL;
	for (i = 0; !err && i < 2 * ARRAY_SIZE(sides); i++) {
		const struct peer_side *side = sides[i % 2];
		bool preempt = i >= ARRAY_SIZE(sides);

		err = measure(side, dev, "empty", preempt, empty_jobs);
		if (!err)
			err = measure(side, dev, "mixed", preempt, mixed_jobs);
	}
	root_device_unregister(dev);
	return err;
}

static void __exit peer_exit(void)
{
}

module_init(peer_init);
module_exit(peer_exit);
MODULE_DESCRIPTION("vgpu beside drm_sched on one made-up engine, for benches");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VGPU);
