// SPDX-License-Identifier: GPL-2.0
/*
 * Latency histograms: eight buckets an octave, so that a percentile read
 * from one is within 12 % of the truth, in a fixed kilobyte.
 */
#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <vgpu/kunit.h>

#include "core_priv.h"

#define HIST_MIN_SHIFT	8	/* below 256 ns all is one bucket */
#define HIST_SUB_SHIFT	3

static unsigned int hist_index(u64 ns)
{
	unsigned int octave, index;

	if (ns < BIT_ULL(HIST_MIN_SHIFT))
		return 0;
	octave = fls64(ns) - 1;
	index = ((octave - HIST_MIN_SHIFT) << HIST_SUB_SHIFT) +
		((ns >> (octave - HIST_SUB_SHIFT)) &
		 (BIT(HIST_SUB_SHIFT) - 1)) + 1;
	return min_t(unsigned int, index, VGPU_HIST_BUCKETS - 1);
}

/* Upper end of a bucket. */
static u64 hist_value(unsigned int index)
{
	unsigned int octave, sub;

	if (!index)
		return BIT_ULL(HIST_MIN_SHIFT);
	octave = ((index - 1) >> HIST_SUB_SHIFT) + HIST_MIN_SHIFT;
	sub = (index - 1) & (BIT(HIST_SUB_SHIFT) - 1);
	return (BIT_ULL(HIST_SUB_SHIFT) + sub + 1) << (octave - HIST_SUB_SHIFT);
}

void vgpu_hist_add(struct vgpu_hist *h, u64 ns)
{
	h->count++;
	h->sum += ns;
	h->bucket[hist_index(ns)]++;
}

VGPU_EXPORT_IF_KUNIT(vgpu_hist_add);

void vgpu_hist_merge(struct vgpu_hist *to, const struct vgpu_hist *from)
{
	unsigned int i;

	to->count += from->count;
	to->sum += from->sum;
	for (i = 0; i < VGPU_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

u64 vgpu_hist_percentile(const struct vgpu_hist *h, unsigned int permille)
{
	u64 want, seen = 0;
	unsigned int i;

	if (!h->count)
		return 0;
	want = div_u64(h->count * permille + 999, 1000);
	for (i = 0; i < VGPU_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return hist_value(i);
	}
	return hist_value(VGPU_HIST_BUCKETS - 1);
}

VGPU_EXPORT_IF_KUNIT(vgpu_hist_percentile);

void vgpu_hist_fold(const struct vgpu_hist *h, struct vgpu_latency *out)
{
	unsigned int i;

	memset(out, 0, sizeof(*out));
	out->count = h->count;
	out->sum_ns = h->sum;
	out->p50_ns = vgpu_hist_percentile(h, 500);
	out->p99_ns = vgpu_hist_percentile(h, 990);
	for (i = 0; i < VGPU_HIST_BUCKETS; i++)
		out->bucket[(i + (1 << HIST_SUB_SHIFT) - 1) >> HIST_SUB_SHIFT] +=
			h->bucket[i];
}

VGPU_EXPORT_IF_KUNIT(vgpu_hist_fold);
