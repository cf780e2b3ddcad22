// SPDX-License-Identifier: GPL-2.0
/*
 * The stock programs, from their host side to the last instruction of their
 * kernels, on the reference GPU's engine in user space: undisturbed, and
 * moved to another engine thousands of times.  The CPU's results must come
 * out, byte for byte.  The argument is the folder of the kernels.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/program.h"
#include "include/programs.h"
#include "soft_engine.h"
#include "tap.h"

static struct fake fake;
static const char *folder;
static char picture[32], written[32];	/* paths of files */

#define MAX_WORDS	10

struct try {
	const char *line;	/* IN and OUT stand for the two files */
	enum run_result want;
	unsigned int every;	/* switches; 0: none */
	bool ring;
};

static enum run_result run_line(const char *line, struct run *run)
{
	const struct program *program;
	char copy[256], *words[MAX_WORDS + 1], *rest = copy;
	enum run_result result;
	struct vgpu_dev *dev;
	int count = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while (count < MAX_WORDS && (words[count] = strsep(&rest, " "))) {
		if (!strcmp(words[count], "IN"))
			words[count] = picture;
		else if (!strcmp(words[count], "OUT"))
			words[count] = written;
		count++;
	}
	words[count] = NULL;
	program = program_find(words[0]);
	if (!program || fake_open(&fake, &dev))
		return RUN_DEVICE;
	run->folder = folder;
	run->repeat = run->repeat ? run->repeat : 1;
	run->verify = true;
	result = program_run(run, dev, program, count, words);
	vgpu_close(dev);
	return result;
}

static const struct try tries[] = {
	{ "copy 100003", RUN_OK, 0, false },
	{ "copy 1", RUN_OK, 0, true },
	{ "saxpy 3000", RUN_OK, 0, false },
	{ "saxpy 500", RUN_OK, 997, false },
	{ "isaxpy 20000", RUN_OK, 0, true },
	{ "gemm 20 13 17", RUN_OK, 0, false },
	{ "gemm 9 9 9", RUN_OK, 331, false },
	{ "igemm 40", RUN_OK, 0, false },
	{ "igemm 1 30 65", RUN_OK, 61, false },
	{ "sha256 IN", RUN_OK, 0, false },
	{ "sha256 IN --chunk 100 --digests OUT", RUN_OK, 1009, true },
	{ "sha256 /dev/null", RUN_USAGE, 0, false },
	{ "sobel IN OUT", RUN_OK, 0, false },
	{ "sobel IN OUT", RUN_OK, 499, false },
	{ "sobel /etc/passwd OUT", RUN_USAGE, 0, false },
	{ "mandelbrot OUT --width 40 --height 30", RUN_OK, 0, false },
	{ "mandelbrot OUT --width 20 --height 15", RUN_OK, 127, false },
	{ "mandelbrot OUT --width 16384 --height 1", RUN_USAGE, 0, false },
	{ "counter --groups 5 --lanes 64 --rounds 20", RUN_OK, 0, false },
	{ "counter --groups 6 --lanes 7 --rounds 30", RUN_OK, 1, false },
	{ "counter --groups 6 --lanes 16 --rounds 50", RUN_OK, 53, true },
	{ "counter --lanes 65", RUN_USAGE, 0, false },
	{ "copy 0", RUN_USAGE, 0, false },
	{ "copy 1 2", RUN_USAGE, 0, false },
	{ "gemm 1 2", RUN_USAGE, 0, false },
	{ "elf /bin/true", RUN_DEVICE, 0, false },
	{ "elf IN --args 1", RUN_USAGE, 0, false },
};

static void test_tries(void)
{
	for (unsigned int i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		const struct try *try = &tries[i];
		struct run run = { .ring = try->ring };
		enum run_result result;

		fake_init(&fake);
		fake.launch = soft_engine_launch;
		soft_engine.switch_every = try->every;
		soft_engine.switches = 0;
		result = run_line(try->line, &run);
		tap(result == try->want && run.verified == !try->want &&
		    !fake.live && !fake.mapped &&
		    (!try->every || soft_engine.switches >= 100),
		    "%s%s: %lu switches, %s", try->line,
		    try->ring ? " (ring)" : "", soft_engine.switches,
		    result ? run.message : "verified");
		fake_destroy(&fake);
	}
}

/* What never ends is ended, and says what it did. */
static void test_endless(void)
{
	struct run run = { .repeat = 1 };
	struct run other = { .repeat = 1 };

	fake_init(&fake);
	fake.launch = soft_engine_launch;
	soft_engine = (struct soft_engine){ .give_up = 1000000 };
	tap(run_line("spin", &run) == RUN_TIMEOUT &&
	    strncmp(run.result, "counted to 0", 12) && !soft_engine.nopreempt,
	    "spin: %s, %s", run.result, run.message);
	tap(run_line("spin-nopreempt", &other) == RUN_TIMEOUT &&
	    soft_engine.nopreempt, "spin-nopreempt: %s", other.message);
	soft_engine.give_up = 0;
	fake_destroy(&fake);
}

static void fault(const char *symbol, uint64_t va, uint32_t access,
		  const char *what)
{
	struct vgpu_launch launch = { 0 };
	struct vgpu_kernel *kernel = NULL;
	struct vgpu_queue *queue = NULL;
	struct vgpu_ctx *ctx = NULL;
	struct vgpu_bo *bo = NULL;
	struct vgpu_vm *vm = NULL;
	struct fault_args *args;
	struct vgpu_dev *dev;
	char path[4096];
	int ret;

	snprintf(path, sizeof(path), "%s/fault.elf", folder);
	fake_init(&fake);
	fake.launch = soft_engine_launch;
	soft_engine = (struct soft_engine){ 0 };
	ret = fake_open(&fake, &dev);
	if (!ret)
		ret = vgpu_vm_create(dev, &vm);
	if (!ret)
		ret = vgpu_ctx_create(vm, 0, &ctx);
	if (!ret)
		ret = vgpu_queue_create(ctx, NULL, &queue);
	if (!ret)
		ret = vgpu_kernel_load(vm, path, &kernel);
	if (!ret)
		ret = vgpu_kernel_entry(kernel, symbol, &launch.entry);
	if (!ret)
		ret = vgpu_alloc(vm, 4096, VGPU_PROT_READ | VGPU_PROT_WRITE, 0,
				 &bo);
	if (ret) {
		tap(false, "%s: %s", symbol, vgpu_error());
		return;
	}
	args = bo->cpu;
	args->va = va ? va : bo->va + 64;
	launch.args_va = bo->va;
	ret = vgpu_launch(queue, &launch, 0);
	if (!ret)
		ret = vgpu_queue_finish(queue, 0);
	if (access)
		tap(ret == -EFAULT && !args->reached &&
		    soft_engine.fault_va == args->va &&
		    soft_engine.fault_access == access, "%s %s faults", symbol,
		    what);
	else
		tap(!ret && args->reached == 1, "%s %s goes well", symbol, what);
	vgpu_queue_destroy(queue);
	vgpu_kernel_destroy(kernel);
	vgpu_bo_destroy(bo);
	vgpu_ctx_destroy(ctx);
	vgpu_vm_destroy(vm);
	vgpu_close(dev);
	fake_destroy(&fake);
}

static void test_faults(void)
{
	fault("fault_read", 0, 0, "of a buffer");
	fault("fault_write", 0, 0, "of a buffer");
	fault("fault_read", 0x123456000, VGPU_PROT_READ, "of nothing");
	fault("fault_write", 0x40000000, VGPU_PROT_WRITE, "of code");
	fault("fault_exec", 0, VGPU_PROT_EXEC, "of a buffer");
	fault("fault_exec", 0x10000, VGPU_PROT_EXEC, "of nothing");
}

/* A picture that has a little of everything. */
static bool make_picture(void)
{
	FILE *file;
	int fd, out;

	strcpy(picture, "/tmp/vgpu-picture-XXXXXX");
	strcpy(written, "/tmp/vgpu-written-XXXXXX");
	fd = mkstemp(picture);
	out = mkstemp(written);
	file = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!file || out < 0)
		return false;
	close(out);
	fputs("P5\n# with a comment\n67 41\n255\n", file);
	for (unsigned int i = 0; i < 67 * 41; i++)
		putc((int)(i * i / 7 ^ i >> 3) & 0xff, file);
	return !fclose(file);
}

int main(int argc, char **argv)
{
	tap_start();
	folder = argc > 1 ? argv[1] : "";
	if (!make_picture()) {
		tap(false, "no temporary files");
		return tap_end();
	}
	test_tries();
	test_endless();
	test_faults();
	unlink(picture);
	unlink(written);
	soft_engine_free();
	return tap_end();
}
