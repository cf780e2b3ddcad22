// SPDX-License-Identifier: GPL-2.0
/*
 * When memory is moved (mem/defrag.c has how): every so often a GPU is looked at,
 * and if what is free is scattered by more than a threshold, it is put together;
 * or because somebody asked for it.
 *
 * Looking costs a walk over the blocks of its memory, so an idle GPU is looked at,
 * too: it is when moving disturbs nobody.  Where next to nothing is free there is
 * nothing to be gained, and nothing is moved unasked.  Who asks while that goes on has
 * a run of his own after it.
 *
 * A command may run into memory that is on its way, so the work queue of faults
 * has to be there before the first move.
 */
#include <linux/slab.h>

#include "../core_priv.h"

#define THRESHOLD	300	/* permille */
#define INTERVAL_S	300
#define FREE_PART	64	/* of VRAM that has to be free */

static void queue(struct vgpu_gpu *gpu, unsigned long delay)
{
	mod_delayed_work(system_unbound_wq, &gpu->tidy.work, delay);
}

/* gpu->lock held. The next look, if there is to be one. */
static void look_later(struct vgpu_gpu *gpu)
{
	lockdep_assert_held(&gpu->lock);
	if (gpu->tidy.asked || gpu->unplugged)
		return;
	if (gpu->tidy.interval_s)
		queue(gpu, round_jiffies_relative(gpu->tidy.interval_s * HZ));
	else
		cancel_delayed_work(&gpu->tidy.work);
}

/* Is it worth it, unasked? */
static bool is_scattered(struct vgpu_gpu *gpu, u32 threshold)
{
	struct vgpu_vram_survey *survey;
	bool scattered;

	survey = kvmalloc(sizeof(*survey), GFP_KERNEL | __GFP_NOWARN);
	if (!survey)
		return false;
	vgpu_vram_survey(gpu->whole.vram, survey);
	scattered = survey->frag_permille > threshold &&
		    survey->free >= gpu->desc.vram_bytes / FREE_PART;
	kvfree(survey);
	return scattered;
}

static void run(struct vgpu_gpu *gpu, bool own)
{
	struct vgpu_vram *vram = gpu->whole.vram;
	struct vgpu_defrag_stats st;
	struct vgpu_vram_survey *survey = NULL;
	u32 before = 0;

	if (own) {
		survey = kvmalloc(sizeof(*survey), GFP_KERNEL | __GFP_NOWARN);
		if (survey) {
			vgpu_vram_survey(vram, survey);
			before = survey->frag_permille;
		}
		kvfree(survey);
		vgpu_event_post_defrag(VGPU_EVENT_DEFRAG_BEGIN, gpu, before, 0);
	}
	vgpu_vram_defrag(vram);
	if (own) {
		vgpu_vram_get_defrag(vram, &st);
		vgpu_event_post_defrag(VGPU_EVENT_DEFRAG_END, gpu, st.after,
				       st.run_moved);
	}
}

static void tidy_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(to_delayed_work(work),
					    struct vgpu_gpu, tidy.work);
	bool asked, go;
	u32 threshold;

	mutex_lock(&gpu->lock);
	asked = gpu->tidy.asked;
	threshold = gpu->tidy.threshold;
	go = !gpu->unplugged && (asked || gpu->tidy.interval_s);
	if (go)
		vgpu_paging_enable(gpu);
	mutex_unlock(&gpu->lock);

	if (go && !asked) {
		go = is_scattered(gpu, threshold);
		mutex_lock(&gpu->lock);
		gpu->tidy.own_runs += go;
		mutex_unlock(&gpu->lock);
	}
	if (go)
		run(gpu, !asked);

	mutex_lock(&gpu->lock);
	if (asked)
		gpu->tidy.asked = false;
	look_later(gpu);
	mutex_unlock(&gpu->lock);
}

int vgpu_gpu_set_tidy(struct vgpu_gpu *gpu, const u32 *threshold,
		      const u32 *interval_s, u32 *old_threshold,
		      u32 *old_interval_s)
{
	/* what was may be written where the new comes from */
	u32 permille = threshold ? *threshold : 0;
	u32 seconds = interval_s ? *interval_s : 0;
	int idx, ret = 0;

	if (permille > 1000 || seconds > VGPU_TIDY_INTERVAL_MAX)
		return -ERANGE;
	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	if (!vgpu_vram_can_defrag(gpu->whole.vram)) {
		ret = -EOPNOTSUPP;
		goto out;
	}
	*old_threshold = gpu->tidy.threshold;
	*old_interval_s = gpu->tidy.interval_s;
	if (threshold)
		gpu->tidy.threshold = permille;
	if (interval_s) {
		gpu->tidy.interval_s = seconds;
		look_later(gpu);
	}
out:
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set_tidy, VGPU);

int vgpu_gpu_tidy(struct vgpu_gpu *gpu)
{
	int idx, ret;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	if (!vgpu_vram_can_defrag(gpu->whole.vram))
		ret = -EOPNOTSUPP;
	else if (gpu->tidy.asked)
		ret = -EBUSY;
	else
		ret = 0;
	if (!ret) {
		vgpu_paging_enable(gpu);
		gpu->tidy.asked = true;
		queue(gpu, 0);
	}
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_tidy, VGPU);

int vgpu_gpu_survey(struct vgpu_gpu *gpu, struct vgpu_vram_survey *out)
{
	int idx;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	vgpu_vram_survey(gpu->whole.vram, out);
	vgpu_gpu_leave(idx);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_survey, VGPU);

void vgpu_tidy_init(struct vgpu_gpu *gpu)
{
	gpu->tidy.threshold = THRESHOLD;
	gpu->tidy.interval_s = INTERVAL_S;
	INIT_DELAYED_WORK(&gpu->tidy.work, tidy_work);
}

void vgpu_tidy_start(struct vgpu_gpu *gpu)
{
	mutex_lock(&gpu->lock);
	if (vgpu_vram_can_defrag(gpu->whole.vram))
		look_later(gpu);
	else
		gpu->tidy.interval_s = 0;
	mutex_unlock(&gpu->lock);
}

/* gpu->unplugged is set, so nothing is queued any more. */
void vgpu_tidy_stop(struct vgpu_gpu *gpu)
{
	vgpu_vram_end_defrag(gpu->whole.vram);
	cancel_delayed_work_sync(&gpu->tidy.work);
}
