// SPDX-License-Identifier: GPL-2.0
/*
 * The governor's decision.
 *
 * A switch costs time and buys shorter waits.  What a mode says is how much of
 * that to buy:
 *
 *  - power-save: the GPU has little to do, so hardly anybody waits.  Long slices
 *    and a high threshold: few stops, few timers, few states saved.
 *  - balanced: in between; slices as they are without a governor.
 *  - performance: the GPU is loaded, and whoever has work waits for others.  Short
 *    slices and no threshold: rounds are short and who wakes up is served at once.
 *  - emergency: switching itself is what hurts, because it takes a large part of
 *    the time, or because VRAM is nearly full and each vGPU pushes out what the
 *    next one needs.  The old cure for thrashing is a longer quantum
 *    (P. Denning, "Thrashing: its causes and prevention", 1968): the longest
 *    slices, and the highest threshold.
 *
 * Load is a moving thing.  Demand is where it is going to be: the mean of the
 * history, moved along the line of least squares as far as the dwell time if that
 * line explains half of the variance or more (else it is noise, not a trend) and
 * rises, and one deviation on top, because those who wait, wait in the bursts.
 * A falling line is shown and not believed: being late with a calmer mode costs a
 * few switches, being early a change there and one back.
 *
 * What keeps it from flapping: thresholds to leave are apart from those to
 * enter, no mode is left before its dwell time, and a calmer one has to have been
 * called for all the time for a while: waves of load shorter than that while stay
 * in the mode that their crests need.  A mode also changes what it
 * is judged by.  Slices of emergency are eight times those of performance, so
 * switches then take an eighth; it is left at a tenth of what it is entered at,
 * so not because of its own effect.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <vgpu/governor.h>
#include <vgpu/kunit.h>
#include <vgpu/sched.h>

/* Slices as a multiple of half the default; the threshold, a part of them. */
static const struct {
	const char *name;
	u32 half_slices;
	u32 threshold_permille;
} modes[VGPU_GOV_MODES] = {
	[VGPU_GOV_EMERGENCY]	= { "emergency",   8, 500 },
	[VGPU_GOV_PERFORMANCE]	= { "performance", 1, 0 },
	[VGPU_GOV_BALANCED]	= { "balanced",    2, 125 },
	[VGPU_GOV_POWER_SAVE]	= { "power-save",  4, 500 },
};

/**
 * vgpu_gov_mode_name() - what people call it
 * @mode: any
 */
const char *vgpu_gov_mode_name(enum vgpu_gov_mode mode)
{
	return mode < VGPU_GOV_MODES ? modes[mode].name : "?";
}

/**
 * vgpu_gov_slice() - the slice of a mode
 * @mode: any
 * @own_ns: set by hand, 0 if not
 *
 * Returns @own_ns if there is one: the governor scales nothing but the default.
 */
u64 vgpu_gov_slice(enum vgpu_gov_mode mode, u64 own_ns)
{
	return own_ns ?: modes[mode].half_slices * VGPU_SLICE_DEFAULT_NS / 2;
}

/**
 * vgpu_gov_threshold() - the preemption threshold of a mode
 * @mode: any
 * @slice_ns: the slice that counts
 *
 * Returns engine time in ns, half of the slice at most.
 */
u64 vgpu_gov_threshold(enum vgpu_gov_mode mode, u64 slice_ns)
{
	slice_ns = min(slice_ns, VGPU_SLICE_MAX_NS);
	return div_u64(slice_ns * modes[mode].threshold_permille, 1000);
}

/* --- history ------------------------------------------------------------- */

static void push(struct vgpu_gov *gov, const struct vgpu_gov_sample *sample)
{
	gov->ring[gov->head] = *sample;
	gov->head = (gov->head + 1) % VGPU_GOV_HISTORY;
	gov->count = min_t(unsigned int, gov->count + 1, VGPU_GOV_HISTORY);
}

/* The @i-th, 0 is the oldest. */
static const struct vgpu_gov_sample *at(const struct vgpu_gov *gov,
					unsigned int i)
{
	return &gov->ring[(gov->head + VGPU_GOV_HISTORY - gov->count + i) %
			  VGPU_GOV_HISTORY];
}

/*
 * Least squares over n samples at x = 0 … n-1, centred by twice the distance
 * from the middle, c = 2x - (n-1), so that all is in integers:
 *
 *	sum of c^2 = n(n^2-1)/3		slope = 2 * sum(c*y) / sum(c^2)
 *
 * Values are permille and n is VGPU_GOV_HISTORY at most: sum(c*y) is below 2^18
 * and its square times n below 2^40.
 */
static void analyse(struct vgpu_gov *gov)
{
	struct vgpu_gov_view *v = &gov->view;
	s64 n = gov->count, sum = 0, squares = 0, moment = 0;
	s64 spread = n * (n * n - 1) / 3, var, explained, ahead;
	u64 overhead = 0, switches = 0;
	unsigned int i;

	for (i = 0; i < gov->count; i++) {
		const struct vgpu_gov_sample *s = at(gov, i);

		sum += s->busy;
		squares += (s64)s->busy * s->busy;
		moment += (2 * (s64)i - (n - 1)) * s->busy;
		overhead += s->overhead;
		switches += s->switches;
	}
	v->mean = div_s64(sum, n);
	v->overhead = div_u64(overhead, n);
	v->switches = div_u64(switches, n);
	/* n times the variance, and n times what the line explains of it */
	var = squares - div_s64(sum * sum, n);
	explained = n > 1 ? div64_s64(moment * moment, spread) : 0;
	ahead = 0;
	v->trend = 0;
	if (n > 1 && explained && 2 * explained >= var) {
		s64 periods = div_u64(VGPU_GOV_DWELL_NS, VGPU_GOV_PERIOD_NS);

		/* a second is ten periods; from the middle to the dwell's end */
		v->trend = div64_s64(2 * moment * 10, spread);
		if (moment > 0) {
			ahead = div64_s64(moment * (n - 1 + 2 * periods),
					  spread);
			var -= min(explained, var);
		}
	}
	v->deviation = int_sqrt(div_s64(var, n));
	v->demand = clamp_t(s64, v->mean + ahead + v->deviation, 0,
			    VGPU_GOV_FULL);
}

/* --- the choice ---------------------------------------------------------- */

static enum vgpu_gov_mode by_load(enum vgpu_gov_mode mode, u32 demand)
{
	if (demand >= VGPU_GOV_BUSY_ENTER)
		return VGPU_GOV_PERFORMANCE;
	if (demand <= VGPU_GOV_CALM_ENTER)
		return VGPU_GOV_POWER_SAVE;
	if (mode == VGPU_GOV_PERFORMANCE && demand >= VGPU_GOV_BUSY_LEAVE)
		return mode;
	if (mode == VGPU_GOV_POWER_SAVE && demand <= VGPU_GOV_CALM_LEAVE)
		return mode;
	return VGPU_GOV_BALANCED;
}

/* Is it fought for?  One vGPU alone may fill the memory, and idle ones too. */
static bool memory_hurts(const struct vgpu_gov_view *v, bool already)
{
	if (already)
		return v->last.memory >= VGPU_GOV_MEMORY_LEAVE &&
		       v->demand >= VGPU_GOV_BUSY_LEAVE &&
		       v->switches >= VGPU_GOV_SHARED_LEAVE;
	return v->last.memory >= VGPU_GOV_MEMORY_ENTER &&
	       v->demand >= VGPU_GOV_BUSY_ENTER &&
	       v->switches >= VGPU_GOV_SHARED_ENTER;
}

static enum vgpu_gov_mode choose(const struct vgpu_gov *gov,
				 enum vgpu_gov_reason *reason)
{
	const struct vgpu_gov_view *v = &gov->view;
	bool already = gov->mode == VGPU_GOV_EMERGENCY;

	*reason = VGPU_GOV_OVERHEAD;
	if (v->overhead >= (already ? VGPU_GOV_OVERHEAD_LEAVE :
				      VGPU_GOV_OVERHEAD_ENTER))
		return VGPU_GOV_EMERGENCY;
	*reason = VGPU_GOV_MEMORY;
	if (memory_hurts(v, already))
		return VGPU_GOV_EMERGENCY;
	*reason = already ? VGPU_GOV_RELIEF : VGPU_GOV_LOAD;
	return by_load(gov->mode, v->demand);
}

static u64 since(u64 now, u64 then)
{
	return now > then ? now - then : 0;
}

static bool is_time(const struct vgpu_gov *gov, bool calmer, u64 now)
{
	if (gov->mode == VGPU_GOV_EMERGENCY)
		return since(now, gov->since) >= VGPU_GOV_EMERGENCY_DWELL_NS;
	if (calmer && since(now, gov->calm_since) < VGPU_GOV_CALM_NS)
		return false;
	return since(now, gov->since) >= VGPU_GOV_DWELL_NS;
}

static void enter(struct vgpu_gov *gov, enum vgpu_gov_mode mode, u64 now)
{
	gov->mode = mode;
	gov->entered[mode]++;
	gov->since = now;
	gov->calm_since = now;
}

/**
 * vgpu_gov_count() - brings the time spent in modes up to date
 * @gov: any
 * @now: time
 */
void vgpu_gov_count(struct vgpu_gov *gov, u64 now)
{
	if (!gov->counted)
		return;		/* stopped */
	gov->time_ns[gov->mode] += since(now, gov->counted);
	gov->counted = max(gov->counted, now);
}

/**
 * vgpu_gov_stop() - no mode is in force until vgpu_gov_set()
 * @gov: any
 * @now: time
 */
void vgpu_gov_stop(struct vgpu_gov *gov, u64 now)
{
	vgpu_gov_count(gov, now);
	gov->counted = 0;
	gov->count = 0;
	memset(&gov->view, 0, sizeof(gov->view));
}

/**
 * vgpu_gov_set() - somebody else chose the mode
 * @gov: any
 * @mode: in force from now on; history is forgotten
 * @now: time, not 0
 */
void vgpu_gov_set(struct vgpu_gov *gov, enum vgpu_gov_mode mode, u64 now)
{
	vgpu_gov_stop(gov, now);
	gov->counted = now;
	enter(gov, mode, now);
}

/**
 * vgpu_gov_init() - make a governor
 * @gov: any memory
 * @mode: in force from now on
 * @now: time, not 0
 */
void vgpu_gov_init(struct vgpu_gov *gov, enum vgpu_gov_mode mode, u64 now)
{
	memset(gov, 0, sizeof(*gov));
	vgpu_gov_set(gov, mode, now);
}

/**
 * vgpu_gov_idle() - nothing ran, so nobody took samples
 * @gov: any
 * @periods: for how many VGPU_GOV_PERIOD_NS
 *
 * Decides nothing: the mode of an idle GPU does not matter.
 */
void vgpu_gov_idle(struct vgpu_gov *gov, u64 periods)
{
	struct vgpu_gov_sample none = {
		.memory = gov->view.last.memory,
	};

	for (periods = min_t(u64, periods, VGPU_GOV_HISTORY); periods; periods--)
		push(gov, &none);
}

/**
 * vgpu_gov_feed() - a sample
 * @gov: any
 * @sample: of the last period; permille beyond VGPU_GOV_FULL count as that
 * @now: time
 * @change: filled when the mode changes
 *
 * Returns true when the mode changed.
 */
bool vgpu_gov_feed(struct vgpu_gov *gov, const struct vgpu_gov_sample *sample,
		   u64 now, struct vgpu_gov_change *change)
{
	struct vgpu_gov_sample s = {
		.busy = min_t(u32, sample->busy, VGPU_GOV_FULL),
		.memory = min_t(u32, sample->memory, VGPU_GOV_FULL),
		.overhead = min_t(u32, sample->overhead, VGPU_GOV_FULL),
		.switches = sample->switches,
	};
	enum vgpu_gov_reason reason;
	enum vgpu_gov_mode mode;
	bool calmer;

	vgpu_gov_count(gov, now);
	push(gov, &s);
	gov->view.last = s;
	analyse(gov);
	if (gov->count < VGPU_GOV_HISTORY_MIN)
		return false;
	mode = choose(gov, &reason);
	calmer = mode > gov->mode && gov->mode != VGPU_GOV_EMERGENCY;
	if (!calmer)
		gov->calm_since = now;
	if (mode == gov->mode || !is_time(gov, calmer, now))
		return false;
	change->from = gov->mode;
	change->to = mode;
	change->reason = reason;
	change->view = gov->view;
	gov->changes++;
	enter(gov, mode, now);
	return true;
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_gov_init);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_set);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_stop);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_idle);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_feed);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_count);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_slice);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_threshold);
VGPU_EXPORT_IF_KUNIT(vgpu_gov_mode_name);
