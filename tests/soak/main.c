// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants for so long, their deaths, and the sum of it.  Who does what is chosen by the
 * seed; what comes in between is not, so a run is not repeated, but each step of it is
 * (--only), and it says how.  Speaks TAP.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "admin.h"
#include "soak.h"

struct soak *soak;
struct settings *settings;

const char *const kind_names[KIND_END] = {
	[KIND_COPY]		= "copies",
	[KIND_FILL]		= "fills",
	[KIND_KERNEL]		= "kernels",
	[KIND_PROGRAM]		= "programs",
	[KIND_RING_PROGRAM]	= "programs by ring",
	[KIND_TIMELINE]		= "queues in order",
	[KIND_LENT]		= "memory lent",
	[KIND_SHARED]		= "dma-bufs",
	[KIND_ZERO]		= "new memory",
	[KIND_SPACES]		= "address spaces",
	[KIND_PAUSE]		= "paused itself",
	[KIND_SEND]		= "passed on",
	[KIND_INBOX]		= "was passed",
	[KIND_HOARD]		= "memory kept",
	[KIND_FENCE]		= "fences",
	[KIND_GUESS]		= "guesses",
	[KIND_NOISE]		= "random calls",
	[KIND_SCRIBBLE]		= "scribbling",
	[KIND_RING_ABUSE]	= "broken rings",
	[KIND_FAULT]		= "faults",
	[KIND_ENDLESS]		= "endless",
	[KIND_STUBBORN]		= "stubborn",
	[KIND_ORPHAN]		= "orphans",
	[KIND_CTL]		= "bad requests",
	[KIND_STOP]		= "stopped itself",
	[KIND_ADMIN]		= "settings",
	[KIND_VERB]		= "pauses and stops",
	[KIND_KILL]		= "kills",
};

static unsigned int number, bad;

static void ok(bool good, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void ok(bool good, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	bad += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, text);
	fflush(stdout);
}

static void *shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static void begin_life(unsigned int i)
{
	struct slot *slot = &soak->slots[i];
	unsigned int life = ++slot->life;
	pid_t pid;

	fflush(NULL);
	slot->id = 0;
	slot->since_ns = st_now_ns();
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		errno = 0;
		if (nice(10) == -1 && errno)
			perror("# nice");
		tenant_live(i, life, 0);
		fflush(NULL);
		_exit(0);
	}
	slot->pid = pid > 0 ? pid : 0;
}

/* With all that it forked. */
static void kill_slot(struct slot *slot)
{
	kill(-slot->pid, SIGKILL);
	kill(slot->pid, SIGKILL);
}

/*
 * What takes long may have been forgotten, or be one of many: who looks twice sees which.
 */
static void look(unsigned int i)
{
	struct slot *slot = &soak->slots[i];
	uint64_t now = st_now_ns();
	uint32_t id = slot->id;
	char line[1024];

	if (!id || i % 2 || now < slot->since_ns + 60 * SEC * soak->patience ||
	    now < slot->looked_ns + 30 * SEC)
		return;
	slot->looked_ns = now;
	printf("# SLOW tenant %u (v%u), life %u, step %" PRIu64 ", %s: %" PRIu64 " s\n",
	       i, id - 1, slot->life, slot->step, kind_names[slot->kind],
	       (now - slot->since_ns) / (uint64_t)SEC);
	fflush(stdout);
	snprintf(line, sizeof(line),
		 "{ %s -j stats v%u; %s -j vgpu show v%u; %s sched show %u; } 2>&1 | sed 's/^/#   /'",
		 soak->ctl, id - 1, soak->ctl, id - 1, soak->ctl, slot_gpu(i));
	if (system(line))
		printf("#   (nothing can be seen of it)\n");
}

/* Whoever ended makes room for the next. Returns how many are alive. */
static unsigned int reap(bool again)
{
	struct tenant about = { .kind = KIND_KILL };
	unsigned int i, alive = 0;
	struct slot *slot;
	int status;

	for (i = 0; i < soak->tenants; i++) {
		slot = &soak->slots[i];
		if (slot->pid && waitpid(slot->pid, &status, WNOHANG) > 0) {
			kill(-slot->pid, SIGKILL);
			if (WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL :
			    WEXITSTATUS(status)) {
				about.slot = i;
				about.prey = i % 2;
				about.life = slot->life;
				about.step = slot->step;
				about.kind = slot->kind;
				wrong(&about, "ended with status 0x%x", status);
			}
			slot->pid = 0;
		}
		if (!slot->pid && again)
			begin_life(i);
		alive += !!slot->pid;
		if (slot->pid)
			look(i);
		if (slot->pid && st_now_ns() > slot->since_ns + (uint64_t)patience_ns() / 2) {
			about.slot = i;
			about.prey = i % 2;
			about.life = slot->life;
			about.step = slot->step;
			about.kind = slot->kind;
			wrong(&about, "hangs");
			kill_slot(slot);
		}
	}
	return alive;
}

static uint64_t sum(const _Atomic uint64_t *of, unsigned int from, unsigned int to)
{
	uint64_t n = 0;

	for (; from < to; from++)
		n += of[from];
	return n;
}

static void progress(void)
{
	printf("# %4" PRIu64 " s: %" PRIu64 " steps done, %" PRIu64 " refused, %" PRIu64
	       " random calls, %" PRIu64 " lives, %" PRIu64 " killed, %" PRIu64
	       " settings, %" PRIu64 " wrong\n",
	       (st_now_ns() - soak->start_ns) / (uint64_t)SEC,
	       sum(soak->done, 0, KIND_TENANTS), sum(soak->refused, 0, KIND_TENANTS),
	       (uint64_t)soak->calls, (uint64_t)soak->lives,
	       (uint64_t)soak->done[KIND_KILL],
	       (uint64_t)soak->done[KIND_ADMIN] + soak->refused[KIND_ADMIN],
	       (uint64_t)soak->wrong);
	fflush(stdout);
}

/* A slow machine gets longer, until everything was done, but not for ever. */
static bool enough(uint64_t now, unsigned int least)
{
	unsigned int i;

	if (now < soak->end_ns)
		return false;
	if (now - soak->end_ns > 4 * (soak->end_ns - soak->start_ns))
		return true;
	for (i = 0; i < KIND_END; i++)
		if (soak->done[i] < least)
			return false;
	for (i = 0; least && i < SETTING_END; i++)
		if (!settings->done[i] && !settings->refused[i])
			return false;
	return true;
}

static void run(unsigned int least)
{
	uint64_t said = 0, now;
	unsigned int i;

	st_seed_from(soak->seed ^ 0x5ca1e);
	while (!enough(now = st_now_ns(), least)) {
		reap(true);
		/* at any moment, whatever it does */
		if (!st_below(4)) {
			i = (unsigned int)st_below(soak->tenants);
			if (soak->slots[i].pid) {
				kill_slot(&soak->slots[i]);
				soak->done[KIND_KILL]++;
			}
		}
		if (now - said > 5 * SEC) {
			said = now;
			progress();
		}
		st_sleep_ms(50 + (unsigned int)st_below(100));
	}
}

/* Everybody stops by himself, or not. */
static void end(pid_t admin)
{
	uint64_t patience = st_now_ns() + (uint64_t)patience_ns() / 10;
	unsigned int i;

	soak->stop = true;
	while (reap(false) && st_now_ns() < patience)
		st_sleep_ms(50);
	for (i = 0; i < soak->tenants; i++)
		if (soak->slots[i].pid)
			kill_slot(&soak->slots[i]);
	while (reap(false))
		st_sleep_ms(50);
	waitpid(admin, NULL, 0);
	for (i = 0; i < soak->tenants; i++) {
		close(soak->slots[i].inbox[0]);
		close(soak->slots[i].inbox[1]);
	}
	progress();
}

static void summary(unsigned int least)
{
	unsigned int i, tried = 0;

	printf("# %-18s %10s %10s\n", "", "done", "refused");
	for (i = 0; i < KIND_END; i++)
		printf("# %-18s %10" PRIu64 " %10" PRIu64 "\n", kind_names[i],
		       (uint64_t)soak->done[i], (uint64_t)soak->refused[i]);
	printf("# %-18s %10" PRIu64 " %10" PRIu64 "\n", "calls of those",
	       (uint64_t)soak->granted, soak->calls - soak->granted);
	for (i = 0; i < SETTING_END; i++)
		printf("#   %-16s %10" PRIu64 " %10" PRIu64 "\n", setting_names[i],
		       (uint64_t)settings->done[i], (uint64_t)settings->refused[i]);

	ok(!soak->wrong, "nothing was wrong (%" PRIu64 ", seed %" PRIu64 ")",
	   (uint64_t)soak->wrong, soak->seed);
	for (i = 0; i < KIND_END; i++)
		ok(soak->done[i] >= least, "%s: %" PRIu64 ", of %u at least",
		   kind_names[i], (uint64_t)soak->done[i], least);
	/* some are refused by what is there */
	for (i = 0; i < SETTING_END; i++)
		tried += settings->done[i] + settings->refused[i] > 0;
	ok(tried == SETTING_END || !least, "the administrator tried %u of %u settings",
	   tried, SETTING_END);
}

static void usage(void)
{
	fputs("usage: soak --seed N --seconds N --tenants N --gpus N --type TYPE --vgpuctl PATH\n"
	      "            --patience N --least N [--only TENANT:LIFE[:STEP]]\n", stderr);
	exit(2);
}

static uint64_t only[3];

static void parse(int argc, char **argv, unsigned int *seconds, unsigned int *least)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "tenants", required_argument, NULL, 'n' },
		{ "gpus", required_argument, NULL, 'g' },
		{ "type", required_argument, NULL, 'y' },
		{ "vgpuctl", required_argument, NULL, 'v' },
		{ "patience", required_argument, NULL, 'p' },
		{ "least", required_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 0) : 0;

		switch (option) {
		case 's':
			soak->seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			*seconds = (unsigned int)n;
			break;
		case 'n':
			soak->tenants = (unsigned int)n;
			break;
		case 'g':
			soak->gpus = (unsigned int)n;
			break;
		case 'y':
			snprintf(soak->type, sizeof(soak->type), "%s", optarg);
			break;
		case 'v':
			snprintf(soak->ctl, sizeof(soak->ctl), "%s", optarg);
			break;
		case 'p':
			soak->patience = (unsigned int)n;
			break;
		case 'l':
			*least = (unsigned int)n;
			break;
		case 'o':
			if (sscanf(optarg, "%" SCNu64 ":%" SCNu64 ":%" SCNu64,
				   &only[0], &only[1], &only[2]) < 2)
				usage();
			break;
		default:
			usage();
		}
	}
	if (!soak->tenants || soak->tenants > SOAK_TENANTS || !soak->gpus ||
	    !soak->patience)
		usage();
}

int main(int argc, char **argv)
{
	unsigned int seconds = 60, least = 1, i;
	pid_t admin;
	int fd;

	soak = shared(sizeof(*soak));
	settings = shared(sizeof(*settings));
	soak->seed = 1;
	soak->tenants = 64;
	soak->gpus = 1;
	soak->patience = 1;
	strcpy(soak->type, "1g.4m");
	strcpy(soak->ctl, "/usr/bin/vgpuctl");
	parse(argc, argv, &seconds, &least);

	snprintf(soak->lock, sizeof(soak->lock), "/tmp/soak-XXXXXX");
	fd = mkstemp(soak->lock);
	if (fd < 0) {
		perror(soak->lock);
		return 2;
	}
	close(fd);
	for (i = 0; i < soak->tenants; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
			       soak->slots[i].inbox)) {
			perror("socketpair");
			return 2;
		}
	}
	soak->start_ns = st_now_ns();
	soak->end_ns = soak->start_ns + seconds * (uint64_t)SEC;
	if (only[1]) {
		tenant_live((unsigned int)only[0], (unsigned int)only[1], only[2]);
		unlink(soak->lock);
		return soak->wrong ? 1 : 0;
	}
	printf("TAP version 13\n1..%u\n# seed %" PRIu64 ", %u tenants, %u GPUs, %u s\n",
	       2 + KIND_END, soak->seed,
	       soak->tenants, soak->gpus, seconds);
	fflush(stdout);
	/* who kills and who steers is heard among all these */
	errno = 0;
	if (nice(-5) == -1 && errno)
		perror("# nice");
	admin = fork();
	if (!admin) {
		admin_live();
		fflush(NULL);
		_exit(0);
	}
	run(least);
	end(admin);
	unlink(soak->lock);
	summary(least);
	return bad ? 1 : 0;
}
