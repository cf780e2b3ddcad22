/* SPDX-License-Identifier: GPL-2.0 */
/* Histograms of latencies, see hist.c. */
#ifndef _VGPU_CORE_HIST_H
#define _VGPU_CORE_HIST_H

#include <linux/types.h>

struct vgpu_latency;

/* Latencies from 256 ns to about 18 minutes, eight steps an octave. */
#define VGPU_HIST_BUCKETS	256

struct vgpu_hist {
	u64 count;
	u64 sum;
	u32 bucket[VGPU_HIST_BUCKETS];
};

void vgpu_hist_add(struct vgpu_hist *h, u64 ns);
u64 vgpu_hist_percentile(const struct vgpu_hist *h, unsigned int permille);
void vgpu_hist_merge(struct vgpu_hist *to, const struct vgpu_hist *from);
/* By octaves, for people and programs. */
void vgpu_hist_fold(const struct vgpu_hist *h, struct vgpu_latency *out);

#endif /* _VGPU_CORE_HIST_H */
