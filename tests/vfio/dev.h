/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vGPU opened through VFIO, by hand: what QEMU does for a VM, and what the
 * driver in the VM does with the device.  Functions end the case when what
 * they need does not work, unless they return an errno.
 */
#ifndef VGPU_TESTS_VFIO_DEV_H
#define VGPU_TESTS_VFIO_DEV_H

#include <linux/vfio.h>
#include <linux/vgpu.h>
#include <linux/vgpu_hw.h>
#include <st.h>

#define PAGE		4096ull
#define RAM_BYTES	(32ull << 20)	/* of the make-believe guest */
#define ADMIN_AT	0ull		/* bus addresses */
#define ADMIN_BYTES	(1u << 20)
#define RAM_FREE_AT	(4ull << 20)	/* nothing of ours from here on */
#define BAR0_AT		0xfeb00000ull
#define BAR2_AT		0x800000000ull

struct dev {
	char uuid[37];
	int container;
	int group;
	int fd;
	uint8_t *ram;			/* bus address 0 on */
	struct vfio_region_info region[VFIO_PCI_NUM_REGIONS];
	int efd[VGPU_MSIX_COUNT];
	int req_efd;
	volatile struct vgpu_doorbell *doorbells;
	volatile uint64_t *timelines;
	uint8_t *aperture;
	uint32_t seq;
};

/* An mdev with that many eighths of a GPU; @n tells several of a case apart. */
void dev_create(struct dev *d, unsigned int n, unsigned int shares);
/* Opens it, maps the guest's memory and all that can be mapped. */
void dev_open(struct dev *d);
/* What opening and closing it at once gives: 0 or errno. */
int dev_may_open(struct dev *d);
/* Both, and what a guest's firmware and driver do first. */
void dev_new(struct dev *d, unsigned int n, unsigned int shares);
void dev_close(struct dev *d);
/* Removes the mdev. */
void dev_remove(struct dev *d);
/* BARs, memory and bus master, the admin page, eventfds. */
void dev_set_up(struct dev *d);

/* A sysfs attribute of the mdev, as a number or a word. */
uint64_t dev_attr(const struct dev *d, const char *name);
void dev_attr_text(const struct dev *d, const char *name, char *text,
		   size_t bytes);

int dma_map(struct dev *d, uint64_t iova, void *at, uint64_t bytes);
int dma_unmap(struct dev *d, uint64_t iova, uint64_t bytes);

/* Bytes, or a negative errno. */
ssize_t dev_read(struct dev *d, unsigned int region, uint64_t offset,
		 void *buf, size_t bytes);
ssize_t dev_write(struct dev *d, unsigned int region, uint64_t offset,
		  const void *buf, size_t bytes);
uint32_t reg(struct dev *d, uint32_t offset);
void set_reg(struct dev *d, uint32_t offset, uint32_t value);
uint32_t config(struct dev *d, uint32_t offset, size_t bytes);
void set_config(struct dev *d, uint32_t offset, uint32_t value, size_t bytes);

/* Sum of events since last asked; waits up to @ms for the first. */
uint64_t events(int efd, int ms);

/*
 * One message over the admin channel. The result, or -ETIMEDOUT when there
 * was none within a few seconds.
 */
int admin(struct dev *d, uint32_t client, uint32_t call, void *arg,
	  uint32_t arg_bytes, const void *payload, uint32_t payload_bytes);
#define ADMIN(d, client, call, arg)					\
	admin(d, client, call, arg, sizeof(*(arg)), NULL, 0)
/* The new client's number, or a negative errno. */
int client_open(struct dev *d);
/* With a page of doorbells that no other has. */
int client_open_bells(struct dev *d, uint32_t *page);
/* Maps part of a region; ends the case if that fails. */
void *dev_map(struct dev *d, unsigned int region, uint64_t offset,
	      uint64_t bytes);
int client_close(struct dev *d, uint32_t client);

#endif /* VGPU_TESTS_VFIO_DEV_H */
