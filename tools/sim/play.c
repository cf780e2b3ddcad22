// SPDX-License-Identifier: GPL-2.0
/* "play": workloads of one's own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define WINDOW_NS	(10 * VSIM_MS)
#define TRACE_BACKLOG	65536

struct arrival {
	u64 at, cost;
	u32 vgpu, weight;
};

struct trace {
	struct arrival *arrivals;
	size_t count, next;
	u32 vgpus;
};

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->vgpu < y->vgpu ? -1 : x->vgpu > y->vgpu;
}

/* All of a line: three numbers or four, and no sign, which would be a wrap. */
static bool parse_arrival(const char *line, struct arrival *a)
{
	unsigned long long field[4] = { 0 };
	unsigned int n;
	char *end;

	for (n = 0; n < 4; n++) {
		if (line[0] < '0' || line[0] > '9')
			return false;
		errno = 0;
		field[n] = strtoull(line, &end, 10);
		if (errno)
			return false;
		if (*end != ',')
			break;
		line = end + 1;
	}
	if (n < 2 || n > 3 || end[strspn(end, "\r\n")])
		return false;
	*a = (struct arrival){ .at = field[0], .cost = field[1],
			       .vgpu = field[2], .weight = field[3] };
	return a->cost && field[2] < SIM_VGPUS_MAX && field[3] <= VGPU_WEIGHT_MAX;
}

static void read_trace(const char *path, struct trace *trace)
{
	FILE *file = fopen(path, "r");
	char line[256], where[300];
	unsigned int n = 0;

	if (!file)
		die(strerror(errno), path);
	while (fgets(line, sizeof(line), file)) {
		struct arrival a;

		n++;
		if (line[0] == '#' || line[0] == '\n' ||
		    (n == 1 && !strncmp(line, "arrival_ns,", 11)))
			continue;	/* a comment, or the heading */
		/* nor one that is too long to be one */
		if ((!strchr(line, '\n') && !feof(file)) ||
		    !parse_arrival(line, &a)) {
			snprintf(where, sizeof(where), "%s:%u", path, n);
			die("not arrival_ns,cost_ns,vgpu[,weight]", where);
		}
		if (!(trace->count & (trace->count + 1))) {
			trace->arrivals = realloc(trace->arrivals,
						  2 * (trace->count + 1) *
						  sizeof(a));
			if (!trace->arrivals)
				die("no memory", path);
		}
		trace->arrivals[trace->count++] = a;
		if (a.vgpu >= trace->vgpus)
			trace->vgpus = a.vgpu + 1;
	}
	fclose(file);
	if (!trace->count)
		die("nothing arrives", path);
	qsort(trace->arrivals, trace->count, sizeof(*trace->arrivals), by_time);
}

/* Up to @until, with the arrivals on the way. */
static void run(struct vsim *sim, struct trace *trace, u64 until)
{
	for (; trace->next < trace->count; trace->next++) {
		const struct arrival *a = &trace->arrivals[trace->next];

		if (a->at > until)
			break;
		vsim_run(sim, a->at);
		vsim_arrive(sim, &sim->ents[a->vgpu], a->cost);
	}
	vsim_run(sim, until);
}

static void spawn_traced(struct vsim *sim, const struct trace *trace)
{
	struct vsim_load load = { .kind = VSIM_TRACE, .backlog = TRACE_BACKLOG };
	size_t i;
	u32 v;

	for (v = 0; v < trace->vgpus; v++) {
		load.weight = 0;
		for (i = 0; i < trace->count && !load.weight; i++)
			if (trace->arrivals[i].vgpu == v)
				load.weight = trace->arrivals[i].weight;
		vsim_spawn(sim, &load);
	}
}

static void window(struct vsim *sim, FILE *file, u64 *before)
{
	unsigned int i;

	fprintf(file, "%llu", sim->now);
	for (i = 0; i < sim->size; i++) {
		u64 run_ns = sim->ents[i].se.stats.run_ns;

		/* what the running one had since it was last charged */
		if (&sim->ents[i] == sim->curr)
			run_ns += sim->now - sim->run_from;
		fprintf(file, ",%llu", run_ns - before[i]);
		before[i] = run_ns;
	}
	fputc('\n', file);
}

static double ms(u64 ns)
{
	return ns / 1e6;
}

static void report(struct vsim *sim)
{
	unsigned int i;

	printf("%5s %6s %9s %9s %9s %9s %9s %9s %8s %8s\n", "vgpu", "weight",
	       "share %", "due %", "wait p50", "wait p99", "resp p99",
	       "max wait", "slices", "preempt");
	for (i = 0; i < sim->size; i++) {
		struct vsim_ent *ent = &sim->ents[i];
		struct vgpu_se_stats stats;

		vgpu_se_stats(&sim->rq, &ent->se, sim->now, &stats);
		printf("%5u %6u %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %8llu %8llu\n",
		       i, ent->se.weight,
		       100.0 * stats.run_ns / (sim->busy_ns ?: 1),
		       100.0 * stats.entitled_ns / (sim->busy_ns ?: 1),
		       ms(vsim_hist_above(&ent->latency, 500)),
		       ms(vsim_hist_above(&ent->latency, 10)),
		       ms(vsim_hist_above(&ent->response, 10)),
		       ms(stats.wait_max_ns), stats.slices, stats.preemptions);
		if (ent->dropped)
			printf("      dropped %llu jobs: its backlog was full\n",
			       ent->dropped);
	}
	printf("%s: %.3f s busy, %.3f s idle, %llu switches, %llu slices, lag %.3f to %.3f ms, fairness %.4f, hash %016llx\n",
	       sim->rq.policy->name, sim->busy_ns / 1e9, sim->idle_ns / 1e9,
	       sim->switches, sim->rq.picks, sim->lag_min / 1e6, sim->lag_max / 1e6,
	       vsim_fairness_ppm(sim) / 1e6, sim->hash);
}

int sim_play(const struct sim_options *opt, char **texts)
{
	const struct vgpu_policy *policy = vgpu_policy_get(opt->policy);
	u64 end = opt->seconds * VSIM_S, at;
	FILE *csv = NULL, *windows = NULL;
	struct trace trace = { 0 };
	static struct vsim sim;
	unsigned int vgpus, i;
	u64 *before;
	char **text;

	if (!policy)
		die("no such policy (try: vgpu-sim list)", opt->policy);
	if (opt->slice_ns < VGPU_SLICE_MIN_NS ||
	    opt->slice_ns > VGPU_SLICE_MAX_NS)
		die("a slice is 100us to 100ms", "--slice");
	if (opt->trace)
		read_trace(opt->trace, &trace);
	vgpus = trace.vgpus;
	for (text = texts; *text; text++)
		vgpus += sim_parse_load(*text).count;
	if (!vgpus || vgpus > SIM_VGPUS_MAX)
		die("1 to 4096 vGPUs, please", "play");

	before = calloc(vgpus, sizeof(*before));
	if (!before || vsim_init(&sim, policy, vgpus, opt->seed))
		die("no memory", "play");
	vgpu_rq_set_slice(&sim.rq, opt->slice_ns);
	sim.check_ns = opt->check_ns;
	sim.switch_ns = opt->switch_ns;
	if (opt->csv) {
		csv = sim_open_csv(opt->csv, "time_ns,event,vgpu,argument_ns");
		sim.log = sim_log_event;
		sim.log_data = csv;
	}
	if (opt->windows) {
		windows = sim_open_csv(opt->windows, "# time_ns, then the service of each vgpu in ns");
		for (i = 0; i < vgpus; i++)
			fprintf(windows, "%s%u", i ? ",vgpu" : "time_ns,vgpu", i);
		fputc('\n', windows);
	}

	spawn_traced(&sim, &trace);
	for (text = texts; *text; text++) {
		struct sim_load load = sim_parse_load(*text);

		while (load.count--)
			vsim_spawn(&sim, &load.load);
	}
	for (at = WINDOW_NS; at <= end; at += WINDOW_NS) {
		run(&sim, &trace, at);
		if (windows)
			window(&sim, windows, before);
	}
	vsim_stop(&sim);
	report(&sim);

	vsim_fini(&sim);
	free(before);
	free(trace.arrivals);
	if ((csv && fclose(csv)) || (windows && fclose(windows)))
		die(strerror(errno), "cannot write");
	return 0;
}
