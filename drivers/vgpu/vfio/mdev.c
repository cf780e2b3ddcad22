// SPDX-License-Identifier: GPL-2.0
/*
 * Each GPU is an mdev parent, each shape of its vGPUs an mdev type, each mdev
 * an instance.  The mdev core names a type after the GPU's driver and the
 * shape, so that the same shape has the same name on every GPU and host.
 *
 * An mdev is removed by sysfs only, and that cannot fail: whoever has it open
 * is asked through the request interrupt to let it go, and is waited for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "vfio_priv.h"

struct parent {
	struct list_head link;
	struct vgpu_gpu *gpu;
	struct mdev_parent mdev;
	unsigned int count;
	const struct vgpu_type *shapes;
	struct mdev_type types[VGPU_MAX_TYPES];
	struct mdev_type *ptrs[VGPU_MAX_TYPES];
	char pretty[VGPU_MAX_TYPES][64];
};

static DEFINE_MUTEX(parents_lock);	/* protects parents */
static LIST_HEAD(parents);

static struct parent *type_parent(const struct mdev_type *type)
{
	return container_of(type->parent, struct parent, mdev);
}

static const struct vgpu_type *type_shape(struct mdev_type *type)
{
	struct parent *p = type_parent(type);

	return &p->shapes[type - p->types];
}

static int probe(struct mdev_device *mdev)
{
	struct parent *p = type_parent(mdev->type);
	struct vgpu_instance_params params = {
		.type = type_shape(mdev->type)->name,
		.flags = VGPU_INSTANCE_MDEV,
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	struct vgpu_instance *inst;
	struct vgpu_vfio *v;
	int ret;

	/* The mdev core keeps UUIDs in the other byte order; the name is both. */
	ret = uuid_parse(dev_name(&mdev->dev), &params.uuid);
	if (ret)
		return ret;

	inst = vgpu_instance_create(p->gpu, &params);
	if (IS_ERR(inst))
		return PTR_ERR(inst);

	v = vgpu_vfio_alloc(&mdev->dev, inst, &params.uuid);
	if (IS_ERR(v)) {
		ret = PTR_ERR(v);
		goto destroy;
	}

	ret = vfio_register_emulated_iommu_dev(&v->vdev);
	if (ret)
		goto put_device;
	dev_set_drvdata(&mdev->dev, v);
	return 0;

put_device:
	vfio_put_device(&v->vdev);
destroy:
	vgpu_instance_destroy(inst);
	vgpu_instance_put(inst);
	return ret;
}

static void remove(struct mdev_device *mdev)
{
	struct vgpu_vfio *v = dev_get_drvdata(&mdev->dev);
	struct vgpu_instance *inst = v->inst;
	int ret;

	/* asks and waits until nobody has it open */
	vfio_unregister_group_dev(&v->vdev);
	vfio_put_device(&v->vdev);

	ret = vgpu_instance_destroy(inst);
	if (ret && ret != -ENODEV)
		dev_warn(&mdev->dev, "vGPU is not destroyed: %pe\n",
			 ERR_PTR(ret));
	vgpu_instance_put(inst);
}

static unsigned int get_available(struct mdev_type *type)
{
	return vgpu_type_available(type_parent(type)->gpu, type_shape(type));
}

static ssize_t show_description(struct mdev_type *type, char *buf)
{
	const struct vgpu_type *shape = type_shape(type);

	return sysfs_emit(buf,
			  "share %u/8 (weight %u), VRAM %llu MiB, resolution none\n",
			  shape->shares, shape->weight,
			  shape->vram_bytes >> 20);
}

static struct mdev_driver mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.driver = {
		.name = "vgpu_vfio",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
		.dev_groups = vgpu_vfio_attr_groups,
	},
	.probe = probe,
	.remove = remove,
	.get_available = get_available,
	.show_description = show_description,
};

static int gpu_added(struct vgpu_gpu *gpu)
{
	struct parent *p;
	unsigned int i;
	int ret;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;

	p->gpu = gpu;
	p->shapes = vgpu_gpu_types(gpu, &p->count);
	p->count = min_t(unsigned int, p->count, VGPU_MAX_TYPES);
	for (i = 0; i < p->count; i++) {
		snprintf(p->pretty[i], sizeof(p->pretty[i]),
			 "vGPU %u/8 of a GPU, %llu MiB", p->shapes[i].shares,
			 p->shapes[i].vram_bytes >> 20);
		p->types[i].sysfs_name = p->shapes[i].name;
		p->types[i].pretty_name = p->pretty[i];
		p->ptrs[i] = &p->types[i];
	}

	vgpu_gpu_hold(gpu);
	ret = mdev_register_parent(&p->mdev, vgpu_gpu_device(gpu), &mdev_driver,
				   p->ptrs, p->count);
	if (ret) {
		vgpu_gpu_put(gpu);
		kfree(p);
		return ret;
	}

	mutex_lock(&parents_lock);
	list_add_tail(&p->link, &parents);
	mutex_unlock(&parents_lock);
	return 0;
}

static void gpu_removed(struct vgpu_gpu *gpu)
{
	struct parent *p, *found = NULL;

	mutex_lock(&parents_lock);
	list_for_each_entry(p, &parents, link) {
		if (p->gpu == gpu) {
			found = p;
			list_del(&p->link);
			break;
		}
	}
	mutex_unlock(&parents_lock);
	if (!found)
		return;

	/* removes its mdevs, which waits for those that are open */
	mdev_unregister_parent(&found->mdev);
	vgpu_gpu_put(found->gpu);
	kfree(found);
}

static struct vgpu_face face = {
	.name = "vfio",
	.owner = THIS_MODULE,
	.gpu_added = gpu_added,
	.gpu_removed = gpu_removed,
};

int vgpu_vfio_mdev_init(void)
{
	int ret;

	ret = mdev_register_driver(&mdev_driver);
	if (ret)
		return ret;
	ret = vgpu_face_register(&face);
	if (ret)
		mdev_unregister_driver(&mdev_driver);
	return ret;
}

void vgpu_vfio_mdev_exit(void)
{
	/* tells of every GPU as if it went */
	vgpu_face_unregister(&face);
	mdev_unregister_driver(&mdev_driver);
}
