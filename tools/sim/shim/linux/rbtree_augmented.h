/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_RBTREE_AUGMENTED_H
#define _SHIM_RBTREE_AUGMENTED_H

#include <linux/rbtree.h>

#define RB_DECLARE_CALLBACKS(rbstatic, rbname, rbstruct, rbfield,	\
			     rbaugmented, rbcompute)			\
_Static_assert(offsetof(rbstruct, rbaugmented), "its node comes first");	\
static bool rbname ## _update(struct rb_node *node, bool exit)		\
{									\
	return rbcompute(rb_entry(node, rbstruct, rbfield), exit);	\
}									\
rbstatic const struct rb_augment_callbacks rbname = {			\
	.update = rbname ## _update,					\
}

#endif
