// SPDX-License-Identifier: GPL-2.0
/* The admin channel: what it refuses, and the work that goes through it. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <nl.h>

#include "gpu.h"

static volatile struct vgpu_admin_msg *page(struct dev *d, uint64_t at)
{
	return (void *)(d->ram + at);
}

/* Kicks with a message at a bus address; true: it was answered. */
static bool answers(struct dev *d, uint64_t at, uint32_t bytes,
		    volatile struct vgpu_admin_msg *msg)
{
	uint32_t bad = reg(d, VGPU_REG_BAD_ACCESS);
	int i;

	set_reg(d, VGPU_REG_ADMIN_LO, (uint32_t)at);
	set_reg(d, VGPU_REG_ADMIN_HI, at >> 32);
	set_reg(d, VGPU_REG_ADMIN_BYTES, bytes);
	d->seq++;
	if (msg) {
		memset((void *)msg, 0, sizeof(*msg));
		msg->seq = d->seq;
		msg->call = VGPU_ADMIN_CLIENT_OPEN;
		msg->done_seq = d->seq - 1;
	}
	set_reg(d, VGPU_REG_ADMIN_KICK, 1);
	for (i = 0; i < 1000; i++) {
		if (msg && msg->done_seq == d->seq)
			return true;
		if (reg(d, VGPU_REG_BAD_ACCESS) != bad)
			return false;
		st_sleep_ms(2);
	}
	st_fail(__FILE__, __LINE__, "neither answered nor refused");
	return false;
}

static void addresses(void)
{
	uint64_t half = RAM_BYTES / 2;
	struct gpu g;
	struct dev d;
	uint64_t at;
	uint32_t bo;

	dev_new(&d, 1, 1);
	CHECK(answers(&d, half, PAGE, page(&d, half)), "one page");
	CHECK(!answers(&d, half + 64, PAGE, page(&d, half + 64)), "unaligned");
	CHECK(!answers(&d, half, PAGE - 4, page(&d, half)), "too small");
	CHECK(!answers(&d, half, 0, page(&d, half)), "no length");
	CHECK(!answers(&d, 0, (1 << 20) + 1, page(&d, 0)), "too large");
	CHECK(!answers(&d, -PAGE, 2 * PAGE, NULL), "wraps");
	CHECK(!answers(&d, RAM_BYTES, PAGE, NULL), "nothing there");
	/* the end of guest memory: the head is there, all else is not needed */
	CHECK(answers(&d, RAM_BYTES - PAGE, 1 << 20,
		      page(&d, RAM_BYTES - PAGE)), "at the end of memory");

	set_config(&d, 0x04, 0x2, 2);
	CHECK(!answers(&d, half, PAGE, page(&d, half)), "not a bus master");
	set_config(&d, 0x04, 0x6, 2);

	/* QEMU maps the BARs for DMA, too: they would be found */
	set_reg(&d, VGPU_REG_ADMIN_LO, ADMIN_AT);
	set_reg(&d, VGPU_REG_ADMIN_BYTES, ADMIN_BYTES);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, 16 * PAGE, &bo, &at));
	NEED_OK(dma_map(&d, BAR2_AT,
			d.aperture, d.region[VFIO_PCI_BAR2_REGION_INDEX].size));
	CHECK(!answers(&d, BAR2_AT + at, PAGE, (void *)(d.aperture + at)),
	      "in its own aperture");
	NEED_OK(dma_map(&d, BAR2_AT - PAGE, d.ram, PAGE));
	CHECK(!answers(&d, BAR2_AT - PAGE, 2 * PAGE, page(&d, 0)),
	      "reaches into its own aperture");
	NEED_OK(dma_map(&d, BAR0_AT + VGPU_BAR0_DOORBELLS,
			(void *)d.doorbells, PAGE));
	CHECK(!answers(&d, BAR0_AT + VGPU_BAR0_DOORBELLS, PAGE,
		       (void *)d.doorbells), "in its own doorbells");
	CHECK(answers(&d, half, PAGE, page(&d, half)), "a good one again");
	dev_close(&d);
	dev_remove(&d);
}

/* Sizes a newer or an older guest may have, and those that nobody has. */
static void sizes(void)
{
	struct {
		struct vgpu_info info;
		uint8_t tail[1024];
	} big = {};
	struct vgpu_info info = { .size = sizeof(info) };
	struct dev d;
	int client;

	dev_new(&d, 1, 1);
	client = client_open(&d);
	NEED(client > 0, "client");
	NEED_OK(ADMIN(&d, client, VGPU_CALL_INFO, &info));
	CHECK(info.version == VGPU_UAPI_VERSION && info.vram_bytes, "info");

	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &info, 0, NULL, 0),
		  -EINVAL, "no structure");
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &info, 3, NULL, 0),
		  -EINVAL, "not even a size");
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &info, sizeof(info) - 8,
			NULL, 0), -EINVAL, "too short");
	info.size = sizeof(info) - 8;
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &info, sizeof(info) - 8,
			NULL, 0), -EINVAL, "shorter than the first");
	info.size = sizeof(info) + 8;
	CHECK_ERR(ADMIN(&d, client, VGPU_CALL_INFO, &info), -EINVAL,
		  "size differs");
	big.info.size = sizeof(info) + 64;
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &big, sizeof(info) + 64,
			NULL, 0), 0, "longer, zero");
	big.info.size = sizeof(info) + 64;
	big.tail[63] = 1;
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &big, sizeof(info) + 64,
			NULL, 0), -E2BIG, "longer, not zero");
	big.info.size = sizeof(big);
	CHECK_ERR(admin(&d, client, VGPU_CALL_INFO, &big, sizeof(big), NULL, 0),
		  -E2BIG, "longer than any");
	dev_close(&d);
	dev_remove(&d);
}

static void refusals(void)
{
	struct vgpu_wait wait = { .size = sizeof(wait), .timeout_ns = 1 };
	struct vgpu_eventfd efd = { .size = sizeof(efd) };
	struct vgpu_close close_arg = { .size = sizeof(close_arg) };
	struct vgpu_bo_create bo = { .size = sizeof(bo), .bytes = PAGE };
	struct vgpu_submit submit = { .size = sizeof(submit) };
	struct vgpu_bo_user user = { .size = sizeof(user), .addr = PAGE,
				     .bytes = PAGE };
	struct vgpu_bo_export export = { .size = sizeof(export) };
	struct vgpu_bo_import import = { .size = sizeof(import) };
	struct vgpu_cmd cmds[2] = {};
	volatile struct vgpu_admin_msg *msg;
	uint32_t call;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	msg = page(&d, ADMIN_AT);

	for (call = 0; call < 0x100; call++) {
		if (call >= VGPU_CALL_INFO && call < VGPU_CALL_END)
			continue;
		if (call == VGPU_ADMIN_CLIENT_OPEN ||
		    call == VGPU_ADMIN_CLIENT_OPEN_BELLS ||
		    call == VGPU_ADMIN_CLIENT_CLOSE)
			continue;
		CHECK_ERR(ADMIN(&d, g.client, call, &close_arg), -ENOTTY,
			  "call %#x", call);
	}
	CHECK_ERR(ADMIN(&d, g.client, ~0u, &close_arg), -ENOTTY, "call -1");
	CHECK_ERR(ADMIN(&d, 0, VGPU_CALL_CLOSE, &close_arg), -ENOENT,
		  "client 0");
	CHECK_ERR(ADMIN(&d, 77777, VGPU_CALL_CLOSE, &close_arg), -ENOENT,
		  "no such client");
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_CLOSE, &close_arg), -ENOENT,
		  "handle 0");
	CHECK_ERR(ADMIN(&d, 0, VGPU_ADMIN_CLIENT_OPEN, &close_arg), -EINVAL,
		  "open with a structure");
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_CLOSE, &close_arg,
			sizeof(close_arg), cmds, 8), -EINVAL,
		  "an array that no one named");

	wait.timeline = efd.timeline = g.timeline;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_WAIT, &wait), -EOPNOTSUPP,
		  "a wait that would block the channel");
	wait.timeout_ns = 0;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_WAIT, &wait), 0, "a look");
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_EVENTFD, &efd), -EOPNOTSUPP,
		  "a file of another machine");

	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_USER, &user), -EOPNOTSUPP,
		  "memory of a program of another machine");
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_EXPORT, &export),
		  -EOPNOTSUPP, "a descriptor of another machine");
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_IMPORT, &import),
		  -EOPNOTSUPP, "a descriptor of another machine");
	bo.flags = VGPU_BO_SHARE;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_CREATE, &bo), -EOPNOTSUPP,
		  "memory to be shared");

	bo.flags = 0x80;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_CREATE, &bo), -EOPNOTSUPP,
		  "unknown flag");
	bo.flags = 0;
	bo.pad = 1;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_BO_CREATE, &bo), -EINVAL,
		  "dirty padding");

	submit.queue = g.queue;
	submit.count = 2;
	submit.stride = sizeof(*cmds);
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit,
			sizeof(submit), cmds, sizeof(*cmds)), -EINVAL,
		  "fewer commands than promised");
	submit.stride = 8;
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit,
			sizeof(submit), cmds, 16), -EINVAL, "small stride");
	submit.stride = sizeof(*cmds);
	submit.count = 100000;
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit,
			sizeof(submit), NULL, 0), -EINVAL, "many commands");

	/* heads that promise more than the page holds */
	d.seq++;
	msg->seq = d.seq;
	msg->call = VGPU_CALL_SUBMIT;
	msg->client = g.client;
	msg->arg_bytes = sizeof(submit);
	msg->payload_bytes = ~0u;
	set_reg(&d, VGPU_REG_ADMIN_KICK, 1);
	while (msg->done_seq != d.seq)
		events(d.efd[VGPU_MSIX_ADMIN], 10);
	CHECK(msg->result == -EINVAL, "payload of 4 GiB: %d", msg->result);

	/* the same message kicked again is not done again */
	NEED_OK(gpu_submit(&g, cmds, 2));
	st_sleep_ms(20);
	msg->result = 1;
	set_reg(&d, VGPU_REG_ADMIN_KICK, 1);
	set_reg(&d, VGPU_REG_ADMIN_KICK, 1);
	st_sleep_ms(50);
	CHECK(msg->result == 1, "a message was done twice");
	dev_close(&d);
	dev_remove(&d);
}

static void clients(void)
{
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	struct vgpu_ctx_create ctx = { .size = sizeof(ctx) };
	int i, id, ids[64], first;
	struct dev d;

	dev_new(&d, 1, 1);
	for (i = 0; i < 64; i++) {
		ids[i] = client_open(&d);
		NEED(ids[i] > 0, "client %d: %s", i, st_errno(ids[i]));
	}
	CHECK_ERR(client_open(&d), -EMFILE, "one more");
	CHECK_OK(client_close(&d, ids[5]));
	CHECK_ERR(client_close(&d, ids[5]), -ENOENT, "closed twice");
	id = client_open(&d);
	CHECK(id > 0 && id != ids[5], "a number comes back at once");

	/* handles are each client's own */
	NEED_OK(ADMIN(&d, ids[0], VGPU_CALL_VM_CREATE, &vm));
	first = vm.handle;
	ctx.vm = first;
	CHECK_ERR(ADMIN(&d, ids[1], VGPU_CALL_CTX_CREATE, &ctx), -ENOENT,
		  "another client's address space");
	CHECK_ERR(ADMIN(&d, ids[0], VGPU_CALL_CTX_CREATE, &ctx), 0, "its own");
	dev_close(&d);
	dev_remove(&d);
}

/* As `vgpuctl access add deny --uid root` and `access delete all`. */
static uint64_t root_may(bool may)
{
	struct nl nl;

	nl_begin(&nl, may ? VGPU_NL_CMD_ACCESS_DELETE : VGPU_NL_CMD_ACCESS_ADD);
	if (may) {
		nl_put(&nl, VGPU_A_ACCESS_ALL, NULL, 0);
	} else {
		nl_u32(&nl, VGPU_A_ACCESS_VERDICT, VGPU_NL_VERDICT_DENY);
		nl_u32(&nl, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_UID);
		nl_u64(&nl, VGPU_A_ACCESS_ID, 0);
	}
	NEED_OK(nl_do(&nl));
	return nl_number(&nl, VGPU_A_ACCESS_CUT);
}

/* Who opened the device was root: all of the VM is there by root's rights. */
static void access_ends(void)
{
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	uint64_t at, cut;
	uint32_t bo;
	struct dev d;
	struct gpu g;
	int id;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, 1 << 20, &bo, &at));
	d.aperture[at] = 0x55;
	id = client_open(&d);
	NEED(id > 0, "client: %s", st_errno(id));
	cut = root_may(false);
	/* the device itself, and two processes of the VM */
	CHECK(cut == 3, "%llu were cut off", (unsigned long long)cut);
	CHECK_ERR(ADMIN(&d, (uint32_t)id, VGPU_CALL_VM_CREATE, &vm), -EACCES,
		  "a process of the VM");
	CHECK_ERR(client_open(&d), -EACCES, "another process");
	CHECK(d.aperture[at] != 0x55, "the memory is there");
	dev_close(&d);
	CHECK_ERR(dev_may_open(&d), -EACCES, "opened again");
	CHECK(!root_may(true), "cut off by taking a rule away");
	CHECK_OK(dev_may_open(&d));
	dev_remove(&d);
}

/* Rights that a vGPU has not, its VM has not. */
static void rights_go(void)
{
	struct vgpu_timeline_create tl = { .size = sizeof(tl) };
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	struct nl nl;
	uint64_t at;
	uint32_t bo;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, 1 << 20, &bo, &at));
	d.aperture[at] = 0x55;
	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, (uint32_t)dev_attr(&d, "id"));
	nl_u32(&nl, VGPU_A_VGPU_ALLOW, VGPU_NL_RIGHT_MEMORY);
	NEED_OK(nl_do(&nl));
	CHECK_OK(ADMIN(&d, g.client, VGPU_CALL_VM_CREATE, &vm));
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_TIMELINE_CREATE, &tl), -EPERM,
		  "without sync");
	CHECK(d.aperture[at] != 0x55, "without map, the memory is there");
	dev_close(&d);
	dev_remove(&d);
}

static void work(void)
{
	const uint32_t bytes = 256 << 10;
	uint32_t *cpu, bo, host, i;
	struct vgpu_info info = { .size = sizeof(info) };
	uint64_t at;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	/* a guest that touched the aperture before: not what the BO shows */
	for (i = 0; i < 64; i++)
		d.aperture[i * PAGE] = 0xee;
	NEED_OK(gpu_vram(&g, bytes, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, bytes));
	cpu = (void *)(d.aperture + at);
	for (i = 0; i < bytes / 4; i++)
		NEED(!cpu[i], "word %u is %#x", i, cpu[i]);

	events(d.efd[VGPU_MSIX_TIMELINE], 0);
	NEED_OK(gpu_do(&g, gpu_fill(VA_VRAM, bytes, 0xcafe0001)));
	CHECK(events(d.efd[VGPU_MSIX_TIMELINE], 1000), "no interrupt");
	for (i = 0; i < bytes / 4; i++)
		NEED(cpu[i] == 0xcafe0001, "word %u is %#x", i, cpu[i]);

	/* guest memory, page order reversed */
	NEED_OK(gpu_host(&g, RAM_FREE_AT + bytes - PAGE, -PAGE, bytes / PAGE,
			 &host));
	NEED_OK(gpu_map(&g, host, VA_HOST, bytes));
	for (i = 0; i < bytes / 4; i++)
		cpu[i] = i;
	NEED_OK(gpu_do(&g, gpu_copy(VA_HOST, VA_VRAM, bytes)));
	for (i = 0; i < bytes / 4; i++) {
		uint32_t reversed = i % 1024 + (bytes / 4096 - 1 - i / 1024) *
				    1024;
		uint32_t got = ((uint32_t *)(d.ram + RAM_FREE_AT))[reversed];

		NEED(got == i, "word %u is %#x", i, got);
	}

	/* a bad address: told to its owner, and the rest goes on */
	events(d.efd[VGPU_MSIX_ERROR], 0);
	CHECK_ERR(gpu_do(&g, gpu_fill(VA_VRAM + bytes, 64, 1)), -EFAULT,
		  "past the mapping");
	CHECK(events(d.efd[VGPU_MSIX_ERROR], 1000), "no error interrupt");
	CHECK(reg(&d, VGPU_REG_IRQ_STATUS) == 7, "interrupt status %#x",
	      reg(&d, VGPU_REG_IRQ_STATUS));
	set_reg(&d, VGPU_REG_IRQ_STATUS, 5);
	CHECK(reg(&d, VGPU_REG_IRQ_STATUS) == 2, "not cleared");
	CHECK_OK(gpu_do(&g, gpu_fill(VA_VRAM, 64, 1)));

	/* what is closed is gone from the aperture, too */
	NEED_OK(gpu_unmap(&g, VA_VRAM, bytes));
	NEED_OK(gpu_close(&g, bo));
	CHECK(cpu[1000] != 1000, "a closed BO is still there");
	NEED_OK(gpu_unmap(&g, VA_HOST, bytes));
	NEED_OK(gpu_close(&g, host));

	NEED_OK(client_close(&d, g.client));
	g.client = client_open(&d);
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_INFO, &info));
	CHECK(!info.vram_used, "%llu bytes of VRAM left behind",
	      info.vram_used);
	dev_close(&d);
	dev_remove(&d);
}

/* Classes and deadlines go over the channel as they are. */
static void classes(void)
{
	struct vgpu_queue_status status = { .size = sizeof(status) };
	struct vgpu_queue_create queue = { .size = sizeof(queue) };
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	struct vgpu_queue_set set = { .size = sizeof(set) };
	struct vgpu_submit submit = { .size = sizeof(submit) };
	struct vgpu_cmd cmds[2];
	uint64_t at;
	uint32_t bo;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, PAGE, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, PAGE));
	queue.ctx = g.ctx;
	queue.sched_class = 3;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue),
		  -EOPNOTSUPP, "(class)");
	queue.sched_class = VGPU_CLASS_BATCH;
	queue.fence_ms = 1;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue), -EINVAL,
		  "(without fences)");
	/* a fence is a descriptor, and there is none to give here */
	vm.flags = VGPU_VM_PINNED;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_VM_CREATE, &vm), -EOPNOTSUPP,
		  "(pinned)");
	/* a guest of before there were classes */
	queue.size = 48;
	NEED_OK(admin(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue, 48, NULL,
		      0));
	NEED_OK(gpu_close(&g, queue.handle));
	queue.size = sizeof(queue);
	queue.fence_ms = 0;
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue));
	set.queue = queue.handle;
	set.sched_class = VGPU_CLASS_HIGH;
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_QUEUE_SET, &set));
	set.sched_class = 7;
	CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_QUEUE_SET, &set), -EOPNOTSUPP,
		  "(class)");

	cmds[0] = gpu_fill(VA_VRAM, 64, 7);
	cmds[1] = gpu_signal(&g, ++g.value);
	submit.queue = queue.handle;
	submit.count = 2;
	submit.stride = sizeof(cmds[0]);
	submit.deadline_ns = -1;
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit, sizeof(submit),
			cmds, sizeof(cmds)), -EINVAL, "(no flag)");
	submit.flags = VGPU_SUBMIT_DEADLINE;
	submit.deadline_ns = INT64_MIN;
	CHECK_ERR(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit, sizeof(submit),
			cmds, sizeof(cmds)), -ERANGE, "(deadline)");
	submit.deadline_ns = -1;
	set_reg(&d, VGPU_REG_IRQ_STATUS, ~0u);
	NEED_OK(admin(&d, g.client, VGPU_CALL_SUBMIT, &submit, sizeof(submit),
		      cmds, sizeof(cmds)));
	NEED_OK(gpu_wait(&g, g.value, 20000));
	status.queue = queue.handle;
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_QUEUE_STATUS, &status));
	CHECK(status.sched_class == VGPU_CLASS_HIGH &&
	      status.deadlines_missed == 1 && !status.deadlines_met &&
	      status.late_max_ns && status.irq == VGPU_QUEUE_IRQ_LATE,
	      "class %u, %llu missed, %llu met, interrupts 0x%x",
	      status.sched_class, status.deadlines_missed,
	      status.deadlines_met, status.irq);
	CHECK(reg(&d, VGPU_REG_IRQ_STATUS) & 1u << VGPU_MSIX_ERROR,
	      "vector %u was not raised", VGPU_MSIX_ERROR);
	dev_close(&d);
	dev_remove(&d);
}

/* Commands from a ring in VRAM; the trap only when the event index asks. */
static void ring(void)
{
	struct vgpu_queue_create queue = {
		.size = sizeof(queue), .flags = VGPU_QUEUE_RING,
		.ring_slots = 16,
	};
	volatile struct vgpu_doorbell *db;
	struct vgpu_cmd *slots;
	uint32_t bo, ring_bo, n;
	uint64_t at, ring_at;
	uint32_t *cpu;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, PAGE, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, PAGE));
	NEED_OK(gpu_vram(&g, PAGE, &ring_bo, &ring_at));
	queue.ctx = g.ctx;
	queue.ring_bo = ring_bo;
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue));
	NEED(queue.doorbell < VGPU_DOORBELLS, "doorbell %u", queue.doorbell);
	db = &d.doorbells[queue.doorbell];
	slots = (void *)(d.aperture + ring_at);
	cpu = (void *)(d.aperture + at);

	for (n = 0; n < 200; n += 2) {
		uint32_t tail = db->tail;

		slots[tail % 16] = gpu_fill(VA_VRAM, PAGE, n);
		slots[(tail + 1) % 16] = gpu_signal(&g, ++g.value);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		db->tail = tail + 2;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		/* as virtio and NVMe do: did we pass the event index? */
		if ((uint32_t)(tail + 2 - db->event - 1) < 2)
			set_reg(&d, VGPU_REG_KICK, queue.doorbell);
		NEED_ERR(gpu_wait(&g, g.value, 10000), 0, "command %u", n);
		NEED(cpu[0] == n && cpu[1023] == n, "command %u: %u", n,
		     cpu[0]);
	}
	CHECK(db->head == db->tail, "head %u, tail %u", db->head, db->tail);

	/* a tail that cannot be: the queue stops, and nothing else does */
	db->tail += 1000;
	set_reg(&d, VGPU_REG_KICK, queue.doorbell);
	CHECK(events(d.efd[VGPU_MSIX_ERROR], 2000), "nobody says it is broken");
	CHECK(db->error < 0, "error %d", db->error);
	CHECK_OK(gpu_do(&g, gpu_fill(VA_VRAM, PAGE, 5)));
	dev_close(&d);
	dev_remove(&d);
}

static volatile struct vgpu_doorbell *bells_of(struct dev *d, uint32_t number)
{
	return dev_map(d, VFIO_PCI_BAR0_REGION_INDEX,
		       VGPU_BAR0_BELLS + (number - 1) * PAGE, PAGE);
}

/* A ring of 16 slots; the number of its doorbell. */
static uint32_t ring_new(struct gpu *g, struct vgpu_cmd **slots)
{
	struct vgpu_queue_create queue = {
		.size = sizeof(queue), .flags = VGPU_QUEUE_RING,
		.ring_slots = 16, .ctx = g->ctx,
	};
	uint64_t at;

	NEED_OK(gpu_vram(g, PAGE, &queue.ring_bo, &at));
	NEED_OK(ADMIN(g->d, g->client, VGPU_CALL_QUEUE_CREATE, &queue));
	*slots = (void *)(g->d->aperture + at);
	return queue.doorbell;
}

/* Clients with a page of doorbells of their own do not reach others' rings. */
static void bells(void)
{
	volatile struct vgpu_doorbell *mine[2], *db;
	uint32_t number[2], last, n, bad, i;
	struct vgpu_cmd *slots[2];
	struct gpu g[2], more;
	struct dev d;

	dev_new(&d, 1, 1);
	/* a page of nobody can be touched, and is nothing */
	mine[0] = bells_of(&d, VGPU_BELL_PAGES);
	mine[0][3].tail = 77;
	bad = reg(&d, VGPU_REG_BAD_ACCESS);
	reg(&d, VGPU_BAR0_BELLS);
	set_reg(&d, VGPU_REG_KICK, VGPU_BELL_PAGES * VGPU_DOORBELLS + 3);
	set_reg(&d, VGPU_REG_KICK, (VGPU_BELL_PAGES + 1) * VGPU_DOORBELLS);
	CHECK(reg(&d, VGPU_REG_BAD_ACCESS) == bad + 3, "%u counted of 3",
	      reg(&d, VGPU_REG_BAD_ACCESS) - bad);

	for (i = 0; i < 2; i++) {
		n = gpu_new_bells(&g[i], &d);
		NEED(n >= 1 && n <= VGPU_BELL_PAGES, "page %u", n);
		/* touched before it is anybody's queue's */
		mine[i] = bells_of(&d, n);
		CHECK(!mine[i][0].tail, "a new page is used");
		number[i] = ring_new(&g[i], &slots[i]);
		CHECK(number[i] / VGPU_DOORBELLS == n, "page %u, doorbell %u", n,
		      number[i]);
	}
	NEED(number[0] / VGPU_DOORBELLS != number[1] / VGPU_DOORBELLS,
	     "both have page %u", number[0] / VGPU_DOORBELLS);

	/* the first goes mad in its page: its own ring breaks, and no other */
	for (i = 0; i < VGPU_DOORBELLS; i++)
		mine[0][i].tail = 0x55555555;
	for (i = 0; i < VGPU_DOORBELLS; i++)
		set_reg(&d, VGPU_REG_KICK,
			number[0] / VGPU_DOORBELLS * VGPU_DOORBELLS + i);
	CHECK(events(d.efd[VGPU_MSIX_ERROR], 10000), "nobody says it is broken");
	db = &mine[1][number[1] % VGPU_DOORBELLS];
	for (n = 1; n <= 40; n++) {
		slots[1][(n - 1) % 16] = gpu_signal(&g[1], n);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		db->tail = n;
		set_reg(&d, VGPU_REG_KICK, number[1]);
		NEED_ERR(gpu_wait(&g[1], n, 10000), 0, "command %u", n);
	}
	CHECK(!db->error, "error %d", db->error);
	for (i = 0; i < VGPU_DOORBELLS; i++)
		CHECK(!d.doorbells[i].tail, "the shared page: %u has %#x", i,
		      d.doorbells[i].tail);

	/* who comes next has the page, and nothing of what was there */
	NEED_OK(client_close(&d, g[0].client));
	n = gpu_new_bells(&more, &d);
	CHECK(n == number[0] / VGPU_DOORBELLS, "page %u, %u was free", n,
	      number[0] / VGPU_DOORBELLS);
	for (i = 0; i < VGPU_DOORBELLS; i++)
		CHECK(!mine[0][i].tail, "doorbell %u: %#x", i, mine[0][i].tail);

	/* all that there are, and one more */
	for (i = 2, last = 0; i <= VGPU_BELL_PAGES; i++) {
		int client = client_open_bells(&d, &n);

		if (client < 0) {
			CHECK_ERR(client, -EMFILE, "client %u", i);
			break;
		}
		last = n;
	}
	CHECK(i == VGPU_BELL_PAGES && last == VGPU_BELL_PAGES,
	      "%u clients, the last had page %u", i, last);
	set_reg(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	CHECK(!db->tail, "a doorbell survives a reset");
	dev_close(&d);
	dev_remove(&d);
}

/* A reset in the middle of work: all gone, and all as new. */
static void reset_busy(void)
{
	struct vgpu_cmd cmds[64];
	struct vgpu_info info = { .size = sizeof(info) };
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	uint32_t bo, host, i, round;
	uint64_t at;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	for (round = 0; round < 6; round++) {
		d.seq = 0;
		gpu_new(&g, &d);
		NEED_OK(gpu_vram(&g, 8 << 20, &bo, &at));
		NEED_OK(gpu_map(&g, bo, VA_VRAM, 8 << 20));
		NEED_OK(gpu_host(&g, RAM_FREE_AT, PAGE, 1024, &host));
		NEED_OK(gpu_map(&g, host, VA_HOST, 1024 * PAGE));
		for (i = 0; i < 64; i++)
			cmds[i] = gpu_copy(VA_HOST, VA_VRAM, 1024 * PAGE);
		NEED_OK(gpu_submit(&g, cmds, 64));
		st_sleep_ms(round * 7);
		if (round & 1)
			set_reg(&d, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
		else
			NEED(!ioctl(d.fd, VFIO_DEVICE_RESET), "reset");
		dev_set_up(&d);
		d.seq = 0;
		CHECK_ERR(ADMIN(&d, g.client, VGPU_CALL_VM_CREATE, &vm),
			  -ENOENT, "a client survived");
		g.client = client_open(&d);
		NEED_OK(ADMIN(&d, g.client, VGPU_CALL_INFO, &info));
		CHECK(!info.vram_used, "%llu bytes left", info.vram_used);
		NEED_OK(client_close(&d, g.client));
	}
	dev_close(&d);
	dev_remove(&d);
}

static const struct st_case cases[] = {
	{ "addresses of the page", addresses },
	{ "sizes", sizes },
	{ "refusals", refusals },
	{ "clients", clients },
	{ "who opened may not any more", access_ends },
	{ "rights that go", rights_go },
	{ "work", work },
	{ "classes", classes },
	{ "ring", ring },
	{ "doorbells of its own", bells },
	{ "reset in the middle", reset_busy },
};

ST_MAIN(cases)
