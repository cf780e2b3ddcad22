// SPDX-License-Identifier: GPL-2.0
/* Finding and opening a node, and making its calls. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "priv.h"

#define NODE_FOLDER	"/dev/vgpu"

/* ---- the transport to a real node ------------------------------------------ */

static int node_fd(void *cookie)
{
	return (int)(intptr_t)cookie;
}

static int node_call(void *cookie, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(node_fd(cookie), request, arg);
	} while (ret < 0 && errno == EINTR && request != VGPU_IOCTL_WAIT);
	return ret < 0 ? -errno : 0;
}

static int node_map(void *cookie, uint64_t offset, size_t bytes, int prot,
		    void **cpu)
{
	void *at = mmap(NULL, bytes, prot, MAP_SHARED, node_fd(cookie),
			(off_t)offset);

	if (at == MAP_FAILED)
		return -errno;
	*cpu = at;
	return 0;
}

static void node_unmap(void *cookie, void *cpu, size_t bytes)
{
	(void)cookie;
	munmap(cpu, bytes);
}

static void node_close(void *cookie)
{
	close(node_fd(cookie));
}

/* ---- opening ------------------------------------------------------------------ */

int vgpu_call(struct vgpu_dev *dev, unsigned long request, void *arg,
	      size_t bytes)
{
	uint32_t size = (uint32_t)bytes;

	memcpy(arg, &size, sizeof(size));
	return dev->transport.call(dev->transport.cookie, request, arg);
}

int vgpu_refresh(struct vgpu_dev *dev)
{
	struct vgpu_info info = { 0 };
	int ret = vgpu_call(dev, VGPU_IOCTL_INFO, &info, sizeof(info));

	if (ret == -ENOTTY)
		return vgpu_fail(-ENODEV, "%s is not a vGPU's node", dev->path);
	if (ret)
		return vgpu_fail(ret, "%s: asking what it is failed: %s",
				 dev->path, strerror(-ret));
	if (info.version != VGPU_UAPI_VERSION)
		return vgpu_fail(-EPROTO,
				 "%s speaks version %u of the interface, this program %u: use tools and modules of one release",
				 dev->path, info.version, VGPU_UAPI_VERSION);
	info.gpu_name[sizeof(info.gpu_name) - 1] = '\0';
	dev->info = info;
	return 0;
}

int vgpu_open_transport(const struct vgpu_transport *transport,
			const char *name, struct vgpu_dev **out)
{
	struct vgpu_dev *dev = calloc(1, sizeof(*dev));
	int ret;

	if (dev)
		dev->path = strdup(name);
	if (!dev || !dev->path) {
		free(dev);
		transport->close(transport->cookie);
		return vgpu_fail(-ENOMEM, "out of memory");
	}
	dev->transport = *transport;
	dev->fd = -1;
	ret = vgpu_refresh(dev);
	if (ret) {
		vgpu_close(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

static int open_path(const char *path, struct vgpu_dev **dev)
{
	struct vgpu_transport node = {
		.call = node_call,
		.map = node_map,
		.unmap = node_unmap,
		.close = node_close,
	};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0) {
		ret = -errno;
		switch (ret) {
		case -ENOENT:
			return vgpu_fail(-ENODEV,
					 "%s does not exist: list the vGPUs with 'vgpuctl list', make one with 'vgpuctl vgpu create'",
					 path);
		case -EACCES:
		case -EPERM:
			return vgpu_fail(ret,
					 "no permission to open %s: ask its owner, or run as root",
					 path);
		case -EAGAIN:
			return vgpu_fail(ret,
					 "%s is not running: start it with 'vgpuctl vgpu start' ('vgpuctl list' shows its state)",
					 path);
		case -EBUSY:
			return vgpu_fail(ret,
					 "%s is in use ('vgpuctl list' tells by whom)",
					 path);
		default:
			return vgpu_fail(ret, "cannot open %s: %s", path,
					 strerror(-ret));
		}
	}
	node.cookie = (void *)(intptr_t)fd;
	ret = vgpu_open_transport(&node, path, dev);
	if (!ret)
		(*dev)->fd = fd;
	return ret;
}

/* Names of nodes are v<number>; the folder holds the management node too. */
static bool is_node_name(const char *name)
{
	return name[0] == 'v' && name[1] &&
	       strspn(name + 1, "0123456789") == strlen(name + 1);
}

/* Calls @visit for each node until it returns non-zero. */
static int each_node(int (*visit)(const char *path, void *arg), void *arg)
{
	DIR *folder = opendir(NODE_FOLDER);
	struct dirent *entry;
	int ret = 0;

	if (!folder)
		return vgpu_fail(-ENODEV,
				 "%s does not exist: load the vgpu module (and vgpu_soft, or vgpu_guest inside a VM)",
				 NODE_FOLDER);
	while (!ret && (entry = readdir(folder))) {
		char path[sizeof(NODE_FOLDER) + sizeof(entry->d_name)];

		if (!is_node_name(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", NODE_FOLDER,
			 entry->d_name);
		ret = visit(path, arg);
	}
	closedir(folder);
	return ret;
}

struct only_node {
	char path[64];
	unsigned int count;
};

static int visit_only(const char *path, void *arg)
{
	struct only_node *only = arg;

	if (!only->count++)
		snprintf(only->path, sizeof(only->path), "%s", path);
	return 0;
}

static int open_only(struct vgpu_dev **dev)
{
	struct only_node only = { .count = 0 };
	int ret = each_node(visit_only, &only);

	if (ret)
		return ret;
	if (!only.count)
		return vgpu_fail(-ENODEV,
				 "there is no vGPU: make one with 'vgpuctl vgpu create'");
	if (only.count > 1)
		return vgpu_fail(-ENOTUNIQ,
				 "there are %u vGPUs: say which, by number, UUID or path ('vgpuctl list' shows them)",
				 only.count);
	return open_path(only.path, dev);
}

struct uuid_search {
	uint8_t uuid[16];
	struct vgpu_dev *dev;
	int refused;		/* an errno of a node that would not open */
};

static int visit_uuid(const char *path, void *arg)
{
	struct uuid_search *search = arg;
	struct vgpu_dev *dev;
	int ret = open_path(path, &dev);

	if (ret) {
		search->refused = ret;
		return 0;
	}
	if (!memcmp(dev->info.uuid, search->uuid, sizeof(search->uuid))) {
		search->dev = dev;
		return 1;
	}
	vgpu_close(dev);
	return 0;
}

static int open_uuid(const char *text, struct uuid_search *search,
		     struct vgpu_dev **dev)
{
	int ret = each_node(visit_uuid, search);

	if (ret < 0)
		return ret;
	if (search->dev) {
		*dev = search->dev;
		return 0;
	}
	if (search->refused)
		return vgpu_fail(search->refused,
				 "no vGPU that can be opened has UUID %s, and some cannot: %s",
				 text, strerror(-search->refused));
	return vgpu_fail(-ENODEV,
			 "no vGPU has UUID %s ('vgpuctl list' shows them)",
			 text);
}

int vgpu_open(const char *which, struct vgpu_dev **dev)
{
	struct uuid_search search = { .dev = NULL };
	char path[64];

	if (!which)
		return open_only(dev);
	if (strchr(which, '/'))
		return open_path(which, dev);
	if (!vgpu_uuid_parse(which, search.uuid))
		return open_uuid(which, &search, dev);
	if (*which == 'v')
		which++;
	if (!*which || strlen(which) > 10 ||
	    strspn(which, "0123456789") != strlen(which))
		return vgpu_fail(-EINVAL,
				 "'%s' names no vGPU: give a number, a UUID, or a path under %s",
				 which, NODE_FOLDER);
	snprintf(path, sizeof(path), "%s/v%s", NODE_FOLDER, which);
	return open_path(path, dev);
}

void vgpu_close(struct vgpu_dev *dev)
{
	struct vgpu_transport *t;

	if (!dev)
		return;
	t = &dev->transport;
	if (dev->doorbells)
		t->unmap(t->cookie, (void *)dev->doorbells, VGPU_PAGE);
	if (dev->timelines)
		t->unmap(t->cookie, (void *)dev->timelines, VGPU_PAGE);
	t->close(t->cookie);
	free(dev->path);
	free(dev);
}

const struct vgpu_info *vgpu_info(const struct vgpu_dev *dev)
{
	return &dev->info;
}

const char *vgpu_path(const struct vgpu_dev *dev)
{
	return dev->path;
}

int vgpu_fd(const struct vgpu_dev *dev)
{
	return dev->fd;
}

int vgpu_dev_close_handle(struct vgpu_dev *dev, uint32_t handle)
{
	struct vgpu_close arg = { .handle = handle };

	return vgpu_call(dev, VGPU_IOCTL_CLOSE, &arg, sizeof(arg));
}

int vgpu_dev_doorbells(struct vgpu_dev *dev)
{
	struct vgpu_transport *t = &dev->transport;
	void *page;
	int ret;

	if (dev->doorbells)
		return 0;
	ret = t->map(t->cookie, VGPU_MMAP_DOORBELLS, VGPU_PAGE,
		     PROT_READ | PROT_WRITE, &page);
	if (ret == -EOPNOTSUPP)
		return vgpu_fail(ret,
				 "%s has no rings (a VM's node never has): submit without",
				 dev->path);
	if (ret)
		return vgpu_fail(ret, "%s: mapping the doorbell page failed: %s",
				 dev->path, strerror(-ret));
	dev->doorbells = page;
	return 0;
}

int vgpu_dev_timelines(struct vgpu_dev *dev)
{
	struct vgpu_transport *t = &dev->transport;
	void *page;
	int ret;

	if (dev->timelines)
		return 0;
	ret = t->map(t->cookie, VGPU_MMAP_TIMELINES, VGPU_PAGE, PROT_READ,
		     &page);
	if (ret)
		return vgpu_fail(ret, "%s: mapping the timeline page failed: %s",
				 dev->path, strerror(-ret));
	dev->timelines = page;
	return 0;
}
