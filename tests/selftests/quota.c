// SPDX-License-Identifier: GPL-2.0
/* Quotas at work: who is told when one is near, and what becomes of who asks for more. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nl.h"
#include "st.h"

#define PAGE	4096ull
#define MIB	(1ull << 20)
#define SOON	20000		/* ms: what is to come has come by then */

/* ---- what management sees --------------------------------------------------- */

struct event {
	uint32_t what, resource;
	uint64_t used, limit, bytes;
};

/* The next one of @vgpu; false: none came. */
static bool hear(int ear, uint32_t vgpu, struct event *ev, int ms)
{
	struct nl nl;

	while (nl_hear(ear, &nl, ms)) {
		if (!nl_has(&nl, VGPU_A_EVENT_VGPU) ||
		    nl_number(&nl, VGPU_A_EVENT_VGPU) != vgpu)
			continue;
		memset(ev, 0, sizeof(*ev));
		ev->what = (uint32_t)nl_number(&nl, VGPU_A_EVENT_EVENT);
		ev->resource = (uint32_t)nl_number(&nl, VGPU_A_EVENT_RESOURCE);
		ev->used = nl_number(&nl, VGPU_A_EVENT_USED);
		ev->limit = nl_number(&nl, VGPU_A_EVENT_LIMIT);
		if (nl_has(&nl, VGPU_A_EVENT_BYTES))
			ev->bytes = nl_number(&nl, VGPU_A_EVENT_BYTES);
		return true;
	}
	return false;
}

static void expect(int ear, uint32_t vgpu, uint32_t what, uint32_t resource,
		   const char *when)
{
	struct event ev;

	NEED(hear(ear, vgpu, &ev, SOON), "%s: no event", when);
	NEED(ev.what == what && ev.resource == resource,
	     "%s: event %u of resource %u, not %u of %u", when, ev.what,
	     ev.resource, what, resource);
}

static uint64_t figure(uint32_t vgpu, uint16_t attr)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_GET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	NEED_OK(nl_do(&nl));
	return nl_number(&nl, attr);
}

static int set_wide(uint32_t vgpu, uint16_t attr, uint64_t value)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	nl_u64(&nl, attr, value);
	return nl_do(&nl);
}

struct violation {
	uint64_t count, asked, limit, used;
	uint32_t resource, action, pid;
};

/* How many entries there are; the @n-th goes to @v if it is there. */
static unsigned int violations(uint32_t vgpu, unsigned int n,
			       struct violation *v)
{
	unsigned int i = 0;
	struct nl nl, in;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_VIOLATIONS_GET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	NEED_OK(nl_do(&nl));
	for (; nl_nest(&nl, VGPU_A_VGPU_VIOLATION, i, &in); i++) {
		if (i != n)
			continue;
		v->count = nl_number(&in, VGPU_A_VIOLATION_COUNT);
		v->asked = nl_number(&in, VGPU_A_VIOLATION_ASKED);
		v->limit = nl_number(&in, VGPU_A_VIOLATION_LIMIT);
		v->used = nl_number(&in, VGPU_A_VIOLATION_USED);
		v->resource = (uint32_t)nl_number(&in, VGPU_A_VIOLATION_RESOURCE);
		v->action = (uint32_t)nl_number(&in, VGPU_A_VIOLATION_ACTION);
		v->pid = (uint32_t)nl_number(&in, VGPU_A_VIOLATION_PID);
	}
	return i;
}

/* ---- a tenant --------------------------------------------------------------- */

static int try_bo(int fd, uint64_t bytes, uint32_t *handle)
{
	struct vgpu_bo_create arg = { .bytes = bytes };
	int ret = CALL(fd, VGPU_IOCTL_BO_CREATE, &arg);

	*handle = arg.handle;
	return ret;
}

#define MEMORY	VGPU_NL_RESOURCE_MEMORY
#define WARNING	VGPU_NL_EVENT_QUOTA_WARNING
#define CRITICAL VGPU_NL_EVENT_QUOTA_CRITICAL
#define RECOVERED VGPU_NL_EVENT_QUOTA_RECOVERED

static void levels(void)
{
	struct vgpu_info info;
	struct st_vgpu v;
	struct event ev;
	uint32_t bo[6];
	int ear;

	ear = nl_ear("quota");
	st_vgpu(&v, 1, 0);
	st_info(v.fd, &info);
	/* 79 %: nothing; 81; 96; and down again */
	bo[0] = st_bo(v.fd, info.vram_bytes / 100 * 79, 0, NULL);
	bo[1] = st_bo(v.fd, info.vram_bytes / 100 * 2, 0, NULL);
	expect(ear, v.id, WARNING, MEMORY, "81 %");
	bo[2] = st_bo(v.fd, info.vram_bytes / 100 * 15, 0, NULL);
	expect(ear, v.id, CRITICAL, MEMORY, "96 %");
	/* 94 %, and up again: no edge */
	NEED_OK(st_close(v.fd, bo[1]));
	bo[1] = st_bo(v.fd, info.vram_bytes / 100 * 2, 0, NULL);
	NEED_OK(st_close(v.fd, bo[2]));
	expect(ear, v.id, RECOVERED, MEMORY, "81 % again");
	/* a warning was given: not before it was below 75 % */
	NEED_OK(st_close(v.fd, bo[1]));
	bo[1] = st_bo(v.fd, info.vram_bytes / 100 * 2, 0, NULL);
	NEED_OK(st_close(v.fd, bo[0]));
	bo[0] = st_bo(v.fd, info.vram_bytes / 100 * 79, 0, NULL);
	expect(ear, v.id, WARNING, MEMORY, "81 % for the second time");
	/* all at once, as when it is killed */
	NEED_OK(st_verb(&v, VGPU_VERB_STOP));
	NEED(hear(ear, v.id, &ev, SOON), "stopped: no event");
	CHECK(ev.what == RECOVERED && ev.limit == info.vram_bytes,
	      "stopped: event %u, limit %llu", ev.what,
	      (unsigned long long)ev.limit);
	CHECK(!hear(ear, v.id, &ev, 100), "then event %u", ev.what);
	CHECK(!figure(v.id, VGPU_A_VGPU_VIOLATIONS), "nobody was refused");
}

/* The quota is lowered and raised beside what is in use. */
static void levels_follow_quota(void)
{
	struct vgpu_info info;
	struct st_vgpu v;
	uint64_t half;
	int ear;

	ear = nl_ear("quota");
	st_vgpu(&v, 1, 0);
	st_info(v.fd, &info);
	half = info.vram_bytes / 2 & ~(PAGE - 1);
	st_bo(v.fd, half, 0, NULL);
	CHECK_ERR(set_wide(v.id, VGPU_A_VGPU_VRAM_LIMIT, half - PAGE), -EBUSY,
		  "(less than is in use)");
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_VRAM_LIMIT, half));
	expect(ear, v.id, CRITICAL, MEMORY, "lowered to what is in use");
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_VRAM_LIMIT, info.vram_bytes));
	expect(ear, v.id, RECOVERED, MEMORY, "raised");
}

/* Across an edge as fast as it can: bounded, counted, and the end is told. */
static void levels_flood(void)
{
	unsigned int i, seen = 0, rounds = 300;
	struct event ev = { 0 };
	struct st_vgpu v;
	uint64_t held, t0;
	uint32_t bo;
	int ear;

	ear = nl_ear("quota");
	st_vgpu(&v, 1, 0);
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_VRAM_LIMIT, 25 * PAGE));
	t0 = st_now_ns();
	for (i = 0; i < rounds; i++) {
		bo = st_bo(v.fd, 24 * PAGE, 0, NULL);
		NEED_OK(st_close(v.fd, bo));
	}
	st_bo(v.fd, 24 * PAGE, 0, NULL);
	/* in each second 16, and one when it is over */
	held = (st_now_ns() - t0) / 1000000000 + 2;
	while (hear(ear, v.id, &ev, 4000) && ++seen <= 2 * rounds)
		;
	CHECK(seen <= held * 17 + 17, "%u events of %u edges", seen, 2 * rounds);
	CHECK(ev.what == CRITICAL, "the last is event %u", ev.what);
	held = figure(v.id, VGPU_A_VGPU_QUOTA_HELD);
	CHECK(held + seen >= 2 * rounds + 1, "%u told, %llu held, of %u", seen,
	      (unsigned long long)held, 2 * rounds + 1);
}

static void clients(void)
{
	int fds[256], i, ear, ret;
	struct violation log;
	struct st_vgpu v;

	ear = nl_ear("quota");
	st_vgpu(&v, 1, 0);
	for (i = 0; i < 255; i++) {
		fds[i] = open(v.path, O_RDWR | O_CLOEXEC);
		NEED(fds[i] >= 0, "client %d: %s", i, strerror(errno));
	}
	expect(ear, v.id, WARNING, VGPU_NL_RESOURCE_CLIENTS, "80 % of 256");
	expect(ear, v.id, CRITICAL, VGPU_NL_RESOURCE_CLIENTS, "95 % of 256");
	ret = open(v.path, O_RDWR | O_CLOEXEC) < 0 ? -errno : 0;
	CHECK_ERR(ret, -EMFILE, "(the 257th)");
	expect(ear, v.id, VGPU_NL_EVENT_QUOTA, VGPU_NL_RESOURCE_CLIENTS,
	       "the 257th");
	NEED(violations(v.id, 0, &log) == 1, "one entry");
	CHECK(log.resource == VGPU_NL_RESOURCE_CLIENTS && log.used == 256 &&
	      log.pid == (uint32_t)getpid(), "resource %u, %llu in use, pid %u",
	      log.resource, (unsigned long long)log.used, log.pid);
	for (i = 0; i < 255; i++)
		close(fds[i]);
	expect(ear, v.id, RECOVERED, VGPU_NL_RESOURCE_CLIENTS, "closed");
}

/* ---- the log ---------------------------------------------------------------- */

static void *flood(void *arg)
{
	struct st_vgpu *v = arg;
	uint32_t bo;
	int i;

	for (i = 0; i < 1000; i++)
		CHECK_ERR(try_bo(v->fd, 1ull << 39, &bo), -EDQUOT, "(512 GiB)");
	return NULL;
}

/* Four threads: few entries, and none of the refusals is missing in them. */
static void log_flood(void)
{
	struct violation log = { 0 };
	uint64_t count = 0, last = 0;
	unsigned int i, n, told = 0;
	pthread_t threads[4];
	struct event ev;
	struct st_vgpu v;
	int ear;

	ear = nl_ear("quota");
	st_vgpu(&v, 1, 0);
	last = st_now_ns();
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, flood, &v);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	last = (st_now_ns() - last) / 10000000000ull + 2;
	n = violations(v.id, 0, &log);
	CHECK(n >= 1 && n <= last, "%u entries", n);
	CHECK(log.asked == 1ull << 39 && log.action == VGPU_NL_QUOTA_ACTION_REJECT &&
	      log.pid == (uint32_t)getpid(), "asked %llu, action %u, pid %u",
	      (unsigned long long)log.asked, log.action, log.pid);
	for (i = 0; i < n; i++) {
		violations(v.id, i, &log);
		count += log.count;
	}
	CHECK(count == 4000 && figure(v.id, VGPU_A_VGPU_VIOLATIONS) == 4000,
	      "%llu are counted", (unsigned long long)count);
	while (hear(ear, v.id, &ev, 200))
		told += ev.what == VGPU_NL_EVENT_QUOTA;
	CHECK(told == n, "%u events of %u entries", told, n);
}

/* ---- who waits for room ------------------------------------------------------ */

#define MINUTE_NS	60000000000ull
#define SMALL		(100 * PAGE)	/* the quota of what follows */

static int on(uint32_t vgpu, uint16_t attr, uint32_t action)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	nl_u32(&nl, attr, action);
	return nl_do(&nl);
}

/* Calls that go on waiting: those that the log has, less those that it knows as refused. */
static void wait_for_waiters(uint32_t vgpu, unsigned int want)
{
	uint64_t end = st_now_ns() + SOON * 1000000ull, count;
	struct violation log;
	unsigned int i, n;

	do {
		count = 0;
		n = violations(vgpu, 0, &log);
		for (i = 0; i < n; i++) {
			violations(vgpu, i, &log);
			if (log.action == VGPU_NL_QUOTA_ACTION_QUEUE)
				count += log.count;
		}
		if (count >= want)
			return;
		st_sleep_ms(5);
	} while (st_now_ns() < end);
	NEED(false, "%llu calls waited, not %u", (unsigned long long)count, want);
}

static void queueing(struct st_vgpu *v, uint64_t wait_ns)
{
	st_vgpu(v, 1, 0);
	NEED_OK(set_wide(v->id, VGPU_A_VGPU_VRAM_LIMIT, SMALL));
	NEED_OK(on(v->id, VGPU_A_VGPU_ON_MEMORY, VGPU_NL_QUOTA_ACTION_QUEUE));
	NEED_OK(set_wide(v->id, VGPU_A_VGPU_QUOTA_WAIT_NS, wait_ns));
}

struct asker {
	pthread_t thread;
	struct st_vgpu *v;
	uint64_t pages;
	int ret;
	uint32_t bo;
	unsigned int order;	/* of success, from 1 */
};

static unsigned int served;

static void *ask(void *arg)
{
	struct asker *a = arg;

	a->ret = try_bo(a->v->fd, a->pages * PAGE, &a->bo);
	a->order = __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void ask_later(struct asker *a, struct st_vgpu *v, uint64_t pages)
{
	a->v = v;
	a->pages = pages;
	NEED(!pthread_create(&a->thread, NULL, ask, a), "pthread_create");
}

/* First come first served: small ones do not overtake, and freeing is never waited with. */
static void queue_in_order(void)
{
	struct asker a[4];
	struct st_vgpu v;
	uint32_t bo[3];
	unsigned int i;

	queueing(&v, MINUTE_NS);
	bo[0] = st_bo(v.fd, 50 * PAGE, 0, NULL);
	bo[1] = st_bo(v.fd, 20 * PAGE, 0, NULL);
	bo[2] = st_bo(v.fd, 20 * PAGE, 0, NULL);
	/* of the ten that are left each of the small ones could have one at once */
	for (i = 0; i < 4; i++) {
		ask_later(&a[i], &v, i ? 1 : 90);
		wait_for_waiters(v.id, i + 1);
	}
	CHECK(!__atomic_load_n(&served, __ATOMIC_SEQ_CST), "the large one was overtaken");
	NEED_OK(st_close(v.fd, bo[1]));
	NEED_OK(st_close(v.fd, bo[2]));
	st_sleep_ms(20);
	CHECK(!__atomic_load_n(&served, __ATOMIC_SEQ_CST), "there was no room yet");
	NEED_OK(st_close(v.fd, bo[0]));
	for (i = 0; i < 4; i++) {
		pthread_join(a[i].thread, NULL);
		CHECK_OK(a[i].ret);
	}
	CHECK(figure(v.id, VGPU_A_VGPU_VRAM_USED) == 93 * PAGE, "93 pages");
}

/* As if it had not waited, but later; the next one has its turn. */
static void queue_ends(void)
{
	struct violation log;
	struct asker a;
	struct st_vgpu v;
	uint64_t t0;
	uint32_t bo;

	queueing(&v, 30000000);
	st_bo(v.fd, 90 * PAGE, 0, NULL);
	t0 = st_now_ns();
	CHECK_ERR(try_bo(v.fd, 20 * PAGE, &bo), -EDQUOT, "(30 ms)");
	CHECK(st_now_ns() - t0 >= 30000000, "it waited %llu ns",
	      (unsigned long long)(st_now_ns() - t0));
	NEED(violations(v.id, 1, &log) == 2, "queued, then refused");
	CHECK(log.action == VGPU_NL_QUOTA_ACTION_REJECT && log.used == 90 * PAGE,
	      "action %u", log.action);
	/* more room: another quota */
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, MINUTE_NS));
	ask_later(&a, &v, 20);
	wait_for_waiters(v.id, 2);
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_VRAM_LIMIT, 2 * SMALL));
	pthread_join(a.thread, NULL);
	CHECK_OK(a.ret);
	CHECK_OK(try_bo(v.fd, 20 * PAGE, &bo));
}

static void nothing(int sig)
{
	(void)sig;
}

static void queue_interrupted(void)
{
	struct sigaction act = { .sa_handler = nothing };
	struct asker a[2];
	struct st_vgpu v;
	uint32_t bo;

	queueing(&v, MINUTE_NS);
	bo = st_bo(v.fd, 90 * PAGE, 0, NULL);
	sigaction(SIGUSR1, &act, NULL);
	ask_later(&a[0], &v, 20);
	wait_for_waiters(v.id, 1);
	ask_later(&a[1], &v, 20);
	wait_for_waiters(v.id, 2);
	/* again and again: it may be on its way to sleep */
	while (!__atomic_load_n(&served, __ATOMIC_SEQ_CST)) {
		pthread_kill(a[0].thread, SIGUSR1);
		st_sleep_ms(5);
	}
	pthread_join(a[0].thread, NULL);
	CHECK_ERR(a[0].ret, -EINTR, "(a signal)");
	NEED_OK(st_close(v.fd, bo));
	pthread_join(a[1].thread, NULL);
	CHECK_OK(a[1].ret);
}

/* Killed with calls that wait; the vGPU is as if they had not been. */
static void queue_killed(void)
{
	struct st_vgpu v, other;
	struct asker a[8];
	int i, status;
	uint32_t bo;
	pid_t pid;

	queueing(&v, MINUTE_NS);
	other = v;
	bo = st_bo(v.fd, 90 * PAGE, 0, NULL);
	pid = fork();
	if (!pid) {
		other.fd = st_open(&v);
		for (i = 0; i < 8; i++)
			ask_later(&a[i], &other, 20);
		pause();
		_exit(0);
	}
	wait_for_waiters(v.id, 8);
	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	NEED_OK(st_close(v.fd, bo));
	CHECK_OK(try_bo(v.fd, 100 * PAGE, &bo));
	CHECK(figure(v.id, VGPU_A_VGPU_CLIENTS) == 1, "its client is gone");
}

static void queue_stopped(void)
{
	struct asker a[3];
	struct st_vgpu v;
	int i;

	queueing(&v, MINUTE_NS);
	st_bo(v.fd, 90 * PAGE, 0, NULL);
	for (i = 0; i < 3; i++)
		ask_later(&a[i], &v, 20);
	wait_for_waiters(v.id, 3);
	NEED_OK(st_verb(&v, VGPU_VERB_STOP));
	for (i = 0; i < 3; i++) {
		pthread_join(a[i].thread, NULL);
		CHECK_ERR(a[i].ret, -ESHUTDOWN, "(stopped)");
	}
	CHECK(!figure(v.id, VGPU_A_VGPU_VRAM_USED), "all of it is back");
}

static void *around_the_limit(void *arg)
{
	struct st_vgpu *v = arg;
	uint32_t bo;
	int i;

	for (i = 0; i < 100; i++) {
		NEED_OK(try_bo(v->fd, (30 + (uint64_t)i % 20) * PAGE, &bo));
		NEED_OK(st_close(v->fd, bo));
	}
	return NULL;
}

/* Two have room at a time: everybody is served, nobody is refused. */
static void queue_storm(void)
{
	pthread_t threads[12];
	struct st_vgpu v;
	unsigned int i;

	queueing(&v, MINUTE_NS);
	for (i = 0; i < 12; i++)
		pthread_create(&threads[i], NULL, around_the_limit, &v);
	for (i = 0; i < 12; i++)
		pthread_join(threads[i], NULL);
	CHECK(!figure(v.id, VGPU_A_VGPU_VRAM_USED), "all of it is back");
}

static void set_contexts(uint32_t max)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_GPU_SET);
	nl_u32(&nl, VGPU_A_GPU_INDEX, 0);
	nl_u32(&nl, VGPU_A_GPU_MAX_CONTEXTS, max);
	NEED_OK(nl_do(&nl));
}

static uint32_t context_vm;

static void *ask_context(void *arg)
{
	struct vgpu_ctx_create ctx = { .vm = context_vm };
	struct asker *a = arg;

	a->ret = CALL(a->v->fd, VGPU_IOCTL_CTX_CREATE, &ctx);
	return NULL;
}

/* For one that another vGPU has, then for its own. */
static void queue_contexts(void)
{
	struct st_vgpu v, w;
	struct asker a;
	uint32_t ctx;

	st_vgpu(&v, 1, 0);
	st_vgpu(&w, 1, 0);
	ctx = st_ctx(w.fd, st_vm(w.fd));
	set_contexts(1);
	context_vm = st_vm(v.fd);
	a.v = &v;
	ask_context(&a);
	CHECK_ERR(a.ret, -EMFILE, "(it does not wait)");
	NEED_OK(on(v.id, VGPU_A_VGPU_ON_CONTEXTS, VGPU_NL_QUOTA_ACTION_QUEUE));
	NEED_OK(set_wide(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, MINUTE_NS));
	NEED(!pthread_create(&a.thread, NULL, ask_context, &a), "pthread_create");
	wait_for_waiters(v.id, 1);
	NEED_OK(st_close(w.fd, ctx));
	pthread_join(a.thread, NULL);
	CHECK_OK(a.ret);
	/* and for one that nobody gives back: it ends with the vGPU */
	NEED(!pthread_create(&a.thread, NULL, ask_context, &a), "pthread_create");
	wait_for_waiters(v.id, 2);
	NEED_OK(st_verb(&v, VGPU_VERB_STOP));
	pthread_join(a.thread, NULL);
	set_contexts(1024);
	CHECK_ERR(a.ret, -ESHUTDOWN, "(stopped)");
}

static unsigned int take_contexts(int fd, uint32_t vm, unsigned int most, int *ret)
{
	struct vgpu_ctx_create ctx = { .vm = vm };
	unsigned int n;

	for (n = 0; n < most; n++) {
		*ret = CALL(fd, VGPU_IOCTL_CTX_CREATE, &ctx);
		if (*ret)
			break;
	}
	return n;
}

static unsigned int take_spaces(int fd, unsigned int most, int *ret)
{
	struct vgpu_vm_create vm = { 0 };
	unsigned int n;

	for (n = 0; n < most; n++) {
		*ret = CALL(fd, VGPU_IOCTL_VM_CREATE, &vm);
		if (*ret)
			break;
	}
	return n;
}

/*
 * One takes all contexts and address spaces that it can get, and waits for more: there
 * are some left for who comes later, and he does not wait behind it.
 */
static void commons(void)
{
	struct st_vgpu greedy, meek;
	struct violation last;
	unsigned int n, by_right;
	struct asker a;
	uint32_t vm;
	int ret;

	st_vgpu(&greedy, 4, 0);
	context_vm = st_vm(greedy.fd);
	n = take_contexts(greedy.fd, context_vm, 2048, &ret);
	CHECK_ERR(ret, -EMFILE, "(%u contexts)", n);
	CHECK(n > 512 && n < 1024, "%u contexts", n);
	NEED(violations(greedy.id, 0, &last) == 1, "no violation");
	CHECK(last.asked == 1 && last.used == n && last.limit == n,
	      "it had %llu of %llu", (unsigned long long)last.used,
	      (unsigned long long)last.limit);
	NEED_OK(on(greedy.id, VGPU_A_VGPU_ON_CONTEXTS, VGPU_NL_QUOTA_ACTION_QUEUE));
	NEED_OK(set_wide(greedy.id, VGPU_A_VGPU_QUOTA_WAIT_NS, MINUTE_NS));
	a.v = &greedy;
	NEED(!pthread_create(&a.thread, NULL, ask_context, &a), "pthread_create");
	wait_for_waiters(greedy.id, 1);

	st_vgpu(&meek, 1, 0);
	NEED_OK(on(meek.id, VGPU_A_VGPU_ON_CONTEXTS, VGPU_NL_QUOTA_ACTION_QUEUE));
	NEED_OK(set_wide(meek.id, VGPU_A_VGPU_QUOTA_WAIT_NS, 1000 * 1000));
	vm = st_vm(meek.fd);
	by_right = take_contexts(meek.fd, vm, 2048, &ret);
	CHECK_ERR(ret, -EMFILE, "(%u contexts)", by_right);
	CHECK(by_right == 8, "%u contexts by right", by_right);
	st_note("contexts: %u, and %u of who came later", n, by_right);

	n = take_spaces(greedy.fd, 2048, &ret);
	CHECK_ERR(ret, -EMFILE, "(%u address spaces)", n);
	by_right = take_spaces(meek.fd, 2048, &ret);
	CHECK_ERR(ret, -EMFILE, "(%u address spaces)", by_right);
	CHECK(by_right + 1 == 7, "%u address spaces by right", by_right + 1);
	st_note("address spaces: %u, and %u of who came later", n + 1, by_right + 1);

	NEED_OK(st_verb(&greedy, VGPU_VERB_STOP));
	pthread_join(a.thread, NULL);
	CHECK_ERR(a.ret, -ESHUTDOWN, "(stopped)");
	/* it is anybody's again */
	n = take_contexts(meek.fd, vm, 100, &ret);
	CHECK(n == 100, "%u more: %s", n, st_errno(ret));
}

/* One table says what makes sense; a refusal changes nothing. */
static void actions(void)
{
	static const uint8_t can[] = { 0x3, 0xe, 0x3, 0x1, 0x1 };
	uint32_t r, action;
	struct st_vgpu v;

	st_vgpu(&v, 1, 0);
	for (r = 0; r < 5; r++) {
		uint16_t attr = (uint16_t)(VGPU_A_VGPU_ON_MEMORY + r);
		uint64_t was = figure(v.id, attr);

		CHECK(was == (r == 1 ? 2 : 0), "resource %u: %u by itself", r,
		      (unsigned int)was);
		for (action = 0; action < 4; action++) {
			bool ok = can[r] >> action & 1;

			CHECK_ERR(on(v.id, attr, action), ok ? 0 : -EOPNOTSUPP,
				  "(resource %u, action %u)", r, action);
			if (ok)
				was = action;
			CHECK(figure(v.id, attr) == was, "resource %u is %u", r,
			      (unsigned int)figure(v.id, attr));
		}
		CHECK(on(v.id, attr, 4) < 0, "no such action");
	}
	CHECK_ERR(set_wide(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, 999999), -ERANGE,
		  "(less than a ms)");
	CHECK_ERR(set_wide(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, MINUTE_NS + 1),
		  -ERANGE, "(over a minute)");
}

/* Fills of a quarter of a MiB at 2 MB/s, in each way: never faster than that. */
#define CHUNK	(MIB / 4)
#define CHUNKS	12u

static void bandwidth(void)
{
	uint32_t action, vm, bo, queue, tl, ear;
	struct vgpu_info info;
	struct violation log;
	struct event ev;
	struct st_vgpu v;
	uint64_t t0, ns;
	unsigned int i;

	ear = (uint32_t)nl_ear("quota");
	for (action = VGPU_NL_QUOTA_ACTION_QUEUE;
	     action <= VGPU_NL_QUOTA_ACTION_PREEMPT; action++) {
		bool near = false;

		st_vgpu(&v, 1, 0);
		st_info(v.fd, &info);
		vm = st_vm(v.fd);
		bo = st_bo(v.fd, CHUNK, 0, NULL);
		NEED_OK(st_map(v.fd, vm, bo, VGPU_PROT_READ | VGPU_PROT_WRITE,
			       info.va_start, 0, CHUNK));
		queue = st_queue(v.fd, st_ctx(v.fd, vm));
		tl = st_timeline(v.fd, NULL);
		NEED_OK(set_wide(v.id, VGPU_A_VGPU_BANDWIDTH_MBPS, 2));
		NEED_OK(on(v.id, VGPU_A_VGPU_ON_BANDWIDTH, action));
		NEED_OK(set_wide(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, MINUTE_NS));
		t0 = st_now_ns();
		/* and until somebody saw that all of it is used */
		for (i = 0; i < CHUNKS || (!near && i < 200); i++) {
			struct vgpu_cmd cmds[] = {
				st_fill(info.va_start, CHUNK, 7),
				st_sync(VGPU_CMD_SIGNAL, tl, (uint64_t)i + 1),
			};

			NEED_OK(st_submit(v.fd, queue, cmds, 2));
			NEED_OK(st_wait(v.fd, tl, (uint64_t)i + 1, MINUTE_NS));
			while (hear((int)ear, v.id, &ev, 0))
				near |= ev.what == CRITICAL;
		}
		ns = st_now_ns() - t0;
		CHECK(near, "action %u: nobody was told", action);
		/* the last one is still to be paid; 10 ms were saved up */
		CHECK(ns >= (i - 1) * CHUNK * 500 - 20000000,
		      "action %u: %u fills in %llu ms", action, i,
		      (unsigned long long)ns / 1000000);
		NEED(violations(v.id, 0, &log) >= 1, "no violation");
		CHECK(log.resource == VGPU_NL_RESOURCE_BANDWIDTH &&
		      log.action == action, "resource %u, action %u",
		      log.resource, log.action);
		expect((int)ear, v.id, RECOVERED, VGPU_NL_RESOURCE_BANDWIDTH,
		       "idle");
		close(v.fd);
	}
}

static const struct st_case cases[] = {
	{ "levels", levels },
	{ "levels-follow-quota", levels_follow_quota },
	{ "levels-flood", levels_flood, 120 },
	{ "clients", clients },
	{ "log-flood", log_flood, 120 },
	{ "actions", actions },
	{ "queue-in-order", queue_in_order },
	{ "queue-ends", queue_ends },
	{ "queue-interrupted", queue_interrupted },
	{ "queue-killed", queue_killed },
	{ "queue-stopped", queue_stopped },
	{ "queue-storm", queue_storm, 180 },
	{ "queue-contexts", queue_contexts },
	{ "commons", commons },
	{ "bandwidth", bandwidth, 180 },
};

ST_MAIN(cases)
