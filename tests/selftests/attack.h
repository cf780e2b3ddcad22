/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one tenant may try on another.  Each attack is tried for real and says
 * what became of it; used by the isolation tests and by the demonstration.
 */
#ifndef VGPU_SELFTESTS_ATTACK_H
#define VGPU_SELFTESTS_ATTACK_H

#include "gpu.h"

/**
 * struct attack - one way to reach for the neighbour
 * @name: in words
 * @try: returns whether it was refused; @how says what happened, in words
 */
struct attack {
	const char *name;
	bool (*try)(struct gpu *attacker, struct gpu *victim, char *how,
		    size_t bytes);
};

extern const struct attack attacks[];
extern const unsigned int attack_count;

/* The victim's secret: made before the attacks, and checked behind them. */
struct vgpu_bo *attack_secret(struct gpu *victim);
bool attack_unharmed(struct gpu *victim, const struct vgpu_bo *secret);

#endif /* VGPU_SELFTESTS_ATTACK_H */
