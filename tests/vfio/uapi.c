// SPDX-License-Identifier: GPL-2.0
/* What VFIO promises of the device: regions, interrupts, config space. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define BAR0	VFIO_PCI_BAR0_REGION_INDEX
#define BAR2	VFIO_PCI_BAR2_REGION_INDEX
#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

static void info(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	struct dev d;
	unsigned int i;

	dev_new(&d, 1, 1);
	NEED(!ioctl(d.fd, VFIO_DEVICE_GET_INFO, &info), "info");
	CHECK(info.flags == (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET),
	      "flags %#x", info.flags);
	CHECK(info.num_regions == VFIO_PCI_NUM_REGIONS, "%u regions",
	      info.num_regions);
	CHECK(info.num_irqs == VFIO_PCI_NUM_IRQS, "%u irqs", info.num_irqs);
	info.argsz = 4;
	CHECK(ioctl(d.fd, VFIO_DEVICE_GET_INFO, &info) && errno == EINVAL,
	      "short info is taken");

	region.index = VFIO_PCI_NUM_REGIONS;
	CHECK(ioctl(d.fd, VFIO_DEVICE_GET_REGION_INFO, &region) &&
	      errno == EINVAL, "region past the last");
	irq.index = VFIO_PCI_NUM_IRQS;
	CHECK(ioctl(d.fd, VFIO_DEVICE_GET_IRQ_INFO, &irq) && errno == EINVAL,
	      "irq past the last");
	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		unsigned int want = i == VFIO_PCI_MSIX_IRQ_INDEX ?
			VGPU_MSIX_COUNT : i == VFIO_PCI_REQ_IRQ_INDEX;

		irq.index = i;
		CHECK(!ioctl(d.fd, VFIO_DEVICE_GET_IRQ_INFO, &irq) &&
		      irq.count == want, "irq %u: count %u", i, irq.count);
		CHECK(!want || irq.flags & VFIO_IRQ_INFO_EVENTFD,
		      "irq %u: flags %#x", i, irq.flags);
	}
	CHECK(ioctl(d.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info) &&
	      errno == ENOTTY, "unknown ioctl");
	dev_close(&d);
	dev_remove(&d);
}

static void regions(void)
{
	union {
		struct vfio_region_info info;
		uint8_t room[256];
	} u = { .info = { .argsz = sizeof(u), .index = BAR0 } };
	struct vfio_region_info_cap_sparse_mmap *sparse;
	struct dev d;
	unsigned int i;

	dev_new(&d, 1, 2);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		uint64_t want = i == BAR0 ? VGPU_BAR0_SIZE :
				i == CONFIG ? 256 : 0;

		if (i == BAR2)
			CHECK(d.region[i].size >= 64 << 20 &&
			      !(d.region[i].size & (d.region[i].size - 1)),
			      "aperture of %llu bytes", d.region[i].size);
		else
			CHECK(d.region[i].size == want, "region %u: %llu bytes",
			      i, d.region[i].size);
	}
	CHECK(d.region[BAR2].flags & VFIO_REGION_INFO_FLAG_MMAP,
	      "aperture cannot be mapped");
	CHECK(!(d.region[CONFIG].flags & VFIO_REGION_INFO_FLAG_MMAP),
	      "config space can be mapped");

	/* asked with no room: how much is needed */
	CHECK(d.region[BAR0].argsz > sizeof(struct vfio_region_info) &&
	      !d.region[BAR0].cap_offset, "no length of the capability");
	NEED(!ioctl(d.fd, VFIO_DEVICE_GET_REGION_INFO, &u.info), "BAR0");
	NEED(u.info.flags & VFIO_REGION_INFO_FLAG_CAPS && u.info.cap_offset,
	     "no capability");
	sparse = (void *)(u.room + u.info.cap_offset);
	CHECK(sparse->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP &&
	      sparse->header.version == 1 && !sparse->header.next,
	      "capability %u", sparse->header.id);
	NEED(sparse->nr_areas == 2, "%u areas", sparse->nr_areas);
	CHECK(sparse->areas[0].offset == VGPU_BAR0_DOORBELLS &&
	      sparse->areas[0].size == 2 * PAGE, "shared pages: %#llx+%#llx",
	      sparse->areas[0].offset, sparse->areas[0].size);
	CHECK(sparse->areas[1].offset == VGPU_BAR0_BELLS &&
	      sparse->areas[1].size == VGPU_BELL_PAGES * PAGE,
	      "doorbells: %#llx+%#llx", sparse->areas[1].offset,
	      sparse->areas[1].size);
	dev_close(&d);
	dev_remove(&d);
}

static int try_map(struct dev *d, unsigned int region, uint64_t offset,
		   uint64_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, d->fd,
		       d->region[region].offset + offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, bytes);
	return 0;
}

static void maps(void)
{
	struct dev d;
	uint64_t aperture;

	dev_new(&d, 1, 1);
	aperture = d.region[BAR2].size;
	CHECK_ERR(try_map(&d, BAR0, 0, PAGE, MAP_SHARED), -EINVAL,
		  "registers");
	CHECK_ERR(try_map(&d, BAR0, 0, 0x3000, MAP_SHARED), -EINVAL,
		  "registers and more");
	CHECK_ERR(try_map(&d, BAR0, 0x1000, 0x2000, MAP_SHARED), 0, "both");
	CHECK_ERR(try_map(&d, BAR0, 0x2000, 0x2000, MAP_SHARED), -EINVAL,
		  "past the timelines");
	CHECK_ERR(try_map(&d, BAR0, VGPU_BAR0_MSIX_TABLE, PAGE, MAP_SHARED),
		  -EINVAL, "MSI-X table");
	CHECK_ERR(try_map(&d, BAR0, 0x1000, PAGE, MAP_PRIVATE), -EINVAL,
		  "private");
	CHECK_ERR(try_map(&d, BAR2, 0, aperture, MAP_SHARED), 0, "aperture");
	CHECK_ERR(try_map(&d, BAR2, aperture - PAGE, 2 * PAGE, MAP_SHARED),
		  -EINVAL, "past the aperture");
	CHECK_ERR(try_map(&d, BAR2, aperture, PAGE, MAP_SHARED), -EINVAL,
		  "behind the aperture");
	CHECK_ERR(try_map(&d, CONFIG, 0, PAGE, MAP_SHARED), -EINVAL,
		  "config space");
	CHECK_ERR(try_map(&d, 1, 0, PAGE, MAP_SHARED), -EINVAL, "no such BAR");

	/* holes of the aperture hold something, which is nobody's memory */
	d.aperture[0] = 1;
	d.aperture[aperture - 1] = 2;
	dev_close(&d);
	dev_remove(&d);
}

static void config_space(void)
{
	uint8_t before[256], after[256], ones[256], now;
	struct dev d;
	unsigned int i, cap;
	uint32_t low, high;

	dev_create(&d, 1, 1);
	dev_open(&d);
	CHECK(config(&d, 0, 4) == (VGPU_PCI_DEVICE << 16 | VGPU_PCI_VENDOR),
	      "ids %#x", config(&d, 0, 4));
	CHECK(config(&d, 8, 4) >> 8 == VGPU_PCI_CLASS, "class %#x",
	      config(&d, 8, 4) >> 8);
	CHECK(config(&d, 0x0e, 1) == 0, "header %u", config(&d, 0x0e, 1));
	CHECK(config(&d, 0x3d, 1) == 0, "has a wired interrupt");
	cap = config(&d, 0x34, 1);
	CHECK(config(&d, cap, 1) == 0x11 && !config(&d, cap + 1, 1),
	      "no MSI-X capability");
	CHECK((config(&d, cap + 2, 2) & 0x7ff) == VGPU_MSIX_COUNT - 1,
	      "vectors");
	CHECK(config(&d, cap + 4, 4) == VGPU_BAR0_MSIX_TABLE, "table");
	CHECK(config(&d, cap + 8, 4) == VGPU_BAR0_MSIX_PBA, "PBA");

	/* sizing, as firmware does it */
	set_config(&d, 0x10, ~0u, 4);
	CHECK(config(&d, 0x10, 4) == (uint32_t)-VGPU_BAR0_SIZE, "BAR0 %#x",
	      config(&d, 0x10, 4));
	set_config(&d, 0x18, ~0u, 4);
	set_config(&d, 0x1c, ~0u, 4);
	low = config(&d, 0x18, 4);
	high = config(&d, 0x1c, 4);
	CHECK((low & 0xf) == 0xc, "BAR2 type %#x", low & 0xf);
	CHECK(-(((uint64_t)high << 32) | (low & ~0xfu)) == d.region[BAR2].size,
	      "BAR2 %#x %#x", high, low);
	set_config(&d, 0x14, ~0u, 4);
	CHECK(!config(&d, 0x14, 4), "BAR1 exists");

	/* write all, byte by byte: what cannot be written stays */
	NEED_ERR(dev_read(&d, CONFIG, 0, before, 256), 256, "all of it");
	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < 256; i++)
		NEED_ERR(dev_write(&d, CONFIG, i, &ones[i], 1), 1, "byte %u", i);
	CHECK(config(&d, 0, 4) == (VGPU_PCI_DEVICE << 16 | VGPU_PCI_VENDOR),
	      "ids were overwritten");
	CHECK((config(&d, 0x04, 2) & ~0x406u) == 0, "command %#x",
	      config(&d, 0x04, 2));
	NEED_ERR(dev_write(&d, CONFIG, 0, ones, 256), 256, "all at once");
	NEED(!ioctl(d.fd, VFIO_DEVICE_RESET), "reset");
	NEED_ERR(dev_read(&d, CONFIG, 0, after, 256), 256, "all of it");
	CHECK(!config(&d, 0x04, 2) && (config(&d, 0x10, 4) & ~0xfu) == 0,
	      "reset keeps command and BARs");
	CHECK(!memcmp(before, after, 4), "reset changes constants");

	CHECK_ERR(dev_read(&d, CONFIG, 256, &now, 1), 0, "end of config");
	CHECK_ERR(dev_read(&d, CONFIG, 257, &now, 1), -EINVAL, "past config");
	CHECK_ERR(dev_read(&d, CONFIG, 250, after, 100), 6, "over the end");
	dev_close(&d);
	dev_remove(&d);
}

static void registers(void)
{
	uint8_t bytes[64];
	struct dev d;
	uint32_t bad, i;

	dev_new(&d, 1, 1);
	CHECK(reg(&d, VGPU_REG_MAGIC) == VGPU_MAGIC, "magic");
	CHECK(reg(&d, VGPU_REG_VERSION) == VGPU_HW_VERSION, "version");
	CHECK(reg(&d, VGPU_REG_STATUS) == VGPU_STATUS_READY, "status %#x",
	      reg(&d, VGPU_REG_STATUS));
	CHECK(reg(&d, VGPU_REG_FEATURES) == VGPU_FEATURE_BELLS, "features %#x",
	      reg(&d, VGPU_REG_FEATURES));
	CHECK(reg(&d, VGPU_REG_ADMIN_BYTES) == ADMIN_BYTES, "admin bytes");
	set_reg(&d, VGPU_REG_MAGIC, 1);
	CHECK(reg(&d, VGPU_REG_MAGIC) == VGPU_MAGIC, "magic is written");

	bad = reg(&d, VGPU_REG_BAD_ACCESS);
	for (i = 0; i < 4; i++) {
		static const size_t sizes[] = { 1, 2, 8, 64 };

		memset(bytes, 0xaa, sizeof(bytes));
		CHECK_ERR(dev_read(&d, BAR0, VGPU_REG_MAGIC, bytes, sizes[i]),
			  (long)sizes[i], "size %zu", sizes[i]);
		CHECK(!bytes[0], "size %zu reads %#x", sizes[i], bytes[0]);
		CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == ++bad,
		      "size %zu is not counted", sizes[i]);
	}
	CHECK_ERR(dev_read(&d, BAR0, 2, bytes, 4), 4, "unaligned");
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == ++bad, "unaligned: not counted");
	reg(&d, VGPU_REG_CONTROL);
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == ++bad,
	      "a register to write was read");
	reg(&d, 0x800);
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == ++bad, "no register: not counted");
	set_reg(&d, VGPU_REG_KICK, VGPU_DOORBELLS);
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == ++bad, "doorbell past the last");
	set_reg(&d, VGPU_REG_KICK, 0);
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == bad, "doorbell of no queue");

	/* shared pages: the same through both ways in */
	d.doorbells[3].tail = 0x1234;
	CHECK(reg(&d, VGPU_BAR0_DOORBELLS + 3 * 16) == 0x1234, "doorbell");
	set_reg(&d, VGPU_BAR0_DOORBELLS + 3 * 16, 0x4321);
	CHECK(d.doorbells[3].tail == 0x4321, "doorbell the other way");

	set_reg(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	CHECK(!reg(&d, VGPU_REG_ADMIN_BYTES) && !reg(&d, VGPU_REG_BAD_ACCESS),
	      "registers survive a reset");
	CHECK(!d.doorbells[3].tail, "doorbells survive a reset");
	CHECK((config(&d, 0x04, 2) & 6) == 6, "a driver's reset took the BARs");
	dev_close(&d);
	dev_remove(&d);
}

static int set_irqs(struct dev *d, uint32_t index, uint32_t flags,
		    uint32_t start, uint32_t count, const void *data,
		    size_t bytes)
{
	struct {
		struct vfio_irq_set head;
		uint8_t data[64];
	} set = { .head = {
		.argsz = sizeof(set.head) + bytes, .flags = flags,
		.index = index, .start = start, .count = count,
	} };

	if (bytes)
		memcpy(set.data, data, bytes);
	return ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set) ? -errno : 0;
}

static void interrupts(void)
{
	const uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	const uint8_t bools[3] = { 0, 1, 0 };
	int32_t fds[4];
	struct dev d;

	dev_new(&d, 1, 1);
	CHECK_OK(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 1, 1,
			  NULL, 0));
	CHECK(events(d.efd[1], 0) == 1 && !events(d.efd[0], 0), "loopback");
	CHECK_OK(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_BOOL | trigger, 0, 3,
			  bools, 3));
	CHECK(events(d.efd[1], 0) == 1 && !events(d.efd[2], 0), "bools");

	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 3, 1,
			   NULL, 0), -EINVAL, "no such vector");
	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 2, 2,
			   NULL, 0), -EINVAL, "over the last vector");
	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 1,
			   UINT32_MAX, NULL, 0), -EINVAL, "wraps");
	CHECK_ERR(set_irqs(&d, VFIO_PCI_INTX_IRQ_INDEX,
			   VFIO_IRQ_SET_DATA_NONE | trigger, 0, 0, NULL, 0),
		  -EINVAL, "INTx");
	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE |
			   VFIO_IRQ_SET_ACTION_MASK, 0, 1, NULL, 0), -ENOTTY,
		  "mask");
	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_EVENTFD | trigger, 0, 3,
			   fds, 4), -EINVAL, "short data");
	CHECK_ERR(set_irqs(&d, 99, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 1,
			   NULL, 0), -EINVAL, "no such index");

	/* one that is none: none is taken */
	fds[0] = -1;
	fds[1] = d.efd[2];
	fds[2] = d.fd;
	CHECK_ERR(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_EVENTFD | trigger, 0, 3,
			   fds, 12), -EINVAL, "a file that is no eventfd");
	set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 1, 1, NULL, 0);
	CHECK(events(d.efd[1], 0) == 1, "half of a bad set was taken");
	/* swap, take one away, switch all off */
	fds[2] = d.efd[1];
	CHECK_OK(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_EVENTFD | trigger, 0, 3,
			  fds, 12));
	set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 3, NULL, 0);
	CHECK(events(d.efd[1], 0) == 1 && events(d.efd[2], 0) == 1 &&
	      !events(d.efd[0], 0), "swapped");
	CHECK_OK(set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 0,
			  NULL, 0));
	set_irqs(&d, msix, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 3, NULL, 0);
	CHECK(!events(d.efd[1], 0) && !events(d.efd[2], 0), "off");
	dev_close(&d);
	dev_remove(&d);
}

/* sysfs remove cannot fail: it asks, and waits until the device is closed. */
static void request(void)
{
	char path[128];
	struct dev d;
	int status;
	pid_t pid;

	dev_new(&d, 1, 1);
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", d.uuid);
	pid = fork();
	if (!pid) {
		/* only the parent shall have it open */
		dev_close(&d);
		dev_remove(&d);
		_exit(0);
	}
	CHECK(events(d.req_efd, 5000), "nobody asks");
	st_sleep_ms(300);
	CHECK(!waitpid(pid, &status, WNOHANG), "remove did not wait");
	/* it still works meanwhile */
	CHECK(client_open(&d) > 0, "the device stopped before it was closed");
	dev_close(&d);
	NEED(waitpid(pid, &status, 0) == pid && !status, "remove failed");
	CHECK(access(path, F_OK), "it is still there");
}

static void life(void)
{
	char state[32];
	struct dev d;
	struct gpu g;
	uint32_t bo;
	uint64_t at;
	int i;

	dev_create(&d, 1, 1);
	dev_attr_text(&d, "state", state, sizeof(state));
	CHECK(!strcmp(state, "created"), "new: %s", state);
	for (i = 0; i < 3; i++) {
		dev_open(&d);
		dev_set_up(&d);
		dev_attr_text(&d, "state", state, sizeof(state));
		CHECK(!strcmp(state, "running"), "open: %s", state);
		gpu_new(&g, &d);
		NEED_OK(gpu_vram(&g, 1 << 20, &bo, &at));
		CHECK(d.aperture[at] == 0, "opening %d sees old memory", i);
		d.aperture[at] = 0x55;
		d.doorbells[9].tail = 7;
		dev_close(&d);
		dev_attr_text(&d, "state", state, sizeof(state));
		CHECK(!strcmp(state, "stopped"), "closed: %s", state);
		d.seq = 0;
	}
	dev_remove(&d);
}

/* A mapping that outlives its opening shows nothing of the next one. */
static void stale_map(void)
{
	struct dev d;
	struct gpu g;
	uint32_t bo;
	uint64_t at;
	uint8_t *old;
	int status;
	pid_t pid;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, 1 << 20, &bo, &at));
	old = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, d.fd,
		   d.region[BAR2].offset + at);
	NEED(old != MAP_FAILED, "mmap");
	old[0] = 1;
	dev_close(&d);

	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		old[0] = 2;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
	      "a closed device's memory can be written");

	dev_open(&d);
	dev_set_up(&d);
	d.seq = 0;
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, 1 << 20, &bo, &at));
	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		old[0] = 3;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status), "an old mapping came to life again");
	CHECK(d.aperture[at] == 0, "and wrote");
	munmap(old, 1 << 20);
	dev_close(&d);
	dev_remove(&d);
}

static const struct st_case cases[] = {
	{ "info", info },
	{ "regions", regions },
	{ "maps", maps },
	{ "config space", config_space },
	{ "registers", registers },
	{ "interrupts", interrupts },
	{ "request to let go", request },
	{ "open and close", life },
	{ "stale mapping", stale_map },
};

ST_MAIN(cases)
