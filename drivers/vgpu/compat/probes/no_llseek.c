// SPDX-License-Identifier: GPL-2.0
/* no_llseek is gone since 6.12: leaving .llseek empty means the same. */
#include <linux/fs.h>

const struct file_operations probe_fops = {
	.llseek = no_llseek,
};
