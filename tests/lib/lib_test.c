// SPDX-License-Identifier: GPL-2.0
/* The library on a device of user-space code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "priv.h"
#include "tap.h"

static struct fake fake;

/* A device, an address space, a context and a queue. */
struct setup {
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
};

static bool open_all(struct setup *s, const struct vgpu_queue_options *options)
{
	return !fake_open(&fake, &s->dev) && !vgpu_vm_create(s->dev, &s->vm) &&
	       !vgpu_ctx_create(s->vm, 0, &s->ctx) &&
	       !vgpu_queue_create(s->ctx, options, &s->queue);
}

static void close_all(struct setup *s)
{
	vgpu_queue_destroy(s->queue);
	vgpu_ctx_destroy(s->ctx);
	vgpu_vm_destroy(s->vm);
	vgpu_close(s->dev);
}

/* ---- names ---------------------------------------------------------------------- */

static void test_uuid(void)
{
	static const char text[] = "12345678-9abc-def0-1122-334455667788";
	static const char *const bad[] = {
		"", "1", "12345678-9abc-def0-1122-33445566778",
		"12345678-9abc-def0-1122-3344556677889",
		"12345678x9abc-def0-1122-334455667788",
		"12345678-9abc-def0-1122-33445566778g",
		"12345678-9abc-def0-1122-", "-",
		"123456789abcdef01122334455667788",
	};
	char back[VGPU_UUID_CHARS];
	unsigned int taken = 0;
	uint8_t uuid[16];

	tap(!vgpu_uuid_parse(text, uuid) && uuid[0] == 0x12 && uuid[15] == 0x88,
	    "a UUID is read");
	vgpu_uuid_format(uuid, back);
	tap(!strcmp(text, back), "and written as it was");
	tap(!vgpu_uuid_parse("ABCDEF00-0000-0000-0000-000000000000", uuid) &&
	    uuid[0] == 0xab, "capitals are read");
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		taken += !vgpu_uuid_parse(bad[i], uuid);
	tap(!taken, "what is no UUID is refused");
}

static void test_open(void)
{
	static const char *const bad[] = { "", "v", "x", "1x", "v1v", "-1",
					   "99999999999", "ctl" };
	struct vgpu_dev *dev;
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		wrong += vgpu_open(bad[i], &dev) != -EINVAL;
	tap(!wrong, "names that name no vGPU are refused (%s)", vgpu_error());
	tap(vgpu_open("/dev/vgpu/none", &dev) == -ENODEV,
	    "so is a path that is not there (%s)", vgpu_error());
	tap(vgpu_open("/dev/null", &dev) == -ENODEV,
	    "so is another device (%s)", vgpu_error());

	fake_init(&fake);
	fake.info.version = VGPU_UAPI_VERSION + 1;
	tap(fake_open(&fake, &dev) == -EPROTO, "so is another version (%s)",
	    vgpu_error());
}

/* ---- addresses -------------------------------------------------------------------- */

static void test_va(void)
{
	const uint64_t start = 0x10000, end = 0xff0000000000ULL;
	struct vgpu_va *va = vgpu_va_create(start, end);
	uint64_t a, b, c, d;

	tap(!vgpu_va_alloc(va, 4096, 4096, &a) && a >= start + (1ULL << 32),
	    "addresses begin 4 GiB above the start");
	tap(!vgpu_va_alloc(va, 8192, 4096, &b) && b == a + 4096,
	    "they follow each other");
	tap(!vgpu_va_alloc(va, 4096, 2 << 20, &c) && c % (2 << 20) == 0 && c > b,
	    "they are aligned");
	vgpu_va_free(va, a);
	tap(!vgpu_va_alloc(va, 4096, 4096, &d) && d == a,
	    "what was given back is used again");
	tap(!vgpu_va_take(va, 0x40000000, 4096), "a range of choice");
	tap(vgpu_va_take(va, 0x40000000, 4096) == -EEXIST &&
	    vgpu_va_take(va, 0x3ffff000, 8192) == -EEXIST &&
	    vgpu_va_take(va, b + 4096, 1 << 20) == -EEXIST,
	    "is refused when a part is in use");
	tap(vgpu_va_take(va, 0, 4096) == -ERANGE &&
	    vgpu_va_take(va, end, 4096) == -ERANGE &&
	    vgpu_va_take(va, end - 4096, 8192) == -ERANGE &&
	    vgpu_va_take(va, end - 4096, UINT64_MAX) == -ERANGE,
	    "or when it lies outside");
	tap(vgpu_va_alloc(va, end, 4096, &d) == -ENOSPC &&
	    vgpu_va_alloc(va, UINT64_MAX, 4096, &d) == -ENOSPC,
	    "more than there is");
	vgpu_va_destroy(va);

	va = vgpu_va_create(0, 16 * 4096);
	for (unsigned int i = 0; i < 16; i++)
		if (vgpu_va_alloc(va, 4096, 4096, &a))
			break;
	tap(a == 15 * 4096 && vgpu_va_alloc(va, 4096, 4096, &b) == -ENOSPC,
	    "a small space is used to its last page");
	vgpu_va_destroy(va);
}

/* Many ranges come and go; none may overlap. */
static void test_va_random(void)
{
	struct { uint64_t at, bytes; } held[64] = { 0 };
	struct vgpu_va *va = vgpu_va_create(0, 1ULL << 40);
	unsigned int overlaps = 0;
	uint64_t random = 1;

	for (unsigned int n = 0; n < 20000; n++) {
		unsigned int i = (random >> 40) % 64;

		random = random * 6364136223846793005u + 1442695040888963407u;
		if (held[i].bytes) {
			vgpu_va_free(va, held[i].at);
			held[i].bytes = 0;
			continue;
		}
		held[i].bytes = ((random >> 33) % 1024 + 1) * 4096;
		if (vgpu_va_alloc(va, held[i].bytes,
				  4096ULL << (random >> 50) % 10, &held[i].at))
			held[i].bytes = 0;
		for (unsigned int j = 0; j < 64; j++)
			if (j != i && held[i].bytes && held[j].bytes &&
			    held[i].at < held[j].at + held[j].bytes &&
			    held[j].at < held[i].at + held[i].bytes)
				overlaps++;
	}
	tap(!overlaps, "20000 ranges come and go, none overlap");
	vgpu_va_destroy(va);
}

/* ---- memory ------------------------------------------------------------------------ */

static void test_memory(void)
{
	struct setup s = { 0 };
	struct vgpu_bo *a, *b;
	void *cpu;

	fake_init(&fake);
	tap(open_all(&s, NULL), "a device opens");
	tap(!vgpu_bo_create(s.dev, 5000, 0, 0, &a) && a->bytes == 8192,
	    "a buffer is rounded up to pages");
	tap(!vgpu_bo_map(a, s.vm, VGPU_PROT_READ, VGPU_VA_ANY) && a->va,
	    "it is mapped");
	tap(vgpu_bo_map(a, s.vm, VGPU_PROT_READ, VGPU_VA_ANY) == -EBUSY,
	    "once only (%s)", vgpu_error());
	tap(!vgpu_bo_create(s.dev, 4096, 0, 0, &b) &&
	    vgpu_bo_map(b, s.vm, VGPU_PROT_READ, a->va) == -EEXIST &&
	    vgpu_bo_map(b, s.vm, VGPU_PROT_READ, 123) == -EINVAL,
	    "not over another, nor at an odd address");
	tap(!vgpu_bo_cpu(a, &cpu) && cpu ==
	    fake_at(&fake, s.vm->handle, a->va, 8192, VGPU_PROT_READ) &&
	    !fake_at(&fake, s.vm->handle, a->va, 1, VGPU_PROT_WRITE),
	    "the CPU sees the same memory, the GPU with its permissions");
	tap(vgpu_bo_create(s.dev, 0, 0, 0, &b) == -EINVAL &&
	    vgpu_bo_create(s.dev, UINT64_MAX, 0, 0, &b) == -EINVAL,
	    "no bytes and all bytes are refused");
	tap(vgpu_bo_create(s.dev, 1ULL << 40, 0, 0, &b) == -EDQUOT,
	    "so is more than the quota (%s)", vgpu_error());
	vgpu_bo_destroy(a);
	/* b of the first success was overwritten by failures only. */
	vgpu_bo_destroy(b);
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left (%u, %u)", fake.live,
	    fake.mapped);
	fake_destroy(&fake);
}

/* Everything that makes something, with each of its calls refused in turn. */
static void test_refusals(void)
{
	static const int calls[] = {
		VGPU_CALL_INFO, VGPU_CALL_BO_CREATE, VGPU_CALL_VM_CREATE,
		VGPU_CALL_VM_MAP, VGPU_CALL_CTX_CREATE, VGPU_CALL_QUEUE_CREATE,
		VGPU_CALL_TIMELINE_CREATE, VGPU_CALL_SUBMIT, VGPU_CALL_KICK,
	};
	const struct vgpu_queue_options ring = { .ring_slots = 8 };
	unsigned int leaks = 0, silent = 0, refused = 0;

	for (unsigned int n = 0; n < sizeof(calls) / sizeof(*calls) * 8; n++) {
		struct vgpu_launch launch = { .args = "x", .args_bytes = 1 };
		struct setup s = { 0 };
		struct vgpu_bo *bo = NULL;
		bool ok;

		fake_init(&fake);
		fake.asleep = true;
		fake.refuse_call = calls[n / 8];
		fake.refuse_after = n / 2 % 4;
		fake.refuse_with = -ENOMEM;
		ok = open_all(&s, n % 2 ? &ring : NULL) &&
		     !vgpu_alloc(s.vm, 4096, VGPU_PROT_READ | VGPU_PROT_EXEC, 0,
				 &bo);
		if (ok)
			launch.entry = bo->va;
		ok = ok && !vgpu_launch(s.queue, &launch, 0) &&
		     !vgpu_queue_finish(s.queue, 0);
		refused += !ok;
		silent += !ok && !*vgpu_error();
		vgpu_bo_destroy(bo);
		close_all(&s);
		leaks += fake.live || fake.mapped;
		fake_destroy(&fake);
	}
	/* Some are made less often than that and go well. */
	tap(refused >= 20 && refused < 72 && !leaks && !silent,
	    "each call refused in turn: no leak, always a reason (%u)", refused);
}

/* ---- queues --------------------------------------------------------------------------- */

static void test_submit(void)
{
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[3000];
	struct setup s = { 0 };
	struct vgpu_bo *bo;

	fake_init(&fake);
	tap(open_all(&s, NULL) &&
	    !vgpu_alloc(s.vm, 8192, VGPU_PROT_READ | VGPU_PROT_WRITE, 0, &bo),
	    "a queue and a buffer");
	cmds[0] = vgpu_cmd_fill(bo->va, 4096, 0x01020304);
	cmds[1] = vgpu_cmd_copy(bo->va + 4096, bo->va, 4096);
	tap(vgpu_submit(s.queue, cmds, 2, 0) == 2 &&
	    !vgpu_queue_finish(s.queue, 0) &&
	    ((uint8_t *)bo->cpu)[8191] == 1, "fill and copy");

	for (unsigned int i = 0; i < 3000; i++)
		cmds[i] = vgpu_cmd_nop();
	tap(vgpu_submit(s.queue, cmds, 3000, 0) == 3000,
	    "more commands than a call takes");
	fake.take_at_most = 7;
	tap(vgpu_submit(s.queue, cmds, 100, 0) == 100, "taken in pieces");
	fake.take_at_most = 0;
	cmds[5].op = 99;
	tap(vgpu_submit(s.queue, cmds, 10, 0) == 5, "up to the bad one");
	tap(vgpu_submit(s.queue, cmds + 5, 5, 0) == -EINVAL,
	    "which is refused (%s)", vgpu_error());

	cmds[0] = vgpu_cmd_copy(0x1000, 0x2000, 4);
	tap(vgpu_submit(s.queue, cmds, 1, 0) == 1 &&
	    vgpu_queue_finish(s.queue, 0) == -EFAULT,
	    "a command that fails is told (%s)", vgpu_error());
	tap(!vgpu_queue_finish(s.queue, 0), "once");
	tap(!vgpu_queue_status(s.queue, 0, &status) && status.failed == 1,
	    "and counted");

	fake.refuse_call = VGPU_CALL_SUBMIT;
	fake.refuse_with = -EAGAIN;
	tap(vgpu_submit(s.queue, cmds, 1, 3000000) == -EAGAIN,
	    "a queue that stays full ends in time (%s)", vgpu_error());
	fake.refuse_call = 0;
	vgpu_bo_destroy(bo);
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left");
	fake_destroy(&fake);
}

static void test_builders(void)
{
	struct vgpu_timeline timeline = { .handle = 5 };
	struct vgpu_cmd all[] = {
		vgpu_cmd_nop(), vgpu_cmd_copy(1, 2, 3), vgpu_cmd_fill(1, 2, 3),
		vgpu_cmd_signal(&timeline, 1), vgpu_cmd_wait(&timeline, 1),
	};
	static const unsigned int used[] = { 0, 3, 3, 2, 2 };
	unsigned int dirty = 0;

	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (unsigned int j = used[i]; j < 7; j++)
			dirty += all[i].raw[j] != 0;
	tap(!dirty && sizeof(struct vgpu_cmd) == 64,
	    "builders leave no dirt in bytes that an operation does not use");
}

static void test_ring(bool asleep)
{
	const struct vgpu_queue_options options = { .ring_slots = 8 };
	const char *device = asleep ? "a sleeping" : "a busy";
	struct vgpu_ring_figures figures;
	struct vgpu_cmd cmds[20];
	struct vgpu_doorbell *bell;
	struct setup s = { 0 };

	fake_init(&fake);
	fake.asleep = asleep;
	tap(open_all(&s, &options), "a ring, %s device", device);
	for (unsigned int i = 0; i < 20; i++)
		cmds[i] = vgpu_cmd_nop();
	bell = (struct vgpu_doorbell *)fake.doorbells +
	       vgpu_queue_handle(s.queue) % 256;

	for (unsigned int i = 0; i < 1000; i++) {
		if (vgpu_submit(s.queue, cmds, i % 8 + 1, 0) != (int)(i % 8 + 1))
			break;
		fake_poll_rings(&fake);
		if (bell->head != bell->tail)
			break;
	}
	tap(bell->head == 4500 && bell->head == bell->tail,
	    "%s device takes them all (%u)", device, bell->head);
	vgpu_queue_ring_figures(s.queue, &figures);
	tap(figures.written == 4500 && figures.kicks == fake.kicks &&
	    (asleep ? fake.kicks == 1000 : fake.kicks == 0),
	    "%s device is kicked %u times", device, fake.kicks);
	tap(!vgpu_queue_finish(s.queue, 0), "finish through %s device's ring",
	    device);

	/* Awake the device reads only when polled, so the ring fills up. */
	if (!asleep) {
		tap(vgpu_submit(s.queue, cmds, 20, 1000000) == 8,
		    "a full ring takes no more");
		tap(vgpu_submit(s.queue, cmds, 1, 0) == -EAGAIN,
		    "and says so (%s)", vgpu_error());
		fake_poll_rings(&fake);
		tap(vgpu_submit(s.queue, cmds, 8, 0) == 8, "until it is read");
	}
	bell->error = -EINVAL;
	tap(vgpu_submit(s.queue, cmds, 1, 0) == -EINVAL,
	    "a ring that %s device stopped (%s)", device, vgpu_error());
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left");
	fake_destroy(&fake);
}

/* Tail and head go past 2^32, in the smallest ring. */
static void test_ring_wrap(void)
{
	const struct vgpu_queue_options options = { .ring_slots = 2 };
	struct vgpu_ring_figures figures = { 0 };
	struct vgpu_doorbell *bell;
	struct vgpu_cmd cmds[2];
	struct setup s = { 0 };
	unsigned int taken = 0;

	fake_init(&fake);
	fake.asleep = true;
	fake.ring_start = UINT32_MAX - 6;
	tap(open_all(&s, &options), "a ring whose indices are about to wrap");
	bell = (struct vgpu_doorbell *)fake.doorbells +
	       vgpu_queue_handle(s.queue) % 256;
	cmds[0] = vgpu_cmd_nop();
	cmds[1] = vgpu_cmd_nop();
	for (unsigned int i = 0; i < 10; i++)
		taken += vgpu_submit(s.queue, cmds, i % 2 + 1, 0) ==
			 (int)(i % 2 + 1);
	vgpu_queue_ring_figures(s.queue, &figures);
	tap(taken == 10 && bell->head == 15 - 7 && figures.kicks == 10,
	    "goes on past it (%u)", bell->head);
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left");
	fake_destroy(&fake);
}

static void test_ring_sizes(void)
{
	static const uint32_t bad[] = { 1, 3, 6, 4097, 8192, UINT32_MAX };
	struct setup s = { 0 };
	unsigned int taken = 0;

	fake_init(&fake);
	if (!open_all(&s, NULL))
		return;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct vgpu_queue_options options = { .ring_slots = bad[i] };
		struct vgpu_queue *queue;

		taken += vgpu_queue_create(s.ctx, &options, &queue) != -EINVAL;
	}
	tap(!taken, "rings of odd sizes are refused (%s)", vgpu_error());
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left");
	fake_destroy(&fake);
}

static void test_timeline(void)
{
	struct vgpu_timeline *timeline;
	struct setup s = { 0 };
	unsigned int before;

	fake_init(&fake);
	tap(open_all(&s, NULL) && !vgpu_timeline_create(s.dev, 5, &timeline) &&
	    vgpu_timeline_value(timeline) == 5, "a timeline starts where it is told");
	before = fake.calls;
	tap(!vgpu_timeline_wait(timeline, 5, 0) && fake.calls == before,
	    "waiting for what is there takes no call");
	tap(vgpu_timeline_wait(timeline, 6, 0) == -ETIME,
	    "for what is not, says so (%s)", vgpu_error());
	tap(!vgpu_timeline_signal(timeline, 9) &&
	    vgpu_timeline_value(timeline) == 9 &&
	    vgpu_timeline_signal(timeline, 8) == -EINVAL,
	    "the CPU raises it, and cannot lower it");
	vgpu_timeline_destroy(timeline);
	close_all(&s);
	fake_destroy(&fake);
}

/* ---- launches ------------------------------------------------------------------------- */

static uint32_t launched_vm;
static uint8_t launched_args[16];

static int see_launch(struct fake *f, uint32_t vm,
		      const struct vgpu_cmd_launch *launch)
{
	uint8_t *args = fake_at(f, vm, launch->args, 16, VGPU_PROT_READ);
	uint64_t stacks = f->info.units * (uint64_t)launch->block[0] *
			  launch->block[1] * launch->block[2] *
			  launch->stack_bytes;

	launched_vm = vm;
	if (!args || !fake_at(f, vm, launch->stack, stacks, VGPU_PROT_WRITE))
		return -EFAULT;
	memcpy(launched_args, args, 16);
	return 0;
}

static void test_launch(const char *program)
{
	struct vgpu_kernel *kernel, *twice;
	struct vgpu_launch launch = { .grid = { 3 }, .block = { 8, 4 } };
	struct setup s = { 0 };
	unsigned int wrong = 0;
	uint8_t args[16];
	uint64_t entry;

	fake_init(&fake);
	fake.launch = see_launch;
	tap(open_all(&s, NULL), "a queue to launch on");
	tap(vgpu_kernel_load(s.vm, "/nonexistent", &kernel) == -ENOENT &&
	    vgpu_kernel_load(s.vm, "/", &kernel) == -ENOEXEC &&
	    vgpu_kernel_load(s.vm, "/dev/zero", &kernel) == -ENOEXEC &&
	    vgpu_kernel_load(s.vm, "/proc/self/exe", &kernel) == -ENOEXEC &&
	    vgpu_kernel_load_memory(s.vm, "", 0, &kernel) == -ENOEXEC,
	    "what is no program is not loaded (%s)", vgpu_error());
	if (!program || vgpu_kernel_load(s.vm, program, &kernel)) {
		tap(!program, "a program is loaded # SKIP no %s: %s",
		    program ? program : "program given", vgpu_error());
		close_all(&s);
		fake_destroy(&fake);
		return;
	}
	tap(!vgpu_kernel_entry(kernel, "sha256", &entry) &&
	    fake_at(&fake, s.vm->handle, entry, 4, VGPU_PROT_EXEC) &&
	    !fake_at(&fake, s.vm->handle, entry, 4, VGPU_PROT_WRITE),
	    "a program is loaded, its code cannot be written");
	tap(vgpu_kernel_load(s.vm, program, &twice) == -EEXIST,
	    "not twice into one address space (%s)", vgpu_error());
	tap(vgpu_kernel_entry(kernel, "nothing", &launch.entry) == -ENOENT,
	    "an unknown kernel (%s)", vgpu_error());

	launch.entry = entry;
	launch.args_bytes = 16;
	for (unsigned int i = 0; i < 5000; i++) {
		memset(args, (int)(i % 251), sizeof(args));
		launch.args = args;
		if (vgpu_launch(s.queue, &launch, 0) ||
		    memcmp(launched_args, args, 16))
			wrong++;
	}
	tap(!wrong && launched_vm == s.vm->handle &&
	    !vgpu_queue_finish(s.queue, 0),
	    "5000 launches, each with its arguments and stacks");
	launch.block[0] = 16;
	launch.stack_bytes = 8192;
	tap(!vgpu_launch(s.queue, &launch, 0) && !vgpu_queue_finish(s.queue, 0),
	    "and one with more stack");
	launch.block[1] = 5;
	tap(vgpu_launch(s.queue, &launch, 0) == -EINVAL,
	    "more lanes than there are (%s)", vgpu_error());
	launch.block[1] = 1;
	launch.shared_bytes = 16385;
	tap(vgpu_launch(s.queue, &launch, 0) == -EINVAL,
	    "more shared memory than there is (%s)", vgpu_error());
	launch.shared_bytes = 0;
	launch.stack_bytes = 24;
	tap(vgpu_launch(s.queue, &launch, 0) == -EINVAL,
	    "an odd stack (%s)", vgpu_error());
	launch.stack_bytes = 0;
	launch.args_bytes = 4097;
	tap(vgpu_launch(s.queue, &launch, 0) == -E2BIG,
	    "too many arguments (%s)", vgpu_error());
	vgpu_queue_destroy(s.queue);
	s.queue = NULL;
	vgpu_kernel_destroy(kernel);
	close_all(&s);
	tap(!fake.live && !fake.mapped, "nothing is left (%u, %u)", fake.live,
	    fake.mapped);
	fake_destroy(&fake);
}

int main(int argc, char **argv)
{
	tap_start();
	test_uuid();
	test_open();
	test_va();
	test_va_random();
	test_memory();
	test_refusals();
	test_builders();
	test_submit();
	test_ring(false);
	test_ring(true);
	test_ring_wrap();
	test_ring_sizes();
	test_timeline();
	test_launch(argc > 1 ? argv[1] : NULL);
	return tap_end();
}
