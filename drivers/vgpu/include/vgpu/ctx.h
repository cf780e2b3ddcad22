/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ctx/ offers the core: the saved state of one context on one engine,
 * in sections, and the order in which they are saved and restored.
 *
 * Only what changed is saved; an engine that still holds a context gets no
 * restore.  The caller serialises calls for one engine and for one state
 * (it holds the engine's lock).
 */
#ifndef _VGPU_CTX_H
#define _VGPU_CTX_H

#include <vgpu/backend.h>

/**
 * struct vgpu_ctx_stats - what switching cost; monotonic
 * @saves: times state was saved
 * @loads: times state was restored
 * @bytes_saved: copied out of engines
 * @bytes_loaded: copied back
 * @sections_skipped: sections that were clean at a save
 * @save_ns: CPU time of saves
 * @load_ns: CPU time of restores
 */
struct vgpu_ctx_stats {
	u64 saves;
	u64 loads;
	u64 bytes_saved;
	u64 bytes_loaded;
	u64 sections_skipped;
	u64 save_ns;
	u64 load_ns;
};

/**
 * struct vgpu_ctx_state - saved state; embed it, fields are ctx/'s
 * @valid: sections that hold something
 */
struct vgpu_ctx_state {
	u32 valid;
	u32 used[VGPU_SEC_COUNT];
	u32 size[VGPU_SEC_COUNT];
	void *data[VGPU_SEC_COUNT];
	struct vgpu_ctx_stats stats;
};

/* Process context; memory is charged to the caller's memcg. */
int vgpu_ctx_state_init(struct vgpu_ctx_state *st,
			const u32 section_bytes[VGPU_SEC_COUNT]);
void vgpu_ctx_state_fini(struct vgpu_ctx_state *st);
/* Nothing saved any more (the job ended). Atomic. */
void vgpu_ctx_state_drop(struct vgpu_ctx_state *st);
/* Total bytes of saved state now. */
u64 vgpu_ctx_state_bytes(const struct vgpu_ctx_state *st);

/* Atomic, engine stopped: dirty sections go from the engine to @st. */
void vgpu_ctx_save(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine);
/* Atomic, engine stopped and cleared: all of @st goes to the engine. */
void vgpu_ctx_load(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine);

#endif /* _VGPU_CTX_H */
