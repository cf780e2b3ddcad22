// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor of a GPU: takes a sample each period, while anything runs.
 *
 * As with the governor, nothing ticks on an idle GPU: samples are armed when an engine gets
 * work, and the one in which nothing ran is the last.  So the history is one of the time in
 * which something ran, and the numbers and times in it say where it was quiet.
 *
 * A sample costs a look at each engine and at each vGPU on it, some microseconds; what is
 * done for it all the time is counting a wait into one more histogram.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "../core_priv.h"

#define FULL	1000

void vgpu_monitor_arm(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;
	u32 ms = READ_ONCE(m->period_ms);

	if (!ms || delayed_work_pending(&m->work))
		return;
	if (queue_delayed_work(gpu->wq, &m->work, msecs_to_jiffies(ms)))
		WRITE_ONCE(m->from_ns, ktime_get_ns());
}

/* --- a sample -------------------------------------------------------------- */

/* What waited since the last look is added to @waits, and forgotten. */
static void look(struct vgpu_engine *e, struct vgpu_mon_mark *mark,
		 struct vgpu_hist *waits)
{
	u64 now;

	spin_lock_irq(&e->lock);
	now = ktime_get_ns();
	mark->idle_ns = e->idle_ns;
	if (e->idle_since)
		mark->idle_ns += now - min(now, e->idle_since);
	mark->switch_ns = e->switch_ns;
	mark->switches = e->switches;
	mark->preemptions = e->preemptions;
	mark->jobs = e->jobs;
	mark->service = e->rq.service_ns;
	vgpu_hist_merge(waits, &e->waits);
	memset(&e->waits, 0, sizeof(e->waits));
	spin_unlock_irq(&e->lock);
}

static u64 per_second(u64 count, u64 span_ns)
{
	return mul_u64_u64_div_u64(count, NSEC_PER_SEC, max(span_ns, 1ULL));
}

static u32 permille(u64 part, u64 whole)
{
	return whole ? mul_u64_u64_div_u64(min(part, whole), FULL, whole) : 0;
}

/* Returns the service, by units, of all. */
static u64 add_engines(struct vgpu_gpu *gpu, struct vgpu_mon_sample *s, u64 passed)
{
	struct vgpu_monitor *m = &gpu->monitor;
	u64 jobs = 0, service = 0;
	unsigned int i;

	memset(&m->waits, 0, sizeof(m->waits));
	s->engines = gpu->whole.nr_engines;
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];
		struct vgpu_mon_mark was = m->mark[i], *now = &m->mark[i];
		u64 busy, lost;

		look(e, now, &m->waits);
		/* after a pause all of it was in the span, as nothing ran before */
		busy = passed - min(passed, now->idle_ns - was.idle_ns);
		lost = now->switch_ns - was.switch_ns;
		/* who shares no engine has units elsewhere */
		s->engine[i] = vgpu_engine_units(e) ? permille(busy, s->span_ns) : 0;
		s->figure[VGPU_MON_BUSY] = max_t(u64, s->figure[VGPU_MON_BUSY],
						 s->engine[i]);
		s->figure[VGPU_MON_OVERHEAD] =
			max_t(u64, s->figure[VGPU_MON_OVERHEAD],
			      permille(lost, s->span_ns));
		s->switches += now->switches - was.switches;
		s->preemptions += now->preemptions - was.preemptions;
		jobs += now->jobs - was.jobs;
		service += (now->service - was.service) * vgpu_engine_units(e);
	}
	s->figure[VGPU_MON_COMMANDS] = per_second(jobs, s->span_ns);
	s->figure[VGPU_MON_WAIT] = vgpu_hist_percentile(&m->waits, 990);
	s->wait_p50_ns = vgpu_hist_percentile(&m->waits, 500);
	return service;
}

static void add_vram(struct vgpu_gpu *gpu, struct vgpu_mon_sample *s)
{
	struct vgpu_paging_stats paging;
	struct vgpu_vram_stats vram;

	vgpu_vram_get_stats(gpu->whole.vram, &vram);
	vgpu_vram_get_paging(gpu->whole.vram, &paging);
	/* frames with nothing in them are nobody's */
	s->memory_used = vram.used - min(vram.used, paging.frames_free <<
					 VGPU_CHUNK_SHIFT);
	s->memory_promised = gpu->committed;
	s->figure[VGPU_MON_MEMORY] = permille(s->memory_used,
					      vram.used + vram.free);
}

static void look_at_instance(struct vgpu_instance *inst, u64 *run, u64 *entitled)
{
	unsigned int i;

	*run = 0;
	*entitled = 0;
	for (i = 0; i < inst->nr_entities; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;
		unsigned int units = vgpu_engine_units(e);
		struct vgpu_se_stats st;

		spin_lock_irq(&e->lock);
		vgpu_se_stats(&e->rq, &ent->se, ktime_get_ns(), &st);
		spin_unlock_irq(&e->lock);
		*run += (st.run_ns - ent->mon_run) * units;
		*entitled += (st.entitled_ns - ent->mon_entitled) * units;
		ent->mon_run = st.run_ns;
		ent->mon_entitled = st.entitled_ns;
	}
}

/* Shares are of what they add up to, or of @service if that is more. */
static void add_shares(struct vgpu_gpu *gpu, u64 seq, u64 service)
{
	struct vgpu_instance *inst;

	list_for_each_entry(inst, &gpu->instances, link) {
		struct vgpu_mon_share share = { };
		u64 run, entitled;

		look_at_instance(inst, &run, &entitled);
		share.received = permille(run, service);
		share.entitled = permille(entitled, service);
		share.memory_used = READ_ONCE(inst->acct.used);
		vgpu_trail_push(&inst->trail, seq, &share);
	}
}

/* gpu->lock held. Marks are as of now; what was before counts for nothing. */
static void start_anew(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;
	struct vgpu_instance *inst;
	u64 run, entitled;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	m->looked_ns = ktime_get_ns();
	for (i = 0; i < gpu->whole.nr_engines; i++)
		look(&gpu->whole.engines[i], &m->mark[i], &m->waits);
	m->copied_mark = atomic64_read(&m->copied);
	list_for_each_entry(inst, &gpu->instances, link)
		look_at_instance(inst, &run, &entitled);
}

/* gpu->lock held. Returns whether anything ran. */
static bool take_sample(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;
	u64 now = ktime_get_ns(), copied = atomic64_read(&m->copied);
	u64 passed = now - min(now, m->looked_ns), service;
	struct vgpu_mon_sample s = {
		.time_ns = ktime_get_boottime_ns(),
	};

	s.span_ns = clamp_t(u64, now - min(now, READ_ONCE(m->from_ns)), 1,
			    max(passed, 1ULL));
	m->looked_ns = now;
	service = add_engines(gpu, &s, passed);
	add_vram(gpu, &s);
	s.figure[VGPU_MON_BANDWIDTH] = per_second(copied - m->copied_mark,
						  s.span_ns);
	m->copied_mark = copied;
	vgpu_history_push(&m->history, &s);
	add_shares(gpu, s.seq, service);
	return s.figure[VGPU_MON_BUSY];
}

static void monitor_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(to_delayed_work(work),
					    struct vgpu_gpu, monitor.work);
	bool again = false;

	mutex_lock(&gpu->lock);
	if (gpu->monitor.period_ms && !gpu->unplugged)
		again = take_sample(gpu);
	mutex_unlock(&gpu->lock);
	if (again)
		vgpu_monitor_arm(gpu);
}

/* --- settings and readers -------------------------------------------------- */

int vgpu_monitor_check(const struct vgpu_mon_settings *set,
		       struct vgpu_refusal *why)
{
	if (set->mask & ~VGPU_MON_SET_PERIOD)
		return vgpu_refuse(why, 0, -EINVAL, "no such setting");
	if (set->mask & VGPU_MON_SET_PERIOD && set->period_ms &&
	    (set->period_ms < VGPU_MON_PERIOD_MIN_MS ||
	     set->period_ms > VGPU_MON_PERIOD_MAX_MS))
		return vgpu_refuse(why, VGPU_GPU_SET_MONITOR, -ERANGE,
				   "monitor-period-ms is 0, or %u to %u",
				   VGPU_MON_PERIOD_MIN_MS,
				   VGPU_MON_PERIOD_MAX_MS);
	return 0;
}

void vgpu_monitor_set(struct vgpu_gpu *gpu, const struct vgpu_mon_settings *set)
{
	struct vgpu_monitor *m = &gpu->monitor;

	lockdep_assert_held(&gpu->lock);
	if (set->mask & VGPU_MON_SET_PERIOD && set->period_ms != m->period_ms) {
		start_anew(gpu);
		WRITE_ONCE(m->period_ms, set->period_ms);
		/* What runs may never wake up again; if nothing does, this is soon over. */
		cancel_delayed_work(&m->work);
		vgpu_monitor_arm(gpu);
	}
}

void vgpu_monitor_get_info(const struct vgpu_gpu *gpu,
			   struct vgpu_mon_settings *out)
{
	memset(out, 0, sizeof(*out));
	out->period_ms = gpu->monitor.period_ms;
}

int vgpu_gpu_get_history(struct vgpu_gpu *gpu, u64 from,
			 struct vgpu_mon_record *out)
{
	const struct vgpu_mon_sample *s;
	struct vgpu_instance *inst;
	int idx;

	out->shares = 0;
	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	s = vgpu_history_at(&gpu->monitor.history, from);
	if (s) {
		out->sample = *s;
		list_for_each_entry(inst, &gpu->instances, link) {
			struct vgpu_mon_share *share = &out->share[out->shares];

			if (out->shares == VGPU_MON_SHARES)
				break;
			share->id = inst->id;
			if (vgpu_trail_at(&inst->trail, s->seq, share))
				out->shares++;
		}
	}
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return s ? 0 : -ENOENT;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_get_history, VGPU);

int vgpu_monitor_init(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;

	INIT_DELAYED_WORK(&m->work, monitor_work);
	m->period_ms = VGPU_MON_PERIOD_MS;
	m->looked_ns = ktime_get_ns();
	return vgpu_history_init(&m->history);
}

void vgpu_monitor_fini(struct vgpu_gpu *gpu)
{
	cancel_delayed_work_sync(&gpu->monitor.work);
	vgpu_history_fini(&gpu->monitor.history);
}
