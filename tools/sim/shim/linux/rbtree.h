/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's tree interface over a treap: its shape differs from that of a
 * red-black tree, the order of what is in it does not.  A node's heap key is
 * a hash of its address.
 */
#ifndef _SHIM_RBTREE_H
#define _SHIM_RBTREE_H

#include <linux/kernel.h>

struct rb_node {
	struct rb_node *parent, *rb_left, *rb_right;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT			((struct rb_root){ NULL })
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->parent = parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

/* update() recomputes a node from its children; true: nothing changed. */
struct rb_augment_callbacks {
	bool (*update)(struct rb_node *node, bool exit);
};

/*
 * Nodes that were allocated in a row are evenly spaced: after one multiplication
 * only, so are the keys, and the tree can be as deep as it has nodes.  Mixed as
 * in MurmurHash3's finalizer (A. Appleby, public domain) they are as good as
 * random.
 */
static inline u64 shim_rb_key(const struct rb_node *node)
{
	u64 x = (uintptr_t)node;

	x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
	x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
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
	if (augment) {
		augment->update(parent, false);
		augment->update(node, false);
	}
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
	for (; up && augment; up = up->parent)
		augment->update(up, false);
}

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, NULL);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, NULL);
}

#endif
