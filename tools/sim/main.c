// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu-sim: drives the kernel's scheduling policies in virtual time.
 * "check" runs the scenarios that KUnit runs; "play" runs workloads or a trace
 * of your own and shows who got what.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static const char usage[] =
"usage: vgpu-sim list\n"
"       vgpu-sim check [--seed N] [--seeds COUNT] [--csv FILE] [SCENARIO...]\n"
"       vgpu-sim play [OPTION...] LOAD...\n"
"       vgpu-sim play [OPTION...] --trace FILE\n"
"\n"
"list shows the policies and the scenarios. check runs scenarios (all of them\n"
"by default) as KUnit does; the same seed gives the same hash. play runs\n"
"workloads and prints what each vGPU got; all times are virtual.\n"
"\n"
"  --policy NAME     rr, fair, ... (default fair)\n"
"  --seconds N       how long (default 10)\n"
"  --slice TIME      default slice (default 2ms)\n"
"  --check TIME      how often the engine looks whether to stop (default 10us)\n"
"  --switch TIME     what a switch costs (default 0)\n"
"  --seed N          of all chance (default 1)\n"
"  --csv FILE        every event: time_ns,event,vgpu,argument_ns\n"
"  --windows FILE    service per vGPU in each 10 ms\n"
"\n"
"LOAD is [COUNTx]KIND[,key=value...]. KIND: hog (always has work), closed\n"
"(works cost, sleeps gap), poisson (a job every gap, on average). Keys: weight,\n"
"prio, slice, cap (per cent), cost, gap, stretch (cannot be stopped for as long),\n"
"random=1 (exponential costs and gaps). TIME and costs: 5us, 2ms, 1s; ns alone.\n"
"A trace is CSV: arrival_ns,cost_ns,vgpu[,weight]; vGPUs count from 0.\n";

void die(const char *what, const char *arg)
{
	fprintf(stderr, "vgpu-sim: %s: %s\nTry 'vgpu-sim --help'.\n", what,
		arg);
	exit(2);
}

static u64 number(const char *text, const char **end)
{
	char *stop;
	u64 x;

	errno = 0;
	x = strtoull(text, &stop, 0);
	if (errno || stop == text || *text == '-')
		die("no number", text);
	*end = stop;
	return x;
}

static u64 plain(const char *text)
{
	const char *end;
	u64 x = number(text, &end);

	if (*end && *end != ',')
		die("no number", text);
	return x;
}

static u64 duration(const char *text)
{
	static const struct {
		const char *name;
		u64 ns;
	} units[] = {
		{ "", 1 }, { "ns", 1 }, { "us", VSIM_US }, { "ms", VSIM_MS },
		{ "s", VSIM_S },
	};
	const char *end;
	u64 x = number(text, &end);
	size_t i, len = strcspn(end, ",");

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == len &&
		    !strncmp(units[i].name, end, len) &&
		    x <= 1000000 * VSIM_S / units[i].ns)
			return x * units[i].ns;
	die("no time (5us, 2ms, 1s)", text);
	return 0;
}

void sim_log_event(struct vsim *sim, u64 time, enum vsim_event event,
		   unsigned int index, u64 arg)
{
	fprintf(sim->log_data, "%llu,%s,%u,%llu\n", time,
		vsim_event_name(event), index, arg);
}

FILE *sim_open_csv(const char *path, const char *header)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(strerror(errno), path);
	fprintf(file, "%s\n", header);
	return file;
}

static int list(void)
{
	const struct vsim_scenario *sc;
	char names[256];
	unsigned int i;

	if (vgpu_policy_names(names, sizeof(names)) < 0)
		return 1;
	printf("policies: %s\nscenarios:\n", names);
	for (i = 0; (sc = vsim_scenario_at(i)); i++)
		printf("  %-24s %s\n", sc->name, sc->policy);
	return 0;
}

/* --- check --------------------------------------------------------------- */

static bool wanted(const struct vsim_scenario *scenario, char **names)
{
	char **name;

	for (name = names; *name; name++)
		if (!strcmp(*name, scenario->name))
			return true;
	return !*names;
}

static int check(const struct sim_options *opt, char **names)
{
	unsigned int i, run = 0, passed = 0, failed = 0;
	const struct vsim_scenario *sc;
	static struct vsim sim;
	FILE *csv = NULL;
	u64 seed;

	if (opt->csv)
		csv = sim_open_csv(opt->csv, "time_ns,event,vgpu,argument_ns");
	for (seed = opt->seed; seed < opt->seed + opt->seeds; seed++) {
		for (i = 0; (sc = vsim_scenario_at(i)); i++) {
			if (!wanted(sc, names))
				continue;
			run++;
			if (vsim_scenario_init(&sim, sc, seed))
				die("cannot run", sc->name);
			sim.log = csv ? sim_log_event : NULL;
			sim.log_data = csv;
			vsim_scenario_run(&sim, sc);
			printf("%s %u - %s seed %llu events %llu hash %016llx\n",
			       sim.errors ? "not ok" : "ok", run, sc->name,
			       seed, sim.events, sim.hash);
			if (sim.errors)
				printf("# %u failed, first: %s\n", sim.errors,
				       sim.error);
			if (sim.figure[0])
				printf("# %s seed %llu: %s\n", sc->name, seed,
				       sim.figure);
			failed += !!sim.errors;
			passed += !sim.errors;
			vsim_fini(&sim);
		}
	}
	if (!run)
		die("no such scenario", names[0]);
	printf("1..%u\n", run);
	if (csv && fclose(csv))
		die(strerror(errno), opt->csv);
	return !!failed;
}

/* --- play ---------------------------------------------------------------- */

struct sim_load sim_parse_load(const char *text)
{
	static const char * const kinds[] = { "hog", "closed", "poisson" };
	struct sim_load l = { .count = 1, .load.cost_ns = VSIM_MS,
			      .load.gap_ns = 10 * VSIM_MS };
	const char *at = text, *end;
	size_t i, len;

	if (*at >= '0' && *at <= '9') {
		l.count = number(at, &end);
		if (*end != 'x' || !l.count || l.count > SIM_VGPUS_MAX)
			die("no load", text);
		at = end + 1;
	}
	len = strcspn(at, ",");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i]) == len && !strncmp(kinds[i], at, len))
			break;
	if (i == ARRAY_SIZE(kinds))
		die("no load", text);
	l.load.kind = i;
	for (at += len; *at; at += strcspn(at, ",")) {
		const char *key = ++at, *value = strchr(key, '=');

		if (!value)
			die("no key=value", key);
		len = value++ - key;
		if (!strncmp(key, "weight", len))
			l.load.weight = plain(value);
		else if (!strncmp(key, "prio", len))
			l.load.priority = plain(value);
		else if (!strncmp(key, "cap", len))
			l.load.cap = plain(value) * 100;
		else if (!strncmp(key, "slice", len))
			l.load.slice_ns = duration(value);
		else if (!strncmp(key, "cost", len))
			l.load.cost_ns = duration(value);
		else if (!strncmp(key, "gap", len))
			l.load.gap_ns = duration(value);
		else if (!strncmp(key, "stretch", len))
			l.load.stretch_ns = duration(value);
		else if (!strncmp(key, "random", len))
			l.load.random = plain(value);
		else
			die("unknown key", key);
	}
	return l;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 't' },
		{ "slice", required_argument, NULL, 's' },
		{ "check", required_argument, NULL, 'c' },
		{ "switch", required_argument, NULL, 'w' },
		{ "seed", required_argument, NULL, 'r' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "csv", required_argument, NULL, 'o' },
		{ "windows", required_argument, NULL, 'f' },
		{ "trace", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct sim_options opt = {
		.policy = "fair", .seconds = 10, .slice_ns = VGPU_SLICE_DEFAULT_NS,
		.check_ns = 10 * VSIM_US, .seed = 1, .seeds = 1,
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt.policy = optarg;
			break;
		case 't':
			opt.seconds = plain(optarg);
			break;
		case 's':
			opt.slice_ns = duration(optarg);
			break;
		case 'c':
			opt.check_ns = duration(optarg);
			break;
		case 'w':
			opt.switch_ns = duration(optarg);
			break;
		case 'r':
			opt.seed = plain(optarg);
			break;
		case 'n':
			opt.seeds = plain(optarg);
			break;
		case 'o':
			opt.csv = optarg;
			break;
		case 'f':
			opt.windows = optarg;
			break;
		case 'i':
			opt.trace = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (optind == argc)
		die("what to do?", "list, check or play");
	argv += optind;
	if (!strcmp(argv[0], "list"))
		return list();
	if (!strcmp(argv[0], "check"))
		return check(&opt, argv + 1);
	if (!strcmp(argv[0], "play"))
		return sim_play(&opt, argv + 1);
	die("unknown command", argv[0]);
	return 2;
}
