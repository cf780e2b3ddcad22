// SPDX-License-Identifier: GPL-2.0
/* Rules of access: who gets in, who is cut off, and what passing a descriptor on does. */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nl.h"
#include "st.h"

#define PAGE	4096ull
#define RW	(PROT_READ | PROT_WRITE)
#define CGROUPS	"/sys/fs/cgroup"

/* What `vgpuctl ARGS` prints; ends the case when it fails. */
static const char *vgpuctl(const char *format, ...)
{
	const char *top = getenv("VGPU_TOP");
	char args[200], command[300];
	static char text[8192];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, format);
	vsnprintf(args, sizeof(args), format, ap);
	va_end(ap);
	snprintf(command, sizeof(command), "%s/build/tools/vgpuctl %s",
		 top ?: ".", args);
	f = popen(command, "r");
	NEED(f, "%s", command);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	NEED(!pclose(f), "%s: %s", command, text);
	return text;
}

static unsigned int number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	NEED(at, "no %s in %s", key, text);
	return (unsigned int)strtoul(at + strlen(key), NULL, 10);
}

static struct nl rule_nl;

static void rule_begin(unsigned int verdict, unsigned int who, uint64_t id)
{
	nl_begin(&rule_nl, VGPU_NL_CMD_ACCESS_ADD);
	nl_u32(&rule_nl, VGPU_A_ACCESS_VERDICT, verdict);
	nl_u32(&rule_nl, VGPU_A_ACCESS_WHO, who);
	if (who != VGPU_NL_WHO_ANY)
		nl_u64(&rule_nl, VGPU_A_ACCESS_ID, id);
}

/* How many it cuts off, or would. */
static unsigned int rule_end(void)
{
	NEED_OK(nl_do(&rule_nl));
	return (unsigned int)nl_number(&rule_nl, VGPU_A_ACCESS_CUT);
}

static unsigned int rule(unsigned int verdict, unsigned int who, uint64_t id)
{
	rule_begin(verdict, who, id);
	return rule_end();
}

#define ALLOW(who, id)	rule(VGPU_NL_VERDICT_ALLOW, VGPU_NL_WHO_##who, id)
#define DENY(who, id)	rule(VGPU_NL_VERDICT_DENY, VGPU_NL_WHO_##who, id)

static unsigned int rule_at(unsigned int verdict, unsigned int who, uint64_t id,
			    uint32_t at)
{
	rule_begin(verdict, who, id);
	nl_u32(&rule_nl, VGPU_A_ACCESS_POSITION, at);
	return rule_end();
}

static unsigned int would(unsigned int verdict, unsigned int who, uint64_t id)
{
	rule_begin(verdict, who, id);
	nl_put(&rule_nl, VGPU_A_ACCESS_DRY_RUN, NULL, 0);
	return rule_end();
}

static void delete(uint32_t at)
{
	nl_begin(&rule_nl, VGPU_NL_CMD_ACCESS_DELETE);
	nl_u32(&rule_nl, VGPU_A_ACCESS_POSITION, at);
	NEED_OK(nl_do(&rule_nl));
}

static void no_rules(void)
{
	nl_begin(&rule_nl, VGPU_NL_CMD_ACCESS_DELETE);
	nl_put(&rule_nl, VGPU_A_ACCESS_ALL, NULL, 0);
	NEED_OK(nl_do(&rule_nl));
}

/* Who opens: a user, with groups, in a control group (a path below the root, or NULL). */
struct who {
	unsigned int uid, gid, group;
	const char *cgroup;
};

static void become(const struct who *who)
{
	char path[256];
	FILE *f;

	if (who->cgroup) {
		snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", who->cgroup);
		f = fopen(path, "w");
		NEED(f && fprintf(f, "%d", getpid()) > 0 && !fclose(f),
		     "%s: %s", path, strerror(errno));
	}
	NEED(!setgroups(who->group ? 1 : 0, &who->group) &&
	     !setgid(who->gid) && !setuid(who->uid), "become %u: %s", who->uid,
	     strerror(errno));
}

/* What opening gives to @who: 0 or errno. */
static int opens(const struct st_vgpu *vgpu, const struct who *who)
{
	int status;
	pid_t pid;

	chmod(vgpu->path, 0666);
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid) {
		become(who);
		_exit(open(vgpu->path, O_RDWR | O_CLOEXEC) < 0 ? errno : 0);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status),
	     "status %x", status);
	return -WEXITSTATUS(status);
}

static void vgpu_new(struct st_vgpu *vgpu)
{
	NEED_OK(st_create(vgpu, strdup(st_type(1)), 0, VGPU_CREATE_WITH_FD));
	NEED_OK(st_verb(vgpu, VGPU_VERB_START));
}

#define ROOT	(struct who){ 0 }
#define ALICE	(struct who){ 1001, 1001 }
#define BOB	(struct who){ 1002, 1002, 44 }

#define OPENS(vgpu, want, ...)						\
	CHECK_ERR(opens(vgpu, &(struct who)__VA_ARGS__), want, "(" #__VA_ARGS__ ")")

static void who_gets_in(void)
{
	struct st_vgpu a, b;
	const char *list;

	no_rules();
	vgpu_new(&a);
	vgpu_new(&b);
	OPENS(&a, 0, { 1001, 1001 });
	OPENS(&a, 0, { 0 });

	ALLOW(UID, 1001);
	OPENS(&a, 0, { 1001, 1001 });
	OPENS(&a, -EACCES, { 1002, 1002 });
	/* nobody is above the rules, but who may change them */
	OPENS(&a, -EACCES, { 0 });

	ALLOW(GID, 44);
	OPENS(&a, 0, { 1002, 1002, 44 });	/* one of its groups */
	OPENS(&a, 0, { 1002, 44, 1002 });	/* its first one */
	OPENS(&a, -EACCES, { 1002, 1002, 45 });

	/* the first that fits decides */
	rule_begin(VGPU_NL_VERDICT_DENY, VGPU_NL_WHO_UID, 1001);
	nl_u32(&rule_nl, VGPU_A_ACCESS_POSITION, 0);
	nl_put(&rule_nl, VGPU_A_ACCESS_VGPU, a.uuid, sizeof(a.uuid));
	rule_end();
	OPENS(&a, -EACCES, { 1001, 1001, 44 });
	OPENS(&b, 0, { 1001, 1001 });
	delete(0);
	OPENS(&a, 0, { 1001, 1001 });

	/* another GPU */
	no_rules();
	rule_begin(VGPU_NL_VERDICT_ALLOW, VGPU_NL_WHO_UID, 1001);
	nl_u64(&rule_nl, VGPU_A_ACCESS_GPUS, 1 << 7);
	rule_end();
	OPENS(&a, -EACCES, { 1001, 1001 });
	rule_begin(VGPU_NL_VERDICT_ALLOW, VGPU_NL_WHO_UID, 1001);
	nl_u64(&rule_nl, VGPU_A_ACCESS_GPUS, 1 << 7 | 1);
	rule_end();
	OPENS(&a, 0, { 1001, 1001 });

	/* 2 and 1 above, and those whom none was about */
	list = vgpuctl("-j access list");
	CHECK(number(strstr(list, "\"position\":1"), "\"hits\":") == 1,
	      "rule 1 is said to have decided: %s", list);
	no_rules();
	OPENS(&a, 0, { 1002, 1002 });
	list = vgpuctl("access list");
	CHECK(strstr(list, "no rules"), "%s", list);
}

static uint64_t cgroup_id(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	NEED(!stat(path, &st), "%s: %s", path, strerror(errno));
	return st.st_ino;
}

static void control_groups(void)
{
	struct st_vgpu a;

	no_rules();
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		st_skip("no control groups: %s", strerror(errno));
	mkdir(CGROUPS "/guests", 0755);
	mkdir(CGROUPS "/guests/one", 0755);
	mkdir(CGROUPS "/other", 0755);
	vgpu_new(&a);
	ALLOW(CGROUP, cgroup_id("/guests"));
	OPENS(&a, 0, { .cgroup = "/guests" });
	OPENS(&a, 0, { .cgroup = "/guests/one" });
	OPENS(&a, -EACCES, { .cgroup = "/other" });
	OPENS(&a, -EACCES, { 0 });
	CHECK(strstr(vgpuctl("access list"), "cgroup /guests"), "its path");
	no_rules();
	ALLOW(CGROUP, cgroup_id("/guests/one"));
	OPENS(&a, -EACCES, { .cgroup = "/guests" });
	OPENS(&a, 0, { .cgroup = "/guests/one" });
	no_rules();
	rmdir(CGROUPS "/guests/one");
	rmdir(CGROUPS "/guests");
	rmdir(CGROUPS "/other");
}

/* A child that opened as somebody, and passes the descriptor to us. */
static int opened_by(const struct st_vgpu *vgpu, const struct who *who)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	char byte;
	int pair[2], fd, status;
	pid_t pid;

	chmod(vgpu->path, 0666);
	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid) {
		become(who);
		fd = open(vgpu->path, O_RDWR | O_CLOEXEC);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		_exit(fd < 0 || sendmsg(pair[1], &msg, 0) != 1);
	}
	close(pair[1]);
	iov.iov_base = &byte;
	NEED(recvmsg(pair[0], &msg, 0) == 1 && control.head.cmsg_len, "recvmsg");
	NEED(waitpid(pid, &status, 0) == pid && !status, "status %x", status);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	close(pair[0]);
	return fd;
}

static int ask(int fd)
{
	struct vgpu_info info = { 0 };

	return CALL(fd, VGPU_IOCTL_INFO, &info);
}

/*
 * Rights are those of who opened, whoever has the descriptor: root, who got it from
 * alice, is cut off with her, and what she may root may not keep otherwise.
 */
static void passed_on(void)
{
	uint64_t offset, other_offset;
	volatile uint32_t *at, *other_at;
	struct st_vgpu a;
	int fd, other;

	no_rules();
	vgpu_new(&a);
	fd = opened_by(&a, &ALICE);
	other = opened_by(&a, &BOB);
	CHECK_OK(ask(fd));
	st_bo(fd, PAGE, 0, &offset);
	at = st_mmap(fd, offset, PAGE, RW);
	st_bo(other, PAGE, 0, &other_offset);
	other_at = st_mmap(other, other_offset, PAGE, RW);
	NEED(at != MAP_FAILED && other_at != MAP_FAILED, "mmap");
	*at = 0x5ec4e7;
	*other_at = 7;

	CHECK(would(VGPU_NL_VERDICT_DENY, VGPU_NL_WHO_UID, 1001) == 2,
	      "without a rule for bob");
	CHECK_OK(ask(fd));
	CHECK(!strstr(vgpuctl("-j access list"), "deny"), "a dry run left a rule");
	CHECK(would(VGPU_NL_VERDICT_ALLOW, VGPU_NL_WHO_UID, 1002) == 1,
	      "alice alone");
	ALLOW(ANY, 0);
	CHECK(rule_at(VGPU_NL_VERDICT_DENY, VGPU_NL_WHO_UID, 1001, 0) == 1,
	      "alice alone");
	CHECK_ERR(ask(fd), -EACCES, "(alice's)");
	CHECK(st_touch(at, false) == SIGBUS, "alice's memory is there");
	CHECK_OK(ask(other));
	CHECK(!st_touch(other_at, true) && *other_at == 7, "bob's memory went");

	/* rights that come back do so for who opens anew */
	no_rules();
	CHECK_ERR(ask(fd), -EACCES, "(alice's, later)");
	CHECK(st_touch(at, false) == SIGBUS, "alice's memory came back");
	close(fd);
	fd = opened_by(&a, &ALICE);
	CHECK_OK(ask(fd));
	close(fd);
	close(other);
}

static void set_clock(unsigned int hour, unsigned int minute, unsigned int second)
{
	/* a Wednesday */
	struct timespec t = {
		.tv_sec = 20047 * 86400l + hour * 3600 + minute * 60 + second,
	};

	NEED(!clock_settime(CLOCK_REALTIME, &t), "clock: %s", strerror(errno));
}

static void windows_end(void)
{
	struct timespec was;
	struct st_vgpu a;
	unsigned int i;
	int fd, ret;

	no_rules();
	NEED(!clock_gettime(CLOCK_REALTIME, &was), "clock");
	vgpu_new(&a);
	set_clock(11, 59, 56);
	rule_begin(VGPU_NL_VERDICT_ALLOW, VGPU_NL_WHO_UID, 1001);
	nl_u32(&rule_nl, VGPU_A_ACCESS_DAYS, VGPU_NL_DAY_WED);
	nl_u32(&rule_nl, VGPU_A_ACCESS_FROM, 11 * 60);
	nl_u32(&rule_nl, VGPU_A_ACCESS_TO, 12 * 60);
	rule_end();
	fd = opened_by(&a, &ALICE);
	CHECK_OK(ask(fd));
	for (i = 0; i < 1500 && !ask(fd); i++)
		st_sleep_ms(10);
	ret = ask(fd);
	OPENS(&a, -EACCES, { 1001, 1001 });
	set_clock(11, 30, 0);
	OPENS(&a, 0, { 1001, 1001 });
	clock_settime(CLOCK_REALTIME, &was);
	CHECK(ret == -EACCES, "at twelve: %s", st_errno(ret));
	close(fd);
	no_rules();
}

/* ---- rules change while many open -------------------------------------------------- */

struct opener {
	pthread_t thread;
	const char *path;
	volatile bool stop;
	unsigned int in, out, odd, kept;
};

/* Who is in works until cut off. */
static void *opener_fn(void *data)
{
	struct opener *o = data;

	while (!o->stop) {
		int fd = open(o->path, O_RDWR | O_CLOEXEC), ret;
		uint32_t handle = 0;

		if (fd < 0) {
			o->out += errno == EACCES;
			o->odd += errno != EACCES;
			continue;
		}
		do {
			struct vgpu_bo_create bo = { .bytes = PAGE };

			ret = CALL(fd, VGPU_IOCTL_BO_CREATE, &bo);
			handle = bo.handle;
			if (!ret)
				ret = st_close(fd, handle);
		} while (!ret && !o->stop && st_below(8));
		o->in++;
		/* cut off between the two calls, the handle is no more */
		o->odd += ret && ret != -EACCES && ret != -ENOENT;
		close(fd);
	}
	return NULL;
}

static void changes(void)
{
	struct opener openers[3] = { 0 };
	unsigned int i, in = 0, out = 0;
	struct st_vgpu a;
	int fd;

	no_rules();
	vgpu_new(&a);
	for (i = 0; i < 3; i++) {
		openers[i].path = a.path;
		NEED(!pthread_create(&openers[i].thread, NULL, opener_fn,
				     &openers[i]), "thread");
	}
	for (i = 0; i < 100; i++) {
		DENY(UID, 0);
		fd = open(a.path, O_RDWR | O_CLOEXEC);
		CHECK(fd < 0 && errno == EACCES, "in, after the rule was there");
		no_rules();
		fd = open(a.path, O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0, "out, after the rule was gone: %s", strerror(errno));
		close(fd);
	}
	for (i = 0; i < 3; i++) {
		openers[i].stop = true;
		pthread_join(openers[i].thread, NULL);
		in += openers[i].in;
		out += openers[i].out;
		CHECK(!openers[i].odd, "thread %u: %u answers of another kind", i,
		      openers[i].odd);
	}
	CHECK(in && out, "%u in, %u out", in, out);
	NEED_OK(st_destroy(&a));
}

static const struct st_case cases[] = {
	{ "who gets in", who_gets_in },
	{ "control groups", control_groups },
	{ "a descriptor that was passed on", passed_on },
	{ "windows of time end", windows_end },
	{ "rules change while many open", changes, 120 },
};

ST_MAIN(cases)
