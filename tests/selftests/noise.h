/* SPDX-License-Identifier: GPL-2.0 */
/* Random calls, rings and doorbells on a client of its own. */
#ifndef VGPU_SELFTESTS_NOISE_H
#define VGPU_SELFTESTS_NOISE_H

#include "st.h"

/*
 * One life: open, be a nuisance, close.  Counts what was asked for, and what of it
 * was granted; when the vGPU cannot be opened, nothing is.
 */
void noise_life(const struct st_vgpu *vgpu, unsigned int calls, bool scribble,
		uint64_t *did, uint64_t *good);

#endif /* VGPU_SELFTESTS_NOISE_H */
