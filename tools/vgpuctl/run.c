// SPDX-License-Identifier: GPL-2.0
/* vgpuctl run: the stock programs, or any kernel, on a vGPU. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "host/program.h"
#include "vgpu.h"
#include "vgpuctl.h"

struct options {
	const char *vgpu;
	bool progress;
	struct run run;
};

const char cmd_run_help[] =
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
"  --engine N           which engine of the GPU (default: 0)\n"
"  --ring               submit through a ring and its doorbell\n"
"  --progress           say how far it is, on standard error\n"
"  --programs FOLDER    where the kernels are (default: $VGPU_PROGRAMS, beside\n"
"                       this binary, /usr/lib/vgpu/programs)\n"
"  -j, --json           print JSON\n"
"\n"
"Programs:\n"
"  copy [BYTES]\n"
"      copies system memory to the GPU, within it, and back (default: 1M)\n"
"  saxpy [ELEMENTS], isaxpy [ELEMENTS]\n"
"      y = a * x + y, in float and in 32-bit integers (default: 16k)\n"
"  gemm [SIZE | ROWS COLUMNS DEPTH], igemm [SIZE | ROWS COLUMNS DEPTH]\n"
"      matrix product, in float (default: 32) and in 32-bit integers (64)\n"
"  sha256 FILE [--chunk BYTES] [--digests FILE]\n"
"      SHA-256 of each chunk of a file (default: 4k), and of these digests;\n"
"      --digests writes a line for each: the digest and the chunk's offset\n"
"  sobel IN.pgm OUT.pgm\n"
"      edges of a grey picture\n"
"  mandelbrot OUT.pgm [--width N] [--height N] [--iterations N]\n"
"      a picture of the Mandelbrot set (default: 192 x 128, 64)\n"
"  counter [--groups N] [--lanes N] [--rounds N]\n"
"      long, and wrong if any instruction runs twice or not at all\n"
"      (default: 8, 16, 1000)\n"
"  spin, spin-nopreempt\n"
"      never end; the second refuses preemption too, until a reset\n"
"      (give --timeout or --time-limit)\n"
"  elf FILE [--entry SYMBOL] [--grid X,Y,Z] [--block X,Y,Z] [--args HEX]\n"
"           [--buffer BYTES[:IN[:OUT]]]... [--shared BYTES] [--stack BYTES]\n"
"      any kernel; its arguments are the buffers' addresses, then HEX; a buffer\n"
"      can be filled from a file and written to one\n"
"\n"
"Exit status: 0 done; 1 wrong result; 2 bad arguments; 3 the device or the\n"
"system refused; 4 timed out, or ended by a time limit or an engine reset.\n";

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
		{ "engine", required_argument, NULL, 'e' },
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
		case 'e':
			if (!whole_number(optarg, 1000, &number))
				return usage("--engine '%s': give an engine's number, from 0 on",
					     optarg);
			o->run.engine = (uint32_t)number;
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
			fputs(cmd_run_help, stdout);
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

static double rate(const struct run *run)
{
	return run->seconds > 0 ? run->work / run->seconds : 0;
}

/* A program that failed before it set itself up counts nothing. */
static const char *unit(const struct run *run)
{
	return run->unit ? run->unit : "op";
}

static void add_number(struct json_object *to, const char *name, uint64_t n)
{
	json_object_object_add(to, name, json_object_new_uint64(n));
}

static void add_string(struct json_object *to, const char *name,
		       const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static struct json_object *queue_json(const struct vgpu_queue_status *s)
{
	struct json_object *queue = json_object_new_object();

	add_number(queue, "submitted", s->submitted);
	add_number(queue, "completed", s->completed);
	add_number(queue, "failed", s->failed);
	add_number(queue, "pending", s->pending);
	add_number(queue, "depth", s->depth);
	add_number(queue, "wait_avg_ns", s->wait_avg_ns);
	add_number(queue, "wait_p50_ns", s->wait_p50_ns);
	add_number(queue, "wait_p99_ns", s->wait_p99_ns);
	add_number(queue, "run_ns", s->run_ns);
	add_number(queue, "preempted", s->preempted);
	json_object_object_add(queue, "error", json_object_new_int(s->error));
	add_number(queue, "fault_va", s->fault_va);
	add_number(queue, "fault_access", s->fault_access);
	return queue;
}

static void show_json(const struct run *run, const struct vgpu_dev *dev,
		      enum run_result result)
{
	const struct vgpu_info *info = vgpu_info(dev);
	struct json_object *vgpu = json_object_new_object();
	struct json_object *all = json_new();
	char uuid[VGPU_UUID_CHARS];

	vgpu_uuid_format(info->uuid, uuid);
	add_number(vgpu, "id", info->id);
	add_string(vgpu, "uuid", uuid);
	add_string(vgpu, "path", vgpu_path(dev));
	add_string(vgpu, "gpu", info->gpu_name);

	add_string(all, "program", run->program->name);
	json_object_object_add(all, "vgpu", vgpu);
	add_string(all, "result", result_names[result]);
	add_string(all, "message", result ? run->message : "");
	add_string(all, "output", run->result);
	json_object_object_add(all, "verified",
			       json_object_new_boolean(run->verified));
	add_number(all, "repeats", run->repeats);
	json_object_object_add(all, "seconds",
			       json_object_new_double(run->seconds));
	add_number(all, "work", (uint64_t)run->work);
	add_string(all, "unit", unit(run));
	json_object_object_add(all, "per_second",
			       json_object_new_double(rate(run)));
	if (run->have_status)
		json_object_object_add(all, "queue", queue_json(&run->status));
	if (run->ring) {
		struct json_object *ring = json_object_new_object();

		add_number(ring, "written", run->figures.written);
		add_number(ring, "kicks", run->figures.kicks);
		json_object_object_add(all, "ring", ring);
	}
	print_json(all);
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

static void show_text(const struct run *run, const struct vgpu_dev *dev,
		      enum run_result result)
{
	const struct vgpu_queue_status *s = &run->status;

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

/*
 * Memory of a vGPU that was stopped, destroyed or unplugged is no longer
 * there, and a program finds out at its next look. No buffer may be flushed
 * here, so this says it without any.
 */
static void memory_gone(int sig)
{
	static const char what[] =
		"vgpuctl run: the vGPU was stopped, or is gone, while its memory was in use\n";
	ssize_t ignored = write(STDERR_FILENO, what, sizeof(what) - 1);

	(void)sig;
	(void)ignored;
	_exit(RUN_DEVICE);
}

/*
 * Who touches memory of a paused vGPU waits in the kernel until it goes on, and no time
 * limit of ours ends that; so it is waited for here.  True: it is not paused, or nobody
 * can tell.  What is left of the time is in @run.
 */
static bool wait_unpaused(struct run *run, const struct vgpu_dev *dev)
{
	const struct vgpu_name name = { .id = vgpu_info(dev)->id };
	const struct timespec nap = { 0, 100000000 };
	const double whole = run->timeout;
	struct json_object *vgpu;
	bool paused, told = false;

	while (nl_available() && !data_vgpu(&name, &vgpu)) {
		paused = !strcmp(json_str(vgpu, "state"), "paused");
		json_object_put(vgpu);
		if (!paused)
			return true;
		if (!told)
			note("v%" PRIu32 " is paused; `vgpuctl vgpu resume v%" PRIu32 "` makes it go on",
			     name.id, name.id);
		told = true;
		nanosleep(&nap, NULL);
		run->timeout -= 0.1;
		if (whole > 0 && run->timeout <= 0) {
			snprintf(run->message, sizeof(run->message),
				 "v%" PRIu32 " was paused for all of the %g s",
				 name.id, whole);
			return false;
		}
	}
	return true;
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
	signal(SIGBUS, memory_gone);
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
	o.run.program = program;
	/* getopt speaks by itself; we say it with more help. */
	opterr = 0;
	result = wait_unpaused(&o.run, dev) ?
		 program_run(&o.run, dev, program, argc, argv) : RUN_TIMEOUT;

	if (result == RUN_USAGE) {
		usage("%s", o.run.message);
	} else {
		if (json_output)
			show_json(&o.run, dev, result);
		else if (!result || o.run.status.submitted)
			show_text(&o.run, dev, result);
		fflush(stdout);
		if (result)
			fprintf(stderr, "vgpuctl run: %s\n", o.run.message);
	}
	vgpu_close(dev);
	return result;
}
