// SPDX-License-Identifier: GPL-2.0
/*
 * A module that does wrong on request, to prove that the test machine notices:
 * a detector that is never seen to detect may as well be off.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *how = "";
module_param(how, charp, 0);
MODULE_PARM_DESC(how, "warn, oops, panic, hang, uaf, bounds, leak, sleep or order");

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static noinline void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	WRITE_ONCE(p[8], 1);
}

static noinline int out_of_bounds(void)
{
	static int table[4];
	int index = 7;

	OPTIMIZER_HIDE_VAR(index);
	return table[index];
}

static noinline void leak(void)
{
	int i;

	/* registers and stacks may still point to the last ones */
	for (i = 0; i < 32; i++) {
		void *p = kmalloc(4096, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	msleep(20);
	spin_unlock(&spin);
}

static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static int __init faulty_init(void)
{
	if (!strcmp(how, "warn"))
		WARN(1, "faulty: as asked\n");
	else if (!strcmp(how, "oops"))
		WRITE_ONCE(*(int *)0x10, 1);
	else if (!strcmp(how, "panic"))
		panic("faulty: as asked");
	else if (!strcmp(how, "hang"))
		for (;;)
			cpu_relax();
	else if (!strcmp(how, "uaf"))
		use_after_free();
	else if (!strcmp(how, "bounds"))
		pr_info("faulty: %d\n", out_of_bounds());
	else if (!strcmp(how, "leak"))
		leak();
	else if (!strcmp(how, "sleep"))
		sleep_in_atomic();
	else if (!strcmp(how, "order"))
		lock_order();
	else if (strcmp(how, "nothing"))
		return -EINVAL;
	return 0;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_DESCRIPTION("Misbehaves on request");
MODULE_LICENSE("GPL");
