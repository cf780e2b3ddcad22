// SPDX-License-Identifier: GPL-2.0
/*
 * Two tenants, five attacks: prints what became of each, for people.  The
 * isolation test does the same for machines.
 */
#include <stdio.h>

#include "attack.h"

int main(void)
{
	struct gpu attacker, victim;
	struct vgpu_bo *secret;
	unsigned int i, bad = 0;
	char how[256];

	gpu_new(&victim, 1, 0);
	gpu_new(&attacker, 1, 0);
	secret = attack_secret(&victim);
	printf("v%u holds a secret, v%u is after it\n", victim.vgpu.id,
	       attacker.vgpu.id);
	for (i = 0; i < attack_count; i++) {
		bool refused = attacks[i].try(&attacker, &victim, how,
					      sizeof(how));

		refused &= attack_unharmed(&victim, secret);
		printf("%s %s\n         %s\n",
		       refused ? "refused:" : "ALLOWED:", attacks[i].name, how);
		fflush(stdout);
		bad += !refused;
	}
	return bad ? 1 : 0;
}
