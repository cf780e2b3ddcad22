// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "images.h"

int memory_file(void)
{
	int fd = memfd_create("image", 0);

	NEED(fd >= 0, "memfd: %s", strerror(errno));
	return fd;
}

int save_to(const struct st_vgpu *vgpu, int fd, uint32_t flags,
	    struct vgpu_ctl_save *arg)
{
	*arg = (struct vgpu_ctl_save) {
		.id = vgpu->id, .fd = fd, .flags = flags,
	};
	return CALL(st_ctl(), VGPU_CTL_IOCTL_SAVE, arg);
}

/* Ends the case when it fails. */
int save(const struct st_vgpu *vgpu, uint32_t flags)
{
	struct vgpu_ctl_save arg;
	int fd = memory_file(), ret = save_to(vgpu, fd, flags, &arg);

	NEED(!ret, "save: %s: %s", st_errno(ret), arg.why);
	CHECK((uint64_t)lseek(fd, 0, SEEK_END) == arg.bytes,
	      "the image has other than %llu bytes", (unsigned long long)arg.bytes);
	return fd;
}

unsigned int image_gpu(void)
{
	return getenv("VGPU_GPUS") ? 1 : 0;
}

struct vgpu_ctl_restore restored;

/* Of the whole file. 0 or errno; @vgpu is closed, and goes with this process. */
int restore_from(int fd, struct st_vgpu *vgpu, uint32_t flags)
{
	int ret;

	memset(vgpu, 0, sizeof(*vgpu));
	vgpu->fd = -1;
	lseek(fd, 0, SEEK_SET);
	restored = (struct vgpu_ctl_restore) {
		.gpu = image_gpu(), .fd = fd, .flags = flags,
	};
	/* the one that was saved may be there still; who makes copies fail hits this one, too */
	NEED(getrandom(restored.uuid, 16, 0) == 16 ||
	     getrandom(restored.uuid, 16, 0) == 16, "getrandom");
	ret = CALL(st_ctl(), VGPU_CTL_IOCTL_RESTORE, &restored);
	vgpu->id = restored.id;
	snprintf(vgpu->path, sizeof(vgpu->path), "/dev/vgpu/v%u", restored.id);
	return ret;
}

int adopt(int fd, uint32_t number)
{
	return CALL(fd, VGPU_IOCTL_ADOPT,
		    &(struct vgpu_adopt) { .client = number });
}

/* Restored and adopted. */
void restore(int fd, struct st_vgpu *vgpu)
{
	int ret = restore_from(fd, vgpu, 0);

	NEED(!ret, "restore: %s: %s", st_errno(ret), restored.why);
	vgpu->fd = st_open(vgpu);
	NEED_OK(adopt(vgpu->fd, 1));
}

void drop(struct st_vgpu *vgpu)
{
	if (vgpu->fd >= 0)
		close(vgpu->fd);
	vgpu->fd = -1;
	NEED_OK(st_destroy(vgpu));
}

void make_scene(struct scene *sc)
{
	struct vgpu_info info;
	uint8_t *at;

	st_vgpu(&sc->vgpu, 1, 0);
	st_info(sc->vgpu.fd, &info);
	sc->quota = info.vram_bytes;
	/* handles and places that are not the first */
	sc->hole = st_bo(sc->vgpu.fd, 3 * VGPU_PAGE, 0, NULL);
	sc->bo = st_bo(sc->vgpu.fd, PAGES * VGPU_PAGE, 0, &sc->offset);
	sc->host = st_bo(sc->vgpu.fd, 2 * VGPU_PAGE, VGPU_BO_HOST,
			 &sc->host_offset);
	NEED_OK(st_close(sc->vgpu.fd, sc->hole));
	sc->timeline = st_timeline(sc->vgpu.fd, NULL);
	NEED_OK(st_close(sc->vgpu.fd, sc->timeline));
	st_timeline(sc->vgpu.fd, NULL);
	sc->timeline = st_timeline(sc->vgpu.fd, &sc->slot);
	sc->vm = st_vm(sc->vgpu.fd);
	NEED_OK(st_map(sc->vgpu.fd, sc->vm, sc->bo,
		       VGPU_PROT_READ | VGPU_PROT_WRITE, 1ull << 32, 0,
		       PAGES * VGPU_PAGE));
	NEED_OK(st_map(sc->vgpu.fd, sc->vm, sc->host, VGPU_PROT_READ, 1ull << 33,
		       0, 2 * VGPU_PAGE));
	sc->ctx = st_ctx(sc->vgpu.fd, sc->vm);
	sc->queue = st_queue(sc->vgpu.fd, sc->ctx);
	at = st_mmap(sc->vgpu.fd, sc->offset, PAGES * VGPU_PAGE,
		     PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED, "mmap: %s", strerror(errno));
	/* some pages of zeros between others */
	gpu_fill_pattern(at, 5 * VGPU_PAGE, 1);
	gpu_fill_pattern(at + 20 * VGPU_PAGE, 17 * VGPU_PAGE, 2);
	gpu_fill_pattern(at + 63 * VGPU_PAGE, VGPU_PAGE, 3);
	munmap(at, PAGES * VGPU_PAGE);
	at = st_mmap(sc->vgpu.fd, sc->host_offset, 2 * VGPU_PAGE,
		     PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED, "mmap: %s", strerror(errno));
	gpu_fill_pattern(at, 2 * VGPU_PAGE, 4);
	munmap(at, 2 * VGPU_PAGE);
	NEED_OK(CALL(sc->vgpu.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		.timeline = sc->timeline, .value = 0x123456789abull }));
}

void check_scene(const struct scene *sc, int fd)
{
	struct vgpu_wait wait = { .timeline = sc->timeline };
	uint64_t *values, at;
	uint8_t *p;

	p = st_mmap(fd, sc->offset, PAGES * VGPU_PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(gpu_check_pattern(p, 5 * VGPU_PAGE, 1) == 5 * VGPU_PAGE, "first pages differ");
	for (at = 5 * VGPU_PAGE; at < 20 * VGPU_PAGE && !p[at]; at++)
		;
	CHECK(at == 20 * VGPU_PAGE, "byte %llu is not zero", (unsigned long long)at);
	CHECK(gpu_check_pattern(p + 20 * VGPU_PAGE, 17 * VGPU_PAGE, 2) ==
	      17 * VGPU_PAGE, "pages in the middle differ");
	CHECK(gpu_check_pattern(p + 63 * VGPU_PAGE, VGPU_PAGE, 3) == VGPU_PAGE,
	      "the last page differs");
	munmap(p, PAGES * VGPU_PAGE);
	p = st_mmap(fd, sc->host_offset, 2 * VGPU_PAGE, PROT_READ);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(gpu_check_pattern(p, 2 * VGPU_PAGE, 4) == 2 * VGPU_PAGE,
	      "host memory differs");
	munmap(p, 2 * VGPU_PAGE);

	CHECK_ERR(CALL(fd, VGPU_IOCTL_WAIT, &wait), 0, " ");
	CHECK(wait.current_value == 0x123456789abull, "the timeline is at %llx",
	      (unsigned long long)wait.current_value);
	values = st_mmap(fd, VGPU_MMAP_TIMELINES, VGPU_PAGE, PROT_READ);
	NEED(values != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(values[sc->slot] == 0x123456789abull, "its page has %llx",
	      (unsigned long long)values[sc->slot]);
	munmap(values, VGPU_PAGE);
	/* and all of it is in use by the engine */
	st_run_one(fd, sc->queue, st_copy((1ull << 32) + 40 * VGPU_PAGE,
					  1ull << 33, 2 * VGPU_PAGE));
	p = st_mmap(fd, sc->offset, PAGES * VGPU_PAGE, PROT_READ);
	CHECK(p != MAP_FAILED && gpu_check_pattern(p + 40 * VGPU_PAGE, 2 * VGPU_PAGE, 4) ==
	      2 * VGPU_PAGE, "what was copied differs");
	munmap(p, PAGES * VGPU_PAGE);
}
