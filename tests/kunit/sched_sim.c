// SPDX-License-Identifier: GPL-2.0
/* The made-up engine: see sched_sim.h. */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "sched_sim.h"

#define POISSON_BACKLOG	64

/* --- chance -------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014) */
static u64 random64(struct vsim *sim)
{
	u64 z = (sim->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 vsim_random(struct vsim *sim, u64 below)
{
	return mul_u64_u64_shr(random64(sim), below, 64);
}

/* -ln(u) * mean, with a binary logarithm bit by bit, 16 of them */
u64 vsim_exponential(struct vsim *sim, u64 mean)
{
	u64 u = (random64(sim) >> 32) | 1;
	unsigned int msb = fls64(u) - 1, bit;
	u32 log2 = (32 - msb) << 16;
	u64 x = u << (31 - msb);

	for (bit = 1 << 15; bit; bit >>= 1) {
		x = x * x >> 31;
		if (x >> 32) {
			x >>= 1;
			log2 -= bit;
		}
	}
	/* ln 2 = 45426 / 65536 */
	return mul_u64_u64_shr((u64)log2 * 45426, mean, 32);
}

/* --- figures ------------------------------------------------------------- */

static void hist_add(struct vsim_hist *hist, u64 x)
{
	unsigned int log = fls64(x), bucket = x;

	if (log > 2)
		bucket = (log - 2) * 4 + ((x >> (log - 3)) & 3);
	hist->bucket[min_t(unsigned int, bucket, VSIM_HIST - 1)]++;
	hist->count++;
	hist->sum += x;
	hist->max = max(hist->max, x);
}

static u64 bucket_top(unsigned int bucket)
{
	if (bucket < 4)
		return bucket;
	return ((u64)(bucket % 4 + 5) << (bucket / 4 - 1)) - 1;
}

u64 vsim_hist_above(const struct vsim_hist *hist, unsigned int permille)
{
	u64 left = div_u64(hist->count * permille, 1000);
	unsigned int i;

	for (i = VSIM_HIST - 1; i; i--) {
		if (hist->bucket[i] > left)
			break;
		left -= hist->bucket[i];
	}
	return min(bucket_top(i), hist->max);
}

/* All that the CSV of events has. */
static void hash(struct vsim *sim, u64 at, unsigned int what,
		 unsigned int index, u64 arg)
{
	const u64 word[] = { at, what, index, arg };
	unsigned int i;

	/* FNV-1a, by words */
	for (i = 0; i < ARRAY_SIZE(word); i++)
		sim->hash = (sim->hash ^ word[i]) * 0x100000001b3ULL;
	sim->events++;
}

static void tell(struct vsim *sim, u64 at, enum vsim_event event,
		 unsigned int index, u64 arg)
{
	hash(sim, at, event, index, arg);
	if (sim->log)
		sim->log(sim, at, event, index, arg);
}

void vsim_note(struct vsim *sim, u64 at, unsigned int index, u64 arg)
{
	tell(sim, at, VSIM_EV_NOTE, index, arg);
}

static void event(struct vsim *sim, enum vsim_event event, unsigned int index,
		  u64 arg)
{
	tell(sim, sim->now, event, index, arg);
}

const char *vsim_event_name(enum vsim_event event)
{
	static const char * const names[] = {
		[VSIM_EV_WAKE] = "wake", [VSIM_EV_PICK] = "pick",
		[VSIM_EV_DONE] = "done", [VSIM_EV_PUT] = "put",
		[VSIM_EV_SLEEP] = "sleep", [VSIM_EV_IDLE] = "idle",
		[VSIM_EV_EJECT] = "eject", [VSIM_EV_NOTE] = "note",
	};

	static_assert(ARRAY_SIZE(names) == VSIM_EV_COUNT, "names");
	return names[event];
}

/* What @ent has coming, at the two moments when that is most and least. */
static void watch(struct vsim *sim, struct vsim_ent *ent)
{
	const struct vgpu_rq *rq = ent->se.rq;
	struct vgpu_se_stats stats;
	s64 dev, lag;

	vgpu_se_stats(&sim->rq, &ent->se, sim->now, &stats);
	dev = stats.entitled_ns - stats.run_ns;
	ent->dev_min = min(ent->dev_min, dev);
	ent->dev_max = max(ent->dev_max, dev);
	if (rq->policy->lag) {
		lag = rq->policy->lag(rq->policy_data, rq,
				      ent->se.policy_data, &ent->se);
		sim->lag_min = min(sim->lag_min, lag);
		sim->lag_max = max(sim->lag_max, lag);
	}
}

u64 vsim_fairness_ppm(struct vsim *sim)
{
	u64 least = VSIM_NEVER, most = 0;
	unsigned int i;

	for (i = 0; i < sim->size; i++) {
		struct vsim_ent *ent = &sim->ents[i];
		u64 part;

		if (!ent->present || ent->load.kind != VSIM_HOG)
			continue;
		part = div_u64(ent->se.stats.run_ns * 16, ent->se.weight);
		least = min(least, part);
		most = max(most, part);
	}
	return most ? div64_u64(least * 1000, max(most / 1000, 1ULL)) : 0;
}

void vsim_fail(struct vsim *sim, const char *fmt, ...)
{
	va_list args;

	if (!sim->errors++) {
		va_start(args, fmt);
		vsnprintf(sim->error, sizeof(sim->error), fmt, args);
		va_end(args);
	}
}

void vsim_figure(struct vsim *sim, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(sim->figure, sizeof(sim->figure), fmt, args);
	va_end(args);
}

/* --- alarms: a heap of entities by wake_at ------------------------------- */

static bool sooner(struct vsim *sim, u32 a, u32 b)
{
	u64 at = sim->ents[a].wake_at, bt = sim->ents[b].wake_at;

	return at < bt || (at == bt && a < b);
}

static void heap_swap(struct vsim *sim, unsigned int i, unsigned int j)
{
	u32 tmp = sim->heap[i];

	sim->heap[i] = sim->heap[j];
	sim->heap[j] = tmp;
}

static void heap_down(struct vsim *sim, unsigned int i)
{
	for (;;) {
		unsigned int least = i, child = 2 * i + 1, end = child + 2;

		for (; child < end && child < sim->heap_len; child++)
			if (sooner(sim, sim->heap[child], sim->heap[least]))
				least = child;
		if (least == i)
			return;
		heap_swap(sim, i, least);
		i = least;
	}
}

static void heap_remove(struct vsim *sim, unsigned int i)
{
	sim->heap[i] = sim->heap[--sim->heap_len];
	if (!i) {
		heap_down(sim, 0);
		return;
	}
	/* rare: heapify again rather than fix up both ways */
	for (i = sim->heap_len / 2; i-- > 0;)
		heap_down(sim, i);
}

static void alarm(struct vsim *sim, struct vsim_ent *ent, u64 at)
{
	unsigned int i = sim->heap_len++;

	ent->wake_at = at;
	sim->heap[i] = ent->index;
	while (i && sooner(sim, sim->heap[i], sim->heap[(i - 1) / 2])) {
		heap_swap(sim, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static u64 next_alarm(struct vsim *sim)
{
	return sim->heap_len ? sim->ents[sim->heap[0]].wake_at : VSIM_NEVER;
}

/* --- workloads ----------------------------------------------------------- */

static u64 draw(struct vsim *sim, const struct vsim_load *load, u64 mean)
{
	return load->random ? max(vsim_exponential(sim, mean), 1ULL) : mean;
}

static void push_job(struct vsim *sim, struct vsim_ent *ent, u64 cost)
{
	u32 at;

	if (ent->jobs_count == ent->jobs_size) {
		ent->dropped++;
		return;
	}
	at = (ent->jobs_head + ent->jobs_count++) % ent->jobs_size;
	ent->jobs[at] = (struct vsim_job){ sim->now, max(cost, 1ULL) };
}

/* What is about to be charged may be beyond the slice. */
static void late(struct vsim *sim)
{
	u64 from = max(sim->slice_end, sim->run_from);

	if (sim->now > from)
		vgpu_rq_overshoot(&sim->rq, &sim->curr->se, sim->now - from);
}

static void charge(struct vsim *sim)
{
	u64 served = sim->now - sim->run_from;

	late(sim);
	vgpu_rq_charge(&sim->rq, &sim->curr->se, served, sim->now);
	sim->curr->done += served;
	sim->busy_ns += served;
	sim->run_from = sim->now;
}

static void wake(struct vsim *sim, struct vsim_ent *ent)
{
	if (ent->se.state != VGPU_SE_IDLE)
		return;
	if (sim->curr && sim->now > sim->run_from)
		charge(sim);
	ent->waiting_since = sim->now;
	event(sim, VSIM_EV_WAKE, ent->index, ent->jobs[ent->jobs_head].cost);
	if (vgpu_rq_wake(&sim->rq, &ent->se, sim->now) && sim->curr)
		sim->preempt_at = min(sim->preempt_at, sim->now +
				      vgpu_rq_keeps(&sim->rq, sim->now -
						    sim->slice_from));
}

/* A job by the clock. */
static void arrive(struct vsim *sim, struct vsim_ent *ent)
{
	const struct vsim_load *load = &ent->load;

	heap_remove(sim, 0);
	ent->wake_at = VSIM_NEVER;
	push_job(sim, ent, draw(sim, load, load->cost_ns));
	if (load->kind == VSIM_POISSON)
		alarm(sim, ent, sim->now + 1 +
		      vsim_exponential(sim, load->gap_ns));
	wake(sim, ent);
}

void vsim_arrive(struct vsim *sim, struct vsim_ent *ent, u64 cost_ns)
{
	push_job(sim, ent, cost_ns);
	wake(sim, ent);
}

void vsim_group(struct vsim *sim, unsigned int n, const char *policy,
		u32 weight)
{
	struct vgpu_group *group = kvcalloc(1, sizeof(*group), GFP_KERNEL);

	if (!group) {
		vsim_fail(sim, "no memory");
		return;
	}
	/* their numbers start behind those of the entities, for the log */
	vgpu_group_init(group, &sim->rq, vgpu_policy_get(policy),
			sim->size + n, weight, 0);
	sim->groups[n - 1] = group;
}

struct vsim_ent *vsim_spawn(struct vsim *sim, const struct vsim_load *load)
{
	struct vsim_ent *ent = sim->ents;
	struct vsim_job *jobs;
	u32 jobs_size = 1;

	while (ent->present)
		ent++;
	jobs = ent->jobs;
	if (load->kind == VSIM_POISSON || load->kind == VSIM_TRACE)
		jobs_size = load->backlog ?: POISSON_BACKLOG;
	if (ent->jobs_size < jobs_size) {
		kvfree(jobs);
		jobs = kvcalloc(jobs_size, sizeof(*jobs), GFP_KERNEL);
		if (!jobs) {
			vsim_fail(sim, "no memory");
			jobs_size = 0;
		}
	}
	jobs_size = max(jobs_size, ent->jobs_size);
	memset(ent, 0, sizeof(*ent));
	ent->load = *load;
	ent->index = ent - sim->ents;
	ent->present = true;
	ent->jobs = jobs;
	ent->jobs_size = jobs_size;
	ent->wake_at = VSIM_NEVER;
	ent->waiting_since = VSIM_NEVER;
	vgpu_rq_add(load->group ? &sim->groups[load->group - 1]->rq : &sim->rq,
		    &ent->se, ent->index,
		    load->weight ?: VGPU_WEIGHT_DEFAULT, load->priority);
	if (load->slice_ns)
		vgpu_rq_set_se_slice(&sim->rq, &ent->se, load->slice_ns,
				     sim->now);
	if (load->cap && vgpu_rq_set_cap(&sim->rq, &ent->se, load->cap,
					 sim->now))
		vsim_fail(sim, "cap %u was refused", load->cap);
	switch (load->kind) {
	case VSIM_HOG:
		push_job(sim, ent, draw(sim, load, load->cost_ns));
		wake(sim, ent);
		break;
	case VSIM_CLOSED:
		alarm(sim, ent, sim->now + draw(sim, load, load->gap_ns));
		break;
	case VSIM_POISSON:
		alarm(sim, ent, sim->now + vsim_exponential(sim, load->gap_ns));
		break;
	case VSIM_TRACE:
		break;
	}
	return ent;
}

void vsim_kill(struct vsim *sim, struct vsim_ent *ent)
{
	unsigned int i;

	if (ent == sim->curr)
		vsim_stop(sim);
	for (i = 0; i < sim->heap_len; i++) {
		if (sim->heap[i] == ent->index) {
			heap_remove(sim, i);
			break;
		}
	}
	vgpu_rq_remove(&sim->rq, &ent->se, sim->now);
	ent->present = false;
}

/* --- the engine ---------------------------------------------------------- */

static void put(struct vsim *sim, bool ready, bool midway)
{
	struct vsim_ent *ent = sim->curr;
	u64 served = sim->now - sim->run_from;

	event(sim, ready ? VSIM_EV_PUT : VSIM_EV_SLEEP, ent->index, served);
	late(sim);
	/* as many charges as the core would need, never one too long */
	vgpu_rq_put(&sim->rq, &ent->se, served, sim->now, ready, midway);
	ent->done += served;
	sim->busy_ns += served;
	sim->curr = NULL;
	sim->last = ent;
	watch(sim, ent);
}

void vsim_stop(struct vsim *sim)
{
	if (sim->curr)
		put(sim, true, true);
}

/* The first job of the running one is done. */
static void job_done(struct vsim *sim)
{
	struct vsim_ent *ent = sim->curr;
	const struct vsim_load *load = &ent->load;

	charge(sim);
	hist_add(&ent->response, sim->now - ent->jobs[ent->jobs_head].arrived);
	event(sim, VSIM_EV_DONE, ent->index, ent->done);
	ent->done = 0;
	ent->jobs_head = (ent->jobs_head + 1) % ent->jobs_size;
	ent->jobs_count--;
	if (load->kind == VSIM_HOG)
		push_job(sim, ent, draw(sim, load, load->cost_ns));
	if (!ent->jobs_count) {
		put(sim, false, false);
		if (load->kind == VSIM_CLOSED)
			alarm(sim, ent, sim->now +
			      draw(sim, load, load->gap_ns));
		return;
	}
	if (sim->now >= min(sim->slice_end, sim->preempt_at))
		put(sim, true, false);
}

static void pick(struct vsim *sim, u64 until)
{
	struct vgpu_se *se;
	u64 slice, next;

	se = vgpu_rq_pick(&sim->rq, sim->now, &slice);
	if (!se) {
		next = min(next_alarm(sim), until);
		if (slice)
			next = min(next, sim->now + slice);
		event(sim, VSIM_EV_IDLE, 0, next - sim->now);
		sim->idle_ns += next - sim->now;
		sim->now = next;
		return;
	}
	sim->curr = container_of(se, struct vsim_ent, se);
	watch(sim, sim->curr);
	if (sim->curr != sim->last) {
		sim->switches++;
		sim->now += sim->switch_ns;
	}
	event(sim, VSIM_EV_PICK, se->id, slice);
	if (sim->curr->waiting_since != VSIM_NEVER) {
		hist_add(&sim->curr->latency,
			 sim->now - sim->curr->waiting_since);
		sim->curr->waiting_since = VSIM_NEVER;
	}
	sim->run_from = sim->now;
	sim->slice_from = sim->now;
	sim->slice_end = sim->now + slice;
	sim->preempt_at = VSIM_NEVER;
}

/* When the running one can stop after having been asked to at @request. */
static u64 stop_at(struct vsim *sim, u64 request)
{
	struct vsim_ent *ent = sim->curr;
	u64 unit = ent->load.stretch_ns ?: sim->check_ns, work;

	if (request == VSIM_NEVER || !unit)
		return request;
	work = ent->done + (max(request, sim->run_from) - sim->run_from);
	work = div64_u64(work + unit - 1, unit) * unit;
	return sim->run_from + (work - ent->done);
}

void vsim_run(struct vsim *sim, u64 until)
{
	while (sim->now < until) {
		u64 stop, end, next;

		while (next_alarm(sim) <= sim->now)
			arrive(sim, &sim->ents[sim->heap[0]]);
		if (!sim->curr) {
			pick(sim, until);
			continue;
		}

		end = sim->run_from + sim->curr->jobs[sim->curr->jobs_head].cost -
		      sim->curr->done;
		stop = stop_at(sim, min(sim->slice_end, sim->preempt_at));
		next = min(min(end, stop), min(next_alarm(sim), until));
		sim->now = max(next, sim->now);
		if (next == end)
			job_done(sim);
		else if (next == stop)
			put(sim, true, true);
	}
}

static void ejected(struct vgpu_rq *rq, const char *policy, const char *reason)
{
	struct vsim *sim = container_of(rq, struct vsim, rq);

	event(sim, VSIM_EV_EJECT, 0, rq->ejections);
}

int vsim_init(struct vsim *sim, const struct vgpu_policy *policy,
	      unsigned int size, u64 seed)
{
	memset(sim, 0, sizeof(*sim));
	sim->seed = seed;
	sim->rng = seed;
	sim->hash = 0xcbf29ce484222325ULL;
	sim->check_ns = 10 * VSIM_US;
	sim->size = size;
	sim->preempt_at = VSIM_NEVER;
	sim->ents = kvcalloc(size, sizeof(*sim->ents), GFP_KERNEL);
	sim->heap = kvcalloc(size, sizeof(*sim->heap), GFP_KERNEL);
	if (!sim->ents || !sim->heap) {
		kvfree(sim->ents);
		kvfree(sim->heap);
		return -ENOMEM;
	}
	vgpu_rq_init(&sim->rq, NULL, policy);
	sim->rq.ejected = ejected;
	return 0;
}

void vsim_fini(struct vsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->size; i++)
		if (sim->ents[i].present)
			vsim_kill(sim, &sim->ents[i]);
	for (i = 0; i < VSIM_GROUPS; i++) {
		if (!sim->groups[i])
			continue;
		vgpu_group_fini(sim->groups[i], sim->now);
		vgpu_policy_put(sim->groups[i]->rq.policy);
		kvfree(sim->groups[i]);
	}
	vgpu_rq_fini(&sim->rq);
	vgpu_policy_put(sim->rq.policy);
	for (i = 0; i < sim->size; i++)
		kvfree(sim->ents[i].jobs);
	kvfree(sim->ents);
	kvfree(sim->heap);
}
