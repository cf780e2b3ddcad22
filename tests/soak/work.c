// SPDX-License-Identifier: GPL-2.0
/* What a tenant may do.  Everything that comes out of it is compared. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <host/program.h>
#include "gpu.h"
#include "soak.h"

static uint64_t some_bytes(void)
{
	return (1 + st_below(st_below(4) ? 4 : 24)) * PAGE;
}

/* Wrong, if @bo is not all the pattern. */
static void expect(struct tenant *t, const void *at, uint64_t bytes,
		   uint64_t seed, const char *what)
{
	uint64_t bad = gpu_check_pattern(at, bytes, seed);

	if (bad != bytes)
		wrong(t, "%s: byte %llu of %llu is 0x%02x, not 0x%02x", what,
		      (unsigned long long)bad, (unsigned long long)bytes,
		      ((const uint8_t *)at)[bad], gpu_pattern(seed, bad));
}

int work_copy(struct tenant *t)
{
	uint64_t bytes = some_bytes(), seed = st_random();
	struct vgpu_bo *a, *b;
	struct vgpu_cmd cmd;
	int ret;

	ret = step_bo(t, bytes, st_below(3) ? 0 : VGPU_BO_HOST, &a) ?:
	      step_bo(t, bytes, st_below(3) ? 0 : VGPU_BO_HOST, &b);
	if (ret)
		return ret;
	gpu_fill_pattern(a->cpu, bytes, seed);
	cmd = vgpu_cmd_copy(b->va, a->va, bytes);
	ret = step_run(t, &cmd, 1);
	if (!ret) {
		expect(t, b->cpu, bytes, seed, "the copy");
		expect(t, a->cpu, bytes, seed, "the original");
	}
	return ret;
}

int work_fill(struct tenant *t)
{
	uint32_t pattern = (uint32_t)st_random(), *words;
	uint64_t bytes = some_bytes(), i;
	struct vgpu_bo *bo;
	struct vgpu_cmd cmd;
	int ret;

	ret = step_bo(t, bytes, 0, &bo);
	if (ret)
		return ret;
	cmd = vgpu_cmd_fill(bo->va, bytes / 2, pattern);
	ret = step_run(t, &cmd, 1);
	if (ret)
		return ret;
	words = bo->cpu;
	for (i = 0; i < bytes / 4; i++) {
		if (words[i] == (i < bytes / 8 ? pattern : 0))
			continue;
		wrong(t, "word %llu of %llu is 0x%08x (pattern 0x%08x)",
		      (unsigned long long)i, (unsigned long long)bytes / 4,
		      words[i], pattern);
		break;
	}
	return 0;
}

int work_kernel(struct tenant *t)
{
	uint64_t bytes = 512 + st_below(3584), seed = st_random();
	struct vgpu_bo *a, *b;
	struct copy_args args;
	struct vgpu_launch launch = {
		.entry = t->copy,
		.grid = { 1 + (uint32_t)st_below(4) },
		.block = { 1 + (uint16_t)st_below(16) },
		.args = &args, .args_bytes = sizeof(args),
	};
	int ret;

	ret = step_bo(t, PAGE, 0, &a) ?: step_bo(t, PAGE, 0, &b);
	if (ret)
		return ret;
	args = (struct copy_args){ a->va, b->va, bytes };
	gpu_fill_pattern(a->cpu, PAGE, seed);
	ret = vgpu_launch(t->queue, &launch, patience_ns()) ?:
	      vgpu_queue_finish(t->queue, patience_ns());
	if (!ret)
		expect(t, b->cpu, bytes, seed, "the kernel's copy");
	return ret;
}

/* A stock program, with the CPU's result beside it. */
static int program(struct tenant *t, bool ring)
{
	static char file[512];
	static char *const choices[][9] = {
		{ "isaxpy", "500" },
		{ "saxpy", "100" },
		{ "igemm", "8" },
		{ "gemm", "4" },
		{ "counter", "--groups", "2", "--lanes", "4", "--rounds", "20" },
		{ "copy", "10000" },
		{ "sha256", file, "--chunk", "256" },
	};
	char *const *chosen = choices[st_below(sizeof(choices) / sizeof(*choices))];
	struct run run = {
		.folder = getenv("VGPU_PROGRAMS"), .repeat = 1, .verify = true,
		.ring = ring, .timeout = 600 * soak->patience,
	};
	enum run_result result;
	char *argv[16] = { NULL };
	int argc = 0;

	snprintf(file, sizeof(file), "%s/spin.elf", run.folder);
	for (; chosen[argc]; argc++)
		argv[argc] = strdupa(chosen[argc]);
	result = program_run(&run, t->dev, program_find(argv[0]), argc, argv);
	if (result == RUN_OK)
		return 0;
	if (result == RUN_WRONG)
		wrong(t, "%s: %s", argv[0], run.message);
	else if (!t->prey)
		wrong(t, "%s: not done: %s", argv[0], run.message);
	return result == RUN_WRONG ? 0 : t->prey ? -EIO : -EAGAIN;
}

int work_program(struct tenant *t)
{
	return program(t, false);
}

int work_ring_program(struct tenant *t)
{
	return program(t, true);
}

/* One queue waits for what another does first; an eventfd hears of it. */
int work_timeline(struct tenant *t)
{
	uint64_t bytes = some_bytes(), seed = st_random(), told;
	struct vgpu_timeline *line = NULL;
	struct vgpu_queue *later = NULL;
	struct vgpu_ctx *ctx = NULL;
	struct vgpu_bo *a, *b, *c;
	struct vgpu_cmd cmds[2];
	int event, ret;

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = step_bo(t, bytes, 0, &a) ?: step_bo(t, bytes, 0, &b) ?:
	      step_bo(t, bytes, 0, &c) ?:
	      vgpu_timeline_create(t->dev, 5, &line) ?:
	      vgpu_timeline_eventfd(line, 9, event) ?:
	      vgpu_ctx_create(t->vm, 0, &ctx) ?:
	      vgpu_queue_create(ctx, NULL, &later);
	if (ret)
		goto out;
	gpu_fill_pattern(a->cpu, bytes, seed);
	cmds[0] = vgpu_cmd_wait(line, 9);
	cmds[1] = vgpu_cmd_copy(c->va, b->va, bytes);
	ret = submit_all(later, cmds, 2);
	if (ret)
		goto out;
	cmds[0] = vgpu_cmd_copy(b->va, a->va, bytes);
	cmds[1] = vgpu_cmd_signal(line, 9);
	ret = step_run(t, cmds, 2) ?: vgpu_queue_finish(later, patience_ns());
	if (ret)
		goto out;
	if (vgpu_timeline_value(line) != 9)
		wrong(t, "the timeline is at %llu, not 9",
		      (unsigned long long)vgpu_timeline_value(line));
	if (read(event, &told, sizeof(told)) != sizeof(told))
		wrong(t, "the eventfd was not told");
	expect(t, c->cpu, bytes, seed, "what came after a wait");
out:
	close(event);
	vgpu_queue_destroy(later);
	vgpu_ctx_destroy(ctx);
	vgpu_timeline_destroy(line);
	return ret;
}

/* Memory of ours, used in place; another page takes its address meanwhile. */
int work_lent(struct tenant *t)
{
	uint64_t bytes = (1 + st_below(8)) * PAGE, seed = st_random();
	struct vgpu_bo *lent = NULL, *bo;
	struct vgpu_cmd cmd;
	void *at;
	int ret;

	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -EAGAIN;
	gpu_fill_pattern(at, bytes, seed);
	ret = step_bo(t, bytes, 0, &bo) ?:
	      vgpu_bo_user(t->dev, at, bytes, &lent) ?:
	      vgpu_bo_map(lent, t->vm, VGPU_PROT_READ | VGPU_PROT_WRITE,
			  VGPU_VA_ANY);
	if (!ret) {
		if (st_below(2))
			madvise(at, bytes, MADV_DONTNEED);
		cmd = vgpu_cmd_copy(bo->va, lent->va, bytes);
		ret = step_run(t, &cmd, 1);
	}
	if (!ret)
		expect(t, bo->cpu, bytes, seed, "what was lent");
	vgpu_bo_destroy(lent);
	munmap(at, bytes);
	return ret;
}

/* The same memory by two handles. */
int work_shared(struct tenant *t)
{
	uint64_t bytes = some_bytes(), seed = st_random();
	struct vgpu_bo *bo, *again = NULL, *from;
	struct vgpu_cmd cmd;
	int fd = -1, ret;

	ret = step_bo(t, bytes, VGPU_BO_SHARE, &bo) ?:
	      step_bo(t, bytes, 0, &from) ?:
	      vgpu_bo_export(bo, &fd) ?:
	      vgpu_bo_import(t->dev, fd, &again) ?:
	      vgpu_bo_map(again, t->vm, VGPU_PROT_READ | VGPU_PROT_WRITE,
			  VGPU_VA_ANY);
	if (!ret) {
		gpu_fill_pattern(from->cpu, bytes, seed);
		cmd = vgpu_cmd_copy(again->va, from->va, bytes);
		ret = step_run(t, &cmd, 1);
	}
	if (!ret)
		expect(t, bo->cpu, bytes, seed, "what was written by its import");
	vgpu_bo_destroy(again);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* New memory is zero, whoever had it before. */
int work_zero(struct tenant *t)
{
	uint64_t bytes = (1 + st_below(128)) * PAGE, i, *words;
	struct vgpu_bo *bo;
	int ret = step_bo(t, bytes, st_below(4) ? 0 : VGPU_BO_HOST, &bo);

	if (ret)
		return ret;
	words = bo->cpu;
	for (i = 0; i < bytes / 8; i++) {
		if (words[i]) {
			wrong(t, "new memory has 0x%016llx at %llu of %llu",
			      (unsigned long long)words[i],
			      (unsigned long long)i * 8,
			      (unsigned long long)bytes);
			break;
		}
	}
	/* for whoever gets it next */
	gpu_fill_pattern(bo->cpu, bytes, st_random());
	return 0;
}

/* ---- what a tenant keeps, more than there is of all together ------------------- */

#define CHUNK	65536u
#define CHUNKS	32u

static uint32_t hoarded(const struct tenant *t, unsigned int chunk)
{
	return (t->hoard_seed + chunk) * 0x9e3779b1u | 1;
}

int hoard_begin(struct tenant *t)
{
	struct vgpu_cmd cmds[CHUNKS];
	unsigned int i;
	int ret;

	t->hoard_seed = (uint32_t)st_random();
	ret = vgpu_alloc(t->vm, CHUNKS * CHUNK, VGPU_PROT_READ | VGPU_PROT_WRITE,
			 0, &t->hoard);
	if (ret)
		return ret;
	for (i = 0; i < CHUNKS; i++)
		cmds[i] = vgpu_cmd_fill(t->hoard->va + i * CHUNK, CHUNK,
					hoarded(t, i));
	return step_run(t, cmds, CHUNKS);
}

/* Some of it, by the CPU or by the GPU, wherever it has been in the meantime. */
int work_hoard(struct tenant *t)
{
	unsigned int chunk = (unsigned int)st_below(CHUNKS), i;
	uint32_t want = hoarded(t, chunk), *at;
	struct vgpu_bo *bo;
	struct vgpu_cmd cmd;
	int ret;

	at = (uint32_t *)t->hoard->cpu + chunk * (CHUNK / 4);
	if (st_below(2)) {
		ret = step_bo(t, CHUNK, 0, &bo);
		if (ret)
			return ret;
		cmd = vgpu_cmd_copy(bo->va, t->hoard->va + chunk * CHUNK, CHUNK);
		ret = step_run(t, &cmd, 1);
		if (ret)
			return ret;
		at = bo->cpu;
	}
	for (i = 0; i < CHUNK / 4; i++) {
		if (at[i] == want)
			continue;
		wrong(t, "word %u of chunk %u is 0x%08x, not 0x%08x as it was",
		      i, chunk, at[i], want);
		break;
	}
	return 0;
}

/* An address space of its own, in pieces, at addresses that another one uses for others. */
int work_spaces(struct tenant *t)
{
	const struct vgpu_info *info = vgpu_info(t->dev);
	uint64_t seed = st_random(), va;
	struct vgpu_queue *queue = NULL;
	struct vgpu_ctx *ctx = NULL;
	struct vgpu_vm *vm = NULL;
	struct vgpu_bo *a = NULL, *b = NULL;
	struct vgpu_cmd cmd;
	void *at, *to;
	int ret;

	va = info->va_start + (st_below(1024) << 21);
	ret = vgpu_vm_create(t->dev, &vm) ?:
	      vgpu_ctx_create(vm, 0, &ctx) ?:
	      vgpu_queue_create(ctx, NULL, &queue) ?:
	      vgpu_bo_create(t->dev, 4 * PAGE, 0, 0, &a) ?:
	      vgpu_bo_create(t->dev, 4 * PAGE, 0, 0, &b) ?:
	      vgpu_bo_cpu(a, &at) ?: vgpu_bo_cpu(b, &to) ?:
	      vgpu_bo_map(a, vm, VGPU_PROT_READ, va) ?:
	      vgpu_bo_map(b, vm, VGPU_PROT_READ | VGPU_PROT_WRITE,
			  va + (1 << 30));
	if (ret)
		goto out;
	gpu_fill_pattern(at, 4 * PAGE, seed);
	cmd = vgpu_cmd_copy(va + (1 << 30), va, 4 * PAGE);
	ret = submit_all(queue, &cmd, 1) ?:
	      vgpu_queue_finish(queue, patience_ns());
	if (ret)
		goto out;
	expect(t, to, 4 * PAGE, seed, "the copy in a new address space");
	/* it may only be read there */
	cmd = vgpu_cmd_copy(va, va + (1 << 30), PAGE);
	ret = submit_all(queue, &cmd, 1) ?:
	      vgpu_queue_finish(queue, patience_ns());
	if (!ret)
		wrong(t, "a page that may only be read was written");
	else if (ret == -EFAULT)
		ret = 0;
out:
	vgpu_queue_destroy(queue);
	vgpu_ctx_destroy(ctx);
	vgpu_bo_destroy(a);
	vgpu_bo_destroy(b);
	vgpu_vm_destroy(vm);
	return ret;
}

/* Paused in the middle of work, which is as if nothing had been. */
int work_pause(struct tenant *t)
{
	uint64_t seed = st_random();
	struct vgpu_bo *a, *b;
	struct vgpu_cmd cmds[8];
	unsigned int i;
	int ret;

	ret = step_bo(t, 16 * PAGE, 0, &a) ?: step_bo(t, 16 * PAGE, 0, &b);
	if (ret)
		return ret;
	gpu_fill_pattern(a->cpu, 16 * PAGE, seed);
	for (i = 0; i < 8; i++)
		cmds[i] = vgpu_cmd_copy(b->va + i * 2 * PAGE,
					a->va + i * 2 * PAGE, 2 * PAGE);
	ret = submit_all(t->queue, cmds, 8);
	/* the administrator may be pausing it as well */
	st_verb(&t->vgpu, VGPU_VERB_PAUSE);
	st_sleep_ms((unsigned int)st_below(20));
	st_verb(&t->vgpu, VGPU_VERB_RESUME);
	ret = ret ?: vgpu_queue_finish(t->queue, patience_ns());
	if (!ret)
		expect(t, b->cpu, 16 * PAGE, seed, "what was paused");
	return ret;
}

/* ---- descriptors that are passed --------------------------------------------- */

struct letter {
	enum { LETTER_DMABUF, LETTER_NODE } what;
	unsigned int from;
	uint32_t id;
	uint64_t seed, bytes;
};

static int post(int sock, const struct letter *letter, int fd)
{
	struct iovec iov = { (void *)letter, sizeof(*letter) };
	union {
		struct cmsghdr head;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_DONTWAIT) < 0 ? -EAGAIN : 0;
}

static int fetch(int sock, struct letter *letter, int *fd)
{
	struct iovec iov = { letter, sizeof(*letter) };
	union {
		struct cmsghdr head;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !=
	    sizeof(*letter))
		return -EAGAIN;
	if (!CMSG_FIRSTHDR(&msg))
		return -EAGAIN;
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	return 0;
}

int work_send(struct tenant *t)
{
	/* mostly to whom it may concern */
	unsigned int to = st_below(3) ? t->slot ^ 1 :
			  (unsigned int)st_below(soak->tenants);
	struct letter letter = {
		.what = st_below(3) ? LETTER_DMABUF : LETTER_NODE,
		.from = t->slot, .id = t->vgpu.id,
		.seed = st_random(), .bytes = (1 + st_below(4)) * PAGE,
	};
	struct vgpu_dev *dev = NULL;
	struct vgpu_bo *bo;
	int fd = -1, ret;

	if (to >= soak->tenants)
		return -EAGAIN;
	if (letter.what == LETTER_NODE) {
		ret = vgpu_open(t->vgpu.path, &dev);
		if (!ret)
			ret = post(soak->slots[to].inbox[1], &letter,
				   vgpu_fd(dev));
		vgpu_close(dev);
		return ret;
	}
	ret = step_bo(t, letter.bytes, VGPU_BO_SHARE, &bo) ?:
	      vgpu_bo_export(bo, &fd);
	if (ret)
		return ret;
	gpu_fill_pattern(bo->cpu, letter.bytes, letter.seed);
	ret = post(soak->slots[to].inbox[1], &letter, fd);
	close(fd);
	return ret;
}

static int got_dmabuf(struct tenant *t, const struct letter *letter, int fd)
{
	unsigned int ours = slot_group(t->slot);
	bool may = letter->from == t->slot ?
		   letter->id == t->vgpu.id || ours :
		   ours && ours == slot_group(letter->from);
	struct vgpu_bo *bo = NULL, *own;
	struct vgpu_cmd cmd;
	int ret;

	ret = vgpu_bo_import(t->dev, fd, &bo);
	if (!ret && !may) {
		wrong(t, "memory of tenant %u, another owner's, was imported",
		      letter->from);
		goto out;
	}
	if (ret == -ESTALE)
		return 0;	/* it went meanwhile */
	if (!may && (ret == -EACCES ||
		     (ret == -EXDEV && slot_gpu(letter->from) != t->gpu)))
		return 0;
	if (ret)
		return ret;
	ret = step_bo(t, letter->bytes, 0, &own) ?:
	      vgpu_bo_map(bo, t->vm, VGPU_PROT_READ, VGPU_VA_ANY);
	if (ret == -ESTALE) {
		ret = 0;
	} else if (!ret) {
		cmd = vgpu_cmd_copy(own->va, bo->va, letter->bytes);
		ret = step_run(t, &cmd, 1);
		if (!ret)
			expect(t, own->cpu, letter->bytes, letter->seed,
			       "what another one shared");
		else if (ret == -EFAULT)
			ret = 0;	/* taken back */
	}
out:
	vgpu_bo_destroy(bo);
	return ret;
}

/* We are that client now, and nobody else. */
static int got_node(struct tenant *t, const struct letter *letter, int fd)
{
	struct vgpu_bo_create bo = { .bytes = 2 * PAGE };
	struct vgpu_vm_create vm = { 0 };
	struct vgpu_info info = { 0 };

	if (!CALL(fd, VGPU_IOCTL_INFO, &info) && info.id != letter->id)
		wrong(t, "a descriptor of v%u says that it is v%u's",
		      letter->id, info.id);
	CALL(fd, VGPU_IOCTL_BO_CREATE, &bo);
	CALL(fd, VGPU_IOCTL_VM_CREATE, &vm);
	if (bo.handle && vm.handle)
		st_map(fd, vm.handle, bo.handle, 3, info.va_start, 0, 2 * PAGE);
	return 0;
}

int work_inbox(struct tenant *t)
{
	struct letter letter;
	int fd, ret;

	if (fetch(soak->slots[t->slot].inbox[0], &letter, &fd))
		return -EAGAIN;
	ret = letter.what == LETTER_DMABUF ? got_dmabuf(t, &letter, fd) :
	      got_node(t, &letter, fd);
	close(fd);
	return ret;
}
