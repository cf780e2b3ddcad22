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

static const struct st_case cases[] = {
	{ "levels", levels },
	{ "levels-follow-quota", levels_follow_quota },
	{ "levels-flood", levels_flood, 120 },
	{ "clients", clients },
	{ "log-flood", log_flood, 120 },
};

ST_MAIN(cases)
