/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the engines of a GPU switch contexts: what can be chosen, and figures.
 */
#ifndef _VGPU_CTX_SWITCH_H
#define _VGPU_CTX_SWITCH_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * What can be left out of a switch, each by itself; bits.  Without any, a switch
 * saves all that there is of a context, clears the engine, and loads all of the
 * next.
 */
#define VGPU_SWITCH_INCREMENTAL	BIT(0)	/* saves and loads what differs */
#define VGPU_SWITCH_LAZY	BIT(1)	/* leaves who runs next in place */
#define VGPU_SWITCH_PREDICTED	BIT(2)	/* loads who is likely beforehand */
#define VGPU_SWITCH_ALL		(VGPU_SWITCH_INCREMENTAL | VGPU_SWITCH_LAZY | \
				 VGPU_SWITCH_PREDICTED)

/**
 * enum vgpu_switch_kind - how an engine got from one context to the next
 * @VGPU_SWITCHED_BARE: nothing midway on either side: it was only cleared
 * @VGPU_SWITCHED_FULL: with a save of all, or of all of a section that has
 *	blocks, over half of which had changed
 * @VGPU_SWITCHED_INCREMENTAL: only what differs was moved
 * @VGPU_SWITCHED_LAZY: it went on with what it had, midway
 * @VGPU_SWITCHED_PREDICTED: the next one was in the spare bank
 * @VGPU_SWITCH_KINDS: how many
 */
enum vgpu_switch_kind {
	VGPU_SWITCHED_BARE,
	VGPU_SWITCHED_FULL,
	VGPU_SWITCHED_INCREMENTAL,
	VGPU_SWITCHED_LAZY,
	VGPU_SWITCHED_PREDICTED,
	VGPU_SWITCH_KINDS
};

/**
 * struct vgpu_switch_stats - of an engine, or of a GPU; monotonic
 * @kind: switches, enum vgpu_switch_kind
 * @bytes_saved: copied out
 * @bytes_loaded: copied in
 * @bytes_skipped: neither, since they were the same
 * @preloads: contexts that were loaded to the spare bank, or begun to be
 * @preloads_wasted: of them, given up for another
 * @guess_hits: changes of context that were foreseen
 * @guess_misses: those that were not, though there was a guess
 */
struct vgpu_switch_stats {
	u64 kind[VGPU_SWITCH_KINDS];
	u64 bytes_saved;
	u64 bytes_loaded;
	u64 bytes_skipped;
	u64 preloads;
	u64 preloads_wasted;
	u64 guess_hits;
	u64 guess_misses;
};

#endif /* _VGPU_CTX_SWITCH_H */
