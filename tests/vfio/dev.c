// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"

#define ANSWER_NS	(20 * 1000000000ull)

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* The folder of a type with that many eighths, of the first GPU there is. */
static void find_type(unsigned int shares, char *path, size_t bytes)
{
	static const char parents[] = "/sys/class/mdev_bus";
	char types[PATH_MAX], prefix[16];
	struct dirent *e, *t;
	DIR *dir, *sub;

	snprintf(prefix, sizeof(prefix), "-%ug.", shares);
	dir = opendir(parents);
	if (!dir)
		st_skip("no mdev parents: is vgpu_vfio loaded?");
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(types, sizeof(types), "%s/%s/mdev_supported_types",
			 parents, e->d_name);
		sub = opendir(types);
		while (sub && (t = readdir(sub))) {
			if (!strstr(t->d_name, prefix))
				continue;
			snprintf(path, bytes, "%.2000s/%s", types, t->d_name);
			closedir(sub);
			closedir(dir);
			return;
		}
		if (sub)
			closedir(sub);
	}
	closedir(dir);
	st_skip("no type with %u shares", shares);
}

void dev_create(struct dev *d, unsigned int n, unsigned int shares)
{
	char path[PATH_MAX];

	memset(d, 0, sizeof(*d));
	d->fd = d->group = d->container = -1;
	snprintf(d->uuid, sizeof(d->uuid),
		 "5f0d6c4a-7b1e-4c3d-9a55-0000%08x", n);
	/* what a case that was killed left behind */
	dev_remove(d);

	find_type(shares, path, sizeof(path) - sizeof("/create"));
	strcat(path, "/create");
	NEED_OK(write_text(path, d->uuid));
}

void dev_remove(struct dev *d)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove",
		 d->uuid);
	write_text(path, "1");
}

void dev_attr_text(const struct dev *d, const char *name, char *text,
		   size_t bytes)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/vgpu/%s",
		 d->uuid, name);
	fd = open(path, O_RDONLY);
	NEED(fd >= 0, "%s: %s", path, strerror(errno));
	n = read(fd, text, bytes - 1);
	NEED(n > 0, "%s: nothing to read", path);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
}

uint64_t dev_attr(const struct dev *d, const char *name)
{
	char text[64];

	dev_attr_text(d, name, text, sizeof(text));
	return strtoull(text, NULL, 0);
}

static void open_group(struct dev *d)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/iommu_group",
		 d->uuid);
	n = readlink(path, link, sizeof(link) - 1);
	NEED(n > 0, "%s: %s", path, strerror(errno));
	link[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);

	d->container = open("/dev/vfio/vfio", O_RDWR);
	NEED(d->container >= 0, "/dev/vfio/vfio: %s", strerror(errno));
	d->group = open(path, O_RDWR);
	NEED(d->group >= 0, "%s: %s", path, strerror(errno));
	NEED(!ioctl(d->group, VFIO_GROUP_GET_STATUS, &status) &&
	     status.flags & VFIO_GROUP_FLAGS_VIABLE, "group is not viable");
	NEED(!ioctl(d->group, VFIO_GROUP_SET_CONTAINER, &d->container),
	     "set container: %s", strerror(errno));
	NEED(!ioctl(d->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	     "set IOMMU: %s", strerror(errno));
}

int dma_map(struct dev *d, uint64_t iova, void *at, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at, .iova = iova, .size = bytes,
	};

	return ioctl(d->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int dma_unmap(struct dev *d, uint64_t iova, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = bytes,
	};

	return ioctl(d->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

void *dev_map(struct dev *d, unsigned int region, uint64_t offset,
	      uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		       d->region[region].offset + offset);

	NEED(p != MAP_FAILED, "mmap region %u at %#llx: %s", region,
	     (unsigned long long)offset, strerror(errno));
	return p;
}

int dev_may_open(struct dev *d)
{
	int fd, err;

	open_group(d);
	fd = ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, d->uuid);
	err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	close(d->group);
	close(d->container);
	return err;
}

void dev_open(struct dev *d)
{
	unsigned int i;

	open_group(d);
	d->fd = ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, d->uuid);
	NEED(d->fd >= 0, "get device: %s", strerror(errno));

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		d->region[i].argsz = sizeof(d->region[i]);
		d->region[i].index = i;
		NEED(!ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &d->region[i]),
		     "region %u: %s", i, strerror(errno));
	}

	d->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(d->ram != MAP_FAILED, "guest memory: %s", strerror(errno));
	NEED_OK(dma_map(d, 0, d->ram, RAM_BYTES));

	d->doorbells = dev_map(d, VFIO_PCI_BAR0_REGION_INDEX,
			       VGPU_BAR0_DOORBELLS, PAGE);
	d->timelines = dev_map(d, VFIO_PCI_BAR0_REGION_INDEX,
			       VGPU_BAR0_TIMELINES, PAGE);
	d->aperture = dev_map(d, VFIO_PCI_BAR2_REGION_INDEX, 0,
			      d->region[VFIO_PCI_BAR2_REGION_INDEX].size);
}

static void set_eventfds(struct dev *d)
{
	struct {
		struct vfio_irq_set head;
		int32_t fds[VGPU_MSIX_COUNT];
	} set = {
		.head = {
			.argsz = sizeof(set),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = VGPU_MSIX_COUNT,
		},
	};
	int i;

	for (i = 0; i < VGPU_MSIX_COUNT; i++) {
		d->efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		set.fds[i] = d->efd[i];
	}
	NEED(!ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set), "MSI-X: %s",
	     strerror(errno));

	d->req_efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	set.head.index = VFIO_PCI_REQ_IRQ_INDEX;
	set.head.count = 1;
	set.fds[0] = d->req_efd;
	NEED(!ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set), "request: %s",
	     strerror(errno));
}

void dev_set_up(struct dev *d)
{
	set_config(d, 0x10, BAR0_AT, 4);
	set_config(d, 0x18, (uint32_t)BAR2_AT, 4);
	set_config(d, 0x1c, BAR2_AT >> 32, 4);
	set_config(d, 0x04, 0x6, 2);
	set_reg(d, VGPU_REG_ADMIN_LO, (uint32_t)ADMIN_AT);
	set_reg(d, VGPU_REG_ADMIN_HI, ADMIN_AT >> 32);
	set_reg(d, VGPU_REG_ADMIN_BYTES, ADMIN_BYTES);
}

void dev_new(struct dev *d, unsigned int n, unsigned int shares)
{
	dev_create(d, n, shares);
	dev_open(d);
	set_eventfds(d);
	dev_set_up(d);
}

void dev_close(struct dev *d)
{
	int i;

	munmap((void *)d->doorbells, PAGE);
	munmap((void *)d->timelines, PAGE);
	munmap(d->aperture, d->region[VFIO_PCI_BAR2_REGION_INDEX].size);
	for (i = 0; i < VGPU_MSIX_COUNT; i++) {
		if (d->efd[i])
			close(d->efd[i]);
		d->efd[i] = 0;
	}
	if (d->req_efd)
		close(d->req_efd);
	d->req_efd = 0;
	close(d->fd);
	close(d->group);
	close(d->container);
	munmap(d->ram, RAM_BYTES);
}

ssize_t dev_read(struct dev *d, unsigned int region, uint64_t offset,
		 void *buf, size_t bytes)
{
	ssize_t n = pread(d->fd, buf, bytes, d->region[region].offset + offset);

	return n < 0 ? -errno : n;
}

ssize_t dev_write(struct dev *d, unsigned int region, uint64_t offset,
		  const void *buf, size_t bytes)
{
	ssize_t n = pwrite(d->fd, buf, bytes,
			   d->region[region].offset + offset);

	return n < 0 ? -errno : n;
}

uint32_t reg(struct dev *d, uint32_t offset)
{
	uint32_t value = 0;

	NEED_ERR(dev_read(d, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, 4), 4,
		 "register %#x", offset);
	return value;
}

void set_reg(struct dev *d, uint32_t offset, uint32_t value)
{
	NEED_ERR(dev_write(d, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, 4), 4,
		 "register %#x", offset);
}

uint32_t config(struct dev *d, uint32_t offset, size_t bytes)
{
	uint32_t value = 0;

	NEED_ERR(dev_read(d, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value,
			  bytes), (long)bytes, "config %#x", offset);
	return value;
}

void set_config(struct dev *d, uint32_t offset, uint32_t value, size_t bytes)
{
	NEED_ERR(dev_write(d, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value,
			   bytes), (long)bytes, "config %#x", offset);
}

uint64_t events(int efd, int ms)
{
	struct pollfd p = { .fd = efd, .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, ms) > 0 && read(efd, &n, sizeof(n)) != sizeof(n))
		n = 0;
	return n;
}

int admin(struct dev *d, uint32_t client, uint32_t call, void *arg,
	  uint32_t arg_bytes, const void *payload, uint32_t payload_bytes)
{
	volatile struct vgpu_admin_msg *msg = (void *)(d->ram + ADMIN_AT);
	uint8_t *body = d->ram + ADMIN_AT + sizeof(*msg);
	uint64_t end = st_now_ns() + ANSWER_NS;

	d->seq++;
	msg->seq = d->seq;
	msg->call = call;
	msg->client = client;
	msg->arg_bytes = arg_bytes;
	msg->payload_bytes = payload_bytes;
	msg->done_seq = d->seq - 1;
	msg->bells = 0;
	if (arg_bytes)
		memcpy(body, arg, arg_bytes);
	if (payload_bytes)
		memcpy(body + ((arg_bytes + 7) & ~7u), payload, payload_bytes);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	set_reg(d, VGPU_REG_ADMIN_KICK, 1);

	while (msg->done_seq != d->seq) {
		if (st_now_ns() > end)
			return -ETIMEDOUT;
		events(d->efd[VGPU_MSIX_ADMIN], 20);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (arg_bytes)
		memcpy(arg, body, arg_bytes);
	return msg->result;
}

int client_open(struct dev *d)
{
	volatile struct vgpu_admin_msg *msg = (void *)(d->ram + ADMIN_AT);
	int ret = admin(d, 0, VGPU_ADMIN_CLIENT_OPEN, NULL, 0, NULL, 0);

	return ret ? ret : (int)msg->client;
}

int client_open_bells(struct dev *d, uint32_t *page)
{
	volatile struct vgpu_admin_msg *msg = (void *)(d->ram + ADMIN_AT);
	int ret = admin(d, 0, VGPU_ADMIN_CLIENT_OPEN_BELLS, NULL, 0, NULL, 0);

	*page = msg->bells;
	return ret ? ret : (int)msg->client;
}

int client_close(struct dev *d, uint32_t client)
{
	return admin(d, client, VGPU_ADMIN_CLIENT_CLOSE, NULL, 0, NULL, 0);
}
