/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines: which of one vGPU's queues is next, on one engine.
 *
 * A run queue decides among vGPUs; what a vGPU does with its turn is its own
 * affair and is decided here.  A line is a queue that has something for the
 * engine.  It is of a class, and may have a deadline:
 *
 *  - high goes before normal, normal before batch.  Who is passed over is owed a
 *    part of what is served meanwhile, and gets it: a class is never starved.
 *  - within a class the earliest deadline goes first.  Who has none counts as if
 *    it had one VGPU_LINE_PATIENCE_NS after it began to wait; who is late already,
 *    as if it was due when it began to.
 *  - batch lines are gathered: they become ready together, when there are enough
 *    of them or the first has waited long enough, or when nobody else wants the
 *    engine.  How many and how long follows what they measure.
 *
 * Nothing here reaches beyond one vGPU: a class takes from other classes of the
 * same vGPU only.  As everything in sched/: no clock, no timer, no lock of its own;
 * all calls under the caller's lock, O(log lines), no allocation.
 */
#ifndef _VGPU_LINES_H
#define _VGPU_LINES_H

#include <linux/rbtree.h>
#include <linux/types.h>

enum vgpu_line_class {
	VGPU_LINE_HIGH,
	VGPU_LINE_NORMAL,
	VGPU_LINE_BATCH,
	VGPU_LINE_CLASSES
};

#define VGPU_LINE_PATIENCE_NS	(100ULL * 1000 * 1000)
/* Owed service is given in one go once it is so much. */
#define VGPU_LINE_QUANTUM_NS	(1000ULL * 1000)

/* Where gathering may go, and where it begins. */
#define VGPU_BATCH_SIZE_MAX	64
#define VGPU_BATCH_SIZE		4
#define VGPU_BATCH_WAIT_MIN_NS	(100ULL * 1000)
#define VGPU_BATCH_WAIT_NS	(2ULL * 1000 * 1000)
#define VGPU_BATCH_WAIT_MAX_NS	(20ULL * 1000 * 1000)
#define VGPU_BATCH_LATENCY_NS	(50ULL * 1000 * 1000)

/**
 * struct vgpu_line - a queue that may wait; embed it
 * @class: enum vgpu_line_class
 * @waiting: it does
 * @deadline: of what it waits with, or U64_MAX
 * @since: it began to wait
 */
struct vgpu_line {
	enum vgpu_line_class class;
	bool waiting;
	u64 deadline;
	u64 since;
	/* private: */
	struct rb_node node;
	u64 due;			/* @deadline, or what stands for it */
	u64 nr;				/* the order among equals */
};

/**
 * struct vgpu_line_stats - of a class; monotonic but for @waiting
 * @waiting: lines
 * @service_ns: engine time
 * @met: commands with a deadline that ended in time
 * @missed: that did not
 * @late_max_ns: the latest of these
 */
struct vgpu_line_stats {
	unsigned int waiting;
	u64 service_ns;
	u64 met;
	u64 missed;
	u64 late_max_ns;
};

/**
 * struct vgpu_lines - the lines of one vGPU on one engine
 * @stats: of each class
 * @batch_size: so many batch lines are enough
 * @batch_wait_ns: so long the first one waits for them
 * @batches: that were gathered and served
 */
struct vgpu_lines {
	struct vgpu_line_stats stats[VGPU_LINE_CLASSES];
	u32 batch_size;
	u64 batch_wait_ns;
	u64 batches;
	/* private: */
	struct rb_root waiting[VGPU_LINE_CLASSES];
	s64 owed[VGPU_LINE_CLASSES];	/* ns, in 16ths */
	u64 next_nr;
	u64 gather_from;		/* the first batch line waits, or 0 */
	u32 open;			/* of the batch lines, ready */
	u32 opened;			/* so many there were */
	u64 opened_at;
	u64 batch_ns;			/* served since then */
	u64 latency;			/* mean, the later the more it counts */
	u64 rate;			/* served a us of the round, best so far */
};

/* Of two that wait, of one class: does @a come first? */
static inline bool vgpu_line_before(const struct vgpu_line *a,
				    const struct vgpu_line *b)
{
	return a->due < b->due || (a->due == b->due && a->nr < b->nr);
}

void vgpu_lines_init(struct vgpu_lines *lines);
void vgpu_line_init(struct vgpu_line *line, enum vgpu_line_class class);

/* It waits from now on; @deadline is absolute, U64_MAX: none. */
void vgpu_line_wait(struct vgpu_lines *lines, struct vgpu_line *line,
		    u64 deadline, u64 now);
/* The same for one that was served: it goes on in the round it was in. */
void vgpu_line_return(struct vgpu_lines *lines, struct vgpu_line *line,
		      u64 deadline, u64 now);
/* What it waits or runs with is due sooner than was known. */
void vgpu_line_urge(struct vgpu_lines *lines, struct vgpu_line *line,
		    u64 deadline);
/* It does not wait any more: cancelled, or about to run. */
void vgpu_line_leave(struct vgpu_lines *lines, struct vgpu_line *line, u64 now);
/* Live, waiting or not. */
void vgpu_line_set_class(struct vgpu_lines *lines, struct vgpu_line *line,
			 enum vgpu_line_class class, u64 now);

/*
 * The next one, or NULL; it goes on waiting until vgpu_line_leave().  @alone:
 * nobody else wants the engine.  With NULL, *hold_ns is how long batch lines are
 * still gathered if nothing happens, or 0 when none wait.
 */
struct vgpu_line *vgpu_lines_next(struct vgpu_lines *lines, bool alone, u64 now,
				  u64 *hold_ns);
/* Is @line, that began to wait, to have the engine before @run has done? */
bool vgpu_line_overtakes(const struct vgpu_lines *lines,
			 const struct vgpu_line *line,
			 const struct vgpu_line *run);
/* Who would be served before @run if that was put back now, or NULL. */
struct vgpu_line *vgpu_lines_rival(struct vgpu_lines *lines,
				   const struct vgpu_line *run, u64 now);
/* @class was served. */
void vgpu_lines_charge(struct vgpu_lines *lines, enum vgpu_line_class class,
		       u64 service_ns, u64 now);
/*
 * A command that waited since @since with @deadline (or U64_MAX) ended.  Returns
 * by how much it was late, 0 if it was not.
 */
u64 vgpu_lines_ended(struct vgpu_lines *lines, enum vgpu_line_class class,
		     u64 since, u64 deadline, u64 now);

#endif /* _VGPU_LINES_H */
