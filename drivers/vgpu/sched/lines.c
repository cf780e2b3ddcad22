// SPDX-License-Identifier: GPL-2.0
/*
 * The order among the queues of one vGPU.
 *
 * Earliest deadline first within a class: C. Liu, J. Layland, "Scheduling
 * Algorithms for Multiprogramming in a Hard-Real-Time Environment", 1973; it
 * meets all deadlines if any order does, but for what cannot be cut off.
 *
 * Classes are strict but for a floor.  While a class waits and a higher one is
 * served, it is owed 1/8 of that service (normal) or 1/16 (batch).  Once a
 * quantum has come together it goes first, until it is owed less; a command that
 * takes longer than that is paid back.  So high work waits for one command of
 * each lower class at most, and the lower have their part over any longer time.
 *
 * Gathering is a trade, too: rounds with many lines cost fewer switches, and the
 * first of a round waits for the last.  A round's throughput is the service it
 * got by the time since its first line began to wait.  While latency is within its
 * target, a round that was full makes the next one a line longer; one that was not
 * full when its time was over makes the wait an eighth longer if it was the best so
 * far, else the size what came.  Throughput an eighth below the best takes back a
 * step; latency beyond the target halves both (additive increase, multiplicative
 * decrease: D. Chiu, R. Jain, 1989).
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <vgpu/kunit.h>
#include <vgpu/lines.h>
#include <vgpu/sched.h>

#define SHARES	16	/* owed is counted in these parts of service */
#define QUANTUM	((s64)(VGPU_LINE_QUANTUM_NS * SHARES))
/*
 * More is not saved up, so that a high command that could not be cut off is not
 * followed by a long stretch of batch; and more is not paid back.
 */
#define SAVED_MAX	(16 * QUANTUM)
#define DEBT_MAX	(1000 * QUANTUM)

static const u32 floor_shares[VGPU_LINE_CLASSES] = {
	[VGPU_LINE_NORMAL]	= SHARES / 8,
	[VGPU_LINE_BATCH]	= SHARES / 16,
};

static struct vgpu_line *to_line(struct rb_node *node)
{
	return rb_entry(node, struct vgpu_line, node);
}

static u64 since(u64 now, u64 then)
{
	return now > then ? now - then : 0;
}

/**
 * vgpu_lines_init() - nobody waits
 * @lines: any memory
 */
void vgpu_lines_init(struct vgpu_lines *lines)
{
	unsigned int i;

	memset(lines, 0, sizeof(*lines));
	for (i = 0; i < VGPU_LINE_CLASSES; i++)
		lines->waiting[i] = RB_ROOT;
	lines->batch_size = VGPU_BATCH_SIZE;
	lines->batch_wait_ns = VGPU_BATCH_WAIT_NS;
}

/**
 * vgpu_line_init() - a queue that does not wait
 * @line: any memory
 * @class: to begin with
 */
void vgpu_line_init(struct vgpu_line *line, enum vgpu_line_class class)
{
	memset(line, 0, sizeof(*line));
	line->class = class;
	line->deadline = U64_MAX;
}

/*
 * What is late already counts as if it was due when it began to wait: among those
 * who always are, the others have their turn.
 */
static u64 due_at(u64 deadline, u64 now)
{
	if (deadline == U64_MAX)
		return now + min(VGPU_LINE_PATIENCE_NS, U64_MAX - now);
	return max(deadline, now);
}

static void insert(struct vgpu_lines *lines, struct vgpu_line *line)
{
	struct rb_root *tree = &lines->waiting[line->class];
	struct rb_node **link = &tree->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = vgpu_line_before(line, to_line(parent)) ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&line->node, parent, link);
	rb_insert_color(&line->node, tree);
}

static void enter(struct vgpu_lines *lines, struct vgpu_line *line,
		  u64 deadline, u64 now)
{
	line->waiting = true;
	line->deadline = deadline;
	line->since = now;
	line->due = due_at(deadline, now);
	line->nr = lines->next_nr++;
	insert(lines, line);
	lines->stats[line->class].waiting++;
}

/**
 * vgpu_line_wait() - it has something for the engine
 * @lines: of its vGPU
 * @line: nothing happens if it waits already
 * @deadline: absolute; U64_MAX: none
 * @now: time
 */
void vgpu_line_wait(struct vgpu_lines *lines, struct vgpu_line *line,
		    u64 deadline, u64 now)
{
	if (line->waiting)
		return;
	enter(lines, line, deadline, now);
	if (line->class == VGPU_LINE_BATCH && !lines->open &&
	    !lines->gather_from)
		lines->gather_from = max(now, 1ULL);
}

/**
 * vgpu_line_return() - it was served, and has something for the engine still
 * @lines: of its vGPU
 * @line: nothing happens if it waits already
 * @deadline: absolute; U64_MAX: none
 * @now: time
 *
 * Cut off midway, or with its next command.  As vgpu_line_wait(), but that it is
 * not gathered anew: a batch round lasts until those in it have no more.
 */
void vgpu_line_return(struct vgpu_lines *lines, struct vgpu_line *line,
		      u64 deadline, u64 now)
{
	if (line->waiting)
		return;
	enter(lines, line, deadline, now);
	if (line->class != VGPU_LINE_BATCH)
		return;
	lines->open++;
	/* what came meanwhile is of the round that goes on */
	lines->gather_from = 0;
	lines->open = max(lines->open, lines->stats[VGPU_LINE_BATCH].waiting);
}

/**
 * vgpu_line_urge() - what it waits or runs with is due sooner than was known
 * @lines: of its vGPU
 * @line: waiting or not
 * @deadline: absolute; nothing happens if it is no earlier than it was
 *
 * Its place is that it would have if it had begun to wait with that.
 */
void vgpu_line_urge(struct vgpu_lines *lines, struct vgpu_line *line,
		    u64 deadline)
{
	if (deadline >= line->deadline)
		return;
	if (line->waiting)
		rb_erase(&line->node, &lines->waiting[line->class]);
	line->deadline = deadline;
	line->due = due_at(deadline, line->since);
	if (line->waiting)
		insert(lines, line);
}

/* --- gathering ----------------------------------------------------------- */

static void shrink(struct vgpu_lines *lines, u32 size, u64 wait)
{
	lines->batch_size = max(size, 1U);
	lines->batch_wait_ns = max(wait, VGPU_BATCH_WAIT_MIN_NS);
}

/* The last of a round was served. */
static void round_over(struct vgpu_lines *lines, u64 now)
{
	u64 took = div_u64(since(now, lines->opened_at), 1000);
	u64 rate = div64_u64(lines->batch_ns, max(took, 1ULL));
	u64 wait = lines->batch_wait_ns;

	lines->batches++;
	if (lines->latency > VGPU_BATCH_LATENCY_NS)
		shrink(lines, lines->batch_size / 2, wait / 2);
	else if (rate < lines->rate - lines->rate / 8)
		shrink(lines, lines->batch_size - 1, wait - wait / 8);
	else if (lines->opened >= lines->batch_size)
		lines->batch_size = min(lines->batch_size + 1,
					(u32)VGPU_BATCH_SIZE_MAX);
	else if (rate > lines->rate)
		lines->batch_wait_ns = min(wait + wait / 8,
					   VGPU_BATCH_WAIT_MAX_NS);
	else
		lines->batch_size = max(lines->opened, 1U);
	/* the best is forgotten slowly: loads change */
	lines->rate = max(rate, lines->rate - lines->rate / 64);
	lines->batch_ns = 0;
}

/**
 * vgpu_line_leave() - it does not wait any more
 * @lines: of its vGPU
 * @line: nothing happens if it does not
 * @now: time
 */
void vgpu_line_leave(struct vgpu_lines *lines, struct vgpu_line *line, u64 now)
{
	struct vgpu_line_stats *st = &lines->stats[line->class];

	if (!line->waiting)
		return;
	line->waiting = false;
	rb_erase(&line->node, &lines->waiting[line->class]);
	st->waiting--;
	if (line->class != VGPU_LINE_BATCH)
		return;
	if (!lines->open) {		/* those who gather go on */
		if (!st->waiting)
			lines->gather_from = 0;
	} else if (!--lines->open) {
		lines->gather_from = st->waiting ? max(now, 1ULL) : 0;
	}
}

/**
 * vgpu_line_set_class() - it is of @class from now on
 * @lines: of its vGPU
 * @line: waiting or not; one that waits begins anew
 * @class: enum vgpu_line_class
 * @now: time
 */
void vgpu_line_set_class(struct vgpu_lines *lines, struct vgpu_line *line,
			 enum vgpu_line_class class, u64 now)
{
	bool waits = line->waiting;

	if (line->class == class)
		return;
	vgpu_line_leave(lines, line, now);
	line->class = class;
	if (waits)
		vgpu_line_wait(lines, line, line->deadline, now);
}

/* Are batch lines ready?  If not, for how long? */
static bool gathered(struct vgpu_lines *lines, bool alone, u64 now, u64 *hold_ns)
{
	unsigned int waiting = lines->stats[VGPU_LINE_BATCH].waiting;
	u64 waited = since(now, lines->gather_from);

	if (!waiting)
		return false;
	if (lines->open)
		return true;
	if (!alone && waiting < lines->batch_size &&
	    waited < lines->batch_wait_ns) {
		*hold_ns = lines->batch_wait_ns - waited;
		return false;
	}
	lines->open = waiting;
	lines->opened = waiting;
	lines->opened_at = lines->gather_from ?: now;
	lines->gather_from = 0;
	return true;
}

/* --- the order ----------------------------------------------------------- */

/**
 * vgpu_lines_next() - which queue is next?
 * @lines: of one vGPU
 * @alone: nobody else wants the engine
 * @now: time
 * @hold_ns: out: with NULL, how long batch lines are still gathered; 0: there
 *	are none
 *
 * Returns it, or NULL.
 */
struct vgpu_line *vgpu_lines_next(struct vgpu_lines *lines, bool alone, u64 now,
				  u64 *hold_ns)
{
	struct rb_node *first[VGPU_LINE_CLASSES];
	int i;

	*hold_ns = 0;
	for (i = 0; i < VGPU_LINE_CLASSES; i++)
		first[i] = rb_first(&lines->waiting[i]);
	if (!gathered(lines, alone && !first[VGPU_LINE_HIGH] &&
		      !first[VGPU_LINE_NORMAL], now, hold_ns))
		first[VGPU_LINE_BATCH] = NULL;
	for (i = VGPU_LINE_CLASSES - 1; i > VGPU_LINE_HIGH; i--)
		if (first[i] && lines->owed[i] >= QUANTUM)
			return to_line(first[i]);
	for (i = 0; i < VGPU_LINE_CLASSES; i++) {
		if (first[i]) {
			*hold_ns = 0;
			return to_line(first[i]);
		}
	}
	return NULL;
}

/**
 * vgpu_line_overtakes() - is one that began to wait to have the engine at once?
 * @lines: of one vGPU
 * @line: that waits
 * @run: that runs
 *
 * It is of a higher class, and @run does not have what is owed to its own; or it
 * has a deadline, and the earlier one.
 */
bool vgpu_line_overtakes(const struct vgpu_lines *lines,
			 const struct vgpu_line *line,
			 const struct vgpu_line *run)
{
	if (!line->waiting || line->class > run->class)
		return false;
	if (line->class < run->class)
		return lines->owed[run->class] < QUANTUM;
	return line->deadline != U64_MAX && line->due < run->due;
}

/**
 * vgpu_lines_rival() - who goes first if the one that runs is put back now?
 * @lines: of one vGPU
 * @run: that runs
 * @now: time
 *
 * Returns who would be served before @run, or NULL.
 */
struct vgpu_line *vgpu_lines_rival(struct vgpu_lines *lines,
				   const struct vgpu_line *run, u64 now)
{
	struct vgpu_line *next;
	u64 hold;

	next = vgpu_lines_next(lines, false, now, &hold);
	if (!next)
		return NULL;
	if (next->class < run->class)
		return lines->owed[run->class] < QUANTUM ? next : NULL;
	if (next->class > run->class)
		return lines->owed[next->class] >= QUANTUM ? next : NULL;
	/* of those who are due at the same time, the others */
	return next->due <= due_at(run->deadline, now) ? next : NULL;
}

/**
 * vgpu_lines_charge() - one of them was served
 * @lines: of one vGPU
 * @class: of the line
 * @service_ns: engine time since the last charge
 * @now: time
 */
void vgpu_lines_charge(struct vgpu_lines *lines, enum vgpu_line_class class,
		       u64 service_ns, u64 now)
{
	int i;

	service_ns = min(service_ns, VGPU_CHARGE_MAX_NS);
	lines->stats[class].service_ns += service_ns;
	for (i = class + 1; i < VGPU_LINE_CLASSES; i++)
		if (lines->stats[i].waiting)
			lines->owed[i] = min_t(s64, SAVED_MAX, lines->owed[i] +
					       (s64)service_ns *
					       floor_shares[i]);
	/* Out of turn, it was on account; when nobody higher waits it is free. */
	for (i = 0; i < class; i++)
		if (lines->stats[i].waiting)
			break;
	if (i < class)
		lines->owed[class] = max_t(s64, -DEBT_MAX, lines->owed[class] -
					   (s64)service_ns * SHARES);
	if (class == VGPU_LINE_BATCH)
		lines->batch_ns += service_ns;
}

/**
 * vgpu_lines_ended() - a command ended
 * @lines: of one vGPU
 * @class: of its line
 * @waited_since: when it began to wait
 * @deadline: absolute; U64_MAX: none
 * @now: time
 *
 * Returns by how much it missed its deadline, in ns; 0 if it did not.  A command
 * that is late is served all the same, before those that are not late yet.
 */
u64 vgpu_lines_ended(struct vgpu_lines *lines, enum vgpu_line_class class,
		     u64 waited_since, u64 deadline, u64 now)
{
	struct vgpu_line_stats *st = &lines->stats[class];
	u64 late = since(now, deadline);

	if (class == VGPU_LINE_BATCH) {
		u64 latency = min(since(now, waited_since), VGPU_CHARGE_MAX_NS);

		lines->latency = (7 * lines->latency + latency) / 8;
		if (!lines->open)
			round_over(lines, now);
	}
	if (deadline == U64_MAX)
		return 0;
	if (!late) {
		st->met++;
		return 0;
	}
	st->missed++;
	st->late_max_ns = max(st->late_max_ns, late);
	return late;
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_lines_init);
VGPU_EXPORT_IF_KUNIT(vgpu_line_init);
VGPU_EXPORT_IF_KUNIT(vgpu_line_wait);
VGPU_EXPORT_IF_KUNIT(vgpu_line_return);
VGPU_EXPORT_IF_KUNIT(vgpu_line_urge);
VGPU_EXPORT_IF_KUNIT(vgpu_line_leave);
VGPU_EXPORT_IF_KUNIT(vgpu_line_set_class);
VGPU_EXPORT_IF_KUNIT(vgpu_line_overtakes);
VGPU_EXPORT_IF_KUNIT(vgpu_lines_rival);
VGPU_EXPORT_IF_KUNIT(vgpu_lines_next);
VGPU_EXPORT_IF_KUNIT(vgpu_lines_charge);
VGPU_EXPORT_IF_KUNIT(vgpu_lines_ended);
