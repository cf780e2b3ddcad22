// SPDX-License-Identifier: GPL-2.0
/* Timelines: counters that both sides raise and wait for. */
#include <stdlib.h>
#include <string.h>

#include "priv.h"

int vgpu_timeline_create(struct vgpu_dev *dev, uint64_t initial,
			 struct vgpu_timeline **out)
{
	struct vgpu_timeline_create arg = { .initial = initial };
	struct vgpu_timeline *timeline;
	int ret = vgpu_dev_timelines(dev);

	if (ret)
		return ret;
	timeline = calloc(1, sizeof(*timeline));
	if (!timeline)
		return vgpu_fail(-ENOMEM, "out of memory");
	ret = vgpu_call(dev, VGPU_IOCTL_TIMELINE_CREATE, &arg, sizeof(arg));
	if (!ret && arg.slot >= VGPU_PAGE / sizeof(uint64_t)) {
		vgpu_dev_close_handle(dev, arg.handle);
		ret = -EPROTO;
	}
	if (ret) {
		free(timeline);
		return vgpu_fail(ret, "%s: no new timeline: %s", dev->path,
				 strerror(-ret));
	}
	timeline->dev = dev;
	timeline->handle = arg.handle;
	timeline->slot = arg.slot;
	*out = timeline;
	return 0;
}

void vgpu_timeline_destroy(struct vgpu_timeline *timeline)
{
	if (!timeline)
		return;
	vgpu_dev_close_handle(timeline->dev, timeline->handle);
	free(timeline);
}

uint64_t vgpu_timeline_value(const struct vgpu_timeline *timeline)
{
	return __atomic_load_n(&timeline->dev->timelines[timeline->slot],
			       __ATOMIC_ACQUIRE);
}

int vgpu_timeline_wait(struct vgpu_timeline *timeline, uint64_t value,
		       int64_t timeout_ns)
{
	struct vgpu_wait arg = {
		.timeline = timeline->handle,
		.value = value,
		.timeout_ns = timeout_ns,
	};
	int ret;

	if (vgpu_timeline_value(timeline) >= value)
		return 0;
	ret = vgpu_call(timeline->dev, VGPU_IOCTL_WAIT, &arg, sizeof(arg));
	if (ret == -ETIME)
		return vgpu_fail(ret, "waited for %llu, the timeline is at %llu",
				 (unsigned long long)value,
				 (unsigned long long)arg.current_value);
	if (ret)
		return vgpu_fail(ret, "%s: waiting failed: %s",
				 timeline->dev->path, strerror(-ret));
	return 0;
}

int vgpu_timeline_signal(struct vgpu_timeline *timeline, uint64_t value)
{
	struct vgpu_signal arg = {
		.timeline = timeline->handle,
		.value = value,
	};
	int ret = vgpu_call(timeline->dev, VGPU_IOCTL_SIGNAL, &arg, sizeof(arg));

	if (ret)
		return vgpu_fail(ret, "%s: signalling %llu failed: %s",
				 timeline->dev->path, (unsigned long long)value,
				 strerror(-ret));
	return 0;
}

int vgpu_timeline_eventfd(struct vgpu_timeline *timeline, uint64_t value,
			  int eventfd)
{
	struct vgpu_eventfd arg = {
		.timeline = timeline->handle,
		.value = value,
		.fd = eventfd,
	};
	int ret = vgpu_call(timeline->dev, VGPU_IOCTL_EVENTFD, &arg,
			    sizeof(arg));

	if (ret)
		return vgpu_fail(ret, "%s: setting up an eventfd failed: %s",
				 timeline->dev->path, strerror(-ret));
	return 0;
}
