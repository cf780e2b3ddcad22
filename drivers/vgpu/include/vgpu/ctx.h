/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ctx/ offers the core: the saved state of one context on one engine,
 * in sections, and how an engine gets from one context to the next.
 *
 * The caller serialises calls for one engine and for the states that belong on
 * it (it holds the engine's lock).
 */
#ifndef _VGPU_CTX_H
#define _VGPU_CTX_H

#include <linux/sizes.h>
#include <vgpu/backend.h>
#include <vgpu/ctx_switch.h>

/**
 * struct vgpu_ctx_stats - what switching cost; monotonic
 * @saves: times state was saved
 * @loads: times state was restored
 * @bytes_saved: copied out of engines
 * @bytes_loaded: copied back
 * @bytes_skipped: neither, since they were the same
 * @sections_skipped: sections that were clean at a save
 * @fallbacks: sections that were saved in one piece, since over half changed
 * @oversized: sections of which an engine saved more than there can be
 * @save_ns: CPU time of saves
 * @load_ns: CPU time of restores
 */
struct vgpu_ctx_stats {
	u64 saves;
	u64 loads;
	u64 bytes_saved;
	u64 bytes_loaded;
	u64 bytes_skipped;
	u64 sections_skipped;
	u64 fallbacks;
	u64 oversized;
	u64 save_ns;
	u64 load_ns;
};

/**
 * struct vgpu_ctx_state - saved state; embed it, fields are ctx/'s
 * @valid: sections that hold something
 * @used: bytes in each of them
 * @size: largest size of each
 * @data: the bytes
 * @in_blocks: valid sections of which the backend knows blocks
 * @held: of a section that may have blocks: those that @data holds; the others
 *	are zero, whatever @data has there
 * @changed: likewise: room for what the backend says
 * @stats: figures
 */
struct vgpu_ctx_state {
	u32 valid;
	u32 in_blocks;
	u32 used[VGPU_SEC_COUNT];
	u32 size[VGPU_SEC_COUNT];
	void *data[VGPU_SEC_COUNT];
	unsigned long *held[VGPU_SEC_COUNT];
	unsigned long *changed[VGPU_SEC_COUNT];
	struct vgpu_ctx_stats stats;
};

/*
 * Process context; memory is charged to the caller's memcg. @caps: VGPU_HW_* of
 * the GPU. 0 or -ENOMEM.
 */
int vgpu_ctx_state_init(struct vgpu_ctx_state *st, u64 caps,
			const u32 section_bytes[VGPU_SEC_COUNT]);
void vgpu_ctx_state_fini(struct vgpu_ctx_state *st);
/* Nothing saved any more (the job ended). Atomic. */
void vgpu_ctx_state_drop(struct vgpu_ctx_state *st);
/* Total bytes of saved state now. */
u64 vgpu_ctx_state_bytes(const struct vgpu_ctx_state *st);

/*
 * Serialised with save and load. A part of section @sec that is saved, as one piece:
 * what memory does not hold of it is zero.
 */
void vgpu_ctx_state_read(const struct vgpu_ctx_state *st, unsigned int sec,
			 u32 offset, void *to, u32 bytes);
/*
 * Instead of anything saved: @used bytes of section @sec, all zero, for
 * vgpu_ctx_state_write(). -EINVAL: larger than it can be.
 */
int vgpu_ctx_state_begin(struct vgpu_ctx_state *st, unsigned int sec, u32 used);
/* A part of it. -EINVAL: not within what was begun. */
int vgpu_ctx_state_write(struct vgpu_ctx_state *st, unsigned int sec,
			 u32 offset, const void *from, u32 bytes);

/*
 * Atomic, engine stopped: what changed, or @all, goes from the engine to @st.
 */
void vgpu_ctx_save(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine, bool all);
/* Atomic, engine stopped and cleared: all of @st goes to the engine. */
void vgpu_ctx_load(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine);

/**
 * struct vgpu_ctx_cursor - how far state has been loaded
 * @sections: those done
 * @block: of the next one
 */
struct vgpu_ctx_cursor {
	unsigned int sections;
	unsigned int block;
};

/*
 * Likewise, but only the next part: a section, or as many blocks of one as
 * make VGPU_CTX_STEP_BYTES. false: that was the last.
 */
#define VGPU_CTX_STEP_BYTES	SZ_64K
bool vgpu_ctx_load_step(struct vgpu_ctx_state *st,
			const struct vgpu_backend_ops *ops, void *hw,
			unsigned int engine, struct vgpu_ctx_cursor *at);

/**
 * struct vgpu_switch - an engine, as far as switching goes
 * @ops: of its backend
 * @hw: handed to @ops
 * @engine: its number
 * @modes: VGPU_SWITCH_*
 * @spare: whose state is in the spare bank, or on its way there, or NULL
 * @at: how far it has got
 * @ready: it is all there
 * @kept: it is there since it ran last, not because somebody loaded it
 * @stats: figures
 */
struct vgpu_switch {
	const struct vgpu_backend_ops *ops;
	void *hw;
	unsigned int engine;
	u32 modes;
	struct vgpu_ctx_state *spare;
	struct vgpu_ctx_cursor at;
	bool ready;
	bool kept;
	struct vgpu_switch_stats stats;
};

/* The modes that a GPU with @caps, VGPU_HW_*, has. */
u32 vgpu_switch_can(u64 caps);
/* Atomic: from now on. */
void vgpu_switch_set_modes(struct vgpu_switch *sw, u32 modes);
void vgpu_switch_init(struct vgpu_switch *sw,
		      const struct vgpu_backend_ops *ops, void *hw,
		      unsigned int engine, u32 modes);
/*
 * All atomic, engine stopped.  @out: state of the context that is midway in the
 * engine, or NULL: nothing there is worth keeping.
 */
/* Saved, and nobody comes instead for now. */
void vgpu_switch_out(struct vgpu_switch *sw, struct vgpu_ctx_state *out);
/* Then @ctx is in the engine, with what @in has saved, or (NULL) afresh. */
enum vgpu_switch_kind vgpu_switch_to(struct vgpu_switch *sw,
				     struct vgpu_ctx_state *out,
				     struct vgpu_ctx_state *in,
				     const struct vgpu_hw_ctx *ctx);
/* @ctx, which is midway in the engine with state @st, runs next as well. */
enum vgpu_switch_kind vgpu_switch_stay(struct vgpu_switch *sw,
				       struct vgpu_ctx_state *st,
				       const struct vgpu_hw_ctx *ctx);
/*
 * Atomic, the engine may run: the next part of @st, saved state of the context
 * @ctx that is likely next, goes to the spare bank. false: there is no more to
 * do.
 */
bool vgpu_switch_preload(struct vgpu_switch *sw, struct vgpu_ctx_state *st,
			 const struct vgpu_hw_ctx *ctx);
/* Atomic, stopped: the engine is cleared, and its spare bank. */
void vgpu_switch_wipe(struct vgpu_switch *sw);
/* Atomic: what @st has saved is about to go, or (NULL) all that is in the bank. */
void vgpu_switch_forget(struct vgpu_switch *sw,
			const struct vgpu_ctx_state *st);
/* The engine has lost all it held. */
void vgpu_switch_lost(struct vgpu_switch *sw);
void vgpu_switch_stats_add(struct vgpu_switch_stats *to,
			   const struct vgpu_switch_stats *from);

#endif /* _VGPU_CTX_H */
