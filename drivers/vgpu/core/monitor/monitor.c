// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor of a GPU: takes a sample each period, while anything runs.
 *
 * As with the governor, nothing ticks on an idle GPU: samples are armed when an engine gets
 * work, and the one in which nothing ran is the last, unless there is an alarm that may be over
 * soon.  So the history is one of the time in
 * which something ran, and the numbers and times in it say where it was quiet.
 *
 * A sample costs a look at each engine and at each vGPU on it, some microseconds; what is
 * done for it all the time is counting a wait into one more histogram.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "../core_priv.h"

#define FULL	1000
/* Samples of an idle GPU that an alarm may keep awake. */
#define IDLE_MOST	(2 * VGPU_ALARM_USUAL)

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

/* What pools did since the last look, to tune them by. */
static void look_at_pools(struct vgpu_monitor *m, const struct vgpu_vram_stats *vram,
			  u32 most, struct vgpu_tune_view *v)
{
	u64 missed = 0, hits = 0;
	unsigned int k;

	for (k = 0; k < VGPU_POOLS; k++) {
		hits += vram->pool[k].hits;
		/* one that may grow will, without us */
		if (vram->pool[k].target >= most)
			missed += vram->pool[k].misses;
	}
	/* a pool that came to its bound brings all that it ever missed */
	v->pool_short = missed - min(missed, m->pool_short);
	v->pool_hits = hits - m->pool_hits;
	m->pool_short = missed;
	m->pool_hits = hits;
}

static u32 pool_most(const struct vgpu_gpu *gpu)
{
	return vgpu_tuned(&gpu->monitor.tuner[VGPU_KNOB_POOL], VGPU_POOL_MOST);
}

static void add_vram(struct vgpu_gpu *gpu, struct vgpu_mon_sample *s,
		     struct vgpu_tune_view *v)
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
	look_at_pools(&gpu->monitor, &vram, pool_most(gpu), v);
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

/*
 * Shares are of @service.  An engine is not held meanwhile: what is charged between the look
 * at it and that at the vGPU counts for the next sample on one side.
 */
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

/* --- what comes of it ------------------------------------------------------ */

static void tell(struct vgpu_gpu *gpu, u32 figure, u64 value)
{
	static const struct {
		u32 news;
		enum vgpu_event_type type;
	} kinds[] = {
		{ VGPU_NEWS_LIMIT, VGPU_EVENT_LIMIT },
		{ VGPU_NEWS_LIMIT_OVER, VGPU_EVENT_LIMIT_OVER },
		{ VGPU_NEWS_ANOMALY, VGPU_EVENT_ANOMALY },
		{ VGPU_NEWS_ANOMALY_OVER, VGPU_EVENT_ANOMALY_OVER },
	};
	struct vgpu_monitor *m = &gpu->monitor;
	struct vgpu_mon_alarm alarm;
	unsigned int i;
	u32 news;

	news = vgpu_alarm_feed(&m->alarm[figure], figure, value, m->limit[figure],
			       m->anomalies, &alarm);
	for (i = 0; news && i < ARRAY_SIZE(kinds); i++)
		if (news & kinds[i].news)
			vgpu_event_post_alarm(kinds[i].type, gpu, &alarm);
}

/* gpu->lock held. Tuned knobs come into force, or what is there without. */
static void apply_knobs(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;

	lockdep_assert_held(&gpu->lock);
	WRITE_ONCE(m->batch, vgpu_tuned(&m->tuner[VGPU_KNOB_BATCH], VGPU_TURN));
	vgpu_vram_set_pool_most(gpu->whole.vram, pool_most(gpu));
	vgpu_governor_shape(gpu);
	vgpu_gpu_apply_slices(gpu);
}

/* What the governor, or somebody's hand, holds is not ours. */
static bool is_ours(const struct vgpu_gpu *gpu, u32 knob)
{
	if (knob != VGPU_KNOB_SLICE && knob != VGPU_KNOB_THRESHOLD)
		return true;
	return gpu->governor.setting == VGPU_GOVERNOR_OFF &&
	       (knob != VGPU_KNOB_SLICE || !gpu->own_slice_ns);
}

/* gpu->lock held. */
static void tune(struct vgpu_gpu *gpu, struct vgpu_tune_view *v)
{
	static const u64 base[VGPU_KNOBS] = {
		[VGPU_KNOB_SLICE] = VGPU_SLICE_DEFAULT_NS,
		[VGPU_KNOB_THRESHOLD] = 0,
		[VGPU_KNOB_BATCH] = VGPU_TURN,
		[VGPU_KNOB_POOL] = VGPU_POOL_MOST,
	};
	struct vgpu_tune_change change;
	bool any = false;
	u32 knob;

	v->slice_ns = gpu->slice_ns;
	for (knob = 0; knob < VGPU_KNOBS; knob++) {
		struct vgpu_tuner *t = &gpu->monitor.tuner[knob];

		if (!is_ours(gpu, knob) ||
		    !vgpu_tuner_feed(t, knob, base[knob], v, &change))
			continue;
		vgpu_event_post_tune(gpu, &change);
		any |= change.mode == VGPU_TUNE_ON;
	}
	if (any)
		apply_knobs(gpu);
}

/*
 * gpu->lock held. Should there be another sample?  While anything ran; and for a while
 * after, when something was told of that may be over by that.
 */
static bool goes_on(struct vgpu_gpu *gpu, bool busy)
{
	struct vgpu_monitor *m = &gpu->monitor;
	unsigned int i;

	if (busy) {
		m->idle = 0;
		return true;
	}
	for (i = 0; i < VGPU_MON_FIGURES; i++)
		if (m->alarm[i].over || m->alarm[i].odd)
			return m->idle++ < IDLE_MOST;
	return false;
}

/* gpu->lock held. Returns whether there should be another. */
static bool take_sample(struct vgpu_gpu *gpu)
{
	struct vgpu_monitor *m = &gpu->monitor;
	u64 now = ktime_get_ns(), copied = atomic64_read(&m->copied);
	u64 passed = now - min(now, m->looked_ns), service;
	struct vgpu_mon_sample s = {
		.time_ns = ktime_get_boottime_ns(),
	};
	struct vgpu_tune_view v = { };
	u32 i;

	s.span_ns = clamp_t(u64, now - min(now, READ_ONCE(m->from_ns)), 1,
			    max(passed, 1ULL));
	m->looked_ns = now;
	service = add_engines(gpu, &s, passed);
	add_vram(gpu, &s, &v);
	s.figure[VGPU_MON_BANDWIDTH] = per_second(copied - m->copied_mark,
						  s.span_ns);
	m->copied_mark = copied;
	vgpu_history_push(&m->history, &s);
	add_shares(gpu, s.seq, service);
	for (i = 0; i < VGPU_MON_FIGURES; i++)
		tell(gpu, i, s.figure[i]);
	memcpy(v.figure, s.figure, sizeof(v.figure));
	v.switches = s.switches;
	v.preemptions = s.preemptions;
	tune(gpu, &v);
	return goes_on(gpu, s.figure[VGPU_MON_BUSY]);
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

static const char *const knob_names[VGPU_KNOBS] = {
	"slice", "threshold", "batch", "pool",
};

/* What of a knob is not named stays. */
static void knob_of(const struct vgpu_monitor *m, const struct vgpu_mon_settings *set,
		    u32 knob, u64 *min, u64 *max)
{
	*min = set->mask & VGPU_MON_SET_MIN(knob) ? set->min[knob] :
						    m->tuner[knob].min;
	*max = set->mask & VGPU_MON_SET_MAX(knob) ? set->max[knob] :
						    m->tuner[knob].max;
}

int vgpu_monitor_check(const struct vgpu_gpu *gpu,
		       const struct vgpu_mon_settings *set,
		       struct vgpu_refusal *why)
{
	u64 min, max;
	u32 knob;

	if (set->mask & ~VGPU_MON_SET_ALL)
		return vgpu_refuse(why, 0, -EINVAL, "no such setting");
	if (set->mask & VGPU_MON_SET_PERIOD && set->period_ms &&
	    (set->period_ms < VGPU_MON_PERIOD_MIN_MS ||
	     set->period_ms > VGPU_MON_PERIOD_MAX_MS))
		return vgpu_refuse(why, VGPU_GPU_SET_MONITOR, -ERANGE,
				   "monitor-period is 0, or %u to %u ms",
				   VGPU_MON_PERIOD_MIN_MS,
				   VGPU_MON_PERIOD_MAX_MS);
	for (knob = 0; knob < VGPU_KNOBS; knob++) {
		knob_of(&gpu->monitor, set, knob, &min, &max);
		if (!vgpu_tune_bounds_ok(knob, min, max))
			return vgpu_refuse(why, VGPU_GPU_SET_MONITOR, -ERANGE,
					   "the bounds of tune-%s are out of range, or none",
					   knob_names[knob]);
		if (set->mask & VGPU_MON_SET_TUNE(knob) &&
		    set->tune[knob] >= VGPU_TUNE_MODES)
			return vgpu_refuse(why, VGPU_GPU_SET_MONITOR, -EINVAL,
					   "tune-%s: off, dry-run or on",
					   knob_names[knob]);
	}
	return 0;
}

void vgpu_monitor_set(struct vgpu_gpu *gpu, const struct vgpu_mon_settings *set)
{
	struct vgpu_monitor *m = &gpu->monitor;
	u64 min, max;
	u32 i;

	lockdep_assert_held(&gpu->lock);
	for (i = 0; i < VGPU_MON_FIGURES; i++)
		if (set->mask & VGPU_MON_SET_LIMIT(i))
			m->limit[i] = set->limit[i];
	if (set->mask & VGPU_MON_SET_ANOMALIES)
		m->anomalies = set->anomalies;
	for (i = 0; i < VGPU_KNOBS; i++) {
		struct vgpu_tuner *t = &m->tuner[i];

		if (!(set->mask & (VGPU_MON_SET_TUNE(i) | VGPU_MON_SET_MIN(i) |
				   VGPU_MON_SET_MAX(i))))
			continue;
		knob_of(m, set, i, &min, &max);
		vgpu_tuner_set(t, set->mask & VGPU_MON_SET_TUNE(i) ?
				  set->tune[i] : t->mode, min, max);
	}
	if (set->mask & VGPU_MON_SET_PERIOD && set->period_ms != m->period_ms) {
		start_anew(gpu);
		WRITE_ONCE(m->period_ms, set->period_ms);
		/* without samples nothing would ever take a step back */
		for (i = 0; i < VGPU_KNOBS && !set->period_ms; i++)
			vgpu_tuner_set(&m->tuner[i], m->tuner[i].mode,
				       m->tuner[i].min, m->tuner[i].max);
		/* What runs may never wake up again; if nothing does, this is soon over. */
		cancel_delayed_work(&m->work);
		vgpu_monitor_arm(gpu);
	}
	apply_knobs(gpu);
}

void vgpu_monitor_get_info(const struct vgpu_gpu *gpu,
			   struct vgpu_mon_settings *out)
{
	const struct vgpu_monitor *m = &gpu->monitor;
	u32 i;

	memset(out, 0, sizeof(*out));
	out->period_ms = m->period_ms;
	memcpy(out->limit, m->limit, sizeof(out->limit));
	out->anomalies = m->anomalies;
	for (i = 0; i < VGPU_KNOBS; i++) {
		out->tune[i] = m->tuner[i].mode;
		out->min[i] = m->tuner[i].min;
		out->max[i] = m->tuner[i].max;
	}
	out->batch = m->batch;
	out->pool = pool_most(gpu);
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
	u32 i;

	INIT_DELAYED_WORK(&m->work, monitor_work);
	m->period_ms = VGPU_MON_PERIOD_MS;
	m->batch = VGPU_TURN;
	for (i = 0; i < VGPU_KNOBS; i++)
		vgpu_tuner_init(&m->tuner[i], i);
	m->looked_ns = ktime_get_ns();
	return vgpu_history_init(&m->history);
}

void vgpu_monitor_fini(struct vgpu_gpu *gpu)
{
	cancel_delayed_work_sync(&gpu->monitor.work);
	vgpu_history_fini(&gpu->monitor.history);
}
