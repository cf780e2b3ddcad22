// SPDX-License-Identifier: GPL-2.0
/*
 * Measures switches of contexts when it is loaded.  The results are in debugfs,
 * vgpu_ctxbench: tests/bench/ctx reads and judges them.  The clock is ktime;
 * with "scripts/vm run --icount" that counts instructions.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include "bench.h"

MODULE_DESCRIPTION("vgpu: benchmarks of switching contexts");
MODULE_LICENSE("GPL");

#define MAX_RESULTS	256

static struct {
	char key[48];
	u64 value;
} results[MAX_RESULTS];
static unsigned int nr_results;
static struct dentry *file;

void cb_result(u64 value, const char *key, ...)
{
	va_list args;

	if (WARN_ON_ONCE(nr_results == MAX_RESULTS))
		return;
	va_start(args, key);
	vscnprintf(results[nr_results].key, sizeof(results[0].key), key, args);
	va_end(args);
	results[nr_results++].value = value;
}

static int results_show(struct seq_file *s, void *unused)
{
	unsigned int i;

	for (i = 0; i < nr_results; i++)
		seq_printf(s, "%s %llu\n", results[i].key, results[i].value);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

static int __init bench_init(void)
{
	int err;

	err = cb_cost();
	if (!err)
		err = cb_mixes();
	if (!err)
		file = debugfs_create_file("vgpu_ctxbench", 0400, NULL, NULL,
					   &results_fops);
	return err;
}

static void __exit bench_exit(void)
{
	debugfs_remove(file);
}

module_init(bench_init);
module_exit(bench_exit);
