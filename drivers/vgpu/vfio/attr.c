// SPDX-License-Identifier: GPL-2.0
/*
 * Quotas of a vGPU as attributes of its mdev, in a folder vgpu/, so that
 * mdevctl and libvirt's <attr> can keep them across reboots.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "vfio_priv.h"

static struct vgpu_instance *dev_instance(struct device *dev)
{
	struct vgpu_vfio *v = dev_get_drvdata(dev);

	return v->inst;
}

static ssize_t set_quota(struct device *dev,
			 const struct vgpu_instance_set *set, size_t count)
{
	int ret = vgpu_instance_set(dev_instance(dev), set, NULL);

	return ret ? ret : count;
}

static ssize_t id_show(struct device *dev, struct device_attribute *attr,
		       char *buf)
{
	return sysfs_emit(buf, "%u\n", vgpu_instance_id(dev_instance(dev)));
}
static DEVICE_ATTR_RO(id);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	static const char * const names[] = {
		[VGPU_STATE_CREATED] = "created",
		[VGPU_STATE_RUNNING] = "running",
		[VGPU_STATE_PAUSED] = "paused",
		[VGPU_STATE_STOPPED] = "stopped",
		[VGPU_STATE_FAILED] = "failed",
		[VGPU_STATE_DEAD] = "dead",
	};
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%s\n", names[info.state]);
}
static DEVICE_ATTR_RO(state);

static ssize_t weight_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%u\n", info.weight);
}

static ssize_t weight_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_WEIGHT };
	int ret = kstrtou32(buf, 0, &set.weight);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(weight);

static ssize_t priority_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%u\n", info.priority);
}

static ssize_t priority_store(struct device *dev,
			      struct device_attribute *attr, const char *buf,
			      size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_PRIORITY };
	int ret = kstrtou32(buf, 0, &set.priority);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(priority);

static ssize_t bandwidth_mbps_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%llu\n", info.bandwidth_mbps);
}

static ssize_t bandwidth_mbps_store(struct device *dev,
				    struct device_attribute *attr,
				    const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_BANDWIDTH };
	int ret = kstrtou64(buf, 0, &set.bandwidth_mbps);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(bandwidth_mbps);

static ssize_t vram_bytes_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%llu\n", info.vram_limit);
}

static ssize_t vram_bytes_store(struct device *dev,
				struct device_attribute *attr, const char *buf,
				size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_VRAM };
	int ret = kstrtou64(buf, 0, &set.vram_bytes);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(vram_bytes);

static ssize_t units_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%u\n", info.own_units);
}

static ssize_t units_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_UNITS };
	int ret = kstrtou32(buf, 0, &set.units);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(units);

/* In hundredths of a per cent of engine time; 0: none. */
static ssize_t cap_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%u\n", info.cap);
}

static ssize_t cap_store(struct device *dev, struct device_attribute *attr,
			 const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_CAP };
	int ret = kstrtou32(buf, 0, &set.cap);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(cap);

/* Its own, 0: its GPU's counts. */
static ssize_t slice_ns_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%llu\n", info.own_slice_ns);
}

static ssize_t slice_ns_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_SLICE };
	int ret = kstrtou64(buf, 0, &set.slice_ns);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(slice_ns);

static ssize_t group_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%s\n",
			  info.group[0] ? info.group : VGPU_GROUP_NONE);
}

static ssize_t group_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	char name[VGPU_NAME_LEN + 1];	/* and the newline */
	struct vgpu_instance_set set = {
		.mask = VGPU_SET_GROUP,
		.group = name,
	};

	if (strscpy(name, buf, sizeof(name)) < 0)
		return -EINVAL;
	strim(name);
	return set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(group);

/* Of its group; 0 without. */
static ssize_t group_weight_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(dev_instance(dev), &info);
	return sysfs_emit(buf, "%u\n", info.group_weight);
}

static ssize_t group_weight_store(struct device *dev,
				  struct device_attribute *attr,
				  const char *buf, size_t count)
{
	struct vgpu_instance_set set = { .mask = VGPU_SET_GROUP_WEIGHT };
	int ret = kstrtou32(buf, 0, &set.group_weight);

	return ret ? ret : set_quota(dev, &set, count);
}
static DEVICE_ATTR_RW(group_weight);

/* Accesses to BAR0, each of which stopped the VM; those to mapped pages do not. */
static ssize_t traps_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vgpu_vfio *v = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%lld\n", atomic64_read(&v->traps));
}
static DEVICE_ATTR_RO(traps);

static struct attribute *attrs[] = {
	&dev_attr_id.attr,
	&dev_attr_state.attr,
	&dev_attr_traps.attr,
	&dev_attr_weight.attr,
	&dev_attr_priority.attr,
	&dev_attr_bandwidth_mbps.attr,
	&dev_attr_vram_bytes.attr,
	&dev_attr_units.attr,
	&dev_attr_cap.attr,
	&dev_attr_slice_ns.attr,
	&dev_attr_group.attr,
	&dev_attr_group_weight.attr,
	NULL
};

static const struct attribute_group group = {
	.name = "vgpu",
	.attrs = attrs,
};

const struct attribute_group *vgpu_vfio_attr_groups[] = {
	&group,
	NULL
};
