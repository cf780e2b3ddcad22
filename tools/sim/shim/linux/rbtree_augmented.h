/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_RBTREE_AUGMENTED_H
#define _SHIM_RBTREE_AUGMENTED_H

#include <linux/rbtree.h>

/* update() recomputes a node from its children; true: nothing changed. */
struct rb_augment_callbacks {
	bool (*update)(struct rb_node *node, bool exit);
};

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

static inline u64 shim_rb_key(const struct rb_node *node)
{
	u64 x = (u64)(uintptr_t)node * 0x9e3779b97f4a7c15ULL;

	return x ^ (x >> 29);
}

/* @node takes its parent's place, the parent becomes its child. */
static inline void shim_rb_raise(struct rb_node *node, struct rb_root *root,
				 const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent = node->parent, *up = parent->parent, *moved;

	if (parent->rb_left == node) {
		moved = node->rb_right;
		parent->rb_left = moved;
		node->rb_right = parent;
	} else {
		moved = node->rb_left;
		parent->rb_right = moved;
		node->rb_left = parent;
	}
	if (moved)
		moved->parent = parent;
	parent->parent = node;
	node->parent = up;
	if (!up)
		root->rb_node = node;
	else if (up->rb_left == parent)
		up->rb_left = node;
	else
		up->rb_right = node;
	augment->update(parent, false);
	augment->update(node, false);
}

static inline void rb_insert_augmented(struct rb_node *node,
				       struct rb_root *root,
				       const struct rb_augment_callbacks *augment)
{
	while (node->parent && shim_rb_key(node) > shim_rb_key(node->parent))
		shim_rb_raise(node, root, augment);
}

static inline void rb_erase_augmented(struct rb_node *node,
				      struct rb_root *root,
				      const struct rb_augment_callbacks *augment)
{
	struct rb_node *up;

	while (node->rb_left || node->rb_right) {
		struct rb_node *left = node->rb_left, *right = node->rb_right;

		if (!right || (left && shim_rb_key(left) > shim_rb_key(right)))
			shim_rb_raise(left, root, augment);
		else
			shim_rb_raise(right, root, augment);
	}
	up = node->parent;
	if (!up)
		root->rb_node = NULL;
	else if (up->rb_left == node)
		up->rb_left = NULL;
	else
		up->rb_right = NULL;
	for (; up; up = up->parent)
		augment->update(up, false);
}

#endif
