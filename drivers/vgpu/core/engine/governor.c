// SPDX-License-Identifier: GPL-2.0
/*
 * The governor of a GPU: takes the samples, and puts the mode into force that
 * sched/governor.c chooses.
 *
 * Nothing ticks on an idle GPU.  Taking samples is armed when an engine gets work,
 * and goes on as long as one of the engines that are shared ran in the last
 * period; the period in which none did is the last one sampled.  Engines that
 * belong to one vGPU do not count: nobody waits for them.
 *
 * What was set by hand wins: a vGPU's own slice always, and the GPU's slice until
 * it is given back.  The threshold is the governor's, as long as it is on.
 */
#include <linux/ktime.h>
#include <linux/string.h>

#include "../core_priv.h"
#include "../trace.h"

int vgpu_governor_parse(const char *name)
{
	int mode;

	if (!strcmp(name, "off"))
		return VGPU_GOVERNOR_OFF;
	if (!strcmp(name, "auto"))
		return VGPU_GOVERNOR_AUTO;
	for (mode = 0; mode < VGPU_GOV_MODES; mode++)
		if (!strcmp(name, vgpu_gov_mode_name(mode)))
			return mode;
	return -ENOENT;
}

static const char *setting_name(int setting)
{
	return setting == VGPU_GOVERNOR_OFF ? "off" :
	       setting == VGPU_GOVERNOR_AUTO ? "auto" :
	       vgpu_gov_mode_name(setting);
}

/* gpu->lock held: slice and threshold as settings and mode say. */
void vgpu_governor_shape(struct vgpu_gpu *gpu)
{
	struct vgpu_governor *g = &gpu->governor;

	lockdep_assert_held(&gpu->lock);
	if (g->setting == VGPU_GOVERNOR_OFF) {
		gpu->slice_ns = gpu->own_slice_ns ?:
				vgpu_tuned(&gpu->monitor.tuner[VGPU_KNOB_SLICE],
					   VGPU_SLICE_DEFAULT_NS);
		gpu->threshold_ns =
			min(vgpu_tuned(&gpu->monitor.tuner[VGPU_KNOB_THRESHOLD], 0),
			    gpu->slice_ns / 2);
		return;
	}
	gpu->slice_ns = vgpu_gov_slice(g->gov.mode, gpu->own_slice_ns);
	gpu->threshold_ns = vgpu_gov_threshold(g->gov.mode, gpu->slice_ns);
}

/* --- samples ------------------------------------------------------------- */

void vgpu_governor_arm(struct vgpu_gpu *gpu)
{
	/* Nothing happens when it is queued already. */
	if (READ_ONCE(gpu->governor.setting) == VGPU_GOVERNOR_AUTO)
		queue_delayed_work(gpu->wq, &gpu->governor.work,
				   nsecs_to_jiffies(VGPU_GOV_PERIOD_NS));
}

static void look(struct vgpu_engine *e, struct vgpu_governor_mark *mark)
{
	spin_lock_irq(&e->lock);
	mark->now_ns = ktime_get_ns();
	mark->idle_ns = e->idle_ns;
	if (e->idle_since)
		mark->idle_ns += mark->now_ns - min(mark->now_ns, e->idle_since);
	mark->switch_ns = e->switch_ns;
	mark->switches = e->switches;
	spin_unlock_irq(&e->lock);
}

static u32 permille(u64 part, u64 whole)
{
	return div64_u64(min(part, whole) * VGPU_GOV_FULL, max(whole, 1ULL));
}

/*
 * What @e did since it was looked at last.  After a pause all of it was in the
 * last period, as nothing ran before.
 */
static void add_engine(struct vgpu_engine *e, struct vgpu_governor_mark *mark,
		       bool pause, struct vgpu_gov_sample *s)
{
	struct vgpu_governor_mark was = *mark;
	u64 span, busy, switches;

	look(e, mark);
	span = mark->now_ns - was.now_ns;
	busy = span - min(span, mark->idle_ns - was.idle_ns);
	if (pause)
		span = min(span, VGPU_GOV_PERIOD_NS);
	switches = mark->switches - was.switches;
	s->busy = max(s->busy, permille(busy, span));
	s->overhead = max(s->overhead,
			  permille(mark->switch_ns - was.switch_ns, span));
	switches = div64_u64(switches * NSEC_PER_SEC, max(span, 1ULL));
	s->switches = max_t(u64, s->switches, min_t(u64, switches, U32_MAX));
}

static void look_at_all(struct vgpu_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->desc.engines; i++)
		look(&gpu->whole.engines[i], &gpu->governor.mark[i]);
}

static void changed(struct vgpu_gpu *gpu, const struct vgpu_gov_change *change)
{
	vgpu_governor_shape(gpu);
	vgpu_gpu_apply_slices(gpu);
	trace_vgpu_governor(gpu, change);
	vgpu_event_post_governor(gpu, change);
}

/* gpu->lock held. Returns whether anything ran. */
static bool take_sample(struct vgpu_gpu *gpu)
{
	struct vgpu_governor *g = &gpu->governor;
	struct vgpu_gov_sample s = { };
	struct vgpu_gov_change change;
	struct vgpu_paging_stats paging;
	struct vgpu_vram_stats vram;
	u64 now = ktime_get_ns();
	unsigned int i;

	if (g->paused) {
		u64 gap = now - min(now, g->sampled_ns);

		vgpu_gov_idle(&g->gov, div_u64(gap, VGPU_GOV_PERIOD_NS) ?
			      div_u64(gap, VGPU_GOV_PERIOD_NS) - 1 : 0);
	}
	for (i = 0; i < gpu->desc.engines; i++)
		add_engine(&gpu->whole.engines[i], &g->mark[i], g->paused, &s);
	vgpu_vram_get_stats(gpu->whole.vram, &vram);
	vgpu_vram_get_paging(gpu->whole.vram, &paging);
	/* frames with nothing in them are nobody's */
	s.memory = permille(vram.used - min(vram.used, paging.frames_free <<
					    VGPU_CHUNK_SHIFT),
			    vram.used + vram.free);
	g->samples++;
	g->sampled_ns = now;
	g->paused = !s.busy;
	if (vgpu_gov_feed(&g->gov, &s, now, &change))
		changed(gpu, &change);
	return !g->paused;
}

static void governor_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(to_delayed_work(work),
					    struct vgpu_gpu, governor.work);
	bool again = false;

	mutex_lock(&gpu->lock);
	if (gpu->governor.setting == VGPU_GOVERNOR_AUTO && !gpu->unplugged)
		again = take_sample(gpu);
	mutex_unlock(&gpu->lock);
	if (again)
		vgpu_governor_arm(gpu);
}

/* --- settings ------------------------------------------------------------ */

/* gpu->lock held. To what it is already: nothing starts anew. */
void vgpu_governor_set(struct vgpu_gpu *gpu, int setting)
{
	struct vgpu_governor *g = &gpu->governor;
	u64 now = ktime_get_ns();

	lockdep_assert_held(&gpu->lock);
	if (setting == g->setting)
		return;
	WRITE_ONCE(g->setting, setting);
	if (setting == VGPU_GOVERNOR_OFF) {
		vgpu_gov_stop(&g->gov, now);
		return;
	}
	if (setting != VGPU_GOVERNOR_AUTO) {
		vgpu_gov_set(&g->gov, setting, now);
		return;
	}
	vgpu_gov_set(&g->gov, VGPU_GOV_BALANCED, now);
	look_at_all(gpu);
	g->sampled_ns = now;
	g->paused = false;
	/* What runs may never wake up again; if nothing does, this is soon over. */
	vgpu_governor_arm(gpu);
}

void vgpu_governor_init(struct vgpu_gpu *gpu)
{
	gpu->governor.setting = VGPU_GOVERNOR_OFF;
	INIT_DELAYED_WORK(&gpu->governor.work, governor_work);
	vgpu_gov_init(&gpu->governor.gov, VGPU_GOV_BALANCED, 1);
	vgpu_gov_stop(&gpu->governor.gov, 1);
	memset(gpu->governor.gov.entered, 0,
	       sizeof(gpu->governor.gov.entered));
}

/* gpu->lock held. */
void vgpu_governor_get_info(struct vgpu_gpu *gpu,
			    struct vgpu_governor_info *info)
{
	struct vgpu_governor *g = &gpu->governor;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	vgpu_gov_count(&g->gov, ktime_get_ns());
	strscpy(info->setting, setting_name(g->setting), sizeof(info->setting));
	info->on = g->setting != VGPU_GOVERNOR_OFF;
	info->mode = g->gov.mode;
	info->own_slice_ns = gpu->own_slice_ns;
	info->base_slice_ns = gpu->own_slice_ns ?: VGPU_SLICE_DEFAULT_NS;
	info->threshold_ns = gpu->threshold_ns;
	info->changes = g->gov.changes;
	info->samples = g->samples;
	for (i = 0; i < VGPU_GOV_MODES; i++) {
		info->entered[i] = g->gov.entered[i];
		info->time_ns[i] = g->gov.time_ns[i];
	}
	info->view = g->gov.view;
}
