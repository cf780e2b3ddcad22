// SPDX-License-Identifier: GPL-2.0
/*
 * An administrator who cannot leave it alone.  The calm get other shares and slices, the
 * prey loses rights, memory and everything else.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin.h"
#include "soak.h"

#define PICK(...)							\
({									\
	static const char *const of_[] = { __VA_ARGS__ };		\
									\
	of_[st_below(sizeof(of_) / sizeof(*of_))];			\
})

const char *const setting_names[SETTING_END] = {
	"policy", "slice", "preempt-timeout", "strategy", "switch",
	"max-contexts", "governor", "weight", "priority", "bandwidth",
	"rights", "quota", "cap", "own slice", "group weight", "over-commit",
	"read-ahead", "tier limit", "threshold", "defrag", "access", "padding",
	"serialized", "looking",
};

static struct tenant admin = { .kind = KIND_ADMIN };

int vgpuctl(const char *format, ...)
{
	char text[256], *argv[24], *rest = text;
	unsigned int n = 0;
	va_list args;
	int status, null;
	pid_t pid;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	argv[n++] = soak->ctl;
	while (n < 23 && (argv[n] = strsep(&rest, " ")))
		n++;
	argv[n] = NULL;
	pid = fork();
	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 127;
	if (WIFSIGNALED(status))
		wrong(&admin, "vgpuctl %s died of signal %d", format,
		      WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* A vGPU of somebody's; of prey only while nobody is born. */
static bool victim(bool prey, uint32_t *id)
{
	unsigned int i, k, at;

	for (i = 0; i < 16; i++) {
		at = (unsigned int)st_below(soak->tenants);
		if (prey && !(at % 2))
			continue;
		*id = soak->slots[at].id;
		/* that one may be dead, and its number another's */
		for (k = 0; prey && k < soak->tenants; k += 2)
			if (soak->slots[k].id == *id)
				break;
		if (*id && (!prey || k >= soak->tenants)) {
			(*id)--;
			return true;
		}
	}
	return false;
}

static int change(enum setting setting, uint32_t id)
{
	unsigned int gpu = (unsigned int)st_below(soak->gpus);
	int ret;

	switch (setting) {
	case SETTING_POLICY:
		return vgpuctl("gpu set %u --policy %s", gpu,
			       PICK("rr", "fair", "prio", "mlfq", "fixed", "burst", "fair"));
	case SETTING_SLICE:
		return vgpuctl("gpu set %u --slice %s", gpu,
			       PICK("100us", "500us", "2ms", "10ms"));
	case SETTING_TIMEOUT:
		return vgpuctl("gpu set %u --preempt-timeout %s", gpu,
			       PICK("1s", "2s", "3s"));
	case SETTING_STRATEGY:
		return vgpuctl("gpu set %u --strategy %s", gpu,
			       PICK("best", "buddy", "first", "worst"));
	case SETTING_SWITCH:
		return vgpuctl("gpu set %u --switch %s", gpu,
			       PICK("full", "lazy", "incremental", "predicted,lazy",
				    "incremental,lazy,predicted"));
	case SETTING_CONTEXTS:
		return vgpuctl("gpu set %u --max-contexts %u", gpu,
			       700 + (unsigned int)st_below(324));
	case SETTING_GOVERNOR:
		return vgpuctl("sched set %u --governor %s", gpu,
			       PICK("off", "auto", "emergency", "performance",
				    "balanced", "power-save"));
	case SETTING_WEIGHT:
		return vgpuctl("vgpu set v%u --weight %u", id,
			       50 + (unsigned int)st_below(500));
	case SETTING_PRIORITY:
		/* under prio whoever is below others waits for as long as they work */
		ret = vgpuctl("vgpu set v%u --priority %u", id,
			      3 + 2 * (unsigned int)st_below(2));
		st_sleep_ms((unsigned int)st_below(200));
		vgpuctl("vgpu set v%u --priority 4", id);
		return ret;
	case SETTING_BANDWIDTH:
		return vgpuctl("vgpu set v%u --bandwidth %s", id,
			       PICK("0", "50", "200", "1000"));
	case SETTING_RIGHTS:
		return vgpuctl("vgpu set v%u --allow %s", id,
			       PICK("all,-share", "all,-map", "all,-ring", "none",
				    "all,-launch", "all,-memory", "all,-queue",
				    "all,-user-memory", "all,-sync", "all"));
	case SETTING_QUOTA:
		return vgpuctl("vgpu set v%u --vram %s", id,
			       PICK("1M", "2M", "3M", "4M", "6M"));
	case SETTING_CAP:
		return vgpuctl("sched set v%u --cap %s", id,
			       PICK("0", "0", "20%", "10%"));
	case SETTING_OWN_SLICE:
		return vgpuctl("sched set v%u --slice %s", id,
			       PICK("0", "200us", "1ms", "5ms"));
	case SETTING_GROUP_WEIGHT:
		return vgpuctl("sched set v%u --group-weight %u", id,
			       50 + (unsigned int)st_below(500));
	case SETTING_OVERCOMMIT:
		return vgpuctl("mem set %u --overcommit %s", gpu,
			       PICK("3", "4", "6", "1"));
	case SETTING_AHEAD:
		return vgpuctl("mem set %u --read-ahead %u", gpu,
			       (unsigned int)st_below(33));
	case SETTING_TIER:
		return vgpuctl("mem set %u --tier-limit %s", gpu,
			       PICK("64K", "1M", "32M", "0"));
	case SETTING_THRESHOLD:
		return vgpuctl("mem set %u --defrag-threshold %u%% --defrag-interval %u",
			       gpu, (unsigned int)st_below(101),
			       (unsigned int)st_below(10));
	case SETTING_DEFRAG:
		return vgpuctl("mem defrag %u", gpu);
	case SETTING_ACCESS:
		/* before the one that lets everybody in */
		ret = vgpuctl("access add deny --vgpu v%u --at 0", id);
		st_sleep_ms((unsigned int)st_below(50));
		return ret ?: vgpuctl("access delete 0");
	case SETTING_PAD:
		return vgpuctl("vgpu set v%u --pad %s --pad-jitter %s", id,
			       PICK("100us", "2ms", "5ms"), PICK("0", "50us", "100us"));
	case SETTING_SERIAL:
		/* one owner at a time: many wait for a turn, so not for long */
		ret = vgpuctl("gpu set %u --serialize on", gpu);
		st_sleep_ms((unsigned int)st_below(300));
		vgpuctl("gpu set %u --serialize off", gpu);
		return ret;
	default:
		ret = st_below(2) ? vgpuctl("-j mem show %u", gpu) :
		      vgpuctl("%s", PICK("-j stats", "vgpu list", "sched show",
					 "-j access list", "-j gpu list"));
		return ret;
	}
}

static int set(enum setting setting)
{
	bool prey = setting == SETTING_RIGHTS || setting == SETTING_QUOTA ||
		    setting == SETTING_ACCESS;
	uint32_t id;
	int ret;

	if (prey)
		births_lock(true);
	ret = victim(prey, &id) ? change(setting, id) : -1;
	if (prey)
		births_unlock();
	return ret;
}

/* A life cycle that others steer, too. */
static void verb(void)
{
	bool stop = !st_below(3);
	struct st_vgpu vgpu;
	int ret;

	if (stop)
		births_lock(true);
	ret = victim(stop, &vgpu.id) ?
	      st_verb(&vgpu, stop ? VGPU_VERB_STOP : VGPU_VERB_PAUSE) : -ENOENT;
	if (stop)
		births_unlock();
	if (ret)
		soak->refused[KIND_VERB]++;
	else
		soak->done[KIND_VERB]++;
	st_sleep_ms((unsigned int)st_below(30));
	st_verb(&vgpu, stop ? VGPU_VERB_START : VGPU_VERB_RESUME);
}

void admin_live(void)
{
	enum setting deck[SETTING_END], setting;
	unsigned int i, k, left = 0;
	int ret;

	for (i = 0; i < SETTING_END; i++)
		deck[i] = (enum setting)i;
	st_seed_from(soak->seed ^ 0xad314);
	if (vgpuctl("access add allow"))
		wrong(&admin, "no rule can be added");
	while (!soak->stop) {
		if (!st_below(6)) {
			verb();
			continue;
		}
		/* each of them, then again in another order */
		if (!left) {
			left = SETTING_END;
			for (i = SETTING_END - 1; i; i--) {
				k = (unsigned int)st_below(i + 1);
				setting = deck[i];
				deck[i] = deck[k];
				deck[k] = setting;
			}
		}
		setting = deck[--left];
		admin.step++;
		ret = set(setting);
		if (ret < 0) {
			st_sleep_ms(50);
			continue;
		}
		if (ret) {
			soak->refused[KIND_ADMIN]++;
			settings->refused[setting]++;
		} else {
			soak->done[KIND_ADMIN]++;
			settings->done[setting]++;
		}
		st_sleep_ms((unsigned int)st_below(50));
	}
	if (vgpuctl("access delete all"))
		wrong(&admin, "rules cannot be deleted");
}
