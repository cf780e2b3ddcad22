// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl trace: records the kernel's tracepoints (events/vgpu) in an instance of
 * tracefs of our own, so that nobody else's tracing is touched, and writes what the
 * engines did for Perfetto (perfetto.c).
 *
 * An instance costs memory until somebody removes it, so a process of its own, the
 * guard, does: it waits for the end of a pipe that we hold, which comes however we
 * end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>
#include <tracefs.h>

#include "data.h"
#include "perfetto.h"
#include "table.h"

#define SYSTEM		"vgpu"
#define BUFFER_KB	8192		/* for each CPU */
#define LOOK_MS		100
#define MAX_EVENTS	(1u << 20)	/* 72 MB of ours */
#define MAX_SECONDS	3600

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

struct field_desc {
	const char *name;
	enum { F_NS, F_GPU, F_ENGINE, F_VGPU, F_SEQNO, F_A, F_B, F_C, F_ERROR, F_FLAG } to;
};

static const struct event_desc {
	const char *name;
	struct field_desc fields[9];
} descs[TR_KINDS] = {
#define WHERE	{ "gpu", F_GPU }, { "engine", F_ENGINE }, { "vgpu", F_VGPU }
	[TR_RUN] = { "vgpu_run", { WHERE, { "seqno", F_SEQNO }, { "op", F_A },
				   { "slice_ns", F_B }, { "resumed", F_FLAG } } },
	[TR_STOP] = { "vgpu_stop", { WHERE, { "seqno", F_SEQNO }, { "service_ns", F_A },
				     { "midway", F_FLAG }, { "error", F_ERROR } } },
	[TR_SWITCH] = { "vgpu_switch", { WHERE, { "wall_ns", F_A }, { "restored", F_FLAG } } },
	[TR_WAKE] = { "vgpu_wake", { WHERE, { "queued", F_A }, { "preempts", F_FLAG } } },
	[TR_FAULT] = { "vgpu_fault", { WHERE, { "seqno", F_SEQNO }, { "va", F_A },
				       { "access", F_B }, { "error", F_ERROR } } },
	[TR_RESET] = { "vgpu_reset", { WHERE, { "seqno", F_SEQNO } } },
	[TR_QUOTA] = { "vgpu_quota", { { "gpu", F_GPU }, { "vgpu", F_VGPU }, { "bytes", F_A },
				       { "used", F_B }, { "limit", F_C } } },
	[TR_GOVERNOR] = { "vgpu_governor", { { "gpu", F_GPU }, { "from", F_A }, { "to", F_B } } },
};

struct recording {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct tr_event *events;
	size_t count, room;
	uint64_t lost;			/* that is known of */
	bool full, gap, no_memory;
	int strange;			/* events that lack a field */
};

/* ---- reading ------------------------------------------------------------------------ */

static struct tr_event *new_event(struct recording *r)
{
	struct tr_event *events;
	size_t room;

	if (r->count == MAX_EVENTS) {
		r->full = true;
		return NULL;
	}
	if (r->count == r->room) {
		room = r->room ? 2 * r->room : 4096;
		events = realloc(r->events, room * sizeof(*events));
		if (!events) {
			r->no_memory = true;
			return NULL;
		}
		r->events = events;
		r->room = room;
	}
	events = &r->events[r->count++];
	memset(events, 0, sizeof(*events));
	return events;
}

static bool take_field(struct tr_event *to, struct tep_event *event,
		       struct tep_record *record, const struct field_desc *f)
{
	unsigned long long v;
	struct tep_format_field *field = tep_find_field(event, f->name);

	if (!field || tep_read_number_field(field, record->data, &v))
		return false;
	switch (f->to) {
	case F_GPU:
		to->gpu = (uint32_t)v;
		break;
	case F_ENGINE:
		to->engine = (uint32_t)v;
		break;
	case F_VGPU:
		to->vgpu = (uint32_t)v;
		break;
	case F_SEQNO:
		to->seqno = v;
		break;
	case F_A:
		to->a = v;
		break;
	case F_B:
		to->b = v;
		break;
	case F_C:
		to->c = v;
		break;
	case F_ERROR:
		to->error = (int32_t)v;
		break;
	case F_FLAG:
		to->flag = v & 1;
		break;
	case F_NS:
		break;
	}
	return true;
}

static int on_event(struct tep_event *event, struct tep_record *record, int cpu,
		    void *arg)
{
	struct recording *r = arg;
	const struct field_desc *f;
	struct tr_event *to;
	uint32_t kind;

	(void)cpu;
	for (kind = 0; kind < TR_KINDS; kind++)
		if (descs[kind].name && !strcmp(descs[kind].name, event->name))
			break;
	if (kind == TR_KINDS)
		return 0;
	to = new_event(r);
	if (!to)
		return 1;
	to->ns = record->ts;
	to->kind = kind;
	for (f = descs[kind].fields; f->name; f++)
		if (!take_field(to, event, record, f)) {
			r->strange++;
			r->count--;
			break;
		}
	return 0;
}

static int on_missed(struct tep_event *event, struct tep_record *record, int cpu,
		     void *arg)
{
	struct recording *r = arg;
	struct tr_event *to = new_event(r);

	(void)event;
	(void)cpu;
	r->gap = true;
	if (record->missed_events > 0)
		r->lost += (uint64_t)record->missed_events;
	if (!to)
		return 1;
	to->ns = record->ts;
	to->kind = TR_LOST;
	to->a = record->missed_events > 0 ? (uint64_t)record->missed_events : 0;
	return 0;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int read_events(struct recording *r)
{
	if (tracefs_iterate_raw_events(r->tep, r->instance, NULL, 0, on_event, r) < 0)
		return fail(CTL_FAILED, errno, NULL, "cannot read the trace: %s",
			    strerror(errno));
	if (r->no_memory)
		return fail(CTL_FAILED, ENOMEM, NULL, "out of memory");
	return CTL_OK;
}

static int record(struct recording *r, double seconds)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	int code = CTL_OK;

	while (!code && !interrupted && !r->full && now_ns() < end) {
		nanosleep(&pause, NULL);
		code = read_events(r);
	}
	tracefs_trace_off(r->instance);
	return code ? code : read_events(r);
}

/* ---- the instance ----------------------------------------------------------------------- */

static int cannot(const char *doing)
{
	int err = errno;

	return fail(err == EPERM || err == EACCES || err == ENOENT ? CTL_DEVICE :
		    code_of(err), err,
		    geteuid() ? "this needs root on the host: try with sudo" : NULL,
		    "cannot %s: %s", doing, strerror(err));
}

/*
 * Waits until all others have closed the pipe, and removes the instance. Until its
 * files are closed it is busy, and those of one that was killed are about to be.
 */
static void __attribute__((noreturn)) guard(const char *name, int fd)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct tracefs_instance *instance;
	int i, none;
	char c;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* who waits for the end of our output need not wait for the guard's */
	none = open("/dev/null", O_RDWR);
	dup2(none, STDIN_FILENO);
	dup2(none, STDOUT_FILENO);
	dup2(none, STDERR_FILENO);
	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	instance = tracefs_instance_alloc(NULL, name);
	for (i = 0; instance && i < 500; i++) {
		if (!tracefs_instance_destroy(instance) || errno == ENOENT)
			_exit(0);
		nanosleep(&pause, NULL);
	}
	_exit(1);
}

struct guarded {
	pid_t pid;
	int pipe;
};

static void instance_end(struct recording *r, struct guarded *g)
{
	int status = 1;

	close(g->pipe);
	while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		note("instances/vgpuctl-%d of tracefs could not be removed",
		     (int)getpid());
	if (r->instance)
		tracefs_instance_free(r->instance);
}

static int instance_make(struct recording *r, struct guarded *g)
{
	char name[64];
	int fds[2], code;

	snprintf(name, sizeof(name), "vgpuctl-%d", (int)getpid());
	if (pipe2(fds, O_CLOEXEC))
		return cannot("make a pipe");
	/* first, so that there is no moment without it */
	fflush(NULL);
	g->pid = fork();
	if (!g->pid) {
		close(fds[1]);
		guard(name, fds[0]);
	}
	close(fds[0]);
	g->pipe = fds[1];
	if (g->pid < 0) {
		code = cannot("make a process");
		close(fds[1]);
		return code;
	}
	r->instance = tracefs_instance_create(name);
	if (r->instance)
		return CTL_OK;
	code = cannot("make an instance of tracefs");
	instance_end(r, g);
	return code;
}

static int instance_start(struct recording *r, struct tr_options *o)
{
	static const char *const systems[] = { SYSTEM, NULL };

	r->tep = tracefs_local_events_system(NULL, systems);
	if (!r->tep)
		return cannot("read how events look");
	/* of the clocks that all CPUs share the one that we can ask, too */
	if (tracefs_instance_file_write(r->instance, "trace_clock", "mono") < 0 ||
	    tracefs_instance_set_buffer_size(r->instance, BUFFER_KB, -1) < 0 ||
	    tracefs_follow_missed_events(r->instance, on_missed, r) < 0)
		return cannot("set the trace buffer up");
	/* before the first event: what runs now began before */
	o->begin_ns = (uint64_t)now_ns();
	if (tracefs_event_enable(r->instance, SYSTEM, NULL) < 0)
		return cannot("switch the events on");
	return CTL_OK;
}

/* ---- what came of it ------------------------------------------------------------------------ */

static const char *gpu_name(uint32_t gpu, void *arg)
{
	struct json_object *one = arg ? data_find(arg, "index", gpu) : NULL;

	return one ? json_str(one, "name") : NULL;
}

static void add_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static int print_json_result(const char *file, const struct recording *r,
			     const struct tr_options *o, const struct tr_result *res)
{
	struct json_object *all = json_new(), *list = json_object_new_array(), *one;
	size_t i;

	json_object_object_add(all, "file", json_object_new_string(file));
	add_u64(all, "time_ns", o->end_ns - o->begin_ns);
	add_u64(all, "events", r->count);
	json_object_object_add(all, "complete", json_object_new_boolean(!r->gap && !r->full));
	add_u64(all, "lost", r->lost);
	add_u64(all, "engines", res->engines);
	for (i = 0; i < res->count; i++) {
		one = json_object_new_object();
		add_u64(one, "gpu", res->sums[i].gpu);
		add_u64(one, "vgpu", res->sums[i].vgpu);
		add_u64(one, "turns", res->sums[i].turns);
		add_u64(one, "cut", res->sums[i].cut);
		add_u64(one, "service_ns", res->sums[i].service_ns);
		add_u64(one, "wall_ns", res->sums[i].wall_ns);
		json_object_array_add(list, one);
	}
	json_object_object_add(all, "vgpus", list);
	return print_json(all);
}

static int print_result(const char *file, const struct recording *r,
			const struct tr_options *o, const struct tr_result *res)
{
	char a[FORMAT_SIZE], b[FORMAT_SIZE];
	struct table *t;
	size_t i;

	if (r->gap)
		note("events were lost, where the trace says so: there were more than the buffer holds");
	if (r->full)
		note("stopped after %u events", MAX_EVENTS);
	if (r->strange)
		note("%d events are not as this vgpuctl knows them: is it the kernel's version?",
		     r->strange);
	if (json_output)
		return print_json_result(file, r, o, res);
	if (!res->count) {
		printf("%s: no engine worked for a vGPU that is looked at\n", file);
		return CTL_OK;
	}
	t = table_new(terminal_width());
	table_column(t, "GPU", true, 0);
	table_column(t, "VGPU", false, 0);
	table_column(t, "TURNS", true, 0);
	table_column(t, "ENGINE TIME", true, 0);
	table_column(t, "WALL TIME", true, 1);
	for (i = 0; i < res->count; i++) {
		table_row(t);
		table_cell(t, COLOR_NONE, "%u", res->sums[i].gpu);
		table_cell(t, COLOR_BOLD, "v%u", res->sums[i].vgpu);
		table_cell(t, COLOR_NONE, "%" PRIu64, res->sums[i].turns);
		table_cell(t, COLOR_NONE, "%s", format_ns(a, res->sums[i].service_ns));
		table_cell(t, COLOR_NONE, "%s", format_ns(b, res->sums[i].wall_ns));
	}
	table_print(t, stdout, 0);
	printf("%s: %s on %zu engine%s; open it in https://ui.perfetto.dev\n", file,
	       format_ns(a, o->end_ns - o->begin_ns), res->engines,
	       res->engines == 1 ? "" : "s");
	return CTL_OK;
}

/* Closes @out; a file that is none of ours to remove (/dev/stdout) stays. */
static void discard(const char *file, FILE *out)
{
	struct stat st;

	if (!fstat(fileno(out), &st) && S_ISREG(st.st_mode))
		unlink(file);
	fclose(out);
}

static int save(struct recording *r, const struct tr_options *o, const char *file,
		FILE *out)
{
	struct tr_result res;
	int err = perfetto_write(out, r->events, r->count, o, &res), code;

	if (!err && (fflush(out) || ferror(out)))
		err = errno ? -errno : -EIO;
	if (err) {
		discard(file, out);
		code = fail(CTL_FAILED, -err, NULL, "cannot write %s: %s", file,
			    strerror(-err));
	} else {
		fclose(out);
		code = print_result(file, r, o, &res);
	}
	free(res.sums);
	return code;
}

static int run(struct tr_options *o, double seconds, const char *file)
{
	struct recording r = { NULL };
	struct guarded g = { .pid = -1, .pipe = -1 };
	FILE *out;
	int code, fd;

	if (!tracefs_tracing_dir())
		return cannot("find tracefs");
	if (!tracefs_dir_exists(NULL, "events/" SYSTEM))
		return fail(CTL_DEVICE, errno, geteuid() ? "this needs root on the host: try with sudo" :
			    "run `modprobe vgpu_soft`",
			    "there are no tracepoints of vgpu");
	/* it tells what everybody does */
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return fail(CTL_FAILED, errno, NULL, "cannot write %s: %s", file,
			    strerror(errno));
	code = instance_make(&r, &g);
	if (code) {
		discard(file, out);
		return code;
	}
	code = instance_start(&r, o);
	if (!code) {
		code = record(&r, seconds);
		o->end_ns = (uint64_t)now_ns();
	}
	tep_free(r.tep);
	instance_end(&r, &g);
	if (code)
		discard(file, out);
	else
		code = save(&r, o, file, out);
	free(r.events);
	return code;
}

int cmd_trace(struct args *args)
{
	const struct sigaction stop = { .sa_handler = on_signal };
	const char *text = arg_option(args, "seconds");
	const char *file = arg_option(args, "output");
	struct tr_options o = { .gpu_name = gpu_name };
	struct json_object *vgpu, *gpus = NULL;
	struct vgpu_name name;
	double seconds = 5;
	int code;

	if (text && (parse_seconds(text, &seconds) || seconds <= 0 ||
		     seconds > MAX_SECONDS))
		return usage_error(args->command,
				   "--seconds '%s': give seconds, up to %d", text,
				   MAX_SECONDS);
	if (args->argc && parse_vgpu(args->argv[0], &name))
		return usage_error(args->command,
				   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
				   args->argv[0]);
	code = nl_open();
	if (code)
		return code;
	if (args->argc) {
		code = data_vgpu(&name, &vgpu);
		if (code)
			return code;
		o.only = true;
		o.gpu = (uint32_t)json_u64(vgpu, "gpu");
		o.vgpu = (uint32_t)json_u64(vgpu, "id");
		json_object_put(vgpu);
	}
	code = data_gpus(&gpus);
	if (code)
		return code;
	o.arg = gpus;
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	code = run(&o, seconds, file ? file : "vgpu-trace.json");
	json_object_put(gpus);
	return code;
}
