// SPDX-License-Identifier: GPL-2.0
/* vgpuctl run: the stock programs, or any kernel, on a vGPU. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/program.h"
#include "vgpu.h"
#include "vgpuctl.h"

#define RUN_SCHEMA	1	/* of the JSON; grows when a name changes */

struct options {
	const char *vgpu;
	const char *programs;
	bool progress;
	struct run run;
};

static const char help_head[] =
"Usage: vgpuctl run [OPTIONS] PROGRAM [ARGUMENTS]\n"
"\n"
"Runs a program on a vGPU and tells how it went.\n"
"\n"
"Options:\n"
"  --vgpu N|UUID|PATH   which vGPU (default: the only one in /dev/vgpu)\n"
"  --verify             compare every result with the CPU's, byte by byte\n"
"  --repeat N           do it N times (default: 1)\n"
"  --timeout S          give up after S seconds of waiting (default: never)\n"
"  --time-limit US      engine time of one command, in microseconds (default: none)\n"
"  --ring               submit through a ring and its doorbell\n"
"  --progress           say how far it is, on standard error\n"
"  --programs FOLDER    where the kernels are (default: $VGPU_PROGRAMS, beside\n"
"                       this binary, /usr/lib/vgpu/programs)\n"
"  -j, --json           print JSON\n"
"\n"
"Programs:\n";

static const char help_tail[] =
"\n"
"Exit status: 0 done; 1 wrong result; 2 bad arguments; 3 the device or the\n"
"system refused; 4 timed out, or ended by a time limit or an engine reset.\n";

static void print_help(FILE *to)
{
	fputs(help_head, to);
	for (unsigned int i = 0; programs[i]; i++)
		fprintf(to, "  %s %s\n        %s\n", programs[i]->name,
			programs[i]->arguments, programs[i]->summary);
	fputs(help_tail, to);
}

static int usage(const char *format, const char *what)
{
	fputs("vgpuctl run: ", stderr);
	fprintf(stderr, format, what);
	fputs(" ('vgpuctl run --help' shows how)\n", stderr);
	return RUN_USAGE;
}

/* ---- arguments ------------------------------------------------------------------ */

static bool whole_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value <= max;
}

/* 0, a result that ends the program, or -1 after the help was shown. */
static int read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "vgpu", required_argument, NULL, 'v' },
		{ "verify", no_argument, NULL, 'V' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "time-limit", required_argument, NULL, 'l' },
		{ "ring", no_argument, NULL, 'R' },
		{ "progress", no_argument, NULL, 'p' },
		{ "programs", required_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	uint64_t number;
	char *end;
	int option;

	o->run.repeat = 1;
	optind = 0;
	/* +: what follows the program's name is the program's. */
	while ((option = getopt_long(argc, argv, "+jh", names, NULL)) >= 0) {
		switch (option) {
		case 'v':
			o->vgpu = optarg;
			break;
		case 'V':
			o->run.verify = true;
			break;
		case 'r':
			if (!whole_number(optarg, 1000000000, &number) || !number)
				return usage("--repeat '%s': give a number from 1 on",
					     optarg);
			o->run.repeat = (unsigned int)number;
			break;
		case 't':
			o->run.timeout = strtod(optarg, &end);
			if (end == optarg || *end || !(o->run.timeout > 0) ||
			    o->run.timeout > 1e8)
				return usage("--timeout '%s': give seconds, more than 0",
					     optarg);
			break;
		case 'l':
			if (!whole_number(optarg, 1000000000000, &number) ||
			    !number)
				return usage("--time-limit '%s': give microseconds, from 1 on",
					     optarg);
			o->run.time_limit_us = number;
			break;
		case 'R':
			o->run.ring = true;
			break;
		case 'p':
			o->progress = true;
			break;
		case 'P':
			o->run.folder = optarg;
			break;
		case 'j':
			json_output = true;
			break;
		case 'h':
			print_help(stdout);
			return -1;
		default:
			return usage("%s", "unknown option");
		}
	}
	if (optind == argc)
		return usage("%s", "name a program");
	return 0;
}

/* ---- output ----------------------------------------------------------------------- */

static void show_progress(void *cookie, const char *program, uint64_t done,
			  uint64_t all)
{
	const struct options *o = cookie;

	if (o->progress)
		fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 "\n", program,
			done, all);
}

static const char *const result_names[] = {
	[RUN_OK] = "ok",
	[RUN_WRONG] = "wrong",
	[RUN_USAGE] = "usage",
	[RUN_DEVICE] = "device",
	[RUN_TIMEOUT] = "timeout",
};

static void json_string(const char *name, const char *text, const char *after)
{
	printf("\"%s\": \"", name);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	printf("\"%s", after);
}

static double rate(const struct run *run)
{
	return run->seconds > 0 ? run->work / run->seconds : 0;
}

/* A program that failed before it set itself up counts nothing. */
static const char *unit(const struct run *run)
{
	return run->unit ? run->unit : "op";
}

static void print_json(const struct options *o, const struct vgpu_dev *dev,
		       enum run_result result)
{
	const struct vgpu_queue_status *s = &o->run.status;
	const struct vgpu_info *info = vgpu_info(dev);
	const struct run *run = &o->run;
	char uuid[VGPU_UUID_CHARS];

	vgpu_uuid_format(info->uuid, uuid);
	printf("{ \"schema\": %d, ", RUN_SCHEMA);
	json_string("program", run->program->name, ", ");
	printf("\"vgpu\": { \"id\": %u, \"uuid\": \"%s\", ", info->id, uuid);
	json_string("path", vgpu_path(dev), ", ");
	json_string("gpu", info->gpu_name, " }, ");
	json_string("result", result_names[result], ", ");
	json_string("message", result ? run->message : "", ", ");
	json_string("output", run->result, ", ");
	printf("\"verified\": %s, \"repeats\": %u, \"seconds\": %.6f, \"work\": %.0f, ",
	       run->verified ? "true" : "false", run->repeats, run->seconds,
	       run->work);
	json_string("unit", unit(run), ", ");
	printf("\"per_second\": %.1f", rate(run));
	if (run->have_status)
		printf(", \"queue\": { \"submitted\": %llu, \"completed\": %llu, \"failed\": %llu, \"pending\": %u, \"depth\": %u, \"wait_avg_ns\": %llu, \"wait_p50_ns\": %llu, \"wait_p99_ns\": %llu, \"run_ns\": %llu, \"preempted\": %llu, \"error\": %d, \"fault_va\": %llu, \"fault_access\": %u }",
		       s->submitted, s->completed, s->failed, s->pending,
		       s->depth, s->wait_avg_ns, s->wait_p50_ns,
		       s->wait_p99_ns, s->run_ns, s->preempted, s->error,
		       s->fault_va, s->fault_access);
	if (run->ring)
		printf(", \"ring\": { \"written\": %" PRIu64 ", \"kicks\": %" PRIu64 " }",
		       run->figures.written, run->figures.kicks);
	printf(" }\n");
}

/* A rate with three digits or more and a decimal prefix. */
static void print_rate(const struct run *run)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T" };
	double value = rate(run);
	unsigned int i = 0;

	while (value >= 10000 && i < 4) {
		value /= 1000;
		i++;
	}
	printf("%.4g %s%s/s", value, prefixes[i], unit(run));
}

static void print_text(const struct options *o, const struct vgpu_dev *dev,
		       enum run_result result)
{
	const struct vgpu_queue_status *s = &o->run.status;
	const struct run *run = &o->run;

	printf("%s on %s (%s): %s, %s\n", run->program->name, vgpu_path(dev),
	       vgpu_info(dev)->gpu_name,
	       result == RUN_OK ? "done" :
	       result == RUN_WRONG ? "WRONG" :
	       result == RUN_TIMEOUT ? "ended" : "failed",
	       run->verified ? "verified" :
	       result == RUN_WRONG ? "differs from the CPU's result" :
	       "not verified");
	if (*run->result)
		printf("  result      %s\n", run->result);
	if (run->repeats) {
		printf("  time        %.3f s for %u %s, ", run->seconds,
		       run->repeats, run->repeats == 1 ? "run" : "runs");
		print_rate(run);
		putchar('\n');
	}
	if (run->have_status) {
		printf("  commands    %llu submitted, %llu completed, %llu failed, %u pending\n",
		       s->submitted, s->completed, s->failed, s->pending);
		printf("  waiting     %.3f ms on average, p50 %.3f ms, p99 %.3f ms\n",
		       (double)s->wait_avg_ns / 1e6, (double)s->wait_p50_ns / 1e6,
		       (double)s->wait_p99_ns / 1e6);
		printf("  engine      %.3f ms, preempted %llu times\n",
		       (double)s->run_ns / 1e6, s->preempted);
	}
	if (run->ring)
		printf("  ring        %" PRIu64 " commands written, %" PRIu64 " kicks\n",
		       run->figures.written, run->figures.kicks);
}

int cmd_run(int argc, char **argv)
{
	struct options o = { .vgpu = NULL };
	const struct program *program;
	struct vgpu_dev *dev;
	enum run_result result;
	int ret = read_options(&o, argc, argv);

	if (ret)
		return ret < 0 ? RUN_OK : ret;
	argc -= optind;
	argv += optind;
	program = program_find(argv[0]);
	if (!program)
		return usage("there is no program '%s'", argv[0]);

	ret = vgpu_open(o.vgpu, &dev);
	if (ret) {
		fprintf(stderr, "vgpuctl run: %s\n", vgpu_error());
		return ret == -EINVAL || ret == -ENOTUNIQ ? RUN_USAGE :
							    RUN_DEVICE;
	}
	o.run.progress = show_progress;
	o.run.cookie = &o;
	/* getopt speaks by itself; we say it with more help. */
	opterr = 0;
	result = program_run(&o.run, dev, program, argc, argv);

	if (result == RUN_USAGE) {
		usage("%s", o.run.message);
	} else {
		if (json_output)
			print_json(&o, dev, result);
		else
			print_text(&o, dev, result);
		if (result)
			fprintf(stderr, "vgpuctl run: %s\n", o.run.message);
	}
	vgpu_close(dev);
	return result;
}
