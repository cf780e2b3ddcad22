// SPDX-License-Identifier: GPL-2.0
/* struct mdev_type lost its groups for pretty_name in 6.2 (6.1 has it, too, by
 * a backport in some distributions).
 */
#include <linux/mdev.h>

const char *probe(struct mdev_type *type);
const char *probe(struct mdev_type *type)
{
	return type->pretty_name;
}
