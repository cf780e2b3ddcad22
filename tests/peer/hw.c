// SPDX-License-Identifier: GPL-2.0
/* The made-up engine. */
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "compat/hrtimer.h"
#include "peer.h"

static enum hrtimer_restart hw_timer(struct hrtimer *timer)
{
	struct peer_hw *hw = container_of(timer, struct peer_hw, timer);
	unsigned long flags;
	u64 service, left;

	spin_lock_irqsave(&hw->lock, flags);
	if (!hw->running) {
		spin_unlock_irqrestore(&hw->lock, flags);
		return HRTIMER_NORESTART;
	}
	service = min(ktime_get_ns() - hw->from, hw->left);
	/* set again while it was firing: it comes once more */
	if (service < hw->left && !hw->stopping) {
		spin_unlock_irqrestore(&hw->lock, flags);
		return HRTIMER_NORESTART;
	}
	left = hw->left - service;
	hw->running = false;
	hw->clock += service;
	spin_unlock_irqrestore(&hw->lock, flags);
	hw->answer(hw, service, left);
	return HRTIMER_NORESTART;
}

void peer_hw_init(struct peer_hw *hw,
		  void (*answer)(struct peer_hw *hw, u64 service, u64 left),
		  void *priv)
{
	spin_lock_init(&hw->lock);
	vgpu_hrtimer_setup(&hw->timer, hw_timer);
	hw->running = false;
	hw->clock = 0;
	hw->answer = answer;
	hw->priv = priv;
}

void peer_hw_fini(struct peer_hw *hw)
{
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	hw->running = false;
	spin_unlock_irqrestore(&hw->lock, flags);
	hrtimer_cancel(&hw->timer);
}

void peer_hw_start(struct peer_hw *hw, u64 ns)
{
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	if (!WARN_ON_ONCE(hw->running)) {
		hw->running = true;
		hw->stopping = false;
		hw->left = ns;
		hw->from = ktime_get_ns();
		hrtimer_start(&hw->timer, ns_to_ktime(ns),
			      HRTIMER_MODE_REL_PINNED_HARD);
	}
	spin_unlock_irqrestore(&hw->lock, flags);
}

void peer_hw_stop(struct peer_hw *hw)
{
	unsigned long flags;
	u64 used;

	spin_lock_irqsave(&hw->lock, flags);
	if (hw->running && !hw->stopping) {
		used = ktime_get_ns() - hw->from;
		if (used + PEER_STOP_NS < hw->left) {
			hw->stopping = true;
			hrtimer_start(&hw->timer, ns_to_ktime(PEER_STOP_NS),
				      HRTIMER_MODE_REL_PINNED_HARD);
		}
	}
	spin_unlock_irqrestore(&hw->lock, flags);
}

u64 peer_hw_clock(struct peer_hw *hw)
{
	unsigned long flags;
	u64 clock;

	spin_lock_irqsave(&hw->lock, flags);
	clock = hw->clock;
	if (hw->running)
		clock += min(ktime_get_ns() - hw->from, hw->left);
	spin_unlock_irqrestore(&hw->lock, flags);
	return clock;
}
